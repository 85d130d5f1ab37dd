//! Bytes to serde's data model, in any [`Layout`]. Mirrors `ser.rs`.

mod elements;

use core::cell::Cell;
use core::hint::black_box;
use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::carried::{Brief, Carried, NotAnIndex};
use super::layout::{Input, Layout, Stop};
use super::{DecodeError, MAX_ZERO_SIZED, PrefixError};
use elements::{Elements, Fields};

#[inline]
pub(super) fn decode<'de, L: Layout, T: Deserialize<'de>>(
    from: &'de [u8],
    capacity: usize,
) -> Result<(T, usize), DecodeError> {
    attempt::<L, T, Brief>(from, capacity).map_err(|failure| match failure {
        Failure::Stopped(reason) => reason.into(),
        // The large reason shares its place with the value that there is without it. Made elsewhere and copied there, it
        // leaves the value in registers: a decoded command that is stored in parts and at once loaded whole costs more
        // than decoding it.
        Failure::Malformed(_) => black_box(explain::<L, T>(from, capacity)),
    })
}

/// Decodes the first bytes of a message. Why it is malformed is not said.
#[inline]
pub(super) fn decode_prefix<'de, L: Layout, T: Deserialize<'de>>(
    from: &'de [u8],
    capacity: usize,
) -> Result<(T, usize), PrefixError> {
    attempt::<L, T, Brief>(from, capacity).map_err(|failure| match failure {
        // Once the capacity is filled there is nothing to wait for.
        Failure::Stopped(Stop::RanOut(missing)) => {
            PrefixError::Incomplete { missing: missing.min(capacity.saturating_sub(from.len())).max(1) }
        }
        Failure::Stopped(Stop::BeyondCapacity(_)) => PrefixError::BeyondCapacity,
        Failure::Stopped(Stop::NotSelfDescribing) => PrefixError::NotSelfDescribing,
        Failure::Stopped(_) | Failure::Malformed(_) => PrefixError::Malformed,
    })
}

/// Decodes what has failed to decode once more, for the reason.
#[cold]
#[inline(never)]
pub(super) fn explain<'de, L: Layout, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> DecodeError {
    match attempt::<L, T, DecodeError>(from, capacity) {
        Err(Failure::Malformed(error)) => error,
        Err(Failure::Stopped(reason)) => reason.into(),
        // The type has changed its mind.
        Ok(_) => DecodeError::Unexplained,
    }
}

/// Why a message was not decoded.
enum Failure<E> {
    /// Nothing more could be read. This decides, whatever the type made of it.
    Stopped(Stop),
    Malformed(E),
}

#[inline]
fn attempt<'de, L: Layout, T: Deserialize<'de>, E: Carried>(
    from: &'de [u8],
    capacity: usize,
) -> Result<(T, usize), Failure<E>> {
    let rare = Rare { missing_around: Cell::new(0), hinted_low: Cell::new(None) };
    let mut message = Message { input: Input::new(from, capacity), zero_sized: 0, declared: 0, rare: &rare };
    match T::deserialize(Deserializer::<L, E>::new(&mut message)) {
        Ok(value) => match message.input.stopped() {
            None => Ok((value, message.input.used())),
            Some(reason) => Err(Failure::Stopped(reason)),
        },
        Err(error) => match message.input.stopped() {
            // A type that has swallowed the lack of one read may do without the elements that remain, but not without it.
            Some(Stop::RanOut(missing)) if message.input.ended_in_need() && !message.input.ended_spoilt() => {
                Err(Failure::Stopped(Stop::RanOut(missing.saturating_add(rare.missing_around.get()))))
            }
            Some(reason) if !message.input.ended_spoilt() => Err(Failure::Stopped(reason)),
            None if rare.hinted_low.get() == Some(message.input.arrived()) => Err(Failure::Stopped(Stop::RanOut(1))),
            _ => Err(Failure::Malformed(error)),
        },
    }
}

/// What all levels share.
struct Message<'a, 'de> {
    input: Input<'de>,
    zero_sized: usize,
    /// How many elements all sequences and maps so far have declared.
    ///
    /// Each takes a byte of its own or counts as zero-sized, so that a whole message declares no more than its length and the
    /// limit of those.
    declared: usize,
    rare: &'a Rare,
}

/// What is touched on the way to an error only. It lies apart, so that all the rest can be in registers.
struct Rare {
    /// How many elements, at a byte each, have not arrived of the sequences that the first read was within which lacked bytes.
    missing_around: Cell<usize>,
    /// How much was left when a visitor was last told of fewer elements than its sequence has declared. If it refuses the
    /// sequence and has read nothing since, it may take it when the rest is there.
    hinted_low: Cell<Option<usize>>,
}

impl Message<'_, '_> {
    /// How many elements there are after an error or an element without bytes: none if nothing more can be read.
    ///
    /// The element that the message ended in takes bytes, and so do those that `remain`, unless a seed decides.
    #[cold]
    #[inline(never)]
    fn remaining_after(&self, remaining: usize, are_alike: bool) -> usize {
        if self.input.stopped().is_none() {
            return remaining;
        }
        if are_alike {
            self.rare.missing_around.set(self.rare.missing_around.get().saturating_add(remaining));
        }
        0
    }
}

