//! A daemon on tokio: the server beside other asynchronous work, on a runtime of one thread.
//!
//! ```text
//! cargo run --example tokio -- SOCKET      serves until a client says stop
//! ```
//!
//! tokio watches the server's descriptor, which becomes readable for commands and for deadlines. It is told of a change
//! only once (it registers edge-triggered), so the readiness is cleared only when nothing is left to do.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ipc_server::wire::Both;
use ipc_server::{IpcServer, IpcServerCommand};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime;
use tokio::time::interval;

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Add(u64),
    Stats,
    Stop,
}

#[derive(Serialize, Deserialize, Debug)]
enum Response {
    Sum(u64),
    /// How often the timer has gone off, and how often the server was turned to.
    Stats {
        ticks: u64,
        turns: u64,
    },
    Stopping,
}

#[derive(Default)]
struct Daemon {
    sum: u64,
    ticks: Arc<AtomicU64>,
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
            Self::Stats => Response::Stats { ticks: daemon.ticks.load(Ordering::Relaxed), turns: daemon.turns },
            Self::Stop => {
                daemon.stopping = true;
                Response::Stopping
            }
        }
    }
}

/// The server's type: small messages, and places for a thousand clients that are in no hurry.
type Server = IpcServer<Command, Both<ipc_server::codec::Bincode>, 128, 1024>;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: tokio SOCKET")?;
    // In a box, since it is a quarter of a megabyte and the runtime moves it about.
    let server = Box::new(IpcServer::<Command>::builder().capacity::<128>().connections::<1024>().bind(path)?);
    let mut daemon = Daemon::default();
    let ticks = daemon.ticks.clone();
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        tokio::spawn(tick(ticks));
        serve(server, &mut daemon).await
    })
}

/// The daemon's other work.
async fn tick(ticks: Arc<AtomicU64>) {
    let mut interval = interval(Duration::from_millis(20));
    loop {
        interval.tick().await;
        ticks.fetch_add(1, Ordering::Relaxed);
    }
}

async fn serve(server: Box<Server>, daemon: &mut Daemon) -> Result<(), Box<dyn Error>> {
    // SAFETY: the server keeps its descriptor open and never exchanges it, and it stays in the `AsyncFd` until the end.
    let mut server = unsafe { AsyncFd::register_with_interest(server, Interest::READABLE) }.map_err(io::Error::from)?;
    while !daemon.stopping {
        let mut ready = server.readable_mut().await?;
        daemon.turns += 1;
        let server = ready.get_inner_mut();
        server.handle_new_messages(&mut *daemon)?;
        if !server.wait(Some(Duration::ZERO))? {
            ready.clear_ready();
        }
    }
    // It blocks, but the daemon has nothing else left to do.
    server.into_inner().shutdown(daemon, Duration::from_secs(1))?;
    Ok(())
}
