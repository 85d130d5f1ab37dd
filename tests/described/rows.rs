//! Each row of what is carried over, for commands.

use std::collections::BTreeMap;

use ipc_server::described::Reason;
use serde::{Deserialize, Serialize};

use super::support::{carry, refused};

macro_rules! version {
    ($name:ident { $($item:item)* }) => {
        mod $name {
            use super::*;
            $(
                #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
                $item
            )*
        }
    };
}

version! { a {
    pub enum Command { GetLevel, SetLevel(u8), Limit { rate: u32, burst: u8 }, Nested { at: Limits, mode: Option<Mode> } }
    pub struct Limits { pub low: i16, pub name: String, pub high: i16 }
    pub enum Mode { Off, On(u8) }
} }

version! { b {
    pub enum Command {
        Shutdown,
        Nested { mode: Option<Mode>, note: Option<String>, at: Limits },
        Limit { burst: u64, rate: u32 },
        SetLevel(i16),
        GetLevel,
    }
    pub struct Limits { pub high: i32, pub extra: Option<u8>, pub low: i8, pub name: String }
    pub enum Mode { Auto, On(u32), Off }
} }

#[test]
fn variants_and_fields_go_by_name_wherever_they_stand() {
    assert_eq!(carry(&a::Command::GetLevel), Ok(b::Command::GetLevel));
    assert_eq!(carry(&a::Command::SetLevel(200)), Ok(b::Command::SetLevel(200)));
    assert_eq!(carry(&a::Command::Limit { rate: 100, burst: 1 }), Ok(b::Command::Limit { burst: 1, rate: 100 }));
    let nested =
        a::Command::Nested { at: a::Limits { low: -7, name: "between".into(), high: 300 }, mode: Some(a::Mode::On(9)) };
    let expected = b::Command::Nested {
        mode: Some(b::Mode::On(9)),
        note: None,
        at: b::Limits { high: 300, extra: None, low: -7, name: "between".into() },
    };
    assert_eq!(carry(&nested), Ok(expected));
}

#[test]
fn at_depth_too() {
    type A = (Vec<a::Limits>, BTreeMap<String, Option<a::Mode>>, [a::Mode; 2]);
    type B = (Vec<b::Limits>, BTreeMap<String, Option<b::Mode>>, [b::Mode; 2]);
    let value: A = (
        vec![a::Limits { low: 1, name: "x".into(), high: 2 }, a::Limits { low: 3, name: String::new(), high: 4 }],
        BTreeMap::from([("off".into(), Some(a::Mode::Off)), ("none".into(), None)]),
        [a::Mode::On(1), a::Mode::Off],
    );
    let expected: B = (
        vec![
            b::Limits { high: 2, extra: None, low: 1, name: "x".into() },
            b::Limits { high: 4, extra: None, low: 3, name: String::new() },
        ],
        BTreeMap::from([("off".into(), Some(b::Mode::Off)), ("none".into(), None)]),
        [b::Mode::On(1), b::Mode::Off],
    );
    assert_eq!(carry(&value), Ok(expected));
}

#[test]
fn a_number_goes_if_it_fits() {
    assert_eq!(carry(&200_u8), Ok(200_u64));
    assert_eq!(carry(&-1_i8), Ok(-1_i128));
    assert_eq!(carry(&u128::MAX), Ok(u128::MAX));
    assert_eq!(carry(&(200_u8, i64::MAX)), Ok((200_i16, i64::MAX as u64)));
    assert_eq!(refused(carry::<u8, i8>(&200)), Reason::Range);
    assert_eq!(refused(carry::<i8, u128>(&-1)), Reason::Range);
    assert_eq!(refused(carry::<u128, i128>(&u128::MAX)), Reason::Range);
    assert_eq!(refused(carry::<u128, u64>(&u128::MAX)), Reason::Range);
    assert_eq!(refused(carry::<u64, u32>(&(1 << 32))), Reason::Range);
    assert_eq!(refused(carry::<u8, f64>(&1)), Reason::Kind);
    assert_eq!(refused(carry::<f64, u8>(&1.0)), Reason::Kind);
    assert_eq!(refused(carry::<String, u8>(&"1".into())), Reason::Kind);
    assert_eq!(refused(carry::<u8, String>(&1)), Reason::Kind);
    assert_eq!(refused(carry::<bool, u8>(&true)), Reason::Kind);
    assert_eq!(refused(carry::<u8, bool>(&1)), Reason::Kind);
}

