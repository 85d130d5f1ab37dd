//! What is compared, one file each.

pub(crate) mod ahead;
pub(crate) mod floor;
pub(crate) mod ours;
pub(crate) mod published;

#[cfg(feature = "peers")]
mod iceoryx2;
#[cfg(feature = "peers")]
mod interprocess;
#[cfg(feature = "peers")]
mod ipc_channel;
#[cfg(feature = "peers")]
mod tarpc;
#[cfg(feature = "peers")]
mod zbus;

use crate::Outcome;
use crate::command::{Command, Response};

/// An exchange in one thread, taken apart: the kernel keeps what one side has sent until the other looks.
pub(crate) trait OneThread {
    /// The client connects, if it is not connected, and sends.
    fn send(&mut self) -> Outcome;
    /// The server serves what is there.
    fn serve(&mut self) -> Outcome;
    /// The client receives and decodes, and closes, if it does not keep the connection.
    fn receive(&mut self) -> Outcome;
}

/// How often a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// For each exchange.
    OneShot,
    /// Once.
    Kept,
}

impl Connection {
    pub(crate) fn is_kept(self) -> bool {
        self == Self::Kept
    }
}

/// A client that waits for its reply.
pub(crate) trait Caller {
    fn call(&mut self, command: Command) -> Outcome<Response>;
}

/// Two sides, in two threads or two processes. Whatever waits for the other side sleeps, unless its name says otherwise.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Serves until it is told to stop. Its argument is a path where nothing is yet.
    pub(crate) serve: fn(&str) -> Outcome,
    /// Connects to what serves at that path. It fails if nothing does yet.
    pub(crate) connect: fn(&str) -> Outcome<Box<dyn Caller>>,
}

pub(crate) const PEERS: &[Peer] = &[
    floor::ONE_SHOT,
    ours::ONE_SHOT,
    ours::SESSION_ONE_SHOT,
    published::ONE_SHOT,
    floor::KEPT,
    ours::KEPT,
    ours::SESSION_KEPT,
    #[cfg(feature = "peers")]
    interprocess::KEPT,
    #[cfg(feature = "peers")]
    ipc_channel::KEPT,
    #[cfg(feature = "peers")]
    tarpc::KEPT,
    #[cfg(feature = "peers")]
    zbus::KEPT,
    #[cfg(feature = "peers")]
    iceoryx2::KEPT,
];
