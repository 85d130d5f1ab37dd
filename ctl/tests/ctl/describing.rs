//! What a daemon understands, listed.

use serde_json::Value;

use crate::support::{command, run_on_terminal};
use crate::types::{echo, simple, small_echo};

#[test]
fn a_daemon_is_described() {
    let daemon = echo();
    let outcome = daemon.ctl(&[]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let (first, rest) = outcome.stdout.split_once('\n').unwrap();
    let process = std::process::id();
    assert!(first.starts_with(&format!("echod 1.2.3, process {process}, user ")), "{first}");
    assert!(first.ends_with(", bincode, commands of at most 1016 bytes"), "{first}");
    assert_eq!(
        rest,
        "
commands
  GetLevel
  SetLevel  u8
  Set       Setting
  Limit     rate: u32, burst: Option<u64>, name: String
  Paused    paused: bool, json: bool
  Pair      i8, char
  Numbers   [i64]
  Bytes     [u8]
  Table     Map<String, f32>
  Ports     Map<u16, Setting>
  Tagged    tags: [String], limits: Limits, note: Option<String>
  Wide      small: i128, great: u128, long: u64
  Float     f64
  Tree      Tree
  Fail      String

responses
  Ok   debug: String, command: Command
  Err  String

types
  enum Setting { Step(u32), Label(String), Range { from: i16, to: i16 }, Off }
  struct Limits { soft: u16, hard: Option<u16> }
  enum Tree { Leaf, Node(Tree, Tree) }
  struct Echo { debug: String, command: Command }
  enum Command { GetLevel, SetLevel(u8), Set(Setting), Limit { rate: u32, burst: Option<u64>, name: String }, \
         Paused { paused: bool, json: bool }, Pair(i8, char), Numbers([i64]), Bytes([u8]), Table(Map<String, f32>), \
         Ports(Map<u16, Setting>), Tagged { tags: [String], limits: Limits, note: Option<String> }, \
         Wide { small: i128, great: u128, long: u64 }, Float(f64), Tree(Tree), Fail(String) }
"
    );
    assert_eq!(daemon.ctl(&["describe"]), outcome);
}

#[test]
fn a_response_that_is_no_enum_is_described() {
    let outcome = simple().ctl(&[]);
    let (_, rest) = outcome.stdout.split_once('\n').unwrap();
    assert_eq!(rest, "\ncommands\n  GetLevel\n  SetLevel  u8\n\nresponse\n  u8\n");
}

#[test]
fn a_description_for_programs_has_every_type_once() {
    let daemon = small_echo();
    let outcome = daemon.ctl(&["--json"]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let described: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&described["codec"], &described["program"]), (&"postcard".into(), &"".into()));
    assert_eq!(described["process"], std::process::id());
    let command = &described["command"];
    assert_eq!(command["form"], serde_json::json!({"type": "named", "name": "Command"}));
    let variants = &command["types"]["Command"]["variants"];
    assert_eq!(variants[1], serde_json::json!({"name": "SetLevel", "form": {"type": "u8"}}));
    assert_eq!(
        variants[3]["form"]["fields"][1],
        serde_json::json!({"name": "burst", "form": {"type": "option", "of": {"type": "u64"}}})
    );
    assert_eq!(variants[13]["form"], serde_json::json!({"type": "named", "name": "Tree"}));
    assert_eq!(command["types"].as_object().unwrap().len(), 4);
    assert_eq!(daemon.ctl(&["describe", "--json"]), outcome);
}

#[test]
fn help_for_one_command_is_what_it_carries() {
    let daemon = echo();
    daemon.ctl(&["Limit", "--help"]).prints("Limit rate: u32, burst: Option<u64>, name: String");
    daemon.ctl(&["GetLevel", "-h"]).prints("GetLevel");
    daemon.ctl(&["GetLevel", "--help"]).prints("GetLevel");
    daemon.ctl(&["SetLevel", "5", "--help"]).prints("SetLevel u8");
}

#[test]
fn colours_are_for_terminals() {
    let daemon = simple();
    let mut on_terminal = command();
    on_terminal.arg(daemon.socket());
    let shown = run_on_terminal(on_terminal);
    assert!(shown.contains("\x1b[1mfand 1.1.0\x1b[0m"), "{shown}");
    assert!(shown.contains("\x1b[36mSetLevel\x1b[0m  u8"), "{shown}");
    let mut without = command();
    without.arg(daemon.socket()).env("NO_COLOR", "1");
    let shown = run_on_terminal(without);
    assert!(!shown.contains('\x1b') && shown.contains("SetLevel  u8"), "{shown}");
}
