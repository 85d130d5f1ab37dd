//! A daemon with an epoll loop of its own, in which the server is one more descriptor.
//!
//! ```text
//! cargo run --example epoll -- SOCKET      serves until a client says stop
//! ```
//!
//! The loop has a timer of its own, the tick, which decides how long it sleeps. The server's deadlines need none: its
//! descriptor becomes readable for them too. A loop that does not watch the descriptor but polls now and then would
//! sleep no longer than `server.next_deadline()`.

use std::error::Error;
use std::time::{Duration, Instant};

use ipc_server::{IpcServer, IpcServerCommand};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Add(u64),
    Stats,
    Stop,
}

#[derive(Serialize, Deserialize, Debug)]
enum Response {
    Sum(u64),
    /// How often the timer has gone off, and how often the loop has gone round.
    Stats {
        ticks: u64,
        turns: u64,
    },
    Stopping,
}

#[derive(Default)]
struct Daemon {
    sum: u64,
    ticks: u64,
    turns: u64,
    stopping: bool,
}

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> Response {
        match self {
            Self::Add(number) => {
                daemon.sum = daemon.sum.wrapping_add(number);
                Response::Sum(daemon.sum)
            }
            Self::Stats => Response::Stats { ticks: daemon.ticks, turns: daemon.turns },
            Self::Stop => {
                daemon.stopping = true;
                Response::Stopping
            }
        }
    }
}

const TICK: Duration = Duration::from_millis(20);

/// What an event is about.
const SERVER: u64 = 0;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: epoll SOCKET")?;
    // Small messages, and places for a thousand clients that are in no hurry.
    let mut server = IpcServer::<Command>::builder().capacity::<128>().connections::<1024>().bind(path)?;
    let mut daemon = Daemon::default();

    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &server, EventData::new_u64(SERVER), EventFlags::IN)?;
    // The daemon's other descriptors are added here.

    let mut events = Vec::with_capacity(16);
    let mut next_tick = Instant::now() + TICK;
    while !daemon.stopping {
        let sleep = next_tick.saturating_duration_since(Instant::now()).try_into()?;
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), Some(&sleep)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        daemon.turns += 1;
        for event in &events {
            if event.data.u64() == SERVER {
                server.handle_new_messages(&mut daemon)?;
            }
        }
        if Instant::now() >= next_tick {
            next_tick += TICK;
            daemon.ticks += 1;
        }
    }
    server.shutdown(&mut daemon, Duration::from_secs(1))?;
    Ok(())
}
