//! What carries the bytes of a connection.

use core::task::Poll;

use crate::peer::PeerCredentials;

/// A non-blocking, ordered, reliable stream of bytes in both directions.
///
/// The crate implements it for Unix sockets (`unix::Stream`). Implement it for a UART, a pipe or
/// a queue in memory to run the same connections there. Dropping the transport is what closes the connection; to keep
/// the transport, lend it: `&mut T` is a transport too.
pub trait Transport {
    /// Why receiving or sending failed for good.
    type Error;

    /// Receives some bytes into the start of `into`, which is not empty.
    ///
    /// Returns the number of bytes received, 0 if the peer will never send again, or `Pending` if nothing has arrived.
    ///
    /// # Errors
    ///
    /// The transport's own; the connection is over.
    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Self::Error>>;

    /// Sends bytes from the start of `from`, which is not empty: as many as can be taken now, in one go.
    ///
    /// Returns the number of bytes taken, or `Pending` if none can be taken now.
    ///
    /// # Errors
    ///
    /// The transport's own; the connection is over.
    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Self::Error>>;

    /// Whether [`send`](Self::send) is sure to take `length` bytes now.
    ///
    /// Where it is, replies to commands that arrived together may leave together. The provided method is never sure, so that
    /// each reply is sent by itself.
    fn has_room(&mut self, length: usize) -> bool {
        let _ = length;
        false
    }

    /// Who is on the other side, if the transport knows. The provided method knows nothing.
    fn peer(&self) -> Option<PeerCredentials> {
        None
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    type Error = T::Error;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Self::Error>> {
        (**self).receive(into)
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Self::Error>> {
        (**self).send(from)
    }

    fn has_room(&mut self, length: usize) -> bool {
        (**self).has_room(length)
    }

    fn peer(&self) -> Option<PeerCredentials> {
        (**self).peer()
    }
}
