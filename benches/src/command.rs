//! What every contender carries: the command of the crate's example, and two that the measurement needs.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// 20 bytes on the wire for `Add`.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Add {
        a: u64,
        b: u64,
    },
    /// How long the server's process has computed.
    CpuTime,
    Stop,
}

/// 12 bytes on the wire for `Sum`.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    Sum(u64),
    /// Nanoseconds.
    CpuTime(u64),
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
            Command::CpuTime => Response::CpuTime(cpu_time().as_nanos().try_into().unwrap_or(u64::MAX)),
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

/// How long this process has computed, in all of its threads, in user space and in the kernel.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
