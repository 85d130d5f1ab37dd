//! `Read` to `Processed`: execute the command and encode its response.

use core::mem::forget;

use super::processed::flush;
use super::{Buffers, Connection, ConnectionError, Processed, Read, Transport};
use crate::codec::{Codec, EncodeError};
use crate::command::IpcServerCommand;
use crate::peer::PeerCredentials;

impl<'b, C: IpcServerCommand, T: Transport, K: Codec, const N: usize> Connection<'b, Read<C>, T, K, N> {
    /// The command that has arrived.
    pub fn command(&self) -> &C {
        &self.state.command
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
    ) -> Result<Connection<'b, Processed, T, K, N>, ConnectionError<T::Error>> {
        self.answer(|command, peer| match peer {
            Some(peer) => command.process_from(&peer, context),
            None => command.process(context),
        })
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
        decide: impl FnOnce(C, Option<PeerCredentials>) -> C::Response,
    ) -> Result<Connection<'b, Processed, T, K, N>, ConnectionError<T::Error>> {
        let peer = self.peer();
        let Self { state: Read { command, put_off, mut has_room }, mut transport, buffers, codec } = self;
        let response = {
            let replies = PutOff { transport: &mut transport, buffers: &mut *buffers };
            let response = decide(command, peer);
            forget(replies);
            response
        };
        let output = &mut buffers.output;
        let written = loop {
            let error = match K::encode(&response, output.spare()) {
                Ok(written) => break written,
                Err(error) => error,
            };
            // It may quote what the peer has sent.
            output.clean_spare();
            let is_alone = output.is_empty();
            // The replies that were put off take room that this one needs, or are the last that leave.
            let is_out = flush(&mut transport, output)?.is_ready();
            if is_alone || !is_out || error != EncodeError::BufferFull {
                return Err(ConnectionError::Response(error));
            }
            has_room = false;
        };
        output.fill(written);
        Ok(Connection { state: Processed { put_off, has_room, is_empty: written == 0 }, transport, buffers, codec })
    }
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
