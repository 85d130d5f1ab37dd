//! `Read` to `Processed`: execute the command and encode its response.

use core::mem::forget;

use super::processed::flush;
use super::{Buffer, Buffers, Connection, ConnectionError, Owing, Processed, Read, Step, Transport};
use crate::codec::EncodeError;
use crate::command::IpcServerCommand;
use crate::handler::{Answer, AtOnce, Caller, Decide, Handler, Lent};
use crate::peer::PeerCredentials;
use crate::request::Request;
use crate::ticket::Ticket;
use crate::wire::ServerWire;
use crate::wire::session::Code;
use crate::wire::session::frame::HEAD;

impl<'b, C: Request, T: Transport, K: ServerWire, const N: usize> Connection<'b, Read<C>, T, K, N> {
    /// The command that has arrived.
    pub fn command(&self) -> &C {
        &self.state.command
    }

    /// Lets `handler` execute the command, if it [authorizes](Handler::authorize) it, and encodes its response.
    ///
    /// # Errors
    ///
    /// [`NotAuthorized`](ConnectionError::NotAuthorized) by the peer; [`Response`](ConnectionError::Response) by this program,
    /// after the command was executed.
    // As `answer`.
    #[inline(always)]
    pub fn handle<H: Handler<C> + ?Sized>(
        self,
        handler: &mut H,
    ) -> Result<Connection<'b, Processed, T, K, N>, ConnectionError<T::Error>> {
        match self.ask(&mut AtOnce(handler), || NO_TICKET)? {
            Decided::Processed(processed) => Ok(processed),
            // It has no ticket to keep.
            Decided::Owing(_) | Decided::Lost(_) => Err(ConnectionError::OneResponse),
        }
    }

    /// Has the daemon decide on the command.
    #[inline(always)]
    pub(crate) fn ask<D: Decide<C>>(
        self,
        daemon: &mut D,
        ticket: impl FnOnce() -> Ticket,
    ) -> Result<Decided<'b, C, T, K, N>, ConnectionError<T::Error>> {
        let takes_several = K::takes_several(&self.progress);
        let caller = |peer| Caller::new(peer).taking_several(takes_several);
        if !daemon.authorize(&self.state.command, caller(self.peer())) {
            return Err(self.refuse());
        }
        self.decide(|command, peer| daemon.decide(command, caller(peer), ticket))
    }

    #[cold]
    fn refuse(mut self) -> ConnectionError<T::Error> {
        K::refuse(&self.progress, &mut self.buffers.output, Code::NotAuthorized, 0, &"");
        // The replies that were put off. The transport was sure to take them.
        match flush(&mut self.transport, &mut self.buffers.output) {
            Ok(_) => ConnectionError::NotAuthorized,
            Err(error) => error.into(),
        }
    }

    /// Executes the command and encodes its response.
    ///
    /// It calls [`process_from`](IpcServerCommand::process_from) if the transport knows the peer and
    /// [`process`](IpcServerCommand::process) if it does not.
    ///
    /// # Errors
    ///
    /// [`Response`](ConnectionError::Response) by this program, after the command was executed.
    #[inline]
    pub fn process(
        self,
        context: &mut C::Context<'_>,
    ) -> Result<Connection<'b, Processed, T, K, N>, ConnectionError<T::Error>>
    where
        C: IpcServerCommand,
    {
        self.handle(&mut Lent::<C>(context))
    }

    /// Encodes the response that `decide` gives, for answering by hand.
    ///
    /// # Errors
    ///
    /// [`Response`](ConnectionError::Response) by this program, after `decide` has run.
    #[inline(always)]
    pub fn answer(
        self,
        decide: impl FnOnce(C, Option<PeerCredentials>) -> <C as Request>::Response,
    ) -> Result<Connection<'b, Processed, T, K, N>, ConnectionError<T::Error>> {
        match self.decide(|command, peer| Answer::Now(decide(command, peer)))? {
            Decided::Processed(processed) => Ok(processed),
            // It has answered.
            Decided::Owing(_) | Decided::Lost(_) => Err(ConnectionError::OneResponse),
        }
    }

    // Out of line, the connection would go through memory, and the return after a system call be mispredicted.
    #[inline(always)]
    fn decide(
        self,
        decide: impl FnOnce(C, Option<PeerCredentials>) -> Answer<<C as Request>::Response>,
    ) -> Result<Decided<'b, C, T, K, N>, ConnectionError<T::Error>> {
        let peer = self.peer();
        let Self { state: Read { command, put_off, mut has_room }, mut transport, buffers, local, progress } = self;
        let answer = {
            let replies = PutOff { transport: &mut transport, buffers: &mut *buffers };
            let answer = decide(command, peer);
            forget(replies);
            answer
        };
        let response = match answer {
            Answer::Now(response) => response,
            answer => {
                let owing = Connection { state: Owing::new(), transport, buffers, local, progress };
                return owing.answer_otherwise(answer);
            }
        };
        let output = &mut buffers.output;
        let written = loop {
            let error = match K::reply(&progress, &response, output.spare()) {
                Ok(written) => break written,
                Err(error) => error,
            };
            // It may quote what the peer has sent.
            output.clean_spare();
            let is_alone = output.is_empty();
            // The replies that were put off take room that this one needs, or are the last that leave.
            let is_out = flush(&mut transport, output)?.is_ready();
            if is_alone || !is_out || error != EncodeError::BufferFull {
                if K::HAS_SESSIONS && is_out {
                    refuse_response::<T, K, N>(&progress, &mut transport, output, &error);
                }
                return Err(ConnectionError::Response(error));
            }
            has_room = false;
        };
        output.fill(written);
        let state = Processed { put_off, has_room, is_empty: written == 0 };
        Ok(Decided::Processed(Connection { state, transport, buffers, local, progress }))
    }
}

