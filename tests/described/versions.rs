//! Versions of one command, each of which is an edit of others, and what each is in JSON.

use std::collections::BTreeMap;

use ipc_server::codec::Bincode;
#[cfg(feature = "postcard")]
use ipc_server::codec::Postcard;
use ipc_server::described::{self, DecodeError, EncodeError, Format};
use ipc_server::layout::{Kind, Node};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::support::{description, with_form};

/// One version, without its type.
pub(crate) struct Version {
    pub(crate) name: &'static str,
    pub(crate) description: Vec<u8>,
    /// A value from its bytes in bincode, which come from a generator that is led by the description.
    pub(crate) value: fn(&[u8]) -> Option<Box<dyn Sample>>,
    pub(crate) bincode: Reader,
    pub(crate) postcard: Reader,
    /// What serde_json makes of another version's JSON.
    pub(crate) from_json: fn(Value) -> Option<Value>,
}

/// How a program of one version reads.
pub(crate) struct Reader {
    /// By its own codec, all of the bytes.
    pub(crate) bare: fn(&[u8]) -> Option<Value>,
    /// By name.
    pub(crate) described: fn(&[u8], Node<'_>) -> Result<Value, DecodeError>,
}

/// A value of any version.
pub(crate) trait Sample {
    fn json(&self) -> Value;
    fn bincode(&self) -> Vec<u8>;
    fn postcard(&self) -> Vec<u8>;
    fn encode(&self, with_postcard: bool, form: Node<'_>, into: &mut [u8]) -> Result<usize, EncodeError>;
}

impl<T: Serialize + DeserializeOwned> Sample for T {
    fn json(&self) -> Value {
        serde_json::to_value(self).unwrap()
    }

    fn bincode(&self) -> Vec<u8> {
        bincode::serialize(self).unwrap()
    }

    fn postcard(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap()
    }

    fn encode(&self, with_postcard: bool, form: Node<'_>, into: &mut [u8]) -> Result<usize, EncodeError> {
        #[cfg(feature = "postcard")]
        if with_postcard {
            return described::encode::<Postcard, T>(self, form, into);
        }
        assert!(!with_postcard);
        described::encode::<Bincode, T>(self, form, into)
    }
}

fn described_as<K: Format, T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    form: Node<'_>,
) -> Result<Value, DecodeError> {
    described::decode::<K, T>(bytes, form).map(|value| serde_json::to_value(&value).unwrap())
}

fn version<T: Serialize + DeserializeOwned + 'static>(name: &'static str) -> Version {
    Version {
        name,
        description: description::<T>(),
        value: |bytes| bincode::deserialize::<T>(bytes).ok().map(|value| Box::new(value) as Box<dyn Sample>),
        bincode: Reader {
            bare: |bytes| {
                let value: T = bincode::deserialize(bytes).ok()?;
                (bincode::serialized_size(&value).unwrap() == bytes.len() as u64)
                    .then(|| serde_json::to_value(&value).unwrap())
            },
            described: described_as::<Bincode, T>,
        },
        postcard: Reader {
            bare: |bytes| {
                let (value, rest) = postcard::take_from_bytes::<T>(bytes).ok()?;
                rest.is_empty().then(|| serde_json::to_value(&value).unwrap())
            },
            #[cfg(feature = "postcard")]
            described: described_as::<Postcard, T>,
            #[cfg(not(feature = "postcard"))]
            described: described_as::<Bincode, T>,
        },
        from_json: |json| serde_json::from_value::<T>(json).ok().map(|value| serde_json::to_value(&value).unwrap()),
    }
}

macro_rules! versions {
    ($($name:ident { $($item:item)* })*) => {
        $(
            mod $name {
                use super::*;
                $(
                    #[derive(Serialize, Deserialize)]
                    $item
                )*
            }
        )*

        pub(crate) fn all() -> Vec<Version> {
            vec![$(version::<$name::Command>(stringify!($name)),)*]
        }
    };
}

