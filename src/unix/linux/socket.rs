//! How Linux makes sockets, and what it says of their peers.

use core::num::NonZeroU32;
use core::time::Duration;

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_peercred, socket_send_buffer_size, socket_type};
use rustix::net::{
    AddressFamily, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, shutdown, socket_with,
};
use rustix::process::getpid;

use super::super::path::PathError;
use super::super::readiness::wait_for_output;

/// The longest path that every peer can connect to: `sun_path` has 108 bytes, and other libraries keep the last for a NUL.
pub(crate) const LONGEST: usize = 107;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// A Unix stream socket, non-blocking and close-on-exec.
pub(crate) fn stream_socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None)
}

/// A connection from the backlog, non-blocking and close-on-exec.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    accept_with(listener, FLAGS)
}

/// The abstract address of that name (man 7 unix).
pub(crate) fn abstract_address(name: &[u8]) -> Result<SocketAddrUnix, PathError> {
    if name.is_empty() {
        // The kernel would choose a name of its own.
        return Err(PathError::Invalid);
    }
    SocketAddrUnix::new_abstract_name(name).map_err(|_| PathError::TooLong)
}

/// Whether it is a Unix stream socket that listens.
pub(crate) fn is_listener(socket: BorrowedFd<'_>) -> bool {
    socket_domain(socket) == Ok(AddressFamily::UNIX)
        && socket_type(socket) == Ok(SocketType::STREAM)
        && socket_acceptconn(socket) == Ok(true)
}

/// The user, the group and the process on the other side.
pub(crate) fn peer(socket: BorrowedFd<'_>) -> Result<(u32, u32, Option<NonZeroU32>), Errno> {
    let peer = socket_peercred(socket)?;
    Ok((peer.uid.as_raw(), peer.gid.as_raw(), Some(peer.pid.as_raw_nonzero().unsigned_abs())))
}

/// One `send` that raises no SIGPIPE.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)
}

/// Nothing more arrives from now on: the peer's `send` fails with EPIPE. What has arrived is still received, then the end
/// (man 2 shutdown, `SHUT_RD`).
pub(crate) fn stop_arrivals(socket: BorrowedFd<'_>) {
    // It can't fail with a socket of ours that is connected; and if it did, the peer would be gone.
    let _ = shutdown(socket, Shutdown::Read);
}

/// Whether the peer of a socket has closed the connection, where readiness tells that its side has ended: here it tells of
/// hang-ups alone.
#[inline]
pub(crate) fn is_gone(_: BorrowedFd<'_>) -> bool {
    false
}

/// Which process called `listen`.
///
/// The kernel has recorded it. A process ID alone does not tell, since a fork in a PID namespace of its own may have that of
/// its parent; but there the parent has none.
#[derive(Debug)]
pub(crate) struct Maker;

impl Maker {
    pub(crate) fn this_process() -> Self {
        Self
    }

    /// Whether it is this process, and not one of which this process is a fork.
    pub(crate) fn is_this_process(&self, listener: BorrowedFd<'_>) -> bool {
        socket_peercred(listener).is_ok_and(|maker| maker.pid == getpid())
    }
}

/// The size of a socket's send buffer, once that was asked: nobody changes it.
#[derive(Debug)]
pub(crate) struct SendBuffer {
    size: Option<NonZeroU32>,
}

impl SendBuffer {
    pub(crate) fn new() -> Self {
        Self { size: None }
    }

    /// Whether a `send` is sure to take so many bytes now.
    ///
    /// A Unix socket is writable while no more than a quarter of its send buffer is in use, and a message is charged with
    /// at most twice its length and some overhead: three quarters must hold that.
    pub(crate) fn has_room(&mut self, socket: BorrowedFd<'_>, length: usize) -> bool {
        let enough = (length.saturating_mul(8) / 3).saturating_add(4096);
        if self.size.is_none() {
            let size = socket_send_buffer_size(socket).ok();
            self.size = size.and_then(|size| NonZeroU32::new(size.try_into().ok()?));
        }
        self.size.is_some_and(|size| size.get() as usize >= enough)
            && wait_for_output(socket, Duration::ZERO) == Ok(true)
    }
}
