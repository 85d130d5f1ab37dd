//! A connected socket.

use core::num::NonZeroU32;
use core::task::Poll;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SocketAddrUnix, connect, recv};

use super::system::socket::{SendBuffer, is_gone, peer, send, stop_arrivals, stream_socket};
use crate::peer::PeerCredentials;
use crate::transport::Transport;

/// A connected Unix stream socket, non-blocking and close-on-exec, whose peer is known.
///
/// Sending never raises SIGPIPE. On macOS it is close-on-exec a moment after it was made: a program that another thread executes
/// in between inherits it.
#[derive(Debug)]
pub struct Stream {
    socket: OwnedFd,
    // Who the peer is, in fewer bytes than `PeerCredentials`: a table may be full of streams.
    uid: u32,
    gid: u32,
    pid: Option<NonZeroU32>,
    send_buffer: SendBuffer,
}

impl Stream {
    /// Who is on the other side.
    #[must_use]
    pub fn peer(&self) -> PeerCredentials {
        PeerCredentials::new(self.uid, self.gid, self.pid.map(NonZeroU32::get))
    }

    /// The peer's effective user ID.
    #[inline]
    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    /// Takes a socket that is non-blocking and connected.
    pub(super) fn identify(socket: OwnedFd) -> Result<Self, Errno> {
        let (uid, gid, pid) = peer(socket.as_fd())?;
        Ok(Self { socket, uid, gid, pid, send_buffer: SendBuffer::new() })
    }

    /// Whether nothing has arrived, neither bytes nor the end (man 2 recv, `MSG_PEEK`).
    pub(crate) fn is_silent(&self) -> bool {
        retry_on_intr(|| recv(&self.socket, &mut [0], RecvFlags::PEEK)).err() == Some(Errno::AGAIN)
    }

    /// Nothing more arrives from now on. What has arrived is still received, then the end. Not every system can do both, so it may
    /// have no effect while something has arrived.
    pub(crate) fn stop_arrivals(&self) {
        stop_arrivals(self.socket.as_fd());
    }

    /// Whether the peer has closed the connection, of one whose peer has ended its side at least.
    pub(crate) fn is_gone(&self) -> bool {
        is_gone(self.socket.as_fd())
    }

    /// Connects to `address`. `Pending` if the server's backlog is full: ask again later.
    pub(crate) fn connect(address: &SocketAddrUnix) -> Result<Poll<Self>, Errno> {
        let socket = stream_socket()?;
        match retry_on_intr(|| connect(&socket, address)) {
            Ok(()) => Self::identify(socket).map(Poll::Ready),
            Err(Errno::AGAIN) => Ok(Poll::Pending),
            Err(errno) => Err(errno),
        }
    }
}

impl Transport for Stream {
    type Error = Errno;

    /// One `recv` (man 2 recv).
    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Errno>> {
        poll(retry_on_intr(|| recv(&self.socket, &mut *into, RecvFlags::empty())).map(|(received, _)| received))
    }

    /// One `send` (man 2 send).
    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Errno>> {
        poll(retry_on_intr(|| send(self.socket.as_fd(), from)))
    }

    fn has_room(&mut self, length: usize) -> bool {
        self.send_buffer.has_room(self.socket.as_fd(), length)
    }

    fn peer(&self) -> Option<PeerCredentials> {
        Some(self.peer())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn poll<T>(result: Result<T, Errno>) -> Poll<Result<T, Errno>> {
    match result {
        Err(Errno::AGAIN) => Poll::Pending,
        result => Poll::Ready(result),
    }
}
