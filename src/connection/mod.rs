//! One connection, step by step: a typestate over any [`Transport`].
//!
//! ```text
//!                  receive                process                 send
//!   +----------+  or decode  +---------+  or answer  +-----------+         +---------+
//!   | Accepted | ----------> | Read<C> | ----------> | Processed | ------> | Replied | --> close
//!   +----------+             +---------+             +-----------+         +---------+
//!     |  ^   ^                    ^                     |  |  ^               |
//!     +--+   |   not yet: the     +---- read_ahead -----+  +--+               |
//!            |   same state again                                             |
//!            +------------------------- next ---------------------------------+
//! ```
//!
//! A command that is answered later, or several times, is [`Owing`] between `Read` and `Processed`: see [`keep`](Connection::keep).
//!
//! Beside this, the server's side, there is the [client's](#the-clients-side).
//!
//! Each transition consumes the connection, so a wrong order does not compile. A transition that has to wait for the
//! peer gives the connection back as [`Step::NotYet`]; one that fails returns a [`ConnectionError`], which says
//! [whose fault](ConnectionError::fault) it is, and closes the connection.
//!
//! Here a client's side is played by hand, over a transport that is two queues in memory:
//!
//! ```
//! use core::{convert::Infallible, task::Poll};
//! use ipc_server::IpcServerCommand;
//! use ipc_server::connection::{Buffers, Connection, Step, Transport};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug)]
//! enum Command {
//!     Add { a: u16, b: u16 },
//! }
//!
//! impl IpcServerCommand for Command {
//!     type Response = Option<u16>;
//!     type Context<'a> = ();
//!
//!     fn process(self, _: &mut Self::Context<'_>) -> Option<u16> {
//!         let Command::Add { a, b } = self;
//!         a.checked_add(b)
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Queues {
//!     to_server: Vec<u8>,
//!     to_client: Vec<u8>,
//! }
//!
//! impl Transport for Queues {
//!     type Error = Infallible;
//!
//!     fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
//!         let length = into.len().min(self.to_server.len());
//!         if length == 0 {
//!             return Poll::Pending;
//!         }
//!         into[..length].copy_from_slice(&self.to_server[..length]);
//!         self.to_server.drain(..length);
//!         Poll::Ready(Ok(length))
//!     }
//!
//!     fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
//!         self.to_client.extend(from);
//!         Poll::Ready(Ok(from.len()))
//!     }
//! }
//!
//! let mut queues = Queues::default();
//! let mut buffers = Buffers::<64>::new();
//! let accepted = Connection::new(&mut queues, &mut buffers);
//!
//! // Nothing has arrived: the connection comes back.
//! let Step::NotYet(mut accepted) = accepted.receive::<Command>()? else { unreachable!() };
//!
//! accepted.transport_mut().to_server.extend(b"\0\0\0\0\x02\0\x03\0");
//! let Step::Ready(read) = accepted.receive::<Command>()? else { unreachable!() };
//! assert!(matches!(read.command(), Command::Add { a: 2, b: 3 }));
//!
//! let processed = read.process(&mut ())?;
//! assert_eq!(processed.unsent(), b"\x01\x05\0");
//!
//! let Step::Ready(replied) = processed.send()? else { unreachable!() };
//! let accepted = replied.next(); // or `replied.close()`
//! # drop(accepted);
//! assert_eq!(queues.to_client, b"\x01\x05\0");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The client's side
//!
//! ```text
//!              ask   +-----------+  send_command  +----------+  receive_response
//!   command  ------> | Asking<C> | -------------> | Asked<C> | ------------------> response, and the transport
//!                    +-----------+                +----------+
//!                       |     ^                      |     ^
//!                       +-----+       not yet        +-----+
//! ```
//!
//! `Client` goes this way over Unix sockets, and adds what an operating system offers: it waits, it has a deadline, it
//! connects. Elsewhere the caller waits as it can, for room in the first state and for bytes in the second:
//!
//! ```
//! use ipc_server::IpcServerCommand;
//! use ipc_server::connection::{AskError, Buffers, Connection, Step, Transport};
//!
//! fn call<C: IpcServerCommand, T: Transport>(
//!     mut line: T,
//!     command: &C,
//!     mut wait: impl FnMut(&mut T),
//! ) -> Result<C::Response, AskError<T::Error>> {
//!     let mut buffers = Buffers::<256>::new();
//!     let mut asking = Connection::ask(line, &mut buffers, command)?;
//!     let mut asked = loop {
//!         asking = match asking.send_command()? {
//!             Step::Ready(asked) => break asked,
//!             Step::NotYet(asking) => asking,
//!         };
//!         wait(asking.transport_mut());
//!     };
//!     loop {
//!         asked = match asked.receive_response()? {
//!             Step::Ready((response, _)) => return Ok(response),
//!             Step::NotYet(asked) => asked,
//!         };
//!         wait(asked.transport_mut());
//!     }
//! }
//! ```
//!
//! # Lines that never close
//!
//! A UART or a queue has no end of stream, so both sides keep one connection: the server by [`next`](Connection::next), the
//! client by asking again over the same transport, best [lent](Transport) as `&mut`. Three things follow:
//!
//! - A response that takes no bytes on the wire, like `()`, can't be delivered: give it a variant or a field.
//! - After an error nobody knows where the next message begins. The server discards what arrives until the line has been
//!   silent for longer than any pause within a message, and begins a new connection over it. A silence within a command,
//!   too, ends it: nobody is going to finish it.
//! - A client that has had an error or given up waiting does the same, lest the late response be taken for that to its next
//!   command; and its silence is longer than the server's, which must have seen the end of it.
//!
//! `examples/serial.rs` is a daemon and a client that do so.
//!
//! # What does not compile
//!
//! Replying before processing:
//!
//! ```compile_fail,E0599
//! # use ipc_server::{codec::Bincode, connection::{Connection, Read, Transport}};
//! fn reply_first<C, T: Transport>(read: Connection<'_, Read<C>, T>) {
//!     read.send();
//! }
//! ```
//!
//! Processing before a command has been read:
//!
//! ```compile_fail,E0599
//! # use ipc_server::connection::{Accepted, Connection, Transport};
//! fn process_first<T: Transport>(accepted: Connection<'_, Accepted, T>) {
//!     accepted.process(&mut ());
//! }
//! ```
//!
//! Reading again once the reply is out, without `next`:
//!
//! ```compile_fail,E0599
//! # use ipc_server::{IpcServerCommand, connection::{Connection, Replied, Transport}};
//! fn read_on<C: IpcServerCommand, T: Transport>(replied: Connection<'_, Replied, T>) {
//!     replied.receive::<C>();
//! }
//! ```
//!
//! Using a connection that a transition has consumed:
//!
//! ```compile_fail,E0382
//! # use ipc_server::{IpcServerCommand, connection::{Accepted, Connection, Transport}};
//! fn read_twice<C: IpcServerCommand, T: Transport>(accepted: Connection<'_, Accepted, T>) {
//!     accepted.receive::<C>();
//!     accepted.receive::<C>();
//! }
//! ```

mod accepted;
mod asked;
mod asking;
mod buffers;
mod error;
mod owing;
mod processed;
mod read;
mod replied;

use core::fmt;
use core::marker::PhantomData;

pub use self::asked::Rest;
pub(crate) use self::buffers::Buffer;
pub use self::buffers::Buffers;
pub use self::error::{AskError, ConnectionError, Fault};
pub use self::owing::Owing;
#[cfg(feature = "unix")]
pub(crate) use self::read::Decided;
pub use crate::transport::Transport;

use crate::codec::{Bincode, Codec};
use crate::peer::PeerCredentials;
use crate::wire::{ServerWire, Wire};

/// A connection in the state `S` over the transport `T`, speaking the wire `K`, for messages of up to `N` bytes.
///
/// It is a few words: the messages are in the [`Buffers`] that it borrows. See the [module](self) for the states. The
/// [wire](crate::wire) is a codec, for bare messages, or one of those that speak sessions.
#[must_use = "dropping a connection closes it"]
pub struct Connection<'b, S, T, K: Wire = Bincode, const N: usize = 1024> {
    state: S,
    transport: T,
    buffers: &'b mut Buffers<N>,
    local: K::Local<'b>,
    progress: K::Progress,
}

