//! Who is on the other side.

/// The process on the other side of a Unix socket, as the kernel recorded it.
///
/// For an accepted connection these are the credentials at the moment of the client's `connect`, for a client's own
/// connection those at the moment of the server's `listen`. They don't change afterwards, even if the process does
/// (`SO_PEERCRED` in [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerCredentials {
    /// Effective user ID.
    pub uid: u32,
    /// Effective group ID.
    pub gid: u32,
    /// Process ID. Use it for messages only: the process may have ended and its number may have been given to another.
    pub pid: u32,
}
