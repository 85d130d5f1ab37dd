//! A message that arrives in pieces: what is reported as missing is never too much, and enough to be decoded rarely.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::model::{Bytes, Containers, Lenient, LenientList, Shape, Tree, encoded};
use ipc_server::codec::{Bincode, Codec, DecodeError, PrefixError};
use serde::de::{DeserializeOwned, DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Runs each test with both codecs.
macro_rules! with_both_codecs {
    ($($test:ident)*) => {
        mod bincode {
            $(#[test] fn $test() { super::$test::<super::Bincode>(); })*
        }

        #[cfg(feature = "postcard")]
        mod postcard {
            $(#[test] fn $test() { super::$test::<ipc_server::codec::Postcard>(); })*
        }
    };
}

with_both_codecs! {
    a_message_in_single_bytes_costs_in_proportion_to_its_length
    what_is_missing_is_exact_where_it_can_be_known
    what_is_missing_is_never_more_than_what_comes
    a_type_that_swallows_errors_is_promised_no_more_than_the_read_that_lacked_bytes
    a_seed_with_a_state_is_promised_nothing_of_its_elements
    no_more_is_missing_than_the_capacity_has_room_for
}

const CAPACITY: usize = 64 * 1024;

fn missing<K: Codec, T: DeserializeOwned + fmt::Debug>(from: &[u8]) -> usize {
    match K::decode_prefix::<T>(from, CAPACITY) {
        Err(PrefixError::Incomplete { missing }) => missing,
        other => panic!("{other:?}"),
    }
}

/// How many bytes are looked at if `message` arrives in single bytes and is decoded when as many have come as were missing.
fn looked_at<K: Codec, T: DeserializeOwned>(message: &[u8]) -> usize {
    let (mut arrived, mut looked_at) = (1, 0);
    loop {
        let part = message.get(..arrived).expect("no more is missing than there is");
        looked_at += arrived;
        match K::decode_prefix::<T>(part, CAPACITY) {
            Ok((_, length)) => {
                assert_eq!((length, arrived), (message.len(), message.len()));
                return looked_at;
            }
            Err(PrefixError::Incomplete { missing }) => arrived += missing,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// How often each byte of a message of about `size` bytes is looked at.
fn times<K: Codec, T: Serialize + DeserializeOwned>(size: usize, of_elements: impl Fn(usize) -> T) -> f64 {
    let mut elements = 16;
    let message = loop {
        let message = encoded::<K, _>(&of_elements(elements));
        if message.len() > size * 15 / 16 {
            break message;
        }
        elements += elements / 16;
    };
    looked_at::<K, T>(&message) as f64 / message.len() as f64
}

#[derive(Debug, Serialize, Deserialize)]
struct Sample {
    time: u64,
    sensor: String,
    values: [f32; 4],
    unit: Option<char>,
    valid: bool,
    quality: u16,
}

impl Sample {
    fn nth(n: usize) -> Self {
        let (time, quality) = (n as u64 * 1000, n as u16);
        let sensor = format!("sensor {n} of this device");
        Self { time, sensor, values: [0.5, 1.5, n as f32, -1.0], unit: Some('K'), valid: true, quality }
    }
}

fn text(n: usize) -> String {
    format!("name {n}")
}

fn a_message_in_single_bytes_costs_in_proportion_to_its_length<K: Codec>() {
    macro_rules! assert_in_proportion {
        ($($name:literal: $of_elements:expr;)*) => {$(
            let [short, long] = [2 * 1024, 32 * 1024].map(|size| times::<K, _>(size, $of_elements));
            println!("{:14} {short:7.1} {long:7.1} {:5.2}", $name, long / short);
            assert!(long <= 3.0 * short, "{}: {short} and {long} times", $name);
        )*};
    }
    assert_in_proportion! {
        "text": |n| "x".repeat(n);
        "bytes": |n| Bytes(vec![7; n]);
        "u8": |n| vec![7_u8; n];
        "u64": |n| vec![u64::MAX; n];
        "pairs": |n| vec![(1_u8, u32::MAX); n];
        "texts": |n| (0..n).map(text).collect::<Vec<_>>();
        "options": |n| vec![Some('x'); n];
        "map": |n| (0..n).map(|n| (n as u64, text(n))).collect::<BTreeMap<_, _>>();
        "hash map": |n| (0..n).map(|n| (text(n), n as u64)).collect::<HashMap<_, _>>();
        "lists": |n| (0..n).map(|n| vec![n as u64; 3]).collect::<Vec<_>>();
        "list of lists": |n| [vec![7_u16; n / 2], vec![8_u16; n / 2]].map(|list| list).to_vec();
        "structs": |n| (0..n).map(Sample::nth).collect::<Vec<_>>();
        "behind a field": |n| (7_u32, (0..n).map(Sample::nth).collect::<Vec<_>>(), String::from("and before one"));
        "units first": |n| (vec![(); 3], vec![7_u64; n]);
    }
    let heapless = |size: usize| {
        let length = size - 16;
        let message = encoded::<K, _>(&heapless::Vec::<u8, 32768>::from_iter((0..length).map(|n| n as u8)));
        looked_at::<K, heapless::Vec<u8, 32768>>(&message) as f64 / message.len() as f64
    };
    let [short, long] = [2 * 1024, 32 * 1024].map(heapless);
    assert!(long <= 3.0 * short, "heapless: {short} and {long} times");
}

fn what_is_missing_is_exact_where_it_can_be_known<K: Codec>() {
    let text = encoded::<K, _>("a text of 21 bytes ...");
    let length_of_length = text.len() - 22;
    assert_eq!(missing::<K, String>(&text[..length_of_length]), 22);
    assert_eq!(missing::<K, Bytes>(&text[..length_of_length + 5]), 17);
    assert_eq!(missing::<K, f64>(&[0; 3]), 5);
    assert_eq!(missing::<K, (u8, f32)>(&[0]), 4);

    // What is missing of the one that is cut, and a byte for each that has not come.
    let floats = encoded::<K, _>(&[1.5_f64; 20][..]);
    let length_of_length = floats.len() - 160;
    assert_eq!(missing::<K, Vec<f64>>(&floats[..length_of_length]), 8 + 19);
    assert_eq!(missing::<K, Vec<f64>>(&floats[..length_of_length + 80]), 8 + 9);
    assert_eq!(missing::<K, Vec<f64>>(&floats[..length_of_length + 155]), 5);
    assert_eq!(missing::<K, Vec<(u8, f64)>>(&floats[..length_of_length]), 1 + 19);

    // All that are around it count.
    let nested = encoded::<K, _>(&vec![vec![1.5_f32; 5]; 7]);
    let lists = (nested.len() - 7 * 5 * 4) / 8;
    assert_eq!(missing::<K, Vec<Vec<f32>>>(&nested[..2 * lists + 4]), 4 + 3 + 6);
    let map = encoded::<K, _>(&BTreeMap::from_iter((0..9_u8).map(|key| (key, [2.5_f64; 2]))));
    let length_of_length = map.len() - 9 * 17;
    assert_eq!(missing::<K, BTreeMap<u8, [f64; 2]>>(&map[..length_of_length]), 1 + 8);
    assert_eq!(missing::<K, BTreeMap<u8, [f64; 2]>>(&map[..=length_of_length]), 8 + 8);
}

/// What is missing of each prefix comes, whatever comes.
fn assert_enough_comes<K: Codec, T: DeserializeOwned + fmt::Debug>(message: &[u8]) {
    let (_, length) = K::decode::<T>(message).expect("a whole message");
    for cut in 0..length {
        let missing = missing::<K, T>(&message[..cut]);
        assert!(missing >= 1 && cut + missing <= length, "{missing} at {cut} of {message:02x?}");
    }
}

fn what_is_missing_is_never_more_than_what_comes<K: Codec>() {
    fn of<K: Codec, T: Serialize + DeserializeOwned + fmt::Debug>(value: &T) {
        assert_enough_comes::<K, T>(&encoded::<K, _>(value));
    }
    let shape = Shape::Struct { x: 7, text: "text".into() };
    of::<K, _>(&(0..30).map(Sample::nth).collect::<Vec<_>>());
    of::<K, _>(&vec![(Shape::Nested(Box::new(shape.clone())), 'x', ()); 3]);
    of::<K, _>(&Tree::Branches(vec![Tree::Pair(Box::new(Tree::Leaf(1)), Box::new(Tree::Maybe(None))); 4]));
    of::<K, _>(&BTreeMap::from([((), vec![vec![(); 3], vec![]])]));
    of::<K, _>(&vec![((), 'x', vec![()]); 5]);
    of::<K, _>(&Containers {
        list: vec![1, 2, 300],
        nested: vec![vec![true], vec![], vec![false, true]],
        units: vec![(); 200],
        array: [1, 2, 3],
        tuple: (1, ('€', 2)),
        map: BTreeMap::from([(1, shape), (2, Shape::Unit)]),
        texts: BTreeMap::from([("key".into(), Some(1)), ("other".into(), None)]),
        set: [1, 2, 3].into(),
    });
}

fn a_type_that_swallows_errors_is_promised_no_more_than_the_read_that_lacked_bytes<K: Codec>() {
    // The first element decides that the others are not read: the byte after it is the second field.
    type Swallowing = (Lenient<Vec<bool>>, bool);
    let message = [&encoded::<K, _>(&5_u64)[..], &[7, 1]].concat();
    assert_eq!(K::decode::<Swallowing>(&message).unwrap().0, (Lenient(None), true));
    assert_enough_comes::<K, Swallowing>(&message);
    assert_enough_comes::<K, Lenient<Vec<bool>>>(&message);
    assert_enough_comes::<K, (Lenient<Vec<bool>>, ())>(&message);
    assert_enough_comes::<K, (Vec<Lenient<Vec<bool>>>, bool)>(&[&encoded::<K, _>(&1_u64)[..], &message].concat());
    // One that goes on reads all of them.
    let message = encoded::<K, _>(&(vec![7_u8; 5], true));
    assert_enough_comes::<K, (LenientList<bool>, bool)>(&message);
    assert_enough_comes::<K, Lenient<LenientList<bool>>>(&message);
}

fn a_seed_with_a_state_is_promised_nothing_of_its_elements<K: Codec>() {
    /// A number, then units: which it is, the seed knows.
    #[derive(Debug)]
    struct Described;

    struct Seed {
        unit: bool,
    }

    impl<'de> DeserializeSeed<'de> for Seed {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            if self.unit { <()>::deserialize(deserializer) } else { u8::deserialize(deserializer).map(drop) }
        }
    }

    impl<'de> Visitor<'de> for Described {
        type Value = Self;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
            let mut unit = false;
            while elements.next_element_seed(Seed { unit })?.is_some() {
                unit = true;
            }
            Ok(self)
        }
    }

    impl<'de> Deserialize<'de> for Described {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Self)
        }
    }

    assert_enough_comes::<K, Described>(&[&encoded::<K, _>(&4_u64)[..], &[7]].concat());
}

fn no_more_is_missing_than_the_capacity_has_room_for<K: Codec>() {
    let message = encoded::<K, _>(&100_u64);
    let capacity = message.len() + 20;
    // With elements that take no bytes it may fit.
    assert_eq!(
        K::decode_prefix::<Vec<u64>>(&message, capacity),
        Err(PrefixError::Incomplete { missing: capacity - message.len() })
    );
    let full = [message, vec![0; 20]].concat();
    assert_eq!(K::decode_prefix::<Vec<String>>(&full, capacity), Err(PrefixError::Incomplete { missing: 1 }));
    assert_eq!(K::decode_within::<Vec<String>>(&full, capacity), Err(DecodeError::Incomplete));
}
