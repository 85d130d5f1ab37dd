//! What a visitor reads one after the other: elements, entries, fields and variants.

use core::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::super::error::{Carried, Cut, Halt, Name, Reason};
use super::super::skip::Message;
use super::Deserializer;
use super::names::{VariantName, choose};
use crate::codec::layout::Layout;
use crate::layout::{self, Kind, Node, Tuple, Variants};

/// Reads one part. A type that did not look at it has it skipped.
#[inline]
pub(super) fn read<'de, L: Layout, T: DeserializeSeed<'de>, E: Carried>(
    message: &mut Message<'de>,
    form: Node<'_>,
    depth: usize,
    seed: T,
) -> Result<T::Value, E> {
    read_as::<L, T, E>(message, form, depth, false, seed)
}

#[inline]
fn read_as<'de, L: Layout, T: DeserializeSeed<'de>, E: Carried>(
    message: &mut Message<'de>,
    form: Node<'_>,
    depth: usize,
    is_free_key: bool,
    seed: T,
) -> Result<T::Value, E> {
    let before = message.input.arrived();
    let mut deserializer = Deserializer::<L, E>::new(&mut *message, form, depth);
    deserializer.is_free_key = is_free_key;
    match seed.deserialize(deserializer) {
        Ok(value) => {
            if message.input.arrived() == before {
                message.skip::<L>(form, depth)?;
            }
            Ok(value)
        }
        Err(error) => {
            message.is_broken = true;
            Err(error)
        }
    }
}

/// Where elements come from.
pub(super) enum Place<'d> {
    List(Node<'d>),
    Tuple(Tuple<'d>),
    Fields { fields: layout::Fields<'d>, of: &'static str, list: &'static [&'static str] },
    Nothing,
}

/// The elements of a list or a tuple, or the fields of a struct that are the same on both sides.
pub(super) struct Elements<'m, 'de, 'd, L, E> {
    pub(super) deserializer: Deserializer<'m, 'de, 'd, L, E>,
    pub(super) place: Place<'d>,
    pub(super) remaining: usize,
}

impl<'de, L: Layout, E: Carried> de::SeqAccess<'de> for Elements<'_, 'de, '_, L, E> {
    type Error = E;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        if self.remaining == 0 {
            return Ok(None);
        }
        self.remaining -= 1;
        let Deserializer { message, depth, .. } = &mut self.deserializer;
        match &mut self.place {
            Place::List(element) => {
                let before = message.input.arrived();
                let value = read::<L, T, E>(message, *element, *depth, seed)?;
                if message.input.arrived() == before {
                    message.count_zero_sized(1)?;
                }
                Ok(Some(value))
            }
            Place::Tuple(elements) => match elements.next() {
                Some(element) => read::<L, T, E>(message, element, *depth, seed).map(Some),
                None => Ok(None),
            },
            Place::Fields { fields, of, list } => match fields.next() {
                Some((_, field)) => match read::<L, T, E>(message, field, *depth, seed) {
                    Ok(value) => Ok(Some(value)),
                    Err(error) => {
                        let index = list.len() - self.remaining - 1;
                        message.note(of, || Name::Own(list.get(index).copied().unwrap_or_default()));
                        Err(error)
                    }
                },
                None => Ok(None),
            },
            Place::Nothing => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining)
    }
}

/// The entries of a map.
pub(super) struct Entries<'m, 'de, 'd, L, E> {
    pub(super) deserializer: Deserializer<'m, 'de, 'd, L, E>,
    pub(super) key: Node<'d>,
    pub(super) value: Node<'d>,
    pub(super) remaining: usize,
    pub(super) owes_value: bool,
    /// Whether it is read as whatever it is.
    pub(super) is_free: bool,
}

impl<'de, L: Layout, E: Carried> de::MapAccess<'de> for Entries<'_, 'de, '_, L, E> {
    type Error = E;

    #[inline]
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        if self.owes_value {
            return self.deserializer.refuse(Reason::Unread);
        }
        if self.remaining == 0 {
            return Ok(None);
        }
        self.remaining -= 1;
        self.owes_value = true;
        let Deserializer { message, depth, .. } = &mut self.deserializer;
        let before = message.input.arrived();
        let key = read_as::<L, T, E>(message, self.key, *depth, self.is_free, seed)?;
        if message.input.arrived() == before {
            message.count_zero_sized(1)?;
        }
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, E> {
        if !self.owes_value {
            return self.deserializer.refuse(Reason::Unread);
        }
        self.owes_value = false;
        let Deserializer { message, depth, .. } = &mut self.deserializer;
        read::<L, T, E>(message, self.value, *depth, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining)
    }
}

/// The fields of a struct, by name.
pub(super) struct Fields<'m, 'de, 'd, L, E> {
    pub(super) deserializer: Deserializer<'m, 'de, 'd, L, E>,
    pub(super) fields: Option<layout::Fields<'d>>,
    /// The form of the field whose name was read, and the name.
    pub(super) value: Option<(Node<'d>, &'d str)>,
    pub(super) of: &'static str,
    /// The names that the type knows.
    pub(super) list: &'static [&'static str],
}

impl<L: Layout, E: Carried> Fields<'_, '_, '_, L, E> {
    pub(super) fn is_at_end(&mut self) -> bool {
        self.value.is_none() && self.fields.as_mut().is_none_or(|fields| fields.next().is_none())
    }
}

