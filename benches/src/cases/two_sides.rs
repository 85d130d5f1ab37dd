//! Client and server in two threads, and in two processes: with the scheduler between them, which is most of the time.

use std::process::{Child, Command as Process, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::command::{ADD, Command, SUM};
use crate::cpu::{of_process, own};
use crate::measure::{micros, quantile};
use crate::options::Options;
use crate::peers::{Caller, PEERS, Peer, ours, published};
use crate::report::{Goal, Highlight, Panel, Section, Table, number};
use crate::scratch::Scratch;

/// What separates the two sides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sides {
    Threads,
    Processes,
}

/// One round of one peer.
struct Round {
    /// µs of each exchange that was answered.
    latencies: Vec<f64>,
    /// How long both sides computed, per exchange.
    cpu: f64,
    lost: usize,
    exchanges: usize,
}

/// Where requests are lost, their clients wait; no round waits longer than this.
const LONGEST_ROUND: Duration = Duration::from_secs(1);

/// What a peer's rounds came to.
struct Summary {
    name: &'static str,
    /// The rounds' medians, in µs.
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
    lost: usize,
    exchanges: usize,
    /// Why there are no figures.
    failure: Option<String>,
}

pub(crate) fn threads(options: &Options) -> Outcome<Section> {
    let summaries = all(options, Sides::Threads)?;
    Ok(Section { tables: vec![table("Two threads", &summaries)], ..Section::default() })
}

pub(crate) fn processes(options: &Options) -> Outcome<Section> {
    let summaries = all(options, Sides::Processes)?;
    let bars = summaries.iter().filter(|each| each.failure.is_none());
    let bars = bars.map(|each| (each.name, quantile(&mut each.p50.clone(), 0.5))).collect();
    Ok(Section {
        tables: vec![table("Two processes", &summaries)],
        panel: Some(Panel { title: "Exchange between two processes, median", bars }),
        ..Section::default()
    })
}

/// Exchanges of two threads, many, to see whether any is lost. The published crate makes fewer, since it does lose some and
/// its client waits for those.
pub(crate) fn lost_of(exchanges: usize) -> Outcome<Section> {
    let mut table = Table::new("Lost requests, two threads, one-shot", &["lost", "of", "seconds"]);
    let mut goals = Vec::new();
    let mut cells = Vec::new();
    for (peer, exchanges) in [(ours::ONE_SHOT, exchanges), (published::ONE_SHOT, exchanges / 50)] {
        let (lost, took) = lost(&peer, exchanges)?;
        cells.push(format!("{lost} of {exchanges}"));
        table.row(peer.name, vec![lost.to_string(), exchanges.to_string(), number(took.as_secs_f64())]);
        if peer.name == ours::ONE_SHOT.name {
            goals.push(Goal::new(format!("lost requests of {exchanges}"), lost as f64, 0.0));
        }
    }
    let [ours, published] = cells.try_into().unwrap_or_default();
    let highlight = Highlight { what: "Requests lost between two threads", cells: [String::new(), ours, published] };
    Ok(Section { tables: vec![table], panel: None, goals, highlights: vec![highlight] })
}

fn all(options: &Options, sides: Sides) -> Outcome<Vec<Summary>> {
    let exchanges = options.exchanges(2000);
    let mut summaries: Vec<_> = PEERS
        .iter()
        .map(|peer| Summary {
            name: peer.name,
            p50: Vec::new(),
            p99: Vec::new(),
            cpu: Vec::new(),
            lost: 0,
            exchanges: 0,
            failure: None,
        })
        .collect();
    for _ in 0..options.rounds {
        for (peer, summary) in PEERS.iter().zip(&mut summaries) {
            if summary.failure.is_some() {
                continue;
            }
            match round(peer, sides, exchanges) {
                Ok(mut round) => {
                    summary.p50.push(quantile(&mut round.latencies, 0.5));
                    summary.p99.push(quantile(&mut round.latencies, 0.99));
                    summary.cpu.push(round.cpu);
                    summary.lost += round.lost;
                    summary.exchanges += round.exchanges;
                }
                Err(error) => summary.failure = Some(error.to_string()),
            }
        }
    }
    Ok(summaries)
}

fn table(title: &str, summaries: &[Summary]) -> Table {
    let mut table = Table::new(title, &["p50 µs", "min", "max", "p99 µs", "CPU µs, both sides", "lost", "of"]);
    for summary in summaries {
        if let Some(failure) = &summary.failure {
            table.notes.push(format!("{} does not run here: {failure}", summary.name));
            continue;
        }
        let of = |values: &[f64], part| number(quantile(&mut values.to_vec(), part));
        table.row(
            summary.name,
            vec![
                of(&summary.p50, 0.5),
                of(&summary.p50, 0.0),
                of(&summary.p50, 1.0),
                of(&summary.p99, 0.5),
                of(&summary.cpu, 0.5),
                summary.lost.to_string(),
                summary.exchanges.to_string(),
            ],
        );
    }
    table
}

