//! Exact counts, which no other job on the machine disturbs: system calls, instructions in user space, allocations.
//!
//! strace and callgrind run this program again with the hidden option `--repeat`, which makes exchanges and nothing else.

use std::process::{Command, Stdio};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use crate::Outcome;
use crate::one_thread::{exchange, marked};
use crate::peers::ahead::Ahead;
use crate::peers::floor::Floor;
use crate::peers::ours::{Ours, Session};
use crate::peers::published::Published;
use crate::peers::{Connection, OneThread};
use crate::report::{Goal, Highlight, Section, Table};
use crate::scratch::Scratch;

/// What is counted, by the name that `--repeat` takes.
const SUBJECTS: [&str; 7] = [
    "ours-one-shot",
    "session-one-shot",
    "floor-one-shot",
    "published-one-shot",
    "ours-kept",
    "session-kept",
    "floor-kept",
];

/// This crate's own clients.
const CLIENTS: [&str; 2] = ["call", "client"];

/// Something to be done with whichever subject.
trait Work {
    type Output;
    fn with<T: OneThread>(self, subject: T) -> Outcome<Self::Output>;
}

fn with<W: Work>(name: &str, work: W) -> Outcome<W::Output> {
    let scratch = Scratch::new()?;
    let path = scratch.path("s");
    match name {
        "ours-one-shot" => work.with(Ours::new(&path, Connection::OneShot)?),
        "ours-kept" => work.with(Ours::new(&path, Connection::Kept)?),
        "session-one-shot" => work.with(Session::new(&path, Connection::OneShot)?),
        "session-kept" => work.with(Session::new(&path, Connection::Kept)?),
        "floor-one-shot" => work.with(Floor::new(&path, Connection::OneShot)?),
        "floor-kept" => work.with(Floor::new(&path, Connection::Kept)?),
        "published-one-shot" => work.with(Published::new(&path)?),
        "call" => work.with(Ahead::new(&path, Connection::OneShot)?),
        "client" => work.with(Ahead::new(&path, Connection::Kept)?),
        _ => Err(format!("nothing is named {name}").into()),
    }
}

struct Repeat {
    exchanges: usize,
    /// Whether to put a system call between the parts of each.
    marked: bool,
}

impl Work for Repeat {
    type Output = ();

    fn with<T: OneThread>(self, mut subject: T) -> Outcome {
        if self.marked {
            marked(&mut subject, self.exchanges)
        } else {
            exchange(&mut subject, self.exchanges).map(drop)
        }
    }
}

/// `--repeat NAME EXCHANGES`, or `marked:NAME`.
pub(crate) fn repeat(name: &str, exchanges: usize) -> Outcome {
    let unmarked = name.strip_prefix("marked:");
    with(unmarked.unwrap_or(name), Repeat { exchanges, marked: unmarked.is_some() })
}

struct Allocations {
    exchanges: usize,
}

impl Work for Allocations {
    type Output = usize;

    fn with<T: OneThread>(self, mut subject: T) -> Outcome<usize> {
        // The first one may set up what is kept.
        exchange(&mut subject, 1)?;
        let region = Region::new(INSTRUMENTED);
        exchange(&mut subject, self.exchanges)?;
        let stats = region.change();
        Ok(stats.allocations + stats.reallocations)
    }
}

