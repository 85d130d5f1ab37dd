//! What the fuzz targets share.

pub mod commands;
#[path = "../../tests/support/model.rs"]
pub mod model;

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use ipc_server::codec::Codec;
use serde::{Deserialize, Serialize};

use self::model::{
    Borrowed, Bytes, Chain, Containers, Fixed, Floats, Hinted, Integers, Kind, Lenient, LenientList, Record, Shape,
    Standard, Theirs, Tree, Unit, Wide, compare, walk,
};

/// Another implementation of a codec's layout.
pub trait Peer {
    type Codec: Codec;
    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Theirs<T>;
}

/// One input in so many is decoded as the types that may have many elements without bytes, which take longer than all the
/// others together, and has its prefixes walked, as one of all types.
const THOROUGH: u64 = 16;

/// Decodes `bytes` as each of many types, side by side with `P`. The bytes decide what else is done, so that a finding is found
/// again.
pub fn decode_as_everything<P: Peer>(bytes: &[u8]) {
    let hash = hash(bytes);
    macro_rules! compare {
        ($($one_in:expr, $kind:ident: $($type:ty),*;)*) => {
            let types = [$($(stringify!($type)),*),*].len() as u64;
            let mut number = 0;
            $($(
                if hash % $one_in == 0 {
                    compare::<P::Codec, $type>(bytes, Kind::$kind, P::decode);
                }
                if hash % THOROUGH == 0 && hash / THOROUGH % types == number {
                    walk::<P::Codec, $type>(bytes, Kind::$kind);
                }
                number += 1;
            )*)*
            assert_eq!(number, types);
        };
    }
    compare! {
        1, Plain: Integers, Floats, Record, Shape, Fixed, Standard, Borrowed<'_>, (Bytes, char), Tree, Chain, (Wide, u8),
            Vec<Wide>, Vec<Fixed>;
        1, ZeroSized: Containers;
        THOROUGH, ZeroSized: Vec<Vec<()>>, (Vec<((), Unit)>, u8);
        1, Lenient: (Lenient<bool>, u16), (Lenient<String>, u8), (Lenient<char>, u8), (Lenient<u64>, Lenient<u16>),
            (Lenient<Vec<Lenient<bool>>>, u8), Vec<Lenient<Shape>>, (LenientList<bool>, u8),
            (LenientList<Vec<String>>, u8), Lenient<Tree>;
        THOROUGH, Lenient: (LenientList<()>, Lenient<u8>);
    }
    if hash % THOROUGH != 0 {
        return;
    }
    // The other implementations tell of other numbers of elements. That only a part has arrived of what a malformed message
    // declares may look like the number that is expected, so only what becomes a value is walked.
    if P::Codec::decode::<(Hinted, u8)>(bytes).is_ok() {
        walk::<P::Codec, (Hinted, u8)>(bytes, Kind::Plain);
    }
    if P::Codec::decode::<Vec<Hinted>>(bytes).is_ok() {
        walk::<P::Codec, Vec<Hinted>>(bytes, Kind::Plain);
    }
}

/// FNV-1a, its upper half folded into the lower one.
fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    hash ^ (hash >> 32)
}

/// Values of every kind that serde knows, made from the fuzzer's bytes.
#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
pub enum Value {
    Nothing,
    Bool(bool),
    Char(char),
    Unsigned(u8, u16, u32, u64, u128),
    Signed(i8, i16, i32, i64, i128),
    Floats(Floats),
    Text(String),
    Listed(Vec<u8>),
    Numbers(Vec<i16>),
    Units(()),
    Option(Option<Option<Box<Self>>>),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    Keys(BTreeMap<(u8, Option<char>), [u16; 2]>),
    Tuple((bool, (Box<Self>, u8))),
    Outcome(Result<Box<Self>, String>),
    Duration(std::time::Duration),
    Empty {},
}

impl<'a> Arbitrary<'a> for Floats {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self { single: f32::from_bits(bytes.arbitrary()?), double: f64::from_bits(bytes.arbitrary()?) })
    }
}
