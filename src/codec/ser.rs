//! serde's data model to bytes, in any [`Layout`]. Mirrors `de.rs`.

use core::fmt;
use core::marker::PhantomData;

use serde::Serialize;
use serde::ser;

use super::carried::{Refusal, Unwritten};
use super::layout::{Integer, Layout, Output};
use super::{EncodeError, MAX_ZERO_SIZED};

#[inline]
pub(super) fn encode<L: Layout, T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
    let mut message = Message { output: Output::new(into), zero_sized: 0, failed: None };
    let result = value.serialize(Serializer::<L, Unwritten>::new(&mut message));
    match message.failed.or_else(|| result.err()) {
        None => Ok(message.output.written()),
        Some(Unwritten::Custom) => Err(explain::<L, T>(value)),
        Some(error) => Err(error.into()),
    }
}

/// Searches a value that has raised an error of its own for what the error says.
#[cold]
#[inline(never)]
pub(crate) fn explain<L: Layout, T: Serialize + ?Sized>(value: &T) -> EncodeError {
    let mut message = Message { output: Output::new(&mut []), zero_sized: 0, failed: None };
    let result = value.serialize(Serializer::<L, EncodeError>::new(&mut message));
    message.failed.or_else(|| result.err()).unwrap_or_else(|| Unwritten::Custom.into())
}

/// What all levels share.
struct Message<'a, E> {
    output: Output<'a>,
    zero_sized: usize,
    /// The first error of a part. A type that ignores it must not turn the other parts into a message.
    failed: Option<E>,
}

/// One level.
struct Serializer<'m, 'a, L, E> {
    message: &'m mut Message<'a, E>,
    depth: usize,
    layout: PhantomData<fn() -> L>,
}

impl<'m, 'a, L: Layout, E: Refusal> Serializer<'m, 'a, L, E> {
    fn new(message: &'m mut Message<'a, E>) -> Self {
        Self { message, depth: 0, layout: PhantomData }
    }

    /// The same level for one of several values.
    #[inline]
    fn reborrow(&mut self) -> Serializer<'_, 'a, L, E> {
        Serializer { message: self.message, depth: self.depth, layout: PhantomData }
    }

    /// Encodes an element, a key, a value or a field.
    #[inline]
    fn put_part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), E> {
        if E::SEARCHING {
            // Nothing is written, so no full buffer would end the parts that follow.
            if let Some(found) = &self.message.failed {
                return Err(found.clone());
            }
        }
        match value.serialize(self.reborrow()) {
            Ok(()) => Ok(()),
            Err(error) => self.fail(error),
        }
    }

    #[inline]
    fn fail(&mut self, error: E) -> Result<(), E> {
        if let Some(first) = &self.message.failed {
            return Err(first.clone());
        }
        self.message.failed = Some(error.clone());
        Err(error)
    }

    #[inline]
    fn write(&mut self, write: impl FnOnce(&mut Output<'a>) -> Result<(), Unwritten>) -> Result<(), E> {
        if E::SEARCHING {
            return Ok(());
        }
        write(&mut self.message.output).map_err(E::from)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.write(|output| output.put(bytes))
    }

    #[inline]
    fn put_integer<T: Integer>(&mut self, value: T) -> Result<(), E> {
        self.write(|output| L::put_integer(value, output))
    }

    #[inline]
    fn put_length(&mut self, length: usize) -> Result<(), E> {
        self.put_integer(length as u64)
    }

    /// One level deeper.
    #[inline]
    fn nested(mut self) -> Result<Self, E> {
        if self.depth == L::MAX_DEPTH {
            return Err(Unwritten::TooDeep.into());
        }
        self.depth += 1;
        Ok(self)
    }

    #[inline]
    fn put_counted(mut self, length: Option<usize>) -> Result<Counted<'m, 'a, L, E>, E> {
        let remaining = length.ok_or(Unwritten::LengthUnknown)?;
        self.put_length(remaining)?;
        Ok(Counted { serializer: self.nested()?, remaining })
    }

    #[inline]
    fn put_variant(mut self, index: u32) -> Result<Self, E> {
        self.put_integer(index)?;
        self.nested()
    }
}

macro_rules! integers {
    ($($method:ident($type:ty))*) => {$(
        #[inline]
        fn $method(mut self, value: $type) -> Result<(), E> {
            self.put_integer(value)
        }
    )*};
}

