//! Values without a type of their own, as an operator's tool has them.

use std::collections::BTreeMap;

use ipc_server::codec::Bincode;
use ipc_server::described::{self, EncodeError, Reason};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::{carry_json, description, refused, with_form};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Command {
    Stop,
    SetLevel(u8),
    Pair(u8, i8),
    Limit { rate: u32, burst: Option<u64>, name: String },
    Deep(Vec<Option<Command>>),
    Table(BTreeMap<String, f64>),
    Letter(char),
    Bytes(Vec<u8>),
    Fixed([u16; 3]),
    Tuple((u8, (bool, String))),
    Empty {},
    Result(Result<(), String>),
    Big(u128),
    Unit(()),
}

#[track_caller]
fn goes(value: Value, expected: Command) {
    assert_eq!(carry_json::<Command>(&value), Ok(expected), "{value}");
}

#[track_caller]
fn is_refused(value: Value, reason: Reason) {
    assert_eq!(refused(carry_json::<Command>(&value)), reason, "{value}");
}

#[test]
fn json_goes_by_name() {
    goes(json!("Stop"), Command::Stop);
    goes(json!({"Stop": null}), Command::Stop);
    goes(json!({"SetLevel": 5}), Command::SetLevel(5));
    goes(json!({"Pair": [5, -5]}), Command::Pair(5, -5));
    goes(json!({"Limit": {"name": "n", "rate": 7}}), Command::Limit { rate: 7, burst: None, name: "n".into() });
    goes(
        json!({"Limit": {"burst": null, "rate": 7, "name": "n", "unknown": null}}),
        Command::Limit { rate: 7, burst: None, name: "n".into() },
    );
    goes(
        json!({"Limit": {"burst": 9, "rate": 7, "name": "n"}}),
        Command::Limit { rate: 7, burst: Some(9), name: "n".into() },
    );
    goes(
        json!({"Deep": ["Stop", null, {"Deep": [{"SetLevel": 1}]}]}),
        Command::Deep(vec![Some(Command::Stop), None, Some(Command::Deep(vec![Some(Command::SetLevel(1))]))]),
    );
    goes(json!({"Table": {"a": 1.5}}), Command::Table(BTreeMap::from([("a".into(), 1.5)])));
    goes(json!({"Letter": "x"}), Command::Letter('x'));
    goes(json!({"Bytes": [1, 255]}), Command::Bytes(vec![1, 255]));
    goes(json!({"Fixed": [1, 2, 3]}), Command::Fixed([1, 2, 3]));
    goes(json!({"Tuple": [1, [true, "t"]]}), Command::Tuple((1, (true, "t".into()))));
    goes(json!({"Empty": {}}), Command::Empty {});
    goes(json!({"Result": {"Ok": null}}), Command::Result(Ok(())));
    goes(json!({"Big": u64::MAX}), Command::Big(u64::MAX.into()));
}

#[test]
fn what_does_not_fit_is_refused() {
    is_refused(json!("Start"), Reason::UnknownVariant);
    is_refused(json!("SetLevel"), Reason::Kind);
    is_refused(json!({"Start": 1}), Reason::UnknownVariant);
    is_refused(json!({}), Reason::Kind);
    is_refused(json!({"SetLevel": 5, "Stop": null}), Reason::Kind);
    is_refused(json!(1), Reason::Kind);
    is_refused(json!(null), Reason::Kind);
    is_refused(json!({"SetLevel": 256}), Reason::Range);
    is_refused(json!({"SetLevel": "5"}), Reason::Kind);
    is_refused(json!({"SetLevel": 5.0}), Reason::Kind);
    is_refused(json!({"Pair": [1]}), Reason::Count);
    is_refused(json!({"Pair": [1, 2, 3]}), Reason::Count);
    is_refused(json!({"Pair": {"0": 1, "1": 2}}), Reason::Kind);
    is_refused(json!({"Limit": [1, null, "n"]}), Reason::Kind);
    is_refused(json!({"Limit": {"rate": 7}}), Reason::MissingField);
    is_refused(json!({"Limit": {"rate": 7, "name": "n", "unknown": 1}}), Reason::UnknownField);
    is_refused(json!({"Letter": "xy"}), Reason::Kind);
    is_refused(json!({"Letter": ""}), Reason::Kind);
    is_refused(json!({"Table": {"a": 1}}), Reason::Kind);
    is_refused(json!({"Empty": {"a": 1}}), Reason::UnknownField);
    is_refused(json!({"Stop": 1}), Reason::Kind);
}

#[test]
fn a_null_where_none_and_nothing_are_both_possible_is_refused() {
    assert_eq!(refused(carry_json::<Option<()>>(&json!(null))), Reason::Ambiguous);
    assert_eq!(carry_json::<Option<u8>>(&json!(null)), Ok(None));
    assert_eq!(carry_json::<()>(&json!(null)), Ok(()));
}

