//! Bytes in another program's form to serde's data model. Mirrors `ser.rs`.

mod access;
mod any;
mod explain;
mod names;

use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Visitor};

use super::Apart;
use super::error::{Carried, Cut, DecodeError, Halt, Name, Reason};
use super::skip::Message;
use crate::codec;
use crate::codec::layout::Layout;
use crate::layout::{Kind, Node, Variants};
use access::{Elements, Entries, Fields, Place, Variant};
use any::visit_number;
pub(super) use explain::custom;
use explain::explain;
use names::{are_same_fields, choose};

pub(super) fn decode<'de, L: Layout, T: Deserialize<'de>>(
    bytes: &'de [u8],
    form: Node<'_>,
    apart: Option<Apart>,
) -> Result<T, DecodeError> {
    match attempt::<L, T, Halt>(bytes, form, apart) {
        Ok(value) => Ok(value),
        Err((Some(error), _)) => Err(error),
        Err((None, _)) => Err(explain::<L, T>(bytes, form, apart)),
    }
}

/// The error that decides, if there is one, and that of the type.
pub(super) type Failure<E> = (Option<DecodeError>, Option<E>);

#[inline]
pub(super) fn attempt<'de, L: Layout, T: Deserialize<'de>, E: Carried>(
    bytes: &'de [u8],
    form: Node<'_>,
    apart: Option<Apart>,
) -> Result<T, Failure<E>> {
    let mut message = Message::new(bytes, apart);
    let result = access::read::<L, _, E>(&mut message, form, 0, PhantomData);
    match result {
        _ if message.failed.is_some() => Err((message.failed, result.err())),
        Err(error) => Err((None, Some(error))),
        Ok(_) if message.is_broken => Err((None, None)),
        Ok(_) if message.input.arrived() > 0 => Err((Some(DecodeError::TrailingBytes(message.input.arrived())), None)),
        Ok(value) => Ok(value),
    }
}

/// One level, and the form of what is read there.
struct Deserializer<'m, 'de, 'd, L, E> {
    message: &'m mut Message<'de>,
    form: Node<'d>,
    depth: usize,
    /// Whether it is a key of a map that is read as whatever it is: such keys are texts.
    is_free_key: bool,
    layout: PhantomData<fn() -> (L, E)>,
}

impl<'m, 'de, 'd, L: Layout, E: Carried> Deserializer<'m, 'de, 'd, L, E> {
    #[inline]
    fn new(message: &'m mut Message<'de>, form: Node<'d>, depth: usize) -> Self {
        Self { message, form, depth, is_free_key: false, layout: PhantomData }
    }

    #[cold]
    fn refuse<T>(&mut self, reason: Reason) -> Result<T, E> {
        let form = self.form;
        Err(self.message.refuse(reason, form).into())
    }

    #[inline]
    fn deeper(&mut self) -> Result<(), Halt> {
        self.depth = self.message.deeper::<L>(self.depth)?;
        Ok(())
    }

