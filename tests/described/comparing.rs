//! What is known before the first command.

use ipc_server::described::{self, CompareError, DecodeError, Reason};
use ipc_server::layout::{self, Description, Effect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::support::{description, with_form};

fn unreadable<Theirs: DeserializeOwned, Ours: DeserializeOwned>() -> Option<DecodeError> {
    with_form(description::<Theirs>(), |form| described::unreadable::<Ours>(form, &mut [0; 256]))
}

#[derive(Serialize, Deserialize)]
struct One {
    level: u8,
}
#[derive(Serialize, Deserialize)]
struct Two {
    level: u8,
    more: u8,
}
#[derive(Serialize, Deserialize)]
struct WithDefault {
    level: u8,
    #[serde(default)]
    more: u8,
}
#[derive(Serialize, Deserialize)]
struct WithOption {
    level: Option<u8>,
    more: Option<u8>,
}
#[derive(Serialize, Deserialize)]
struct OfText {
    level: String,
}

#[test]
fn what_is_missing_and_has_no_default_is_known_before() {
    let error = unreadable::<One, Two>().unwrap();
    assert_eq!(error.to_string(), "the type refused the value: missing field `more`");
    assert_eq!(unreadable::<Two, One>(), None);
    assert_eq!(unreadable::<One, WithDefault>(), None);
    assert_eq!(unreadable::<One, WithOption>(), None);
    assert_eq!(unreadable::<WithOption, Two>(), None, "with `Some`");
    let Some(DecodeError::Refused(refusal)) = unreadable::<One, OfText>() else { panic!() };
    assert_eq!((refusal.reason(), refusal.of(), refusal.part()), (Reason::Kind, "OfText", "level"));
}

#[test]
fn one_variant_that_can_be_read_is_enough() {
    assert_eq!(unreadable::<Result<One, One>, Result<One, Two>>(), None);
    assert!(unreadable::<Result<One, One>, Result<Two, Two>>().is_some());
    assert_eq!(unreadable::<Result<One, Result<u8, One>>, Result<Two, Result<String, One>>>(), None);
    assert_eq!(unreadable::<Vec<One>, Vec<Two>>(), None, "an empty list");
    assert_eq!(unreadable::<Vec<u8>, [u8; 4]>(), None, "a list of four");
    assert_eq!(unreadable::<Option<One>, Option<Two>>(), None, "none");
    assert!(unreadable::<Option<One>, Two>().is_some());
    #[derive(Serialize, Deserialize)]
    enum Other {
        Level,
        #[serde(other)]
        Unknown,
    }
    assert_eq!(unreadable::<Result<One, One>, Other>(), None);
    assert!(unreadable::<Result<One, One>, std::net::IpAddr>().is_some());
}

#[test]
fn a_value_that_is_refused_for_itself_tells_nothing() {
    #[derive(Serialize, Deserialize)]
    struct Above {
        level: std::num::NonZeroU8,
        version: semver::Version,
    }
    #[derive(Serialize, Deserialize)]
    struct Texts {
        level: u8,
        version: String,
    }
    assert_eq!(unreadable::<Texts, Above>(), None);
    assert!(unreadable::<One, Above>().is_some());
}

#[test]
fn a_form_without_end_is_not_followed() {
    #[derive(Serialize, Deserialize)]
    enum Tree {
        Leaf(u8),
        Both(Box<Tree>, Box<Tree>),
    }
    assert_eq!(unreadable::<Tree, Tree>(), None);
    assert!(unreadable::<[Option<Box<Tree>>; 20], u8>().is_some());
}

#[test]
fn differences_are_told_with_what_becomes_of_commands() {
    #[derive(Serialize, Deserialize)]
    enum Ours {
        Get,
        Shutdown,
        Limit { rate: u32, burst: Option<u8> },
    }
    #[derive(Serialize, Deserialize)]
    enum Theirs {
        Limit { rate: u16 },
        Get,
    }
    let (mut bytes, mut scratch) = (description::<Theirs>(), vec![0; 200]);
    let form = Description::validate(&mut bytes).unwrap();
    let mut all = Vec::new();
    described::differences::<Ours>(form, &mut scratch, &mut |change| {
        all.push((change.variant, change.field, change.command));
    })
    .unwrap();
    assert!(all.contains(&("Shutdown", "", Effect::Breaks)), "{all:?}");
    assert!(all.contains(&("Limit", "burst", Effect::Depends)), "{all:?}");
    assert!(all.contains(&("Limit", "rate", Effect::Depends)), "{all:?}");
    let length = layout::describe::<Ours>(0, &mut [0; 200]).unwrap();
    let mut exact = vec![0; length];
    described::differences::<Ours>(form, &mut exact, &mut |_| {}).unwrap();
    for short in [0, 1, length - 1] {
        let mut short = vec![0; short];
        let result = described::differences::<Ours>(form, &mut short, &mut |_| {});
        assert_eq!(result, Err(CompareError::TooSmall(length)));
    }
}
