//! What is compared, one file each.

pub(crate) mod ahead;
pub(crate) mod floor;
pub(crate) mod ours;
pub(crate) mod published;

use crate::Outcome;

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
