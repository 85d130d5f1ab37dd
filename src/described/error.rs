//! What can go wrong between two programs of different versions, by direction.

use core::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::codec::{self, Message};
use crate::layout::Node;

/// Why a part of a value can't be carried over from one version to another.
///
/// The *writer* is the program that has the value, the *reader* the one that is to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The reader has no variant of this name.
    UnknownVariant,
    /// The reader has no field of this name, so that its value, which is not `None`, would be lost.
    UnknownField,
    /// The reader has a field of this name, which is no `Option`, and the writer has not.
    MissingField,
    /// The reader has another kind of value here, such as text in place of a number.
    Kind,
    /// The number does not fit the reader's.
    Range,
    /// The reader's float cannot hold the number exactly.
    Inexact,
    /// The value is `None`, and the reader's is no `Option`.
    Absent,
    /// The reader's tuple has another number of elements.
    Count,
    /// Several names stand for one thing on one side and for several on the other.
    Ambiguous,
    /// Two fields go to the same field of the reader.
    Repeated,
    /// The reader's struct has more than 64 fields.
    TooManyFields,
    /// The form of this part is not known, since its type refused to be traced.
    Opaque,
    /// The reader's type has left a part of the value unread.
    Unread,
}

impl Reason {
    fn text(self) -> &'static str {
        match self {
            Self::UnknownVariant => "it has no such variant",
            Self::UnknownField => "it has no such field",
            Self::MissingField => "it needs this field",
            Self::Kind => "it has another kind of value here",
            Self::Range => "the number does not fit its type",
            Self::Inexact => "its float does not hold the number exactly",
            Self::Absent => "the value is `None`, and its type is no option",
            Self::Count => "it has another number of elements here",
            Self::Ambiguous => "what one side takes for one thing is several to the other",
            Self::Repeated => "two fields go to one of its",
            Self::TooManyFields => "its struct has more than 64 fields",
            Self::Opaque => "the form of this part is not known",
            Self::Unread => "the type did not read all of it",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A part of a value that can't be carried over, and where the other program's description says so.
///
/// It keeps no more of the description than a place. [`with`](Self::with) prints it together with what the other program
/// knows there, while the description is at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub(super) reason: Reason,
    pub(super) of: &'static str,
    pub(super) part: Name,
    /// Where the form is in its description, whose length is below this type's range.
    pub(super) form: u16,
}

impl Refusal {
    pub(super) fn new(reason: Reason, form: Node<'_>) -> Self {
        Self { reason, of: "", part: Name::Own(""), form: form.offset() as u16 }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The struct, enum or struct variant that the part is in, as serde calls it. Nothing if the value has no name.
    #[must_use]
    pub fn of(&self) -> &'static str {
        self.of
    }

    /// The variant or field. Nothing if the value has no name. A name that comes from the value itself, as a map's key does,
    /// is cut to 31 bytes.
    #[must_use]
    pub fn part(&self) -> &str {
        match &self.part {
            Name::Own(name) => name,
            Name::Text(name) => name,
        }
    }

    /// The form that the other program has there. `description` is any part of the description that was used.
    #[must_use]
    pub fn form<'d>(&self, description: Node<'d>) -> Node<'d> {
        description.at(self.form.into())
    }

    /// Prints the refusal, and what the other program knows in that place.
    ///
    /// `description` is any part of the description that was used.
    pub fn with<'r>(&'r self, description: Node<'r>) -> impl fmt::Display + 'r {
        WithForm { refusal: self, form: self.form(description) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.reason {
            _ if self.of.is_empty() || self.part().is_empty() => "",
            Reason::UnknownVariant => "::",
            _ => ".",
        };
        f.write_str(self.of)?;
        f.write_str(separator)?;
        f.write_str(self.part())?;
        if !self.of.is_empty() || !self.part().is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(self.reason.text())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("reason", &self.reason)
            .field("of", &self.of)
            .field("part", &self.part())
            .field("form", &self.form)
            .finish()
    }
}

struct WithForm<'r> {
    refusal: &'r Refusal,
    form: Node<'r>,
}

