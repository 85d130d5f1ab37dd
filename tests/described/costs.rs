//! What a value by name costs. Times are for `--nocapture`, in a release build.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipc_server::codec::{Bincode, Codec};
use ipc_server::described;
use serde::{Deserialize, Serialize};

use super::support::{description, with_form};

mod ours {
    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub enum Command {
        GetLevel,
        SetLevel(u8),
        Limit { rate: u32, burst: Option<u32> },
        Names(Vec<String>),
        Table(BTreeMap<String, Mode>),
        Last(Result<Mode, String>),
        From { peer: IpAddr, within: Duration },
        Tree(Tree),
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub enum Mode {
        Off,
        On(u16),
        Auto { low: f32, high: f32 },
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub enum Tree {
        Leaf(i64),
        Node(Vec<Tree>),
    }
}

mod theirs {
    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub enum Command {
        Shutdown,
        Tree(Tree),
        From { within: Duration, note: Option<String>, peer: IpAddr },
        Last(Result<Mode, String>),
        Table(BTreeMap<String, Mode>),
        Names(Vec<String>),
        Limit { burst: Option<u32>, rate: u64 },
        SetLevel(u16),
        GetLevel,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub enum Mode {
        Auto { high: f32, low: f32 },
        On(u32),
        Off,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub enum Tree {
        Node(Vec<Tree>),
        Leaf(i64),
    }
}

fn commands() -> Vec<ours::Command> {
    use ours::{Command, Mode, Tree};
    vec![
        Command::GetLevel,
        Command::SetLevel(5),
        Command::Limit { rate: 100, burst: Some(1) },
        Command::Names(vec!["one".into(), "two".into()]),
        Command::Table(BTreeMap::from([("a".into(), Mode::On(1)), ("b".into(), Mode::Auto { low: 0.5, high: 1.5 })])),
        Command::Last(Err("it failed".into())),
        Command::From { peer: [127, 0, 0, 1].into(), within: Duration::from_millis(1500) },
        Command::Tree(Tree::Node(vec![Tree::Leaf(1), Tree::Node(vec![Tree::Leaf(2)])])),
    ]
}

fn nanoseconds(mut run: impl FnMut()) -> u128 {
    const TURNS: u32 = if cfg!(debug_assertions) { 100 } else { 100_000 };
    (0..5)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..TURNS {
                run();
            }
            start.elapsed().as_nanos() / u128::from(TURNS)
        })
        .min()
        .unwrap()
}

#[test]
fn a_command_of_eight_variants() {
    println!("{:>60}  write bare read bare", "");
    let (there, here) = (description::<theirs::Command>(), description::<ours::Command>());
    println!("{} bytes of description", there.len());
    for command in commands() {
        let mut bytes = [0; 200];
        let bare_write = nanoseconds(|| {
            black_box(Bincode::encode(black_box(&command), &mut bytes).unwrap());
        });
        let write = with_form(there.clone(), |form| {
            nanoseconds(|| {
                black_box(described::encode::<Bincode, _>(black_box(&command), form, &mut bytes).unwrap());
            })
        });
        let length = with_form(there.clone(), |form| described::encode::<Bincode, _>(&command, form, &mut bytes));
        let length = length.unwrap();
        let theirs: theirs::Command = bincode::deserialize(&bytes[..length]).unwrap();
        let bare_read = nanoseconds(|| {
            black_box(Bincode::decode::<theirs::Command>(black_box(&bytes)).unwrap());
        });
        let read = with_form(there.clone(), |form| {
            nanoseconds(|| {
                black_box(described::decode::<Bincode, ours::Command>(black_box(&bytes[..length]), form).unwrap());
            })
        });
        println!("{:>60}  {write:>5} {bare_write:>4} {read:>4} {bare_read:>4}", format!("{command:?}"));
        let again = with_form(here.clone(), |form| {
            let mut bytes = [0; 200];
            let length = described::encode::<Bincode, _>(&theirs, form, &mut bytes).unwrap();
            bincode::deserialize::<ours::Command>(&bytes[..length]).unwrap()
        });
        assert_eq!(again, command);
    }
}

thread_local! {
    static LOWEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// An `i64` that notes how deep the stack is.
#[derive(Debug)]
struct Deepest;

fn note() {
    let here = 0_u8;
    LOWEST.set(LOWEST.get().min(std::ptr::addr_of!(here) as usize));
}

impl Serialize for Deepest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        note();
        serializer.serialize_i64(1)
    }
}

impl<'de> Deserialize<'de> for Deepest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        note();
        i64::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn a_level_takes_little_stack() {
    #[derive(Serialize, Deserialize, Debug)]
    enum Tree {
        Leaf(Deepest),
        Node { next: Box<Tree>, more: Option<u8> },
    }
    #[derive(Serialize, Deserialize, Debug)]
    enum There {
        Node { more: Option<u16>, next: Box<There> },
        Leaf(i64),
    }
    with_form(description::<There>(), |form| {
        let mut bytes = vec![0; 4000];
        let mut of = |levels: usize| {
            let tree = (0..levels).fold(Tree::Leaf(Deepest), |next, _| Tree::Node { next: Box::new(next), more: None });
            let here = 0_u8;
            let used = || std::ptr::addr_of!(here) as usize - LOWEST.replace(usize::MAX);
            let length = described::encode::<Bincode, _>(&tree, form, &mut bytes).unwrap();
            let write = used();
            described::decode::<Bincode, Tree>(&bytes[..length], form).unwrap();
            (write, used())
        };
        let (few, many) = (of(1), of(41));
        println!("write {} bytes and {} for each level", few.0, (many.0 - few.0) / 40);
        println!("read {} bytes and {} for each level", few.1, (many.1 - few.1) / 40);
        if !cfg!(debug_assertions) {
            assert!((many.0 - few.0) / 40 < 2000 && (many.1 - few.1) / 40 < 2000);
        }
    });
}
