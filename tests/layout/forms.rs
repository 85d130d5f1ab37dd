//! What the layout of each kind of type is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use ipc_server::layout;
use serde::Deserialize;

#[track_caller]
fn shows<T: Deserialize<'static>>(expected: &str) {
    assert_eq!(layout::text::<T>().unwrap().to_string(), expected);
}

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