    /// What is there for a type that is no option: within options, their `Some`.
    #[inline]
    fn open(&mut self) -> Result<Kind<'d>, E> {
        match self.form.leaf() {
            Some(kind) => {
                self.message.step()?;
                Ok(kind)
            }
            None => Ok(self.open_compound()?),
        }
    }

    fn open_compound(&mut self) -> Result<Kind<'d>, Halt> {
        loop {
            match self.message.kind(self.form)? {
                Kind::Option(inner) => {
                    if !self.message.take_is_some()? {
                        return Err(self.message.refuse(Reason::Absent, self.form));
                    }
                    self.deeper()?;
                    self.form = inner;
                }
                Kind::Opaque => return Err(self.message.refuse(Reason::Opaque, self.form)),
                kind => return Ok(kind),
            }
        }
    }

    /// Takes an integer that an `i128` holds, or one that only a `u128` does.
    #[inline]
    fn take_number(&mut self) -> Result<Result<i128, u128>, E> {
        let kind = self.open()?;
        let message = &mut *self.message;
        Ok(Ok(match kind {
            Kind::Signed(8) => i128::from(message.take_byte()? as i8),
            Kind::Signed(16) => i128::from(message.take(L::take_integer::<i16>)?),
            Kind::Signed(32) => i128::from(message.take(L::take_integer::<i32>)?),
            Kind::Signed(64) => i128::from(message.take(L::take_integer::<i64>)?),
            Kind::Signed(_) => message.take(L::take_integer::<i128>)?,
            Kind::Unsigned(8) => i128::from(message.take_byte()?),
            Kind::Unsigned(16) => i128::from(message.take(L::take_integer::<u16>)?),
            Kind::Unsigned(32) => i128::from(message.take(L::take_integer::<u32>)?),
            Kind::Unsigned(64) => i128::from(message.take(L::take_integer::<u64>)?),
            Kind::Unsigned(_) => {
                let number = message.take(L::take_integer::<u128>)?;
                match i128::try_from(number) {
                    Ok(number) => number,
                    Err(_) => return Ok(Err(number)),
                }
            }
            _ => return self.refuse(Reason::Kind),
        }))
    }

    fn take_float(&mut self) -> Result<f64, E> {
        Ok(match self.open()? {
            Kind::Float(32) => f64::from(f32::from_le_bytes(self.message.take(|input| input.take())?)),
            Kind::Float(_) => f64::from_le_bytes(self.message.take(|input| input.take())?),
            _ => return self.refuse(Reason::Kind),
        })
    }

    /// The elements of a list, an array or a tuple.
    fn visit_elements<V: Visitor<'de>>(mut self, length: Option<usize>, visitor: V) -> Result<V::Value, E> {
        let (place, count) = match self.open()? {
            Kind::Sequence(element) => (Place::List(element), self.message.take_count::<L>()?),
            Kind::Tuple(elements) => (Place::Tuple(elements), elements.length()),
            Kind::Unit if length == Some(0) => (Place::Nothing, 0),
            _ => return self.refuse(Reason::Kind),
        };
        if length.is_some_and(|length| length != count) {
            return self.refuse(Reason::Count);
        }
        self.visit_place(place, count, visitor)
    }

    #[inline]
    fn visit_place<V: Visitor<'de>>(mut self, place: Place<'d>, count: usize, visitor: V) -> Result<V::Value, E> {
        self.deeper()?;
        let form = self.form;
        let mut elements = Elements { deserializer: self, place, remaining: count };
        let value = visitor.visit_seq(&mut elements)?;
        if elements.remaining > 0 {
            return Err(elements.deserializer.message.refuse(Reason::Unread, form).into());
        }
        Ok(value)
    }

    /// The fields of a struct or of a struct variant, which is called so.
    fn visit_fields<V: Visitor<'de>>(
        mut self,
        kind: Kind<'d>,
        of: &'static str,
        list: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let fields = match kind {
            Kind::Struct(fields) if are_same_fields(fields, list) => {
                return self.visit_place(Place::Fields { fields, of, list }, list.len(), visitor);
            }
            Kind::Struct(fields) => Some(fields),
            Kind::Unit => None,
            _ => return self.refuse(Reason::Kind),
        };
        self.deeper()?;
        let form = self.form;
        let mut access = Fields { deserializer: self, fields, value: None, of, list };
        let value = visitor.visit_map(&mut access)?;
        if !access.is_at_end() {
            return Err(access.deserializer.message.refuse(Reason::Unread, form).into());
        }
        Ok(value)
    }

    fn visit_entries<V: Visitor<'de>>(
        mut self,
        (key, value): (Node<'d>, Node<'d>),
        is_free: bool,
        visitor: V,
    ) -> Result<V::Value, E> {
        let remaining = self.message.take_count::<L>()?;
        self.deeper()?;
        let form = self.form;
        let mut entries = Entries { deserializer: self, key, value, remaining, owes_value: false, is_free };
        let value = visitor.visit_map(&mut entries)?;
        if entries.remaining > 0 || entries.owes_value {
            return Err(entries.deserializer.message.refuse(Reason::Unread, form).into());
        }
        Ok(value)
    }

    fn take_variant(&mut self, variants: Variants<'d>) -> Result<crate::layout::Variant<'d>, E> {
        let index = self.message.take(L::take_integer::<u32>)?;
        match variants.at_index(index) {
            Some(variant) => Ok(variant),
            None => Err(self.message.malformed(codec::DecodeError::UnknownVariant(index)).into()),
        }
    }
}

