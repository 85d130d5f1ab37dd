//! `Processed` to `Replied`: send until the last byte is out. Or back to `Read`, if the next command is already there.

use core::task::Poll;

use super::buffers::Buffer;
use super::{Buffers, Connection, ConnectionError, Processed, Read, Replied, Step, Transport};
use crate::request::Request;
use crate::wire::{ServerWire, Wire};

/// What sending comes to: all is out, the connection back, or the end.
type Sending<'b, T, K, const N: usize> = Result<
    Step<Connection<'b, Replied, T, K, N>, Connection<'b, Processed, T, K, N>>,
    ConnectionError<<T as Transport>::Error>,
>;

impl<'b, T: Transport, K: Wire, const N: usize> Connection<'b, Processed, T, K, N> {
    /// The bytes that have not been sent, of the reply and of those put off before it.
    pub fn unsent(&self) -> &[u8] {
        self.buffers.output.bytes()
    }

    /// How many replies will be out when all is sent: one, and those put off by [`read_ahead`](Self::read_ahead).
    pub fn replies(&self) -> usize {
        self.state.put_off as usize + 1
    }

    /// Whether the response took no bytes, so that its reply can only be the end of the connection. A transport without an
    /// end, like a serial line, cannot carry it.
    pub fn is_reply_empty(&self) -> bool {
        self.state.is_empty
    }

    /// Puts the reply off and reads the next command first, so that their replies leave together.
    ///
    /// That needs the whole command to have arrived and the transport to be sure that it [has room](Transport::has_room)
    /// for all replies. Otherwise, and if what has arrived is not a command, the connection comes back, to be sent first.
    ///
    /// ```
    /// use ipc_server::IpcServerCommand;
    /// use ipc_server::connection::{Connection, ConnectionError, Read, Step, Transport};
    ///
    /// /// Executes all commands that have arrived and sends their replies; returns how many.
    /// fn answer<C: IpcServerCommand, T: Transport>(
    ///     mut read: Connection<'_, Read<C>, T>,
    ///     context: &mut C::Context<'_>,
    /// ) -> Result<usize, ConnectionError<T::Error>> {
    ///     loop {
    ///         let processed = read.process(context)?;
    ///         assert!(!processed.is_reply_empty(), "only closing could tell the peer");
    ///         match processed.read_ahead::<C>() {
    ///             Step::Ready(next) => read = next,
    ///             Step::NotYet(processed) => {
    ///                 let replies = processed.replies();
    ///                 let _ = processed.send()?;
    ///                 return Ok(replies);
    ///             }
    ///         }
    ///     }
    /// }
    /// ```
    #[inline(always)]
    pub fn read_ahead<C: Request>(self) -> Step<Connection<'b, Read<C>, T, K, N>, Self>
    where
        K: ServerWire,
    {
        // Mostly there is none.
        if self.buffers.input.is_worth_decoding() { self.read_next() } else { Step::NotYet(self) }
    }

    #[inline(never)]
    fn read_next<C: Request>(mut self) -> Step<Connection<'b, Read<C>, T, K, N>, Self>
    where
        K: ServerWire,
    {
        self.state.has_room = self.state.has_room || self.transport.has_room(N);
        if !self.state.has_room {
            return Step::NotYet(self);
        }
        // What will never be a command is found again when the replies before it are out.
        let Buffers { input, output } = &mut *self.buffers;
        let Ok(Some((command, 1..))) = K::take::<C, N>(&self.local, &mut self.progress, input, output) else {
            return Step::NotYet(self);
        };
        // Each takes a byte of the output buffer at least, whose length fits 32 bits.
        let put_off = self.state.put_off.saturating_add(1);
        Step::Ready(self.into_state(Read { command, put_off, has_room: true }))
    }

    /// Sends what the transport takes now: a whole reply in one send, if it takes it.
    ///
    /// # Errors
    ///
    /// [`Transport`](ConnectionError::Transport) by the transport, [`Closed`](ConnectionError::Closed) if it takes
    /// no bytes and yet does not say that it is busy. The command was executed, and the peer may not know.
    #[inline]
    pub fn send(self) -> Sending<'b, T, K, N> {
        let mut connection = self;
        connection.state.has_room = false;
        match flush(&mut connection.transport, &mut connection.buffers.output)? {
            Poll::Ready(()) => Ok(Step::Ready(connection.into_state(Replied))),
            Poll::Pending => Ok(Step::NotYet(connection)),
        }
    }
}

/// Sends what is in `output`, or as much of it as the transport takes now.
#[inline]
pub(super) fn flush<T: Transport, const N: usize>(
    transport: &mut T,
    output: &mut Buffer<N>,
) -> Result<Poll<()>, Unsent<T::Error>> {
    while !output.is_empty() {
        match transport.send(output.bytes()) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Ok(0)) => return Err(Unsent::Closed),
            Poll::Ready(Ok(sent)) => output.consume(sent),
            Poll::Ready(Err(error)) => return Err(Unsent::Transport(error)),
        }
    }
    Ok(Poll::Ready(()))
}

/// Why nothing more can be sent, in fewer bytes than a [`ConnectionError`] takes.
pub(super) enum Unsent<E> {
    Closed,
    Transport(E),
}

impl<E> From<Unsent<E>> for ConnectionError<E> {
    #[cold]
    fn from(unsent: Unsent<E>) -> Self {
        match unsent {
            Unsent::Closed => Self::Closed { received: 0 },
            Unsent::Transport(error) => Self::Transport(error),
        }
    }
}
