//! `Asked` to the response, the client's second step: receive until it decodes.

use core::task::Poll;

use super::{AskError, Asked, Connection, Step, Transport};
use crate::codec::Codec;
use crate::request::Request;
use crate::wire::bare::{self, Refused};

/// What receiving comes to: the response, and the transport if it is of further use; the connection back; or the end.
type Receiving<'b, C, T, K, const N: usize> = Result<
    Step<(<C as Request>::Response, Option<T>), Connection<'b, Asked<C>, T, K, N>>,
    AskError<<T as Transport>::Error>,
>;

impl<'b, C: Request, T: Transport, K: Codec, const N: usize> Connection<'b, Asked<C>, T, K, N> {
    /// Receives until the whole response has arrived or nothing more is there.
    ///
    /// With the response comes the transport, if it can carry the next command: not after the peer's end, and not if bytes
    /// came behind the response, which would be taken for the next one. A response that takes no bytes on the wire
    /// arrives as the peer's end.
    ///
    /// # Errors
    ///
    /// [`Closed`](AskError::Closed), [`Malformed`](AskError::Malformed) and [`TooLarge`](AskError::TooLarge) by the peer,
    /// [`Transport`](AskError::Transport) by the transport. The command may have been executed.
    pub fn receive_response(mut self) -> Receiving<'b, C, T, K, N> {
        loop {
            let input = &mut self.buffers.input;
            match self.transport.receive(input.spare()) {
                Poll::Pending => return Ok(Step::NotYet(self)),
                Poll::Ready(Ok(0)) => {
                    // Only one without bytes: any other has been looked for when its last byte came.
                    return match K::decode(input.bytes()) {
                        Ok((response, _)) => Ok(Step::Ready((response, None))),
                        Err(_) => Err(AskError::Closed { received: input.len() }),
                    };
                }
                Poll::Ready(Ok(received)) => input.fill(received),
                Poll::Ready(Err(error)) => return Err(AskError::Transport(error)),
            }
            match bare::take::<C::Response, K, N>(input) {
                Ok(None) => {}
                Ok(Some((response, _))) => {
                    let is_last = input.is_empty();
                    return Ok(Step::Ready((response, is_last.then_some(self.transport))));
                }
                Err(Refused::TooLarge) => return Err(AskError::TooLarge { capacity: N }),
                Err(Refused::Malformed(error)) => return Err(AskError::Malformed(error)),
            }
        }
    }
}