impl<'m, 'a, L: Layout, E: Refusal> ser::Serializer for Serializer<'m, 'a, L, E> {
    type Ok = ();
    type Error = E;
    type SerializeSeq = Counted<'m, 'a, L, E>;
    type SerializeMap = Counted<'m, 'a, L, E>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers! {
        serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    #[inline]
    fn serialize_i8(mut self, value: i8) -> Result<(), E> {
        self.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_u8(mut self, value: u8) -> Result<(), E> {
        self.put(&[value])
    }

    #[inline]
    fn serialize_f32(mut self, value: f32) -> Result<(), E> {
        self.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_f64(mut self, value: f64) -> Result<(), E> {
        self.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_bool(mut self, value: bool) -> Result<(), E> {
        self.put(&[u8::from(value)])
    }

    fn serialize_char(mut self, value: char) -> Result<(), E> {
        self.write(|output| L::put_char(value, output))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), E> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), E> {
        self.put_length(value.len())?;
        self.put(value)
    }

    #[inline]
    fn serialize_none(mut self) -> Result<(), E> {
        self.put(&[0])
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), E> {
        self.put(&[1])?;
        value.serialize(self.nested()?)
    }

    fn serialize_unit(self) -> Result<(), E> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), E> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(mut self, _name: &'static str, index: u32, _variant: &'static str) -> Result<(), E> {
        self.put_integer(index)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), E> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), E> {
        value.serialize(self.put_variant(index)?)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Counted<'m, 'a, L, E>, E> {
        self.put_counted(length)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Counted<'m, 'a, L, E>, E> {
        self.put_counted(length)
    }

    #[inline]
    fn serialize_tuple(self, _length: usize) -> Result<Self, E> {
        self.nested()
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self, E> {
        self.nested()
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Self, E> {
        self.nested()
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, E> {
        self.put_variant(index)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, E> {
        self.put_variant(index)
    }

    fn collect_str<T: fmt::Display + ?Sized>(mut self, value: &T) -> Result<(), E> {
        // The length goes first, and how long it is encoded depends on it: count, then write.
        let mut counter = Counter(0);
        let counted = fmt::write(&mut counter, format_args!("{value}"));
        self.put_length(counter.0)?;
        counted.map_err(|_| E::custom("its Display impl returned an error"))?;
        self.write(|output| {
            let mut text = Text { output, written: 0, full: false };
            match fmt::write(&mut text, format_args!("{value}")) {
                _ if text.full => Err(Unwritten::BufferFull),
                Ok(()) if text.written == counter.0 => Ok(()),
                Ok(()) => Err(Unwritten::LengthMismatch),
                Err(fmt::Error) => Err(Unwritten::Custom),
            }
        })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Counts the bytes of a `Display` value.
struct Counter(usize);

impl fmt::Write for Counter {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(part.len());
        Ok(())
    }
}

/// Writes a `Display` value straight into the output.
struct Text<'o, 'a> {
    output: &'o mut Output<'a>,
    written: usize,
    full: bool,
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let put = self.output.put(part.as_bytes());
        self.full |= put.is_err();
        put.map_err(|_| fmt::Error)?;
        self.written += part.len();
        Ok(())
    }
}

/// The elements of a sequence or the entries of a map, whose number is on the wire.
struct Counted<'m, 'a, L, E> {
    serializer: Serializer<'m, 'a, L, E>,
    remaining: usize,
}

impl<L: Layout, E: Refusal> Counted<'_, '_, L, E> {
    /// Encodes the next element, or the next entry's key.
    #[inline]
    fn next<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), E> {
        let Some(remaining) = self.remaining.checked_sub(1) else {
            return self.serializer.fail(Unwritten::LengthMismatch.into());
        };
        self.remaining = remaining;
        let left = self.serializer.message.output.left();
        self.serializer.put_part(value)?;
        if !E::SEARCHING && self.serializer.message.output.left() == left {
            self.serializer.message.zero_sized += 1;
            if self.serializer.message.zero_sized > MAX_ZERO_SIZED {
                return self.serializer.fail(Unwritten::TooManyZeroSized.into());
            }
        }
        Ok(())
    }

    #[inline]
    fn end_all(self) -> Result<(), E> {
        if self.remaining == 0 { Ok(()) } else { Err(Unwritten::LengthMismatch.into()) }
    }
}

impl<L: Layout, E: Refusal> ser::SerializeSeq for Counted<'_, '_, L, E> {
    type Ok = ();
    type Error = E;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), E> {
        self.next(value)
    }

    #[inline]
    fn end(self) -> Result<(), E> {
        self.end_all()
    }
}

impl<L: Layout, E: Refusal> ser::SerializeMap for Counted<'_, '_, L, E> {
    type Ok = ();
    type Error = E;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), E> {
        self.next(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), E> {
        self.serializer.put_part(value)
    }

    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(&mut self, key: &K, value: &V) -> Result<(), E> {
        self.next(key)?;
        self.serializer.put_part(value)
    }

    #[inline]
    fn end(self) -> Result<(), E> {
        self.end_all()
    }
}

/// The fields of a tuple, a struct or a variant, whose number is the type's and not on the wire.
macro_rules! fields {
    ($($trait:ident $method:ident($($name:ident: $type:ty, $skip:ident)?))*) => {$(
        impl<L: Layout, E: Refusal> ser::$trait for Serializer<'_, '_, L, E> {
            type Ok = ();
            type Error = E;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<(), E> {
                self.put_part(value)
            }

            $(
                fn $skip(&mut self, $name: $type) -> Result<(), E> {
                    self.fail(Unwritten::FieldSkipped.into())
                }
            )?

            #[inline]
            fn end(self) -> Result<(), E> {
                Ok(())
            }
        }
    )*};
}

fields! {
    SerializeTuple serialize_element()
    SerializeTupleStruct serialize_field()
    SerializeTupleVariant serialize_field()
    SerializeStruct serialize_field(_name: &'static str, skip_field)
    SerializeStructVariant serialize_field(_name: &'static str, skip_field)
}
