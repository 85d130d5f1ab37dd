//! A value's `Serialize` held against the form that its `Deserialize` has.

use core::cell::Cell;
use core::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::CheckError;
use super::format::{
    BOOL, CHAR, END, F32, F64, I8, I16, I32, I64, I128, MAP, OPAQUE, OPTION, REFERENCE, REFUSED, SEQUENCE, SLOT,
    STRING, STRUCT, TUPLE, U8, U16, U32, U64, U128, UNIT,
};
use super::walk::{MAX_NESTING, Source, Walk};

/// Where a value and its form are compared.
pub(super) struct Echo<'s, S: Source + ?Sized> {
    walk: Walk<'s, S>,
    /// The node that the value should be.
    at: usize,
    /// What it belongs to, for the report.
    of: &'static str,
    part: &'static str,
    report: &'s Cell<Option<CheckError>>,
}

// Derived, these would ask it of the source.
impl<S: Source + ?Sized> Clone for Echo<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Source + ?Sized> Copy for Echo<'_, S> {}

/// The two disagree, or the type refused. The report says which.
#[derive(Debug)]
pub(super) struct Disagrees;

impl<'s, S: Source + ?Sized> Echo<'s, S> {
    /// At the root of the description in `source`.
    pub(super) fn new(source: &'s S, report: &'s Cell<Option<CheckError>>) -> Self {
        Self { walk: Walk { source }, at: 1, of: "", part: "", report }
    }

    fn report(self, error: CheckError) -> Disagrees {
        if let Some(first) = self.report.take() {
            self.report.set(Some(first));
        } else {
            self.report.set(Some(error));
        }
        Disagrees
    }

    fn other_kind(self, written: &'static str) -> Disagrees {
        self.report(CheckError::Kind { of: self.of, part: self.part, written })
    }

    /// Whether nothing is known of what is here.
    fn is_opaque(self) -> bool {
        self.walk.is(self.at, OPAQUE)
            || self.walk.end_of_node(self.at, MAX_NESTING).is_some_and(|end| self.walk.is(end, REFUSED))
    }

    fn expect(self, tag: u8, written: &'static str) -> Result<(), Disagrees> {
        if self.walk.is(self.at, tag) || self.is_opaque() { Ok(()) } else { Err(self.other_kind(written)) }
    }

    fn to(self, at: usize) -> Self {
        Self { at, ..self }
    }

    fn within(self, of: &'static str, part: &'static str) -> Self {
        Self { of, part, ..self }
    }

    /// The definition that this refers to, if it is one of an enum or of a struct.
    fn definition(self, is_enum: bool) -> Option<usize> {
        if !self.walk.is(self.at, REFERENCE) {
            return None;
        }
        let (number, _) = self.walk.number(self.at + 1)?;
        let head = self.walk.head(self.walk.definition(number)?)?;
        (head.is_enum == is_enum).then_some(head.content)
    }

    /// What variant `index` carries, if it is called `name`.
    fn variant(self, of: &'static str, index: u32, name: &'static str) -> Result<Option<Self>, Disagrees> {
        if self.is_opaque() {
            return Ok(None);
        }
        let of_another = CheckError::Variant { of, name, index };
        let Some(content) = self.definition(true) else { return Err(self.other_kind("an enum")) };
        let found = || {
            let (mut names, count) = self.walk.names_of_variants(content)?;
            let mut at = content;
            for _ in 0..(index as usize).min(count) {
                names = self.walk.skip_names(names)?;
                at = self.walk.skip_variant(at)?;
            }
            let is_known = (index as usize) < count && self.is_name(names, name)?;
            is_known.then_some(at + 1 + SLOT)
        };
        found().map(|at| Some(self.to(at).within(of, name))).ok_or_else(|| self.report(of_another))
    }

    /// Whether one of the names at `at` is `name`.
    fn is_name(self, mut at: usize, name: &str) -> Option<bool> {
        loop {
            let one = self.walk.name(at)?;
            let mut bytes = name.bytes().enumerate();
            if one.length == name.len() && bytes.all(|(index, byte)| self.walk.is(one.at + index, byte)) {
                return Some(true);
            }
            if !one.more {
                return Some(false);
            }
            at = one.next;
        }
    }