/// The state of a [`Connection`]: [`Accepted`], [`Read`], [`Owing`], [`Processed`] or [`Replied`] of a server's, [`Asking`] or
/// [`Asked`] of a client's.
pub trait State: sealed::Sealed {}

/// No whole command has arrived yet.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted;

/// A whole command has arrived and is decoded.
#[derive(Debug)]
pub struct Read<C> {
    command: C,
    /// How many replies wait to be sent with this command's.
    put_off: u32,
    /// Whether the transport has said that it takes them, and nothing was sent since.
    has_room: bool,
}

/// The command has been executed and its response is encoded; not all of it has been sent.
#[derive(Debug)]
pub struct Processed {
    put_off: u32,
    has_room: bool,
    /// Whether the response took no bytes.
    is_empty: bool,
}

/// The last byte of the response is out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replied;

/// A client's command is encoded; not all of it has been sent.
#[derive(Debug)]
pub struct Asking<C> {
    /// How many of its bytes are out.
    sent: usize,
    command: PhantomData<fn() -> C>,
}

/// The last byte of a client's command is out.
#[derive(Debug)]
pub struct Asked<C> {
    command: PhantomData<fn() -> C>,
}

impl State for Accepted {}
impl<C> State for Read<C> {}
impl<C> State for Owing<C> {}
impl State for Processed {}
impl State for Replied {}
impl<C> State for Asking<C> {}
impl<C> State for Asked<C> {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Accepted {}
    impl<C> Sealed for super::Read<C> {}
    impl<C> Sealed for super::Owing<C> {}
    impl Sealed for super::Processed {}
    impl Sealed for super::Replied {}
    impl<C> Sealed for super::Asking<C> {}
    impl<C> Sealed for super::Asked<C> {}
}