/// Exchanges of two threads without a look at the clock for each: how many were lost, of how many, in what time.
fn lost(peer: &Peer, exchanges: usize) -> Outcome<(usize, Duration)> {
    let scratch = Scratch::new()?;
    let (mut side, mut client) = start(peer, Sides::Threads, scratch.path("s"))?;
    let start = Instant::now();
    let lost = (0..exchanges).filter(|_| !client.call(ADD).is_ok_and(|response| response == SUM)).count();
    let took = start.elapsed();
    side.stop(&mut *client)?;
    Ok((lost, took))
}

fn round(peer: &Peer, sides: Sides, exchanges: usize) -> Outcome<Round> {
    let scratch = Scratch::new()?;
    let (mut side, mut client) = start(peer, sides, scratch.path("s"))?;
    let warm = Instant::now() + LONGEST_ROUND / 10;
    for _ in (0..exchanges / 10).take_while(|_| Instant::now() < warm) {
        // What is lost here is lost.
        let _ = client.call(ADD);
    }
    let mut latencies = Vec::with_capacity(exchanges);
    let mut lost = 0;
    let cpu_before = side.cpu_time()? + own();
    let begin = Instant::now();
    while latencies.len() + lost < exchanges && begin.elapsed() < LONGEST_ROUND {
        let start = Instant::now();
        match client.call(ADD) {
            Ok(response) if response == SUM => latencies.push(micros(start.elapsed())),
            _ => lost += 1,
        }
    }
    let cpu = side.cpu_time()? + own() - cpu_before;
    let exchanges = latencies.len() + lost;
    side.stop(&mut *client)?;
    Ok(Round { latencies, cpu: micros(cpu) / exchanges as f64, lost, exchanges })
}

/// Starts the server and connects to it.
fn start(peer: &Peer, sides: Sides, path: String) -> Outcome<(ServerSide, Box<dyn Caller>)> {
    let mut side = match sides {
        Sides::Threads => {
            let (serve, path) = (peer.serve, path.clone());
            ServerSide::Thread(Some(thread::spawn(move || serve(&path).map_err(|error| error.to_string()))))
        }
        Sides::Processes => {
            let mut process = Process::new(std::env::current_exe()?);
            process.args(["--serve", peer.name, &path]).stdin(Stdio::null()).stdout(Stdio::null());
            ServerSide::Process(process.spawn()?)
        }
    };
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match (peer.connect)(&path) {
            Ok(client) => return Ok((side, client)),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) if side.has_ended() => {
                side.join()?;
                return Err("the server ended".into());
            }
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

enum ServerSide {
    Thread(Option<JoinHandle<Result<(), String>>>),
    Process(Child),
}

impl ServerSide {
    /// How long the server's process has computed, if it has one of its own.
    fn cpu_time(&self) -> Outcome<Duration> {
        match self {
            Self::Thread(_) => Ok(Duration::ZERO),
            Self::Process(process) => of_process(process.id()),
        }
    }

    fn has_ended(&mut self) -> bool {
        match self {
            Self::Thread(thread) => thread.as_ref().is_none_or(JoinHandle::is_finished),
            Self::Process(process) => !matches!(process.try_wait(), Ok(None)),
        }
    }

    /// Tells the server to stop, until it does, and waits for its end.
    fn stop(&mut self, client: &mut dyn Caller) -> Outcome {
        let end = Instant::now() + Duration::from_secs(10);
        while !self.has_ended() && client.call(Command::Stop).is_err() {
            if Instant::now() > end {
                return Err("the server does not stop".into());
            }
        }
        self.join()
    }

    fn join(&mut self) -> Outcome {
        match self {
            Self::Thread(thread) => match thread.take().map(JoinHandle::join) {
                Some(Ok(outcome)) => Ok(outcome?),
                Some(Err(_)) => Err("the server panicked".into()),
                None => Ok(()),
            },
            Self::Process(process) => {
                let status = process.wait()?;
                if status.success() { Ok(()) } else { Err(format!("the server's process: {status}").into()) }
            }
        }
    }
}

impl Drop for ServerSide {
    fn drop(&mut self) {
        if let Self::Process(process) = self {
            // It was told to stop, or cannot be: give it a moment.
            let end = Instant::now() + Duration::from_secs(1);
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < end {
                thread::sleep(Duration::from_millis(1));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The hidden option `--serve`: the server's process.
pub(crate) fn serve(peer: &str, path: &str) -> Outcome {
    let peer = PEERS.iter().find(|each| each.name == peer).ok_or("no such peer")?;
    (peer.serve)(path)
}