static INSTRUMENTED: &stats_alloc::StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// This program again, under a tool, making exchanges.
fn under(tool: &str, options: &[&str], name: &str, exchanges: usize) -> Outcome<String> {
    let output = Command::new(tool)
        .args(options)
        .arg(std::env::current_exe()?)
        .args(["--repeat", name, &exchanges.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{tool}: {error}; install it (apt-get install strace valgrind)"))?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(text) } else { Err(format!("{tool}: {}\n{text}", output.status).into()) }
}

/// The system calls of one exchange: of the client until it has sent, of the server, of the client from then on.
fn system_calls(name: &str) -> Outcome<[String; 3]> {
    let trace = under("strace", &["-qq"], &format!("marked:{name}"), 3)?;
    let calls: Vec<_> = trace.lines().filter_map(|line| line.split_once('(')).map(|(call, _)| call).collect();
    // Four marks for each exchange; the last of the three is as all that follow.
    let parts: Vec<_> = calls.split(|call| *call == "getppid").collect();
    let part = |from_last: usize| {
        let part = parts.len().checked_sub(1 + from_last).and_then(|index| parts.get(index));
        part.map(|calls| calls.join(" ")).ok_or_else(|| format!("strace shows nothing of {name}"))
    };
    Ok([part(3)?, part(2)?, part(1)?])
}

/// Instructions per exchange: what `more` exchanges take beyond `few`, so that start-up cancels. `options` are callgrind's.
fn instructions(name: &str, options: &[&str]) -> Outcome<f64> {
    const FEW: usize = 500;
    const MORE: usize = 1500;
    let collected = |exchanges| -> Outcome<f64> {
        let mut all = vec!["--tool=callgrind", "--callgrind-out-file=/dev/null"];
        all.extend(options);
        let said = under("valgrind", &all, name, exchanges)?;
        let count = said.lines().find_map(|line| line.split_once("Collected : "));
        Ok(count.ok_or_else(|| format!("callgrind says no count:\n{said}"))?.1.trim().parse::<f64>()?)
    };
    Ok((collected(MORE)? - collected(FEW)?) / (MORE - FEW) as f64)
}

const SERVER_ALONE: &[&str] = &["--collect-atstart=no", "--toggle-collect=*::server_serves*"];
/// What the server by hand does is toggled off again.
const CLIENT_ALONE: &[&str] =
    &["--collect-atstart=no", "--toggle-collect=*::client_sends*", "--toggle-collect=*::by_hand*"];

/// All counts. The goals are for both sides of an exchange in one thread.
pub(crate) fn section() -> Outcome<Section> {
    let mut calls = Table::new("System calls of the server for one exchange", &["calls", "names"]);
    let mut of_client = Table::new("System calls of the client", &["calls", "names"]);
    let mut instructed = Table::new(
        "Instructions in user space for one exchange, in one thread",
        &["both sides", "server", "allocations"],
    );
    let mut goals = Vec::new();
    let [mut one_shot, mut kept] = [const { [const { String::new() }; 3] }; 2];
    for name in SUBJECTS {
        let [before, server, after] = system_calls(name)?;
        calls.row(name, vec![server.split(' ').count().to_string(), server]);
        of_client
            .row(name, vec![(before.split(' ').count() + after.split(' ').count()).to_string(), before + " " + &after]);
        let allocations = with(name, Allocations { exchanges: 1000 })?;
        let both = instructions(name, &[])?;
        match name {
            "floor-one-shot" => one_shot[0] = format!("{both:.0}"),
            "published-one-shot" => one_shot[2] = format!("{both:.0}"),
            "floor-kept" => kept[0] = format!("{both:.0}"),
            "ours-one-shot" => goals.push(Goal::new("instructions of a one-shot exchange", both, 1000.0)),
            "ours-kept" => goals.push(Goal::new("instructions of an exchange on a kept connection", both, 600.0)),
            _ => {}
        }
        if name == "ours-one-shot" {
            one_shot[1] = format!("{both:.0}");
        }
        if name == "ours-kept" {
            kept[1] = format!("{both:.0}");
        }
        if name.starts_with("ours") {
            goals.push(Goal::new(format!("allocations, {name}"), allocations as f64, 0.0));
        }
        instructed.row(
            name,
            vec![
                format!("{both:.0}"),
                format!("{:.0}", instructions(name, SERVER_ALONE)?),
                format!("{}", allocations as f64 / 1000.0),
            ],
        );
    }
    let mut clients = Table::new(
        "This crate's own clients, whose reply is there when they ask for it",
        &["instructions", "allocations"],
    );
    for name in CLIENTS {
        let allocations = with(name, Allocations { exchanges: 1000 })?;
        clients.row(
            name,
            vec![format!("{:.0}", instructions(name, CLIENT_ALONE)?), format!("{}", allocations as f64 / 1000.0)],
        );
    }
    let highlights = vec![
        Highlight { what: "Instructions in user space, one-shot, both sides", cells: one_shot },
        Highlight { what: "Instructions in user space, kept, both sides", cells: kept },
    ];
    Ok(Section { tables: vec![calls, of_client, instructed, clients], panel: None, goals, highlights })
}