impl<'de, L: Layout, E: Carried> de::MapAccess<'de> for Fields<'_, 'de, '_, L, E> {
    type Error = E;

    #[inline]
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        if self.value.is_some() {
            return self.deserializer.refuse(Reason::Unread);
        }
        let Some((names, form)) = self.fields.as_mut().and_then(Iterator::next) else { return Ok(None) };
        let of = self.of;
        let chosen = choose(names, self.list, |one, other| self.deserializer.is_apart(false, of, one, other));
        let message = &mut *self.deserializer.message;
        let Some(name) = chosen else {
            message.refuse(Reason::Ambiguous, form);
            message.note(of, || own_or_cut(self.list, names.into_iter().next().unwrap_or_default()));
            return Err(Halt.into());
        };
        self.value = Some((form, name));
        let deserializer: StrDeserializer<'_, E> = name.into_deserializer();
        match seed.deserialize(deserializer) {
            Ok(key) => Ok(Some(key)),
            Err(error) => {
                message.is_broken = true;
                Err(error)
            }
        }
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, E> {
        let Some((form, name)) = self.value.take() else { return self.deserializer.refuse(Reason::Unread) };
        let Deserializer { message, depth, .. } = &mut self.deserializer;
        match read::<L, T, E>(message, form, *depth, seed) {
            Ok(value) => Ok(value),
            Err(error) => {
                message.note(self.of, || own_or_cut(self.list, name));
                Err(error)
            }
        }
    }
}

/// The type's own name for it, if it has one.
fn own_or_cut(list: &'static [&'static str], name: &str) -> Name {
    match list.iter().find(|own| **own == name) {
        Some(own) => Name::Own(own),
        None => Name::Text(Cut::new(name)),
    }
}

/// A variant as a map of its name and what it carries.
pub(super) struct OneEntry<'m, 'de, 'd, L, E> {
    pub(super) deserializer: Deserializer<'m, 'de, 'd, L, E>,
    pub(super) name: Option<&'d str>,
    pub(super) owes_value: bool,
}

impl<'de, L: Layout, E: Carried> de::MapAccess<'de> for OneEntry<'_, 'de, '_, L, E> {
    type Error = E;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        let Some(name) = self.name.take() else { return Ok(None) };
        let deserializer: StrDeserializer<'_, E> = name.into_deserializer();
        seed.deserialize(deserializer).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, E> {
        if !self.owes_value {
            return self.deserializer.refuse(Reason::Unread);
        }
        self.owes_value = false;
        let Deserializer { message, form, depth, .. } = &mut self.deserializer;
        read::<L, T, E>(message, *form, *depth, seed)
    }
}

/// A variant of an enum.
pub(super) struct Variant<'m, 'de, 'd, L, E> {
    /// Of what it carries.
    pub(super) deserializer: Deserializer<'m, 'de, 'd, L, E>,
    pub(super) of: &'static str,
    pub(super) name: &'d str,
    pub(super) index: u32,
    pub(super) variants: Variants<'d>,
    /// The names that the type knows.
    pub(super) list: &'static [&'static str],
}

impl<'de, 'd, L: Layout, E: Carried> Variant<'_, 'de, 'd, L, E> {
    /// What comes of reading what it carries.
    #[inline]
    fn finish<T>(self, read: impl FnOnce(Deserializer<'_, 'de, 'd, L, E>) -> Result<T, E>) -> Result<T, E> {
        let Deserializer { message, form, depth, .. } = self.deserializer;
        match read(Deserializer::new(&mut *message, form, depth)) {
            Ok(value) => {
                message.open_variants -= 1;
                Ok(value)
            }
            Err(error) => {
                message.note(self.of, || own_or_cut(self.list, self.name));
                Err(error)
            }
        }
    }
}

impl<'de, L: Layout, E: Carried> de::EnumAccess<'de> for Variant<'_, 'de, '_, L, E> {
    type Error = E;
    type Variant = Self;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), E> {
        let Self { name, index, variants, list, .. } = self;
        let value = seed.deserialize(VariantName::<E> { name, index, variants, list, error: PhantomData })?;
        Ok((value, self))
    }
}

impl<'de, L: Layout, E: Carried> de::VariantAccess<'de> for Variant<'_, 'de, '_, L, E> {
    type Error = E;

    /// Of a variant that the type does not know, which it takes for its `other` one, whatever it carries is skipped.
    #[inline]
    fn unit_variant(self) -> Result<(), E> {
        let (list, name) = (self.list, self.name);
        self.finish(|mut deserializer| {
            let Deserializer { message, form, depth, .. } = &mut deserializer;
            match message.kind(*form)? {
                Kind::Unit => return Ok(()),
                Kind::Struct(_) => {}
                _ if !list.contains(&name) => {}
                Kind::Opaque => return deserializer.refuse(Reason::Opaque),
                _ => return deserializer.refuse(Reason::Kind),
            }
            let depth = message.deeper::<L>(*depth)?;
            Ok(message.skip::<L>(*form, depth)?)
        })
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, E> {
        self.finish(|mut deserializer| {
            deserializer.deeper()?;
            let Deserializer { message, form, depth, .. } = deserializer;
            read::<L, T, E>(message, form, depth, seed)
        })
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, E> {
        self.finish(|deserializer| deserializer.visit_elements(Some(length), visitor))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, E> {
        let list = self.list;
        let name = list.iter().find(|own| **own == self.name).copied().unwrap_or_default();
        self.finish(|mut deserializer| {
            let kind = deserializer.open()?;
            deserializer.visit_fields(kind, name, fields, visitor)
        })
    }
}
