//! What every contender carries: the command of the crate's example, and one that ends a server.

use serde::{Deserialize, Serialize};

/// 20 bytes on the wire for `Add`.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Add { a: u64, b: u64 },
    Stop,
}

/// 12 bytes on the wire for `Sum`.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    Sum(u64),
    Stopping,
}

/// The command that is measured.
pub(crate) const ADD: Command = Command::Add { a: 5, b: 3 };
/// Its response.
pub(crate) const SUM: Response = Response::Sum(8);

/// The server's state.
#[derive(Debug, Default)]
pub(crate) struct Daemon {
    pub(crate) executed: u64,
    pub(crate) stopping: bool,
}

impl Daemon {
    #[inline]
    pub(crate) fn execute(&mut self, command: Command) -> Response {
        self.executed += 1;
        match command {
            Command::Add { a, b } => Response::Sum(a.wrapping_add(b)),
            Command::Stop => {
                self.stopping = true;
                Response::Stopping
            }
        }
    }
}

impl ipc_server::IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> Response {
        daemon.execute(self)
    }
}

impl upstream::IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> Response {
        daemon.execute(self)
    }
}
