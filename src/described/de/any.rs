//! Values for types that take whatever there is.

use serde::de::Visitor;

use super::super::error::{Carried, Reason};
use super::Deserializer;
use super::access::OneEntry;
use crate::codec::layout::Layout;
use crate::layout::Kind;

impl<'de, L: Layout, E: Carried> Deserializer<'_, 'de, '_, L, E> {
    /// Whatever it is. A variant is its name, or a map of its name and what it carries.
    pub(super) fn visit_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        match self.message.kind(self.form)? {
            Kind::Unit => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(self.message.take_bool()?),
            Kind::Signed(8) => visitor.visit_i8(self.message.take_byte()? as i8),
            Kind::Signed(16) => visitor.visit_i16(self.message.take(L::take_integer)?),
            Kind::Signed(32) => visitor.visit_i32(self.message.take(L::take_integer)?),
            Kind::Signed(64) => visitor.visit_i64(self.message.take(L::take_integer)?),
            Kind::Unsigned(8) => visitor.visit_u8(self.message.take_byte()?),
            Kind::Unsigned(16) => visitor.visit_u16(self.message.take(L::take_integer)?),
            Kind::Unsigned(32) => visitor.visit_u32(self.message.take(L::take_integer)?),
            Kind::Unsigned(64) => visitor.visit_u64(self.message.take(L::take_integer)?),
            Kind::Signed(_) | Kind::Unsigned(_) => {
                let number = self.take_number()?;
                visit_number(number, visitor)
            }
            Kind::Float(32) => visitor.visit_f32(self.take_float()? as f32),
            Kind::Float(_) => visitor.visit_f64(self.take_float()?),
            Kind::Char => visitor.visit_char(self.message.take(L::take_char)?),
            Kind::String => visitor.visit_borrowed_str(self.message.take_text::<L>()?),
            Kind::Option(inner) => {
                if !self.message.take_is_some()? {
                    return visitor.visit_none();
                }
                self.deeper()?;
                self.form = inner;
                visitor.visit_some(self)
            }
            Kind::Sequence(_) | Kind::Tuple(_) => self.visit_elements(None, visitor),
            Kind::Map(key, value) => self.visit_entries((key, value), true, visitor),
            kind @ Kind::Struct(_) => self.visit_fields(kind, "", &[], visitor),
            Kind::Enum(variants) => {
                let variant = self.take_variant(variants)?;
                let name = variant.names().next().unwrap_or_default();
                self.form = variant.form();
                if let Kind::Unit = self.message.kind(self.form)? {
                    return visitor.visit_str(name);
                }
                self.deeper()?;
                let form = self.form;
                let mut entry = OneEntry { deserializer: self, name: Some(name), owes_value: true };
                let value = visitor.visit_map(&mut entry)?;
                if entry.owes_value {
                    return Err(entry.deserializer.message.refuse(Reason::Unread, form).into());
                }
                Ok(value)
            }
            Kind::Opaque => self.refuse(Reason::Opaque),
        }
    }

    /// A key that is no text, as text.
    pub(super) fn visit_free_key<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        let mut text = heapless::String::<40>::new();
        let written = match self.open()? {
            Kind::String => return visitor.visit_borrowed_str(self.message.take_text::<L>()?),
            Kind::Bool => core::fmt::write(&mut text, format_args!("{}", self.message.take_bool()?)),
            Kind::Char => core::fmt::write(&mut text, format_args!("{}", self.message.take(L::take_char)?)),
            Kind::Signed(_) | Kind::Unsigned(_) => match self.take_number()? {
                Ok(number) => core::fmt::write(&mut text, format_args!("{number}")),
                Err(number) => core::fmt::write(&mut text, format_args!("{number}")),
            },
            Kind::Enum(variants) => {
                let variant = self.take_variant(variants)?;
                if let Kind::Unit = variant.content() {
                    return visitor.visit_str(variant.names().next().unwrap_or_default());
                }
                return self.refuse(Reason::Kind);
            }
            _ => return self.refuse(Reason::Kind),
        };
        match written {
            Ok(()) => visitor.visit_str(&text),
            Err(_) => self.refuse(Reason::Kind),
        }
    }
}

/// Hands over a number in the smallest of the usual types that holds it.
pub(super) fn visit_number<'de, V: Visitor<'de>, E: Carried>(
    number: Result<i128, u128>,
    visitor: V,
) -> Result<V::Value, E> {
    match number {
        Ok(number) => match (u64::try_from(number), i64::try_from(number), u128::try_from(number)) {
            (Ok(number), ..) => visitor.visit_u64(number),
            (_, Ok(number), _) => visitor.visit_i64(number),
            (.., Ok(number)) => visitor.visit_u128(number),
            _ => visitor.visit_i128(number),
        },
        Err(number) => visitor.visit_u128(number),
    }
}
