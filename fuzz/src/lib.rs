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

/// Decodes `bytes` as each of many types, side by side with `P`, and walks their prefixes as one of the types, which depends on
/// the bytes: walking takes ten times as long as all the rest.
pub fn decode_as_everything<P: Peer>(bytes: &[u8]) {
    let chosen = bytes.iter().fold(bytes.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    macro_rules! compare {
        ($($kind:ident: $($type:ty),*;)*) => {
            let types = [$($(stringify!($type)),*),*].len();
            let mut number = 0;
            $($(
                compare::<P::Codec, $type>(bytes, Kind::$kind, P::decode);
                if chosen % types == number {
                    walk::<P::Codec, $type>(bytes, Kind::$kind);
                }
                number += 1;
            )*)*
            assert_eq!(number, types);
        };
    }
    compare! {
        Plain: Integers, Floats, Record, Shape, Fixed, Standard, Borrowed<'_>, (Bytes, char), Tree, Chain, (Wide, u8),
            Vec<Wide>, Vec<Fixed>;
        ZeroSized: Containers, Vec<Vec<()>>, (Vec<((), Unit)>, u8);
        Lenient: (Lenient<bool>, u16), (Lenient<String>, u8), (Lenient<char>, u8), (Lenient<u64>, Lenient<u16>),
            (Lenient<Vec<Lenient<bool>>>, u8), Vec<Lenient<Shape>>, (LenientList<bool>, u8),
            (LenientList<Vec<String>>, u8), (LenientList<()>, Lenient<u8>), Lenient<Tree>;
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
