//! `Accepted` to `Read`: receive until one whole command decodes.

use core::task::Poll;

use super::{Accepted, Connection, ConnectionError, Read, Step, Transport};
use crate::codec::Codec;
use crate::request::Request;
use crate::wire::bare::{self, Refused};

/// What reading comes to: the command, the connection back, or the end.
type Reading<'b, C, T, K, const N: usize> = Result<
    Step<Connection<'b, Read<C>, T, K, N>, Connection<'b, Accepted, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

impl<'b, T: Transport, K: Codec, const N: usize> Connection<'b, Accepted, T, K, N> {
    /// Receives until one whole command has arrived or nothing more is there.
    ///
    /// Bytes beyond the command stay for the [next](Connection::next) one. It receives at most `N` times.
    ///
    /// # Errors
    ///
    /// [`Closed`](ConnectionError::Closed), [`Malformed`](ConnectionError::Malformed) and
    /// [`TooLarge`](ConnectionError::TooLarge) by the peer, [`EmptyCommand`](ConnectionError::EmptyCommand) by the type
    /// `C`, [`Transport`](ConnectionError::Transport) by the transport.
    #[inline]
    pub fn receive<C: Request>(self) -> Reading<'b, C, T, K, N> {
        self.receive_times(usize::MAX)
    }

    /// Like [`receive`](Self::receive), and asks the transport at most so many times.
    // Out of line, the connection would go through memory, and the return after a system call be mispredicted.
    #[inline(always)]
    pub(crate) fn receive_times<C: Request>(self, times: usize) -> Reading<'b, C, T, K, N> {
        let mut connection = self;
        let mut left = times;
        loop {
            connection = match connection.decode()? {
                Step::Ready(read) => return Ok(Step::Ready(read)),
                Step::NotYet(connection) => connection,
            };
            let input = &mut connection.buffers.input;
            let Some(remaining) = left.checked_sub(1) else { return Ok(Step::NotYet(connection)) };
            left = remaining;
            match connection.transport.receive(input.spare()) {
                Poll::Pending => return Ok(Step::NotYet(connection)),
                Poll::Ready(Ok(0)) => return Err(ConnectionError::Closed { received: input.len() }),
                Poll::Ready(Ok(received)) => input.fill(received),
                Poll::Ready(Err(error)) => return Err(ConnectionError::Transport(error)),
            }
        }
    }

    /// Like [`receive`](Self::receive), from the bytes that have already arrived, without asking the transport.
    ///
    /// # Errors
    ///
    /// [`Malformed`](ConnectionError::Malformed) and [`TooLarge`](ConnectionError::TooLarge) by the peer,
    /// [`EmptyCommand`](ConnectionError::EmptyCommand) by the type `C`.
    #[inline]
    pub fn decode<C: Request>(self) -> Reading<'b, C, T, K, N> {
        match bare::take::<C, K, N>(&mut self.buffers.input) {
            Ok(None) => Ok(Step::NotYet(self)),
            Ok(Some((_, 0))) => Err(ConnectionError::EmptyCommand),
            Ok(Some((command, _))) => Ok(Step::Ready(self.into_state(Read { command, put_off: 0, has_room: false }))),
            Err(Refused::TooLarge) => Err(ConnectionError::TooLarge { capacity: N }),
            Err(Refused::Malformed(error)) => Err(ConnectionError::Malformed(error)),
        }
    }
}
