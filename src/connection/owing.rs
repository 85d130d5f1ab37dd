//! `Read` to `Owing`, and on to `Processed`: the daemon answers later, or several times.

use core::marker::PhantomData;
use core::task::Poll;

use super::processed::flush;
use super::read::refuse_response;
use super::{Accepted, Connection, ConnectionError, Processed, Read, Step, Transport};
use crate::codec::EncodeError;
use crate::request::Request;
use crate::wire::session::Code;
use crate::wire::{Heard, ServerWire};

/// The daemon has the command and answers later, or has answered in part.
#[derive(Debug)]
pub struct Owing<C> {
    command: PhantomData<fn() -> C>,
    /// How many of the last unsent bytes are a response that a newer one may replace.
    replaceable: u32,
    /// Whether the next that the peer sends may concern this command.
    has_more: bool,
}

/// What answering comes to: the reply is encoded, the connection back for want of room, or the end.
type Answering<'b, C, T, K, const N: usize> = Result<
    Step<Connection<'b, Processed, T, K, N>, Connection<'b, Owing<C>, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

/// What sending one of several responses comes to: it is on its way, the connection as it was for want of room, or the end.
type SendingOne<'b, C, T, K, const N: usize> = Result<
    Step<Connection<'b, Owing<C>, T, K, N>, Connection<'b, Owing<C>, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

/// What listening comes to: the peer waits no longer, or it does, or the end.
type Listening<'b, C, T, K, const N: usize> = Result<
    Step<Connection<'b, Accepted, T, K, N>, Connection<'b, Owing<C>, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

impl<'b, C: Request, T: Transport, K: ServerWire, const N: usize> Connection<'b, Read<C>, T, K, N> {
    /// Takes the command, whose response comes later. Replies that were [put off](Connection::read_ahead) leave with it or before it,
    /// and are counted no more.
    ///
    /// ```
    /// use ipc_server::Request;
    /// use ipc_server::connection::{Connection, ConnectionError, Read, Step, Transport};
    ///
    /// /// Answers when the work is done.
    /// fn work<C: Request, T: Transport>(
    ///     read: Connection<'_, Read<C>, T>,
    ///     execute: impl FnOnce(C) -> C::Response,
    /// ) -> Result<(), ConnectionError<T::Error>> {
    ///     let (command, owing) = read.keep();
    ///     let response = execute(command);
    ///     if let Step::Ready(processed) = owing.answer(&response)? {
    ///         let _ = processed.send()?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn keep(self) -> (C, Connection<'b, Owing<C>, T, K, N>) {
        let Self { state: Read { command, .. }, transport, buffers, local, progress } = self;
        (command, Connection { state: Owing::new(), transport, buffers, local, progress })
    }
}

impl<C> Owing<C> {
    pub(super) const fn new() -> Self {
        Self { command: PhantomData, replaceable: 0, has_more: true }
    }
}

impl<'b, C: Request, T: Transport, K: ServerWire, const N: usize> Connection<'b, Owing<C>, T, K, N> {
    /// Whether the peer can be sent several responses: it has begun a [session](crate::wire::session).
    pub fn takes_several(&self) -> bool {
        K::takes_several(&self.progress)
    }

    /// The bytes that have not been sent.
    pub fn unsent(&self) -> &[u8] {
        self.buffers.output.bytes()
    }

    /// Sends what the transport takes now of what is unsent.
    ///
    /// # Errors
    ///
    /// [`Transport`](ConnectionError::Transport) and [`Closed`](ConnectionError::Closed) by the transport.
    pub fn send(mut self) -> Result<Self, ConnectionError<T::Error>> {
        self.flush()?;
        Ok(self)
    }

