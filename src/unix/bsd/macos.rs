//! macOS alone.

use core::ffi::CStr;
use core::num::NonZeroU32;

use nix::sys::socket::{getsockopt, sockopt::LocalPeerPid};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, OFlags, RenameFlags, fcntl_getfl, fcntl_setfl, renameat_with};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::sockopt::set_socket_nosigpipe;
use rustix::net::{AddressFamily, SendFlags, SocketType, listen, socket};

use super::super::listener::BACKLOG;

/// A Unix stream socket, non-blocking and close-on-exec.
pub(crate) fn stream_socket() -> Result<OwnedFd, Errno> {
    with_flags(socket(AddressFamily::UNIX, SocketType::STREAM, None)?)
}

/// A connection from the backlog, non-blocking and close-on-exec.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    with_flags(rustix::net::accept(listener)?)
}

/// Makes a descriptor non-blocking and close-on-exec. A program that another thread executes in between inherits it.
fn with_flags(descriptor: OwnedFd) -> Result<OwnedFd, Errno> {
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    fcntl_setfl(&descriptor, fcntl_getfl(&descriptor)? | OFlags::NONBLOCK)?;
    Ok(descriptor)
}

/// Whether a Unix stream socket listens. The system does not tell, so this makes one that is bound listen.
pub(super) fn listens(socket: BorrowedFd<'_>) -> bool {
    listen(socket, i32::from(BACKLOG)).is_ok()
}

/// The process that used the other end last, if there is another end still (`LOCAL_PEERPID`).
pub(super) fn peer_process(socket: BorrowedFd<'_>) -> Option<NonZeroU32> {
    NonZeroU32::new(getsockopt(&socket, LocalPeerPid).ok()?.try_into().ok()?)
}

/// One `send` that raises no SIGPIPE.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    match set_socket_nosigpipe(socket, true) {
        Ok(()) => rustix::net::send(socket, bytes, SendFlags::empty()),
        // The socket of a peer that is gone takes no option any more; and what is sent there would raise the signal.
        Err(Errno::INVAL) => Err(Errno::PIPE),
        Err(errno) => Err(errno),
    }
}

/// A pipe, non-blocking and close-on-exec.
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reader, writer) = rustix::pipe::pipe()?;
    Ok((with_flags(reader)?, with_flags(writer)?))
}

/// Renames a file, unless something is at `to` or the file system can't tell (man 2 rename, `RENAME_EXCL`).
pub(crate) fn rename_to_free(from: &CStr, to: &CStr) -> Result<(), Errno> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}
