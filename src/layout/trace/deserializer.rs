//! What a type may ask for, and what it is given.

use serde::de::{Deserializer, Visitor};

use super::super::SAMPLE;
use super::super::format::{
    BOOL, CHAR, END, F32, F64, I8, I16, I32, I64, I128, MAP, OPAQUE, OPTION, SEQUENCE, STRING, TUPLE, U8, U16, U32,
    U64, U128, UNIT,
};
use super::access::{Elements, Entries, IdentifierAsKey, Kind, Variant};
use super::definitions::{Identity, address_of_visit_enum, address_of_visit_seq};
use super::samples::{BYTES, CHARACTERS, INTEGERS, LENGTHS, SHORT_LENGTHS, TEXTS, number, samples_of};
use super::{Identifier, Outcome, Part, Role, Stopped, Trace};

/// Gives a type one value.
pub(super) struct Tracer<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
}

impl<'a> Tracer<'_, 'a> {
    fn leaf<T>(
        self,
        tag: u8,
        samples: usize,
        visit: impl FnOnce(usize, &mut Trace<'a>) -> Result<T, Stopped>,
    ) -> Result<T, Stopped> {
        self.trace.step()?;
        self.trace.leaf(tag);
        self.trace.visit_leaf(samples, visit)
    }

    /// Bincode cannot read it either.
    fn opaque<T>(self) -> Result<T, Stopped> {
        self.trace.step()?;
        self.trace.leaf(OPAQUE);
        self.trace.finish(Outcome::Hopeless);
        Err(Stopped)
    }
}

impl<'a> Trace<'a> {
    fn visit_leaf<T>(
        &mut self,
        samples: usize,
        visit: impl FnOnce(usize, &mut Self) -> Result<T, Stopped>,
    ) -> Result<T, Stopped> {
        let from = self.run.given;
        let choice = (self.give(samples, samples, true) + self.turn) % samples.max(1);
        let result = visit(choice, self);
        if result.is_err() {
            self.refuse(from, true);
            self.mark();
        }
        result
    }

    /// Chooses the length of a list or map, and whether it stays open.
    fn give_length(&mut self) -> (usize, Option<u16>) {
        if !self.is_in_part() && !self.is_on_the_way() {
            let choice = self.give(SHORT_LENGTHS.len(), SHORT_LENGTHS.len(), true);
            return (SHORT_LENGTHS.get(choice).copied().unwrap_or(0).into(), None);
        }
        let choice = self.give(LENGTHS.len(), LENGTHS.len() - 1, true);
        let length = LENGTHS.get(choice).copied().unwrap_or(0).into();
        if length == 0 || self.stays_empty() {
            self.skip();
            return (0, None);
        }
        (length, Some(self.open(LENGTHS.len(), true)))
    }

    /// Whether the way to the part may lead through here.
    pub(super) fn is_on_the_way(&self) -> bool {
        !self.run.arrived && self.run.aside == 0
    }

    /// The elements of a tuple or the fields of a struct.
    pub(super) fn visit_fixed<V: Visitor<'static>>(
        &mut self,
        kind: Kind,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        let from = self.run.given;
        let mut elements = Elements { trace: self, left: length, asked: 0, kind };
        let result = visitor.visit_seq(&mut elements);
        let Elements { left, asked, .. } = elements;
        if self.is_in_part() {
            self.run.asked = asked;
        }
        if result.is_err() {
            self.refuse(from, false);
            if self.is_closing() {
                for _ in 0..left {
                    self.leaf(OPAQUE);
                }
                self.run.asked += left;
            }
        }
        result
    }

    pub(super) fn visit_tuple<V: Visitor<'static>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Stopped> {
        self.step()?;
        if length == 0 {
            self.leaf(UNIT);
            return self.visit_fixed(Kind::Tuple, 0, visitor);
        }
        self.deepen()?;
        self.tag(TUPLE);
        let result = self.visit_fixed(Kind::Tuple, length, visitor);
        self.run.depth -= 1;
        if !self.has_ended() || self.is_closing() {
            self.tag(END);
        }
        if self.has_ended() {
            self.mark();
            return Err(Stopped);
        }
        result
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $tag:ident)*) => {$(
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
            let by_hand = self.trace.by_hand.take().map(number);
            self.leaf($tag, samples_of(&by_hand, INTEGERS.len()), |choice, _| match by_hand {
                Some(number) => visitor.$visit(number as _),
                None => visitor.$visit(INTEGERS.get(choice).copied().unwrap_or_default() as _),
            })
        }
    )*};
}

