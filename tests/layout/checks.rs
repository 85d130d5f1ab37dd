//! The author's check that a type is written as it is read.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use ipc_server::layout::{self, CheckError};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

#[track_caller]
fn agrees<T: Serialize + Deserialize<'static>>() {
    assert_eq!(layout::check::<T>(), Ok(()));
}

#[track_caller]
fn fails<T: Serialize + Deserialize<'static>>(expected: CheckError) {
    assert_eq!(layout::check::<T>(), Err(expected));
}

#[derive(Serialize, Deserialize)]
enum Command {
    Get,
    Set(u8),
    Limit {
        rate: u32,
        burst: Option<Vec<u8>>,
    },
    Pair(String, [u8; 4]),
    Tree(Box<Tree>),
    Table(BTreeMap<String, Result<u8, char>>),
    Address(IpAddr, Duration, SystemTime),
    #[serde(alias = "Finish")]
    End(Settings),
}
#[derive(Serialize, Deserialize)]
enum Tree {
    Leaf(i64),
    Node(Vec<Tree>),
}
#[derive(Serialize, Deserialize)]
struct Settings {
    #[serde(alias = "colour")]
    color: (u8, u8, u8),
    #[serde(skip)]
    cached: u8,
    name: String,
    id: uuid::Uuid,
    version: semver::Version,
    nothing: (),
}

#[test]
fn types_that_are_written_as_they_are_read_agree() {
    agrees::<Command>();
    agrees::<Settings>();
    agrees::<(u8, Option<Tree>, Vec<Tree>)>();
    agrees::<heapless::String<8>>();
    agrees::<heapless::Vec<u16, 4>>();
    agrees::<std::ffi::OsString>();
    agrees::<std::ops::Range<u8>>();
}

#[derive(Serialize, Deserialize)]
enum SkipsMiddle {
    A,
    #[serde(skip)]
    B,
    C(u8),
}

#[derive(Serialize, Deserialize)]
enum NotRead {
    A,
    #[serde(skip_deserializing)]
    B,
    C,
}

#[derive(Serialize, Deserialize)]
enum SkipsLast {
    A,
    B(u8),
    #[serde(skip)]
    C,
}

#[derive(Serialize, Deserialize)]
struct NotWrittenIfNone {
    level: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u8>,
}

#[derive(Serialize, Deserialize)]
enum NotWrittenIfEmpty {
    Get,
    Set {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        levels: Vec<u8>,
        more: u8,
    },
}

#[derive(Serialize, Deserialize)]
struct NeverRead {
    a: u8,
    #[serde(skip_deserializing)]
    b: u8,
}

#[derive(Serialize, Deserialize)]
struct RenamedOneWay {
    #[serde(rename(serialize = "x"))]
    a: u8,
}

#[test]
fn what_disagrees_is_named() {
    fails::<SkipsMiddle>(CheckError::Variant { of: "SkipsMiddle", name: "C", index: 2 });
    fails::<NotRead>(CheckError::Variant { of: "NotRead", name: "C", index: 2 });
    agrees::<SkipsLast>();
    fails::<NotWrittenIfNone>(CheckError::Length { of: "NotWrittenIfNone", written: 1 });
    fails::<NotWrittenIfEmpty>(CheckError::Field { of: "Set", name: "more", index: 0 });
    fails::<NeverRead>(CheckError::Field { of: "NeverRead", name: "b", index: 1 });
    fails::<RenamedOneWay>(CheckError::Field { of: "RenamedOneWay", name: "x", index: 0 });
    assert_eq!(
        layout::check::<SkipsMiddle>().unwrap_err().to_string(),
        "SkipsMiddle::C is written as variant 2, which is read as another"
    );
}

#[test]
fn disagreements_deep_within_a_type_are_found() {
    #[derive(Serialize, Deserialize)]
    enum Outer {
        First,
        Second(Vec<Option<SkipsMiddle>>),
        Third { it: Result<u8, NotWrittenIfNone> },
    }
    fails::<Outer>(CheckError::Variant { of: "SkipsMiddle", name: "C", index: 2 });
    fails::<BTreeMap<u8, (u8, NotWrittenIfNone)>>(CheckError::Length { of: "NotWrittenIfNone", written: 1 });
}

#[derive(Debug)]
struct OtherKind;
impl Serialize for OtherKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("7")
    }
}
impl<'de> Deserialize<'de> for OtherKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(|_| Self)
    }
}

#[derive(Serialize, Deserialize, Debug)]
struct WithOtherKind {
    level: u8,
    other: OtherKind,
}

/// A tag, then a `u8` or a `u32`.
struct Tagged;
impl Serialize for Tagged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (1_u8, 2_u8).serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Tagged;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a tag and more")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tagged, A::Error> {
                if seq.next_element::<u8>()? == Some(1) {
                    seq.next_element::<u8>()?;
                } else {
                    seq.next_element::<u32>()?;
                }
                Ok(Tagged)
            }
        }
        deserializer.deserialize_tuple(2, Parts)
    }
}

struct Refuses;
impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}
impl<'de> Deserialize<'de> for Refuses {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn impls_by_hand_that_do_not_fit_each_other_are_found() {
    fails::<WithOtherKind>(CheckError::Kind { of: "WithOtherKind", part: "other", written: "&str" });
    fails::<Tagged>(CheckError::DependsOnValue);
    fails::<(u8, Option<Refuses>)>(CheckError::Refused);
}
