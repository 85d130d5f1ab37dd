//! The command line.

use std::path::{Path, PathBuf};

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;

use crate::Outcome;

/// The case that takes a minute by itself.
pub(crate) const NOT_BY_DEFAULT: &str = "lost-million";

pub(crate) const HELP: &str = "\
What an exchange costs, beside the bare system calls and other ways to do it.

  --case NAME       only this case; may be repeated. Default: all but `lost-million`
  --rounds N        how many rounds the contenders take turns in (default 15)
  --quick           few and short rounds: to see that it runs, not to believe the figures
  --output DIR      where results.txt and chart.svg go (default: results/ beside this package's Cargo.toml; with --case
                    or --quick nothing is written unless this is given)
  --readme FILE     also put the most telling figures into FILE, between the marks there
  --list            the names of the cases
  --help
";

#[derive(Debug)]
pub(crate) struct Options {
    /// None: all.
    pub(crate) cases: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) output: Option<String>,
    pub(crate) readme: Option<PathBuf>,
    pub(crate) action: Action,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Measure,
    Help,
    List,
    /// Hidden: exchanges and nothing else, for strace and callgrind.
    Repeat {
        name: String,
        exchanges: usize,
    },
    /// Hidden: the server's process of a case with two.
    Serve {
        peer: String,
        address: String,
    },
}

impl Options {
    pub(crate) fn parse() -> Outcome<Self> {
        let mut rounds = None;
        let mut options =
            Self { cases: Vec::new(), rounds: 0, quick: false, output: None, readme: None, action: Action::Measure };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("case") => options.cases.push(parser.value()?.string()?),
                Long("rounds") => rounds = Some(parser.value()?.parse()?),
                Long("quick") => options.quick = true,
                Long("output") => options.output = Some(parser.value()?.string()?),
                Long("readme") => options.readme = Some(parser.value()?.into()),
                Long("list") => options.action = Action::List,
                Long("help") | Short('h') => options.action = Action::Help,
                Long("repeat") => {
                    let name = parser.value()?.string()?;
                    options.action = Action::Repeat { name, exchanges: parser.value()?.parse()? };
                }
                Long("serve") => {
                    let peer = parser.value()?.string()?;
                    options.action = Action::Serve { peer, address: parser.value()?.string()? };
                }
                Value(_) | Short(_) | Long(_) => return Err(argument.unexpected().into()),
            }
        }
        options.rounds = rounds.unwrap_or(if options.quick { 3 } else { 15 }).max(1);
        Ok(options)
    }

    /// How many exchanges a round has, of a case that usually has that many.
    pub(crate) fn exchanges(&self, usual: usize) -> usize {
        if self.quick { usual.div_ceil(10) } else { usual }
    }

    pub(crate) fn wants(&self, case: &str) -> bool {
        if self.cases.is_empty() { case != NOT_BY_DEFAULT } else { self.cases.iter().any(|wanted| wanted == case) }
    }

    /// The directory that the results are written into, if they are.
    pub(crate) fn output(&self) -> Option<PathBuf> {
        let full = self.cases.is_empty() && !self.quick;
        let usual = full.then(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("results"));
        self.output.as_ref().map(PathBuf::from).or(usual)
    }
}
