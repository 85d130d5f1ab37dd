//! `Processed` to `Replied`: send until the last byte is out.

use core::task::Poll;

use super::{Connection, ConnectionError, Processed, Replied, Step, Transport};

/// What sending comes to: all is out, the connection back, or the end.
type Sending<'b, T, K, const N: usize> = Result<
    Step<Connection<'b, Replied, T, K, N>, Connection<'b, Processed, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

impl<'b, T: Transport, K, const N: usize> Connection<'b, Processed, T, K, N> {
    /// The bytes of the reply that have not been sent.
    pub fn unsent(&self) -> &[u8] {
        self.buffers.output.bytes()
    }

    /// Sends what the transport takes now: a whole reply in one send, if it takes it.
    ///
    /// # Errors
    ///
    /// [`Transport`](ConnectionError::Transport) by the transport, [`Closed`](ConnectionError::Closed) if it takes
    /// no bytes and yet does not say that it is busy. The command was executed, and the peer may not know.
    pub fn send(self) -> Sending<'b, T, K, N> {
        let mut connection = self;
        while !connection.unsent().is_empty() {
            let output = &mut connection.buffers.output;
            match connection.transport.send(output.bytes()) {
                Poll::Pending => return Ok(Step::NotYet(connection)),
                Poll::Ready(Ok(0)) => return Err(ConnectionError::Closed { received: 0 }),
                Poll::Ready(Ok(sent)) => output.consume(sent),
                Poll::Ready(Err(error)) => return Err(ConnectionError::Transport(error)),
            }
        }
        Ok(Step::Ready(connection.into_state(Replied)))
    }
}
