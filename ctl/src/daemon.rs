//! The daemon at the other end.

use std::path::Path;
use std::time::Duration;

use ipc_server::{Client, UntypedClient};

use crate::failure::Failure;

/// How long a command or a response may be: 1 MiB.
const CAPACITY: usize = 1 << 20;

/// Two descriptions are never longer.
const DESCRIPTIONS: usize = 1 << 17;

/// A connection to a daemon that has described itself.
pub(crate) type Daemon = UntypedClient<CAPACITY, DESCRIPTIONS>;

pub(crate) fn connect(socket: &Path, timeout: Duration) -> Result<Daemon, Failure> {
    Client::builder()
        .capacity::<CAPACITY>()
        .descriptions::<DESCRIPTIONS>()
        .program(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")))
        .deadline(timeout)
        .connect_untyped(socket)
        .map_err(|error| Failure::connecting(socket, error))
}
