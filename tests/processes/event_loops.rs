//! The servers of the examples inside other event loops, each with a thousand clients at once.

use crate::example;
use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::example::Background;
use crate::support::{Scratch, allow_many_descriptors, connect};
use ipc_server::{IpcServerCommand, call};
use serde::{Deserialize, Serialize};

/// What the examples are told.
#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Add(u64),
    Stats,
    Stop,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Response {
    Sum(u64),
    Stats { ticks: u64, turns: u64 },
    Stopping,
}

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> Response {
        Response::Stopping
    }
}

const CLIENTS: u64 = 1000;

fn stats(path: &str) -> (u64, u64) {
    match call(&Command::Stats, path).unwrap() {
        Response::Stats { ticks, turns } => (ticks, turns),
        other => panic!("{other:?}"),
    }
}

/// Waits until the timer of the loop has gone off `times` more.
fn ticks_on(path: &str, times: u64) {
    let start = Instant::now();
    let (first, _) = stats(path);
    while stats(path).0 < first + times {
        assert!(start.elapsed() < Duration::from_secs(20), "the loop's own timer has stopped");
        thread::sleep(Duration::from_millis(5));
    }
}

fn serves_a_thousand_clients_beside_its_own_work(name: &str) {
    // The program inherits the limit.
    allow_many_descriptors();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut program = Background::start(example::command(name).arg(&path)).until_listening(&path);

    // Idle, it sleeps: a turn for each tick at most, and some for the two questions.
    let (ticks, turns) = stats(&path);
    thread::sleep(Duration::from_millis(200));
    let (later_ticks, later_turns) = stats(&path);
    assert!(later_turns - turns <= later_ticks - ticks + 8, "{} turns", later_turns - turns);

    // A thousand begin a command, and none finishes it; the loop goes on.
    let mut clients: Vec<_> = (1..=CLIENTS).map(|number| (number, connect(&path))).collect();
    for (number, client) in &mut clients {
        client.write_all(&bincode::serialize(&Command::Add(*number)).unwrap()[..7]).unwrap();
    }
    ticks_on(&path, 3);

    // All finish, and all are answered. In which order is the server's choice.
    for (number, client) in &mut clients {
        client.write_all(&bincode::serialize(&Command::Add(*number)).unwrap()[7..]).unwrap();
    }
    let mut sums: Vec<_> = clients.iter().map(|(_, client)| bincode::deserialize_from(client).unwrap()).collect();
    sums.sort_by_key(|sum| match sum {
        Response::Sum(sum) => *sum,
        other => panic!("{other:?}"),
    });
    sums.dedup();
    assert_eq!(sums.len(), 1000);
    assert_eq!(sums.last(), Some(&Response::Sum(CLIENTS * (CLIENTS + 1) / 2)));
    ticks_on(&path, 3);

    assert_eq!(fs::read_dir(format!("/proc/{}/task", program.id())).unwrap().count(), 1, "threads");
    assert_eq!(call(&Command::Stop, &path).unwrap(), Response::Stopping);
    assert!(program.status().success());
}

#[test]
fn an_epoll_loop_serves_a_thousand_clients_beside_its_own_work() {
    serves_a_thousand_clients_beside_its_own_work("epoll");
}

#[test]
fn tokio_serves_a_thousand_clients_beside_its_own_work() {
    serves_a_thousand_clients_beside_its_own_work("tokio");
}
