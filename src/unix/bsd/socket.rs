//! How sockets are made, and what is known of their peers.

use core::num::NonZeroU32;
use core::time::Duration;

use nix::unistd::getpeereid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::sockopt::socket_type;
use rustix::net::{AddressFamily, RecvFlags, Shutdown, SocketAddrUnix, SocketType, getsockname, recv, shutdown};
use rustix::process::{Pid, getpid};

use super::super::path::PathError;
use super::super::readiness::wait_for_output;
use super::queue::errno;

pub(crate) use super::kind::{accept, send, stream_socket};
use super::kind::{listens, peer_process};

/// The longest path of a socket: `sun_path` has 104 bytes, of which the last is for a NUL.
pub(crate) const LONGEST: usize = 103;

/// What the low-water mark of a send buffer is at least. The manual has it as "often 1024"; both kernels start at 2,048.
const LOW_WATER_MARK: usize = 1024;

/// There are none but on Linux.
pub(crate) fn abstract_address(_: &[u8]) -> Result<SocketAddrUnix, PathError> {
    Err(PathError::NoAbstractAddresses)
}

/// Whether it is a Unix stream socket that listens.
pub(crate) fn is_listener(socket: BorrowedFd<'_>) -> bool {
    getsockname(socket).is_ok_and(|name| name.address_family() == AddressFamily::UNIX)
        && socket_type(socket) == Ok(SocketType::STREAM)
        && listens(socket)
}

/// The user and the group on the other side (man 3 getpeereid), and the process, where that is known.
pub(crate) fn peer(socket: BorrowedFd<'_>) -> Result<(u32, u32, Option<NonZeroU32>), Errno> {
    let (uid, gid) = getpeereid(socket).map_err(errno)?;
    Ok((uid.as_raw(), gid.as_raw(), peer_process(socket)))
}

/// Nothing more arrives from now on, if nothing has arrived that was not received.
///
/// `SHUT_RD` throws away what has arrived, so it waits until all is received: the server asks again after each exchange.
pub(crate) fn stop_arrivals(socket: BorrowedFd<'_>) {
    if retry_on_intr(|| recv(socket, &mut [0], RecvFlags::PEEK)).err() == Some(Errno::AGAIN) {
        // It can't fail with a socket of ours that is connected; and if it did, the peer would be gone.
        let _ = shutdown(socket, Shutdown::Read);
    }
}

/// Whether the peer of a socket has closed the connection, and has not only ended its side: then there is no room to wait for.
pub(crate) fn is_gone(socket: BorrowedFd<'_>) -> bool {
    let mut socket = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
    let polled = retry_on_intr(|| poll(&mut socket, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })));
    polled.is_ok() && socket.iter().any(|socket| socket.revents().contains(PollFlags::HUP))
}

/// Which process has made a listener. No two processes of one machine have the same ID.
#[derive(Debug)]
pub(crate) struct Maker(Pid);

impl Maker {
    pub(crate) fn this_process() -> Self {
        Self(getpid())
    }

    /// Whether it is this process, and not one of which this process is a fork.
    pub(crate) fn is_this_process(&self, _: BorrowedFd<'_>) -> bool {
        self.0 == getpid()
    }
}

/// What is known of a socket's send buffer.
#[derive(Debug)]
pub(crate) struct SendBuffer;

impl SendBuffer {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Whether a `send` is sure to take so many bytes now: a socket is not writable unless it takes as many as its low-water
    /// mark says (man 2 setsockopt, `SO_SNDLOWAT`).
    pub(crate) fn has_room(&mut self, socket: BorrowedFd<'_>, length: usize) -> bool {
        length <= LOW_WATER_MARK && wait_for_output(socket, Duration::ZERO) == Ok(true)
    }
}
