//! The part of a server's memory that its type parameters decide.

use core::fmt;

use crate::connection::Buffers;

/// The buffers of an [`IpcServer`](crate::IpcServer): [`Buffers`] for each of `CONNECTIONS` connections that wait, and for
/// one more that has just come.
///
/// They are part of the server, unless they are [lent](crate::ServerBuilder::buffers) to it: from a `static`, where they take
/// no room in the binary, or from wherever there is as much memory. The server is then some words for each connection.
///
/// ```
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// use ipc_server::ServerBuffers;
/// use std::sync::Mutex;
///
/// /// 4 MiB: messages of up to 64 KiB, 31 connections that wait.
/// static BUFFERS: Mutex<ServerBuffers<65_536, 31>> = Mutex::new(ServerBuffers::new());
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("daemon.sock");
/// let mut buffers = BUFFERS.lock()?;
/// let mut server = IpcServer::<Command>::builder().buffers(&mut *buffers).bind(&path)?;
/// server.handle_new_messages(&mut 3)?;
/// assert!(size_of_val(&server) < 4096);
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ServerBuffers<const N: usize = 1024, const CONNECTIONS: usize = 8> {
    places: [Buffers<N>; CONNECTIONS],
    /// Of the place beyond them.
    last: Buffers<N>,
}

impl<const N: usize, const CONNECTIONS: usize> ServerBuffers<N, CONNECTIONS> {
    /// Empty buffers. All their bytes are zero, so that a `static` of them takes no room in the binary.
    #[must_use]
    pub const fn new() -> Self {
        Self { places: [const { Buffers::new() }; CONNECTIONS], last: Buffers::new() }
    }

    /// The buffers of a place in the table. There are `CONNECTIONS + 1`.
    pub(super) fn get(&mut self, index: usize) -> &mut Buffers<N> {
        self.places.get_mut(index).unwrap_or(&mut self.last)
    }
}

impl<const N: usize, const CONNECTIONS: usize> Default for ServerBuffers<N, CONNECTIONS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const CONNECTIONS: usize> fmt::Debug for ServerBuffers<N, CONNECTIONS> {
    /// Shows how large they are, not what is in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuffers").field("capacity", &N).field("connections", &CONNECTIONS).finish()
    }
}
