//! The default layout of bincode 1.3, which the published `ipc-server` speaks.

use serde::{Deserialize, Serialize};

use super::carried::Unwritten;
use super::layout::{Input, Integer, Layout, Output, Unread};
use super::{Codec, DecodeError, EncodeError, PrefixError, de, ser};

/// The layout of `bincode::serialize` and `bincode::deserialize`, version 1.3.
///
/// | serde | bytes |
/// |---|---|
/// | `bool` | one byte, 0 or 1 |
/// | integers, floats | little-endian, at their full width: 1, 2, 4, 8 or 16 bytes |
/// | `char` | its UTF-8 encoding, 1 to 4 bytes |
/// | `str`, bytes | the length in bytes as `u64`, then the bytes |
/// | `Option` | one byte, 0 for `None`, 1 for `Some` followed by the value |
/// | sequence, map | the number of elements or entries as `u64`, then each element, or each key with its value |
/// | tuple, array, struct | the fields in order |
/// | enum | the variant's index as `u32`, then its fields |
/// | unit, unit struct | nothing |
///
/// # Deliberate differences from bincode 1.3.3
///
/// Every value is encoded to the same bytes and every valid message decodes to the same value, except that:
///
/// - a `char` that is cut off is [`DecodeError::Incomplete`], where bincode says that the character is invalid;
/// - a text that is cut off after bytes which are not UTF-8 is [`DecodeError::InvalidUtf8`], where bincode says that
///   the bytes have ended;
/// - more than [`MAX_ZERO_SIZED`](super::MAX_ZERO_SIZED) sequence elements or map keys without bytes are refused in
///   both directions, where bincode loops for as long as it is told;
/// - more than [`MAX_DEPTH`](super::MAX_DEPTH) levels, or those of [`Deep`](super::Deep), are refused in both directions,
///   where bincode overflows the stack;
/// - a sequence or map that holds another number of elements than it declared is [`EncodeError::LengthMismatch`], where
///   bincode writes bytes that do not decode;
/// - the error of a part that a type swallows while it is encoded is the error of the whole, where bincode leaves the part out;
/// - a field that `#[serde(skip_serializing_if = "..")]` leaves out is [`EncodeError::FieldSkipped`], where bincode writes
///   bytes that do not decode;
/// - a type that asks what comes next is [`DecodeError::NotSelfDescribing`], even if it swallows that, where bincode reads
///   on in the wrong place;
/// - a [`Display`](core::fmt::Display) impl that fails is an error, where bincode panics;
/// - a length beyond the address space is [`DecodeError::ImpossibleLength`], where bincode says that the
///   bytes have ended;
/// - a type that swallows the error of a missing field is still [`DecodeError::Incomplete`], and one that swallows any of
///   the limits above is still refused, where bincode takes what follows for the next field;
/// - texts and bytes are always handed over borrowed, so a hand-written visitor that accepts *only* an owned `String` or
///   `Vec<u8>` is not served (serde's own accept both).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Bincode;

impl Codec for Bincode {
    const NAME: &'static str = "bincode";

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

impl Layout for Bincode {
    #[inline]
    fn put_integer<T: Integer>(value: T, output: &mut Output<'_>) -> Result<(), Unwritten> {
        output.put(value.to_little_endian().as_ref())
    }

    #[inline]
    fn take_integer<T: Integer>(input: &mut Input<'_>) -> Result<T, Unread> {
        T::take_little_endian(input)
    }

    fn put_char(value: char, output: &mut Output<'_>) -> Result<(), Unwritten> {
        output.put(value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    fn take_char(input: &mut Input<'_>) -> Result<char, Unread> {
        let Some(first) = input.peek() else {
            return input.run_out(1);
        };
        let width = match first {
            0x00..=0x7f => 1,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => {
                input.take_byte()?;
                return Err(Unread::InvalidChar);
            }
        };
        let character = input.take_text(width).map_err(|error| match error {
            Unread::InvalidUtf8 => Unread::InvalidChar,
            error => error,
        })?;
        character.chars().next().ok_or(Unread::InvalidChar)
    }
}
