//! Sessions: a hello, then frames. Two versions of a program never misread each other.
//!
//! Both ends say what [form](crate::layout) they give to commands and responses. Where the forms are the same, messages are
//! those of the bare wire behind a head of eight bytes. Where they differ, the server executes nothing and describes its form, and the
//! client writes and reads [by name](crate::described) from then on.
//!
//! An [`Offer`] is what a server tells its clients, a [`Link`] what a client knows of its server:
//!
//! ```
//! use core::{convert::Infallible, task::Poll};
//! use ipc_server::codec::Bincode;
//! use ipc_server::connection::{Buffers, Connection, Step, Transport};
//! use ipc_server::wire::session::{Link, Offer};
//! use ipc_server::wire::{Both, ClientSession};
//! use ipc_server::{Caller, Request};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! enum Command { GetLevel, SetLevel(u8) }
//! impl Request for Command { type Response = u8; }
//!
//! #[derive(Default)]
//! struct Queue { to_server: Vec<u8>, to_client: Vec<u8> }
//!
//! /// One end of the queue.
//! struct End<'q> { from: &'q mut Vec<u8>, to: &'q mut Vec<u8> }
//!
//! impl Transport for End<'_> {
//!     type Error = Infallible;
//!
//!     fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
//!         let length = into.len().min(self.from.len());
//!         if length == 0 {
//!             return Poll::Pending;
//!         }
//!         into[..length].copy_from_slice(&self.from[..length]);
//!         self.from.drain(..length);
//!         Poll::Ready(Ok(length))
//!     }
//!
//!     fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
//!         self.to.extend(from);
//!         Poll::Ready(Ok(from.len()))
//!     }
//! }
//!
//! let mut queue = Queue::default();
//!
//! // The client asks.
//! let mut buffers = Buffers::<256>::new();
//! let mut link = Link::<1024>::new::<Command, Bincode>("fanctl 1.1.0")?;
//! let end = End { from: &mut queue.to_client, to: &mut queue.to_server };
//! let asking = Connection::<_, _, ClientSession<Bincode>, 256>::ask_in_session(end, &mut buffers, &mut link, &Command::SetLevel(5))?;
//! let Step::Ready(asked) = asking.send_command()? else { unreachable!() };
//! let (parked, _) = asked.park();
//!
//! // The server answers.
//! let mut their_buffers = Buffers::<256>::new();
//! let offer = Offer::new::<Command, Bincode, 256>("fand 1.1.0")?;
//! let end = End { from: &mut queue.to_server, to: &mut queue.to_client };
//! let accepted = Connection::<_, _, Both<Bincode>, 256>::in_session(end, &mut their_buffers, &offer);
//! let Step::Ready(read) = accepted.receive::<Command>()? else { unreachable!() };
//! let processed = read.handle(&mut |_: Command, _: Caller| 5)?;
//! let Step::Ready(_) = processed.send()? else { unreachable!() };
//!
//! // The client reads what the server says of itself, and the response.
//! let end = End { from: &mut queue.to_client, to: &mut queue.to_server };
//! let asked = parked.resume_with(end, &mut buffers, &mut link);
//! let Step::Ready((level, _)) = asked.receive_response()? else { unreachable!() };
//! assert_eq!(level, 5);
//! assert_eq!(link.server().program(), "fand 1.1.0");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(target_has_atomic = "64")]
mod cache;
/// Where 64 bits are not stored at once, nothing is remembered.
#[cfg(not(target_has_atomic = "64"))]
mod cache {
    use super::Fingerprints;

    pub(super) const fn get(_: usize) -> Option<Fingerprints> {
        None
    }

    pub(super) const fn put(_: usize, _: Fingerprints) {}
}
mod fingerprints;
pub(crate) mod frame;
pub(super) mod hello;
mod link;
mod offer;
mod refusal;
mod serve;
mod server;

use core::marker::PhantomData;

pub use self::fingerprints::Fingerprints;
pub(crate) use self::hello::LEAST_CAPACITY;
pub use self::hello::LONGEST_PROGRAM;
pub use self::link::{Link, Taken, Untyped};
pub use self::offer::{Offer, OfferError};
pub(crate) use self::refusal::Code;
pub use self::refusal::{Reason, Refusal};
pub use self::server::Server;

/// The first bytes of a session. No enum, option, boolean, text, list or map begins with them.
pub const PREFACE: [u8; 8] = *b"\xff\xff\xff\xff\xffipc";

/// The version of the protocol: 1.
pub const VERSION: u8 = 1;

/// Sessions with the codec `K`, and no bare messages.
#[derive(Debug)]
pub struct Session<K>(PhantomData<fn() -> K>);

/// A client's sessions with the codec `K`, which can store `D` bytes of descriptions of the server's types.
///
/// The description of a type takes about as many bytes as the names in it, and three for each field and variant.
#[derive(Debug)]
pub struct ClientSession<K, const D: usize = 1024>(PhantomData<fn() -> K>);

/// How far a connection has got.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub(super) phase: Phase,
    /// The command that was taken last.
    id: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing tells yet which wire the client speaks.
    #[default]
    Undecided,
    Bare,
    /// A hello is to come.
    Hello,
    /// Commands are in the server's form.
    Agreed,
    /// Commands are in another form, and are not executed.
    Differs,
}
