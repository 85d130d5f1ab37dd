//! Values of every version to every other: the right value, or a refusal.

use ipc_server::described::{DecodeError, EncodeError};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::support::with_form;
use super::versions::{Random, Sample, Version, all, values};

/// JSON in which what means the same is the same: no field that is null, and a variant without fields is its name.
fn normal(json: &Value) -> Value {
    match json {
        Value::Object(object) => {
            let fields: Map<String, Value> = object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), normal(value)))
                // A unit struct is null, one with braces is not.
                .filter(|(name, value)| name.starts_with(char::is_uppercase) || !is_empty(value))
                .collect();
            match (object.len(), object.iter().next(), fields.iter().next()) {
                (1, Some((name, Value::Null)), None) if name.starts_with(char::is_uppercase) => name.clone().into(),
                (1, _, Some((name, value))) if is_empty(value) => name.clone().into(),
                _ => fields.into(),
            }
        }
        Value::Array(elements) => elements.iter().map(normal).collect(),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// Whether all that is in `part` is in `whole`. A reader may skip fields, not elements.
fn is_within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        // A variant that the reader does not know, and one whose fields it does not.
        (Value::String(name), _) if name == "Other" => true,
        (Value::String(name), Value::Object(fields)) => {
            fields.len() == 1 && fields.get(name).is_some_and(Value::is_object)
        }
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_within(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_within(part, whole))
        }
        _ => part == whole,
    }
}

/// Fields of which a reader takes the default where the writer has none.
fn without_defaults(json: &Value, writers: &Value) -> Value {
    match json {
        Value::Object(fields) => {
            let is_default = |name: &str, value: &Value| {
                ["size", "extra", "low", "burst"].contains(&name)
                    && value.as_f64() == Some(0.0)
                    && writers.get(name).is_none()
            };
            let fields = fields.iter().filter(|(name, value)| !is_default(name, value)).map(|(name, value)| {
                (name.clone(), without_defaults(value, writers.get(name).unwrap_or(&Value::Null)))
            });
            normal(&fields.collect::<Map<_, _>>().into())
        }
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(index, element)| without_defaults(element, writers.get(index).unwrap_or(&Value::Null)))
            .collect(),
        other => other.clone(),
    }
}

#[derive(Default, Debug)]
struct Counts {
    carried: u32,
    refused: u32,
}

/// Whether JSON carries the value over without a loss. Then names must.
fn json_carries(from: &Version, to: &Version, json: &Value) -> bool {
    // In JSON the keys of all maps are texts, `Some(None)` is `None`, and a unit is too.
    let is_blurred = [from.name, to.name].contains(&"keys")
        || ["nested_options", "zero_sized", "zero_sized_later"].contains(&from.name);
    !is_blurred && (to.from_json)(json.clone()).is_some_and(|read| normal(&read) == normal(json))
}

fn command(from: &Version, to: &Version, value: &dyn Sample, counts: &mut Counts) {
    let json = value.json();
    for with_postcard in [false, cfg!(feature = "postcard")] {
        let mut bytes = [0xee; 4096];
        let written = with_form(to.description.clone(), |form| value.encode(with_postcard, form, &mut bytes));
        let place = || format!("{} to {}: {json}", from.name, to.name);
        match written {
            Ok(length) => {
                let reader = if with_postcard { &to.postcard } else { &to.bincode };
                let read = (reader.bare)(&bytes[..length]).unwrap_or_else(|| panic!("{}: it is not read", place()));
                assert_eq!(normal(&read), normal(&json), "{}", place());
                counts.carried += 1;
            }
            Err(EncodeError::Refused(refusal)) => {
                assert!(!json_carries(from, to, &json), "{}: {refusal:?}", place());
                counts.refused += 1;
            }
            Err(error) => panic!("{}: {error:?}", place()),
        }
    }
}

fn response(from: &Version, to: &Version, value: &dyn Sample, counts: &mut Counts) {
    let json = value.json();
    for with_postcard in [false, cfg!(feature = "postcard")] {
        let bytes = if with_postcard { value.postcard() } else { value.bincode() };
        let reader = if with_postcard { &to.postcard } else { &to.bincode };
        let read = with_form(from.description.clone(), |form| (reader.described)(&bytes, form));
        let place = || format!("{} to {}: {json}", from.name, to.name);
        match read {
            Ok(read) => {
                let read = normal(&without_defaults(&normal(&read), &normal(&json)));
                assert!(is_within(&read, &normal(&json)), "{}: {read}", place());
                counts.carried += 1;
            }
            Err(DecodeError::Refused(_) | DecodeError::Custom(_)) => {
                assert!(!json_carries(from, to, &json), "{}: {read:?}", place());
                counts.refused += 1;
            }
            Err(error) => panic!("{}: {error:?}", place()),
        }
    }
}

fn go(seed: u64, count: usize, go: fn(&Version, &Version, &dyn Sample, &mut Counts)) -> Counts {
    let versions = all();
    let mut counts = Counts::default();
    for from in &versions {
        for value in values(from, &mut Random(seed), count) {
            for to in &versions {
                go(from, to, &*value, &mut counts);
            }
        }
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_command_arrives_as_it_was_meant_or_is_refused(seed: u64) {
        let counts = go(seed, 8, command);
        prop_assert!(counts.carried > 1000 && counts.refused > 1000, "{counts:?}");
    }

    #[test]
    fn a_response_is_read_as_it_was_meant_or_is_refused(seed: u64) {
        let counts = go(seed, 8, response);
        prop_assert!(counts.carried > 1000 && counts.refused > 1000, "{counts:?}");
    }
}

/// 10^5 values and pairs, by hand.
#[test]
#[ignore = "it takes a minute"]
fn many_values_of_every_pair() {
    println!("commands {:?}", go(1, 200, command));
    println!("responses {:?}", go(2, 200, response));
}
