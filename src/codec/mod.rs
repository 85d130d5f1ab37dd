//! Values to bytes and back, in buffers that the caller owns.
//!
//! A [`Codec`] has no state, allocates nothing and needs no operating system. [`Bincode`] is what the published
//! `ipc-server` speaks; `Postcard` (feature `postcard`) is smaller on the wire. On the
//! socket a message is the bare encoding of one value, with nothing before or after it, so only decoding can tell where
//! a message ends. That is why [`DecodeError::Incomplete`] has an exact meaning that every codec must keep.
//!
//! ```
//! use ipc_server::codec::{Bincode, Codec, DecodeError};
//!
//! let mut buffer = [0; 16];
//! let written = Bincode::encode(&(7_u16, Some('x')), &mut buffer)?;
//! assert_eq!(&buffer[..written], b"\x07\x00\x01x");
//!
//! assert_eq!(Bincode::decode::<(u16, Option<char>)>(&buffer)?, ((7, Some('x')), 4));
//! assert_eq!(Bincode::decode::<(u16, Option<char>)>(&buffer[..3]), Err(DecodeError::Incomplete));
//! assert_eq!(Bincode::decode::<bool>(&[2]), Err(DecodeError::InvalidBool(2)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bincode;
pub(crate) mod carried;
mod de;
mod deep;
mod error;
pub(crate) mod layout;
#[cfg(feature = "postcard")]
mod postcard;
pub(crate) mod ser;

pub use self::bincode::Bincode;
pub use self::deep::Deep;
pub use self::error::{DecodeError, EncodeError, Message, PrefixError};
#[cfg(feature = "postcard")]
#[cfg_attr(docsrs, doc(cfg(feature = "postcard")))]
pub use self::postcard::Postcard;

use serde::{Deserialize, Serialize};

/// How deep options, sequences, maps, tuples, structs and enum variants with content may nest in one message, unless
/// [`Deep`] raises it: 128 levels, as in `serde_json`.
///
/// The limit bounds the stack that a hostile message can use when the command type is recursive. How much a level takes
/// depends on the type: [the chapter on capacities](crate::guide::capacities#the-depth) gives the rule.
///
/// ```
/// use ipc_server::codec::{Bincode, Codec, DecodeError, MAX_DEPTH};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Debug, PartialEq)]
/// struct Chain(Option<Box<Chain>>);
///
/// let too_deep = [1; MAX_DEPTH + 1];
/// assert_eq!(Bincode::decode::<Chain>(&too_deep), Err(DecodeError::TooDeep));
/// ```
pub const MAX_DEPTH: usize = 128;

/// How many sequence elements and map keys of one message may take no bytes: 1,024 in all.
///
/// Nothing on the wire backs such elements (`Vec<()>` of any length is eight bytes of bincode), so without a limit a
/// short message can ask for 2<sup>64</sup> - 1 steps.
///
/// ```
/// use ipc_server::codec::{Bincode, Codec, DecodeError, MAX_ZERO_SIZED};
///
/// let as_many_as_allowed = (MAX_ZERO_SIZED as u64).to_le_bytes();
/// assert_eq!(Bincode::decode(&as_many_as_allowed)?, (vec![(); MAX_ZERO_SIZED], 8));
/// let endless = u64::MAX.to_le_bytes();
/// assert_eq!(Bincode::decode::<Vec<()>>(&endless), Err(DecodeError::ImpossibleLength(u64::MAX)));
/// # Ok::<(), DecodeError>(())
/// ```
pub const MAX_ZERO_SIZED: usize = 1024;

/// A wire format: how one serde value becomes bytes and how bytes become a value.
///
/// The two directions are associated functions, since a codec has no state. `IpcServer`, `Client` and
/// [`Connection`](crate::connection::Connection) take the codec as a type parameter.
pub trait Codec {
    /// What tells this format from others, such as `"bincode"`. It is part of the
    /// [fingerprint](crate::layout::Fingerprint) that both ends of a session compare, so it stays as it is for as long as the
    /// format does.
    const NAME: &'static str;

    /// Encodes `value` at the start of `into` and returns the number of bytes written.
    ///
    /// The bytes of `into` after an error are unspecified.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferFull`] if the encoding is longer than `into`; the other variants if `value` cannot be
    /// encoded at all.
    fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError>;

    /// Decodes one value from the start of `from` and returns it with the number of bytes used.
    ///
    /// Bytes that follow the value are ignored.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Incomplete`] if `from` ends before the value does; any other variant if no bytes that could
    /// follow would make it a value.
    fn decode<'de, T: Deserialize<'de>>(from: &'de [u8]) -> Result<(T, usize), DecodeError>;

    /// Like [`decode`](Self::decode), for a message known to be at most `capacity` bytes long.
    ///
    /// A declared length that reaches beyond `capacity` and beyond what has arrived is refused at once, instead of being
    /// `Incomplete` until the buffer is full. The provided method leaves that to the caller; both codecs of this crate
    /// override it.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and [`DecodeError::BeyondCapacity`].
    fn decode_within<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), DecodeError> {
        let _ = capacity;
        Self::decode(from)
    }

    /// Decodes from the first bytes of a message, the rest of which may still come, for a caller that does not ask why a message
    /// is malformed; [`explain`](Self::explain) says that.
    ///
    /// To find the reason, both codecs of this crate decode the message again. This saves that, and keeps the second
    /// decoder and the formatting of messages out of the binary. The provided method knows of a message that has not all
    /// arrived only that one byte is missing.
    ///
    /// # Errors
    ///
    /// See [`PrefixError`].
    ///
    /// # How much is missing
    ///
    /// Both codecs of this crate count what the read that found too few bytes lacks, and a byte for each element that the
    /// sequences and maps around it have declared and that has not been reached. A visitor that takes elements of
    /// *different* types from `deserialize_seq`, of which some take no bytes, would be waited for in vain: it belongs to
    /// `deserialize_tuple`.
    fn decode_prefix<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), PrefixError> {
        Self::decode_within(from, capacity).map_err(|error| match error {
            DecodeError::Incomplete => PrefixError::Incomplete { missing: 1 },
            DecodeError::BeyondCapacity(_) => PrefixError::BeyondCapacity,
            DecodeError::NotSelfDescribing => PrefixError::NotSelfDescribing,
            _ => PrefixError::Malformed,
        })
    }

    /// Why a message is malformed of which [`decode_prefix`](Self::decode_prefix) says that it is.
    ///
    /// The provided method decodes it again.
    fn explain<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> DecodeError {
        Self::decode_within::<T>(from, capacity).err().unwrap_or(DecodeError::Unexplained)
    }
}
