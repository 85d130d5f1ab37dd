//! Maps, and what a map stands for that goes into a struct or an enum.

use serde::Serialize;
use serde::ser;

use super::super::error::{Cut, EncodeError, Halt, Name, Reason};
use super::Serializer;
use super::compound::Fields;
use super::probe::{Key, is_none};
use crate::codec::layout::Layout;
use crate::layout::{Node, Variants};

/// The entries of a map, or what a map stands for.
pub(super) enum Entries<'m, 'a, 'd, L> {
    Map {
        serializer: Serializer<'m, 'a, 'd, L>,
        key: Node<'d>,
        value: Node<'d>,
        remaining: usize,
    },
    Fields {
        fields: Fields<'m, 'a, 'd, L>,
        /// The field that the last key names, or what that key is.
        found: Option<Result<(usize, Node<'d>, Cut), Cut>>,
    },
    /// One entry, whose key names a variant.
    Variant {
        serializer: Serializer<'m, 'a, 'd, L>,
        /// None once a key has come.
        variants: Option<Variants<'d>>,
        part: Option<Cut>,
    },
}

impl<L: Layout> ser::SerializeMap for Entries<'_, '_, '_, L> {
    type Ok = ();
    type Error = Halt;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Halt> {
        match self {
            Self::Map { serializer, key, remaining, .. } => {
                if serializer.message.is_broken {
                    return Err(Halt);
                }
                let Some(left) = remaining.checked_sub(1) else {
                    return Err(serializer.message.fail(EncodeError::LengthMismatch));
                };
                *remaining = left;
                let written = serializer.message.written;
                value_into(name, serializer.part(*key))?;
                if serializer.message.written == written {
                    serializer.message.count_zero_sized()?;
                }
                Ok(())
            }
            Self::Fields { fields, found } => {
                let result = name.serialize(Key(|name: &str| {
                    let cut = Cut::new(name);
                    match fields.find(name) {
                        Ok(Some((index, form))) => Ok(Ok((index, form, cut))),
                        Ok(None) => Ok(Err(cut)),
                        Err(_) => Err(fields.serializer.message.note("", Name::Text(cut))),
                    }
                }));
                match result {
                    Ok(Ok(name)) => *found = Some(name),
                    Ok(Err(halt)) => return Err(halt),
                    Err(_) => return Err(fields.serializer.refuse(Reason::Kind)),
                }
                Ok(())
            }
            Self::Variant { serializer, variants, part } => {
                let Some(variants) = variants.take() else {
                    return Err(serializer.refuse(Reason::Kind));
                };
                let result = name.serialize(Key(|name: &str| {
                    let cut = Cut::new(name);
                    *part = Some(cut);
                    serializer.enter(variants, "", name, Name::Text(cut))
                }));
                match result {
                    Ok(entered) => entered?,
                    Err(_) => return Err(serializer.refuse(Reason::Kind)),
                }
                serializer.deeper()
            }
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Halt> {
        match self {
            Self::Map { serializer, value: form, .. } => value_into(value, serializer.part(*form)),
            Self::Fields { fields, found } => {
                let (result, name) = match found.take() {
                    Some(Ok((index, form, name))) => (fields.put_found(index, form, value), name),
                    Some(Err(_)) if is_none(value, true) => return Ok(()),
                    Some(Err(name)) => (Err(fields.serializer.refuse(Reason::UnknownField)), name),
                    None => return Err(fields.serializer.message.fail(EncodeError::LengthMismatch)),
                };
                result.map_err(|_| fields.serializer.message.note("", Name::Text(name)))
            }
            Self::Variant { serializer, part, .. } => {
                let Some(name) = part.take() else {
                    return Err(serializer.message.fail(EncodeError::LengthMismatch));
                };
                let form = serializer.form;
                value_into(value, serializer.part(form)).map_err(|_| serializer.message.note("", Name::Text(name)))
            }
        }
    }

    fn end(self) -> Result<(), Halt> {
        match self {
            Self::Map { remaining: 0, .. } => Ok(()),
            Self::Map { serializer, .. } => Err(serializer.message.fail(EncodeError::LengthMismatch)),
            Self::Fields { fields, .. } => fields.finish(),
            Self::Variant { variants: None, .. } => Ok(()),
            Self::Variant { mut serializer, .. } => Err(serializer.refuse(Reason::Kind)),
        }
    }
}

/// Notes that a part was refused, by its own type perhaps.
fn value_into<L: Layout, T: Serialize + ?Sized>(value: &T, serializer: Serializer<'_, '_, '_, L>) -> Result<(), Halt> {
    let Serializer { message, form, depth, layout } = serializer;
    match value.serialize(Serializer { message: &mut *message, form, depth, layout }) {
        Ok(()) => Ok(()),
        Err(halt) => {
            message.is_broken = true;
            Err(halt)
        }
    }
}
