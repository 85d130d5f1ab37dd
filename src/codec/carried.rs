//! What a decoder's results carry on the way of a value: an error of one byte, or the reason itself.

use core::fmt;

use serde::de;

use super::DecodeError;
use super::layout::Unread;

/// That there is an error, and no more.
///
/// Every result on the way of a value has room for the error that it is not. With a [`DecodeError`] of 72 bytes, decoding
/// takes up to three times as long.
#[derive(Clone, Copy, Debug)]
pub(super) enum Brief {
    /// A text or a `char` is not UTF-8, whether all of it has arrived or not.
    Spoilt,
    /// The type needs a format that describes itself.
    NotSelfDescribing,
    Other,
}

impl From<Unread> for Brief {
    #[inline]
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::InvalidUtf8 | Unread::InvalidChar => Self::Spoilt,
            _ => Self::Other,
        }
    }
}

impl From<DecodeError> for Brief {
    #[inline]
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::NotSelfDescribing => Self::NotSelfDescribing,
            _ => Self::Other,
        }
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
        Self::Other
    }
}

/// An error that serde's traits can carry: the reason, or only that there is one.
pub(super) trait Carried: de::Error + From<Unread> + From<DecodeError> {}

impl Carried for DecodeError {}
impl Carried for Brief {}

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
