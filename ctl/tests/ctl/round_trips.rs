//! Values of many types: JSON in and JSON out, as serde_json has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::time::Duration;

use ipc_server::{Caller, IpcServer, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::support::Daemon;
use crate::types::{Command, Limits, Setting, Tree};

/// A command of any type, which is answered with its content.
#[derive(Serialize, Deserialize, Debug)]
#[serde(transparent)]
struct Echo<T>(T);

impl<T: Serialize + DeserializeOwned> Request for Echo<T> {
    type Response = T;
}

fn check<T: Serialize + DeserializeOwned + Debug + Send + 'static>(values: impl IntoIterator<Item = T>) {
    let daemon = Daemon::start(
        |path| IpcServer::<Echo<T>>::builder().sessions().capacity::<4096>().bind(path).unwrap(),
        |Echo(value), _: Caller| value,
    );
    for value in values {
        let json = serde_json::to_string(&value).unwrap();
        let outcome = daemon.ctl_with_input(&["--json", "-"], &json);
        assert_eq!((&*outcome.stdout, &*outcome.stderr), (&*format!("{json}\n"), ""), "{value:?}");
        // As a word it is the same, where no form of its own goes before.
        if json.starts_with(['{', '[']) || json.bytes().all(|byte| byte.is_ascii_digit()) {
            assert_eq!(daemon.ctl(&["--json", "--", &json]), outcome, "{json}");
        }
        // Text is one line.
        let text = daemon.ctl_with_input(&["-"], &json).stdout;
        assert_eq!((text.matches('\n').count(), text.ends_with('\n')), (1, true), "{text}");
    }
}

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Unit;

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Pair(u8, Option<String>);

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Generic<T> {
    #[serde(rename = "the value")]
    value: T,
    nested: Vec<Option<T>>,
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
enum Key {
    FirstKey,
    SecondKey,
}

#[test]
fn scalars() {
    check([u8::MIN, u8::MAX]);
    check([i8::MIN, i8::MAX]);
    check([u16::MIN, u16::MAX]);
    check([i16::MIN, i16::MAX]);
    check([u32::MIN, u32::MAX]);
    check([i32::MIN, i32::MAX]);
    check([u64::MIN, 1 << 53 | 1, u64::MAX]);
    check([i64::MIN, -1, i64::MAX]);
    check([u128::MIN, u128::MAX]);
    check([i128::MIN, -1, i128::MAX]);
    check([0.1_f32, f32::MIN_POSITIVE, f32::MAX, -0.0]);
    check([0.1_f64, f64::MIN_POSITIVE, f64::MAX, -1e-9]);
    check([true, false]);
    check(['a', '"', '\u{1f980}', '\0']);
    check(["", "a b", "\"\\\n\u{1b}", "\u{1f980}", "-", "--json"].map(str::to_owned));
    check([NonZeroU16::MIN, NonZeroU16::MAX]);
}

#[test]
fn containers() {
    check([Some(5_u8), None]);
    check([vec![0_u8, 255], vec![]]);
    check([vec![vec![1_i64, -1], vec![]], vec![]]);
    check([[1_u16, 2, 3]]);
    check([(1_u8, 'x', "y".to_owned())]);
    check([vec![(1_u8, Some(true)), (2, None)]]);
    check([BTreeMap::from([("a".to_owned(), vec![1_u8]), ("b=c".to_owned(), vec![])]), BTreeMap::new()]);
    check([BTreeMap::from([(1_u16, 0.5_f32), (300, -1.0)])]);
    check([BTreeMap::from([(-1_i128, ()), (1, ())])]);
    check([BTreeMap::from([('x', true)])]);
    check([BTreeMap::from([(false, 1_u8), (true, 2)])]);
    check([BTreeMap::from([(Key::FirstKey, 1_u8), (Key::SecondKey, 2)])]);
    check([BTreeSet::from([1_u8, 2])]);
    check([Ok(5_u8), Err("no".to_owned())].map(|result: Result<u8, String>| vec![result]));
    check([Range { start: 1_u8, end: 2 }]);
    check([Bound::Included(1_u8), Bound::Unbounded]);
}

#[test]
fn structs_and_enums() {
    check([Pair(1, Some("x".to_owned())), Pair(2, None)]);
    check([Generic { value: 'x', nested: vec![None, Some('y')] }]);
    check([Generic { value: Setting::Off, nested: vec![Some(Setting::Range { from: -1, to: 1 })] }]);
    check([vec![Unit, Unit]]);
    check([Setting::Step(1), Setting::Label("x".to_owned()), Setting::Off]);
    check([vec![Tree::Leaf, Tree::Node(Box::new(Tree::Leaf), Box::new(Tree::Leaf))]]);
    check([Limits { soft: 1, hard: None }, Limits { soft: 1, hard: Some(2) }]);
    check([
        vec![Command::GetLevel, Command::Bytes(vec![1, 2]), Command::Paused { paused: true, json: false }],
        vec![Command::Wide { small: i128::MIN, great: u128::MAX, long: u64::MAX }],
    ]);
    check([Duration::from_millis(1500)]);
    check([PathBuf::from("/run/x")]);
    check([Some(Key::FirstKey), None]);
}

#[test]
fn keys_that_are_no_text_make_a_list_of_entries() {
    let daemon = Daemon::start(
        |path| IpcServer::<Echo<BTreeMap<(u8, Tree), u8>>>::builder().sessions().bind(path).unwrap(),
        |Echo(value), _: Caller| value,
    );
    let json = r#"[[[1,"Leaf"],3],[[2,{"Node":["Leaf","Leaf"]}],4]]"#;
    daemon.ctl(&["--json", json]).prints(json);
    daemon.ctl(&[json]).prints("{(1, Leaf): 3, (2, Node(Leaf, Leaf)): 4}");
}

#[test]
fn addresses_are_what_they_are_on_the_wire() {
    let daemon = Daemon::start(
        |path| IpcServer::<Echo<(IpAddr, SocketAddr)>>::builder().sessions().bind(path).unwrap(),
        |Echo(value), _: Caller| value,
    );
    let json = r#"[{"V4":[127,0,0,1]},{"V4":[[10,0,0,1],80]}]"#;
    daemon.ctl(&["--json", json]).prints(json);
    daemon
        .ctl(&["V4", "127", "0", "0", "1", "V4", "[[10,0,0,1],80]"])
        .prints("(V4(127, 0, 0, 1), V4((10, 0, 0, 1), 80))");
}
