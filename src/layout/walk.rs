//! The grammar of descriptions, for all that read one.

use super::format::{
    END, ENUM_DEFINITION, MAP, OPAQUE, OPTION, REFERENCE, REFUSED, REPEAT, SEQUENCE, SLOT, STRUCT, STRUCT_DEFINITION,
    TUPLE, VARIANT, is_leaf,
};

/// How deep nodes may nest within one definition: as deep as the tracer goes, and what is there.
pub(super) const MAX_NESTING: usize = super::MAX_DEPTH + 2;

/// A description, wherever it lies.
pub(super) trait Source {
    fn byte(&self, at: usize) -> Option<u8>;
}

impl Source for [u8] {
    fn byte(&self, at: usize) -> Option<u8> {
        self.get(at).copied()
    }
}

/// The bytes of a name, and where the next one begins. `more` says that it is another name of the same.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) at: usize,
    pub(super) length: usize,
    pub(super) more: bool,
    pub(super) next: usize,
}

/// The head of a definition.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) is_enum: bool,
    pub(super) name: Name,
    /// Where its length and the offset of the names are.
    pub(super) slots: usize,
    /// Where its fields or variants begin.
    pub(super) content: usize,
}

/// Reads a [`Source`]. `None` means that it is no description.
pub(super) struct Walk<'s, S: Source + ?Sized> {
    pub(super) source: &'s S,
}

// Derived, these would ask it of the source.
impl<S: Source + ?Sized> Clone for Walk<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Source + ?Sized> Copy for Walk<'_, S> {}

