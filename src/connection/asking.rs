//! `Asking` to `Asked`, the client's first step: send a command until its last byte is out.

use core::marker::PhantomData;
use core::task::Poll;

use super::{AskError, Asked, Asking, Buffers, Connection, Parked, Step, Transport};
use crate::codec::{Bincode, Codec};
use crate::request::Request;

/// What sending comes to: all is out, the connection back, or the end.
type Sending<'b, C, T, K, const N: usize> = Result<
    Step<Connection<'b, Asked<C>, T, K, N>, Connection<'b, Asking<C>, T, K, N>>,
    AskError<<T as Transport>::Error>,
>;

impl<'b, C: Request, T: Transport, const N: usize> Connection<'b, Asking<C>, T, Bincode, N> {
    /// A client's connection for one command, which it encodes with [`Bincode`]. It clears `buffers` first.
    ///
    /// # Errors
    ///
    /// [`EmptyCommand`](AskError::EmptyCommand) by the type `C`, [`Command`](AskError::Command) by the value.
    pub fn ask(transport: T, buffers: &'b mut Buffers<N>, command: &C) -> Result<Self, AskError<T::Error>> {
        Self::ask_with_codec(transport, buffers, command)
    }
}

impl<'b, C: Request, T: Transport, K: Codec, const N: usize> Connection<'b, Asking<C>, T, K, N> {
    /// Like [`ask`](Connection::ask), with the codec `K`, which must be the server's.
    ///
    /// ```
    /// use ipc_server::IpcServerCommand;
    /// use ipc_server::codec::Codec;
    /// use ipc_server::connection::{AskError, Buffers, Connection, Step, Transport};
    ///
    /// /// Whether all of the command could be sent at once.
    /// fn try_to_send<K: Codec, C: IpcServerCommand, T: Transport>(
    ///     line: &mut T,
    ///     buffers: &mut Buffers,
    ///     command: &C,
    /// ) -> Result<bool, AskError<T::Error>> {
    ///     let asking = Connection::<_, _, K>::ask_with_codec(line, buffers, command)?;
    ///     Ok(matches!(asking.send_command()?, Step::Ready(_)))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ask`](Connection::ask).
    pub fn ask_with_codec(transport: T, buffers: &'b mut Buffers<N>, command: &C) -> Result<Self, AskError<T::Error>> {
        Ok(Parked::encode(command, buffers)?.resume(transport, buffers))
    }

    /// Sends what the transport takes now: the whole command in one send, if it takes it.
    ///
    /// # Errors
    ///
    /// [`Transport`](AskError::Transport) by the transport, [`Closed`](AskError::Closed) if it takes no bytes and yet does
    /// not say that it is busy.
    pub fn send_command(mut self) -> Sending<'b, C, T, K, N> {
        loop {
            // Nothing is used up, so that the command can be sent again.
            let unsent = self.buffers.output.bytes().get(self.state.sent..).unwrap_or_default();
            if unsent.is_empty() {
                return Ok(Step::Ready(self.into_state(Asked { command: PhantomData })));
            }
            match self.transport.send(unsent) {
                Poll::Pending => return Ok(Step::NotYet(self)),
                Poll::Ready(Ok(0)) => return Err(AskError::Closed { received: 0 }),
                Poll::Ready(Ok(sent)) => self.state.sent += sent,
                Poll::Ready(Err(error)) => return Err(AskError::Transport(error)),
            }
        }
    }
}

impl<C: Request, K: Codec> Parked<Asking<C>, K> {
    /// Encodes a command into the buffers, before there is a transport for it.
    pub(crate) fn encode<E, const N: usize>(command: &C, buffers: &mut Buffers<N>) -> Result<Self, AskError<E>> {
        buffers.clear();
        let output = &mut buffers.output;
        match K::encode(command, output.spare()).map_err(AskError::Command)? {
            0 => Err(AskError::EmptyCommand),
            written => {
                output.fill(written);
                Ok(Self::again())
            }
        }
    }

    /// The command that is in the buffers, from its first byte.
    pub(crate) fn again() -> Self {
        Self { state: Asking { sent: 0, command: PhantomData }, codec: PhantomData }
    }
}
