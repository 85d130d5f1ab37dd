//! A description that was received, and what it says.

use core::fmt;

use super::DescriptionError;
use super::fingerprint::Fingerprint;
use super::format::{
    BOOL, CHAR, END, F32, F64, I8, I128, MAP, OPTION, REFERENCE, REFUSED, SEQUENCE, SLOT, STRING, STRUCT, TUPLE, U8,
    U128, UNIT, VARIANT,
};
use super::walk::{Head, MAX_NESTING, Walk};

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
    bytes: &'d [u8],
    at: usize,
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
    fn walk(self) -> Walk<'d, [u8]> {
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
            Some((names, _)) if !is_refused => Kind::Struct(Fields { name: "", next: first, names }),
            _ => Kind::Opaque,
        }
    }

    /// The number of the definition that it refers to.
    pub(super) fn number(self) -> Option<usize> {
        let walk = self.walk();
        if walk.is(self.at, REFERENCE) { walk.number(self.at + 1).map(|(number, _)| number) } else { None }
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> Kind<'d> {
        // A description that was validated has everything that is looked for here.
        self.known_kind().unwrap_or(Kind::Opaque)
    }

    fn known_kind(self) -> Option<Kind<'d>> {
        let walk = self.walk();
        if walk.is(self.at, STRUCT) {
            return Some(self.fields());
        }
        if walk.is(walk.end_of_node(self.at, MAX_NESTING)?, REFUSED) {
            return Some(Kind::Opaque);
        }
        let within = self.at(self.at + 1);
        Some(match walk.byte(self.at)? {
            UNIT => Kind::Unit,
            BOOL => Kind::Bool,
            tag @ I8..=I128 => Kind::Signed(8 << (tag - I8)),
            tag @ U8..=U128 => Kind::Unsigned(8 << (tag - U8)),
            F32 => Kind::Float(32),
            F64 => Kind::Float(64),
            CHAR => Kind::Char,
            STRING => Kind::String,
            OPTION => Kind::Option(within),
            SEQUENCE => Kind::Sequence(within),
            MAP => Kind::Map(within, self.at(walk.skip_node(within.at, MAX_NESTING)?)),
            TUPLE => Kind::Tuple(Tuple { rest: within, repeated: 0 }),
            REFERENCE => {
                let (number, _) = walk.number(within.at)?;
                self.definition(walk.definition(number)?)?
            }
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
        let name = name(self.bytes, head);
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

fn name(bytes: &[u8], head: Head) -> &str {
    text(bytes, head.name.at, head.name.length)
}

fn text(bytes: &[u8], at: usize, length: usize) -> &str {
    // Names were found to be UTF-8.
    bytes.get(at..at + length).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
}

/// The elements of a tuple, as an iterator.
#[derive(Clone, Copy)]
pub struct Tuple<'d> {
    rest: Node<'d>,
    /// How many of those that the next node stands for were given.
    repeated: usize,
}

impl Tuple<'_> {
    /// How many elements there are, counted where those that are alike are written once.
    pub(crate) fn length(self) -> usize {
        let walk = self.rest.walk();
        let (mut at, mut length) = (self.rest.at, 0_usize);
        while let Some((count, node)) = walk.repeat(at).filter(|_| !walk.is(at, END)) {
            length = length.saturating_add(count);
            let Some(next) = walk.skip_node(node, MAX_NESTING) else { break };
            at = next;
        }
        length
    }
}

impl<'d> Iterator for Tuple<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        let walk = self.rest.walk();
        if walk.is(self.rest.at, END) {
            return None;
        }
        let (count, node) = walk.repeat(self.rest.at)?;
        self.repeated += 1;
        if self.repeated == count {
            self.repeated = 0;
            self.rest.at = walk.skip_node(node, MAX_NESTING)?;
        }
        Some(self.rest.at(node))
    }
}

/// The names of one field or variant, as an iterator: one, and more where there are aliases, in the order of letters.
#[derive(Clone, Copy)]
pub struct Names<'d> {
    bytes: &'d [u8],
    at: Option<usize>,
}

