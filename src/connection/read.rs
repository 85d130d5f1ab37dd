//! `Read` to `Processed`: execute the command and encode its response.

use core::mem::forget;

use super::processed::flush;
use super::{Buffer, Buffers, Connection, ConnectionError, Processed, Read, Transport};
use crate::codec::EncodeError;
use crate::command::IpcServerCommand;
use crate::handler::{Caller, Handler, Lent};
use crate::peer::PeerCredentials;
use crate::request::Request;
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
        if !handler.authorize(&self.state.command, Caller::new(self.peer())) {
            return Err(self.refuse());
        }
        self.answer(|command, peer| handler.handle(command, Caller::new(peer)))
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
    // Out of line, the connection would go through memory, and the return after a system call be mispredicted.
    #[inline(always)]
    pub fn answer(
        self,
        decide: impl FnOnce(C, Option<PeerCredentials>) -> <C as Request>::Response,
    ) -> Result<Connection<'b, Processed, T, K, N>, ConnectionError<T::Error>> {
        let peer = self.peer();
        let Self { state: Read { command, put_off, mut has_room }, mut transport, buffers, local, progress } = self;
        let response = {
            let replies = PutOff { transport: &mut transport, buffers: &mut *buffers };
            let response = decide(command, peer);
            forget(replies);
            response
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
        Ok(Connection { state, transport, buffers, local, progress })
    }
}

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
