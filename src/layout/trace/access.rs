//! What lies within a value: elements, entries, and the parts of a variant.

use core::hash::{Hash, Hasher};
use core::mem::discriminant;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::super::format::{END, OPAQUE, SLOT, STRUCT, UNIT, VARIANT};
use super::deserializer::Tracer;
use super::{Identifier, Outcome, Part, Role, Stopped, Trace};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sequence,
    Tuple,
    Fields,
}

/// The elements of a list or a tuple, or the fields of a struct.
pub(super) struct Elements<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
    pub(super) left: usize,
    pub(super) asked: usize,
    pub(super) kind: Kind,
}

/// Where an element, key or value begins.
struct Begun {
    from: u16,
    nodes: u32,
    is_first: bool,
}

// What depends on no type is apart from what does, so that its code is there once.
impl Trace<'_> {
    /// An element, key or value. A list is described by its first.
    fn begin_element(&mut self, is_first: bool) -> Begun {
        self.run.aside += u16::from(!is_first);
        Begun { from: self.run.given, nodes: self.run.nodes, is_first }
    }

    fn end_element(&mut self, begun: &Begun, is_refused: bool) -> bool {
        self.run.is_element = false;
        let has_ended = self.end_of_node(begun.from, begun.nodes, is_refused);
        self.run.aside -= u16::from(!begun.is_first);
        has_ended
    }

    fn element<S: DeserializeSeed<'static>>(&mut self, begun: &Begun, seed: S) -> Result<S::Value, Stopped> {
        let result = seed.deserialize(Tracer { trace: self });
        if self.end_element(begun, result.is_err()) { Err(Stopped) } else { result }
    }
}

impl Elements<'_, '_> {
    fn begin(&mut self) -> Result<Option<Begun>, Stopped> {
        self.trace.step()?;
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.asked += 1;
        self.trace.run.is_element = self.kind == Kind::Tuple;
        Ok(Some(self.trace.begin_element(self.kind != Kind::Sequence || self.asked == 1)))
    }
}

impl<'a> SeqAccess<'static> for &mut Elements<'_, 'a> {
    type Error = Stopped;

    fn next_element_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        match self.begin()? {
            Some(begun) => self.trace.element(&begun, seed).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The entries of a map.
pub(super) struct Entries<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
    pub(super) left: usize,
    pub(super) asked: usize,
    pub(super) values: usize,
}

impl Entries<'_, '_> {
    fn begin_key(&mut self) -> Result<Option<Begun>, Stopped> {
        self.trace.step()?;
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.asked += 1;
        Ok(Some(self.trace.begin_element(self.asked == 1)))
    }