#[test]
fn a_refusal_names_the_part_and_what_is_known_there() {
    #[track_caller]
    fn says<B: Serialize + DeserializeOwned>(value: Value, expected: &str) {
        with_form(description::<B>(), |form| {
            let error = described::encode_value::<Bincode, _>(&value, form, &mut [0; 100]).unwrap_err();
            let EncodeError::Refused(refusal) = error else { panic!("{error}") };
            assert_eq!(refusal.with(form).to_string(), expected);
        });
    }
    #[derive(Serialize, Deserialize)]
    enum Small {
        Get,
        Set(u8),
        Limit { rate: u32, inner: Inner },
    }
    #[derive(Serialize, Deserialize)]
    struct Inner {
        a: u8,
    }
    const KNOWN: &str = "the other program knows";
    says::<Small>(
        json!("Stop"),
        &format!("Stop: it has no such variant; {KNOWN} Get, Set(u8), Limit {{ rate: u32, inner: Inner }}"),
    );
    says::<Small>(json!({"Set": 300}), &format!("Set: the number does not fit its type; {KNOWN} u8"));
    says::<Small>(
        json!({"Limit": {"rate": 1, "inner": {"a": 1, "b": 2}}}),
        &format!("b: it has no such field; {KNOWN} {{ a: u8 }}"),
    );
    says::<Small>(
        json!({"Limit": {"rate": 1, "inner": {"a": "1"}}}),
        &format!("a: it has another kind of value here; {KNOWN} u8"),
    );
    says::<Small>(
        json!({"Limit": {"rate": 1}}),
        &format!("inner: it needs this field; {KNOWN} {{ rate: u32, inner: Inner }}"),
    );
    let long = "a name that is longer than what there is room for";
    says::<Small>(
        json!({ long: 1 }),
        &format!(
            "a name that is longer than what: it has no such variant; {KNOWN} Get, Set(u8), Limit {{ rate: u32, inner: Inner }}"
        ),
    );
}

#[test]
fn anything_is_read_as_json() {
    #[track_caller]
    fn shows<T: Serialize + DeserializeOwned>(value: &T, expected: Value) {
        with_form(description::<T>(), |form| {
            let bytes = bincode::serialize(value).unwrap();
            assert_eq!(described::decode_value::<Bincode, Value>(&bytes, form), Ok(expected));
            described::decode_value::<Bincode, IgnoredAny>(&bytes, form).unwrap();
        });
    }
    shows(&Command::Stop, json!("Stop"));
    shows(&Command::Pair(1, -1), json!({"Pair": [1, -1]}));
    shows(
        &Command::Limit { rate: 1, burst: Some(2), name: "n".into() },
        json!({"Limit": {"rate": 1, "burst": 2, "name": "n"}}),
    );
    shows(&Command::Deep(vec![None, Some(Command::Letter('x'))]), json!({"Deep": [null, {"Letter": "x"}]}));
    shows(&Command::Unit(()), json!("Unit"));
    shows(&Command::Empty {}, json!("Empty"));
    shows(&Command::Result(Err("e".into())), json!({"Result": {"Err": "e"}}));
    shows(&BTreeMap::from([(1_u8, 'a'), (2, 'b')]), json!({"1": "a", "2": "b"}));
    shows(&BTreeMap::from([('x', 1_i128)]), json!({"x": 1}));
    shows(&BTreeMap::from([(true, 1.5_f32)]), json!({"true": 1.5}));
}

#[test]
fn what_was_read_as_json_goes_back() {
    let values = [
        Command::Stop,
        Command::SetLevel(9),
        Command::Pair(1, -1),
        Command::Limit { rate: 1, burst: None, name: String::new() },
        Command::Deep(vec![Some(Command::Deep(vec![None]))]),
        Command::Table(BTreeMap::from([("x".into(), 0.25)])),
        Command::Letter('\u{1f980}'),
        Command::Bytes(vec![0, 1, 2]),
        Command::Fixed([7, 8, 9]),
        Command::Tuple((1, (false, "x".into()))),
        Command::Empty {},
        Command::Result(Ok(())),
        Command::Big(1 << 60),
        Command::Unit(()),
    ];
    with_form(description::<Command>(), |form| {
        for value in values {
            let bytes = bincode::serialize(&value).unwrap();
            let json: Value = described::decode_value::<Bincode, _>(&bytes, form).unwrap();
            let mut again = [0; 200];
            let length = described::encode_value::<Bincode, _>(&json, form, &mut again).unwrap();
            assert_eq!(again[..length], bytes, "{json}");
        }
    });
}
