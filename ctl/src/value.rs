//! Any value: what the command line says, and what a daemon answers.

use std::fmt;

use ipc_server::layout::Kind;
use serde::de::{Deserialize, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Any value that serde knows. A variant is a map of its name and what it carries, or its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Unit,
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    None,
    Some(Box<Self>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl Value {
    /// Whether JSON has it as an object's key, with quotes around it.
    fn is_name(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Bool(_) | Self::Char(_) | Self::Signed(_) | Self::Unsigned(_))
    }

    /// The variant `name` that carries `content`.
    pub(crate) fn variant(name: &str, content: Self) -> Self {
        Self::Map(vec![(Self::Text(name.to_owned()), content)])
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i128(*value),
            Self::Unsigned(value) => serializer.serialize_u128(*value),
            Self::F32(value) => serializer.serialize_f32(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::None => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::List(values) => values.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Unit)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value.into()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_f32<E: Error>(self, value: f32) -> Result<Value, E> {
        Ok(Value::F32(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::F64(value))
    }

    fn visit_char<E: Error>(self, value: char) -> Result<Value, E> {
        Ok(Value::Char(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer).map(|value| Value::Some(Box::new(value)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("a variant comes as its name or as a map"))
    }
}

/// A value as JSON: numbers are exact, whatever their width. A float that is no number is text.
pub(crate) struct Json<'v>(pub(crate) &'v Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::F32(value) if !value.is_finite() => serializer.collect_str(value),
            Value::F64(value) if !value.is_finite() => serializer.collect_str(value),
            Value::Some(value) => Json(value).serialize(serializer),
            Value::List(values) => serializer.collect_seq(values.iter().map(Json)),
            Value::Map(entries) if !entries.iter().all(|(key, _)| key.is_name()) => {
                serializer.collect_seq(entries.iter().map(|(key, value)| [Json(key), Json(value)]))
            }
            Value::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, Json(value)))),
            value => value.serialize(serializer),
        }
    }
}

/// A value as text that is read by people, in the form that its description gives.
pub(crate) struct Shown<'v, 'd>(pub(crate) &'v Value, pub(crate) Kind<'d>);

impl fmt::Display for Shown<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Value::Unit, _) => f.write_str("()"),
            (Value::Bool(value), _) => write!(f, "{value}"),
            (Value::Signed(value), _) => write!(f, "{value}"),
            (Value::Unsigned(value), _) => write!(f, "{value}"),
            (Value::F32(value), _) => write!(f, "{value:?}"),
            (Value::F64(value), _) => write!(f, "{value:?}"),
            (Value::Char(value), _) => write!(f, "{value:?}"),
            (Value::Text(name), Kind::Enum(_)) => write!(f, "{}", Clean(name)),
            (Value::Text(value), _) => write!(f, "{value:?}"),
            (Value::None, _) => f.write_str("none"),
            (Value::Some(value), Kind::Option(inner)) => write!(f, "{}", Shown(value, inner.kind())),
            (Value::Some(value), kind) => write!(f, "{}", Shown(value, kind)),
            (Value::List(values), kind) => {
                let (open, close) = if matches!(kind, Kind::Tuple(_)) { ("(", ")") } else { ("[", "]") };
                f.write_str(open)?;
                for (index, value) in values.iter().enumerate() {
                    let element = match kind {
                        Kind::Sequence(element) => element.kind(),
                        Kind::Tuple(mut elements) => elements.nth(index).map_or(Kind::Opaque, |element| element.kind()),
                        _ => Kind::Opaque,
                    };
                    write!(f, "{}{}", if index > 0 { ", " } else { "" }, Shown(value, element))?;
                }
                f.write_str(close)
            }
            (Value::Map(entries), Kind::Enum(variants)) => {
                let Some((Value::Text(name), content)) = entries.first() else { return Ok(()) };
                let kind = variants.variant(name).map_or(Kind::Opaque, |variant| variant.content());
                write!(f, "{}", Clean(name))?;
                match kind {
                    Kind::Struct(_) => write!(f, " {}", Shown(content, kind)),
                    Kind::Tuple(_) => write!(f, "{}", Shown(content, kind)),
                    _ => write!(f, "({})", Shown(content, kind)),
                }
            }
            (Value::Map(entries), Kind::Struct(fields)) => {
                f.write_str("{ ")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let Value::Text(name) = key else { continue };
                    let kind = fields.field(name).map_or(Kind::Opaque, |(_, field)| field.kind());
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}: {}", Clean(name), Shown(value, kind))?;
                }
                f.write_str(" }")
            }
            (Value::Map(entries), kind) => {
                let (key_form, value_form) = match kind {
                    Kind::Map(key, value) => (key.kind(), value.kind()),
                    _ => (Kind::Opaque, Kind::Opaque),
                };
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write!(f, "{}", Shown(key, key_form))?;
                    write!(f, ": {}", Shown(value, value_form))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Text of a daemon that is shown on a terminal, which a control character could have do things.
pub(crate) struct Clean<'t>(pub(crate) &'t str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            match part.strip_suffix(char::is_control) {
                Some(before) => write!(f, "{before}{}", char::REPLACEMENT_CHARACTER)?,
                None => f.write_str(part)?,
            }
        }
        Ok(())
    }
}
