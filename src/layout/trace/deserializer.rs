//! What a type may ask for, and what it is given.
//!
//! Each of these functions is there once for every type that is traced. So they do no more than call the visitor: what
//! comes before and after is in `requests`.

use serde::de::{Deserializer, Visitor};

use super::super::format::{BOOL, CHAR, F32, F64, I8, I16, I32, I64, I128, STRING, U8, U16, U32, U64, U128};
use super::access::{Elements, Entries, IdentifierAsKey, Kind, Variant};
use super::definitions::{Identity, address_of_visit_enum, address_of_visit_seq};
use super::samples::{CHARACTERS, TEXTS};
use super::{Outcome, Stopped, Trace};

/// Gives a type one value.
pub(super) struct Tracer<'t, 'a> {
    pub(super) trace: &'t mut Trace<'a>,
}

impl<'a> Tracer<'_, 'a> {
    fn leaf_ends<T>(self, result: Result<T, Stopped>) -> Result<T, Stopped> {
        self.trace.end_leaf(result.is_err());
        result
    }
}

impl Trace<'_> {
    pub(super) fn visit_tuple<V: Visitor<'static>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Stopped> {
        let from = self.begin_tuple(length)?;
        let mut elements = Elements { trace: self, left: length, asked: 0, kind: Kind::Tuple };
        let result = visitor.visit_seq(&mut elements);
        if elements.end_tuple(from, length, result.is_err()) { Err(Stopped) } else { result }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $tag:ident $number:ident)*) => {$(
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
            let number = self.trace.$number($tag)?;
            self.leaf_ends(visitor.$visit(number as _))
        }
    )*};
}

impl<'a> Deserializer<'static> for Tracer<'_, 'a> {
    type Error = Stopped;

    numbers! {
        deserialize_i8 visit_i8 I8 integer
        deserialize_i16 visit_i16 I16 integer
        deserialize_i32 visit_i32 I32 integer
        deserialize_i64 visit_i64 I64 integer
        deserialize_i128 visit_i128 I128 long_integer
        deserialize_u8 visit_u8 U8 integer
        deserialize_u16 visit_u16 U16 integer
        deserialize_u32 visit_u32 U32 integer
        deserialize_u64 visit_u64 U64 integer
        deserialize_u128 visit_u128 U128 long_integer
        deserialize_f32 visit_f32 F32 long_integer
        deserialize_f64 visit_f64 F64 long_integer
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stopped> {
        Err(self.trace.opaque())
    }

    fn deserialize_identifier<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stopped> {
        Err(self.trace.opaque())
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(self, _: V) -> Result<V::Value, Stopped> {
        Err(self.trace.opaque())
    }

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let choice = self.trace.leaf_choice(BOOL, 2)?;
        self.leaf_ends(visitor.visit_bool(choice == 1))
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let character = match self.trace.by_hand.take().and_then(|text| text.chars().next()) {
            Some(character) => self.trace.leaf_choice(CHAR, 1).map(|_| character)?,
            None => CHARACTERS.get(self.trace.leaf_choice(CHAR, CHARACTERS.len())?).copied().unwrap_or('a'),
        };
        self.leaf_ends(visitor.visit_char(character))
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let text = match self.trace.by_hand.take() {
            Some(text) => self.trace.leaf_choice(STRING, 1).map(|_| text)?,
            None => TEXTS.get(self.trace.leaf_choice(STRING, TEXTS.len())?).copied().unwrap_or_default(),
        };
        self.leaf_ends(visitor.visit_borrowed_str(text))
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_str(visitor)
    }

    /// On the wire a list of `u8`.
    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let bytes = self.trace.bytes()?;
        self.leaf_ends(visitor.visit_borrowed_bytes(bytes))
    }

    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let from = self.trace.begin_unit()?;
        let result = visitor.visit_unit();
        self.trace.end_unit(from, result.is_err());
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
        let (from, nodes) = trace.begin_newtype(name)?;
        let result = visitor.visit_newtype_struct(Tracer { trace });
        trace.run.depth -= 1;
        if trace.end_of_node(from, nodes, result.is_err()) { Err(Stopped) } else { result }
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        let opened = trace.begin_option()?;
        let result = if opened.length == 0 { visitor.visit_none() } else { visitor.visit_some(Tracer { trace }) };
        if trace.end_option(opened, result.is_err()) { Err(Stopped) } else { result }
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        let opened = trace.begin_sequence()?;
        let mut elements = Elements { trace, left: opened.length.into(), asked: 0, kind: Kind::Sequence };
        let result = visitor.visit_seq(&mut elements);
        if trace.end_sequence(opened, result.is_err()) { Err(Stopped) } else { result }
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
        let opened = trace.begin_map()?;
        let mut entries = Entries { trace, left: opened.length.into(), asked: 0, values: 0 };
        let result = visitor.visit_map(&mut entries);
        if entries.end(opened, result.is_err()) { Err(Stopped) } else { result }
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
        let entered = trace.begin_struct(Identity { visit, names, name })?;
        if trace.asks_for_name(entered.role) {
            let _ = visitor.visit_map(IdentifierAsKey { trace });
            trace.finish(Outcome::Hopeless);
            return Err(Stopped);
        }
        let mut elements = Elements { trace, left: names.len(), asked: 0, kind: Kind::Fields };
        let result = visitor.visit_seq(&mut elements);
        if elements.end_struct(&entered, result.is_err()) { Err(Stopped) } else { result }
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        let trace = self.trace;
        let visit = address_of_visit_enum::<V, Variant<'_, 'a>>();
        let entered = trace.begin_enum(Identity { visit, names, name })?;
        let result = visitor.visit_enum(Variant { trace, role: entered.role });
        if trace.end_enum(&entered, result.is_err()) { Err(Stopped) } else { result }
    }
}