    /// A tuple of `length` elements, or the fields of a struct from `first` on.
    fn tuple(self, length: usize) -> Result<Parts<'s, S>, Disagrees> {
        if length == 0 {
            self.expect(UNIT, "nothing")?;
            return Ok(Parts::nothing(self));
        }
        self.expect(TUPLE, "a tuple")?;
        Ok(Parts { next: self.to(self.at + 1), names: 0, seen: 0, repeated: 0, is_known: !self.is_opaque() })
    }

    fn fields(self, of: &'static str, first: usize) -> Result<Parts<'s, S>, Disagrees> {
        let Some((names, _)) = self.walk.names_of_fields(first) else { return Err(self.other_kind("a struct")) };
        Ok(Parts { next: self.to(first).within(of, ""), names, seen: 0, repeated: 0, is_known: true })
    }

    fn list(self, tag: u8, written: &'static str) -> Result<List<'s, S>, Disagrees> {
        self.expect(tag, written)?;
        Ok(List { element: self.to(self.at + 1), is_known: !self.is_opaque() })
    }
}

/// The elements of a list or map.
pub(super) struct List<'s, S: Source + ?Sized> {
    element: Echo<'s, S>,
    is_known: bool,
}

impl<S: Source + ?Sized> List<'_, S> {
    fn one<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Disagrees> {
        if self.is_known { value.serialize(self.element) } else { Ok(()) }
    }
}

impl<S: Source + ?Sized> SerializeSeq for List<'_, S> {
    type Ok = ();
    type Error = Disagrees;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Disagrees> {
        self.one(value)
    }

    fn end(self) -> Result<(), Disagrees> {
        Ok(())
    }
}

impl<S: Source + ?Sized> SerializeMap for List<'_, S> {
    type Ok = ();
    type Error = Disagrees;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Disagrees> {
        self.one(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Disagrees> {
        let after_key = self.element.walk.skip_node(self.element.at, MAX_NESTING);
        match after_key {
            Some(at) if self.is_known => value.serialize(self.element.to(at)),
            _ => Ok(()),
        }
    }

    fn end(self) -> Result<(), Disagrees> {
        Ok(())
    }
}

/// The elements of a tuple or the fields of a struct.
pub(super) struct Parts<'s, S: Source + ?Sized> {
    next: Echo<'s, S>,
    /// Where the next field's names are; 0 for elements.
    names: usize,
    seen: usize,
    /// How many of the elements that one node stands for were seen.
    repeated: usize,
    is_known: bool,
}

impl<'s, S: Source + ?Sized> Parts<'s, S> {
    fn nothing(next: Echo<'s, S>) -> Self {
        Self { next, names: 0, seen: 0, repeated: 0, is_known: false }
    }

    fn part<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Disagrees> {
        if !self.is_known {
            return Ok(());
        }
        let (echo, walk) = (self.next, self.next.walk);
        let index = self.seen;
        self.seen += 1;
        if walk.is(echo.at, END) {
            return Err(echo.report(CheckError::Field { of: echo.of, name, index }));
        }
        let whole = || {
            let (count, node) = walk.repeat(echo.at)?;
            Some((count, node, walk.skip_node(node, MAX_NESTING)?))
        };
        let Some((count, node, end)) = whole() else { return Err(echo.other_kind("a tuple")) };
        if self.names > 0 {
            if echo.is_name(self.names, name) != Some(true) {
                return Err(echo.report(CheckError::Field { of: echo.of, name, index }));
            }
            self.names = walk.skip_names(self.names).unwrap_or(self.names);
        }
        self.repeated += 1;
        if self.repeated == count {
            self.repeated = 0;
            self.next.at = end;
        }
        let part = if name.is_empty() { echo.part } else { name };
        value.serialize(echo.to(node).within(echo.of, part))
    }

    fn all(self) -> Result<(), Disagrees> {
        let echo = self.next;
        if !self.is_known || (echo.walk.is(echo.at, END) && self.repeated == 0) {
            return Ok(());
        }
        Err(echo.report(CheckError::Length { of: echo.of, written: self.seen }))
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident)*) => {$(
        impl<S: Source + ?Sized> $trait for Parts<'_, S> {
            type Ok = ();
            type Error = Disagrees;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Disagrees> {
                self.part("", value)
            }

            fn end(self) -> Result<(), Disagrees> {
                self.all()
            }
        }
    )*};
}

