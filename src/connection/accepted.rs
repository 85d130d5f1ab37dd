//! `Accepted` to `Read`: receive until one whole command decodes.

use core::task::Poll;

use super::processed::flush;
use super::{Accepted, Buffers, Connection, ConnectionError, Read, Step, Transport};
use crate::request::Request;
use crate::wire::session::Code;
use crate::wire::session::frame::HEAD;
use crate::wire::{Refused, ServerWire};

/// What reading comes to: the command, the connection back, or the end.
type Reading<'b, C, T, K, const N: usize> = Result<
    Step<Connection<'b, Read<C>, T, K, N>, Connection<'b, Accepted, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

impl<'b, T: Transport, K: ServerWire, const N: usize> Connection<'b, Accepted, T, K, N> {
    /// Receives until one whole command has arrived or nothing more is there.
    ///
    /// Bytes beyond the command stay for the [next](Connection::next) one. It receives at most `N` times.
    ///
    /// # Errors
    ///
    /// [`Closed`](ConnectionError::Closed), [`Malformed`](ConnectionError::Malformed),
    /// [`TooLarge`](ConnectionError::TooLarge) and [`OtherWire`](ConnectionError::OtherWire) by the peer, [`EmptyCommand`](ConnectionError::EmptyCommand) by the type
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
        if K::HAS_SESSIONS && !connection.buffers.output.is_empty() && !connection.send_answers()? {
            return Ok(Step::NotYet(connection));
        }
        loop {
            if connection.buffers.input.is_worth_decoding() {
                match connection.take() {
                    Ok(Some(command)) => return Ok(Step::Ready(connection.into_read(command))),
                    Ok(None) => {}
                    Err(error) => return Err(connection.refuse(error)),
                }
                if K::HAS_SESSIONS && !connection.buffers.output.is_empty() {
                    if !connection.send_answers()? {
                        return Ok(Step::NotYet(connection));
                    }
                    // It may have stopped for want of room.
                    continue;
                }
            }
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
    /// [`Malformed`](ConnectionError::Malformed), [`TooLarge`](ConnectionError::TooLarge) and
    /// [`OtherWire`](ConnectionError::OtherWire) by the peer, [`EmptyCommand`](ConnectionError::EmptyCommand) by the type `C`.
    #[inline]
    pub fn decode<C: Request>(mut self) -> Reading<'b, C, T, K, N> {
        match self.take() {
            Ok(None) => Ok(Step::NotYet(self)),
            Ok(Some(command)) => Ok(Step::Ready(self.into_read(command))),
            Err(error) => Err(error),
        }
    }

    /// Whether the next command may be among what has arrived.
    #[cfg(feature = "unix")]
    #[inline]
    pub(crate) fn is_worth_decoding(&self) -> bool {
        self.buffers.input.is_worth_decoding()
    }

    #[inline(always)]
    fn take<C: Request, E>(&mut self) -> Result<Option<C>, ConnectionError<E>> {
        let Buffers { input, output } = &mut *self.buffers;
        match K::take::<C, N>(&self.local, &mut self.progress, input, output) {
            Ok(None) => Ok(None),
            Ok(Some((_, 0))) => Err(ConnectionError::EmptyCommand),
            Ok(Some((command, _))) => Ok(Some(command)),
            Err(Refused::TooLarge) => Err(ConnectionError::TooLarge { capacity: N }),
            Err(Refused::Malformed(error)) => Err(ConnectionError::Malformed(error)),
            Err(Refused::OtherWire) => Err(ConnectionError::OtherWire),
        }
    }

    #[inline(always)]
    fn into_read<C>(self, command: C) -> Connection<'b, Read<C>, T, K, N> {
        self.into_state(Read { command, put_off: 0, has_room: false })
    }

    /// Ends the connection, and tells the peer why the command that it has begun to send is not executed, if the wire has a way
    /// to say so.
    #[cfg(feature = "unix")]
    #[cold]
    pub(crate) fn break_off(mut self, code: Code) {
        let Buffers { input, output } = &mut *self.buffers;
        if K::break_off(&mut self.progress, input) {
            K::refuse(&self.progress, output, code, 0, &"");
            // The connection ends in any case.
            let _ = self.send_answers();
        }
    }

    /// Sends what a session has answered without the daemon. Whether all of it is out.
    #[cold]
    fn send_answers(&mut self) -> Result<bool, ConnectionError<T::Error>> {
        Ok(flush(&mut self.transport, &mut self.buffers.output)?.is_ready())
    }

    /// Tells the peer of the error, if the wire has a way to say so.
    #[inline]
    fn refuse(mut self, error: ConnectionError<T::Error>) -> ConnectionError<T::Error> {
        if K::HAS_SESSIONS {
            let output = &mut self.buffers.output;
            match &error {
                ConnectionError::Malformed(reason) => K::refuse(&self.progress, output, Code::Malformed, 0, reason),
                ConnectionError::TooLarge { capacity } => {
                    K::refuse(&self.progress, output, Code::TooLong, capacity.saturating_sub(HEAD), &"");
                }
                _ => {}
            }
            // The connection ends in any case.
            let _ = self.send_answers();
        }
        error
    }
}
