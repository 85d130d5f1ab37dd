//! JSON to the value of a form.

use ipc_server::layout::{Kind, Node, Variant};
use serde_json::Value as JsonValue;

use crate::failure::Failure;
use crate::scalar::{bytes, scalar};
use crate::value::Value;
use crate::wanted::{no_field, structure, unfit, variant, within};

/// Parses JSON text.
pub(crate) fn parse(place: &str, text: &str) -> Result<JsonValue, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::usage(format!("{place}: this is not JSON: {error}")))
}

/// What `json` says, in this form.
pub(crate) fn value(place: &str, form: Node<'_>, json: &JsonValue) -> Result<Value, Failure> {
    let kind = form.kind();
    let found = match (kind, json) {
        (Kind::Unit, JsonValue::Null) => Some(Value::Unit),
        (Kind::Bool, JsonValue::Bool(value)) => Some(Value::Bool(*value)),
        (Kind::Signed(_) | Kind::Unsigned(_) | Kind::Float(_), JsonValue::Number(number)) => {
            scalar(kind, number.as_str())
        }
        // Programs that keep numbers as floats write great integers as text.
        (Kind::Signed(_) | Kind::Unsigned(_) | Kind::Float(_) | Kind::Char, JsonValue::String(text)) => {
            scalar(kind, text)
        }
        (Kind::String, JsonValue::String(text)) => Some(Value::Text(text.clone())),
        (Kind::Option(_), JsonValue::Null) => Some(Value::None),
        (Kind::Option(inner), json) => Some(Value::Some(Box::new(value(place, inner, json)?))),
        (Kind::Sequence(element), JsonValue::Array(elements)) => {
            let elements = elements.iter().enumerate();
            let list = elements.map(|(index, json)| value(&format!("{place}[{index}]"), element, json));
            Some(Value::List(list.collect::<Result<_, _>>()?))
        }
        (Kind::Sequence(element), JsonValue::String(text)) if matches!(element.kind(), Kind::Unsigned(8)) => {
            bytes(text)
        }
        (Kind::Tuple(elements), JsonValue::Array(given)) if elements.count() == given.len() => {
            let pairs = elements.zip(given).enumerate();
            let list = pairs.map(|(index, (form, json))| value(&format!("{place}[{index}]"), form, json));
            Some(Value::List(list.collect::<Result<_, _>>()?))
        }
        (Kind::Map(key, element), JsonValue::Object(entries)) => {
            let entries = entries.iter().map(|(name, json)| {
                let key = self::key(place, key, name)?;
                Ok((key, value(&within(place, name), element, json)?))
            });
            Some(Value::Map(entries.collect::<Result<_, Failure>>()?))
        }
        // Keys that are no text.
        (Kind::Map(key, element), JsonValue::Array(entries)) => {
            let entries = entries.iter().enumerate().map(|(index, entry)| {
                let place = format!("{place}[{index}]");
                match entry.as_array().map(Vec::as_slice) {
                    Some([name, json]) => Ok((value(&place, key, name)?, value(&place, element, json)?)),
                    _ => {
                        Err(Failure::usage(format!("{place}: an array of a key and its value is wanted, not {entry}")))
                    }
                }
            });
            Some(Value::Map(entries.collect::<Result<_, Failure>>()?))
        }
        (Kind::Struct(fields), JsonValue::Object(entries)) => {
            let mut values: Vec<Option<Value>> = fields.map(|_| None).collect();
            for (name, json) in entries {
                let (index, form) = fields.field(name).ok_or_else(|| no_field(place, fields, name))?;
                let value = value(&within(place, name), form, json)?;
                match values.get_mut(index) {
                    Some(slot @ None) => *slot = Some(value),
                    _ => return Err(Failure::usage(format!("{}: it is given twice", within(place, name)))),
                }
            }
            Some(structure(place, fields, values)?)
        }
        (Kind::Enum(variants), JsonValue::String(name)) => {
            let variant = variant(place, variants, name)?;
            Some(content(place, name, variant, &JsonValue::Null)?)
        }
        (Kind::Enum(variants), JsonValue::Object(entries)) => match entries.iter().next() {
            Some((name, json)) if entries.len() == 1 => {
                let variant = variant(place, variants, name)?;
                Some(content(place, name, variant, json)?)
            }
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| unfit(place, form, json))
}

/// A variant, and what it carries. Where it carries fields that are all optional, `null` is none of them.
pub(crate) fn content(place: &str, name: &str, variant: Variant<'_>, json: &JsonValue) -> Result<Value, Failure> {
    let place = within(place, name);
    let content = match (variant.content(), json) {
        (Kind::Struct(fields), JsonValue::Null) => structure(&place, fields, fields.map(|_| None).collect())?,
        _ => value(&place, variant.form(), json)?,
    };
    Ok(Value::variant(name, content))
}

/// A key, which JSON has as text.
pub(crate) fn key(place: &str, form: Node<'_>, text: &str) -> Result<Value, Failure> {
    match form.kind() {
        Kind::String => Ok(Value::Text(text.to_owned())),
        Kind::Enum(variants) => {
            let variant = variant(place, variants, text)?;
            content(place, text, variant, &JsonValue::Null)
        }
        kind => scalar(kind, text).ok_or_else(|| unfit(place, form, text)),
    }
}
