//! What lies within the form of a value, as iterators.

use core::fmt;

use super::description::{Kind, Node, text};
use super::format::{END, SLOT, VARIANT};
use super::walk::{MAX_NESTING, Walk};

/// The elements of a tuple, as an iterator.
#[derive(Clone, Copy)]
pub struct Tuple<'d> {
    pub(super) rest: Node<'d>,
    /// How many of those that the next node stands for were given.
    pub(super) repeated: usize,
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
    pub(super) bytes: &'d [u8],
    pub(super) at: Option<usize>,
}

impl<'d> Names<'d> {
    /// Whether `name` is one of them.
    #[inline]
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        let walk = Walk { source: self.bytes };
        let mut at = self.at;
        while let Some(one) = at.and_then(|at| walk.name(at)) {
            if one.length == name.len() && self.bytes.get(one.at..one.next) == Some(name.as_bytes()) {
                return true;
            }
            at = one.more.then_some(one.next);
        }
        false
    }

    /// Whether there is one name and no other.
    #[inline]
    pub(crate) fn is_one(self) -> bool {
        let name = self.at.and_then(|at| Walk { source: self.bytes }.name(at));
        name.is_some_and(|name| !name.more)
    }

    /// Whether `name` is the one name, and there is no other.
    #[inline]
    pub(crate) fn is_only(self, name: &str) -> bool {
        let one = self.at.and_then(|at| Walk { source: self.bytes }.name(at));
        one.is_some_and(|one| !one.more && self.bytes.get(one.at..one.next) == Some(name.as_bytes()))
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
    /// Where the name is, and its length.
    pub(super) name: (usize, usize),
    pub(super) next: Node<'d>,
    pub(super) names: usize,
}

impl<'d> Fields<'d> {
    /// What the struct is called; nothing for a variant's fields.
    #[must_use]
    pub fn name(self) -> &'d str {
        text(self.next.bytes, self.name.0, self.name.1)
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
    /// Where the name is, and its length.
    pub(super) name: (usize, usize),
    pub(super) next: Node<'d>,
    pub(super) names: usize,
    pub(super) index: u32,
}

impl<'d> Variants<'d> {
    /// What the enum is called.
    #[must_use]
    pub fn name(self) -> &'d str {
        text(self.next.bytes, self.name.0, self.name.1)
    }

    /// The variant that is called so.
    #[must_use]
    pub fn variant(self, name: &str) -> Option<Variant<'d>> {
        let walk = self.next.walk();
        let Self { mut names, mut index, next: Node { bytes, mut at }, .. } = self;
        loop {
            if !walk.is(at, VARIANT) {
                return None;
            }
            if (Names { bytes, at: Some(names) }).has(name) {
                return Some(Variant { index, names, content: self.next.at(at + 1 + SLOT) });
            }
            at = walk.skip_variant(at)?;
            names = walk.skip_names(names)?;
            index += 1;
        }
    }

    /// The variant with this index.
    pub(crate) fn at_index(self, index: u32) -> Option<Variant<'d>> {
        let walk = self.next.walk();
        let (mut at, mut names) = (self.next.at, self.names);
        for _ in 0..index {
            if !walk.is(at, VARIANT) {
                return None;
            }
            at = walk.skip_variant(at)?;
            names = walk.skip_names(names)?;
        }
        walk.is(at, VARIANT).then(|| Variant { index, names, content: self.next.at(at + 1 + SLOT) })
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
