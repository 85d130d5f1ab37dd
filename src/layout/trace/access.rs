//! What lies within a value: elements, entries, and the parts of a variant.

use core::hash::{Hash, Hasher};
use core::mem::discriminant;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::super::fingerprint::Fingerprint;
use super::super::format::{END, OPAQUE, STRUCT, UNIT};
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

impl<'a> Trace<'a> {
    /// An element, key or value. A list is described by its first.
    fn element<S: DeserializeSeed<'static>>(&mut self, seed: S, is_first: bool) -> Result<S::Value, Stopped> {
        let (from, nodes) = (self.run.given, self.run.nodes);
        self.run.aside += u16::from(!is_first);
        let result = seed.deserialize(Tracer { trace: self });
        self.run.is_element = false;
        let result = self.after_node(from, nodes, result);
        self.run.aside -= u16::from(!is_first);
        result
    }
}

impl<'a> SeqAccess<'static> for &mut Elements<'_, 'a> {
    type Error = Stopped;

    fn next_element_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        self.trace.step()?;
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.asked += 1;
        self.trace.run.is_element = self.kind == Kind::Tuple;
        let is_first = self.kind != Kind::Sequence || self.asked == 1;
        self.trace.element(seed, is_first).map(Some)
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

impl<'a> MapAccess<'static> for &mut Entries<'_, 'a> {
    type Error = Stopped;

    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        self.trace.step()?;
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.asked += 1;
        let is_first = self.asked == 1;
        self.trace.element(seed, is_first).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, Stopped> {
        self.trace.step()?;
        if self.values == self.asked {
            self.trace.finish(Outcome::Hopeless);
            return Err(Stopped);
        }
        self.values += 1;
        let is_first = self.values == 1;
        self.trace.element(seed, is_first)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// One variant of an enum.
pub(super) struct Variant<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
    pub(super) identifier: Identifier,
    pub(super) role: Role,
}

impl<'a> EnumAccess<'static> for Variant<'_, 'a> {
    type Error = Stopped;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<(S::Value, Self), Stopped> {
        let from = self.trace.run.given.saturating_sub(1);
        let Ok(value) = seed.deserialize(self.identifier) else {
            if self.role == Role::Target {
                self.trace.finish(Outcome::NoSuch);
            } else {
                self.trace.refuse(from, true);
            }
            return Err(Stopped);
        };
        if self.role == Role::Target {
            self.trace.identified(identity_of(&value), size_of::<S::Value>() == 0);
        }
        if self.trace.has_ended() { Err(Stopped) } else { Ok((value, self)) }
    }
}

/// The same for the index and every name of one variant or field.
fn identity_of<T>(identifier: &T) -> u64 {
    struct Fold(Fingerprint);
    impl Hasher for Fold {
        fn write(&mut self, bytes: &[u8]) {
            self.0.add(bytes);
        }
        fn finish(&self) -> u64 {
            self.0.to_u64()
        }
    }
    let mut fold = Fold(Fingerprint::from_u64(0xcbf2_9ce4_8422_2325));
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
        let (from, nodes) = (self.trace.run.given, self.trace.run.nodes);
        let result = seed.deserialize(Tracer { trace: self.trace });
        let result = self.trace.after_node(from, nodes, result);
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
        trace.step()?;
        if self.role == Role::Target {
            trace.run.fields = Some(names);
            if let Part::IdentifyField(_, identifier) = trace.part {
                let _ = visitor.visit_map(IdentifierAsKey { trace, identifier });
                trace.finish(Outcome::Hopeless);
                return Err(Stopped);
            }
        }
        // Of one that only leads to the part, nothing is described.
        trace.tag(STRUCT);
        let result = trace.visit_fixed(Kind::Fields, names.len(), visitor);
        if !trace.has_ended() || trace.is_closing() {
            trace.tag(END);
        }
        self.end(result)
    }
}

impl Variant<'_, '_> {
    /// All that the variant carries was seen.
    fn end<T>(self, result: Result<T, Stopped>) -> Result<T, Stopped> {
        if self.role == Role::Target {
            self.trace.part_ends();
        }
        if self.trace.has_ended() { Err(Stopped) } else { result }
    }
}

impl Trace<'_> {
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
                if self.is_new_node(super::super::format::VARIANT) {
                    self.output.put(&[super::super::format::VARIANT]);
                    self.output.put_slots(super::super::format::SLOT);
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
    pub(super) identifier: Identifier,
}

impl MapAccess<'static> for IdentifierAsKey<'_, '_> {
    type Error = Stopped;

    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, Stopped> {
        self.trace.step()?;
        match seed.deserialize(self.identifier) {
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