impl<'d> Names<'d> {
    /// Whether `name` is one of them.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        let walk = Walk { source: self.bytes };
        let following = |one: &super::walk::Name| if one.more { walk.name(one.next) } else { None };
        let mut names = core::iter::successors(self.at.and_then(|at| walk.name(at)), following);
        names.any(|one| self.bytes.get(one.at..one.next) == Some(name.as_bytes()))
    }

    /// The name, if there are no aliases.
    pub(crate) fn only(mut self) -> Option<&'d str> {
        let name = self.next()?;
        self.at.is_none().then_some(name)
    }
}

impl<'d> Iterator for Names<'d> {
    type Item = &'d str;

    fn next(&mut self) -> Option<&'d str> {
        let name = Walk { source: self.bytes }.name(self.at?)?;
        self.at = name.more.then_some(name.next);
        Some(text(self.bytes, name.at, name.length))
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// The fields of a struct or of a struct variant, as an iterator, in the order in which they are written.
#[derive(Clone, Copy)]
pub struct Fields<'d> {
    name: &'d str,
    next: Node<'d>,
    names: usize,
}

impl<'d> Fields<'d> {
    /// What the struct is called; nothing for a variant's fields.
    #[must_use]
    pub fn name(self) -> &'d str {
        self.name
    }

    /// The field that is called so, and how many come before it.
    #[must_use]
    pub fn field(self, name: &str) -> Option<(usize, Node<'d>)> {
        self.enumerate().find(|(_, (names, _))| names.has(name)).map(|(index, (_, node))| (index, node))
    }
}

impl<'d> Iterator for Fields<'d> {
    type Item = (Names<'d>, Node<'d>);

    fn next(&mut self) -> Option<(Names<'d>, Node<'d>)> {
        let (node, walk) = (self.next, self.next.walk());
        if walk.is(node.at, END) {
            return None;
        }
        let names = Names { bytes: node.bytes, at: Some(self.names) };
        self.names = walk.skip_names(self.names)?;
        self.next.at = walk.skip_node(node.at, MAX_NESTING)?;
        Some((names, node))
    }
}

/// The variants of an enum, as an iterator, in the order of their indices.
#[derive(Clone, Copy)]
pub struct Variants<'d> {
    name: &'d str,
    next: Node<'d>,
    names: usize,
    index: u32,
}

impl<'d> Variants<'d> {
    /// What the enum is called.
    #[must_use]
    pub fn name(self) -> &'d str {
        self.name
    }

    /// The variant that is called so.
    #[must_use]
    pub fn variant(mut self, name: &str) -> Option<Variant<'d>> {
        self.find(|variant| variant.names().has(name))
    }
}

impl<'d> Iterator for Variants<'d> {
    type Item = Variant<'d>;

    fn next(&mut self) -> Option<Variant<'d>> {
        let (node, walk) = (self.next, self.next.walk());
        if !walk.is(node.at, VARIANT) {
            return None;
        }
        let variant = Variant { index: self.index, names: self.names, content: node.at(node.at + 1 + SLOT) };
        self.index += 1;
        self.names = walk.skip_names(self.names)?;
        self.next.at = walk.skip_variant(node.at)?;
        Some(variant)
    }
}

/// One variant of an enum.
#[derive(Clone, Copy, PartialEq)]
pub struct Variant<'d> {
    index: u32,
    names: usize,
    content: Node<'d>,
}

impl<'d> Variant<'d> {
    /// What stands for it on the wire.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// What it is called.
    #[must_use]
    pub fn names(self) -> Names<'d> {
        Names { bytes: self.content.bytes, at: Some(self.names) }
    }

    /// What it carries: [`Kind::Unit`], or [`Kind::Struct`] of a struct variant, or [`Kind::Tuple`] of a tuple variant
    /// and of a tuple, or anything else in parentheses.
    #[must_use]
    pub fn content(self) -> Kind<'d> {
        self.content.kind()
    }

    /// The form of what it carries.
    #[must_use]
    pub fn form(self) -> Node<'d> {
        self.content
    }
}

impl fmt::Debug for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(*self).finish()
    }
}

impl fmt::Debug for Variants<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl fmt::Debug for Variant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: ", self.index, self.names())?;
        match self.content() {
            Kind::Struct(fields) => fields.fmt(f),
            Kind::Tuple(elements) => elements.fmt(f),
            Kind::Opaque => f.write_str("opaque"),
            _ => self.content.fmt(f),
        }
    }
}
