//! What can go wrong with a message, by direction.

use core::fmt;

use serde::de::{self, Expected, Unexpected};

/// The text of an error that a `Serialize` or `Deserialize` impl raised itself, cut to its first 64 bytes.
///
/// ```
/// use ipc_server::codec::{Bincode, Codec, DecodeError};
///
/// let four_elements = b"\x04\0\0\0\0\0\0\0\x01\x02\x03\x04";
/// let Err(DecodeError::Custom(message)) = Bincode::decode::<heapless::Vec<u8, 2>>(four_elements) else {
///     unreachable!("two fit")
/// };
/// assert_eq!(message.as_str(), "invalid length 3, expected a sequence");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    text: heapless::String<64, u8>,
}

impl Message {
    fn new(message: &dyn fmt::Display) -> Self {
        let mut cut = Cut { text: heapless::String::new(), full: false };
        // An error here is the text reaching its end or the `Display` impl giving up: what was written is kept.
        let _ = fmt::write(&mut cut, format_args!("{message}"));
        Self { text: cut.text }
    }

    /// Without the machinery of formatting. `text` has at most 64 bytes.
    pub(crate) fn from_text(text: &str) -> Self {
        Self { text: text.try_into().unwrap_or_default() }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Keeps as many whole characters as fit.
struct Cut {
    text: heapless::String<64, u8>,
    full: bool,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars() {
            self.full = self.full || self.text.push(character).is_err();
        }
        if self.full { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Why a value could not be encoded. The fault lies with the program that encodes, never with its peer.
///
/// ```
/// use ipc_server::codec::{Bincode, Codec, EncodeError};
///
/// assert_eq!(Bincode::encode("four", &mut [0; 11]), Err(EncodeError::BufferFull));
/// assert_eq!(Bincode::encode("four", &mut [0; 12]), Ok(12));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The encoding is longer than the buffer.
    BufferFull,
    /// A sequence or map was declared without its length, which goes before its elements on the wire.
    LengthUnknown,
    /// A sequence or map was declared with one length and held another number of elements.
    LengthMismatch,
    /// More than [`MAX_ZERO_SIZED`](super::MAX_ZERO_SIZED) elements take no bytes: no peer would decode them.
    TooManyZeroSized,
    /// The value nests deeper than the codec's limit, [`MAX_DEPTH`](super::MAX_DEPTH) unless [`Deep`](super::Deep) raises it:
    /// no peer would decode it.
    TooDeep,
    /// A field was left out, as `#[serde(skip_serializing_if = "..")]` does. Neither format marks what is missing, so a peer
    /// would take the next field for it.
    FieldSkipped,
    /// The value's `Serialize` impl raised an error of its own.
    Custom(Message),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferFull => f.write_str("the encoding is longer than the buffer"),
            Self::LengthUnknown => f.write_str("a sequence or map does not know its length before it is encoded"),
            Self::LengthMismatch => {
                f.write_str("a sequence or map declared a length that is not its number of elements")
            }
            Self::TooManyZeroSized => {
                write!(f, "more than {} elements of sequences take no bytes", super::MAX_ZERO_SIZED)
            }
            Self::TooDeep => f.write_str("the value nests deeper than its codec allows"),
            Self::FieldSkipped => f.write_str("a field was left out of the encoding (skip_serializing_if does)"),
            Self::Custom(message) => write!(f, "the type refused to be encoded: {message}"),
        }
    }
}

impl core::error::Error for EncodeError {}

impl serde::ser::Error for EncodeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(Message::new(&message))
    }
}

