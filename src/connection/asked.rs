//! `Asked` to the response, the client's second step: receive until it decodes.

use core::task::Poll;

use super::{AskError, Asked, Connection, Step, Transport};
use crate::request::Request;
use crate::wire::{ClientWire, Unanswered};

/// What receiving comes to: the response, and the transport if it is of further use; the connection back; or the end.
type Receiving<'b, C, T, K, const N: usize> = Result<
    Step<(<C as Request>::Response, Option<T>), Connection<'b, Asked<C>, T, K, N>>,
    AskError<<T as Transport>::Error>,
>;

impl<'b, C: Request, T: Transport, K: ClientWire, const N: usize> Connection<'b, Asked<C>, T, K, N> {
    /// Receives until the whole response has arrived or nothing more is there.
    ///
    /// With the response comes the transport, if it can carry the next command: not after the peer's end, and not if bytes
    /// came behind the response, which would be taken for the next one. A response that takes no bytes on the wire
    /// arrives as the peer's end.
    ///
    /// # Errors
    ///
    /// [`Closed`](AskError::Closed), [`Malformed`](AskError::Malformed) and [`TooLarge`](AskError::TooLarge) by the peer,
    /// [`Transport`](AskError::Transport) by the transport. The command may have been executed. In a session also
    /// [`Refused`](AskError::Refused), which says whether it was, [`OtherForm`](AskError::OtherForm),
    /// [`OtherWire`](AskError::OtherWire), [`OtherCodec`](AskError::OtherCodec),
    /// [`DescriptionTooLong`](AskError::DescriptionTooLong), [`NeverReadable`](AskError::NeverReadable) and
    /// [`Unreadable`](AskError::Unreadable).
    pub fn receive_response(mut self) -> Receiving<'b, C, T, K, N> {
        /// A server that sends without end what is no response must not keep the caller from looking at its clock.
        const RECEIVES: u32 = 1024;

        let mut left = RECEIVES;
        loop {
            let input = &mut self.buffers.input;
            match self.transport.receive(input.spare()) {
                Poll::Pending => return Ok(Step::NotYet(self)),
                Poll::Ready(Ok(0)) => {
                    // Only one without bytes: any other has been looked for when its last byte came.
                    return match K::end::<C, N>(input) {
                        Some(response) => Ok(Step::Ready((response, None))),
                        None => Err(AskError::Closed { received: input.len() }),
                    };
                }
                Poll::Ready(Ok(received)) => input.fill(received),
                Poll::Ready(Err(error)) => return Err(AskError::Transport(error)),
            }
            match self.take()? {
                None if K::HAS_SESSIONS => {
                    left -= 1;
                    if left == 0 {
                        return Ok(Step::NotYet(self));
                    }
                }
                None => {}
                Some(response) => {
                    let is_last = self.buffers.input.is_empty();
                    return Ok(Step::Ready((response, is_last.then_some(self.transport))));
                }
            }
        }
    }

    #[inline(always)]
    fn take(&mut self) -> Result<Option<C::Response>, AskError<T::Error>> {
        let peer = self.transport.peer();
        let Self { transport, buffers, local, .. } = self;
        let mut send = |bytes: &[u8]| matches!(transport.send(bytes), Poll::Ready(Ok(sent)) if sent == bytes.len());
        Ok(K::take_response::<C, N>(local, &mut buffers.input, peer, &mut send)?)
    }
}

impl<E> From<Unanswered> for AskError<E> {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::TooLarge { capacity } => Self::TooLarge { capacity },
            Unanswered::Malformed(error) => Self::Malformed(error),
            Unanswered::Refused(refusal) => Self::Refused(refusal),
            Unanswered::OtherForm => Self::OtherForm,
            Unanswered::OtherWire => Self::OtherWire,
            Unanswered::DescriptionTooLong { capacity } => Self::DescriptionTooLong { capacity },
            Unanswered::NeverReadable(error) => Self::NeverReadable(error),
            Unanswered::Unreadable(error) => Self::Unreadable(error),
            Unanswered::OtherCodec => Self::OtherCodec,
        }
    }
}
