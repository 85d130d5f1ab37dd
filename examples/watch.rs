//! A value and its subscribers: each gets the value first and then its changes, and one that reads slowly skips to the newest.
//!
//! ```text
//! cargo run --example watch -- serve      the daemon, until it is told to stop
//! cargo run --example watch -- set 5      changes the level
//! cargo run --example watch -- watch      prints the level, and each change of it, until the daemon stops
//! cargo run --example watch -- stop       stops the daemon
//! ```
//!
//! `--socket PATH` chooses another socket than `watch.sock` in the current directory.

use std::error::Error;
use std::time::Duration;

use clap::{Parser, Subcommand};
use ipc_server::{Answer, Caller, Client, IpcServer, ReplyError, Request, Ticket, TicketHandler};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Command {
    Set(u8),
    Watch,
    Stop,
}

impl Request for Command {
    type Response = u8;
}

struct Daemon {
    level: u8,
    has_changed: bool,
    subscribers: Vec<Ticket>,
    stopping: bool,
}

impl TicketHandler<Command> for Daemon {
    fn handle(&mut self, command: Command, caller: Caller, ticket: Ticket) -> Answer<u8> {
        match command {
            Command::Set(level) => {
                self.has_changed |= self.level != level;
                self.level = level;
            }
            // The bare wire carries one response.
            Command::Watch if caller.takes_several() => {
                self.subscribers.push(ticket);
                return Answer::More(self.level);
            }
            Command::Watch => {}
            Command::Stop => self.stopping = true,
        }
        Answer::Now(self.level)
    }

    fn departed(&mut self, ticket: Ticket) {
        self.subscribers.retain(|subscriber| *subscriber != ticket);
    }
}

fn serve(socket: &str) -> Result<(), Box<dyn Error>> {
    let mut server = IpcServer::<Command>::builder().program("watchd 1.0").connections::<64>().bind(socket)?;
    let mut daemon = Daemon { level: 3, has_changed: false, subscribers: Vec::new(), stopping: false };
    while !daemon.stopping {
        server.wait(None)?;
        server.serve_with_tickets(&mut daemon)?;
        if std::mem::take(&mut daemon.has_changed) {
            let level = daemon.level;
            daemon.subscribers.retain(|ticket| match server.send_latest(*ticket, &level) {
                Ok(()) | Err(ReplyError::Full) => true,
                Err(_) => false,
            });
        }
    }
    for ticket in std::mem::take(&mut daemon.subscribers) {
        // Whoever has left needs no reason.
        let _ = server.end(ticket, "the daemon stops");
    }
    server.shutdown_with_tickets(&mut daemon, Duration::from_secs(1))?;
    Ok(())
}

#[derive(Parser)]
#[command(about = "A value and its subscribers")]
struct Arguments {
    /// The daemon's socket.
    #[arg(long, global = true, default_value = "watch.sock", value_name = "PATH")]
    socket: String,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Serves until it is told to stop.
    Serve,
    /// Changes the level.
    Set { level: u8 },
    /// Prints the level, and each change of it.
    Watch,
    /// Stops the daemon.
    Stop,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { socket, mode } = Arguments::parse();
    match mode {
        Mode::Serve => serve(&socket)?,
        Mode::Set { level } => println!("{}", ipc_server::call(&Command::Set(level), socket.as_str())?),
        Mode::Stop => println!("{}", ipc_server::call(&Command::Stop, socket.as_str())?),
        Mode::Watch => {
            let mut client = Client::connect(socket.as_str())?;
            let mut levels = client.stream(&Command::Watch)?;
            for level in &mut levels {
                println!("{}", level?);
            }
            eprintln!("{}", levels.reason().unwrap_or_default());
        }
    }
    Ok(())
}
