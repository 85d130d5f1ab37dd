//! A flood of new clients: what one call does is bounded, and a client that is served already hardly notices.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::{Client, IpcServer};

use crate::Outcome;
use crate::command::{ADD, Command, Daemon};
use crate::measure::{Figures, micros, quantile};
use crate::options::Options;
use crate::report::{Goal, Section, Table, number};
use crate::scratch::Scratch;

/// As many as the backlog holds, less some.
const WAITING: usize = 1000;

pub(crate) fn section(options: &Options) -> Outcome<Section> {
    let (honest, ratio) = honest_client(options)?;
    let goal = Goal::new("flood: p99 of an honest client, x quiet", ratio, 3.0);
    Ok(Section { tables: vec![one_call(options)?, honest], panel: None, goals: vec![goal] })
}

/// How long one call takes while 1,000 silent clients wait to be accepted, and how many of them it turns to.
fn one_call(options: &Options) -> Outcome<Table> {
    let mut table = Table::new(
        "Flood: one call while 1,000 silent clients wait to be accepted",
        &["accepted", "median µs", "max", "µs per client"],
    );
    for (name, budget) in [("budget 16", 16), ("budget 64", 64), ("budget 256", 256), ("budget 2,048", 2048)] {
        let mut took = Vec::new();
        let mut accepted = 0;
        for _ in 0..options.rounds {
            let scratch = Scratch::new()?;
            let path = scratch.path("s");
            let mut server = IpcServer::<Command>::builder().work_per_call(budget).bind(&*path)?;
            let flood: Vec<_> = (0..WAITING).map(|_| UnixStream::connect(&path)).collect::<Result<_, _>>()?;
            let start = Instant::now();
            let handled = server.handle_new_messages(&mut Daemon::default())?;
            took.push(micros(start.elapsed()));
            accepted = handled.evicted + handled.pending;
            if accepted > budget {
                return Err(format!("{accepted} of a budget of {budget}").into());
            }
            drop(flood);
        }
        let median = quantile(&mut took, 0.5);
        let max = quantile(&mut took, 1.0);
        table.row(name, vec![accepted.to_string(), number(median), number(max), number(median / accepted as f64)]);
    }
    Ok(table)
}

/// An honest client's exchanges on a kept connection, with and without a thread that does nothing but connect.
fn honest_client(options: &Options) -> Outcome<(Table, f64)> {
    let mut quiet = (figures("quiet"), figures("quiet"));
    let mut flooded = (figures("flood"), figures("flood"));
    let mut flood_rate = Vec::new();
    for _ in 0..options.rounds {
        let (p50, p99, _) = round(options, false)?;
        quiet.0.rounds.push(p50);
        quiet.1.rounds.push(p99);
        let (p50, p99, rate) = round(options, true)?;
        flooded.0.rounds.push(p50);
        flooded.1.rounds.push(p99);
        flood_rate.push(rate);
    }
    let ratio = flooded.1.median() / quiet.1.median();
    let mut table = Table::new(
        "Flood: an honest client's exchange on a kept connection; three threads",
        &["p50 µs", "p99 µs", "p99 min", "p99 max", "p99 x quiet", "connections/s"],
    );
    for ((p50, p99), rate) in [(&quiet, 0.0), (&flooded, quantile(&mut flood_rate, 0.5))] {
        let cells = [p50.median(), p99.median(), p99.min(), p99.max()].map(number).to_vec();
        let more = [format!("{:.2}", p99.median() / quiet.1.median()), format!("{rate:.0}")];
        table.row(p50.name, cells.into_iter().chain(more).collect());
    }
    Ok((table, ratio))
}

fn figures(name: &'static str) -> Figures {
    Figures { name, rounds: Vec::new() }
}

/// The median and the 99th percentile in µs, and how many others connected in a second.
fn round(options: &Options, flood: bool) -> Outcome<(f64, f64, f64)> {
    let scratch = Scratch::new()?;
    let path = scratch.path("s");
    let mut server =
        IpcServer::<Command>::builder().keep_open(true).connections::<64>().work_per_call(64).bind(&*path)?;
    let server = thread::spawn(move || {
        let mut daemon = Daemon::default();
        while !daemon.stopping {
            let served = server.wait(None).and_then(|_| server.handle_new_messages(&mut daemon));
            served.map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(())
    });
    let mut client = Client::connect(&*path)?;
    let over = AtomicBool::new(false);
    let connections = AtomicU64::new(0);
    let (latencies, took) = thread::scope(|scope| -> Outcome<_> {
        if flood {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // Whether it is let in is not its concern.
                    if UnixStream::connect(&path).is_ok() {
                        connections.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let patience = Instant::now() + Duration::from_secs(5);
        while flood && connections.load(Ordering::Relaxed) < 200 && Instant::now() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        connections.store(0, Ordering::Relaxed);
        let measured = honest(&mut client, options.exchanges(3000));
        over.store(true, Ordering::Relaxed);
        measured
    })?;
    client.call(&Command::Stop)?;
    server.join().map_err(|_| "the server panicked")??;
    let mut latencies = latencies;
    let rate = connections.into_inner() as f64 / took.as_secs_f64();
    Ok((quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99), rate))
}

fn honest(client: &mut Client, exchanges: usize) -> Outcome<(Vec<f64>, Duration)> {
    let begin = Instant::now();
    let mut latencies = Vec::with_capacity(exchanges);
    for _ in 0..exchanges {
        let start = Instant::now();
        client.call(&ADD)?;
        latencies.push(micros(start.elapsed()));
    }
    Ok((latencies, begin.elapsed()))
}