impl<S: Source + ?Sized> Walk<'_, S> {
    #[inline]
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.source.byte(at)
    }

    #[inline]
    pub(super) fn is(self, at: usize, byte: u8) -> bool {
        self.byte(at) == Some(byte)
    }

    /// A number in the shortest LEB128, at most 28 bits.
    #[inline]
    pub(super) fn number(self, at: usize) -> Option<(usize, usize)> {
        match self.byte(at)? {
            byte @ ..0x80 => Some((byte.into(), at + 1)),
            _ => self.long_number(at),
        }
    }

    fn long_number(self, at: usize) -> Option<(usize, usize)> {
        let mut number = 0;
        for index in 0..4 {
            let byte = self.byte(at + index)?;
            number |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return (byte != 0 || index == 0).then_some((number, at + index + 1));
            }
        }
        None
    }

    #[inline]
    pub(super) fn slot(self, at: usize) -> Option<usize> {
        Some(u16::from_le_bytes([self.byte(at)?, self.byte(at + 1)?]).into())
    }

    #[inline]
    pub(super) fn name(self, at: usize) -> Option<Name> {
        let (number, at) = self.number(at)?;
        let length = number >> 1;
        Some(Name { at, length, more: number & 1 == 1, next: at + length })
    }

    /// Where the names of one field or variant end.
    #[inline]
    pub(super) fn skip_names(self, mut at: usize) -> Option<usize> {
        loop {
            let name = self.name(at)?;
            at = name.next;
            if !name.more {
                return Some(at);
            }
        }
    }

    /// Past a mark that what ends at `at` was refused.
    #[inline]
    pub(super) fn skip_mark(self, at: usize) -> usize {
        at + usize::from(self.is(at, REFUSED))
    }

    /// Past the node at `at`.
    #[inline]
    pub(super) fn skip_node(self, at: usize, depth: usize) -> Option<usize> {
        match self.byte(at)? {
            leaf if is_leaf(leaf) && depth > 0 => Some(self.skip_mark(at + 1)),
            _ => Some(self.skip_mark(self.end_of_node(at, depth)?)),
        }
    }

    /// Where the node at `at` ends.
    pub(super) fn end_of_node(self, at: usize, depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let tag = self.byte(at)?;
        let mut at = at + 1;
        match tag {
            OPAQUE => {}
            OPTION | SEQUENCE => at = self.skip_node(at, depth)?,
            MAP => at = self.skip_node(self.skip_node(at, depth)?, depth)?,
            TUPLE => {
                while !self.is(at, END) {
                    at = if self.is(at, REPEAT) { self.repeat(at)?.1 } else { at };
                    at = self.skip_node(at, depth)?;
                }
                at += 1;
            }
            REFERENCE => at = self.number(at)?.1,
            leaf if is_leaf(leaf) => {}
            _ => return None,
        }
        Some(at)
    }

    /// How many elements there are at `at`, and where the node is that stands for them.
    pub(super) fn repeat(self, at: usize) -> Option<(usize, usize)> {
        if !self.is(at, REPEAT) {
            return Some((1, at));
        }
        let (count, node) = self.number(at + 1)?;
        let tag = self.byte(node)?;
        (count > 1 && (is_leaf(tag) || tag == REFERENCE)).then_some((count, node))
    }

    /// Where the names of the fields at `at` begin, and how many fields there are.
    pub(super) fn names_of_fields(self, mut at: usize) -> Option<(usize, usize)> {
        let mut count = 0;
        while !self.is(at, END) {
            at = self.skip_node(at, MAX_NESTING)?;
            count += 1;
        }
        Some((at + 1, count))
    }

    /// Where the fields at `at` end, with their names.
    pub(super) fn end_of_fields(self, at: usize) -> Option<usize> {
        let (mut at, count) = self.names_of_fields(at)?;
        for _ in 0..count {
            at = self.skip_names(at)?;
        }
        Some(at)
    }

    /// Where the variants at `at` end, with their names.
    pub(super) fn end_of_variants(self, at: usize) -> Option<usize> {
        let (mut at, count) = self.names_of_variants(at)?;
        for _ in 0..count {
            at = self.skip_names(at)?;
        }
        Some(at)
    }

    /// Past the variant at `at`.
    #[inline]
    pub(super) fn skip_variant(self, at: usize) -> Option<usize> {
        match self.slot(at + 1)? {
            0 => Some(self.skip_mark(self.end_of_content(at + 1 + SLOT)?)),
            length => Some(at + length),
        }
    }

    /// Where what a variant carries ends.
    pub(super) fn end_of_content(self, at: usize) -> Option<usize> {
        if self.is(at, STRUCT) { self.end_of_fields(at + 1) } else { self.end_of_node(at, MAX_NESTING) }
    }

    /// Where the names of the variants at `at` begin, and how many variants there are.
    pub(super) fn names_of_variants(self, mut at: usize) -> Option<(usize, usize)> {
        let mut count = 0;
        while self.is(at, VARIANT) {
            at = self.skip_variant(at)?;
            count += 1;
        }
        self.is(at, END).then_some((at + 1, count))
    }

    pub(super) fn head(self, at: usize) -> Option<Head> {
        let is_enum = match self.byte(at)? {
            ENUM_DEFINITION => true,
            STRUCT_DEFINITION => false,
            _ => return None,
        };
        let (length, start) = self.number(at + 1)?;
        let slots = start + length;
        let name = Name { at: start, length, more: false, next: slots };
        Some(Head { is_enum, name, slots, content: slots + 2 * SLOT })
    }

    /// Past the definition at `at`.
    pub(super) fn skip_definition(self, at: usize) -> Option<usize> {
        let head = self.head(at)?;
        match self.slot(head.slots)? {
            0 => Some(self.skip_mark(self.end_of_definition(head)?)),
            length => Some(at + length),
        }
    }

    /// Where the definition with this head ends.
    pub(super) fn end_of_definition(self, head: Head) -> Option<usize> {
        if head.is_enum { self.end_of_variants(head.content) } else { self.end_of_fields(head.content) }
    }

    /// Where the definitions begin.
    pub(super) fn definitions(self) -> Option<usize> {
        self.skip_node(1, MAX_NESTING)
    }

    /// Where definition `number` is, which is 1 for the first.
    pub(super) fn definition(self, number: usize) -> Option<usize> {
        let mut at = self.definitions()?;
        for _ in 1..number {
            at = self.skip_definition(at)?;
        }
        Some(at)
    }
}
