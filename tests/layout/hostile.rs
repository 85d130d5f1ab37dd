//! A description that a peer sent.

use std::fmt::Write;

use ipc_server::layout::{self, Description, DescriptionError, Kind, MAX_RECEIVED_DEFINITIONS, Node};
use proptest::prelude::*;
use serde::Deserialize;

use super::support::described;

fn refused(bytes: &[u8]) -> DescriptionError {
    Description::validate(&mut bytes.to_vec()).unwrap_err()
}

/// A struct without a name whose one field, `a`, is these bytes.
fn struct_of(node: &[u8]) -> Vec<u8> {
    [b"\x41\0\0\0\0\0".as_slice(), node, b"\x00\x02a"].concat()
}

fn description(root: &[u8], definitions: &[Vec<u8>]) -> Vec<u8> {
    [b"\x01", root, &definitions.concat(), b"\x00"].concat()
}

#[test]
fn exact_bytes_of_a_description() {
    #[derive(Deserialize)]
    enum Command {
        GetLevel,
        SetLevel(u8),
        Limit { rate: u32 },
    }
    let expected = b"\x01\x25\x01\
        \x42\x07Command\0\0\0\0\
        \x40\0\0\x01\
        \x40\0\0\x08\
        \x40\0\0\x24\x0a\x00\x08rate\
        \x00\x10GetLevel\x10SetLevel\x0aLimit\
        \x00";
    assert_eq!(described::<Command>(1000), expected);
    let mut bytes = *expected;
    let description = Description::validate(&mut bytes).unwrap();
    assert_eq!(description.to_string(), "enum Command { GetLevel, SetLevel(u8), Limit { rate: u32 } }");
    assert_eq!(&bytes[12..16], b"\x39\0\x21\0", "its length, and where the names are");
}

#[test]
fn a_description_is_walked_by_name() {
    #[derive(Deserialize)]
    enum Command {
        GetLevel,
        #[serde(alias = "Put")]
        Set(Settings, u8),
        Limit {
            rate: u32,
            burst: Option<u16>,
        },
    }
    #[derive(Deserialize)]
    struct Settings {
        names: Vec<String>,
        address: [u8; 4],
    }
    let mut bytes = described::<Command>(1000);
    let Kind::Enum(command) = Description::validate(&mut bytes).unwrap().root().kind() else { panic!() };
    assert_eq!(command.name(), "Command");
    assert_eq!(
        command.map(|variant| variant.names().next().unwrap()).collect::<Vec<_>>(),
        ["GetLevel", "Put", "Limit"]
    );
    assert!(command.variant("Shutdown").is_none());
    assert!(matches!(command.variant("GetLevel").unwrap().content(), Kind::Unit));
    let set = command.variant("Set").unwrap();
    assert_eq!((set, set.index()), (command.variant("Put").unwrap(), 1));
    let Kind::Tuple(mut elements) = set.content() else { panic!() };
    let Kind::Struct(settings) = elements.next().unwrap().kind() else { panic!() };
    assert!(matches!(elements.next().unwrap().kind(), Kind::Unsigned(8)));
    assert!(elements.next().is_none());
    assert_eq!(settings.name(), "Settings");
    let (index, address) = settings.field("address").unwrap();
    assert_eq!(index, 1);
    let Kind::Tuple(octets) = address.kind() else { panic!() };
    assert_eq!(octets.map(Node::kind).filter(|kind| matches!(kind, Kind::Unsigned(8))).count(), 4);
    let Kind::Struct(limit) = command.variant("Limit").unwrap().content() else { panic!() };
    assert!(matches!(limit.field("burst").unwrap().1.kind(), Kind::Option(_)));
    assert!(limit.field("rates").is_none());
}

#[test]
fn a_value_that_would_contain_itself_is_refused() {
    let itself = description(b"\x25\x01", &[struct_of(b"\x25\x01")]);
    assert_eq!(refused(&itself), DescriptionError::Endless);
    let each_other = description(b"\x25\x01", &[struct_of(b"\x23\x08\x25\x02\x00"), struct_of(b"\x25\x01")]);
    assert_eq!(refused(&each_other), DescriptionError::Endless);
    let through_an_option = description(b"\x25\x01", &[struct_of(b"\x20\x25\x01")]);
    assert_eq!(Description::validate(&mut through_an_option.clone()).unwrap().to_string(), "struct _ { a: Option<_> }");
}

#[test]
fn many_values_in_few_bytes_are_refused() {
    // Each struct holds the next one twice, and the last holds units.
    let mut definitions: Vec<_> = (2..=40).map(|next| struct_of(&[0x23, 0x25, next, 0x25, next, 0x00])).collect();
    definitions.push(struct_of(b"\x01"));
    assert_eq!(refused(&description(b"\x25\x01", &definitions)), DescriptionError::Endless);
    let units = description(b"\x23\x26\xff\xff\xff\x7f\x01\x00", &[]);
    assert_eq!(refused(&units), DescriptionError::Endless);
    let lists_of_them = description(b"\x21\x23\x26\xff\xff\xff\x7f\x01\x00", &[]);
    assert_eq!(refused(&lists_of_them), DescriptionError::Endless);
}