/// A number that fits goes to the method that belongs to what was asked for, which a visitor by hand may have alone.
macro_rules! integers {
    ($($method:ident $visit:ident $type:ty)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
            let number = self.take_number()?;
            match number {
                Ok(value) => match <$type>::try_from(value) {
                    Ok(value) => visitor.$visit(value),
                    Err(_) => visit_number(number, visitor),
                },
                Err(_) => visit_number(number, visitor),
            }
        }
    )*};
}

impl<'de, L: Layout, E: Carried> de::Deserializer<'de> for Deserializer<'_, 'de, '_, L, E> {
    type Error = E;

    integers! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_i128 visit_i128 i128
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_u128 visit_u128 u128
    }

    /// serde's visitors would take an integer, and any `f64`.
    fn deserialize_f32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match super::exactly(self.take_float()?) {
            Some(value) => visitor.visit_f32(value),
            None => self.refuse(Reason::Inexact),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_f64(self.take_float()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match self.open()? {
            Kind::Bool => visitor.visit_bool(self.message.take_bool()?),
            _ => self.refuse(Reason::Kind),
        }
    }

    /// serde's visitor would take a text.
    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match self.open()? {
            Kind::Char => visitor.visit_char(self.message.take(L::take_char)?),
            _ => self.refuse(Reason::Kind),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        if self.is_free_key {
            return self.visit_free_key(visitor);
        }
        match self.open()? {
            Kind::String => visitor.visit_borrowed_str(self.message.take_text::<L>()?),
            _ => self.refuse(Reason::Kind),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match self.open()? {
            Kind::Sequence(element) if matches!(element.kind(), Kind::Unsigned(8)) => {
                let length = self.message.take_length::<L>()?;
                visitor.visit_borrowed_bytes(self.message.take_bytes(length)?)
            }
            Kind::Tuple(elements)
                if elements.into_iter().all(|element| matches!(element.kind(), Kind::Unsigned(8))) =>
            {
                visitor.visit_borrowed_bytes(self.message.take_bytes(elements.length())?)
            }
            _ => self.refuse(Reason::Kind),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        if let Kind::Option(inner) = self.message.kind(self.form)? {
            if !self.message.take_is_some()? {
                return visitor.visit_none();
            }
            self.deeper()?;
            self.form = inner;
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match self.open()? {
            Kind::Unit => visitor.visit_unit(),
            Kind::Struct(_) => {
                self.message.skip::<L>(self.form, self.depth)?;
                visitor.visit_unit()
            }
            _ => self.refuse(Reason::Kind),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, E> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.visit_elements(None, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, E> {
        self.visit_elements(Some(length), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        self.visit_elements(Some(length), visitor)
    }

    /// The fields of a struct too: a type with `#[serde(flatten)]` asks for a map.
    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match self.open()? {
            Kind::Map(key, value) => self.visit_entries((key, value), false, visitor),
            kind => self.visit_fields(kind, "", &[], visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        list: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let kind = self.open()?;
        self.visit_fields(kind, name, list, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        of: &'static str,
        list: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let Kind::Enum(variants) = self.open()? else { return self.refuse(Reason::Kind) };
        let form = self.form;
        let variant = self.take_variant(variants)?;
        let Some(name) = choose(variant.names(), list, |one, other| self.is_apart(true, of, one, other)) else {
            let _ = self.refuse::<()>(Reason::Ambiguous);
            self.message.note(of, || Name::Text(Cut::new(variant.names().next().unwrap_or_default())));
            return Err(Halt.into());
        };
        let Self { message, depth, .. } = self;
        message.open_variants += 1;
        let open = message.open_variants;
        let access = Variant::<L, E> {
            deserializer: Deserializer::new(&mut *message, variant.form(), depth),
            of,
            name,
            index: variant.index(),
            variants,
            list,
        };
        let value = visitor.visit_enum(access)?;
        if message.open_variants >= open {
            return Err(message.refuse(Reason::Unread, form).into());
        }
        Ok(value)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.visit_any(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.visit_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.message.skip::<L>(self.form, self.depth)?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
