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

/// Half of it are the frames of the type's own visitors, which the state of the trace lies below.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_command_of_eight_variants_takes_little_stack() {
    use super::stack::used_by;

    fn nothing() {}
    fn fingerprint() {
        layout::fingerprint::<Command>(std::hint::black_box("bincode")).unwrap();
    }
    fn description() {
        let mut bytes = [0; 64];
        layout::describe::<Command>(0, std::hint::black_box(&mut bytes)).unwrap();
    }
    let (most, unoptimized) = (4096, cfg!(debug_assertions));
    let most = if unoptimized { 3 * most } else { most };
    let before = used_by(nothing);
    for (what, of) in [("fingerprint", fingerprint as fn()), ("description", description)] {
        let used = used_by(of) - before;
        println!("{used} bytes of stack for the {what}");
        assert!(used <= most, "{what}: {used} bytes");
    }
}

/// The same on every target, with every compiler and every setting.
#[test]
fn fingerprints_are_the_same_everywhere() {
    let command = layout::fingerprint::<Command>("bincode").unwrap();
    let tree = layout::fingerprint::<Tree>("bincode").unwrap();
    let plain = layout::fingerprint::<(u8, usize, Option<String>)>("postcard").unwrap();
    assert_eq!(
        [command, tree, plain].map(layout::Fingerprint::to_u64),
        [7280878336397593662, 13754531036849072507, 6099768280470530921]
    );
}

macro_rules! deep {
    ($first:ident $($name:ident)*) => { deep!(@ $first $($name)*); };
    (@ $name:ident $next:ident $($rest:ident)*) => {
        #[derive(Deserialize)]
        struct $name {
            before: u8,
            next: Option<$next>,
            after: Vec<$next>,
        }
        deep!(@ $next $($rest)*);
    };
    (@ $last:ident) => {
        #[derive(Deserialize)]
        enum $last {
            Leaf(u8),
            None,
        }
    };
}

deep!(D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11 D12 D13 D14 D15 D16 D17 D18 D19 D20);

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

struct Asks(u8);
impl<'de> Deserialize<'de> for Asks {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ASKED.set(ASKED.get() + 1);
        u8::deserialize(deserializer).map(Self)
    }
}

macro_rules! hundreds {
    ($($tens:ident)*) => {
        mod many {
            use super::Asks;
            $(
                #[derive(serde::Deserialize)]
                pub enum $tens {
                    A(Asks), B(Asks), C(Asks), D(Asks), E(Asks), F(Asks), G(Asks), H(Asks), I(Asks), J(Asks), K(Asks),
                    L { a: Asks, b: Asks },
                }
            )*
        }
        #[derive(Deserialize)]
        enum Many { $($tens(many::$tens),)* }
    };
}

hundreds!(A B C D E F G H I J K L M N O P Q R S T U V W X Y);

fn runs_of<T: Deserialize<'static>>() -> u32 {
    struct Counted<T>(T);
    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counted<T> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            RUNS.set(RUNS.get() + 1);
            T::deserialize(deserializer).map(Self)
        }
    }
    RUNS.set(0);
    ASKED.set(0);
    let start = Instant::now();
    layout::fingerprint::<Counted<T>>("bincode").unwrap();
    println!("{} runs, {} questions, {:?}", RUNS.get(), ASKED.get(), start.elapsed());
    RUNS.get()
}

#[test]
fn deep_and_wide_types_take_a_run_for_each_variant_and_struct() {
    // Both are begun again, with room for more than eight definitions.
    let before = 1 + 8;
    assert_eq!(runs_of::<D1>(), before + 1 + 19 + 2, "twenty definitions within each other");
    let before = 1 + 8;
    assert_eq!(runs_of::<Many>(), before + 1 + 25 + 25 * 12, "three hundred variants and those that lead to them");
    assert!(ASKED.get() <= 3 * 326, "{}", ASKED.get());
}

#[test]
fn more_definitions_than_there_is_room_for_are_an_error() {
    macro_rules! structs {
        ($($name:ident)*) => {
            mod structs { $(
                #[derive(serde::Deserialize)]
                pub struct $name { pub a: u8 }
            )* }
            #[allow(non_snake_case)]
            #[derive(Deserialize)]
            struct All { $($name: structs::$name,)* }
        };
    }
    structs! {
        A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 B0 B1 B2 B3 B4 B5 B6 B7 B8 B9 C0 C1 C2 C3 C4 C5 C6 C7 C8 C9
        D0 D1 D2 D3 D4 D5 D6 D7 D8 D9 E0 E1 E2 E3 E4 E5 E6 E7 E8 E9 F0 F1 F2 F3 F4 F5 F6 F7 F8 F9 G0 G1 G2
    }
    assert_eq!(layout::text::<All>().unwrap().to_string().lines().count(), 64);
    #[derive(Deserialize)]
    struct OneMore {
        all: All,
    }
    assert_eq!(layout::fingerprint::<OneMore>("bincode"), Err(layout::LayoutError::TooManyDefinitions));
}