    fn begin_value(&mut self) -> Result<Begun, Stopped> {
        self.trace.step()?;
        if self.values == self.asked {
            self.trace.finish(Outcome::Hopeless);
            return Err(Stopped);
        }
        self.values += 1;
        Ok(self.trace.begin_element(self.values == 1))
    }
}

impl<'a> MapAccess<'static> for &mut Entries<'_, 'a> {
    type Error = Stopped;

    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        match self.begin_key()? {
            Some(begun) => self.trace.element(&begun, seed).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, Stopped> {
        let begun = self.begin_value()?;
        self.trace.element(&begun, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// One variant of an enum.
pub(super) struct Variant<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
    pub(super) role: Role,
}

impl<'a> EnumAccess<'static> for Variant<'_, 'a> {
    type Error = Stopped;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<(S::Value, Self), Stopped> {
        let result = seed.deserialize(self.trace.run.identifier);
        let identity = result.as_ref().ok().map(identity_of);
        let has_ended = self.trace.identifier_ends(self.role, identity, size_of::<S::Value>() == 0);
        if has_ended { Err(Stopped) } else { result.map(|value| (value, self)) }
    }
}

/// The same for the index and every name of one variant or field.
fn identity_of<T>(identifier: &T) -> u64 {
    struct Fold(u64);
    impl Hasher for Fold {
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.0 = self.0.rotate_left(8) ^ u64::from(byte);
            }
        }
        fn write_isize(&mut self, number: isize) {
            self.0 = number as u64;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut fold = Fold(0);
    discriminant(identifier).hash(&mut fold);
    fold.finish()
}

impl<'a> VariantAccess<'static> for Variant<'_, 'a> {
    type Error = Stopped;

    fn unit_variant(self) -> Result<(), Stopped> {
        self.trace.step()?;
        self.trace.leaf(UNIT);
        self.end(Ok(()))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<S::Value, Stopped> {
        self.trace.step()?;
        let begun = self.trace.begin_element(true);
        let result = self.trace.element(&begun, seed);
        self.end(result)
    }

    fn tuple_variant<V: Visitor<'static>>(self, length: usize, visitor: V) -> Result<V::Value, Stopped> {
        let result = self.trace.visit_tuple(length, visitor);
        self.end(result)
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        let trace = &mut *self.trace;
        if names.is_empty() {
            let result = trace.visit_tuple(0, visitor);
            return self.end(result);
        }
        let from = trace.begin_struct_variant(self.role, names)?;
        if trace.asks_for_field(self.role) {
            let _ = visitor.visit_map(IdentifierAsKey { trace });
            trace.finish(Outcome::Hopeless);
            return Err(Stopped);
        }
        let mut elements = Elements { trace, left: names.len(), asked: 0, kind: Kind::Fields };
        let result = visitor.visit_seq(&mut elements);
        elements.end_struct_variant(from, result.is_err());
        self.end(result)
    }
}

impl Variant<'_, '_> {
    /// All that the variant carries was seen.
    fn end<T>(self, result: Result<T, Stopped>) -> Result<T, Stopped> {
        if self.trace.variant_ends(self.role) { Err(Stopped) } else { result }
    }
}

impl Elements<'_, '_> {
    /// All elements were seen, or the visitor returned.
    pub(super) fn end(&mut self, from: u16, is_refused: bool) {
        let Self { left, asked, .. } = *self;
        let trace = &mut *self.trace;
        if trace.is_in_part() {
            trace.run.asked = asked;
        }
        if is_refused {
            trace.refuse(from, false);
            if trace.is_closing() {
                for _ in 0..left {
                    trace.leaf(OPAQUE);
                }
                trace.run.asked += left;
            }
        }
    }

    fn end_struct_variant(&mut self, from: u16, is_refused: bool) {
        self.end(from, is_refused);
        if !self.trace.has_ended() || self.trace.is_closing() {
            self.trace.tag(END);
        }
    }
}

impl Trace<'_> {
    /// An identifier was refused, or accepted as the variant with this identity. Returns whether the run has ended.
    fn identifier_ends(&mut self, role: Role, identity: Option<u64>, is_only_one: bool) -> bool {
        match (identity, role) {
            (Some(identity), Role::Target) => self.identified(identity, is_only_one),
            (Some(_), _) => {}
            (None, Role::Target) => self.finish(Outcome::NoSuch),
            (None, _) => self.refuse(self.run.given.saturating_sub(1), true),
        }
        self.has_ended()
    }

    fn variant_ends(&mut self, role: Role) -> bool {
        if role == Role::Target {
            self.part_ends();
        }
        self.has_ended()
    }

    /// Returns the number of the first sample that is given within.
    fn begin_struct_variant(&mut self, role: Role, names: &'static [&'static str]) -> Result<u16, Stopped> {
        self.step()?;
        if role == Role::Target {
            self.run.fields = Some(names);
        }
        if !self.asks_for_field(role) {
            // Of one that only leads to the part, nothing is described.
            self.tag(STRUCT);
        }
        Ok(self.run.given)
    }

    /// Whether the variant's fields are to be told an identifier, and nothing else.
    fn asks_for_field(&mut self, role: Role) -> bool {
        match (role, self.part) {
            (Role::Target, Part::IdentifyField(_, identifier)) => {
                self.run.identifier = identifier;
                true
            }
            _ => false,
        }
    }

    /// The target's identifier was accepted.
    fn identified(&mut self, identity: u64, is_only_one: bool) {
        match self.part {
            Part::Variant(variant) => {
                let is_repeated = self.identity == Some(identity);
                if variant == 0 {
                    self.is_lenient = false;
                } else if variant == 1 && is_repeated && !is_only_one && self.described == 0 {
                    // Not an enum but a number, of which this is no discriminant.
                    self.is_lenient = true;
                }
                if self.described == 0 && variant > 0 && is_repeated && !self.is_lenient {
                    // `#[serde(other)]`, which stands for all that follow.
                    self.finish(Outcome::NoSuch);
                    return;
                }
                self.identity = Some(identity);
                self.run.given_before = self.run.given;
                if self.is_new_node(VARIANT) {
                    self.output.put(&[VARIANT]);
                    self.output.put_slots(SLOT);
                }
            }
            Part::Identify(_) => {
                self.identity = Some(identity);
                self.finish(Outcome::Described);
            }
            Part::Body | Part::IdentifyField(..) => {}
        }
    }

    /// The variant whose payload began after `nodes`, and after the head of the variant, ends.
    pub(super) fn end_variant(&mut self, nodes: u32) {
        let is_identified = self.run.nodes > nodes;
        if !is_identified {
            return;
        }
        if !self.has_ended() {
            self.end_node(nodes + 1);
            self.part_ends();
        } else if self.is_closing() && self.run.nodes == nodes + 1 {
            self.leaf(OPAQUE);
        }
    }
}

/// Asks a struct which of its fields an identifier is.
pub(super) struct IdentifierAsKey<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
}

impl MapAccess<'static> for IdentifierAsKey<'_, '_> {
    type Error = Stopped;

    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        self.trace.step()?;
        match seed.deserialize(self.trace.run.identifier) {
            Ok(value) => {
                self.trace.identity = Some(identity_of(&value));
                self.trace.finish(Outcome::Described);
            }
            Err(_) => self.trace.finish(Outcome::NoSuch),
        }
        Err(Stopped)
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, _: S) -> Result<S::Value, Stopped> {
        self.trace.finish(Outcome::Hopeless);
        Err(Stopped)
    }
}

/// A variant's index arrives as bincode gives it.
impl Deserializer<'static> for Identifier {
    type Error = Stopped;

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        match self {
            Self::Index(index) => visitor.visit_u32(index),
            Self::Name(name) => visitor.visit_borrowed_str(name),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        <V: Visitor<'static>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
