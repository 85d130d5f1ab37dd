//! A flood of new clients: what one call does is bounded, and a client that is served already hardly notices.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::codec::Bincode;
use ipc_server::{Client, IpcServer};

use super::overtaken;
use crate::Outcome;
use crate::command::{ADD, Command, Daemon};
use crate::measure::{Figures, micros, quantile};
use crate::options::Options;
use crate::report::{Goal, Section, Table, number};
use crate::scratch::Scratch;

/// As many as the backlog holds, less some.
const WAITING: usize = 1000;

pub(crate) fn section(options: &Options) -> Outcome<Section> {
    let one_call = one_call(options)?;
    let overtaken = overtaken::measure(options)?;
    let (honest, goals) = honest_client(options)?;
    Ok(Section { tables: vec![one_call, overtaken, honest], goals, ..Section::default() })
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
            let mut server = IpcServer::<Command>::builder().bare().work_per_call(budget).bind(&*path)?;
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

/// What an honest client's exchanges on a kept connection meet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Quiet,
    /// Hundreds of connections are there at once, say nothing, and the server works through them.
    Burst,
    /// The same, and the server has a place for a part of them only. They take the honest client's place while it is idle; its
    /// next call connects anew and is behind them in the backlog.
    BurstBeyondTable,
    /// Another thread does nothing but connect. Then three threads want a core each, and on fewer cores the scheduler makes
    /// each of them wait for milliseconds, whatever the server does.
    Flood,
}

/// A server with a long table is moved over the stack while it is made.
const STACK: usize = 32 << 20;

const PATIENCE: Duration = Duration::from_secs(5);

/// Exchanges that are made after each burst, which the server needs longer for.
const AFTER_BURST: usize = 100;
const BURST: usize = 500;

fn honest_client(options: &Options) -> Outcome<(Table, Vec<Goal>)> {
    let kinds = [
        ("quiet", Weather::Quiet),
        ("burst", Weather::Burst),
        ("burst, 64 places", Weather::BurstBeyondTable),
        ("flood", Weather::Flood),
    ];
    let mut measured = kinds.map(|(name, weather)| (weather, figures(name), figures(name), Vec::new()));
    for _ in 0..options.rounds {
        for (weather, p50, p99, rates) in &mut measured {
            let round = round(options, *weather)?;
            p50.rounds.push(round.p50);
            p99.rounds.push(round.p99);
            rates.push(round.rate);
        }
    }
    let mut table = Table::new(
        "Flood: an honest client's exchange on a kept connection, in a thread of its own",
        &["p50 µs", "p99 µs", "p99 min", "p99 max", "p99 x quiet", "connections/s"],
    );
    let mut goals = Vec::new();
    let quiet = measured[0].2.clone();
    for (weather, p50, p99, rates) in &mut measured {
        let ratio = p99.ratio(&quiet);
        let mut cells = [p50.median(), p99.median(), p99.min(), p99.max()].map(number).to_vec();
        cells.extend([format!("{ratio:.2}"), format!("{:.0}", quantile(rates, 0.5))]);
        table.row(p50.name, cells);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        match weather {
            Weather::Quiet => {}
            Weather::Burst | Weather::BurstBeyondTable => {
                let what = format!("p99 of an honest client in a {}, x quiet; 2 busy threads, {cores} cores", p50.name);
                goals.push(Goal::new(what, ratio, 3.0));
            }
            Weather::Flood => {
                let what = format!("p99 of an honest client in a flood, x quiet; 3 busy threads, {cores} cores");
                goals.push(Goal::new(what, ratio, 3.0));
            }
        }
    }
    Ok((table, goals))
}

fn figures(name: &'static str) -> Figures {
    Figures { name, rounds: Vec::new() }
}

struct Round {
    /// In µs.
    p50: f64,
    p99: f64,
    /// How many others connected in a second.
    rate: f64,
}

fn round(options: &Options, weather: Weather) -> Outcome<Round> {
    let scratch = Scratch::new()?;
    let path = scratch.path("s");
    let serve = if weather == Weather::BurstBeyondTable { serve::<64> } else { serve::<1024> };
    let server = {
        let path = path.clone();
        thread::Builder::new().stack_size(STACK).spawn(move || serve(&path).map_err(|error| error.to_string()))?
    };
    let patience = Instant::now() + PATIENCE;
    let mut client = loop {
        match Client::builder().bare().connect(&*path) {
            Ok(client) => break client,
            Err(error) if Instant::now() > patience => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    };
    let begin = Instant::now();
    let exchanges = options.exchanges(3000);
    let (mut latencies, others) = match weather {
        Weather::Quiet => (honest(&mut client, exchanges)?, 0),
        Weather::Burst | Weather::BurstBeyondTable => bursts(&mut client, &path, exchanges.div_ceil(AFTER_BURST))?,
        Weather::Flood => flooded(&mut client, &path, exchanges)?,
    };
    let rate = others as f64 / begin.elapsed().as_secs_f64();
    client.call(&Command::Stop)?;
    server.join().map_err(|_| "the server panicked")??;
    Ok(Round { p50: quantile(&mut latencies, 0.5), p99: quantile(&mut latencies, 0.99), rate })
}

/// Until it is told to stop.
fn serve<const CONNECTIONS: usize>(path: &str) -> Outcome {
    let server = IpcServer::<Command>::builder().bare().keep_open(true).connections::<CONNECTIONS>();
    let mut server = server.work_per_call(64).bind(path)?;
    let mut daemon = Daemon::default();
    while !daemon.stopping {
        server.wait(None)?;
        server.handle_new_messages(&mut daemon)?;
    }
    Ok(())
}

/// The latencies of that many exchanges, in µs.
fn honest(client: &mut Client<Bincode>, exchanges: usize) -> Outcome<Vec<f64>> {
    let mut latencies = Vec::with_capacity(exchanges);
    for _ in 0..exchanges {
        let start = Instant::now();
        client.call(&ADD)?;
        latencies.push(micros(start.elapsed()));
    }
    Ok(latencies)
}

fn bursts(client: &mut Client<Bincode>, path: &str, bursts: usize) -> Outcome<(Vec<f64>, usize)> {
    let mut latencies = Vec::new();
    for _ in 0..bursts {
        let others: Vec<_> = (0..BURST).map(|_| UnixStream::connect(path)).collect::<Result<_, _>>()?;
        latencies.extend(honest(client, AFTER_BURST)?);
        drop(others);
        // Their ends are not what is measured.
        thread::sleep(Duration::from_millis(5));
    }
    Ok((latencies, bursts * BURST))
}

fn flooded(client: &mut Client<Bincode>, path: &str, exchanges: usize) -> Outcome<(Vec<f64>, usize)> {
    let over = AtomicBool::new(false);
    let connections = AtomicUsize::new(0);
    let latencies = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // Whether it is let in is not its concern.
                if UnixStream::connect(path).is_ok() {
                    connections.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let patience = Instant::now() + PATIENCE;
        while connections.load(Ordering::Relaxed) < 200 && Instant::now() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        let latencies = honest(client, exchanges);
        over.store(true, Ordering::Relaxed);
        latencies
    })?;
    Ok((latencies, connections.into_inner()))
}