/// Why bytes are not a value (yet).
///
/// Everything but [`Incomplete`](Self::Incomplete) is *malformed*: no bytes that could follow would help.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Every byte so far may begin a valid message, and more are needed.
    ///
    /// The reader records that it ran out of bytes, and that decides, whatever the type's `Deserialize` impl made of
    /// it: a truncated message is never a value.
    Incomplete,
    /// A `bool` was neither 0 nor 1.
    InvalidBool(u8),
    /// A `char` was not the UTF-8 encoding of one character.
    InvalidChar,
    /// A text was not UTF-8.
    InvalidUtf8,
    /// The tag of an `Option` was neither 0 nor 1.
    InvalidOptionTag(u8),
    /// An enum has no variant of this index.
    UnknownVariant(u32),
    /// A declared length (in bytes of text, or in elements) that cannot be true: beyond the address space, or of more
    /// than [`MAX_ZERO_SIZED`](super::MAX_ZERO_SIZED) elements that take no bytes.
    ImpossibleLength(u64),
    /// A declared length that reaches beyond the capacity given to [`decode_within`](super::Codec::decode_within). With
    /// a larger one the bytes may begin a valid message.
    BeyondCapacity(usize),
    /// An integer of variable length was longer than its type allows. Only postcard has these.
    InvalidVarint,
    /// The message nests deeper than the codec's limit: [`MAX_DEPTH`](super::MAX_DEPTH), unless [`Deep`](super::Deep) raises
    /// it.
    TooDeep,
    /// The type asked the format what comes next (`deserialize_any`, `deserialize_identifier` or
    /// `deserialize_ignored_any`, as untagged, internally tagged and flattened types do), but neither format
    /// describes itself. The fault lies with the type, not with the peer. A type that goes on all the same, as
    /// `serde_with::DefaultOnError` does, would read on in the wrong place, so this is the verdict whatever it makes of it.
    NotSelfDescribing,
    /// The value's `Deserialize` impl raised an error of its own, for example because a `heapless::Vec` is too small.
    Custom(Message),
    /// So many bytes follow the value in a frame that is to hold nothing else.
    TrailingBytes(usize),
    /// The message is malformed, and [`decode_prefix`](super::Codec::decode_prefix) does not say why; or the type
    /// did not refuse it again when it was asked why.
    Unexplained,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => f.write_str("the message is incomplete"),
            Self::InvalidBool(byte) => write!(f, "a bool was encoded as {byte}, not as 0 or 1"),
            Self::InvalidChar => f.write_str("a char was not encoded as one character of UTF-8"),
            Self::InvalidUtf8 => f.write_str("a text was not UTF-8"),
            Self::InvalidOptionTag(byte) => write!(f, "the tag of an option was {byte}, not 0 or 1"),
            Self::UnknownVariant(index) => write!(f, "an enum has no variant of index {index}"),
            Self::ImpossibleLength(length) => write!(f, "the declared length {length} cannot be true"),
            Self::BeyondCapacity(length) => write!(f, "the declared length {length} does not fit the capacity"),
            Self::InvalidVarint => f.write_str("an integer was longer than its type allows"),
            Self::TooDeep => f.write_str("the message nests deeper than its codec allows"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow the value"),
            Self::NotSelfDescribing => {
                f.write_str("the type needs a self-describing format (untagged, tagged or flattened types do)")
            }
            Self::Custom(message) => write!(f, "the type refused the message: {message}"),
            Self::Unexplained => f.write_str("the message is malformed"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// The messages that serde composes itself are shortened to what was expected: describing the unexpected would link the
/// formatting of floats and of escaped characters into every program.
impl de::Error for DecodeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(Message::new(&message))
    }

    #[cold]
    fn invalid_type(_unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type, expected {expected}"))
    }

    #[cold]
    fn invalid_value(_unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value, expected {expected}"))
    }
}

/// Why the first bytes of a message are not a value, in so few words that decoding does not wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// Every byte so far may begin a valid message.
    Incomplete {
        /// How many bytes are missing at least, 1 or more, and no more than the rest of the capacity unless that is 0. Until
        /// they have come, decoding again is in vain.
        missing: usize,
    },
    /// As [`DecodeError::BeyondCapacity`].
    BeyondCapacity,
    /// As [`DecodeError::NotSelfDescribing`].
    NotSelfDescribing,
    /// No bytes that could follow would make it a value.
    Malformed,
}