/// What a daemon has decided on a command.
pub(crate) enum Decided<'b, C: Request, T: Transport, K: ServerWire, const N: usize> {
    /// The response, or why there is none.
    Processed(Connection<'b, Processed, T, K, N>),
    /// It answers later, or has answered in part.
    Owing(Connection<'b, Owing<C>, T, K, N>),
    /// It answers later, but the connection is over.
    Lost(ConnectionError<T::Error>),
}

impl<'b, C: Request, T: Transport, K: ServerWire, const N: usize> Connection<'b, Owing<C>, T, K, N> {
    /// Does what the daemon has decided, which is not to answer at once.
    #[cold]
    fn answer_otherwise(
        self,
        answer: Answer<C::Response>,
    ) -> Result<Decided<'b, C, T, K, N>, ConnectionError<T::Error>> {
        let step = match answer {
            Answer::Later => return Ok(self.send().map_or_else(Decided::Lost, Decided::Owing)),
            Answer::More(item) => {
                return Ok(match self.send_item(&item) {
                    Ok(Step::Ready(owing)) => Decided::Owing(owing),
                    // As below.
                    Ok(Step::NotYet(_)) => Decided::Lost(ConnectionError::Response(EncodeError::BufferFull)),
                    Err(error) => Decided::Lost(error),
                });
            }
            Answer::Now(response) => self.answer(&response)?,
            Answer::Declined(_) if !self.takes_several() => {
                // The replies that were put off.
                let _ = self.send()?;
                return Err(ConnectionError::Declined);
            }
            Answer::Declined(reason) => self.refuse(Code::Declined, reason)?,
        };
        match step {
            Step::Ready(processed) => Ok(Decided::Processed(processed)),
            // The replies that were put off are in the way, and the transport was sure to take them.
            Step::NotYet(_) => Err(ConnectionError::Response(EncodeError::BufferFull)),
        }
    }
}

/// That of a daemon which answers at once.
const NO_TICKET: Ticket = Ticket { server: 0, place: 0, command: 0 };

/// Tells the peer that its command was executed and that there is no response.
#[cold]
pub(super) fn refuse_response<T: Transport, K: ServerWire, const N: usize>(
    progress: &K::Progress,
    transport: &mut T,
    output: &mut Buffer<N>,
    error: &EncodeError,
) {
    match error {
        EncodeError::BufferFull => K::refuse(progress, output, Code::ResponseTooLong, N.saturating_sub(HEAD), &""),
        error => K::refuse(progress, output, Code::ResponseNotEncodable, 0, error),
    }
    // The connection ends in any case.
    let _ = flush(transport, output);
}

/// The replies that were put off until this one. They are sent if deciding it panics: their commands were executed.
struct PutOff<'p, T: Transport, const N: usize> {
    transport: &'p mut T,
    buffers: &'p mut Buffers<N>,
}

impl<T: Transport, const N: usize> Drop for PutOff<'_, T, N> {
    fn drop(&mut self) {
        // If it fails the peer is gone, or will see the connection end before they are complete.
        let _ = flush(self.transport, &mut self.buffers.output);
    }
}
