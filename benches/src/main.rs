//! What an exchange costs, beside the bare system calls and other ways to do it. See README.md beside this package.

mod bare;
mod cases;
#[cfg(feature = "chart")]
mod chart;
mod codec;
mod command;
mod counts;
mod cpu;
mod measure;
mod one_thread;
mod options;
mod peers;
mod pipelined;
mod report;
mod results;
mod scratch;

use std::process::ExitCode;

use crate::options::{Action, HELP, Options};
use crate::report::Section;
use crate::results::Results;

/// Whatever goes wrong ends the measurement.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Counts what is allocated, and passes everything on to the system's allocator.
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// A case, by the name that `--case` takes.
type Case = (&'static str, fn(&Options) -> Outcome<Section>);

/// In the order in which they run.
const CASES: &[Case] = &[
    ("idle", cases::one_thread::idle),
    ("one-shot", cases::one_thread::one_shot),
    ("kept", cases::one_thread::kept),
    ("pipelined", cases::one_thread::pipelined),
    ("counts", |_| counts::section()),
    ("threads", cases::two_sides::threads),
    ("processes", cases::two_sides::processes),
    ("parked", cases::parked::section),
    ("flood", cases::flood::section),
    ("codec", codec::section),
    ("lost", |options| cases::two_sides::lost_of(options.exchanges(100_000))),
    (options::NOT_BY_DEFAULT, |_| cases::two_sides::lost_of(1_000_000)),
];

fn measure(options: &Options) -> Outcome {
    if let Some(unknown) = options.cases.iter().find(|wanted| !CASES.iter().any(|(name, _)| name == wanted)) {
        return Err(format!("no case is named {unknown}; see --list").into());
    }
    let mut results = Results::new(options.rounds);
    for (name, case) in CASES.iter().filter(|(name, _)| options.wants(name)) {
        results.add(case(options).map_err(|error| format!("{name}: {error}"))?);
    }
    results.end();
    if let Some(directory) = options.output() {
        results.write_to(&directory)?;
    }
    options.readme.as_ref().map_or(Ok(()), |readme| results.put_into(readme))
}

fn run() -> Outcome {
    let options = Options::parse()?;
    match &options.action {
        Action::Measure => measure(&options),
        Action::Help => {
            print!("{HELP}");
            Ok(())
        }
        Action::List => {
            CASES.iter().for_each(|(name, _)| println!("{name}"));
            Ok(())
        }
        Action::Repeat { name, exchanges } => counts::repeat(name, *exchanges),
        Action::Serve { peer, address } => cases::two_sides::serve(peer, address),
    }
}

fn main() -> ExitCode {
    if let Err(error) = run() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
