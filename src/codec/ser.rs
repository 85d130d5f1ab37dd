//! serde's data model to bytes, in any [`Layout`]. Mirrors `de.rs`.

use core::fmt;
use core::marker::PhantomData;

use serde::Serialize;
use serde::ser::{self, Error as _};

use super::layout::{Layout, Output};
use super::{EncodeError, MAX_DEPTH, MAX_ZERO_SIZED};

type Result<T> = core::result::Result<T, EncodeError>;

#[inline]
pub(super) fn encode<L: Layout, T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize> {
    let mut serializer = Serializer {
        output: Output::new(into),
        depth: 0,
        zero_sized: 0,
        failed: None,
        layout: PhantomData::<fn() -> L>,
    };
    value.serialize(&mut serializer)?;
    match serializer.failed {
        None => Ok(serializer.output.written()),
        Some(error) => Err(error),
    }
}

struct Serializer<'a, L> {
    output: Output<'a>,
    depth: usize,
    zero_sized: usize,
    /// The first error of a part. A type that ignores it must not turn the other parts into a message.
    failed: Option<EncodeError>,
    layout: PhantomData<fn() -> L>,
}

impl<'a, L: Layout> Serializer<'a, L> {
    /// Encodes an element, a key, a value or a field.
    #[inline]
    fn put_part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self).map_err(|error| self.fail(error))
    }

    #[cold]
    fn fail(&mut self, error: EncodeError) -> EncodeError {
        self.failed.get_or_insert(error).clone()
    }

    #[inline]
    fn put_length(&mut self, length: usize) -> Result<()> {
        L::put_integer(length as u64, &mut self.output)
    }

    #[inline]
    fn enter(&mut self) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
    }

    #[inline]
    fn put_counted(&mut self, length: Option<usize>) -> Result<Counted<'_, 'a, L>> {
        let remaining = length.ok_or(EncodeError::LengthUnknown)?;
        self.put_length(remaining)?;
        self.enter()?;
        Ok(Counted { serializer: self, remaining })
    }

    #[inline]
    fn put_variant(&mut self, index: u32) -> Result<Fields<'_, 'a, L>> {
        L::put_integer(index, &mut self.output)?;
        self.enter()?;
        Ok(Fields { serializer: self, levels: 1 })
    }
}

macro_rules! integers {
    ($($method:ident($type:ty))*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<()> {
            L::put_integer(value, &mut self.output)
        }
    )*};
}

impl<'s, 'a, L: Layout> ser::Serializer for &'s mut Serializer<'a, L> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Counted<'s, 'a, L>;
    type SerializeMap = Counted<'s, 'a, L>;
    type SerializeTuple = Fields<'s, 'a, L>;
    type SerializeTupleStruct = Fields<'s, 'a, L>;
    type SerializeTupleVariant = Fields<'s, 'a, L>;
    type SerializeStruct = Fields<'s, 'a, L>;
    type SerializeStructVariant = Fields<'s, 'a, L>;

    integers! {
        serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.output.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.output.put(&[value])
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.output.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.output.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.output.put(&[u8::from(value)])
    }

    fn serialize_char(self, value: char) -> Result<()> {
        L::put_char(value, &mut self.output)
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.put_length(value.len())?;
        self.output.put(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.output.put(&[0])
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.output.put(&[1])?;
        self.enter()?;
        value.serialize(&mut *self)?;
        self.leave();
        Ok(())
    }

    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _name: &'static str, index: u32, _variant: &'static str) -> Result<()> {
        L::put_integer(index, &mut self.output)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let variant = self.put_variant(index)?;
        value.serialize(&mut *variant.serializer)?;
        variant.serializer.leave();
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Counted<'s, 'a, L>> {
        self.put_counted(length)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Counted<'s, 'a, L>> {
        self.put_counted(length)
    }

    #[inline]
    fn serialize_tuple(self, _length: usize) -> Result<Fields<'s, 'a, L>> {
        Ok(Fields { serializer: self, levels: 0 })
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Fields<'s, 'a, L>> {
        Ok(Fields { serializer: self, levels: 0 })
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Fields<'s, 'a, L>> {
        Ok(Fields { serializer: self, levels: 0 })
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Fields<'s, 'a, L>> {
        self.put_variant(index)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Fields<'s, 'a, L>> {
        self.put_variant(index)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        // The length goes first, and how long it is encoded depends on it: count, then write.
        let mut counter = Counter(0);
        let counted = fmt::write(&mut counter, format_args!("{value}"));
        self.put_length(counter.0)?;
        let end = self.output.written().saturating_add(counter.0);
        let mut text = Text { output: &mut self.output, full: false };
        let written = counted.and_then(|()| fmt::write(&mut text, format_args!("{value}")));
        match written {
            Ok(()) if text.output.written() == end => Ok(()),
            Ok(()) => Err(EncodeError::LengthMismatch),
            Err(fmt::Error) if text.full => Err(EncodeError::BufferFull),
            Err(fmt::Error) => Err(EncodeError::custom("its Display impl returned an error")),
        }
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
    full: bool,
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.output.put(part.as_bytes()).map_err(|_| {
            self.full = true;
            fmt::Error
        })
    }
}

/// The elements of a sequence or the entries of a map, whose number is on the wire.
struct Counted<'s, 'a, L> {
    serializer: &'s mut Serializer<'a, L>,
    remaining: usize,
}

impl<L: Layout> Counted<'_, '_, L> {
    /// Encodes the next element, or the next entry's key.
    #[inline]
    fn next<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let Some(remaining) = self.remaining.checked_sub(1) else {
            return Err(self.serializer.fail(EncodeError::LengthMismatch));
        };
        self.remaining = remaining;
        let start = self.serializer.output.written();
        self.serializer.put_part(value)?;
        if self.serializer.output.written() == start {
            self.serializer.zero_sized += 1;
            if self.serializer.zero_sized > MAX_ZERO_SIZED {
                return Err(self.serializer.fail(EncodeError::TooManyZeroSized));
            }
        }
        Ok(())
    }

    #[inline]
    fn end_all(self) -> Result<()> {
        self.serializer.leave();
        if self.remaining == 0 { Ok(()) } else { Err(EncodeError::LengthMismatch) }
    }
}

impl<L: Layout> ser::SerializeSeq for Counted<'_, '_, L> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.next(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.end_all()
    }
}

impl<L: Layout> ser::SerializeMap for Counted<'_, '_, L> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.next(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.serializer.put_part(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.end_all()
    }
}

/// The fields of a tuple, a struct or a variant, whose number is the type's and not on the wire.
struct Fields<'s, 'a, L> {
    serializer: &'s mut Serializer<'a, L>,
    /// How many levels the fields are below what holds them: 1 in a variant, else 0.
    levels: usize,
}

macro_rules! fields {
    ($($trait:ident $method:ident($($name:ident: $type:ty)?))*) => {$(
        impl<L: Layout> ser::$trait for Fields<'_, '_, L> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $type,)? value: &T) -> Result<()> {
                self.serializer.put_part(value)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.serializer.depth -= self.levels;
                Ok(())
            }
        }
    )*};
}

fields! {
    SerializeTuple serialize_element()
    SerializeTupleStruct serialize_field()
    SerializeTupleVariant serialize_field()
    SerializeStruct serialize_field(_name: &'static str)
    SerializeStructVariant serialize_field(_name: &'static str)
}
