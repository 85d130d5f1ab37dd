//! A connected socket.

use core::num::NonZeroU32;
use core::task::Poll;
use core::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    shutdown, socket_with,
    sockopt::{socket_peercred, socket_send_buffer_size},
};

use super::readiness::wait_for_output;
use crate::peer::PeerCredentials;
use crate::transport::Transport;

/// A connected Unix stream socket, non-blocking and close-on-exec, whose peer is known.
///
/// Sending never raises SIGPIPE.
#[derive(Debug)]
pub struct Stream {
    socket: OwnedFd,
    // Who the peer is, in fewer bytes than `PeerCredentials`: a table may be full of streams.
    uid: u32,
    gid: u32,
    pid: Option<NonZeroU32>,
    /// How large its send buffer is, once that was asked: nobody changes it.
    send_buffer: Option<NonZeroU32>,
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
        let peer = socket_peercred(&socket)?;
        Ok(Self {
            uid: peer.uid.as_raw(),
            gid: peer.gid.as_raw(),
            pid: Some(peer.pid.as_raw_nonzero().unsigned_abs()),
            socket,
            send_buffer: None,
        })
    }

    /// Whether nothing has arrived, neither bytes nor the end (man 2 recv, `MSG_PEEK`).
    pub(crate) fn is_silent(&self) -> bool {
        retry_on_intr(|| recv(&self.socket, &mut [0], RecvFlags::PEEK)).err() == Some(Errno::AGAIN)
    }

    /// Nothing more arrives from now on: the peer's `send` fails with EPIPE. What has arrived is still received, then the end
    /// (man 2 shutdown, `SHUT_RD`).
    pub(crate) fn stop_arrivals(&self) {
        // It can't fail with a socket of ours that is connected; and if it did, the peer would be gone.
        let _ = shutdown(&self.socket, Shutdown::Read);
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
        poll(retry_on_intr(|| send(&self.socket, from, SendFlags::NOSIGNAL)))
    }

    /// A Unix socket is writable while no more than a quarter of its send buffer is in use, and a message is charged with
    /// at most twice its length and some overhead: three quarters must hold that.
    fn has_room(&mut self, length: usize) -> bool {
        let enough = (length.saturating_mul(8) / 3).saturating_add(4096);
        if self.send_buffer.is_none() {
            let size = socket_send_buffer_size(&self.socket).ok();
            self.send_buffer = size.and_then(|size| NonZeroU32::new(size.try_into().ok()?));
        }
        self.send_buffer.is_some_and(|size| size.get() as usize >= enough)
            && wait_for_output(&self.socket, Duration::ZERO) == Ok(true)
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

pub(super) fn stream_socket() -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)
}
