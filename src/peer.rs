//! Who is on the other side.

/// The process on the other side of a Unix socket, as the kernel recorded it.
///
/// For an accepted connection these are the credentials at the moment of the client's `connect`, for a client's own
/// connection those at the moment of the server's `listen`. They don't change afterwards, even if the process does
/// (`SO_PEERCRED` in [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html); on macOS and FreeBSD
/// [getpeereid(3)](https://man.freebsd.org/cgi/man.cgi?query=getpeereid)).
///
/// Transports of your own, and tests, make them by [`new`](Self::new).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// Effective user ID.
    pub uid: u32,
    /// Effective group ID.
    pub gid: u32,
    /// Process ID, or `None` if the system does not tell it. On Linux a peer's is always known, on FreeBSD never. On macOS it is
    /// the process that used the other end last, if that is still open.
    ///
    /// Use it for messages only: the process may have ended and its number may have been given to another.
    pub pid: Option<u32>,
}

impl PeerCredentials {
    /// The credentials of a process: its effective user ID, its effective group ID and, if it is known, its process ID.
    ///
    /// ```
    /// use ipc_server::PeerCredentials;
    ///
    /// const ROOT: PeerCredentials = PeerCredentials::new(0, 0, Some(1));
    /// assert_eq!((ROOT.uid, ROOT.gid, ROOT.pid), (0, 0, Some(1)));
    /// ```
    #[must_use]
    pub const fn new(uid: u32, gid: u32, pid: Option<u32>) -> Self {
        Self { uid, gid, pid }
    }
}
