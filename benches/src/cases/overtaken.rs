//! The server's own share of what a flood does to a client that is connected already, in one thread, so that no scheduler
//! takes part: how long after it was sent is its command executed?

use std::os::unix::net::UnixStream;
use std::time::Instant;

use ipc_server::codec::Bincode;
use ipc_server::{IpcServer, IpcServerCommand};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::bare::Client;
use crate::measure::{micros, quantile};
use crate::options::Options;
use crate::peers::Connection;
use crate::report::{Table, number};
use crate::scratch::Scratch;

/// New connections that wait to be accepted.
const NEWCOMERS: usize = 200;

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    /// The honest client's.
    Stamp,
    /// A newcomer's: while it is executed, the honest client sends.
    Interrupt,
}

const STAMP: [u8; 4] = [0, 0, 0, 0];
const INTERRUPT: [u8; 4] = [1, 0, 0, 0];

struct Daemon {
    honest: Client,
    sent: Option<Instant>,
    executed: Option<Instant>,
}

impl Daemon {
    fn send(&mut self) -> bool {
        self.sent = Some(Instant::now());
        self.honest.send(&STAMP).is_ok()
    }
}

impl IpcServerCommand for Command {
    type Response = bool;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> bool {
        match self {
            Self::Stamp => {
                daemon.executed = Some(Instant::now());
                true
            }
            Self::Interrupt => daemon.sent.is_some() || daemon.send(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    /// They have come before, and say nothing.
    Before,
    /// They have come before, and the honest client sends while the first of them is served.
    Meanwhile,
}

pub(crate) fn measure(options: &Options) -> Outcome<Table> {
    let scratch = Scratch::new()?;
    let path = scratch.path("s");
    let server = IpcServer::<Command>::builder().bare().keep_open(true).connections::<512>();
    let mut server: Box<IpcServer<Command, Bincode, 1024, 512>> = Box::new(server.bind(&*path)?);
    let mut daemon = Daemon { honest: Client::new(&path, Connection::Kept)?, sent: None, executed: None };
    let mut table = Table::new(
        "Flood: until a connected client's command is executed, in one thread",
        &["p50 µs", "p99 µs", "p99 beyond quiet, µs"],
    );
    let mut quiet = f64::NAN;
    for (name, others) in [
        ("quiet", Others::None),
        ("200 newcomers wait", Others::Before),
        ("sent while they are served", Others::Meanwhile),
    ] {
        let mut latencies = Vec::new();
        for _ in 0..options.exchanges(500) {
            (daemon.sent, daemon.executed) = (None, None);
            let newcomers = if others == Others::None { 0 } else { NEWCOMERS };
            let newcomers: Vec<_> = (0..newcomers).map(|_| UnixStream::connect(&path)).collect::<Result<_, _>>()?;
            if others == Others::Meanwhile {
                let first = newcomers.first().ok_or("nobody")?;
                std::io::Write::write_all(&mut &*first, &INTERRUPT)?;
            } else if !daemon.send() {
                return Err("the honest client cannot send".into());
            }
            server.handle_new_messages(&mut daemon)?;
            daemon.honest.receive(&mut [0; 8])?;
            let (Some(sent), Some(executed)) = (daemon.sent, daemon.executed) else {
                return Err("not executed".into());
            };
            latencies.push(micros(executed - sent));
            drop(newcomers);
            server.handle_new_messages(&mut daemon)?;
        }
        let (p50, p99) = (quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99));
        if others == Others::None {
            quiet = p99;
        }
        table.row(name, vec![number(p50), number(p99), format!("{:.1}", p99 - quiet)]);
    }
    Ok(table)
}