impl<'a> Deserializer<'static> for Tracer<'_, 'a> {
    type Error = Stopped;

    integers! {
        deserialize_i8 visit_i8 I8
        deserialize_i16 visit_i16 I16
        deserialize_i32 visit_i32 I32
        deserialize_i64 visit_i64 I64
        deserialize_i128 visit_i128 I128
        deserialize_u8 visit_u8 U8
        deserialize_u16 visit_u16 U16
        deserialize_u32 visit_u32 U32
        deserialize_u64 visit_u64 U64
        deserialize_u128 visit_u128 U128
        deserialize_f32 visit_f32 F32
        deserialize_f64 visit_f64 F64
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stopped> {
        self.opaque()
    }

    fn deserialize_identifier<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stopped> {
        self.opaque()
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stopped> {
        self.opaque()
    }

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.leaf(BOOL, 2, |choice, _| visitor.visit_bool(choice == 1))
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let by_hand = self.trace.by_hand.take().and_then(|text| text.chars().next());
        self.leaf(CHAR, samples_of(&by_hand, CHARACTERS.len()), |choice, _| {
            visitor.visit_char(by_hand.or_else(|| CHARACTERS.get(choice).copied()).unwrap_or('a'))
        })
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let by_hand = self.trace.by_hand.take();
        self.leaf(STRING, samples_of(&by_hand, TEXTS.len()), |choice, _| {
            visitor.visit_borrowed_str(by_hand.or_else(|| TEXTS.get(choice).copied()).unwrap_or(""))
        })
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_str(visitor)
    }

    /// On the wire a list of `u8`.
    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        const ONES: [u8; 32] = [1; 32];
        self.trace.step()?;
        self.trace.tag(SEQUENCE);
        self.trace.leaf(U8);
        let by_hand = self.trace.by_hand.take();
        self.trace.visit_leaf(samples_of(&by_hand, BYTES.len()), |choice, _| {
            let length = BYTES.get(choice).copied().unwrap_or(0);
            let ones = ONES.get(..length).unwrap_or_default();
            visitor.visit_borrowed_bytes(by_hand.map_or(ones, str::as_bytes))
        })
    }

    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.trace.step()?;
        self.trace.leaf(UNIT);
        let from = self.trace.run.given;
        let result = visitor.visit_unit();
        if result.is_err() {
            self.trace.refuse(from, true);
            self.trace.mark();
        }
        result
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        trace.step()?;
        trace.deepen()?;
        trace.by_hand = name.strip_prefix(SAMPLE).or(trace.by_hand);
        let (from, nodes) = (trace.run.given, trace.run.nodes);
        let result = visitor.visit_newtype_struct(Tracer { trace });
        trace.run.depth -= 1;
        trace.after_node(from, nodes, result)
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        trace.step()?;
        trace.deepen()?;
        trace.tag(OPTION);
        let is_described = trace.is_in_part() || trace.is_on_the_way();
        let from = trace.run.given;
        let choice = if is_described { trace.give(2, 1, false) } else { 1 - trace.give(2, 2, false) };
        let result = if choice == 1 || trace.stays_empty() {
            if is_described {
                trace.skip();
            }
            visitor.visit_none()
        } else {
            let request = is_described.then(|| trace.open(2, true));
            let (from, nodes, sum) = (trace.run.given, trace.run.nodes, trace.run.sum);
            let result = visitor.visit_some(Tracer { trace });
            let result = trace.after_node(from, nodes, result);
            if let Some(request) = request {
                trace.close(request, (nodes, sum));
            }
            result
        };
        trace.run.depth -= 1;
        if result.is_err() {
            trace.refuse(from, false);
            trace.mark();
        }
        result
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        trace.step()?;
        trace.deepen()?;
        trace.tag(SEQUENCE);
        let from = trace.run.given;
        let (length, open) = trace.give_length();
        let (nodes, sum) = (trace.run.nodes, trace.run.sum);
        let mut elements = Elements { trace, left: length, asked: 0, kind: Kind::Sequence };
        let result = visitor.visit_seq(&mut elements);
        trace.run.depth -= 1;
        if result.is_err() {
            trace.refuse(from, false);
        }
        if length > 0 && trace.run.nodes == nodes && (!trace.has_ended() || trace.is_closing()) {
            // It never looked at an element.
            trace.leaf(OPAQUE);
        }
        if trace.has_ended() {
            trace.mark();
        }
        if let Some(request) = open {
            trace.close(request, (nodes, sum));
        }
        result
    }

    fn deserialize_tuple<V: Visitor<'static>>(self, length: usize, visitor: V) -> Result<V::Value, Stopped> {
        self.trace.visit_tuple(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        self.trace.visit_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        trace.step()?;
        trace.deepen()?;
        trace.tag(MAP);
        let from = trace.run.given;
        let (length, open) = trace.give_length();
        let (nodes, sum) = (trace.run.nodes, trace.run.sum);
        let mut entries = Entries { trace, left: length, asked: 0, values: 0 };
        let result = visitor.visit_map(&mut entries);
        let Entries { asked, values, .. } = entries;
        trace.run.depth -= 1;
        if result.is_err() {
            trace.refuse(from, false);
        }
        if length > 0 && (!trace.has_ended() || trace.is_closing()) {
            // It did not look at a key or at a value.
            for _ in asked.min(1) + values.min(1)..2 {
                trace.leaf(OPAQUE);
            }
        }
        if trace.has_ended() {
            trace.mark();
        }
        if let Some(request) = open {
            trace.close(request, (nodes, sum));
        }
        result
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        if names.is_empty() {
            return trace.visit_tuple(0, visitor);
        }
        let visit = address_of_visit_seq::<V, &mut Elements<'_, 'a>>();
        let (index, role) = trace.enter(Identity { visit, names, name }, false)?;
        if role == Role::Target {
            trace.begin(name, false);
            if let Part::Identify(identifier) = trace.part {
                let key = IdentifierAsKey { trace, identifier };
                let _ = visitor.visit_map(key);
                trace.finish(Outcome::Hopeless);
                return Err(Stopped);
            }
        }
        let result = trace.visit_fixed(Kind::Fields, names.len(), visitor);
        if role == Role::Target {
            if !trace.has_ended() || trace.is_closing() {
                trace.tag(END);
            }
            trace.part_ends();
        }
        trace.leave(index, role);
        if trace.has_ended() { Err(Stopped) } else { result }
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        if names.is_empty() {
            return self.opaque();
        }
        let trace = self.trace;
        let visit = address_of_visit_enum::<V, Variant<'_, 'a>>();
        let (index, role) = trace.enter(Identity { visit, names, name }, true)?;
        let from = trace.run.given;
        let mut open = None;
        let identifier = match role {
            Role::Target => {
                trace.begin(name, true);
                match trace.part {
                    Part::Variant(variant) | Part::IdentifyField(variant, _) => Identifier::Index(variant.into()),
                    Part::Identify(identifier) => identifier,
                    Part::Body => Identifier::Index(0),
                }
            }
            Role::Way => Identifier::Index(trace.definitions.via(&trace.path, trace.run.hop).into()),
            Role::Aside => {
                let usual = usize::from(trace.definitions.usual_variant(index));
                let choice = trace.give(names.len().min(32), names.len().min(32), false);
                open = Some(trace.open(names.len().min(32), false));
                Identifier::Index(((usual + choice) % names.len()) as u32)
            }
        };
        let (nodes, sum) = (trace.run.nodes, trace.run.sum);
        let result = visitor.visit_enum(Variant { trace, identifier, role });
        if result.is_err() {
            trace.refuse(from, false);
        }
        if let (false, Role::Aside, Identifier::Index(variant)) = (trace.has_ended(), role, identifier) {
            trace.definitions.worked(index, variant as u16);
        }
        if role == Role::Target {
            // One that does not ask for what the variant carries takes no bytes.
            trace.end_variant(nodes);
        }
        if let Some(request) = open {
            trace.close(request, (nodes, sum));
        }
        trace.leave(index, role);
        if trace.has_ended() { Err(Stopped) } else { result }
    }
}

impl Trace<'_> {
    /// A seed was given the samples from `from` on, and its form began after `nodes`.
    pub(super) fn after_node<T>(&mut self, from: u16, nodes: u32, result: Result<T, Stopped>) -> Result<T, Stopped> {
        if result.is_err() {
            self.refuse(from, false);
        }
        if self.has_ended() {
            self.end_failed_node(nodes);
            return Err(Stopped);
        }
        self.end_node(nodes);
        result
    }

    /// The part's definition is reached.
    fn begin(&mut self, name: &str, is_enum: bool) {
        use super::super::format::{ENUM_DEFINITION, SLOT, STRUCT_DEFINITION};
        if !self.begun {
            self.begun = true;
            self.output.put_definition(if is_enum { ENUM_DEFINITION } else { STRUCT_DEFINITION }, name, 2 * SLOT);
        }
    }
}