/// The outcome of a transition that may have to wait for the peer.
#[derive(Debug)]
#[must_use = "it holds the connection"]
pub enum Step<Next, Same> {
    /// The transition is done: the connection in its next state.
    Ready(Next),
    /// The transition must wait: the connection as it was, with whatever part was done.
    NotYet(Same),
}

impl<'b, T: Transport, const N: usize> Connection<'b, Accepted, T, Bincode, N> {
    /// A new connection that speaks [`Bincode`]. It clears `buffers` first.
    pub fn new(transport: T, buffers: &'b mut Buffers<N>) -> Self {
        Self::with_codec(transport, buffers)
    }
}

impl<'b, T: Transport, K: Codec, const N: usize> Connection<'b, Accepted, T, K, N> {
    /// A new connection that speaks the codec `K`. It clears `buffers` first.
    ///
    /// ```
    /// use ipc_server::codec::Codec;
    /// use ipc_server::connection::{Accepted, Buffers, Connection, Transport};
    ///
    /// fn begin<K: Codec, T: Transport>(transport: T, buffers: &mut Buffers<64>) -> Connection<'_, Accepted, T, K, 64> {
    ///     Connection::with_codec(transport, buffers)
    /// }
    /// ```
    pub fn with_codec(transport: T, buffers: &'b mut Buffers<N>) -> Self {
        Self::in_session(transport, buffers, ())
    }
}

impl<'b, T: Transport, K: ServerWire, const N: usize> Connection<'b, Accepted, T, K, N> {
    /// A new connection that speaks the wire `K`, such as [`Both`](crate::wire::Both). It clears `buffers` first.
    ///
    /// `local` is a reference to the server's [`Offer`](crate::wire::session::Offer), whose example shows all of a session.
    pub fn in_session(transport: T, buffers: &'b mut Buffers<N>, local: K::Local<'b>) -> Self {
        buffers.clear();
        Connection { state: Accepted, transport, buffers, local, progress: K::Progress::default() }
    }
}