impl fmt::Display for WithForm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.refusal, f)?;
        f.write_str("; the other program knows ")?;
        self.form.write_known(f)
    }
}

/// What a part is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Own(&'static str),
    Text(Cut),
}

/// The first bytes of a name that is not the type's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    length: u8,
    bytes: [u8; 31],
}

impl Cut {
    pub(super) fn new(name: &str) -> Self {
        let mut cut = Self { length: 0, bytes: [0; 31] };
        let most = name.len().min(cut.bytes.len());
        let length = (0..=most).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
        for (to, from) in cut.bytes.iter_mut().zip(name.bytes().take(length)) {
            *to = from;
        }
        cut.length = length as u8;
        cut
    }
}

impl core::ops::Deref for Cut {
    type Target = str;

    fn deref(&self) -> &str {
        self.bytes.get(..self.length.into()).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

/// Why a value could not be encoded in another program's form. Nothing must be sent then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The encoding is longer than the buffer.
    BufferFull,
    /// A sequence or map was declared without its length, which goes before its elements on the wire.
    LengthUnknown,
    /// A sequence or map was declared with one length and held another number of elements.
    LengthMismatch,
    /// More than [`MAX_ZERO_SIZED`](codec::MAX_ZERO_SIZED) elements take no bytes in the other program's form.
    TooManyZeroSized,
    /// The value nests deeper than the codec's limit, [`MAX_DEPTH`](codec::MAX_DEPTH).
    TooDeep,
    /// The two versions differ in a way that this value can't be carried over.
    Refused(Refusal),
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
                write!(f, "more than {} elements of sequences take no bytes", codec::MAX_ZERO_SIZED)
            }
            Self::TooDeep => f.write_str("the value nests deeper than its codec allows"),
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::Custom(message) => write!(f, "the type refused to be encoded: {message}"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Why bytes in another program's form are no value of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not one value of the form. [`Incomplete`](codec::DecodeError::Incomplete) says that they end too early.
    /// The fault is the peer's.
    Malformed(codec::DecodeError),
    /// This many bytes follow the value. The fault is the peer's.
    TrailingBytes(usize),
    /// The two versions differ in a way that this value can't be read.
    Refused(Refusal),
    /// The type's `Deserialize` impl refused the value: serde's own reasons too, such as a field that is missing.
    Custom(Message),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(_) => f.write_str("the bytes are not what the description says"),
            Self::TrailingBytes(count) => write!(f, "{count} bytes follow the value"),
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::Custom(message) => write!(f, "the type refused the value: {message}"),
        }
    }
}

impl core::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}

/// That there is an error. What it is, all levels share: results on the way of a value have no room for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Halt;

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value can't be carried over")
    }
}

impl core::error::Error for Halt {}

impl serde::ser::Error for Halt {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

impl de::Error for Halt {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// An error that a reader's results can carry: what the type says, or only that there is one.
pub(super) trait Carried: de::Error + From<Halt> {}

impl Carried for Halt {}

/// What a type says when it refuses a value.
#[derive(Debug)]
pub(super) struct Explained {
    pub(super) error: codec::DecodeError,
    /// Whether it refuses the form, and so any value of it.
    pub(super) is_form: bool,
}

impl Carried for Explained {}

impl From<Halt> for Explained {
    fn from(_: Halt) -> Self {
        Self { error: codec::DecodeError::Unexplained, is_form: false }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl core::error::Error for Explained {}

macro_rules! of_form {
    ($($method:ident($($name:ident: $type:ty),*))*) => {$(
        #[cold]
        fn $method($($name: $type),*) -> Self {
            Self { error: de::Error::$method($($name),*), is_form: true }
        }
    )*};
}

impl de::Error for Explained {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { error: de::Error::custom(message), is_form: false }
    }

    #[cold]
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self { error: de::Error::invalid_value(unexpected, expected), is_form: false }
    }

    of_form! {
        invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected)
        unknown_variant(variant: &str, expected: &'static [&'static str])
        unknown_field(field: &str, expected: &'static [&'static str])
        missing_field(field: &'static str)
        duplicate_field(field: &'static str)
    }
}
