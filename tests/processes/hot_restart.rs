//! A daemon that replaces itself while its clients call: each generation hands its listening socket on to the next, a
//! process of its own, and ends when it has answered whom it had accepted.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::process::{Stdio, exit};
use std::thread;
use std::time::Duration;

use crate::process::{Process, patience, say, socket};
use crate::support::Scratch;
use ipc_server::{CallError, Client, IpcServer, IpcServerCommand, call};
use serde::{Deserialize, Serialize};

const RESTARTS: u32 = 50;
/// How many requests each generation answers at least.
const SHARE: u64 = 250;
/// Half of them keep their connections open.
const CLIENTS: u64 = 6;

#[derive(Serialize, Deserialize, Debug)]
enum Ask {
    Echo(u64),
    Stop,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Answer {
    generation: u32,
    echo: u64,
}

struct Daemon {
    generation: u32,
    answered: u64,
    stopped: bool,
}

impl IpcServerCommand for Ask {
    type Response = Answer;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> Answer {
        daemon.answered += 1;
        let Self::Echo(echo) = self else {
            daemon.stopped = true;
            return Answer { generation: daemon.generation, echo: 0 };
        };
        Answer { generation: daemon.generation, echo }
    }
}

#[test]
#[ignore = "a part, in a process of its own"]
#[expect(clippy::zombie_processes, reason = "the successor outlives this process, which waits for nobody")]
fn part_generation() {
    let generation = std::env::var("GENERATION").unwrap().parse().unwrap();
    let builder = IpcServer::<Ask>::builder().keep_open(true);
    let mut server = if generation == 0 {
        builder.bind(socket()).unwrap()
    } else {
        builder.adopt(std::io::stdin().as_fd().try_clone_to_owned().unwrap()).unwrap()
    };
    let mut daemon = Daemon { generation, answered: 0, stopped: false };
    let go_on = patience();
    while go_on() && !daemon.stopped && (generation == RESTARTS || daemon.answered < SHARE) {
        server.wait(Some(Duration::from_millis(100))).unwrap();
        server.handle_new_messages(&mut daemon).unwrap();
    }
    if generation < RESTARTS && !daemon.stopped {
        let program = std::env::current_exe().unwrap();
        let mut successor = Process::command(&program, part_generation, &socket());
        successor.env("GENERATION", (generation + 1).to_string()).stdout(Stdio::inherit());
        successor.stdin(server.hand_over().unwrap());
        successor.spawn().unwrap();
    }
    let handled = server.shutdown(&mut daemon, Duration::from_secs(20)).unwrap();
    assert_eq!(handled.pending, 0, "dropped by generation {generation}");
    say(format_args!("{generation} answered {}", daemon.answered));
    // Without a summary, which nobody may be there to read.
    exit(0);
}

/// Calls until `Stop` was answered, and says how often and by which generations it was answered.
fn call_on(path: &str, kept: bool, number: u64) -> (u64, BTreeSet<u32>) {
    let mut client = Client::connect(path).unwrap();
    let mut generations = BTreeSet::new();
    for count in 0.. {
        let echo = number << 32 | count;
        let answer = if kept { client.call(&Ask::Echo(echo)) } else { call(&Ask::Echo(echo), path) };
        let Answer { generation, echo: echoed } = answer.unwrap_or_else(|error| panic!("lost {echo}: {error}"));
        assert_eq!(echoed, echo);
        generations.insert(generation);
        if generation == RESTARTS {
            return (count + 1, generations);
        }
    }
    unreachable!()
}

#[test]
fn fifty_restarts_under_load_lose_no_request() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let program = std::env::current_exe().unwrap();
    let first = Process::spawn(Process::command(&program, part_generation, &path).env("GENERATION", "0"));
    while !fs::exists(&path).unwrap() || call(&Ask::Echo(0), path.as_str()) == Err(CallError::Refused) {
        thread::yield_now();
    }
    let (answered, generations) = thread::scope(|scope| {
        let path = path.as_str();
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| scope.spawn(move || call_on(path, number % 2 == 0, number))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).fold((0, BTreeSet::new()), |mut sum, (count, seen)| {
            sum.0 += count;
            sum.1.extend(seen);
            sum
        })
    });
    assert_eq!(call(&Ask::Stop, path.as_str()), Ok(Answer { generation: RESTARTS, echo: 0 }));
    let said: BTreeSet<_> = (0..=RESTARTS).map(|_| first.hear()).collect();
    assert_eq!(said.len(), RESTARTS as usize + 1, "{said:?}");
    assert_eq!(generations, (0..=RESTARTS).collect());
    assert!(answered >= 10_000, "only {answered}");
    println!("{RESTARTS} restarts, {answered} requests, 0 lost");
}
