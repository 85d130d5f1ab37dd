//! Descriptions and bytes of a peer that means harm: an error, in bounded time.

use std::time::{Duration, Instant};

use ipc_server::codec::{self, Bincode};
use ipc_server::described::{self, DecodeError, EncodeError};
use ipc_server::layout::{self, Description};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::support::{description, with_form};
use super::versions::{Random, all, values};

/// A struct without a name whose fields, `a`, are these nodes.
fn struct_of(nodes: &[u8], count: usize) -> Vec<u8> {
    [b"\x41\0\0\0\0\0".as_slice(), nodes, b"\0", &b"\x02a".repeat(count)].concat()
}

fn description_of(root: &[u8], definitions: &[Vec<u8>]) -> Vec<u8> {
    [b"\x01", root, &definitions.concat(), b"\0"].concat()
}

fn validated(mut bytes: Vec<u8>) -> Vec<u8> {
    Description::validate(&mut bytes).unwrap();
    bytes
}

#[track_caller]
fn is_quick<R>(run: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = run();
    assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
    result
}

#[test]
fn elements_without_bytes_are_counted() {
    with_form(description::<Vec<()>>(), |form| {
        let most = codec::MAX_ZERO_SIZED as u64;
        assert_eq!(described::decode::<Bincode, Vec<()>>(&most.to_le_bytes(), form), Ok(vec![(); 1024]));
        described::decode_value::<Bincode, IgnoredAny>(&most.to_le_bytes(), form).unwrap();
        for untrue in [most + 1, u64::from(u32::MAX), u64::MAX] {
            let expected = DecodeError::Malformed(codec::DecodeError::ImpossibleLength(untrue));
            let bytes = untrue.to_le_bytes();
            assert_eq!(described::decode::<Bincode, Vec<()>>(&bytes, form), Err(expected.clone()));
            assert_eq!(described::decode_value::<Bincode, Value>(&bytes, form), Err(expected.clone()));
            assert_eq!(described::decode_value::<Bincode, IgnoredAny>(&bytes, form).unwrap_err(), expected);
        }
        let many = vec![(); 1025];
        let written = described::encode::<Bincode, Vec<()>>(&many, form, &mut [0; 8]);
        assert_eq!(written, Err(EncodeError::TooManyZeroSized));
    });
    with_form(description::<Vec<Vec<()>>>(), |form| {
        let bytes = bincode::serialize(&vec![vec![(); 600], vec![(); 600]]).unwrap();
        described::decode::<Bincode, Vec<Vec<()>>>(&bytes, form).unwrap_err();
        described::decode_value::<Bincode, IgnoredAny>(&bytes, form).unwrap_err();
    });
}

