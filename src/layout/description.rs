//! A description that was received, and what it says.

use core::fmt;

use super::DescriptionError;
use super::fingerprint::Fingerprint;
use super::format::{
    BOOL, CHAR, F32, F64, I8, I128, MAP, OPTION, REFERENCE, REFUSED, SEQUENCE, SLOT, STRING, STRUCT, TUPLE, U8, U128,
    UNIT,
};
use super::parts::{Fields, Tuple, Variants};
use super::walk::{MAX_NESTING, Walk};

/// The layout of another program's type, checked.
///
/// It is a view of bytes that [`validate`](Self::validate) has checked, and keeps nothing else in memory. It prints as the
/// other program's [`text`](super::text) does.
///
/// ```
/// use ipc_server::layout::{self, Description, Kind};
///
/// let mut bytes = [0; 64];
/// let length = layout::describe::<Result<u8, String>>(0, &mut bytes)?;
///
/// let description = Description::validate(&mut bytes[..length])?;
/// assert_eq!(description.to_string(), "enum Result { Ok(u8), Err(String) }");
/// let Kind::Enum(result) = description.root().kind() else { unreachable!("it is one") };
/// assert_eq!(result.variant("Err").map(|variant| variant.index()), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Description<'d> {
    bytes: &'d [u8],
}

impl<'d> Description<'d> {
    /// Checks that `bytes` are one description, and fills in lengths that its sender could not know.
    ///
    /// Whatever the bytes are, this ends, and so does every walk over what it accepts: no value contains itself without
    /// a byte on the wire, and nothing nests deeper than 64 levels within a definition.
    ///
    /// # Errors
    ///
    /// Any [`DescriptionError`]. The fault is the sender's.
    pub fn validate(bytes: &'d mut [u8]) -> Result<Self, DescriptionError> {
        super::validate::validate(bytes)?;
        Ok(Self { bytes })
    }

    /// A description that was validated where it lies.
    pub(crate) const fn of_validated(bytes: &'d [u8]) -> Self {
        Self { bytes }
    }

    /// The form of the type itself.
    #[must_use]
    pub fn root(self) -> Node<'d> {
        Node { bytes: self.bytes, at: 1 }
    }

    /// The fingerprint of the type as `codec` writes it, which is what its program says of it.
    #[must_use]
    pub fn fingerprint(self, codec: &str) -> Fingerprint {
        super::recompute::fingerprint(self.bytes, codec)
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::text::write(self.bytes, f)
    }
}

impl fmt::Debug for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Description({self})")
    }
}

/// The form of one value.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    pub(super) bytes: &'d [u8],
    pub(super) at: usize,
}

