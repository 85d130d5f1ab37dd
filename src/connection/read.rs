//! `Read` to `Processed`: execute the command and encode its response.

use super::processed::flush;
use super::{Connection, ConnectionError, Processed, Read, Transport};
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
        let response = decide(command, peer);
        let output = &mut buffers.output;
        let mut encoded = K::encode(&response, output.spare());
        if put_off > 0 && encoded == Err(EncodeError::BufferFull) {
            // The replies that were put off take room that this one needs. The transport was sure to take them.
            if flush(&mut transport, output)?.is_ready() {
                encoded = K::encode(&response, output.spare());
            }
            has_room = false;
        }
        let written = encoded.map_err(ConnectionError::Response)?;
        output.fill(written);
        Ok(Connection { state: Processed { put_off, has_room, is_empty: written == 0 }, transport, buffers, codec })
    }
}