    /// Encodes the response, the only or the last one. The connection comes back if there is no room for it before some of the
    /// responses before it have left.
    ///
    /// # Errors
    ///
    /// [`Response`](ConnectionError::Response) by this program; the peer is told. [`Transport`](ConnectionError::Transport) and
    /// [`Closed`](ConnectionError::Closed) by the transport.
    pub fn answer(mut self, response: &C::Response) -> Answering<'b, C, T, K, N> {
        match self.encode(response, K::reply)? {
            Some(written) => Ok(Step::Ready(self.into_processed(written == 0))),
            None => Ok(Step::NotYet(self)),
        }
    }

    /// Sends one response of several, more follow. The connection comes back as [`NotYet`](Step::NotYet) if there is no room for it
    /// before some of those before it have left; of this one nothing is sent then.
    ///
    /// # Errors
    ///
    /// [`OneResponse`](ConnectionError::OneResponse) if the peer does not [take several](Self::takes_several); others as
    /// [`answer`](Self::answer).
    pub fn send_item(self, item: &C::Response) -> SendingOne<'b, C, T, K, N> {
        self.send_one(item, false)
    }

    /// Like [`send_item`](Self::send_item), in place of the last one that was sent so and of which nothing has left: a peer that reads
    /// slowly gets the newest.
    ///
    /// There is always room if the capacity is that of three of them.
    ///
    /// # Errors
    ///
    /// As [`send_item`](Self::send_item).
    pub fn send_latest(self, item: &C::Response) -> SendingOne<'b, C, T, K, N> {
        self.send_one(item, true)
    }

    fn send_one(mut self, item: &C::Response, replaces: bool) -> SendingOne<'b, C, T, K, N> {
        if !self.takes_several() {
            return Err(ConnectionError::OneResponse);
        }
        let Some(written) = self.encode(item, K::item)? else { return Ok(Step::NotYet(self)) };
        if replaces && self.state.replaceable > 0 {
            self.buffers.output.remove_before_last(self.state.replaceable as usize, written);
        }
        // It fits 32 bits, as the capacity does.
        self.state.replaceable = if replaces { u32::try_from(written).unwrap_or_default() } else { 0 };
        self.flush()?;
        Ok(Step::Ready(self))
    }

    /// Sends what the transport takes now of what is unsent, and looks whether the peer waits no longer. If so the connection is ready
    /// for its next command; what is [unsent](Connection::unsent) leaves first.
    ///
    /// # Errors
    ///
    /// [`Transport`](ConnectionError::Transport) and [`Closed`](ConnectionError::Closed) by the transport. That nothing
    /// more arrives is no error: the peer may have ended its side only.
    pub fn listen(mut self) -> Listening<'b, C, T, K, N> {
        /// Once for what is there, once to see that there is no more.
        const RECEIVES: usize = 2;

        self.flush()?;
        for _ in 0..RECEIVES {
            if !self.state.has_more || !self.takes_several() {
                break;
            }
            let input = &mut self.buffers.input;
            match K::hear(&self.progress, input) {
                Heard::Cancelled => return Ok(Step::Ready(self.into_state(Accepted))),
                Heard::NextCommand => self.state.has_more = false,
                Heard::Nothing => match self.transport.receive(input.spare()) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(0)) => self.state.has_more = false,
                    Poll::Ready(Ok(received)) => input.fill(received),
                    Poll::Ready(Err(error)) => return Err(ConnectionError::Transport(error)),
                },
            }
        }
        Ok(Step::NotYet(self))
    }

    /// Ends the responses without another one; `reason` is for the peer to read, its first 48 bytes. The connection comes back if there
    /// is no room to say so before some of those before it have left.
    ///
    /// # Errors
    ///
    /// [`Transport`](ConnectionError::Transport) and [`Closed`](ConnectionError::Closed) by the transport, and on the bare
    /// wire [`OneResponse`](ConnectionError::OneResponse): there the end of the connection is all that can be said.
    pub fn end(self, reason: &str) -> Answering<'b, C, T, K, N> {
        self.refuse(Code::Ended, reason)
    }

    /// Lets go of the peer without an answer, or without the rest of it. Otherwise as [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub fn dismiss(self, reason: &str) -> Answering<'b, C, T, K, N> {
        self.refuse(Code::Dropped, reason)
    }

    pub(crate) fn refuse(mut self, code: Code, reason: &str) -> Answering<'b, C, T, K, N> {
        if !self.takes_several() {
            // What was put off for the commands before it.
            self.flush()?;
            return Err(ConnectionError::OneResponse);
        }
        loop {
            let before = self.buffers.output.len();
            K::refuse(&self.progress, &mut self.buffers.output, code, 0, &reason);
            if self.buffers.output.len() > before {
                return Ok(Step::Ready(self.into_processed(false)));
            }
            self.flush()?;
            if self.buffers.output.len() == before {
                return Ok(Step::NotYet(self));
            }
        }
    }

    /// Writes a response behind what is unsent. `None` for want of room, if what is unsent takes it.
    #[inline]
    fn encode(
        &mut self,
        response: &C::Response,
        write: impl Fn(&K::Progress, &C::Response, &mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<Option<usize>, ConnectionError<T::Error>> {
        loop {
            let output = &mut self.buffers.output;
            let error = match write(&self.progress, response, output.spare()) {
                Ok(written) => {
                    output.fill(written);
                    return Ok(Some(written));
                }
                Err(error) => error,
            };
            // It may quote what the peer has sent.
            output.clean_spare();
            let before = output.len();
            self.flush()?;
            let output = &mut self.buffers.output;
            if error != EncodeError::BufferFull || before == 0 {
                if output.is_empty() {
                    refuse_response::<T, K, N>(&self.progress, &mut self.transport, output, &error);
                }
                return Err(ConnectionError::Response(error));
            }
            if output.len() == before {
                return Ok(None);
            }
        }
    }

    fn flush(&mut self) -> Result<(), ConnectionError<T::Error>> {
        let _ = flush(&mut self.transport, &mut self.buffers.output)?;
        if self.buffers.output.len() < self.state.replaceable as usize {
            // Its first bytes are out.
            self.state.replaceable = 0;
        }
        Ok(())
    }

    fn into_processed(self, is_empty: bool) -> Connection<'b, Processed, T, K, N> {
        self.into_state(Processed { put_off: 0, has_room: false, is_empty })
    }
}

#[cfg(feature = "unix")]
impl<C: Request, K: ServerWire> super::Parked<Owing<C>, K> {
    /// Whether [`listen`](Connection::listen) may hear something when bytes arrive.
    pub(crate) fn is_listening(&self) -> bool {
        self.state.has_more && self.takes_several()
    }

    /// Whether the peer can be sent several responses.
    pub(crate) fn takes_several(&self) -> bool {
        K::takes_several(&self.progress)
    }
}