versions! {
    first {
        pub enum Command { Get, Level(u8), Limit { rate: u32, burst: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off, On(u8), Auto { low: u8, high: Option<u8> } }
    }
    variant_in_the_middle {
        pub enum Command { Get, Shutdown, Level(u8), Limit { rate: u32, burst: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off, Sleep(String), On(u8), Auto { low: u8, high: Option<u8> } }
    }
    reversed {
        pub enum Command { Last(Result<Mode, String>), Map(BTreeMap<String, Mode>), Deep(Vec<Inner>), Pair(u8, i16), Name(String), Limit { burst: u8, rate: u32 }, Level(u8), Get }
        pub struct Inner { text: String, mode: Mode, high: Option<u8>, low: f32 }
        pub enum Mode { Auto { high: Option<u8>, low: u8 }, On(u8), Off }
    }
    wider {
        pub enum Command { Get, Level(u64), Limit { rate: i64, burst: u128 }, Name(String), Pair(u16, i32), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f64, high: Option<u32>, mode: Mode, text: String }
        pub enum Mode { Off, On(i16), Auto { low: u64, high: Option<i64> } }
    }
    signed {
        pub enum Command { Get, Level(i8), Limit { rate: i32, burst: i8 }, Name(String), Pair(i8, i8), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: Option<i8>, mode: Mode, text: String }
        pub enum Mode { Off, On(i8), Auto { low: i8, high: Option<i8> } }
    }
    optional {
        pub enum Command { Get, Level(Option<u8>), Limit { rate: Option<u32>, burst: Option<u8> }, Name(Option<String>), Pair(Option<u8>, Option<i16>), Deep(Vec<Option<Inner>>), Map(BTreeMap<String, Option<Mode>>), Last(Option<Result<Mode, String>>) }
        pub struct Inner { low: Option<f32>, high: Option<u8>, mode: Option<Mode>, text: Option<String> }
        pub enum Mode { Off, On(Option<u8>), Auto { low: Option<u8>, high: Option<u8> } }
    }
    required {
        pub enum Command { Get, Level(u8), Limit { rate: u32, burst: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: u8, mode: Mode, text: String }
        pub enum Mode { Off, On(u8), Auto { low: u8, high: u8 } }
    }
    more_fields {
        pub enum Command { Get, Level(u8), Limit { note: Option<String>, rate: u32, limit: Option<u8>, burst: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { first: Option<Mode>, low: f32, high: Option<u8>, mode: Mode, between: Option<Vec<u8>>, text: String, last: Option<u8> }
        pub enum Mode { Off, On(u8), Auto { low: u8, mid: Option<u8>, high: Option<u8> } }
    }
    needs_more {
        pub enum Command { Get, Level(u8), Limit { rate: u32, burst: u8, size: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { extra: u8, low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off, On(u8), Auto { low: u8, high: Option<u8> } }
    }
    defaults {
        pub enum Command { Get, Level(u8), Limit { #[serde(default)] size: u8, rate: u32, #[serde(default)] burst: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { #[serde(default)] extra: u8, #[serde(default)] low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off, On(u8), Auto { #[serde(default)] low: u8, high: Option<u8> } }
    }
    fewer_fields {
        pub enum Command { Get, Level(u8), Limit { burst: u8 }, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, mode: Mode }
        pub enum Mode { Off, On(u8), Auto { low: u8 } }
    }
    units_with_fields {
        pub enum Command { Get { all: Option<bool> }, Level(u8), Limit, Name(String), Pair(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off { at: Option<u8>, why: Option<String> }, On(u8), Auto }
    }
    tuples {
        pub enum Command { Get, Level((u8,)), Limit(u32, u8), Name(String), Pair((u8, i16)), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner(f32, Option<u8>, Mode, String);
        pub enum Mode { Off, On(u8), Auto((u8, Option<u8>)) }
    }
    newtypes {
        pub enum Command { Get, Level(Level), Limit(Limit), Name(Name), Pair(Pair), Deep(List), Map(BTreeMap<Name, Mode>), Last(Result<Mode, Name>) }
        pub struct Level(u8);
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        pub struct Name(String);
        pub struct Limit { burst: u8, rate: u32 }
        pub struct Pair(u8, i16);
        pub struct List(Vec<Inner>);
        pub struct Inner { low: f32, high: Option<Level>, mode: Box<Mode>, text: Name }
        pub enum Mode { Off, On(Level), Auto(Auto) }
        pub struct Auto { high: Option<u8>, low: u8 }
    }
    other_kinds {
        pub enum Command { Get(u8), Level(String), Limit { rate: f32, burst: char }, Name(u32), Pair(String, bool), Deep(BTreeMap<u8, Inner>), Map(Vec<Mode>), Last(Mode) }
        pub struct Inner { low: u32, high: Option<String>, mode: u8, text: Vec<u8> }
        pub enum Mode { Off(u8), On, Auto(u8, u8) }
    }
    removed {
        pub enum Command { Level(u8), Pair(u8, i16), Deep(Vec<Inner>) }
        pub struct Inner { low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { On(u8) }
    }
    renamed {
        pub enum Command { Fetch, Volume(u8), Bounds { rate: u32, burst: u8 }, Title(String), Both(u8, i16), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { min: f32, max: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off, On(u8), Auto { min: u8, max: Option<u8> } }
    }
    swapped_names {
        pub enum Command { Level(u8), Get, Limit { burst: u8, rate: u32 }, Name(String), Pair(i16, u8), Deep(Vec<Inner>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { text: String, high: Option<u8>, mode: Mode, low: f32 }
        pub enum Mode { On(u8), Off, Auto { high: Option<u8>, low: u8 } }
    }
    with_other {
        pub enum Command { Level(u8), Limit { rate: u32, #[serde(default)] burst: u8 }, Deep(Vec<Inner>), #[serde(other)] Other }
        pub struct Inner { mode: Mode, text: String }
        pub enum Mode { On(u8), #[serde(other)] Other }
    }
    arrays {
        pub enum Command { Get, Level([u8; 1]), Limit { rate: u32, burst: u8 }, Name(Vec<u8>), Pair(u8, i16), Deep([Inner; 2]), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: Option<u8>, mode: Mode, text: String }
        pub enum Mode { Off, On(u8), Auto { low: u8, high: Option<u8> } }
    }
    nested_options {
        pub enum Command { Get, Level(Option<Option<u8>>), Limit { rate: Option<Option<u32>>, burst: u8 }, Name(String), Pair(u8, i16), Deep(Option<Vec<Inner>>), Map(BTreeMap<String, Mode>), Last(Result<Mode, String>) }
        pub struct Inner { low: f32, high: u8, mode: Option<Option<Mode>>, text: Option<String> }
        pub enum Mode { Off, On(u8), Auto { low: u8, high: Option<u8> } }
    }
    flat {
        pub struct Command { level: u8, rate: Option<u32>, mode: Mode, texts: Vec<String>, pair: (u8, u8) }
        pub enum Mode { Off, On(u8) }
    }
    flat_later {
        pub struct Command { pair: (u16, i8), mode: Mode, more: Option<Mode>, texts: Vec<Option<String>>, level: i32, rate: u64, since: Option<(u8, u8)> }
        pub enum Mode { Auto(Vec<u8>), On(u16), Off }
    }
    recursive {
        pub enum Command { Get, Level(u8), Tree(Tree), Name(String) }
        pub enum Tree { Leaf(u8), Node { left: Box<Tree>, right: Option<Box<Tree>> }, List(Vec<Tree>) }
    }
    recursive_later {
        pub enum Command { Name(String), Tree(Tree), Stop, Level(u8) }
        pub enum Tree { Empty, List(Vec<Tree>), Node { right: Option<Box<Tree>>, size: Option<u8>, left: Box<Tree> }, Leaf(u32) }
    }
    many_numbers {
        pub struct Command { level: i16, rate: Option<i8>, mode: Mode, texts: Vec<String>, pair: (i64, u64), }
        pub enum Mode { Off, On(i64) }
    }
    keys {
        pub enum Command { Get, Level(u8), Map(BTreeMap<u8, Mode>), Last(BTreeMap<i16, u8>) }
        pub enum Mode { Off, On(u8) }
    }
    zero_sized {
        pub enum Command { Get(()), Level(u8), Units { a: (), list: Vec<()>, b: Empty }, Limit { rate: u32, unit: Empty, burst: u8 } }
        pub struct Empty;
    }
    zero_sized_later {
        pub enum Command { Units { b: Empty, more: Option<()>, list: Vec<()>, a: () }, Level(u8), Get, Limit { burst: u8, unit: Empty, rate: u32 } }
        pub struct Empty {}
    }
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// Bytes in bincode of a value of the form, or none if it becomes too deep.
pub(crate) fn random(form: Kind<'_>, rng: &mut Random, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let length = |out: &mut Vec<u8>, rng: &mut Random| {
        let length = if depth > 3 { rng.below(4) as u64 } else { 0 };
        out.extend(length.to_le_bytes());
        length
    };
    match form {
        Kind::Unit => {}
        Kind::Bool => out.push(rng.below(2) as u8),
        Kind::Signed(bits) => {
            let all = [0, 1, 5, 99, 127, -1, -5, -128, 128, 255, 256, -129, 40_000, -40_000, 1 << 40, -(1 << 40)];
            let most = 1_i64.checked_shl(u32::from(bits) - 1).filter(|most| *most > 0).unwrap_or(i64::MAX);
            let fitting: Vec<i64> = all.into_iter().filter(|number| (-most..most).contains(number)).collect();
            let number = i128::from(fitting[rng.below(fitting.len())]);
            out.extend(&number.to_le_bytes()[..usize::from(bits / 8)]);
        }
        Kind::Unsigned(bits) => {
            let all =
                [0, 1, 5, 99, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 1 << 31, u64::MAX >> 1, u64::MAX];
            let most = u64::MAX >> (64 - u32::from(bits).min(64));
            let fitting: Vec<u64> = all.into_iter().filter(|number| *number <= most).collect();
            let number = u128::from(fitting[rng.below(fitting.len())]);
            out.extend(&number.to_le_bytes()[..usize::from(bits / 8)]);
        }
        Kind::Float(32) => out.extend([0.0_f32, 1.0, -2.5, 0.1][rng.below(4)].to_le_bytes()),
        Kind::Float(_) => out.extend([0.0_f64, 1.0, -2.5, 0.1, 1e300][rng.below(5)].to_le_bytes()),
        Kind::Char => out.extend(["a", "é", "\u{1f980}"][rng.below(3)].as_bytes()),
        Kind::String => {
            let text = ["", "a", "On", "Off", "65", "übel", "a text that is somewhat longer"][rng.below(7)];
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text.as_bytes());
        }
        Kind::Option(inner) => {
            let is_some = depth > 3 && rng.below(2) == 1;
            out.push(u8::from(is_some));
            if is_some {
                random(inner.kind(), rng, depth, out)?;
            }
        }
        Kind::Sequence(element) => {
            for _ in 0..length(out, rng) {
                random(element.kind(), rng, depth, out)?;
            }
        }
        Kind::Map(key, value) => {
            for _ in 0..length(out, rng) {
                random(key.kind(), rng, depth, out)?;
                random(value.kind(), rng, depth, out)?;
            }
        }
        Kind::Tuple(mut elements) => elements.try_for_each(|element| random(element.kind(), rng, depth, out))?,
        Kind::Struct(mut fields) => fields.try_for_each(|(_, field)| random(field.kind(), rng, depth, out))?,
        Kind::Enum(mut variants) => {
            let index = rng.below(variants.count());
            out.extend((index as u32).to_le_bytes());
            random(variants.nth(index)?.content(), rng, depth, out)?;
        }
        _ => return None,
    }
    Some(())
}

pub(crate) fn values(version: &Version, rng: &mut Random, count: usize) -> Vec<Box<dyn Sample>> {
    with_form(version.description.clone(), |form| {
        let mut values = Vec::new();
        for _ in 0..100 * count {
            let mut bytes = Vec::new();
            if random(form.kind(), rng, 10, &mut bytes).is_some() {
                values.extend((version.value)(&bytes));
            }
            if values.len() == count {
                break;
            }
        }
        assert_eq!(values.len(), count, "{}", version.name);
        values
    })
}