#[test]
fn a_float_goes_if_it_is_exact() {
    assert_eq!(carry(&0.5_f64), Ok(0.5_f32));
    assert_eq!(carry(&0.1_f32), Ok(f64::from(0.1_f32)));
    assert_eq!(carry(&f64::INFINITY), Ok(f32::INFINITY));
    assert_eq!(refused(carry::<f64, f32>(&0.1)), Reason::Inexact);
    assert_eq!(refused(carry::<f64, f32>(&f64::MAX)), Reason::Inexact);
}

version! { optional {
    pub struct Plain { pub x: u8 }
    pub struct Maybe { pub x: Option<u8> }
    pub struct More { pub x: u8, pub y: Option<u8>, pub z: Option<String> }
    pub struct Needs { pub x: u8, pub y: u8 }
} }

#[test]
fn options() {
    use optional::{Maybe, More, Needs, Plain};
    assert_eq!(carry(&Plain { x: 5 }), Ok(Maybe { x: Some(5) }));
    assert_eq!(carry(&Maybe { x: Some(5) }), Ok(Plain { x: 5 }));
    assert_eq!(refused(carry::<Maybe, Plain>(&Maybe { x: None })), Reason::Absent);
    assert_eq!(carry(&Plain { x: 5 }), Ok(More { x: 5, y: None, z: None }));
    assert_eq!(refused(carry::<Plain, Needs>(&Plain { x: 5 })), Reason::MissingField);
    assert_eq!(carry(&More { x: 5, y: None, z: None }), Ok(Plain { x: 5 }));
    assert_eq!(refused(carry::<More, Plain>(&More { x: 5, y: Some(1), z: None })), Reason::UnknownField);
    assert_eq!(carry(&Some(5_u8)), Ok(Some(Some(5_u8))));
    assert_eq!(carry(&Some(Some(5_u8))), Ok(Some(5_u8)));
    assert_eq!(carry(&None::<Option<u8>>), Ok(None::<u8>));
    assert_eq!(refused(carry::<Option<Option<u8>>, Option<u8>>(&Some(None))), Reason::Absent);
}

#[test]
fn tuples_go_by_position_and_not_into_structs() {
    assert_eq!(carry(&(1_u8, 'x')), Ok((1_u16, Some('x'))));
    assert_eq!(refused(carry::<(u8, u8), (u8, u8, u8)>(&(1, 2))), Reason::Count);
    assert_eq!(refused(carry::<(u8, u8, u8), (u8, u8)>(&(1, 2, 3))), Reason::Count);
    assert_eq!(refused(carry::<(u8, u8), optional::Needs>(&(1, 2))), Reason::Kind);
    assert_eq!(refused(carry::<optional::Needs, (u8, u8)>(&optional::Needs { x: 1, y: 2 })), Reason::Kind);
    assert_eq!(carry(&[1_u8, 2]), Ok(vec![1_u16, 2]));
    assert_eq!(carry(&vec![1_u8, 2]), Ok([1_u16, 2]));
    assert_eq!(refused(carry::<Vec<u8>, [u8; 2]>(&vec![1])), Reason::Count);
    assert_eq!(refused(carry::<Vec<(u8, u8)>, BTreeMap<u8, u8>>(&vec![])), Reason::Kind);
}

version! { unit {
    pub enum Before { Ping, Stop { after: Option<u8> }, Pair((u8, u8)), One(Needs), Tuple(u8, u8), Must }
    pub enum After { Stop, Ping { note: Option<String>, at: Option<u8> }, Tuple((u8, u8)), Pair(u8, u8), One { y: u8, x: u8 }, Must { x: u8 } }
    pub struct Needs { pub x: u8, pub y: u8 }
} }

#[test]
fn variants_that_carry_something_else() {
    use unit::{After, Before, Needs};
    assert_eq!(carry(&Before::Ping), Ok(After::Ping { note: None, at: None }));
    assert_eq!(carry(&Before::Stop { after: None }), Ok(After::Stop));
    assert_eq!(refused(carry::<_, After>(&Before::Stop { after: Some(1) })), Reason::UnknownField);
    assert_eq!(refused(carry::<_, After>(&Before::Must)), Reason::MissingField);
    assert_eq!(carry(&Before::Pair((1, 2))), Ok(After::Pair(1, 2)));
    assert_eq!(carry(&Before::Tuple(1, 2)), Ok(After::Tuple((1, 2))));
    assert_eq!(carry(&Before::One(Needs { x: 1, y: 2 })), Ok(After::One { y: 2, x: 1 }));
    assert_eq!(carry(&After::Stop), Ok(Before::Stop { after: None }));
    assert_eq!(carry(&After::Ping { note: None, at: None }), Ok(Before::Ping));
    assert_eq!(carry(&After::One { y: 2, x: 1 }), Ok(Before::One(Needs { x: 1, y: 2 })));
}