#[test]
fn many_units_in_few_bytes_end_soon() {
    // 1,024 times a tuple of a million units.
    let tuples = validated(description_of(b"\x21\x23\x26\xf0\xff\x3f\x01\0", &[]));
    with_form(tuples, |form| {
        let bytes = 1024_u64.to_le_bytes();
        is_quick(|| described::decode_value::<Bincode, IgnoredAny>(&bytes, form)).unwrap();
        is_quick(|| described::decode_value::<Bincode, Value>(&bytes, form).unwrap_err());
        is_quick(|| described::decode::<Bincode, Vec<()>>(&bytes, form).unwrap_err());
        is_quick(|| described::unreadable::<Vec<()>>(form, &mut [0; 100]));
    });
    // Structs each of which holds the next one twice.
    let doubling: Vec<Vec<u8>> = (0..18)
        .map(
            |index| if index == 17 { struct_of(b"\x01", 1) } else { struct_of(&[0x25, index + 2, 0x25, index + 2], 2) },
        )
        .collect();
    with_form(validated(description_of(b"\x21\x25\x01", &doubling)), |form| {
        let bytes = 1024_u64.to_le_bytes();
        is_quick(|| described::decode_value::<Bincode, IgnoredAny>(&bytes, form)).unwrap();
        is_quick(|| described::decode_value::<Bincode, Value>(&bytes, form).unwrap_err());
    });
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Chain(Option<Box<Chain>>);

#[test]
fn depth_is_bounded() {
    let too_deep = DecodeError::Malformed(codec::DecodeError::TooDeep);
    let mut chain = Chain(None);
    for _ in 0..200 {
        chain = Chain(Some(Box::new(chain)));
    }
    // The form of a chain, which has no end, as a peer may send it.
    #[derive(Serialize, Deserialize)]
    enum List {
        End,
        Item(Box<List>),
    }
    with_form(description::<List>(), |form| {
        let bytes = [1, 0, 0, 0].repeat(1000);
        assert_eq!(described::decode_value::<Bincode, IgnoredAny>(&bytes, form).unwrap_err(), too_deep);
        assert_eq!(described::decode_value::<Bincode, Value>(&bytes, form), Err(too_deep.clone()));
        assert_eq!(described::decode::<Bincode, List>(&bytes, form).map(|_| ()), Err(too_deep.clone()));
        let deep = (0..200).fold(List::End, |list, _| List::Item(Box::new(list)));
        let written = described::encode::<Bincode, List>(&deep, form, &mut [0; 2000]);
        assert_eq!(written, Err(EncodeError::TooDeep));
        let less = (0..127).fold(List::End, |list, _| List::Item(Box::new(list)));
        let mut bytes = [0; 2000];
        let length = described::encode::<Bincode, List>(&less, form, &mut bytes).unwrap();
        described::decode::<Bincode, List>(&bytes[..length], form).unwrap();
        bincode::deserialize::<List>(&bytes[..length]).unwrap();
        <Bincode as codec::Codec>::decode::<List>(&bytes[..length]).unwrap();
    });
}

#[test]
fn an_enum_of_very_many_variants_is_slow_and_ends() {
    // 10,000 variants without a name, and a list of them that names the last each time.
    let mut definition = b"\x42\0\0\0\0\0".to_vec();
    definition.extend(b"\x40\0\0\x01".repeat(10_000));
    definition.push(0);
    definition.extend(b"\0".repeat(10_000));
    with_form(validated(description_of(b"\x21\x25\x01", &[definition])), |form| {
        let bytes = [&200_u64.to_le_bytes()[..], &9_999_u32.to_le_bytes().repeat(200)].concat();
        is_quick(|| described::decode_value::<Bincode, IgnoredAny>(&bytes, form)).unwrap();
    });
}

#[test]
fn bytes_that_are_not_of_the_form_are_told() {
    use codec::DecodeError as Reason;
    #[track_caller]
    fn malformed<T: for<'a> Deserialize<'a>>(bytes: &[u8], expected: Reason) {
        with_form(description::<T>(), |form| {
            let expected = DecodeError::Malformed(expected);
            assert_eq!(described::decode_value::<Bincode, Value>(bytes, form).unwrap_err(), expected);
            assert_eq!(described::decode_value::<Bincode, IgnoredAny>(bytes, form).unwrap_err(), expected);
            assert_eq!(described::decode::<Bincode, T>(bytes, form).map(|_| ()).unwrap_err(), expected);
        });
    }
    malformed::<bool>(&[2], Reason::InvalidBool(2));
    malformed::<Option<u8>>(&[2], Reason::InvalidOptionTag(2));
    malformed::<char>(&[0xff], Reason::InvalidChar);
    malformed::<String>(b"\x01\0\0\0\0\0\0\0\xff", Reason::InvalidUtf8);
    malformed::<String>(b"\x02\0\0\0\0\0\0\0a", Reason::Incomplete);
    malformed::<Result<u8, u8>>(&[2, 0, 0, 0], Reason::UnknownVariant(2));
    malformed::<u32>(&[1, 0, 0], Reason::Incomplete);
    malformed::<Vec<u8>>(&[0xff; 8], Reason::ImpossibleLength(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_description_and_any_bytes_end_without_a_panic(
        which in 0..1000_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6),
        garbage in proptest::collection::vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..200),
        seed: u64,
    ) {
        let versions = all();
        let of = &versions[which % versions.len()];
        let mut description = of.description.clone();
        for (at, byte, change) in changes {
            let at = at.index(description.len());
            match change {
                0 => description[at] = byte,
                1 => description.insert(at, byte),
                _ => drop(description.remove(at)),
            }
        }
        let Ok(description) = Description::validate(&mut description) else { return Ok(()) };
        let form = description.root();
        let start = Instant::now();
        let mut own = values(of, &mut Random(seed), 1);
        let own = own.remove(0);
        let mut payloads = vec![garbage, own.bincode(), own.postcard()];
        let mut buffer = [0; 300];
        for version in &versions {
            let value = values(version, &mut Random(seed), 1).remove(0);
            let _ = value.encode(cfg!(feature = "postcard"), form, &mut buffer);
            if let Ok(length) = value.encode(false, form, &mut buffer) {
                payloads.push(buffer[..length].to_vec());
            }
            if let Ok(length) = described::encode_value::<Bincode, Value>(&value.json(), form, &mut buffer) {
                // What was written in this form is of this form.
                described::decode_value::<Bincode, IgnoredAny>(&buffer[..length], form).unwrap();
            }
        }
        for payload in &payloads {
            let _ = described::decode_value::<Bincode, Value>(payload, form);
            let _ = described::decode_value::<Bincode, IgnoredAny>(payload, form);
            for version in &versions {
                let _ = (version.bincode.described)(payload, form);
                let _ = (version.postcard.described)(payload, form);
            }
        }
        let _ = described::unreadable::<Vec<Option<u8>>>(form, &mut buffer);
        prop_assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

#[test]
fn every_length_of_buffer_is_an_error_or_enough() {
    let versions = all();
    for from in &versions {
        for value in values(from, &mut Random(7), 3) {
            for to in &versions {
                with_form(to.description.clone(), |form| {
                    let mut whole = [0; 1000];
                    let Ok(length) = value.encode(false, form, &mut whole) else { return };
                    for short in 0..length {
                        let result = value.encode(false, form, &mut whole[..short]);
                        assert_eq!(result, Err(EncodeError::BufferFull), "{} to {}", from.name, to.name);
                    }
                    let exact = value.encode(false, form, &mut whole[..length]);
                    assert_eq!(exact, Ok(length));
                });
            }
        }
    }
}

#[test]
fn layouts_of_the_library_are_described() {
    // So that the hand-made descriptions above stay descriptions.
    let mut bytes = [0; 10];
    let length = layout::describe::<Vec<()>>(0, &mut bytes).unwrap();
    assert_eq!(bytes[..length], description_of(b"\x21\x01", &[]));
}
