//! The layout of postcard 1, over the postcard crate.

use postcard::Error;
use serde::{Deserialize, Serialize};

use super::carried::Unwritten;
use super::layout::{Input, Integer, Layout, Output, Unread};
use super::{Codec, DecodeError, EncodeError, PrefixError, de, ser};

/// The layout of [postcard 1](https://postcard.jamesmunns.com/wire-format): integers of two bytes and more, lengths and
/// variant indices take as many bytes as their value needs.
///
/// The postcard crate reads and writes them; what is built from them, and the limits, are shared with
/// [`Bincode`](super::Bincode), so both codecs tell incomplete from malformed in the same way. Every value is encoded to
/// the bytes that `postcard::to_slice` writes, and what `postcard::from_bytes` decodes decodes to the same value, except
/// that:
///
/// - more than [`MAX_ZERO_SIZED`](super::MAX_ZERO_SIZED) sequence elements or map keys without bytes and more than
///   [`MAX_DEPTH`](super::MAX_DEPTH) levels are refused in both directions;
/// - a sequence or map that holds another number of elements than it declared is [`EncodeError::LengthMismatch`];
/// - the error of a part that a type swallows while it is encoded is the error of the whole;
/// - a field that `#[serde(skip_serializing_if = "..")]` leaves out is [`EncodeError::FieldSkipped`];
/// - a type that asks what comes next is [`DecodeError::NotSelfDescribing`], even if it swallows that;
/// - a text or `char` that is cut off after bytes which are not UTF-8 is [`DecodeError::InvalidUtf8`] or
///   [`DecodeError::InvalidChar`], where postcard says that the bytes have ended;
/// - a length beyond the address space is [`DecodeError::ImpossibleLength`];
/// - a type that swallows the error of a missing field is still [`DecodeError::Incomplete`], and one that swallows any of
///   the limits above is still refused, where postcard takes what follows for the next field.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Postcard;

impl Codec for Postcard {
    const NAME: &'static str = "postcard";

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
        ser::encode::<Self, T>(value, into)
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(from: &'de [u8]) -> Result<(T, usize), DecodeError> {
        Self::decode_within(from, usize::MAX)
    }

    #[inline]
    fn decode_within<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), DecodeError> {
        de::decode::<Self, T>(from, capacity)
    }

    #[inline]
    fn decode_prefix<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), PrefixError> {
        de::decode_prefix::<Self, T>(from, capacity)
    }

    fn explain<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> DecodeError {
        de::explain::<Self, T>(from, capacity)
    }
}

impl Layout for Postcard {
    fn put_integer<T: Integer>(value: T, output: &mut Output<'_>) -> Result<(), Unwritten> {
        // The value is an integer, so the one error that remains is a full buffer.
        output.put_with(|spare| postcard::to_slice(&value, spare).ok().map(|written| written.len()))
    }

    fn take_integer<T: Integer>(input: &mut Input<'_>) -> Result<T, Unread> {
        match input.take_with(postcard::take_from_bytes) {
            Ok(value) => Ok(value),
            Err(Error::DeserializeUnexpectedEnd) => input.run_out(input.arrived() + 1),
            Err(_) => {
                // As many bytes as the type can take, all of which have arrived.
                input.skip((8 * size_of::<T>()).div_ceil(7));
                Err(Unread::InvalidVarint)
            }
        }
    }

    fn put_char(value: char, output: &mut Output<'_>) -> Result<(), Unwritten> {
        output.put_with(|spare| postcard::to_slice(&value, spare).ok().map(|written| written.len()))
    }

    /// A text of at most four bytes; postcard takes the first character and ignores the others.
    fn take_char(input: &mut Input<'_>) -> Result<char, Unread> {
        let length = Self::take_integer::<u64>(input)?;
        let Ok(length @ ..=4) = usize::try_from(length) else {
            return Err(Unread::InvalidChar);
        };
        let text = input.take_text(length).map_err(|error| match error {
            Unread::InvalidUtf8 => Unread::InvalidChar,
            error => error,
        })?;
        text.chars().next().ok_or(Unread::InvalidChar)
    }
}
