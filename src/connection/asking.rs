//! `Asking` to `Asked`, the client's first step: send a command until its last byte is out.

use core::marker::PhantomData;
use core::task::Poll;

use super::{AskError, Asked, Asking, Buffers, Connection, Parked, Step, Transport};
use crate::codec::{Bincode, Codec};
use crate::described::Format;
use crate::request::Request;
use crate::wire::session::Link;
use crate::wire::{ClientSession, ClientWire, Unasked};

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
        Self::ask_on(transport, buffers, (), command)
    }
}

impl<'b, C: Request, T: Transport, K: Format, const D: usize, const N: usize>
    Connection<'b, Asking<C>, T, ClientSession<K, D>, N>
{
    /// Like [`ask`](Connection::ask), in a session: `link` is what the client knows of its server.
    ///
    /// The first command over a transport goes with the client's hello. Tell the link when the transport is
    /// [another](Link::disconnected). The [module of sessions](crate::wire::session) has an example.
    ///
    /// # Errors
    ///
    /// As [`ask`](Connection::ask), and [`TooLong`](AskError::TooLong) and [`NotCarried`](AskError::NotCarried) by the value.
    pub fn ask_in_session(
        transport: T,
        buffers: &'b mut Buffers<N>,
        link: &'b mut Link<D>,
        command: &C,
    ) -> Result<Self, AskError<T::Error>> {
        Self::ask_on(transport, buffers, link, command)
    }
}

impl<'b, C: Request, T: Transport, K: ClientWire, const N: usize> Connection<'b, Asking<C>, T, K, N> {
    fn ask_on(
        transport: T,
        buffers: &'b mut Buffers<N>,
        mut local: K::Local<'b>,
        command: &C,
    ) -> Result<Self, AskError<T::Error>> {
        let parked = Parked::<_, K>::encode(command, buffers, &mut local)?;
        Ok(parked.resume_with(transport, buffers, local))
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

impl<C: Request, K: ClientWire> Parked<Asking<C>, K> {
    /// Encodes a command into the buffers, before there is a transport for it.
    pub(crate) fn encode<E, const N: usize>(
        command: &C,
        buffers: &mut Buffers<N>,
        local: &mut K::Local<'_>,
    ) -> Result<Self, AskError<E>> {
        buffers.clear();
        let output = &mut buffers.output;
        let written = K::ask(local, command, output.spare())?;
        output.fill(written);
        Ok(Self::again())
    }

    /// The command that is in the buffers, from its first byte.
    pub(crate) fn again() -> Self {
        Self { state: Asking { sent: 0, command: PhantomData }, progress: K::Progress::default() }
    }
}

impl<E> From<Unasked> for AskError<E> {
    fn from(unasked: Unasked) -> Self {
        match unasked {
            Unasked::Empty => Self::EmptyCommand,
            Unasked::NotEncoded(error) => Self::Command(error),
            Unasked::TooLong { capacity } => Self::TooLong { capacity },
            Unasked::NotCarried(refusal) => Self::NotCarried(refusal),
        }
    }
}