impl<'b, S: State, T: Transport, K: Wire, const N: usize> Connection<'b, S, T, K, N> {
    /// Who is on the other side, if the transport knows.
    pub fn peer(&self) -> Option<PeerCredentials> {
        self.transport.peer()
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport, for setting options. Bytes that are received or sent past the connection are lost to it.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Ends the connection and gives its transport back. Dropping the transport closes it.
    pub fn close(self) -> T {
        self.transport
    }

    /// Takes the connection apart, to be [resumed](Parked::resume) when its transport is ready.
    ///
    /// What has arrived and what is unsent stays in the [`Buffers`].
    #[inline]
    pub fn park(self) -> (Parked<S, K>, T) {
        (Parked { state: self.state, progress: self.progress }, self.transport)
    }

    /// The same connection in another state.
    #[inline]
    fn into_state<Next>(self, state: Next) -> Connection<'b, Next, T, K, N> {
        let Self { transport, buffers, local, progress, .. } = self;
        Connection { state, transport, buffers, local, progress }
    }
}

impl<S: fmt::Debug, T: fmt::Debug, K: Wire, const N: usize> fmt::Debug for Connection<'_, S, T, K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("transport", &self.transport)
            .field("buffers", &self.buffers)
            .finish()
    }
}

/// The state of a connection that waits without its transport and its buffers.
///
/// A loop over many connections keeps one of these for each, beside the transport and the buffers:
///
/// ```
/// use ipc_server::IpcServerCommand;
/// use ipc_server::connection::{Accepted, Buffers, ConnectionError, Parked, Step, Transport};
///
/// struct Waiting<T> {
///     parked: Parked<Accepted>,
///     transport: T,
///     buffers: Buffers,
/// }
///
/// impl<T: Transport> Waiting<T> {
///     /// Looks for a command. `None` if it has been answered.
///     fn poll<C: IpcServerCommand>(
///         mut self,
///         context: &mut C::Context<'_>,
///     ) -> Result<Option<Self>, ConnectionError<T::Error>> {
///         match self.parked.resume(self.transport, &mut self.buffers).receive::<C>()? {
///             Step::Ready(read) => {
///                 let _ = read.process(context)?.send()?;
///                 Ok(None)
///             }
///             Step::NotYet(accepted) => {
///                 let (parked, transport) = accepted.park();
///                 Ok(Some(Self { parked, transport, buffers: self.buffers }))
///             }
///         }
///     }
/// }
/// ```
#[must_use = "a parked connection is resumed with its transport"]
pub struct Parked<S, K: Wire = Bincode> {
    state: S,
    progress: K::Progress,
}

impl<S: State, K: Codec> Parked<S, K> {
    /// The connection again. `transport` and `buffers` must be those that it was parked with.
    #[inline]
    pub fn resume<T: Transport, const N: usize>(
        self,
        transport: T,
        buffers: &mut Buffers<N>,
    ) -> Connection<'_, S, T, K, N> {
        self.resume_with(transport, buffers, ())
    }
}

impl<S: State, K: Wire> Parked<S, K> {
    /// Like [`resume`](Self::resume), of a wire that speaks sessions: `local` refers to the server's
    /// [`Offer`](crate::wire::session::Offer) or to the client's [`Link`](crate::wire::session::Link).
    #[inline]
    pub fn resume_with<'b, T: Transport, const N: usize>(
        self,
        transport: T,
        buffers: &'b mut Buffers<N>,
        local: K::Local<'b>,
    ) -> Connection<'b, S, T, K, N> {
        Connection { state: self.state, transport, buffers, local, progress: self.progress }
    }
}

impl<S: fmt::Debug, K: Wire> fmt::Debug for Parked<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parked").field(&self.state).finish()
    }
}
