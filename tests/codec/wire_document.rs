//! docs/wire.md says what the codecs do: its tables and dumps are read from the page and compared with both. And the client
//! in Python, which is written from that page, is answered.

use crate::example;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::process::{Command as Program, Output};
use std::time::Duration;

use crate::example::Background;
use ipc_server::codec::{Bincode, Codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) const PAGE: &str = include_str!("../../docs/wire.md");

/// Defines types and keeps their text.
macro_rules! documented {
    ($($item:item)*) => {
        $(#[derive(Serialize, Deserialize, Debug, PartialEq)] #[allow(dead_code)] $item)*
        const TYPES: &str = stringify!($($item)*);
    };
}

documented! {
    enum Command {
        Stop,
        Configure {
            id: u32,
            name: String,
            limit: Option<i16>,
            mode: Mode,
            pairs: Vec<(char, f32)>,
        },
    }

    enum Mode {
        Slow,
        Fast(u8),
    }
}

/// The lines between "```language" and "```".
pub(crate) fn block(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}");
    let mut lines = PAGE.lines().skip_while(|line| *line != fence);
    assert!(lines.next().is_some(), "the page has no block {language}");
    lines.take_while(|line| *line != "```").collect()
}

pub(crate) fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

fn encoded<K: Codec, T: Serialize>(value: &T) -> Vec<u8> {
    let mut buffer = [0; 256];
    let length = K::encode(value, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect(hex)).collect()
}

/// The bytes of a dump, whose offsets must be right.
pub(crate) fn dump(language: &str) -> Vec<u8> {
    let mut dumped = Vec::new();
    for line in block(language) {
        let (offset, rest) = line.split_once("  ").expect(line);
        assert_eq!(usize::from_str_radix(offset, 16), Ok(dumped.len()), "{line}");
        let (hex, meaning) = rest.split_once("  ").expect(line);
        assert!(!meaning.trim().is_empty(), "{line}");
        dumped.extend(bytes(hex));
    }
    dumped
}

fn check_dump<K: Codec>(language: &str, name: &str) {
    let value = Command::Configure {
        id: 300,
        name: "fan".to_owned(),
        limit: Some(-5),
        mode: Mode::Fast(9),
        pairs: vec![('x', 0.5), ('é', 2.0)],
    };
    assert!(format!("Command::{value:?}").ends_with(block("text")[0]), "the value is the page's");
    let dumped = dump(language);
    assert_eq!(encoded::<K, _>(&value), dumped, "{language}");
    assert_eq!(K::decode::<Command>(&dumped), Ok((value, dumped.len())), "{language}");
    assert!(PAGE.contains(&format!("In {name}, {} bytes:", dumped.len())), "{} bytes", dumped.len());
}

#[test]
fn the_dumps_are_what_the_codecs_write_and_read() {
    assert_eq!(without_spaces(&block("rust").concat()), without_spaces(TYPES));
    check_dump::<Bincode>("bincode", "bincode");
    #[cfg(feature = "postcard")]
    check_dump::<ipc_server::codec::Postcard>("postcard", "postcard");
}

/// The rows of the table of values: what is in each column.
fn rows() -> BTreeMap<&'static str, (Vec<u8>, Vec<u8>)> {
    let section = PAGE.split("### Value by value").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, value, bincode, postcard, _] = cells[..] else { panic!("{line}") };
        (value, (bytes(bincode), bytes(postcard)))
    });
    rows.collect()
}

