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
        let mut encoded = K::encode(&response, buffers.output.spare());
        if encoded.is_err() {
            encoded = encode_alone::<C, T, K, N>(&response, encoded, &mut transport, buffers)?;
            has_room = false;
        }
        let written = encoded.map_err(ConnectionError::Response)?;
        buffers.output.fill(written);
        Ok(Connection { state: Processed { put_off, has_room, is_empty: written == 0 }, transport, buffers, codec })
    }
}

/// Sends the replies that were put off, and encodes once more what had no room beside them.
#[cold]
fn encode_alone<C: IpcServerCommand, T: Transport, K: Codec, const N: usize>(
    response: &C::Response,
    failed: Result<usize, EncodeError>,
    transport: &mut T,
    buffers: &mut Buffers<N>,
) -> Result<Result<usize, EncodeError>, ConnectionError<T::Error>> {
    // The failed response may quote what the peer has sent.
    buffers.output.clean_spare();
    let had_company = !buffers.output.is_empty();
    // The transport was sure to take them.
    let is_out = flush(transport, &mut buffers.output)?.is_ready();
    if had_company && is_out && failed == Err(EncodeError::BufferFull) {
        let encoded = K::encode(response, buffers.output.spare());
        if encoded.is_err() {
            buffers.output.clean_spare();
        }
        return Ok(encoded);
    }
    Ok(failed)
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
