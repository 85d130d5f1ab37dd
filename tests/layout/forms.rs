//! What the layout of each kind of type is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::support::{different, same, shows};

#[derive(Deserialize)]
enum Command {
    GetLevel,
    SetLevel(u8),
    Limit { rate: u32, burst: u32 },
}

#[test]
fn a_command_prints_as_it_is_declared() {
    shows::<Command>("enum Command { GetLevel, SetLevel(u8), Limit { rate: u32, burst: u32 } }");
}

#[derive(Deserialize)]
enum Tree {
    Leaf(i64),
    Node(Box<Tree>, Box<Tree>),
}

#[derive(Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
    level: u8,
}

#[derive(Deserialize)]
struct Folder {
    children: Vec<Folder>,
    by_name: BTreeMap<String, Folder>,
}

#[test]
fn a_recursive_type_names_itself() {
    shows::<Tree>("enum Tree { Leaf(i64), Node(Tree, Tree) }");
    shows::<Chain>("struct Chain { next: Option<Chain>, level: u8 }");
    shows::<Folder>("struct Folder { children: [Folder], by_name: Map<String, Folder> }");
}

#[test]
fn types_of_the_standard_library_are_traced() {
    shows::<(u8, i16, f32, char, bool, u128)>("(u8, i16, f32, char, bool, u128)");
    shows::<Option<Vec<String>>>("Option<[String]>");
    shows::<HashMap<String, BTreeSet<u8>>>("Map<String, [u8]>");
    shows::<Result<u8, String>>("Result\nenum Result { Ok(u8), Err(String) }".trim_start_matches("Result\n"));
    shows::<std::ops::Range<u32>>("struct Range { start: u32, end: u32 }");
    shows::<IpAddr>("enum IpAddr { V4([u8; 4]), V6([u8; 16]) }");
    shows::<SocketAddr>("enum SocketAddr { V4([u8; 4], u16), V6([u8; 16], u16) }");
    shows::<Duration>("struct Duration { secs: u64, nanos: u32 }");
    shows::<SystemTime>("struct SystemTime { secs_since_epoch: u64, nanos_since_epoch: u32 }");
    shows::<NonZero<u8>>("u8");
    shows::<(NonZero<i32>, u8)>("(i32, u8)");
    shows::<std::ops::Bound<u8>>("enum Bound { Unbounded, Included(u8), Excluded(u8) }");
    shows::<OsString>("enum OsString { Unix([u8]), Windows(opaque) }");
    shows::<[u8; 32]>("[u8; 32]");
    shows::<(u8,)>("(u8,)");
    shows::<()>("()");
}

#[derive(Deserialize)]
struct Unit;
#[derive(Deserialize)]
struct Empty {}
#[derive(Deserialize)]
struct Meters(u32);
#[derive(Deserialize)]
#[serde(transparent)]
struct Transparent {
    within: u32,
}
#[derive(Deserialize)]
struct Pair(u8, String);
#[derive(Deserialize)]
struct Borrowed<'a> {
    name: &'a str,
    #[serde(borrow)]
    bytes: std::borrow::Cow<'a, str>,
    raw: &'a [u8],
}
#[derive(Deserialize)]
struct Skipping {
    a: u8,
    #[serde(skip)]
    left_out: u16,
    #[serde(skip_deserializing)]
    written_only: u16,
    #[serde(default, rename = "c")]
    b: u32,
}
#[derive(Deserialize)]
enum Shapes {
    Unit,
    Newtype(Pair),
    Tuple(u8, u16),
    Struct { a: u8 },
    NoFields {},
    NoElements(),
}

mod other_crate {
    pub struct Foreign {
        pub x: f32,
    }
}
#[derive(Deserialize)]
#[serde(remote = "other_crate::Foreign")]
struct ForeignDef {
    x: f32,
}
#[derive(Deserialize)]
struct Local {
    #[serde(with = "ForeignDef")]
    foreign: other_crate::Foreign,
}

#[derive(Deserialize)]
struct Generic<T> {
    value: T,
}

#[derive(Deserialize)]
struct BothGeneric {
    a: Generic<u8>,
    b: Generic<Option<String>>,
}

#[test]
fn attributes_of_serde_are_followed() {
    shows::<Unit>("()");
    shows::<Empty>("()");
    shows::<Meters>("u32");
    shows::<Transparent>("u32");
    shows::<Pair>("(u8, String)");
    shows::<Borrowed<'static>>("struct Borrowed { name: String, bytes: String, raw: [u8] }");
    shows::<Skipping>("struct Skipping { a: u8, c: u32 }");
    shows::<Shapes>(
        "enum Shapes { Unit, Newtype(u8, String), Tuple(u8, u16), Struct { a: u8 }, NoFields, NoElements }",
    );
    shows::<Local>("struct Local { foreign: ForeignDef }\nstruct ForeignDef { x: f32 }");
    shows::<BothGeneric>(
        "struct BothGeneric { a: Generic, b: Generic#2 }\nstruct Generic { value: u8 }\nstruct Generic#2 { value: Option<String> }",
    );
}

#[test]
fn one_form_on_the_wire_is_one_layout() {
    same::<String, &'static str>();
    same::<String, heapless::String<8>>();
    same::<String, Box<str>>();
    same::<String, std::path::PathBuf>();
    same::<usize, u64>();
    same::<isize, i64>();
    same::<HashMap<u8, String>, BTreeMap<u8, String>>();
    same::<HashMap<u8, u8>, heapless::LinearMap<u8, u8, 4>>();
    same::<Vec<u16>, std::collections::VecDeque<u16>>();
    same::<Vec<u16>, heapless::Vec<u16, 4>>();
    same::<Vec<u16>, BTreeSet<u16>>();
    same::<Vec<u8>, &'static [u8]>();
    same::<Box<Meters>, u32>();
    same::<std::cell::Cell<u8>, std::sync::atomic::AtomicU8>();
    same::<[u8; 2], (u8, u8)>();
    same::<(), std::marker::PhantomData<u8>>();
    same::<NonZero<u64>, std::num::Wrapping<usize>>();
    different::<Vec<u16>, BTreeMap<u16, u16>>();
    different::<Option<u8>, Vec<u8>>();
    different::<String, Vec<u8>>();
    different::<u8, i8>();
    different::<u8, bool>();
    different::<u32, char>();
    different::<[u8; 2], [u8; 3]>();
}

#[test]
fn the_name_of_the_codec_counts() {
    assert_ne!(
        ipc_server::layout::fingerprint::<u8>("bincode").unwrap(),
        ipc_server::layout::fingerprint::<u8>("postcard").unwrap()
    );
}

#[test]
fn types_of_other_crates_are_traced_with_samples() {
    shows::<uuid::Uuid>("[u8]");
    shows::<(semver::Version, u8)>("(String, u8)");
    shows::<(url::Url, u8)>("(String, u8)");
    shows::<(semver::VersionReq, u8)>("(String, u8)");
    shows::<(chrono::DateTime<chrono::Utc>, u8)>("(String, u8)");
    shows::<(chrono::NaiveDate, chrono::NaiveDateTime, chrono::NaiveTime, chrono::Weekday)>("[String; 4]");
}
