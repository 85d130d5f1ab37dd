//! serde's data model to bytes in another program's form. Mirrors `de.rs`.

mod compound;
mod entries;
mod message;
mod probe;

use core::fmt;
use core::marker::PhantomData;

use serde::Serialize;
use serde::ser;

use super::Apart;
use super::error::{Cut, EncodeError, Halt, Name, Reason};
use crate::codec;
use crate::codec::layout::Layout;
use crate::layout::{Kind, Node, Variants};
use compound::{Elements, Fields, Place};
use entries::Entries;
use message::Message;

pub(super) fn encode<L: Layout, T: Serialize + ?Sized>(
    value: &T,
    form: Node<'_>,
    into: &mut [u8],
    apart: Option<Apart>,
) -> Result<usize, EncodeError> {
    let mut message = Message { into, written: 0, zero_sized: 0, failed: None, is_broken: false, apart };
    let result = value.serialize(Serializer::<L> { message: &mut message, form, depth: 0, layout: PhantomData });
    match message.failed.take() {
        None if result.is_ok() && !message.is_broken => Ok(message.written),
        None => Err(explain::<L, T>(value)),
        Some(error) => Err(error),
    }
}

/// What a value's own error says, which the codec finds out.
#[cold]
#[inline(never)]
fn explain<L: Layout, T: Serialize + ?Sized>(value: &T) -> EncodeError {
    match codec::ser::explain::<L, T>(value) {
        codec::EncodeError::Custom(message) => EncodeError::Custom(message),
        _ => EncodeError::Custom(codec::Message::from_text("its Serialize impl gave up")),
    }
}

/// One level, and the form that the other program has there.
struct Serializer<'m, 'a, 'd, L> {
    message: &'m mut Message<'a>,
    form: Node<'d>,
    depth: usize,
    layout: PhantomData<fn() -> L>,
}

impl<'m, 'a, 'd, L: Layout> Serializer<'m, 'a, 'd, L> {
    /// A level for one part of this one's value.
    #[inline]
    fn part(&mut self, form: Node<'d>) -> Serializer<'_, 'a, 'd, L> {
        Serializer { message: self.message, form, depth: self.depth, layout: PhantomData }
    }

    #[cold]
    fn refuse(&mut self, reason: Reason) -> Halt {
        let form = self.form;
        self.message.refuse(reason, form)
    }

    #[inline]
    fn deeper(&mut self) -> Result<(), Halt> {
        self.depth = self.message.deeper::<L>(self.depth)?;
        Ok(())
    }

    /// What a value that is no option goes into: within options, it is their `Some`.
    #[inline]
    fn open(&mut self) -> Result<Kind<'d>, Halt> {
        match self.form.leaf() {
            Some(kind) => Ok(kind),
            None => self.open_compound(),
        }
    }

    fn open_compound(&mut self) -> Result<Kind<'d>, Halt> {
        loop {
            match self.form.kind() {
                Kind::Option(inner) => {
                    self.message.put(&[1])?;
                    self.deeper()?;
                    self.form = inner;
                }
                Kind::Opaque => return Err(self.refuse(Reason::Opaque)),
                kind => return Ok(kind),
            }
        }
    }

    /// Writes the index of the variant that is called so. What it carries comes next.
    fn enter(&mut self, variants: Variants<'d>, of: &'static str, name: &str, part: Name) -> Result<(), Halt> {
        let Some(variant) = variants.variant(name) else {
            self.refuse(Reason::UnknownVariant);
            return Err(self.message.note(of, part));
        };
        let names = variant.names();
        if !names.is_one() {
            if let Some(apart) = self.message.apart {
                if names.into_iter().any(|other| other != name && apart(true, of, name, other)) {
                    self.refuse(Reason::Ambiguous);
                    return Err(self.message.note(of, part));
                }
            }
        }
        self.message.put_integer::<L, _>(variant.index())?;
        self.form = variant.form();
        Ok(())
    }

    /// Enters a variant of ours.
    #[inline]
    fn enter_own(&mut self, of: &'static str, name: &'static str) -> Result<(), Halt> {
        match self.open()? {
            Kind::Enum(variants) => self.enter(variants, of, name, Name::Own(name)),
            _ => {
                self.refuse(Reason::Kind);
                Err(self.message.note(of, Name::Own(name)))
            }
        }
    }

    /// Writes nothing, in place of what the other program has: its fields are `None`.
    fn nothing(mut self, kind: Kind<'d>, of: &'static str) -> Result<(), Halt> {
        match kind {
            Kind::Unit => Ok(()),
            Kind::Struct(_) => self.fields(kind, of)?.finish(),
            _ => Err(self.refuse(Reason::Kind)),
        }
    }

    /// The fields of a struct or of a struct variant.
    #[inline]
    fn fields(mut self, kind: Kind<'d>, of: &'static str) -> Result<Fields<'m, 'a, 'd, L>, Halt> {
        let fields = match kind {
            Kind::Struct(fields) => {
                self.deeper()?;
                Some(fields)
            }
            Kind::Unit => None,
            _ => return Err(self.refuse(Reason::Kind)),
        };
        Ok(Fields::new(self, fields, of))
    }

    /// The elements of a list, if `length` is not the type's, or of a tuple.
    #[inline]
    fn elements(mut self, length: Option<usize>, is_list: bool) -> Result<Elements<'m, 'a, 'd, L>, Halt> {
        let place = match self.open()? {
            Kind::Sequence(element) => {
                let Some(length) = length else { return Err(self.message.fail(EncodeError::LengthUnknown)) };
                self.message.put_length::<L>(length)?;
                Place::List { element, remaining: length }
            }
            Kind::Tuple(elements) => Place::Tuple(elements),
            Kind::Unit if !is_list && length == Some(0) => return Ok(Elements::new(self, Place::Nothing)),
            _ => return Err(self.refuse(Reason::Kind)),
        };
        self.deeper()?;
        Ok(Elements::new(self, place))
    }

    fn put_number(mut self, value: i128) -> Result<(), Halt> {
        macro_rules! put {
            ($type:ty) => {
                <$type>::try_from(value).ok().map(|value| self.message.put_integer::<L, $type>(value))
            };
        }
        let put = match self.open()? {
            Kind::Signed(8) => i8::try_from(value).ok().map(|value| self.message.put(&value.to_le_bytes())),
            Kind::Unsigned(8) => u8::try_from(value).ok().map(|value| self.message.put(&[value])),
            Kind::Signed(16) => put!(i16),
            Kind::Signed(32) => put!(i32),
            Kind::Signed(64) => put!(i64),
            Kind::Signed(_) => put!(i128),
            Kind::Unsigned(16) => put!(u16),
            Kind::Unsigned(32) => put!(u32),
            Kind::Unsigned(64) => put!(u64),
            Kind::Unsigned(_) => put!(u128),
            _ => return Err(self.refuse(Reason::Kind)),
        };
        put.unwrap_or_else(|| Err(self.refuse(Reason::Range)))
    }
}