#[test]
fn the_table_of_values_is_what_the_codecs_write_and_read() {
    let mut rows = rows();
    macro_rules! check {
        ($($value:expr;)*) => {$(
            let name = without_spaces(stringify!($value));
            let row = rows.keys().copied().find(|row| without_spaces(row) == name);
            let (bincode, postcard) = rows.remove(row.expect(&name)).unwrap();
            check_value::<Bincode, _>(&$value, &bincode);
            #[cfg(feature = "postcard")]
            check_value::<ipc_server::codec::Postcard, _>(&$value, &postcard);
            let _ = postcard;
        )*};
    }
    fn check_value<K: Codec, T: Owned>(value: &T, bytes: &[u8]) {
        assert_eq!(encoded::<K, _>(value), bytes, "{value:?}");
        let (decoded, used) = K::decode::<T::Owned>(bytes).unwrap();
        assert_eq!((format!("{decoded:?}"), used), (format!("{value:?}"), bytes.len()));
    }
    /// The type that a value is decoded as.
    trait Owned: Serialize + Debug {
        type Owned: DeserializeOwned + Debug;
    }
    macro_rules! owned {
        ($($type:ty => $owned:ty,)*) => {$(impl Owned for $type { type Owned = $owned; })*};
    }
    owned! {
        bool => bool, u8 => u8, i8 => i8, u16 => u16, i16 => i16, u32 => u32, i32 => i32, u64 => u64, i64 => i64,
        u128 => u128, f32 => f32, f64 => f64, char => char, &str => String, Option<u8> => Option<u8>,
        Vec<u16> => Vec<u16>, BTreeMap<u8, bool> => BTreeMap<u8, bool>, [u8; 3] => [u8; 3], (u8, &str) => (u8, String),
        Result<u8, u8> => Result<u8, u8>, Duration => Duration, () => (),
    }
    check! {
        true; 200_u8; -1_i8; 300_u16; -2_i16; 70_000_u32; -1_i32; 1_u64; -64_i64; 1_u128; 1.5_f32; -2.0_f64; 'é'; "hé";
        None::<u8>; Some(7_u8); vec![1_u16, 300]; BTreeMap::from([(1_u8, true)]); [1_u8, 2, 3]; (1_u8, "x");
        Ok::<u8, u8>(5); Err::<u8, u8>(5); Duration::from_millis(1500); ();
    }
    assert!(rows.is_empty(), "rows that nothing checks: {rows:?}");
}

#[test]
fn a_client_in_python_is_answered() {
    if !example::is_installed("python3") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("ipc-server.sock");
    let client = |arguments: &[&str]| -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/client.py");
        Program::new("python3").arg(script).current_dir(&directory).args(arguments).output().unwrap()
    };
    let answer = |arguments: &[&str]| {
        let output = client(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let status = |arguments: &[&str]| client(arguments).status.code();
    let error = |arguments: &[&str]| {
        let output = client(arguments);
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };

    assert_eq!(status(&["add", "5", "3"]), Some(1), "no daemon");
    let mut server = example::command("simple");
    let server = Background::start(server.current_dir(&directory).arg("server"));
    let server = server.until_listening(socket.to_str().unwrap());
    for wire in [&[][..], &["--bare"]] {
        let with = |arguments: &[&'static str]| [wire, arguments].concat();
        assert_eq!(answer(&with(&["print", "grüße"])), "received response: PrintAck\n");
        assert_eq!(answer(&with(&["add", "5", "3"])), "received response: Add { c: 8 }\n");
        assert_eq!(
            answer(&with(&["push", "18446744073709551615"])),
            "received response: Push { x: 18446744073709551615 }\n"
        );
    }
    let longer_than_the_capacity = "x".repeat(1013);
    assert_eq!(status(&["--bare", "print", &longer_than_the_capacity]), Some(1));
    assert_eq!(
        error(&["print", &longer_than_the_capacity]),
        "client.py: ipc-server.sock: the daemon refuses: the command is longer than 1016 bytes; it was not executed\n"
    );
    assert_eq!(status(&["add", "5"]), Some(2));
    assert_eq!(status(&["push", "-1"]), Some(2));
    drop(server);
    assert_eq!(status(&["add", "5", "3"]), Some(1), "a daemon that is gone");
    fs::remove_file(socket).unwrap();
}
