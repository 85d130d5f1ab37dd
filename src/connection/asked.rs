//! `Asked` to the response, the client's second step: receive until it decodes.

use core::task::Poll;

use super::{AskError, Asked, Connection, Step, Transport};
use crate::request::Request;
use crate::wire::session::frame::HEAD;
use crate::wire::{ClientWire, Unanswered};

/// What receiving comes to: the response, and the transport if it is of further use; the connection back; or the end.
type Receiving<'b, C, T, K, const N: usize> = Result<
    Step<(<C as Request>::Response, Option<T>), Connection<'b, Asked<C>, T, K, N>>,
    AskError<<T as Transport>::Error>,
>;

/// What receiving one of several responses comes to: it and what is left, the connection back, or the end.
type ReceivingItem<'b, C, T, K, const N: usize> = Result<
    Step<(<C as Request>::Response, Rest<Connection<'b, Asked<C>, T, K, N>, T>), Connection<'b, Asked<C>, T, K, N>>,
    AskError<<T as Transport>::Error>,
>;

/// What is left after a response.
#[derive(Debug)]
pub enum Rest<Same, T> {
    /// More follow: the connection.
    More(Same),
    /// It was the last one: the transport, if it is of further use.
    End(Option<T>),
}

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

    /// Receives one response of several, or the last one.
    ///
    /// After one of several the connection goes on; after the last, and after a server's [refusal](AskError::Refused) because
    /// the responses have [`Ended`](crate::wire::session::Reason::Ended), it is over. On the bare wire the only response is the last.
    ///
    /// # Errors
    ///
    /// As [`receive_response`](Self::receive_response).
    pub fn receive_item(mut self) -> ReceivingItem<'b, C, T, K, N> {
        let mut has_received = false;
        loop {
            let peer = self.transport.peer();
            let Self { transport, buffers, local, .. } = &mut self;
            let mut send = |bytes: &[u8]| matches!(transport.send(bytes), Poll::Ready(Ok(sent)) if sent == bytes.len());
            match K::take_item::<C, N>(local, &mut buffers.input, peer, &mut send)? {
                Some((response, false)) => return Ok(Step::Ready((response, Rest::More(self)))),
                Some((response, true)) => {
                    let is_last = self.buffers.input.is_empty();
                    return Ok(Step::Ready((response, Rest::End(is_last.then_some(self.transport)))));
                }
                // A server that sends without end what is no response must not keep the caller from looking at its clock.
                None if has_received => return Ok(Step::NotYet(self)),
                None => {}
            }
            has_received = true;
            let input = &mut self.buffers.input;
            match self.transport.receive(input.spare()) {
                Poll::Pending => return Ok(Step::NotYet(self)),
                Poll::Ready(Ok(0)) => {
                    return match K::end::<C, N>(input) {
                        Some(response) => Ok(Step::Ready((response, Rest::End(None)))),
                        None => Err(AskError::Closed { received: input.len() }),
                    };
                }
                Poll::Ready(Ok(received)) => input.fill(received),
                Poll::Ready(Err(error)) => return Err(AskError::Transport(error)),
            }
        }
    }

    /// Tells the peer that nobody waits for the rest of its answer. The transport comes back if it is of further use.
    pub fn cancel(mut self) -> Option<T> {
        let mut cancel = [0; HEAD];
        // What has come of the answer is of no use any more.
        let peer = self.transport.peer();
        while let Ok(Some((_, is_last))) =
            K::take_item::<C, N>(&mut self.local, &mut self.buffers.input, peer, &mut |_| false)
        {
            if is_last {
                break;
            }
        }
        let length = K::cancel(&self.local, &mut cancel);
        if length == 0 || !self.buffers.input.is_empty() {
            return None;
        }
        let cancel = cancel.get(..length)?;
        matches!(self.transport.send(cancel), Poll::Ready(Ok(sent)) if sent == length).then_some(self.transport)
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
            Unanswered::MoreFollow => Self::MoreFollow,
        }
    }
}