macro_rules! integers {
    ($($method:ident($type:ty))*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Halt> {
            self.put_number(value.into())
        }
    )*};
}

impl<'m, 'a, 'd, L: Layout> ser::Serializer for Serializer<'m, 'a, 'd, L> {
    type Ok = ();
    type Error = Halt;
    type SerializeSeq = Elements<'m, 'a, 'd, L>;
    type SerializeMap = Entries<'m, 'a, 'd, L>;
    type SerializeTuple = Elements<'m, 'a, 'd, L>;
    type SerializeTupleStruct = Elements<'m, 'a, 'd, L>;
    type SerializeTupleVariant = Elements<'m, 'a, 'd, L>;
    type SerializeStruct = Fields<'m, 'a, 'd, L>;
    type SerializeStructVariant = Fields<'m, 'a, 'd, L>;

    integers! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
    }

    fn serialize_u128(mut self, value: u128) -> Result<(), Halt> {
        match i128::try_from(value) {
            Ok(value) => self.put_number(value),
            Err(_) => match self.open()? {
                Kind::Unsigned(128) => self.message.put_integer::<L, _>(value),
                Kind::Unsigned(_) | Kind::Signed(_) => Err(self.refuse(Reason::Range)),
                _ => Err(self.refuse(Reason::Kind)),
            },
        }
    }

    fn serialize_f32(mut self, value: f32) -> Result<(), Halt> {
        match self.open()? {
            Kind::Float(32) => self.message.put(&value.to_le_bytes()),
            Kind::Float(_) => self.message.put(&f64::from(value).to_le_bytes()),
            _ => Err(self.refuse(Reason::Kind)),
        }
    }

    fn serialize_f64(mut self, value: f64) -> Result<(), Halt> {
        match self.open()? {
            Kind::Float(64) => self.message.put(&value.to_le_bytes()),
            Kind::Float(_) => match super::exactly(value) {
                Some(value) => self.message.put(&value.to_le_bytes()),
                None => Err(self.refuse(Reason::Inexact)),
            },
            _ => Err(self.refuse(Reason::Kind)),
        }
    }

    fn serialize_bool(mut self, value: bool) -> Result<(), Halt> {
        match self.open()? {
            Kind::Bool => self.message.put(&[u8::from(value)]),
            _ => Err(self.refuse(Reason::Kind)),
        }
    }

    fn serialize_char(mut self, value: char) -> Result<(), Halt> {
        match self.open()? {
            Kind::Char => self.message.write(|output| L::put_char(value, output)),
            _ => Err(self.refuse(Reason::Kind)),
        }
    }

    #[inline]
    fn serialize_str(mut self, value: &str) -> Result<(), Halt> {
        match self.open()? {
            Kind::String => {
                self.message.put_length::<L>(value.len())?;
                self.message.put(value.as_bytes())
            }
            Kind::Char => {
                let mut characters = value.chars();
                match (characters.next(), characters.next()) {
                    (Some(character), None) => self.message.write(|output| L::put_char(character, output)),
                    _ => Err(self.refuse(Reason::Kind)),
                }
            }
            Kind::Enum(variants) => {
                self.enter(variants, "", value, Name::Text(Cut::new(value)))?;
                let kind = self.form.kind();
                self.nothing(kind, "")
            }
            _ => Err(self.refuse(Reason::Kind)),
        }
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), Halt> {
        let kind = self.open()?;
        if let Kind::Sequence(element) = kind {
            if let Kind::Unsigned(8) = element.kind() {
                self.message.put_length::<L>(value.len())?;
                return self.message.put(value);
            }
        }
        let mut elements = self.elements(Some(value.len()), true)?;
        for byte in value {
            elements.put(byte)?;
        }
        elements.finish()
    }

    #[inline]
    fn serialize_none(mut self) -> Result<(), Halt> {
        match self.form.kind() {
            Kind::Option(_) => self.message.put(&[0]),
            Kind::Opaque => Err(self.refuse(Reason::Opaque)),
            _ => Err(self.refuse(Reason::Absent)),
        }
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), Halt> {
        if let Kind::Option(inner) = self.form.kind() {
            self.message.put(&[1])?;
            self.deeper()?;
            self.form = inner;
        }
        value.serialize(self)
    }

    /// A null of a value without a type is a unit as well.
    fn serialize_unit(mut self) -> Result<(), Halt> {
        let kind = self.form.kind();
        let Kind::Option(mut inner) = kind else { return self.nothing(kind, "") };
        loop {
            match inner.kind() {
                Kind::Option(within) => inner = within,
                // Of nothing, or none?
                Kind::Unit => return Err(self.refuse(Reason::Ambiguous)),
                _ => return self.message.put(&[0]),
            }
        }
    }

    fn serialize_unit_struct(mut self, name: &'static str) -> Result<(), Halt> {
        let kind = self.open()?;
        self.nothing(kind, name)
    }

    #[inline]
    fn serialize_unit_variant(mut self, of: &'static str, _index: u32, name: &'static str) -> Result<(), Halt> {
        self.enter_own(of, name)?;
        let kind = self.form.kind();
        if let Kind::Unit = kind {
            return Ok(());
        }
        let Self { message, form, depth, layout } = self;
        let this = Serializer { message: &mut *message, form, depth, layout };
        this.nothing(kind, name).map_err(|_| message.note(of, Name::Own(name)))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Halt> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        of: &'static str,
        _index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Halt> {
        self.enter_own(of, name)?;
        self.deeper()?;
        let form = self.form;
        value.serialize(self.part(form)).map_err(|_| self.message.note(of, Name::Own(name)))
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Elements<'m, 'a, 'd, L>, Halt> {
        self.elements(length, true)
    }

    fn serialize_map(mut self, length: Option<usize>) -> Result<Entries<'m, 'a, 'd, L>, Halt> {
        match self.open()? {
            Kind::Map(key, value) => {
                let Some(remaining) = length else { return Err(self.message.fail(EncodeError::LengthUnknown)) };
                self.message.put_length::<L>(remaining)?;
                self.deeper()?;
                Ok(Entries::Map { serializer: self, key, value, remaining })
            }
            Kind::Enum(variants) => Ok(Entries::Variant { serializer: self, variants: Some(variants), part: None }),
            kind => Ok(Entries::Fields { fields: self.fields(kind, "")?, found: None }),
        }
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Elements<'m, 'a, 'd, L>, Halt> {
        self.elements(Some(length), false)
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Elements<'m, 'a, 'd, L>, Halt> {
        self.elements(Some(length), false)
    }

    #[inline]
    fn serialize_struct(mut self, name: &'static str, _length: usize) -> Result<Fields<'m, 'a, 'd, L>, Halt> {
        let kind = self.open()?;
        self.fields(kind, name)
    }

    fn serialize_tuple_variant(
        mut self,
        of: &'static str,
        _index: u32,
        name: &'static str,
        length: usize,
    ) -> Result<Elements<'m, 'a, 'd, L>, Halt> {
        self.enter_own(of, name)?;
        let kind = self.open()?;
        if !matches!(kind, Kind::Tuple(_) | Kind::Sequence(_)) {
            self.refuse(Reason::Kind);
            return Err(self.message.note(of, Name::Own(name)));
        }
        self.elements(Some(length), false).map(|elements| elements.of(of, name))
    }

    #[inline]
    fn serialize_struct_variant(
        mut self,
        of: &'static str,
        _index: u32,
        name: &'static str,
        _length: usize,
    ) -> Result<Fields<'m, 'a, 'd, L>, Halt> {
        self.enter_own(of, name)?;
        let kind = self.open()?;
        if !matches!(kind, Kind::Unit | Kind::Struct(_)) {
            self.refuse(Reason::Kind);
            return Err(self.message.note(of, Name::Own(name)));
        }
        self.fields(kind, name)
    }

    fn collect_str<T: fmt::Display + ?Sized>(mut self, value: &T) -> Result<(), Halt> {
        if let Kind::String = self.open()? {
            return self.message.put_display::<L>(&value);
        }
        // A name or a character, which is short.
        let mut text = heapless::String::<64>::new();
        let is_whole = fmt::write(&mut text, format_args!("{value}")).is_ok();
        if is_whole { self.serialize_str(&text) } else { Err(self.refuse(Reason::Kind)) }
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
