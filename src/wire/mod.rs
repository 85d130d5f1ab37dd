//! Where a message begins and ends, and what surrounds it.
//!
//! | marker | on the wire | for |
//! |---|---|---|
//! | a [codec](crate::codec::Codec), such as [`Bincode`](crate::codec::Bincode) | the bare encoding of each value, as published | servers and clients |
//! | [`Session`] | a hello, then frames | servers |
//! | [`Both`] | either, as the client chooses | servers |
//! | [`ClientSession`] | a hello, then frames | clients |
//!
//! A **bare** message says nothing of itself: two programs that were built from different versions of a type misread each
//! other. In a **session** both ends compare the [fingerprints](crate::layout) of their types before a command is executed, and
//! every refusal says why. `docs/wire.md` has both, byte by byte.

pub(crate) mod bare;
mod both;
mod protocol;
pub mod session;

pub use self::both::Both;
pub(crate) use self::protocol::{ClientProtocol, Heard, Protocol, Refused, ServerProtocol, Unanswered, Unasked};
pub use self::session::{ClientSession, Session};

/// A wire: any [codec](crate::codec::Codec), [`Session`], [`Both`] or [`ClientSession`]. It can't be implemented elsewhere.
pub trait Wire: Protocol {}

/// A [`Wire`] that a server speaks: any [codec](crate::codec::Codec), [`Session`] or [`Both`].
pub trait ServerWire: Wire + ServerProtocol {}

/// A [`Wire`] that a client speaks: any [codec](crate::codec::Codec) or [`ClientSession`].
pub trait ClientWire: Wire + ClientProtocol {}

impl<W: Protocol> Wire for W {}
impl<W: ServerProtocol> ServerWire for W {}
impl<W: ClientProtocol> ClientWire for W {}