elements! {
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl<S: Source + ?Sized> $trait for Parts<'_, S> {
            type Ok = ();
            type Error = Disagrees;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Disagrees> {
                self.part(name, value)
            }

            fn end(self) -> Result<(), Disagrees> {
                self.all()
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

macro_rules! leaves {
    ($($method:ident $type:ty, $tag:ident)*) => {$(
        fn $method(self, _: $type) -> Result<(), Disagrees> {
            self.expect($tag, stringify!($type))
        }
    )*};
}

impl<'s, S: Source + ?Sized> Serializer for Echo<'s, S> {
    type Ok = ();
    type Error = Disagrees;
    type SerializeSeq = List<'s, S>;
    type SerializeTuple = Parts<'s, S>;
    type SerializeTupleStruct = Parts<'s, S>;
    type SerializeTupleVariant = Parts<'s, S>;
    type SerializeMap = List<'s, S>;
    type SerializeStruct = Parts<'s, S>;
    type SerializeStructVariant = Parts<'s, S>;

    leaves! {
        serialize_bool bool, BOOL
        serialize_i8 i8, I8
        serialize_i16 i16, I16
        serialize_i32 i32, I32
        serialize_i64 i64, I64
        serialize_i128 i128, I128
        serialize_u8 u8, U8
        serialize_u16 u16, U16
        serialize_u32 u32, U32
        serialize_u64 u64, U64
        serialize_u128 u128, U128
        serialize_f32 f32, F32
        serialize_f64 f64, F64
        serialize_char char, CHAR
        serialize_str &str, STRING
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Disagrees> {
        self.expect(STRING, "&str")
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Disagrees> {
        self.expect(SEQUENCE, "bytes")?;
        if self.is_opaque() { Ok(()) } else { self.to(self.at + 1).expect(U8, "bytes") }
    }

    fn serialize_none(self) -> Result<(), Disagrees> {
        self.expect(OPTION, "an option")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Disagrees> {
        self.expect(OPTION, "an option")?;
        if self.is_opaque() { Ok(()) } else { value.serialize(self.to(self.at + 1)) }
    }

    fn serialize_unit(self) -> Result<(), Disagrees> {
        self.expect(UNIT, "nothing")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Disagrees> {
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Disagrees> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, of: &'static str, index: u32, name: &'static str) -> Result<(), Disagrees> {
        self.variant(of, index, name)?.map_or(Ok(()), Self::serialize_unit)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Disagrees> {
        self.variant(of, index, name)?.map_or(Ok(()), |content| value.serialize(content))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'s, S>, Disagrees> {
        self.list(SEQUENCE, "a list")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<List<'s, S>, Disagrees> {
        self.list(MAP, "a map")
    }

    fn serialize_tuple(self, length: usize) -> Result<Parts<'s, S>, Disagrees> {
        self.tuple(length)
    }

    fn serialize_tuple_struct(self, of: &'static str, length: usize) -> Result<Parts<'s, S>, Disagrees> {
        self.within(of, "").tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        length: usize,
    ) -> Result<Parts<'s, S>, Disagrees> {
        self.variant(of, index, name)?.map_or_else(|| Ok(Parts::nothing(self)), |content| content.tuple(length))
    }

    fn serialize_struct(self, of: &'static str, length: usize) -> Result<Parts<'s, S>, Disagrees> {
        match self.definition(false) {
            _ if self.is_opaque() => Ok(Parts::nothing(self)),
            Some(first) => self.fields(of, first),
            None if length == 0 => self.within(of, "").tuple(0),
            None => Err(self.other_kind("a struct")),
        }
    }

    fn serialize_struct_variant(
        self,
        of: &'static str,
        index: u32,
        name: &'static str,
        length: usize,
    ) -> Result<Parts<'s, S>, Disagrees> {
        let Some(content) = self.variant(of, index, name)? else { return Ok(Parts::nothing(self)) };
        if content.walk.is(content.at, STRUCT) {
            return content.fields(name, content.at + 1);
        }
        if length == 0 || content.is_opaque() { content.tuple(0) } else { Err(content.other_kind("a struct")) }
    }
}

impl fmt::Display for Disagrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is written in another form than it is read")
    }
}

impl core::error::Error for Disagrees {}

impl ser::Error for Disagrees {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
