//! What the results on the way of a value carry: an error of a byte at most, or the reason itself.

use core::fmt;

use serde::{de, ser};

use super::layout::Unread;
use super::{DecodeError, EncodeError, Message};

/// That there is an error, and no more.
///
/// Every result on the way of a value has room for the error that it is not. With a [`DecodeError`] of 72 bytes, decoding
/// takes up to three times as long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brief;

impl From<Unread> for Brief {
    #[inline]
    fn from(_unread: Unread) -> Self {
        Self
    }
}

impl From<DecodeError> for Brief {
    #[inline]
    fn from(_error: DecodeError) -> Self {
        Self
    }
}

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message does not decode")
    }
}

impl core::error::Error for Brief {}

impl de::Error for Brief {
    #[inline]
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// An error that serde's traits can carry: the reason, or only that there is one.
pub(super) trait Carried: de::Error + From<Unread> + From<DecodeError> {}

impl Carried for DecodeError {}
impl Carried for Brief {}

/// Why a value could not be encoded, in one byte: all that there is to say but for the text of a custom error.
///
/// With an [`EncodeError`] of 66 bytes, encoding takes up to four times as long.
#[derive(Clone, Copy, Debug)]
pub enum Unwritten {
    BufferFull,
    LengthUnknown,
    LengthMismatch,
    TooManyZeroSized,
    TooDeep,
    FieldSkipped,
    Custom,
}

impl From<Unwritten> for EncodeError {
    #[cold]
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::BufferFull => Self::BufferFull,
            Unwritten::LengthUnknown => Self::LengthUnknown,
            Unwritten::LengthMismatch => Self::LengthMismatch,
            Unwritten::TooManyZeroSized => Self::TooManyZeroSized,
            Unwritten::TooDeep => Self::TooDeep,
            Unwritten::FieldSkipped => Self::FieldSkipped,
            // The reason did not show again when it was asked for.
            Unwritten::Custom => Self::Custom(Message::from_text("it is not encoded the same way twice")),
        }
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be encoded")
    }
}

impl core::error::Error for Unwritten {}

impl ser::Error for Unwritten {
    #[inline]
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self::Custom
    }
}

/// An error that an encoder's results can carry.
pub(super) trait Refusal: ser::Error + From<Unwritten> + Clone {
    /// Whether the value is only searched for the reason why it is refused. Nothing is written then, which leaves little of
    /// the code for most types.
    const SEARCHING: bool;
}

impl Refusal for EncodeError {
    const SEARCHING: bool = true;
}

impl Refusal for Unwritten {
    const SEARCHING: bool = false;
}

/// Why a variant's index is refused. The seed sees the index and nothing else, so there is nothing more to say.
#[derive(Debug)]
pub(super) struct NotAnIndex;

impl fmt::Display for NotAnIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no variant has this index")
    }
}

impl core::error::Error for NotAnIndex {}

impl de::Error for NotAnIndex {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}
