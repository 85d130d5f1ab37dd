//! Bytes to serde's data model, in any [`Layout`]. Mirrors `ser.rs`.

use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::layout::{Input, Layout};
use super::{DecodeError, MAX_DEPTH, MAX_ZERO_SIZED};

type Result<T> = core::result::Result<T, DecodeError>;

pub(super) fn decode<'de, L: Layout, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize)> {
    let mut deserializer =
        Deserializer { input: Input::new(from, capacity), depth: 0, zero_sized: 0, layout: PhantomData::<fn() -> L> };
    let result = T::deserialize(&mut deserializer);
    // This decides, whatever the type made of it.
    if deserializer.input.ran_out() {
        return Err(DecodeError::Incomplete);
    }
    Ok((result?, deserializer.input.used()))
}

struct Deserializer<'de, L> {
    input: Input<'de>,
    depth: usize,
    zero_sized: usize,
    layout: PhantomData<fn() -> L>,
}

impl<'de, L: Layout> Deserializer<'de, L> {
    /// Takes a declared length that the rest of the capacity and `more` can hold.
    #[inline]
    fn take_length(&mut self, more: usize) -> Result<usize> {
        let declared = L::take_integer::<u64>(&mut self.input)?;
        match usize::try_from(declared) {
            Ok(length) if length <= self.input.room().saturating_add(more) => Ok(length),
            // No object is larger than `isize::MAX` bytes.
            Ok(length) if length <= isize::MAX as usize => Err(DecodeError::BeyondCapacity(length)),
            _ => Err(DecodeError::ImpossibleLength(declared)),
        }
    }

    /// Runs `inner` one level deeper.
    #[inline]
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn take_counted<T>(&mut self, inner: impl FnOnce(Elements<'_, 'de, L>) -> Result<T>) -> Result<T> {
        // Each element takes a byte or counts against the budget of those that take none.
        let declared = self.take_length(MAX_ZERO_SIZED.saturating_sub(self.zero_sized))?;
        self.nested(|deserializer| inner(Elements { deserializer, declared, remaining: declared }))
    }

    /// The elements of a type that knows their number.
    #[inline]
    fn fields<V: Visitor<'de>>(&mut self, number: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Fields { deserializer: self, remaining: number })
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(L::take_integer(&mut self.input)?)
        }
    )*};
}

impl<'de, L: Layout> de::Deserializer<'de> for &mut Deserializer<'de, L> {
    type Error = DecodeError;

    integers! {
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
    }

    #[inline]
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i8(i8::from_le_bytes(self.input.take()?))
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.input.take_byte()?)
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f32(f32::from_le_bytes(self.input.take()?))
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(f64::from_le_bytes(self.input.take()?))
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.take_byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            byte => Err(DecodeError::InvalidBool(byte)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_char(L::take_char(&mut self.input)?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let length = self.take_length(0)?;
        visitor.visit_borrowed_str(self.input.take_text(length)?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let length = self.take_length(0)?;
        visitor.visit_borrowed_bytes(self.input.take_bytes(length)?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.input.take_byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|deserializer| visitor.visit_some(deserializer)),
            byte => Err(DecodeError::InvalidOptionTag(byte)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.take_counted(|elements| visitor.visit_seq(elements))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.take_counted(|elements| visitor.visit_map(elements))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        self.fields(length, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.fields(length, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.fields(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(DecodeError::NotSelfDescribing)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(DecodeError::NotSelfDescribing)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(DecodeError::NotSelfDescribing)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence or the entries of a map, whose number is on the wire.
struct Elements<'d, 'de, L> {
    deserializer: &'d mut Deserializer<'de, L>,
    declared: usize,
    remaining: usize,
}

impl<'de, L: Layout> Elements<'_, 'de, L> {
    /// Decodes the next element, or the next entry's key.
    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        self.remaining -= 1;
        let start = self.deserializer.input.used();
        let value = self.decode(seed)?;
        if self.deserializer.input.used() == start {
            self.deserializer.zero_sized += 1;
            if self.deserializer.zero_sized > MAX_ZERO_SIZED {
                self.remaining = 0;
                return Err(DecodeError::ImpossibleLength(self.declared as u64));
            }
        }
        Ok(Some(value))
    }

    /// After an error there are no more elements, so that a visitor which ignores errors ends all the same.
    #[inline]
    fn decode<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        let result = seed.deserialize(&mut *self.deserializer);
        if result.is_err() {
            self.remaining = 0;
        }
        result
    }

    /// What a visitor may reserve room for: no more than the bytes that have arrived can hold.
    #[inline]
    fn plausible(&self) -> Option<usize> {
        Some(self.remaining.min(self.deserializer.input.arrived()))
    }
}

impl<'de, L: Layout> de::SeqAccess<'de> for Elements<'_, 'de, L> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.plausible()
    }
}

impl<'de, L: Layout> de::MapAccess<'de> for Elements<'_, 'de, L> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        self.decode(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.plausible()
    }
}

/// The fields of a tuple, an array, a struct or a variant, whose number is the type's.
struct Fields<'d, 'de, L> {
    deserializer: &'d mut Deserializer<'de, L>,
    remaining: usize,
}

impl<'de, L: Layout> de::SeqAccess<'de> for Fields<'_, 'de, L> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        self.remaining -= 1;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining)
    }
}

impl<'de, L: Layout> de::EnumAccess<'de> for &mut Deserializer<'de, L> {
    type Error = DecodeError;
    type Variant = Self;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self)> {
        let index = L::take_integer::<u32>(&mut self.input)?;
        let index_deserializer: de::value::U32Deserializer<DecodeError> = index.into_deserializer();
        // The seed sees the index and nothing else, so its error is about the index.
        let variant = seed.deserialize(index_deserializer).map_err(|_| DecodeError::UnknownVariant(index))?;
        Ok((variant, self))
    }
}

impl<'de, L: Layout> de::VariantAccess<'de> for &mut Deserializer<'de, L> {
    type Error = DecodeError;

    #[inline]
    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        self.nested(|deserializer| seed.deserialize(deserializer))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value> {
        self.nested(|deserializer| deserializer.fields(length, visitor))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.nested(|deserializer| deserializer.fields(fields.len(), visitor))
    }
}
