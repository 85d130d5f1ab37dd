//! What an exchange costs, beside the bare system calls and other ways to do it. See README.md beside this package.

mod bare;
mod cases;
mod codec;
mod command;
mod counts;
mod measure;
mod one_thread;
mod options;
mod peers;
mod pipelined;
mod report;
mod scratch;

use std::process::ExitCode;

use crate::cases::two_sides::Sides;
use crate::options::{Action, HELP, Options};
use crate::report::{Table, scene};

/// Whatever goes wrong ends the measurement.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Counts what is allocated, and passes everything on to the system's allocator.
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// A case, by the name that `--case` takes.
type Case = (&'static str, fn(&Options) -> Outcome<Vec<Table>>);

/// In the order in which they run.
const CASES: &[Case] = &[
    ("idle", |options| {
        let figures = cases::one_thread::idle(options)?;
        Ok(vec![Table::of_figures("A poll with nothing to do", &figures, &["epoll_wait(0)"])])
    }),
    ("one-shot", |options| {
        let figures = cases::one_thread::one_shot(options)?;
        Ok(vec![Table::of_figures("One-shot exchange, in one thread", &figures, &["floor", "published 0.3.2"])])
    }),
    ("kept", |options| {
        let figures = cases::one_thread::kept(options)?;
        Ok(vec![Table::of_figures("Exchange on a kept connection, in one thread", &figures, &["floor"])])
    }),
    ("pipelined", |options| {
        let [both, server] = cases::one_thread::pipelined(options)?;
        Ok(vec![
            Table::of_figures("32 commands in one send, in one thread; per command", &both, &["floor"]),
            Table::of_figures("The same, the server's part alone", &server, &["floor"]),
        ])
    }),
    ("counts", |_| counts::tables()),
    ("parked", cases::parked::tables),
    ("flood", |options| Ok(vec![cases::flood::one_call(options)?, cases::flood::honest_client(options)?.0])),
    ("codec", codec::tables),
    ("threads", |options| {
        let summaries = cases::two_sides::all(options, Sides::Threads)?;
        Ok(vec![cases::two_sides::table("Two threads", &summaries)])
    }),
    ("processes", |options| {
        let summaries = cases::two_sides::all(options, Sides::Processes)?;
        Ok(vec![cases::two_sides::table("Two processes", &summaries)])
    }),
];

fn measure(options: &Options) -> Outcome {
    if let Some(unknown) = options.cases.iter().find(|wanted| !CASES.iter().any(|(name, _)| name == wanted)) {
        return Err(format!("no case is named {unknown}; see --list").into());
    }
    println!("{}\n", scene());
    for (name, case) in CASES {
        if !options.wants(name) {
            continue;
        }
        for table in case(options)? {
            println!("{table}");
        }
    }
    Ok(())
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
