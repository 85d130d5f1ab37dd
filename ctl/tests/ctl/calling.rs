//! Arguments to commands, and answers to text.

use serde_json::{Value, json};

use crate::support::Daemon;
use crate::types::{echo, simple, small_echo};

/// The daemon understands the words so.
#[track_caller]
fn means(daemon: &Daemon, words: &[&str], expected: &str) {
    let mut all = vec!["--json"];
    all.extend_from_slice(words);
    let outcome = daemon.ctl(&all);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""), "{words:?}");
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["Ok"]["debug"], expected, "{words:?}");
    // The answer's JSON goes back as a command.
    let json = answer["Ok"]["command"].to_string();
    let again = daemon.ctl_with_input(&["--json", "-"], &json);
    assert_eq!(again.stdout, outcome.stdout, "{json}");
}

#[test]
fn a_daemon_is_asked_and_told() {
    let daemon = simple();
    daemon.ctl(&["GetLevel"]).prints("3");
    daemon.ctl(&["SetLevel", "5"]).prints("5");
    daemon.ctl(&["GetLevel", "--json"]).prints("5");
    daemon.ctl(&["SetLevel", "300"]).fails(2, "SetLevel: u8, 0 to 255, is wanted, not 300");
    daemon.ctl(&["setlevel", "1"]).fails(2, "the daemon has no command setlevel: did you mean SetLevel?");
    daemon.ctl(&["GetLevel"]).prints("5");
}

