//! What a call of the server comes to.

use core::fmt;

use crate::unix::Errno;

/// What one [`handle_new_messages`](crate::IpcServer::handle_new_messages) did, or all of them
/// ([`totals`](crate::IpcServer::totals)).
///
/// Every number but `pending` counts since the call began; in the totals, since the server was made.
///
/// ```
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// # let (mut server, client) = server_and_client();
/// # let mut level = 3;
/// # server.wait(None)?;
/// let handled = server.handle_new_messages(&mut level)?;
/// if handled.evicted + handled.failed > 0 {
///     eprintln!("the control socket needs other capacities: {handled:?}");
/// }
/// # while !client.is_finished() { server.handle_new_messages(&mut level)?; }
///
/// let totals = server.totals();
/// println!("{} commands served, {} clients refused", totals.served, totals.refused);
/// # assert_eq!((totals.served, totals.refused, client.join().unwrap()), (1, 0, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// # let (mut server, client) = server_and_client();
/// # let mut level = 3;
/// # server.wait(None)?;
/// let handled = server.handle_new_messages(&mut level)?;
/// if handled.rejected > 0 {
///     eprintln!("{} clients sent what is not a command, {} are waited for", handled.rejected, handled.pending);
/// }
/// # while !client.is_finished() { server.handle_new_messages(&mut level)?; }
/// // The sums since the server was made:
/// assert_eq!(server.totals().served, 1);
/// # Ok::<(), ipc_server::ServerError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handled {
    /// Commands that were executed and whose reply was handed to the kernel whole.
    pub served: usize,
    /// Connections closed for what their client did: it sent what is not a command or one that is too long, left in the
    /// middle of a command, or was gone before its reply.
    pub rejected: usize,
    /// Connections closed before a byte was read, because their client is not allowed in.
    pub refused: usize,
    /// Connections closed because their exchange was not finished within the deadline.
    pub expired: usize,
    /// Waiting connections closed to make room for newer ones.
    pub evicted: usize,
    /// Connections closed because this program's response could not be encoded, or its types can't be decoded.
    pub failed: usize,
    /// Connections that their client, or [`shutdown`](crate::IpcServer::shutdown), closed between commands.
    pub closed: usize,
    /// Times that accepting was paused, because file descriptors or memory had run out.
    pub paused: usize,
    /// Connections that are still open: they wait for the rest of a command, for their client to take a reply, or, where
    /// connections are kept open, for the next command.
    pub pending: usize,
}

impl Handled {
    pub(super) const fn new() -> Self {
        Self { served: 0, rejected: 0, refused: 0, expired: 0, evicted: 0, failed: 0, closed: 0, paused: 0, pending: 0 }
    }
}

/// Why a server can't go on: its listening socket or its epoll instance is broken, or another process that has the socket
/// has shut it down (`EINVAL`). Clients never cause it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerError(Errno);

impl ServerError {
    /// What the operating system said.
    #[must_use]
    pub fn errno(self) -> Errno {
        self.0
    }
}

impl From<Errno> for ServerError {
    fn from(errno: Errno) -> Self {
        Self(errno)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the listening socket is broken: {}", self.0)
    }
}

impl core::error::Error for ServerError {}

#[cfg(feature = "std")]
impl From<ServerError> for std::io::Error {
    fn from(error: ServerError) -> Self {
        error.0.into()
    }
}
