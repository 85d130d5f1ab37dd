//! FreeBSD alone.

use core::ffi::CStr;
use core::num::NonZeroU32;

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::sockopt::socket_acceptconn;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, accept_with, socket_with};
use rustix::pipe::{PipeFlags, pipe_with};

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// A Unix stream socket, non-blocking and close-on-exec.
pub(crate) fn stream_socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None)
}

/// A connection from the backlog, non-blocking and close-on-exec.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    accept_with(listener, FLAGS)
}

/// Whether a Unix stream socket listens.
pub(super) fn listens(socket: BorrowedFd<'_>) -> bool {
    socket_acceptconn(socket) == Ok(true)
}

/// The kernel knows the process on the other side (`LOCAL_PEERCRED`), but no library that is safe to call says it.
pub(super) fn peer_process(_: BorrowedFd<'_>) -> Option<NonZeroU32> {
    None
}

/// One `send` that raises no SIGPIPE.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)
}

/// A pipe, non-blocking and close-on-exec.
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)
}

/// Renames a file, unless something is at `to`: the system has no call for that.
pub(crate) fn rename_to_free(_: &CStr, _: &CStr) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}