#[test]
fn what_is_no_description_is_refused() {
    assert_eq!(refused(b""), DescriptionError::Malformed(0));
    assert_eq!(refused(b"\x02\x08\x00"), DescriptionError::Version(2));
    assert_eq!(refused(b"\x01\x08"), DescriptionError::Malformed(2));
    assert_eq!(refused(b"\x01\x08\x00\x00"), DescriptionError::Malformed(3));
    assert_eq!(refused(b"\x01\x25\x01\x00"), DescriptionError::UnknownDefinition(1));
    assert_eq!(refused(b"\x01\x25\x00\x00"), DescriptionError::UnknownDefinition(0));
    assert_eq!(refused(&[1; 65_536]), DescriptionError::TooLong);
    assert_eq!(refused(&description(&[0x20; 70], &[])), DescriptionError::Malformed(1));
    let many = vec![struct_of(b"\x08"); MAX_RECEIVED_DEFINITIONS + 1];
    assert_eq!(refused(&description(b"\x08", &many)), DescriptionError::TooManyDefinitions);
    let mut not_text = struct_of(b"\x08");
    *not_text.last_mut().unwrap() = 0xff;
    assert_eq!(refused(&description(b"\x08", &[not_text])), DescriptionError::InvalidName(11));
    // A field without a name, a number that is longer than it need be, a repeated list.
    assert!(Description::validate(&mut b"\x01\x08\x41\0\0\0\0\0\x08\x00\x00".to_vec()).is_err());
    assert!(Description::validate(&mut b"\x01\x25\x81\x00\x00".to_vec()).is_err());
    assert!(Description::validate(&mut b"\x01\x23\x26\x02\x21\x08\x00\x00".to_vec()).is_err());
}

#[test]
fn lengths_that_a_peer_filled_in_are_not_believed() {
    let mut bytes = described::<Result<u8, String>>(1000);
    let expected = Description::validate(&mut bytes.clone()).unwrap().to_string();
    let head = bytes.iter().position(|&byte| byte == 0x42).unwrap() + 8;
    for wrong in [1_u16, 5, 500, u16::MAX] {
        bytes[head..head + 2].copy_from_slice(&wrong.to_le_bytes());
        bytes[head + 2..head + 4].copy_from_slice(&wrong.to_le_bytes());
        bytes[head + 5..head + 7].copy_from_slice(&wrong.to_le_bytes());
        assert_eq!(Description::validate(&mut bytes.clone()).unwrap().to_string(), expected);
    }
}

fn walk(node: Node<'_>, depth: usize) {
    if depth == 0 {
        return;
    }
    match node.kind() {
        Kind::Option(node) | Kind::Sequence(node) => walk(node, depth - 1),
        Kind::Map(key, value) => {
            walk(key, depth - 1);
            walk(value, depth - 1);
        }
        Kind::Tuple(elements) => elements.take(8).for_each(|node| walk(node, depth - 1)),
        Kind::Struct(fields) => fields.for_each(|(names, node)| {
            assert!(names.count() > 0);
            walk(node, depth - 1);
        }),
        Kind::Enum(variants) => variants.for_each(|variant| {
            assert!(variant.names().count() > 0);
            let _ = format!("{:?}", variant.content());
        }),
        _ => {}
    }
}

#[derive(Deserialize)]
enum Rich {
    Unit,
    #[serde(alias = "B")]
    New(Option<Vec<u16>>),
    Tuple(u8, u8, String),
    Struct {
        a: std::collections::BTreeMap<u8, Rich>,
        b: [u8; 9],
    },
    Inner(Inner),
}
#[derive(Deserialize)]
struct Inner {
    more: Vec<Inner>,
    mode: Result<u8, char>,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is accepted prints, and is walked to its end.
    #[test]
    fn damaged_descriptions_are_refused_or_harmless(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = described::<Rich>(1000);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let sent = bytes.clone();
        if let Ok(description) = Description::validate(&mut bytes) {
            let mut text = String::new();
            prop_assert!(write!(text, "{description}").is_ok(), "{} {:02x?}", text, sent);
            prop_assert!(!description.to_string().is_empty());
            let _ = description.fingerprint("bincode");
            walk(description.root(), 6);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_harmless(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut bytes = bytes;
        if let Ok(description) = Description::validate(&mut bytes) {
            let _ = description.to_string();
            walk(description.root(), 6);
        }
    }
}

#[test]
fn a_description_that_does_not_fit_is_read_in_parts() {
    let all = described::<Rich>(10_000);
    let mut part = [0; 10];
    assert_eq!(layout::describe::<Rich>(0, &mut part), Ok(10));
    assert_eq!(part, all[..10]);
    assert_eq!(layout::describe::<Rich>(all.len() - 3, &mut part), Ok(3));
    assert_eq!(layout::describe::<Rich>(all.len() + 1, &mut part), Ok(0));
}
