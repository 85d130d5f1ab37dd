//! Values of several parts: elements, entries and fields.

use serde::Serialize;
use serde::ser;

use super::super::error::{Cut, EncodeError, Halt, Name, Reason};
use super::super::skip;
use super::Serializer;
use super::probe::is_none;
use crate::codec::layout::Layout;
use crate::layout::{self, Kind, Node, Tuple};

/// Where elements go.
pub(super) enum Place<'d> {
    List { element: Node<'d>, remaining: usize },
    Tuple(Tuple<'d>),
    Nothing,
}

/// The elements of a list, of a tuple or of a tuple variant.
pub(super) struct Elements<'m, 'a, 'd, L> {
    serializer: Serializer<'m, 'a, 'd, L>,
    place: Place<'d>,
    of: &'static str,
    part: &'static str,
}

impl<'m, 'a, 'd, L: Layout> Elements<'m, 'a, 'd, L> {
    #[inline]
    pub(super) fn new(serializer: Serializer<'m, 'a, 'd, L>, place: Place<'d>) -> Self {
        Self { serializer, place, of: "", part: "" }
    }

    /// They are those of a variant.
    pub(super) fn of(self, of: &'static str, part: &'static str) -> Self {
        Self { of, part, ..self }
    }

    #[inline]
    pub(super) fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Halt> {
        match self.put_next(value) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.serializer.message.note(self.of, Name::Own(self.part))),
        }
    }

    #[inline]
    fn put_next<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Halt> {
        if self.serializer.message.is_broken {
            return Err(Halt);
        }
        match &mut self.place {
            Place::List { element, remaining } => {
                let Some(left) = remaining.checked_sub(1) else {
                    return Err(self.serializer.message.fail(EncodeError::LengthMismatch));
                };
                *remaining = left;
                let written = self.serializer.message.written;
                value.serialize(self.serializer.part(*element))?;
                if self.serializer.message.written == written {
                    self.serializer.message.count_zero_sized()?;
                }
                Ok(())
            }
            Place::Tuple(elements) => match elements.next() {
                Some(element) => value.serialize(self.serializer.part(element)),
                None => Err(self.serializer.refuse(Reason::Count)),
            },
            Place::Nothing => Err(self.serializer.refuse(Reason::Count)),
        }
    }

    #[inline]
    pub(super) fn finish(mut self) -> Result<(), Halt> {
        match &mut self.place {
            Place::List { remaining: 0, .. } | Place::Nothing => Ok(()),
            Place::List { .. } => Err(self.serializer.message.fail(EncodeError::LengthMismatch)),
            Place::Tuple(elements) => {
                if elements.next().is_none() {
                    return Ok(());
                }
                self.serializer.refuse(Reason::Count);
                Err(self.serializer.message.note(self.of, Name::Own(self.part)))
            }
        }
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident)*) => {$(
        impl<L: Layout> ser::$trait for Elements<'_, '_, '_, L> {
            type Ok = ();
            type Error = Halt;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Halt> {
                self.put(value)
            }

            #[inline]
            fn end(self) -> Result<(), Halt> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// The fields of a struct, of a struct variant, or of a map that goes into one.
///
/// Those that are written lie in the form's order, from `start` on, at any time.
pub(super) struct Fields<'m, 'a, 'd, L> {
    pub(super) serializer: Serializer<'m, 'a, 'd, L>,
    /// Of the form; none if it is a unit.
    all: Option<layout::Fields<'d>>,
    /// Those behind the field that was found last, and how many come before them.
    next: Option<layout::Fields<'d>>,
    next_index: usize,
    start: usize,
    /// Which of them are written.
    written: u64,
    /// How many fields there are up to the last one that is written.
    end: usize,
    of: &'static str,
}

/// How many fields a mask has room for.
const MAX_FIELDS: usize = 64;

impl<'m, 'a, 'd, L: Layout> Fields<'m, 'a, 'd, L> {
    #[inline]
    pub(super) fn new(
        serializer: Serializer<'m, 'a, 'd, L>,
        all: Option<layout::Fields<'d>>,
        of: &'static str,
    ) -> Self {
        let start = serializer.message.written;
        Self { serializer, all, next: all, next_index: 0, start, written: 0, end: 0, of }
    }

    /// The form's field that is called so: the next one mostly.
    #[inline]
    pub(super) fn find(&mut self, name: &str) -> Result<Option<(usize, Node<'d>)>, Halt> {
        let next = self.next.as_mut().and_then(Iterator::next);
        let (index, names, form) = match next {
            Some((names, form)) if names.has(name) => {
                self.next_index += 1;
                (self.next_index - 1, names, form)
            }
            _ => match self.search(name) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        if !names.is_one() {
            if let Some(apart) = self.serializer.message.apart {
                let of = self.of;
                if names.into_iter().any(|other| other != name && apart(false, of, name, other)) {
                    return Err(self.serializer.message.refuse(Reason::Ambiguous, form));
                }
            }
        }
        if index >= MAX_FIELDS {
            return Err(self.serializer.refuse(Reason::TooManyFields));
        }
        if self.written & bit(index) != 0 {
            return Err(self.serializer.message.refuse(Reason::Repeated, form));
        }
        Ok(Some((index, form)))
    }

    fn search(&mut self, name: &str) -> Option<(usize, layout::Names<'d>, Node<'d>)> {
        let mut rest = self.all?;
        let mut index = 0;
        let found = loop {
            match rest.next() {
                Some((names, form)) if names.has(name) => break Some((index, names, form)),
                Some(_) => index += 1,
                None => break None,
            }
        };
        // The field after it is looked at first next time; if there is none such, the one that was expected.
        if found.is_some() {
            (self.next, self.next_index) = (Some(rest), index + 1);
        } else {
            let mut rest = self.all?;
            for _ in 0..self.next_index {
                rest.next();
            }
            self.next = Some(rest);
        }
        found
    }

    /// Writes a field and brings it to its place.
    #[inline]
    pub(super) fn put_found<T: Serialize + ?Sized>(
        &mut self,
        index: usize,
        form: Node<'d>,
        value: &T,
    ) -> Result<(), Halt> {
        let at = self.serializer.message.written;
        value.serialize(self.serializer.part(form))?;
        if index < self.end {
            self.place(index, at)?;
        } else {
            self.end = index + 1;
        }
        self.written |= bit(index);
        Ok(())
    }

    /// Brings what was written from `at` on before the fields that come after field `index`.
    #[cold]
    fn place(&mut self, index: usize, at: usize) -> Result<(), Halt> {
        let to = self.position(index, at)?;
        let message = &mut *self.serializer.message;
        let moved = message.written - at;
        if let Some(bytes) = message.into.get_mut(to..message.written) {
            bytes.rotate_right(moved);
        }
        Ok(())
    }

    /// Where field `index` begins. The fields that are written end at `end`.
    fn position(&mut self, index: usize, end: usize) -> Result<usize, Halt> {
        let mut at = self.start;
        for (before, (_, form)) in self.all.into_iter().flatten().enumerate().take(index) {
            if self.written & bit(before) != 0 {
                at += self.length(form, at, end)?;
            }
        }
        Ok(at)
    }

    /// How long the value is that was written at `at`.
    fn length(&mut self, form: Node<'d>, at: usize, end: usize) -> Result<usize, Halt> {
        let bytes = self.serializer.message.into.get(at..end).unwrap_or_default();
        let mut message = skip::Message::new(bytes, None);
        match message.skip::<L>(form, 0) {
            Ok(()) => Ok(message.input.used()),
            // It was written in this form, but for a limit that is the reader's.
            Err(_) => Err(self.serializer.message.fail(EncodeError::TooDeep)),
        }
    }

    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Halt> {
        if self.serializer.message.is_broken {
            return Err(Halt);
        }
        let result = match self.find(name) {
            Ok(Some((index, form))) => self.put_found(index, form, value),
            Ok(None) if is_none(value, false) => Ok(()),
            Ok(None) => Err(self.serializer.refuse(Reason::UnknownField)),
            Err(halt) => Err(halt),
        };
        match result {
            Ok(()) => Ok(()),
            Err(_) => Err(self.serializer.message.note(self.of, Name::Own(name))),
        }
    }

    /// Writes `None` for each field that is missing.
    #[inline]
    pub(super) fn finish(mut self) -> Result<(), Halt> {
        let is_complete = self.end == self.next_index && self.written.count_ones() as usize == self.end;
        if is_complete && self.next.is_none_or(|mut next| next.next().is_none()) { Ok(()) } else { self.fill() }
    }

    fn fill(&mut self) -> Result<(), Halt> {
        if self.all.is_none_or(|all| all.count() == self.written.count_ones() as usize) {
            return Ok(());
        }
        let mut at = self.start;
        for (index, (mut names, form)) in self.all.into_iter().flatten().enumerate() {
            if index >= MAX_FIELDS {
                return Err(self.serializer.refuse(Reason::TooManyFields));
            }
            if self.written & bit(index) != 0 {
                let end = self.serializer.message.written;
                // Nothing is put before those behind the last one.
                at = if index + 1 == self.end { end } else { at + self.length(form, at, end)? };
                continue;
            }
            let Kind::Option(_) = form.kind() else {
                let name = Name::Text(Cut::new(names.next().unwrap_or_default()));
                self.serializer.refuse(Reason::MissingField);
                return Err(self.serializer.message.note(self.of, name));
            };
            let message = &mut *self.serializer.message;
            message.put(&[0])?;
            if let Some(bytes) = message.into.get_mut(at..message.written) {
                bytes.rotate_right(1);
            }
            at += 1;
        }
        Ok(())
    }
}

fn bit(index: usize) -> u64 {
    1_u64.checked_shl(index as u32).unwrap_or(0)
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl<L: Layout> ser::$trait for Fields<'_, '_, '_, L> {
            type Ok = ();
            type Error = Halt;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Halt> {
                self.put(name, value)
            }

            /// A field that is left out is one that the writer has not.
            fn skip_field(&mut self, _name: &'static str) -> Result<(), Halt> {
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<(), Halt> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