/// What a value is on the wire, and what lies within.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind<'d> {
    /// Nothing: a unit, a struct without fields.
    Unit,
    /// A `bool`.
    Bool,
    /// An integer of this many bits: 8, 16, 32, 64 or 128.
    Signed(u8),
    /// An integer without a sign of this many bits: 8, 16, 32, 64 or 128.
    Unsigned(u8),
    /// A float of this many bits: 32 or 64.
    Float(u8),
    /// A `char`.
    Char,
    /// Text.
    String,
    /// A value or none.
    Option(Node<'d>),
    /// A list of any length. Bytes are a list of `u8`.
    Sequence(Node<'d>),
    /// Keys and values.
    Map(Node<'d>, Node<'d>),
    /// Elements without names.
    Tuple(Tuple<'d>),
    /// Fields with names.
    Struct(Fields<'d>),
    /// One of several variants.
    Enum(Variants<'d>),
    /// It is not known: the type refused every sample.
    Opaque,
}

impl<'d> Node<'d> {
    #[inline]
    pub(super) fn walk(self) -> Walk<'d, [u8]> {
        Walk { source: self.bytes }
    }

    /// The form at byte `at` of the same description.
    pub(crate) fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Where in its description it is.
    pub(crate) fn offset(self) -> usize {
        self.at
    }

    /// Prints what is possible here: an enum's variants, a struct's fields, or the form itself.
    pub(crate) fn write_known(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::text::write_known(self.bytes, self.at, f)
    }

    /// What a struct variant carries.
    fn fields(self) -> Kind<'d> {
        let walk = self.walk();
        let first = self.at(self.at + 1);
        let is_refused = walk.end_of_fields(first.at).is_some_and(|end| walk.is(end, REFUSED));
        match walk.names_of_fields(first.at) {
            Some((names, _)) if !is_refused => Kind::Struct(Fields { name: (0, 0), next: first, names }),
            _ => Kind::Opaque,
        }
    }

    /// The number of the definition that it refers to.
    pub(super) fn number(self) -> Option<usize> {
        let walk = self.walk();
        if walk.is(self.at, REFERENCE) { walk.number(self.at + 1).map(|(number, _)| number) } else { None }
    }

    /// What it is.
    #[inline]
    #[must_use]
    pub fn kind(self) -> Kind<'d> {
        match self.leaf() {
            Some(kind) => kind,
            // A description that was validated has everything that is looked for here.
            None => self.known_kind().unwrap_or(Kind::Opaque),
        }
    }

    /// What it is, if nothing lies within.
    #[inline]
    pub(crate) fn leaf(self) -> Option<Kind<'d>> {
        let walk = self.walk();
        if walk.is(self.at + 1, REFUSED) {
            return None;
        }
        Some(match walk.byte(self.at)? {
            UNIT => Kind::Unit,
            BOOL => Kind::Bool,
            tag @ I8..=I128 => Kind::Signed(8 << (tag - I8)),
            tag @ U8..=U128 => Kind::Unsigned(8 << (tag - U8)),
            F32 => Kind::Float(32),
            F64 => Kind::Float(64),
            CHAR => Kind::Char,
            STRING => Kind::String,
            _ => return None,
        })
    }

    fn known_kind(self) -> Option<Kind<'d>> {
        let walk = self.walk();
        if walk.is(self.at, STRUCT) {
            return Some(self.fields());
        }
        if walk.is(self.at, REFERENCE) {
            let (number, end) = walk.number(self.at + 1)?;
            let is_refused = walk.is(end, REFUSED);
            return if is_refused { Some(Kind::Opaque) } else { self.definition(walk.definition(number)?) };
        }
        if walk.is(walk.end_of_node(self.at, MAX_NESTING)?, REFUSED) {
            return Some(Kind::Opaque);
        }
        let within = self.at(self.at + 1);
        Some(match walk.byte(self.at)? {
            OPTION => Kind::Option(within),
            SEQUENCE => Kind::Sequence(within),
            MAP => Kind::Map(within, self.at(walk.skip_node(within.at, MAX_NESTING)?)),
            TUPLE => Kind::Tuple(Tuple { rest: within, repeated: 0 }),
            _ => Kind::Opaque,
        })
    }

    fn definition(self, at: usize) -> Option<Kind<'d>> {
        let walk = self.walk();
        let head = walk.head(at)?;
        let names = at + walk.slot(head.slots + SLOT)?;
        // A name may end in this byte.
        let last = (at + walk.slot(head.slots)?).checked_sub(1)?;
        if walk.is(last, REFUSED) && walk.end_of_definition(head)? == last {
            return Some(Kind::Opaque);
        }
        let name = (head.name.at, head.name.length);
        Some(if head.is_enum {
            Kind::Enum(Variants { name, next: self.at(head.content), names, index: 0 })
        } else {
            Kind::Struct(Fields { name, next: self.at(head.content), names })
        })
    }
}

/// Two are equal if the same bytes of the same description say what they are.
impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.bytes, other.bytes) && self.at == other.at
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::text::write_node(self.bytes, self.at, f)
    }
}

pub(super) fn text(bytes: &[u8], at: usize, length: usize) -> &str {
    // Names were found to be UTF-8.
    bytes.get(at..at + length).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
}
