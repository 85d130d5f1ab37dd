//! What a value is, where nothing of it is written: whether it is `None`, and which text a key is.

use core::fmt;

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use super::super::error::Halt;

/// Whether the value is `None`; with `or_unit`, also whether it is a unit, as a null of a value without a type is.
pub(super) fn is_none<T: Serialize + ?Sized>(value: &T, or_unit: bool) -> bool {
    value.serialize(IsNone { or_unit }).is_ok()
}

macro_rules! refused {
    ($($method:ident($($type:ty),*))*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::Ok, Halt> {
            Err(Halt)
        }
    )*};
}

macro_rules! refused_compounds {
    ($($method:ident($($type:ty),*) $associated:ident)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Self::$associated, Halt> {
            Err(Halt)
        }
    )*};
}

/// What neither takes.
macro_rules! refuse_most {
    () => {
        type Error = Halt;
        type SerializeSeq = Impossible<Self::Ok, Halt>;
        type SerializeTuple = Impossible<Self::Ok, Halt>;
        type SerializeTupleStruct = Impossible<Self::Ok, Halt>;
        type SerializeTupleVariant = Impossible<Self::Ok, Halt>;
        type SerializeMap = Impossible<Self::Ok, Halt>;
        type SerializeStruct = Impossible<Self::Ok, Halt>;
        type SerializeStructVariant = Impossible<Self::Ok, Halt>;

        refused! {
            serialize_bool(bool)
            serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
            serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
            serialize_f32(f32) serialize_f64(f64) serialize_bytes(&[u8]) serialize_unit_struct(&'static str)
        }

        refused_compounds! {
            serialize_seq(Option<usize>) SerializeSeq
            serialize_tuple(usize) SerializeTuple
            serialize_tuple_struct(&'static str, usize) SerializeTupleStruct
            serialize_tuple_variant(&'static str, u32, &'static str, usize) SerializeTupleVariant
            serialize_map(Option<usize>) SerializeMap
            serialize_struct(&'static str, usize) SerializeStruct
            serialize_struct_variant(&'static str, u32, &'static str, usize) SerializeStructVariant
        }

        fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Self::Ok, Halt> {
            Err(Halt)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Self::Ok, Halt> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Halt> {
            Err(Halt)
        }

        fn is_human_readable(&self) -> bool {
            false
        }
    };
}

struct IsNone {
    or_unit: bool,
}

impl Serializer for IsNone {
    type Ok = ();

    refuse_most!();

    refused! {
        serialize_char(char) serialize_str(&str) serialize_unit_variant(&'static str, u32, &'static str)
    }

    fn serialize_none(self) -> Result<(), Halt> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Halt> {
        if self.or_unit { Ok(()) } else { Err(Halt) }
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Halt> {
        Err(Halt)
    }
}

/// Hands the text of a key to the function.
pub(super) struct Key<F>(pub(super) F);

impl<R, F: FnOnce(&str) -> R> Serializer for Key<F> {
    type Ok = R;

    refuse_most!();

    refused! {
        serialize_none() serialize_unit()
    }

    fn serialize_str(self, name: &str) -> Result<R, Halt> {
        Ok((self.0)(name))
    }

    fn serialize_char(self, name: char) -> Result<R, Halt> {
        Ok((self.0)(name.encode_utf8(&mut [0; 4])))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<R, Halt> {
        Ok((self.0)(name))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, name: &T) -> Result<R, Halt> {
        let mut text = heapless::String::<64>::new();
        match fmt::write(&mut text, format_args!("{name}")) {
            Ok(()) => Ok((self.0)(&text)),
            Err(_) => Err(Halt),
        }
    }
}
