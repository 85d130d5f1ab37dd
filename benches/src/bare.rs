//! A client of bare system calls. In one thread every contender's client is this one, so that what differs is the server
//! and the codec; the crates' own clients wait for the reply, which here nobody could give meanwhile.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send, socket_with,
};

use crate::Outcome;
use crate::peers::Connection;

pub(crate) struct Client {
    address: SocketAddrUnix,
    connection: Connection,
    socket: Option<OwnedFd>,
}

impl Client {
    pub(crate) fn new(path: &str, connection: Connection) -> Outcome<Self> {
        Ok(Self { address: SocketAddrUnix::new(path)?, connection, socket: None })
    }

    /// Connects, if need be, and sends `message`.
    #[inline]
    pub(crate) fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open(&self.address)?,
        };
        let sent = send(&socket, message, SendFlags::NOSIGNAL)?;
        self.socket = Some(socket);
        if sent == message.len() { Ok(()) } else { Err(Errno::AGAIN) }
    }

    /// What has been received, in one `recv`. It closes the socket if it is not to be kept.
    #[inline]
    pub(crate) fn receive<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
        let socket = self.socket.take().ok_or(Errno::NOTCONN)?;
        let (received, _) = recv(&socket, &mut *buffer, RecvFlags::empty())?;
        if self.connection.is_kept() {
            self.socket = Some(socket);
        }
        Ok(buffer.get(..received).unwrap_or_default())
    }
}

/// A socket that is connected to `address` and blocks.
#[inline]
pub(crate) fn open(address: &SocketAddrUnix) -> Result<OwnedFd, Errno> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    connect(&socket, address)?;
    Ok(socket)
}
