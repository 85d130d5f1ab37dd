//! What tracing costs, in what can be counted. Times are for `--nocapture`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipc_server::layout;
use serde::Deserialize;

use super::support::shows;

#[derive(Deserialize)]
enum Command {
    GetLevel,
    SetLevel(u8),
    Limit { rate: u32, burst: Option<u32> },
    Names(Vec<String>),
    Table(BTreeMap<String, Mode>),
    Last(Result<Mode, String>),
    From { peer: IpAddr, within: Duration },
    Tree(Tree),
}
#[derive(Deserialize)]
enum Mode {
    Off,
    On(u16),
    Auto { low: f32, high: f32 },
}
#[derive(Deserialize)]
enum Tree {
    Leaf(i64),
    Node(Vec<Tree>),
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
    static LOWEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Counted;
impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RUNS.set(RUNS.get() + 1);
        Command::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn a_command_of_eight_variants_takes_few_runs() {
    shows::<Command>(
        "enum Command { GetLevel, SetLevel(u8), Limit { rate: u32, burst: Option<u32> }, Names([String]), \
         Table(Map<String, Mode>), Last(Result), From { peer: IpAddr, within: Duration }, Tree(Tree) }\n\
         enum Mode { Off, On(u16), Auto { low: f32, high: f32 } }\n\
         enum Result { Ok(Mode), Err(String) }\n\
         enum IpAddr { V4([u8; 4]), V6([u8; 16]) }\n\
         struct Duration { secs: u64, nanos: u32 }\n\
         enum Tree { Leaf(i64), Node([Tree]) }",
    );
    RUNS.set(0);
    layout::fingerprint::<Counted>("bincode").unwrap();
    println!("{} runs", RUNS.get());
    assert!(RUNS.get() <= 22, "{}", RUNS.get());

    let mut bytes = [0; 1024];
    println!("{} bytes of description", layout::describe::<Command>(0, &mut bytes).unwrap());
    for _ in 0..3 {
        let start = Instant::now();
        for _ in 0..10_000 {
            std::hint::black_box(layout::fingerprint::<Command>(std::hint::black_box("bincode")).unwrap());
        }
        println!("{:?} each", start.elapsed() / 10_000);
    }
}
