//! Which name a type is given for a field or variant that has several.

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Visitor};

use super::super::error::Carried;
use crate::layout::{Fields, Names, Variants};

/// Whether the fields are those of `list`, in its order, and have no other names.
#[inline]
pub(super) fn are_same_fields(mut fields: Fields<'_>, list: &[&str]) -> bool {
    list.iter().all(|name| fields.next().is_some_and(|(names, _)| names.is_only(name))) && fields.next().is_none()
}

/// Whether the variants are those of `list`, in its order, and have no other names.
fn are_same_variants(mut variants: Variants<'_>, list: &[&str]) -> bool {
    list.iter().all(|name| variants.next().is_some_and(|variant| variant.names().is_only(name)))
        && variants.next().is_none()
}

/// The name that `list` has, and none if it has several that are apart.
#[inline]
pub(super) fn choose<'d>(mut names: Names<'d>, list: &[&str], apart: impl Fn(&str, &str) -> bool) -> Option<&'d str> {
    if names.is_one() { names.next() } else { choose_of_several(names, list, apart) }
}

#[cold]
fn choose_of_several<'d>(mut names: Names<'d>, list: &[&str], apart: impl Fn(&str, &str) -> bool) -> Option<&'d str> {
    let mut known = names.into_iter().filter(|name| list.contains(name));
    let Some(first) = known.next() else { return names.next() };
    if known.any(|other| apart(first, other)) { None } else { Some(first) }
}

/// The name of a variant. A seed that asks for a number gets the index, where it means the same on both sides.
pub(super) struct VariantName<'d, E> {
    pub(super) name: &'d str,
    pub(super) index: u32,
    pub(super) variants: Variants<'d>,
    pub(super) list: &'static [&'static str],
    pub(super) error: core::marker::PhantomData<fn() -> E>,
}

impl<'d, E: Carried> VariantName<'d, E> {
    fn text(self) -> StrDeserializer<'d, E> {
        StrDeserializer::new(self.name)
    }
}

macro_rules! by_index {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            if are_same_variants(self.variants, self.list) {
                return visitor.visit_u32(self.index);
            }
            self.text().$method(visitor)
        }
    )*};
}

macro_rules! by_name {
    ($($method:ident($($type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $type,)* visitor: V) -> Result<V::Value, E> {
            self.text().deserialize_any(visitor)
        }
    )*};
}

impl<'de, E: Carried> Deserializer<'de> for VariantName<'_, E> {
    type Error = E;

    by_index! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    by_name! {
        deserialize_any() deserialize_bool() deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_unit()
        deserialize_unit_struct(&'static str) deserialize_seq() deserialize_tuple(usize)
        deserialize_tuple_struct(&'static str, usize) deserialize_map()
        deserialize_struct(&'static str, &'static [&'static str])
        deserialize_enum(&'static str, &'static [&'static str]) deserialize_identifier() deserialize_ignored_any()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
