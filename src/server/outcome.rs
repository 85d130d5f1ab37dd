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
    /// Commands that were executed and whose reply was handed to the kernel whole, or which the kernel was sure to take together
    /// with the next one. Whether the client was still there to read it is not known.
    pub served: usize,
    /// Connections closed for what their client did: it sent what is not a command or one that is too long, left in the
    /// middle of a command, or was gone before its reply.
    pub rejected: usize,
    /// Connections closed before a byte was read, because their client is not allowed in, and those whose client made a request
    /// that the [handler](crate::Handler::authorize) does not let it make.
    pub refused: usize,
    /// Connections closed because their exchange was not finished within the deadline.
    pub expired: usize,
    /// Connections closed for want of a slot: those that waited, to make room for newer ones, and new ones where every slot is taken by a
    /// caller that waits for the daemon.
    pub evicted: usize,
    /// Connections closed because this program's response could not be encoded, or its types can't be decoded, or because the
    /// kernel could not watch them: memory or the user's limit of watched descriptors has run out (man 7 epoll).
    pub failed: usize,
    /// Connections that their client, or [`shutdown`](crate::IpcServer::shutdown), closed between commands.
    pub closed: usize,
    /// Times that accepting was paused, because file descriptors or memory had run out.
    pub paused: usize,
    /// Connections that are still open: they wait for the rest of a command, for their client to take a reply, for the daemon's
    /// [later](crate::Answer::Later) answer or, where connections are kept open, for the next command.
    pub pending: usize,
}

impl Handled {
    pub(super) const fn new() -> Self {
        Self { served: 0, rejected: 0, refused: 0, expired: 0, evicted: 0, failed: 0, closed: 0, paused: 0, pending: 0 }
    }
}

/// Why a server can't go on, or could not be handed over. Clients never cause it.
///
/// ```
/// use ipc_server::unix::Errno;
/// use ipc_server::{ServerError, ServerErrorKind};
///
/// let error = ServerError::new(ServerErrorKind::Epoll, Errno::BADF);
/// assert_eq!((error.kind(), error.errno()), (ServerErrorKind::Epoll, Errno::BADF));
/// # assert!(error.to_string().starts_with("the epoll instance is broken: "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerError {
    kind: ServerErrorKind,
    errno: Errno,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerErrorKind {
    /// The listening socket is broken, or another process that has it has shut it down (`EINVAL`).
    Listener,
    /// The epoll instance is broken; on macOS and FreeBSD the kqueue.
    Epoll,
    /// The timer of the deadlines is broken.
    Timer,
    /// The listening socket could not be copied for a successor, because no descriptor is left. The server can go on.
    HandOver,
    /// There is no waker, because no descriptor or memory is left. The server can go on.
    Waker,
}

impl ServerError {
    /// What failed, and what the operating system said.
    #[must_use]
    pub const fn new(kind: ServerErrorKind, errno: Errno) -> Self {
        Self { kind, errno }
    }

    pub(super) const fn listener(errno: Errno) -> Self {
        Self::new(ServerErrorKind::Listener, errno)
    }

    pub(super) const fn epoll(errno: Errno) -> Self {
        Self::new(ServerErrorKind::Epoll, errno)
    }

    pub(super) const fn timer(errno: Errno) -> Self {
        Self::new(ServerErrorKind::Timer, errno)
    }

    pub(super) const fn hand_over(errno: Errno) -> Self {
        Self::new(ServerErrorKind::HandOver, errno)
    }

    pub(super) const fn waker(errno: Errno) -> Self {
        Self::new(ServerErrorKind::Waker, errno)
    }

    /// What failed.
    #[must_use]
    pub const fn kind(self) -> ServerErrorKind {
        self.kind
    }

    /// What the operating system said.
    #[must_use]
    pub const fn errno(self) -> Errno {
        self.errno
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ServerErrorKind::Listener => "the listening socket is broken",
            ServerErrorKind::Epoll => "the epoll instance is broken",
            ServerErrorKind::Timer => "the timer of the deadlines is broken",
            ServerErrorKind::HandOver => "the listening socket could not be copied for a successor",
            ServerErrorKind::Waker => "there is no waker",
        };
        write!(f, "{what}: {}", self.errno)
    }
}

impl core::error::Error for ServerError {}

#[cfg(feature = "std")]
impl From<ServerError> for std::io::Error {
    fn from(error: ServerError) -> Self {
        error.errno.into()
    }
}
