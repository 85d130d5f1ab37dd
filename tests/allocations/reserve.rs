//! A message makes its type reserve no more than its bytes can hold.

use std::fmt;

use crate::model::encoded;
use crate::{HELD, MOST};
use ipc_server::codec::{Bincode, Codec, DecodeError, MAX_ZERO_SIZED, PrefixError};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// How many bytes `work` holds at most.
fn held<T>(work: impl FnOnce() -> T) -> (T, usize) {
    HELD.set(0);
    MOST.set(0);
    let result = work();
    (result, MOST.get())
}

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
    lists_in_lists_reserve_no_more_than_has_arrived
    a_prefix_that_a_visitor_refuses_for_its_hint_is_incomplete
    a_list_of_units_is_hinted_in_full
    what_is_wrong_without_a_hint_is_malformed
}

/// As many levels as the limit allows.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "it is decoded only")]
enum Nested {
    Number([u64; 8]),
    List(Vec<Self>),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "it is decoded only")]
struct Lists(Vec<Self>);

/// Each level declares as many elements as bytes follow.
fn lists_in_lists<K: Codec>(before_length: &[u8], length: usize) -> Vec<u8> {
    let mut message = Vec::new();
    while message.len() + 32 < length {
        message.extend(before_length);
        let left = length - message.len() - encoded::<K, _>(&(length as u64)).len();
        message.extend(encoded::<K, _>(&(left as u64)));
    }
    message.resize(length, 0);
    message
}

fn lists_in_lists_reserve_no_more_than_has_arrived<K: Codec>() {
    for length in [1024, 64 * 1024] {
        let message = lists_in_lists::<K>(&[], length);
        let (result, held) = held(|| K::decode_within::<Lists>(&message, length).map(drop));
        result.unwrap_err();
        // And what the vectors double, which have read what they hold.
        let most = (length + MAX_ZERO_SIZED) * size_of::<Lists>() * 2;
        assert!(held <= most, "{held} of {most} bytes for {length}");

        let message = lists_in_lists::<K>(&encoded::<K, _>(&1_u32), length);
        let (result, held) = self::held(|| K::decode_within::<Nested>(&message, length).map(drop));
        result.unwrap_err();
        let most = (length + MAX_ZERO_SIZED) * size_of::<Nested>() * 2;
        assert!(held <= most, "{held} of {most} bytes for {length}");
    }
}

/// `LENGTH` elements exactly, which it knows before it reads one; `READ` of them are asked for before.
#[derive(Debug, PartialEq)]
struct Exactly<T, const LENGTH: usize, const READ: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const LENGTH: usize, const READ: usize> Visitor<'de> for Exactly<T, LENGTH, READ> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LENGTH} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Self, A::Error> {
        for _ in 0..READ {
            self.0.extend(elements.next_element()?);
        }
        if elements.size_hint() != Some(LENGTH - READ) {
            return Err(de::Error::invalid_length(elements.size_hint().unwrap_or(0), &self));
        }
        while let Some(element) = elements.next_element()? {
            self.0.push(element);
        }
        Ok(self)
    }
}

impl<'de, T: Deserialize<'de>, const LENGTH: usize, const READ: usize> Deserialize<'de> for Exactly<T, LENGTH, READ> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self(Vec::new()))
    }
}

fn assert_prefixes_are_incomplete<K: Codec, T: for<'de> Deserialize<'de> + fmt::Debug>(message: &[u8]) {
    K::decode::<T>(message).expect("a whole message");
    for cut in 0..message.len() {
        assert_eq!(K::decode::<T>(&message[..cut]).unwrap_err(), DecodeError::Incomplete, "{cut} of {}", message.len());
        let prefix = K::decode_prefix::<T>(&message[..cut], 64 * 1024);
        let Err(PrefixError::Incomplete { missing }) = prefix else { panic!("{prefix:?}") };
        assert!(cut + missing <= message.len(), "{missing} at {cut} of {}", message.len());
    }
}

fn a_prefix_that_a_visitor_refuses_for_its_hint_is_incomplete<K: Codec>() {
    let message = encoded::<K, _>(&[7_u32; 4][..]);
    assert_prefixes_are_incomplete::<K, Exactly<u32, 4, 0>>(&message);
    assert_prefixes_are_incomplete::<K, Exactly<u32, 4, 1>>(&message);
    // More than elements without bytes could be.
    let message = encoded::<K, _>(&vec![7_u8; 3000]);
    assert_prefixes_are_incomplete::<K, Exactly<u8, 3000, 0>>(&message);
    assert_prefixes_are_incomplete::<K, Exactly<u8, 3000, 2>>(&message);
    // Within another list, which has its share of what has arrived.
    let message = encoded::<K, _>(&vec![vec![7_u8; 1500]; 2]);
    assert_prefixes_are_incomplete::<K, Vec<Exactly<u8, 1500, 0>>>(&message);
    assert_prefixes_are_incomplete::<K, Exactly<Exactly<u8, 1500, 3>, 2, 0>>(&message);
}

fn a_list_of_units_is_hinted_in_full<K: Codec>() {
    let message = encoded::<K, _>(&vec![(); 4]);
    assert_eq!(K::decode(&message), Ok((Exactly::<(), 4, 0>(vec![(); 4]), message.len())));
    let message = encoded::<K, _>(&vec![(); MAX_ZERO_SIZED]);
    assert!(K::decode::<Exactly<(), MAX_ZERO_SIZED, 5>>(&message).is_ok());
    let message = encoded::<K, _>(&vec![vec![(); 7]; 100]);
    assert!(K::decode::<Exactly<Exactly<(), 7, 0>, 100, 0>>(&message).is_ok());
}

fn what_is_wrong_without_a_hint_is_malformed<K: Codec>() {
    // All of it has arrived, and it is too many.
    let message = encoded::<K, _>(&[7_u8; 5][..]);
    assert!(matches!(K::decode::<Exactly<u8, 4, 0>>(&message), Err(DecodeError::Custom(_))));
    assert_eq!(K::decode_prefix::<Exactly<u8, 4, 0>>(&message, 64), Err(PrefixError::Malformed));
    // Something was read since it was told of fewer.
    let message = [&encoded::<K, _>(&5000_u64)[..], &[0, 1, 2, 1]].concat();
    assert_eq!(K::decode::<Vec<bool>>(&message), Err(DecodeError::InvalidBool(2)));
}