#[test]
fn words_are_commands() {
    let daemon = echo();
    means(&daemon, &["GetLevel"], "GetLevel");
    means(&daemon, &["SetLevel", "0xff"], "SetLevel(255)");
    means(&daemon, &["Set", "Step", "5"], "Set(Step(5))");
    means(&daemon, &["Set", "Off"], "Set(Off)");
    means(&daemon, &["Set", "Range", "-5", "7"], "Set(Range { from: -5, to: 7 })");
    means(&daemon, &["Set", "Range", "--to", "7", "--from=-5"], "Set(Range { from: -5, to: 7 })");
    means(&daemon, &["Limit", "1", "2", "n"], r#"Limit { rate: 1, burst: Some(2), name: "n" }"#);
    means(&daemon, &["Limit", "1", "none", "n"], r#"Limit { rate: 1, burst: None, name: "n" }"#);
    means(&daemon, &["Limit", "--name", "n", "1"], r#"Limit { rate: 1, burst: None, name: "n" }"#);
    means(&daemon, &["Limit", "--burst", "some", "2", "1", "n"], r#"Limit { rate: 1, burst: Some(2), name: "n" }"#);
    means(&daemon, &["Limit", "--rate", "1", "--name=--x y"], r#"Limit { rate: 1, burst: None, name: "--x y" }"#);
    means(&daemon, &["Limit", "1", "2", "--", "--n"], r#"Limit { rate: 1, burst: Some(2), name: "--n" }"#);
    means(&daemon, &["Pair", "-1", "\u{e9}"], "Pair(-1, '\u{e9}')");
    means(&daemon, &["Numbers", "1", "-2", "9223372036854775807"], "Numbers([1, -2, 9223372036854775807])");
    means(&daemon, &["Numbers", "[1,-2]"], "Numbers([1, -2])");
    means(&daemon, &["Numbers", "[]"], "Numbers([])");
    means(&daemon, &["Bytes", "0x01ff"], "Bytes([1, 255])");
    means(&daemon, &["Bytes", "1", "255"], "Bytes([1, 255])");
    means(&daemon, &["Table", "a=0.5", "b=-1"], r#"Table({"a": 0.5, "b": -1.0})"#);
    means(&daemon, &["Table", r#"{"a":0.1}"#], r#"Table({"a": 0.1})"#);
    means(&daemon, &["Ports", "80=Off"], "Ports({80: Off})");
    means(&daemon, &["Ports", r#"{"80":{"Step":1}}"#], "Ports({80: Step(1)})");
    means(
        &daemon,
        &["Tagged", "--tags", "a", "b", "--limits", "1", "2"],
        r#"Tagged { tags: ["a", "b"], limits: Limits { soft: 1, hard: Some(2) }, note: None }"#,
    );
    means(
        &daemon,
        &["Tagged", r#"["a"]"#, r#"{"soft":1}"#, "none"],
        r#"Tagged { tags: ["a"], limits: Limits { soft: 1, hard: None }, note: None }"#,
    );
    means(
        &daemon,
        &["Tagged", r#"["a"]"#, "--soft", "1", "--note", "some", "none"],
        r#"Tagged { tags: ["a"], limits: Limits { soft: 1, hard: None }, note: Some("none") }"#,
    );
    means(&daemon, &["Tree", "Node", "Leaf", "Node", "Leaf", "Leaf"], "Tree(Node(Leaf, Node(Leaf, Leaf)))");
    means(&daemon, &["Float", "1e300"], "Float(1e300)");
    means(&daemon, &["Float", "inf"], "Float(inf)");
}

#[test]
fn a_field_comes_before_an_option_of_the_same_name() {
    let daemon = echo();
    means(&daemon, &["Paused", "--paused", "--json"], "Paused { paused: true, json: true }");
    means(&daemon, &["Paused", "--json", "false", "--paused"], "Paused { paused: true, json: false }");
}

#[test]
fn great_numbers_are_exact() {
    let daemon = echo();
    let (small, great, long) = (i128::MIN.to_string(), u128::MAX.to_string(), u64::MAX.to_string());
    let debug = format!("Wide {{ small: {small}, great: {great}, long: {long} }}");
    means(&daemon, &["Wide", &small, &great, &long], &debug);
    let json = format!(r#"{{"Wide":{{"small":{small},"great":"{great}","long":{long}}}}}"#);
    means(&daemon, &[&json], &debug);
    let outcome = daemon.ctl(&["Wide", &small, &great, &long, "--json"]);
    let exact = format!(r#""command":{{"Wide":{{"small":{small},"great":{great},"long":{long}}}}}"#);
    assert!(outcome.stdout.contains(&exact), "{}", outcome.stdout);
}

#[test]
fn json_is_taken_from_arguments_and_from_the_standard_input() {
    let daemon = simple();
    daemon.ctl(&[r#"{"SetLevel":7}"#]).prints("7");
    daemon.ctl_with_input(&["-"], r#"{"SetLevel":8}"#).prints("8");
    daemon.ctl_with_input(&["SetLevel", "-"], " 9\n").prints("9");
    daemon.ctl_with_input(&["-"], "\"GetLevel\"").prints("9");
    daemon
        .ctl_with_input(&["-"], "{")
        .fails(2, "the standard input: this is not JSON: EOF while parsing an object at line 1 column 1");
    let daemon = echo();
    means(&daemon, &["Limit", r#"{"rate":1,"name":"n"}"#], r#"Limit { rate: 1, burst: None, name: "n" }"#);
    means(
        &daemon,
        &["Tagged", "--limits", r#"{"soft":3}"#, "t"],
        r#"Tagged { tags: ["t"], limits: Limits { soft: 3, hard: None }, note: None }"#,
    );
}

#[test]
fn an_answer_is_one_line() {
    let daemon = echo();
    let prints = |words: &[&str], expected: &str| {
        let outcome = daemon.ctl(words);
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""), "{words:?}");
        let (_, command) = outcome.stdout.split_once(", command: ").unwrap();
        assert_eq!(command, format!("{expected} }}\n"));
    };
    prints(&["GetLevel"], "GetLevel");
    prints(&["Set", "Range", "1", "2"], "Set(Range { from: 1, to: 2 })");
    prints(&["Limit", "1", "2", "a\n\u{1b}[31m"], r#"Limit { rate: 1, burst: 2, name: "a\n\u{1b}[31m" }"#);
    prints(&["Pair", "1", "x"], "Pair(1, 'x')");
    prints(&["Ports", r#"80={"Step":1}"#], "Ports({80: Step(1)})");
    prints(&["Table", "a=0.1"], r#"Table({"a": 0.1})"#);
    prints(&["Tree", "Node", "Leaf", "Leaf"], "Tree(Node(Leaf, Leaf))");
    prints(&["Tagged", "[]", "1"], "Tagged { tags: [], limits: { soft: 1, hard: none }, note: none }");
}

#[test]
fn an_err_is_printed_and_is_a_failure() {
    let daemon = echo();
    let outcome = daemon.ctl(&["Fail", "no"]);
    assert_eq!((outcome.status, &*outcome.stdout, &*outcome.stderr), (Some(1), "Err(\"no\")\n", ""));
    let outcome = daemon.ctl(&["--json", "Fail", "no"]);
    assert_eq!((outcome.status, serde_json::from_str(&outcome.stdout).unwrap()), (Some(1), json!({"Err": "no"})));
}

#[test]
fn the_daemons_codec_is_found_out_and_long_descriptions_come_in_parts() {
    let daemon = small_echo();
    means(&daemon, &["Limit", "1", "2", "n"], r#"Limit { rate: 1, burst: Some(2), name: "n" }"#);
    means(&daemon, &["Ports", "80=Off"], "Ports({80: Off})");
}
