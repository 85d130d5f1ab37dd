//! Each row of what is carried over, for responses.

use std::collections::BTreeMap;

use ipc_server::described::{DecodeError, Reason};
use serde::{Deserialize, Serialize};

use super::support::{read, unreadable};

#[test]
fn numbers() {
    assert_eq!(read(&200_u8), Ok(200_u64));
    assert_eq!(read(&-1_i8), Ok(-1_i128));
    assert_eq!(read(&5_i64), Ok(5_u8));
    assert_eq!(read(&5_u128), Ok(5_u8));
    assert_eq!(read(&u128::MAX), Ok(u128::MAX));
    assert!(matches!(read::<u8, i8>(&200), Err(DecodeError::Custom(_))));
    assert!(matches!(read::<i8, u128>(&-1), Err(DecodeError::Custom(_))));
    assert!(matches!(read::<u128, i128>(&u128::MAX), Err(DecodeError::Custom(_))));
    assert_eq!(unreadable(read::<u8, f64>(&1)), Reason::Kind);
    assert_eq!(unreadable(read::<f32, u8>(&1.0)), Reason::Kind);
    assert_eq!(read(&0.5_f64), Ok(0.5_f32));
    assert_eq!(read(&0.1_f32), Ok(f64::from(0.1_f32)));
    assert_eq!(unreadable(read::<f64, f32>(&0.1)), Reason::Inexact);
    assert_eq!(unreadable(read::<String, char>(&"x".into())), Reason::Kind);
    assert_eq!(unreadable(read::<String, u8>(&"1".into())), Reason::Kind);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Old {
    x: u8,
    gone: u16,
    note: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct New {
    extra: Vec<BTreeMap<u8, Result<(), String>>>,
    note: String,
    #[serde(alias = "gone")]
    renamed: u32,
    x: Option<u8>,
    #[serde(default)]
    late: u8,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Strict {
    x: u8,
    missing: u8,
}

#[test]
fn structs() {
    let old = Old { x: 1, gone: 2, note: Some("n".into()) };
    assert!(matches!(read::<_, New>(&old), Err(DecodeError::Custom(_))), "extra is missing");
    let new = New {
        extra: vec![BTreeMap::from([(1, Ok(())), (2, Err("e".into()))])],
        note: "n".into(),
        renamed: 7,
        x: Some(3),
        late: 0,
    };
    // The name under which a field is written is not known, so that a reader of either has it.
    assert_eq!(read::<_, Old>(&new), Ok(Old { x: 3, gone: 7, note: Some("n".into()) }));
    assert!(matches!(read::<_, Strict>(&old), Err(DecodeError::Custom(_))));
    assert_eq!(unreadable(read::<Option<u8>, u8>(&None)), Reason::Absent);
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum OldReply {
    Done,
    Level(u8),
    Limit {
        rate: u8,
        burst: Option<u8>,
    },
    #[serde(other)]
    Other,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum NewReply {
    Color { r: u8, g: u8 },
    Many(Vec<String>),
    Limit { more: String, rate: u16 },
    Done { at: u8 },
    Level(i8),
}

#[test]
fn enums() {
    assert_eq!(read(&NewReply::Color { r: 1, g: 2 }), Ok(OldReply::Other));
    assert_eq!(read(&NewReply::Many(vec!["a".into()])), Ok(OldReply::Other));
    assert_eq!(read(&NewReply::Done { at: 2 }), Ok(OldReply::Done));
    assert_eq!(read(&NewReply::Level(5)), Ok(OldReply::Level(5)));
    assert_eq!(read(&NewReply::Limit { more: "x".into(), rate: 7 }), Ok(OldReply::Limit { rate: 7, burst: None }));
    assert!(matches!(read::<_, OldReply>(&NewReply::Level(-5)), Err(DecodeError::Custom(_))));
    let error = read::<_, NewReply>(&OldReply::Done).unwrap_err();
    assert_eq!(error.to_string(), "the type refused the value: missing field `at`");
    let error = read::<_, Result<u8, u8>>(&OldReply::Done).unwrap_err();
    assert_eq!(error.to_string(), "the type refused the value: unknown variant `Done`, expected `Ok` or `Err`");
}
