//! Which value is wanted, in words, and which name was meant.

use std::fmt::Display;

use ipc_server::layout::{Fields, Kind, Node, Variant, Variants};

use crate::describe::name;
use crate::failure::Failure;
use crate::value::{Clean, Value};

/// What `place` takes is of this form, and not `given`.
pub(crate) fn unfit(place: &str, form: Node<'_>, given: impl Display) -> Failure {
    let given = given.to_string();
    Failure::usage(format!("{place}: {} is wanted, not {}", wanted(form.kind()), Clean(&given)))
}

/// Nothing was given where a value of this form is needed.
pub(crate) fn missing(place: &str, form: Node<'_>) -> Failure {
    Failure::usage(format!("{place} is missing: {} is wanted", wanted(form.kind())))
}

/// What a value can be.
pub(crate) fn wanted(kind: Kind<'_>) -> String {
    match kind {
        Kind::Unit => "nothing".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Signed(bits) => {
            let greatest = i128::MAX >> (128 - u32::from(bits));
            format!("i{bits}, {} to {greatest},", -greatest - 1)
        }
        Kind::Unsigned(bits) => format!("u{bits}, 0 to {},", u128::MAX >> (128 - u32::from(bits))),
        Kind::Float(bits) => format!("f{bits}, a number such as 0.5,"),
        Kind::Char => "one character".to_owned(),
        Kind::String => "text".to_owned(),
        Kind::Option(inner) => format!("{} or none", wanted(inner.kind())),
        Kind::Sequence(element) => match element.kind() {
            Kind::Unsigned(8) => "a list of u8, as words, [1, 2] or 0x0102,".to_owned(),
            _ => format!("a list of {}, as words or JSON,", shown(element)),
        },
        Kind::Map(key, value) => {
            format!("a map of {} to {}, as key=value or JSON,", shown(key), shown(value))
        }
        Kind::Tuple(elements) => {
            let elements: Vec<String> = elements.take(8).map(shown).collect();
            format!("({}), as words or JSON,", elements.join(", "))
        }
        Kind::Struct(fields) => {
            let fields: Vec<String> =
                fields.map(|(names, field)| format!("{}: {}", name(names), shown(field))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Kind::Enum(variants) => format!("one of {}", list(variants)),
        _ => "a value that its type keeps to itself".to_owned(),
    }
}

fn shown(form: Node<'_>) -> String {
    Clean(&format!("{form:?}")).to_string()
}

fn list(variants: Variants<'_>) -> String {
    let names: Vec<String> = variants.map(|variant| name(variant.names())).collect();
    names.join(", ")
}

/// The variant that is called so.
pub(crate) fn variant<'d>(place: &str, variants: Variants<'d>, given: &str) -> Result<Variant<'d>, Failure> {
    if let Some(variant) = variants.variant(given) {
        return Ok(variant);
    }
    let what = if place == COMMAND { "the daemon has no command".to_owned() } else { format!("{place}: there is no") };
    let names = variants.flat_map(|variant| variant.names());
    Err(Failure::usage(match nearest(given, names) {
        Some(name) => format!("{what} {}: did you mean {}?", Clean(given), Clean(name)),
        None => format!("{what} {}: {}", Clean(given), known(list(variants))),
    }))
}

fn known(names: String) -> String {
    if names.is_empty() { "it has none".to_owned() } else { format!("it has {names}") }
}

/// Where the command itself stands.
pub(crate) const COMMAND: &str = "the command";

/// The place of a part within `place`.
pub(crate) fn within(place: &str, part: &str) -> String {
    if place == COMMAND { Clean(part).to_string() } else { format!("{place}.{}", Clean(part)) }
}

/// There is no field that is called so.
pub(crate) fn no_field(place: &str, fields: Fields<'_>, given: &str) -> Failure {
    let names = fields.flat_map(|(names, _)| names);
    let all: Vec<String> = fields.map(|(names, _)| name(names)).collect();
    Failure::usage(match nearest(given, names) {
        Some(name) => format!("{place}: there is no field {}: did you mean {}?", Clean(given), Clean(name)),
        None => format!("{place}: there is no field {}: {}", Clean(given), known(all.join(", "))),
    })
}

/// The struct with these fields, in their order. Of those that are not given, options are none.
pub(crate) fn structure(place: &str, fields: Fields<'_>, values: Vec<Option<Value>>) -> Result<Value, Failure> {
    let mut map = Vec::new();
    for ((mut names, form), value) in fields.zip(values) {
        let name = names.next().unwrap_or_default();
        match (value, form.kind()) {
            (Some(value), _) => map.push((Value::Text(name.to_owned()), value)),
            (None, Kind::Option(_)) => map.push((Value::Text(name.to_owned()), Value::None)),
            (None, Kind::Unit) => map.push((Value::Text(name.to_owned()), Value::Unit)),
            (None, _) => return Err(missing(&within(place, name), form)),
        }
    }
    Ok(Value::Map(map))
}

/// The name that may have been meant: with at most a third of its letters wrong.
pub(crate) fn nearest<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let given = folded(given);
    let distances = names.map(|name| (distance(&given, &folded(name)), name));
    let (distance, name) = distances.min_by_key(|&(distance, _)| distance)?;
    (distance <= given.len().max(3) / 3).then_some(name)
}

/// Without what people get wrong most.
fn folded(name: &str) -> Vec<char> {
    name.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// How many letters must be inserted, removed or replaced.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.iter().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (other, above) in other.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