impl Rare {
    /// What a visitor is told of `remaining` elements that can't all have arrived: what has is shared among the sequences that
    /// are being read, the outermost first.
    #[cold]
    #[inline(never)]
    fn hint_low(&self, remaining: usize, length: usize, arrived: usize, declared_before: usize) -> usize {
        self.hinted_low.set(Some(arrived));
        let left = length.saturating_sub(declared_before).min(arrived);
        // Not 0, which would say that there are none.
        remaining.min(left.max(1))
    }
}

impl Message<'_, '_> {
    /// Ends the message because the type asks what comes next, whatever it makes of that: it would go on in the wrong place.
    #[cold]
    fn describe<T, E: Carried>(&mut self) -> Result<T, E> {
        self.input.read_on();
        let _ = self.input.refuse::<()>(Stop::NotSelfDescribing);
        Err(DecodeError::NotSelfDescribing.into())
    }
}

/// One level.
///
/// It is handed down by value and nothing is left to do when it comes back: whatever were kept for that, the large result
/// above all, would be kept once for each level.
struct Deserializer<'m, 'a, 'de, L, E> {
    message: &'m mut Message<'a, 'de>,
    depth: usize,
    layout: PhantomData<fn() -> (L, E)>,
}

impl<'m, 'a, 'de, L: Layout, E: Carried> Deserializer<'m, 'a, 'de, L, E> {
    fn new(message: &'m mut Message<'a, 'de>) -> Self {
        Self { message, depth: 0, layout: PhantomData }
    }

    /// The same level for one of several values.
    #[inline]
    fn reborrow(&mut self) -> Deserializer<'_, 'a, 'de, L, E> {
        Deserializer { message: self.message, depth: self.depth, layout: PhantomData }
    }

    /// Takes a declared length that the rest of the capacity and `more` can hold.
    #[inline]
    fn take_length(&mut self, more: usize) -> Result<usize, E> {
        let input = &mut self.message.input;
        let declared = L::take_integer::<u64>(input)?;
        match usize::try_from(declared) {
            // Mostly it has all arrived, and nothing else need be looked at.
            Ok(length) if length <= input.arrived() => Ok(length),
            _ => input.judge_length(declared, more).map_err(E::from),
        }
    }

    /// Runs `inner` one level deeper.
    #[inline]
    fn nested<T>(mut self, inner: impl FnOnce(Self) -> Result<T, E>) -> Result<T, E> {
        if self.depth == L::MAX_DEPTH {
            return self.message.input.refuse(Stop::TooDeep).map_err(E::from);
        }
        self.depth += 1;
        inner(self)
    }

    #[inline]
    fn take_counted<T>(mut self, inner: impl FnOnce(Elements<'m, 'a, 'de, L, E>) -> Result<T, E>) -> Result<T, E> {
        // Each element takes a byte or counts against the budget of those that take none.
        let declared = self.take_length(MAX_ZERO_SIZED.saturating_sub(self.message.zero_sized))?;
        self.message.declared = self.message.declared.saturating_add(declared);
        self.nested(|deserializer| inner(Elements { deserializer, declared, remaining: declared }))
    }

    /// The elements of a type that knows their number, one level deeper.
    #[inline]
    fn fields<V: Visitor<'de>>(self, number: usize, visitor: V) -> Result<V::Value, E> {
        self.nested(|deserializer| visitor.visit_seq(Fields { deserializer, remaining: number }))
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit(L::take_integer(&mut self.message.input)?)
        }
    )*};
}

impl<'de, L: Layout, E: Carried> de::Deserializer<'de> for Deserializer<'_, '_, 'de, L, E> {
    type Error = E;

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
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_i8(i8::from_le_bytes(self.message.input.take()?))
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_u8(self.message.input.take_byte()?)
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_f32(f32::from_le_bytes(self.message.input.take()?))
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_f64(f64::from_le_bytes(self.message.input.take()?))
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.message.input.take_byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            byte => Err(DecodeError::InvalidBool(byte).into()),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_char(L::take_char(&mut self.message.input)?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        let length = self.take_length(0)?;
        visitor.visit_borrowed_str(self.message.input.take_text(length)?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, E> {
        let length = self.take_length(0)?;
        visitor.visit_borrowed_bytes(self.message.input.take_bytes(length)?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.message.input.take_byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|deserializer| visitor.visit_some(deserializer)),
            byte => Err(DecodeError::InvalidOptionTag(byte).into()),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.take_counted(|elements| visitor.visit_seq(elements))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.take_counted(|elements| visitor.visit_map(elements))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, E> {
        self.fields(length, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        self.fields(length, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        self.fields(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, E> {
        self.message.describe()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, E> {
        self.message.describe()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, E> {
        self.message.describe()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'de, L: Layout, E: Carried> de::EnumAccess<'de> for Deserializer<'_, '_, 'de, L, E> {
    type Error = E;
    type Variant = Self;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), E> {
        let index = L::take_integer::<u32>(&mut self.message.input)?;
        let index_deserializer: de::value::U32Deserializer<NotAnIndex> = index.into_deserializer();
        let Ok(variant) = seed.deserialize(index_deserializer) else {
            return Err(DecodeError::UnknownVariant(index).into());
        };
        Ok((variant, self))
    }
}

impl<'de, L: Layout, E: Carried> de::VariantAccess<'de> for Deserializer<'_, '_, 'de, L, E> {
    type Error = E;

    #[inline]
    fn unit_variant(self) -> Result<(), E> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, E> {
        self.nested(|deserializer| seed.deserialize(deserializer))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, E> {
        self.fields(length, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, E> {
        self.fields(fields.len(), visitor)
    }
}
