//! Messages and types that mean harm, for both codecs: what they ask for is bounded, and they end in a clear error.
//!
//! Work is counted in steps (calls of a hand-written `Deserialize`), not in time.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fmt;
use std::task::Poll;

use crate::model::{self, Chain, Lenient, LenientList, Unit, Wide, encoded};
use ipc_server::IpcServerCommand;
use ipc_server::codec::{Bincode, Codec, DecodeError, Deep, EncodeError, MAX_DEPTH, MAX_ZERO_SIZED, PrefixError};
use ipc_server::connection::{Buffers, Connection, ConnectionError, Step, Transport};
use serde::de::IgnoredAny;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    impossible_numbers_of_units_are_refused_without_a_step
    as_many_units_as_the_limit_are_a_value_and_one_more_is_not
    nested_units_share_one_limit
    a_map_of_units_is_limited_by_its_keys
    units_in_a_tuple_with_bytes_are_limited_by_the_bytes
    a_list_whose_length_does_not_fit_the_capacity_is_refused_without_a_step
    a_text_that_does_not_fit_the_capacity_is_refused_before_it_arrives
    a_connection_refuses_an_impossible_length_at_once
    the_deepest_message_decodes_on_a_small_stack
    levels_with_a_kibibyte_inline_fit_a_usual_stack
    levels_of_hand_written_tuples_count
    one_level_more_than_the_limit_is_refused_both_ways
    a_prefix_of_a_type_that_swallows_errors_is_incomplete
    a_text_that_is_cut_off_and_spoilt_is_no_value_of_a_type_that_swallows_errors
    an_impossible_length_is_no_value_of_a_type_that_swallows_errors
    too_many_levels_are_no_value_of_a_type_that_swallows_errors
    a_list_goes_on_after_an_element_that_its_visitor_ignores
    a_list_that_ignores_errors_ends_with_the_bytes
    a_list_that_ignores_errors_takes_no_more_steps_than_bytes_and_the_limit
    fields_keep_their_places_after_an_ignored_error
    a_list_that_ignores_a_spoilt_text_and_is_cut_off_is_incomplete_even_if_it_needs_more_elements
    asking_what_comes_next_and_going_on_is_refused_all_the_same
    types_that_ask_what_comes_next_are_told_that_no_one_knows
    flattened_types_are_refused_both_ways
    a_field_that_is_skipped_is_an_error
    a_list_that_declares_more_elements_than_it_has_is_an_error
    a_list_that_declares_fewer_elements_than_it_has_is_an_error
    a_list_or_map_of_unknown_length_is_an_error
    a_text_that_changes_while_it_is_written_is_an_error
    a_display_that_fails_is_an_error
    a_display_that_ignores_the_end_of_the_buffer_is_too_long
    an_ignored_error_of_a_part_is_the_error_of_the_whole
    a_whole_text_that_is_spoilt_may_be_ignored
    more_elements_than_the_limit_are_no_matter_if_they_take_bytes
    a_text_that_fails_only_the_second_time_is_an_error_of_its_own
    a_shown_text_that_does_not_fit_is_told_from_one_that_fails
    what_a_type_says_of_its_error_is_kept_up_to_64_bytes
    a_visitor_is_told_how_many_elements_there_are
    a_value_is_not_searched_for_a_reason_beyond_the_first_one
    keys_and_values_one_by_one_are_the_entries
}

/// A length that no message has and any object may: beyond half of the address space a length is refused at once.
const LONG: u64 = if usize::BITS < u64::BITS { 1 << 30 } else { 1 << 40 };

/// The bytes of a declared length. Both codecs encode it as a `u64`.
fn length<K: Codec>(length: u64) -> Vec<u8> {
    encoded::<K, _>(&length)
}

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

fn step() {
    STEPS.set(STEPS.get() + 1);
}

/// How many steps `work` takes.
fn steps<T>(work: impl FnOnce() -> T) -> (T, usize) {
    STEPS.set(0);
    let result = work();
    (result, STEPS.get())
}

/// Takes no bytes and one step.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        step();
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

/// Takes one byte, 0 or 1, and one step.
#[derive(Debug, Default, PartialEq)]
struct Bit(bool);

impl<'de> Deserialize<'de> for Bit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        step();
        bool::deserialize(deserializer).map(Self)
    }
}

/// How a length beyond the capacity is refused: told apart from one that no capacity could hold.
fn beyond(declared: u64) -> DecodeError {
    match usize::try_from(declared) {
        Ok(length) if length <= isize::MAX as usize => DecodeError::BeyondCapacity(length),
        _ => DecodeError::ImpossibleLength(declared),
    }
}

fn impossible_numbers_of_units_are_refused_without_a_step<K: Codec>() {
    for declared in [u64::MAX, 1 << 63, 1 << 30] {
        let message = length::<K>(declared);
        let refused = beyond(declared);
        assert_eq!(K::decode_within::<Vec<()>>(&message, 1024).unwrap_err(), refused);
        assert_eq!(K::decode_within::<Vec<Unit>>(&message, 1024).unwrap_err(), refused);
        let (outcome, steps) = steps(|| K::decode_within::<Vec<Nothing>>(&message, 1024));
        assert_eq!((outcome.unwrap_err(), steps), (refused, 0));
    }
    // Without a capacity, a length that memory could hold is refused when the limit is reached.
    let message = length::<K>(1 << 30);
    let (outcome, steps) = steps(|| K::decode::<Vec<Nothing>>(&message));
    assert_eq!((outcome.unwrap_err(), steps), (DecodeError::ImpossibleLength(1 << 30), MAX_ZERO_SIZED + 1));
}

fn as_many_units_as_the_limit_are_a_value_and_one_more_is_not<K: Codec>() {
    let most = encoded::<K, _>(&vec![(); MAX_ZERO_SIZED]);
    assert_eq!(K::decode::<Vec<Unit>>(&most).unwrap(), (vec![Unit; MAX_ZERO_SIZED], most.len()));
    let declared = MAX_ZERO_SIZED as u64 + 1;
    let error = K::decode::<Vec<Unit>>(&length::<K>(declared)).unwrap_err();
    assert_eq!(error, DecodeError::ImpossibleLength(declared));
    let error = K::encode(&vec![(); MAX_ZERO_SIZED + 1], &mut [0; 64]).unwrap_err();
    assert_eq!(error, EncodeError::TooManyZeroSized);
}

fn nested_units_share_one_limit<K: Codec>() {
    let lists = 8;
    let mut message = length::<K>(lists);
    for _ in 0..lists {
        message.extend(length::<K>(MAX_ZERO_SIZED as u64 - 1));
    }
    let (outcome, steps) = steps(|| K::decode::<Vec<Vec<Nothing>>>(&message));
    assert_eq!(outcome.unwrap_err(), DecodeError::ImpossibleLength(MAX_ZERO_SIZED as u64 - 1));
    assert!(steps <= MAX_ZERO_SIZED + 1, "{steps}");
    let value = vec![vec![vec![()]; MAX_ZERO_SIZED / 2]; 3];
    assert_eq!(K::encode(&value, &mut [0; 64 * 1024]).unwrap_err(), EncodeError::TooManyZeroSized);
}

fn a_map_of_units_is_limited_by_its_keys<K: Codec>() {
    let message = length::<K>(1 << 30);
    let (outcome, without_a_step) = steps(|| K::decode_within::<BTreeMap<Nothing, Nothing>>(&message, 1024));
    assert_eq!((outcome.unwrap_err(), without_a_step), (beyond(1 << 30), 0));
    let (outcome, steps) = steps(|| K::decode::<BTreeMap<Nothing, Nothing>>(&message));
    assert_eq!(outcome.unwrap_err(), DecodeError::ImpossibleLength(1 << 30));
    assert!(steps <= 2 * (MAX_ZERO_SIZED + 1), "{steps}");
}

fn units_in_a_tuple_with_bytes_are_limited_by_the_bytes<K: Codec>() {
    let mut message = length::<K>(1 << 30);
    message.extend([1; 5000]);
    let (outcome, steps) = steps(|| K::decode::<Vec<(Nothing, Bit, Nothing)>>(&message));
    assert_eq!(outcome.unwrap_err(), DecodeError::Incomplete);
    assert!(steps <= 3 * 5001, "{steps}");
}

fn a_list_whose_length_does_not_fit_the_capacity_is_refused_without_a_step<K: Codec>() {
    let capacity = 100;
    let declared = (capacity + MAX_ZERO_SIZED) as u64;
    let mut message = length::<K>(declared);
    message.extend([1; 20]);
    let (outcome, steps) = steps(|| K::decode_within::<Vec<Bit>>(&message, capacity));
    assert_eq!((outcome.unwrap_err(), steps), (beyond(declared), 0));
}

fn a_text_that_does_not_fit_the_capacity_is_refused_before_it_arrives<K: Codec>() {
    let capacity = 100;
    let fits = (capacity - length::<K>(90).len()) as u64;
    assert_eq!(K::decode_within::<String>(&length::<K>(fits), capacity), Err(DecodeError::Incomplete));
    let error = K::decode_within::<String>(&length::<K>(fits + 1), capacity).unwrap_err();
    assert_eq!(error, beyond(fits + 1));
    let error = K::decode_within::<model::Bytes>(&length::<K>(fits + 1), capacity).unwrap_err();
    assert_eq!(error, beyond(fits + 1));
}

#[derive(Debug, Serialize, Deserialize)]
struct Say(String);

impl IpcServerCommand for Say {
    type Response = u8;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> u8 {
        panic!("executed {self:?}")
    }
}

/// Bytes that have all arrived, with no end behind them.
#[derive(Debug)]
struct Arrived<'a>(&'a [u8]);

impl Transport for Arrived<'_> {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        let length = self.0.len().min(into.len());
        into[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        Poll::Ready(Ok(from.len()))
    }
}

fn a_connection_refuses_an_impossible_length_at_once<K: Codec>() {
    for declared in [64, 1 << 30, u64::MAX] {
        let message = length::<K>(declared);
        let mut buffers = Buffers::<64>::new();
        let accepted = Connection::<_, _, K, 64>::with_codec(Arrived(&message), &mut buffers);
        let error = accepted.receive::<Say>().unwrap_err();
        let expected = match beyond(declared) {
            DecodeError::BeyondCapacity(_) => ConnectionError::TooLarge { capacity: 64 },
            impossible => ConnectionError::Malformed(impossible),
        };
        assert_eq!(error, expected);
    }
    let message = length::<K>(40);
    let mut buffers = Buffers::<64>::new();
    let accepted = Connection::<_, _, K, 64>::with_codec(Arrived(&message), &mut buffers);
    assert!(matches!(accepted.receive::<Say>(), Ok(Step::NotYet(_))));
}

/// As a daemon's command type may be: it contains itself.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Expression {
    Zero,
    Not(Box<Self>),
}

/// Runs `work` on a stack of 256 KiB.
///
/// Without optimisation a level takes ten times the stack, and what is promised is promised for optimised programs. So
/// that the test runs without it too, the stack is 4 MiB then.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    on_a_stack_of(if cfg!(debug_assertions) { 4 << 20 } else { 256 << 10 }, work)
}

fn on_a_stack_of<T: Send + 'static>(size: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(size).spawn(work).unwrap().join().unwrap()
}

/// `Not` as often as it fits into `bytes`, at most `most` times, around a `Zero`.
fn nested_expression<K: Codec>(bytes: usize, most: usize) -> (Vec<u8>, usize) {
    let not = &encoded::<K, _>(&Expression::Not(Box::new(Expression::Zero)));
    let not = &not[..not.len() / 2];
    let levels = (bytes / not.len() - 1).min(most);
    let mut message = not.repeat(levels);
    message.extend(encoded::<K, _>(&Expression::Zero));
    (message, levels)
}

fn the_deepest_message_decodes_on_a_small_stack<K: Codec>() {
    let (message, levels) = nested_expression::<K>(1024, MAX_DEPTH);
    assert_eq!(levels, MAX_DEPTH);
    let found = on_a_small_stack(move || {
        let (mut expression, used) = K::decode::<Expression>(&message).unwrap();
        assert_eq!(used, message.len());
        let mut again = [0; 1024];
        assert_eq!(K::encode(&expression, &mut again), Ok(message.len()));
        let mut found = 0;
        while let Expression::Not(inner) = expression {
            expression = *inner;
            found += 1;
        }
        found
    });
    assert_eq!(found, levels);
    on_a_small_stack(|| {
        assert_eq!(K::decode::<Chain>(&[1; MAX_DEPTH]), Err(DecodeError::Incomplete));
        assert_eq!(K::decode::<Chain>(&[1; MAX_DEPTH + 1]), Err(DecodeError::TooDeep));
    });
}

/// Contains itself, with a text inline: a level of it takes more than a KiB of stack.
#[expect(clippy::large_enum_variant, reason = "that is what it is for")]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Named {
    End,
    Next(heapless::String<1024>, Box<Self>),
}

fn levels_with_a_kibibyte_inline_fit_a_usual_stack<K: Codec>() {
    on_a_stack_of(if cfg!(debug_assertions) { 8 << 20 } else { 1 << 20 }, || {
        let next = &encoded::<K, _>(&Named::Next(heapless::String::new(), Box::new(Named::End)));
        let next = &next[..next.len() - encoded::<K, _>(&Named::End).len()];
        assert_eq!(K::decode::<Named>(&next.repeat(MAX_DEPTH)), Err(DecodeError::Incomplete));
        assert_eq!(K::decode::<Named>(&next.repeat(1000)), Err(DecodeError::TooDeep));
    });
}

fn levels_of_hand_written_tuples_count<K: Codec>() {
    /// A pair of whether there is another one and that one, by a visitor of its own.
    #[derive(Debug, PartialEq)]
    struct Pairs(usize);

    impl<'de> Deserialize<'de> for Pairs {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct PairVisitor;

            impl<'de> serde::de::Visitor<'de> for PairVisitor {
                type Value = Pairs;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a pair")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut fields: A) -> Result<Pairs, A::Error> {
                    if fields.next_element::<u8>()? == Some(0) {
                        return Ok(Pairs(1));
                    }
                    let next: Option<Pairs> = fields.next_element()?;
                    Ok(Pairs(1 + next.map_or(0, |next| next.0)))
                }
            }

            deserializer.deserialize_tuple(2, PairVisitor)
        }
    }

    impl Serialize for Pairs {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut pair = serializer.serialize_tuple(2)?;
            pair.serialize_element(&u8::from(self.0 > 1))?;
            if self.0 > 1 {
                pair.serialize_element(&Self(self.0 - 1))?;
            }
            pair.end()
        }
    }

    /// Takes no byte a level, and has no end.
    #[derive(Debug)]
    struct Endless;

    impl<'de> Deserialize<'de> for Endless {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct EndlessVisitor;

            impl<'de> serde::de::Visitor<'de> for EndlessVisitor {
                type Value = Endless;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("itself")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut fields: A) -> Result<Endless, A::Error> {
                    let _: Option<Endless> = fields.next_element()?;
                    Ok(Endless)
                }
            }

            deserializer.deserialize_struct("Endless", &["itself"], EndlessVisitor)
        }
    }

    on_a_stack_of(8 << 20, || {
        let message = [vec![1; MAX_DEPTH - 1], vec![0]].concat();
        assert_eq!(K::decode::<Pairs>(&message), Ok((Pairs(MAX_DEPTH), MAX_DEPTH)));
        assert_eq!(encoded::<K, _>(&Pairs(MAX_DEPTH)), message);
        assert_eq!(K::decode::<Pairs>(&[1; MAX_DEPTH]), Err(DecodeError::TooDeep));
        assert_eq!(K::encode(&Pairs(MAX_DEPTH + 1), &mut [0; 1024]), Err(EncodeError::TooDeep));
        assert_eq!(K::decode::<Endless>(&[]).unwrap_err(), DecodeError::TooDeep);
    });
}

/// The limit is the codec's, and the bytes are the same.
fn a_codec_with_more_levels_decodes_what_nests_deeper<K: Codec, Deeper: Codec>() {
    on_a_stack_of(16 << 20, || {
        let (message, levels) = nested_expression::<K>(8192, 1024);
        assert_eq!(levels, 1024);
        assert_eq!(K::decode::<Expression>(&message), Err(DecodeError::TooDeep));
        let (expression, used) = Deeper::decode::<Expression>(&message).unwrap();
        assert_eq!(used, message.len());
        assert_eq!(encoded::<Deeper, _>(&expression), message);
        let deeper = Expression::Not(Box::new(expression));
        assert_eq!(Deeper::encode(&deeper, &mut [0; 8192]), Err(EncodeError::TooDeep));
        let (message, _) = nested_expression::<K>(8192, 1025);
        assert_eq!(Deeper::decode_prefix::<Expression>(&message, 8192), Err(PrefixError::Malformed));
        assert_eq!(Deeper::decode_within::<(Wide, char)>(&encoded::<K, _>(&(Wide::V280, 'x')), 8).unwrap().0.1, 'x');
    });
}

#[test]
fn a_deeper_bincode_decodes_what_nests_deeper() {
    a_codec_with_more_levels_decodes_what_nests_deeper::<Bincode, Deep<Bincode, 1024>>();
}

#[cfg(feature = "postcard")]
#[test]
fn a_deeper_postcard_decodes_what_nests_deeper() {
    use ipc_server::codec::Postcard;

    a_codec_with_more_levels_decodes_what_nests_deeper::<Postcard, Deep<Postcard, 1024>>();
}

fn one_level_more_than_the_limit_is_refused_both_ways<K: Codec>() {
    on_a_stack_of(8 << 20, || {
        let mut chain = Chain(None);
        for _ in 0..MAX_DEPTH {
            chain = Chain(Some(Box::new(chain)));
        }
        let message = encoded::<K, _>(&chain);
        assert_eq!(K::decode::<Chain>(&message), Ok((chain, MAX_DEPTH + 1)));

        let mut chain = Chain(None);
        for _ in 0..=MAX_DEPTH {
            chain = Chain(Some(Box::new(chain)));
        }
        assert_eq!(K::encode(&chain, &mut [0; 2048]), Err(EncodeError::TooDeep));
        let mut message = vec![1; MAX_DEPTH + 1];
        message.push(0);
        assert_eq!(K::decode::<Chain>(&message), Err(DecodeError::TooDeep));

        // Each of the other ways to nest.
        let lists = length::<K>(1).repeat(MAX_DEPTH + 1);
        assert_eq!(K::decode::<Lists>(&lists).unwrap_err(), DecodeError::TooDeep);
        let maps: Vec<u8> = [length::<K>(1), vec![0]].concat().repeat(MAX_DEPTH + 1);
        assert_eq!(K::decode::<Maps>(&maps).unwrap_err(), DecodeError::TooDeep);
        for variant in 0..3 {
            let variants = encoded::<K, _>(&Variants::example(variant));
            let one = &variants[..variants.len() / 2];
            let variants = one.repeat(MAX_DEPTH + 1);
            assert_eq!(K::decode::<Variants>(&variants).unwrap_err(), DecodeError::TooDeep);
        }
        let mut lists = Lists(Vec::new());
        let mut maps = Maps(BTreeMap::new());
        let mut variants = [0, 1, 2].map(|_| Variants::End);
        for _ in 0..=MAX_DEPTH {
            lists = Lists(vec![lists]);
            maps = Maps(BTreeMap::from([(0, maps)]));
            let [newtype, tuple, fields] = variants;
            variants = [
                Variants::Newtype(Box::new(newtype)),
                Variants::Tuple((), Box::new(tuple)),
                Variants::Struct { next: Box::new(fields) },
            ];
        }
        let buffer = &mut [0; 32 * 1024];
        assert_eq!(K::encode(&lists, buffer), Err(EncodeError::TooDeep));
        assert_eq!(K::encode(&maps, buffer), Err(EncodeError::TooDeep));
        for variant in variants {
            assert_eq!(K::encode(&variant, buffer), Err(EncodeError::TooDeep));
        }
    });
}

#[derive(Debug, Serialize, Deserialize)]
struct Lists(Vec<Self>);

#[derive(Debug, Serialize, Deserialize)]
struct Maps(BTreeMap<u8, Self>);

#[derive(Debug, Serialize, Deserialize)]
enum Variants {
    Newtype(Box<Self>),
    Tuple((), Box<Self>),
    Struct { next: Box<Self> },
    End,
}

impl Variants {
    /// The variant of this index around an end.
    fn example(index: u32) -> Self {
        let end = Box::new(Self::End);
        match index {
            0 => Self::Newtype(end),
            1 => Self::Tuple((), end),
            _ => Self::Struct { next: end },
        }
    }
}

fn assert_prefixes_are_incomplete<K: Codec, T: for<'de> Deserialize<'de> + fmt::Debug + PartialEq>(message: &[u8]) {
    K::decode::<T>(message).expect("a whole message");
    for cut in 0..message.len() {
        assert_eq!(K::decode::<T>(&message[..cut]), Err(DecodeError::Incomplete), "{cut} of {message:02x?}");
        assert_eq!(
            K::decode_within::<T>(&message[..cut], 1024),
            Err(DecodeError::Incomplete),
            "{cut} of {message:02x?}"
        );
    }
}

fn a_prefix_of_a_type_that_swallows_errors_is_incomplete<K: Codec>() {
    let message = encoded::<K, _>(&("delete", 7_u16, 'x', Some(1_u64)));
    assert_prefixes_are_incomplete::<K, (Lenient<String>, Lenient<u16>, Lenient<char>, Lenient<Option<u64>>)>(&message);
    assert_prefixes_are_incomplete::<K, Lenient<(String, u16, char, Option<u64>)>>(&message);
    let message = encoded::<K, _>(&(vec!["a", "b"], BTreeMap::from([(1_u8, [2_u8; 3])])));
    assert_prefixes_are_incomplete::<K, (Lenient<Vec<String>>, Lenient<BTreeMap<u8, [u8; 3]>>)>(&message);
    assert_prefixes_are_incomplete::<K, (LenientList<String>, BTreeMap<u8, Lenient<[u8; 3]>>)>(&message);
}

fn a_text_that_is_cut_off_and_spoilt_is_no_value_of_a_type_that_swallows_errors<K: Codec>() {
    // What follows the spoilt text's length must not be taken for the next field.
    let mut message = length::<K>(4);
    message.extend(b"\xff\x01\x01\x01\x02");
    assert_prefixes_are_incomplete::<K, (Lenient<String>, u8)>(&message);
    assert_eq!(K::decode::<(Lenient<String>, u8)>(&message).unwrap(), ((Lenient(None), 2), message.len()));
    assert_eq!(K::decode::<(String, u8)>(&message[..message.len() - 2]), Err(DecodeError::InvalidUtf8));

    let message = encoded::<K, _>(&('€', true));
    let spoilt = [&message[..message.len() - 3], b"\x01\x01\x01"].concat();
    assert_prefixes_are_incomplete::<K, (Lenient<char>, bool)>(&spoilt);
    assert_eq!(K::decode::<(char, bool)>(&spoilt), Err(DecodeError::InvalidChar));
}

fn an_impossible_length_is_no_value_of_a_type_that_swallows_errors<K: Codec>() {
    let mut message = length::<K>(1 << 40);
    message.extend([1; 64]);
    let refused = beyond(1 << 40);
    assert_eq!(K::decode_within::<(Lenient<String>, u8)>(&message, 512).unwrap_err(), refused);
    assert_eq!(K::decode_within::<(Lenient<Vec<u64>>, u8)>(&message, 512).unwrap_err(), refused);
    let refused = DecodeError::ImpossibleLength(1 << 40);
    assert_eq!(K::decode::<(Lenient<Vec<()>>, u8)>(&message).unwrap_err(), refused);
}

fn too_many_levels_are_no_value_of_a_type_that_swallows_errors<K: Codec>() {
    on_a_stack_of(8 << 20, || {
        assert_eq!(K::decode::<(Lenient<Chain>, u8)>(&[1; MAX_DEPTH + 64]), Err(DecodeError::TooDeep));
    });
}

fn a_list_goes_on_after_an_element_that_its_visitor_ignores<K: Codec>() {
    let mut message = length::<K>(3);
    message.extend([1, 7, 1, 9]);
    let expected = (LenientList(vec![true, false, true]), 9);
    assert_eq!(K::decode::<(LenientList<bool>, u8)>(&message), Ok((expected, message.len())));
}

fn a_list_that_ignores_errors_ends_with_the_bytes<K: Codec>() {
    let mut message = length::<K>(LONG);
    message.extend([1; 10]);
    let (outcome, steps) = steps(|| K::decode::<LenientList<Bit>>(&message));
    assert_eq!((outcome.unwrap_err(), steps), (DecodeError::Incomplete, 11));
    let (outcome, steps) = self::steps(|| K::decode::<Vec<Lenient<Bit>>>(&message));
    assert_eq!((outcome.unwrap_err(), steps), (DecodeError::Incomplete, 11));
}

fn a_list_that_ignores_errors_takes_no_more_steps_than_bytes_and_the_limit<K: Codec>() {
    /// Fails without taking a byte.
    #[derive(Debug, Default, PartialEq)]
    struct Refusing;

    impl<'de> Deserialize<'de> for Refusing {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            step();
            Err(serde::de::Error::custom("never"))
        }
    }

    let message = length::<K>(LONG);
    let refused = DecodeError::ImpossibleLength(LONG);
    let (outcome, steps) = steps(|| K::decode::<LenientList<Refusing>>(&message));
    assert_eq!((outcome.unwrap_err(), steps), (refused, MAX_ZERO_SIZED + 1));
}

fn fields_keep_their_places_after_an_ignored_error<K: Codec>() {
    // None of these errors is about the end of the bytes, and each takes the field's bytes.
    let message = [b"\x02".as_slice(), &encoded::<K, _>(&0x1234_u16)].concat();
    assert_eq!(K::decode::<(Lenient<bool>, u16)>(&message).unwrap().0, (Lenient(None), 0x1234));
    assert_eq!(K::decode::<(Lenient<Option<u8>>, u16)>(&message).unwrap().0, (Lenient(None), 0x1234));
    let message = encoded::<K, _>(&(77_u32, 5_u8));
    assert_eq!(K::decode::<(Lenient<Expression>, u8)>(&message).unwrap().0, (Lenient(None), 5));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum InternallyTagged {
    Number { value: u32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum AdjacentlyTagged {
    Number(u32),
}

/// Three texts, of which those that are not UTF-8 are empty.
#[derive(Debug, PartialEq)]
struct Three(Vec<String>);

impl<'de> Deserialize<'de> for Three {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LenientList(texts) = LenientList::deserialize(deserializer)?;
        if texts.len() == 3 { Ok(Self(texts)) } else { Err(serde::de::Error::custom("not three texts")) }
    }
}

fn a_list_that_ignores_a_spoilt_text_and_is_cut_off_is_incomplete_even_if_it_needs_more_elements<K: Codec>() {
    let mut message = length::<K>(3);
    for text in [b"\xff\xff", b"ab", b"\xff\xff"] {
        message.extend(length::<K>(2));
        message.extend(text);
    }
    assert_eq!(K::decode::<Three>(&message).unwrap().0, Three(vec![String::new(), "ab".into(), String::new()]));
    assert_prefixes_are_incomplete::<K, Three>(&message);
    // Where the error is not ignored, no bytes that could follow would help.
    let spoilt = &message[..message.len() - 1];
    assert_eq!(K::decode::<Vec<String>>(spoilt), Err(DecodeError::InvalidUtf8));
}

fn asking_what_comes_next_and_going_on_is_refused_all_the_same<K: Codec>() {
    // As `serde_with::DefaultOnError` does. What it would go on with is its own bytes, so that the value would be wrong.
    type Asking = (Lenient<Untagged>, bool);
    let refused = DecodeError::NotSelfDescribing;
    for message in [&[][..], &[1], &[7], &encoded::<K, _>(&(7_u32, true))] {
        assert_eq!(K::decode::<Asking>(message), Err(refused.clone()), "{message:02x?}");
        assert_eq!(K::decode_within::<Asking>(message, 64), Err(refused.clone()), "{message:02x?}");
        assert_eq!(K::decode_prefix::<Asking>(message, 64), Err(PrefixError::NotSelfDescribing), "{message:02x?}");
        assert_eq!(
            K::decode_prefix::<Lenient<IgnoredAny>>(message, 64).unwrap_err(),
            PrefixError::NotSelfDescribing,
            "{message:02x?}"
        );
    }
    assert_eq!(K::decode::<LenientList<DefaultNumber>>(&encoded::<K, _>(&[1_u8, 2][..])).unwrap_err(), refused);
    // What has not arrived may make it ask, or not.
    assert_eq!(K::decode::<(u8, Asking)>(&[]), Err(DecodeError::Incomplete));
}

/// Takes a default for what it asks for.
#[derive(Debug, Default)]
struct DefaultNumber;

impl<'de> Deserialize<'de> for DefaultNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _ = deserializer.deserialize_any(IgnoredAny);
        Ok(Self)
    }
}

fn types_that_ask_what_comes_next_are_told_that_no_one_knows<K: Codec>() {
    let message = [1; 64];
    let refused = DecodeError::NotSelfDescribing;
    assert_eq!(K::decode::<IgnoredAny>(&message).unwrap_err(), refused);
    assert_eq!(K::decode::<Untagged>(&message).unwrap_err(), refused);
    assert_eq!(K::decode::<InternallyTagged>(&message).unwrap_err(), refused);
    assert_eq!(K::decode::<AdjacentlyTagged>(&message).unwrap_err(), refused);
    // Whose fault it is matters even to those who don't ask why.
    assert_eq!(K::decode_prefix::<IgnoredAny>(&message, 64).unwrap_err(), PrefixError::NotSelfDescribing);
    assert_eq!(K::decode_prefix::<Untagged>(&message, 64).unwrap_err(), PrefixError::NotSelfDescribing);

    /// Asks for the name of a field.
    #[derive(Debug)]
    struct Name;

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_identifier(IgnoredAny).map(|_| Self)
        }
    }

    assert_eq!(K::decode::<Name>(&message).unwrap_err(), refused);
    // An untagged value is encoded as what it holds; only decoding needs the tag.
    assert_eq!(encoded::<K, _>(&Untagged::Text("a".into())), encoded::<K, _>(&"a"));
}

fn flattened_types_are_refused_both_ways<K: Codec>() {
    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Inner {
        number: u32,
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Flattened {
        #[serde(flatten)]
        inner: Inner,
    }

    assert_eq!(K::encode(&Flattened::default(), &mut [0; 64]), Err(EncodeError::LengthUnknown));
    let message = [length::<K>(1), vec![1; 64]].concat();
    assert_eq!(K::decode::<Flattened>(&message).unwrap_err(), DecodeError::NotSelfDescribing);
}

fn a_field_that_is_skipped_is_an_error<K: Codec>() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none")]
        maybe: Option<u8>,
        number: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Either {
        Sparse {
            number: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            maybe: Option<u8>,
        },
    }

    /// What both sides leave out always is no matter.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Known {
        #[serde(skip)]
        cached: u8,
        number: u8,
    }

    let present = Sparse { maybe: Some(1), number: 2 };
    assert_eq!(encoded::<K, _>(&present), [1, 1, 2]);
    assert_eq!(K::decode::<Sparse>(&[1, 1, 2]), Ok((present, 3)));
    let buffer = &mut [0; 64];
    assert_eq!(K::encode(&Sparse { maybe: None, number: 2 }, buffer), Err(EncodeError::FieldSkipped));
    assert_eq!(K::encode(&Either::Sparse { number: 2, maybe: None }, buffer), Err(EncodeError::FieldSkipped));
    assert_eq!(K::encode(&vec![Sparse { maybe: None, number: 2 }], buffer), Err(EncodeError::FieldSkipped));
    assert_eq!(encoded::<K, _>(&Known { cached: 5, number: 2 }), [2]);
    assert_eq!(K::decode::<Known>(&[2]), Ok((Known { cached: 0, number: 2 }, 1)));
}

/// A list or a map that declares one length and has another.
struct Liar {
    declared: Option<usize>,
    elements: usize,
    map: bool,
}

impl Serialize for Liar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.map {
            let mut map = serializer.serialize_map(self.declared)?;
            (0..self.elements).try_for_each(|_| map.serialize_entry(&1_u8, &2_u8))?;
            map.end()
        } else {
            let mut list = serializer.serialize_seq(self.declared)?;
            (0..self.elements).try_for_each(|_| list.serialize_element(&1_u8))?;
            list.end()
        }
    }
}

fn encode_liar<K: Codec>(declared: Option<usize>, elements: usize) -> [Result<usize, EncodeError>; 2] {
    [false, true].map(|map| K::encode(&Liar { declared, elements, map }, &mut [0; 64]))
}

fn a_list_that_declares_more_elements_than_it_has_is_an_error<K: Codec>() {
    assert_eq!(encode_liar::<K>(Some(3), 2), [const { Err(EncodeError::LengthMismatch) }; 2]);
    assert_eq!(encode_liar::<K>(Some(1), 0), [const { Err(EncodeError::LengthMismatch) }; 2]);
}

fn a_list_that_declares_fewer_elements_than_it_has_is_an_error<K: Codec>() {
    assert_eq!(encode_liar::<K>(Some(1), 2), [const { Err(EncodeError::LengthMismatch) }; 2]);
    assert_eq!(encode_liar::<K>(Some(0), 1), [const { Err(EncodeError::LengthMismatch) }; 2]);
}

fn a_list_or_map_of_unknown_length_is_an_error<K: Codec>() {
    assert_eq!(encode_liar::<K>(None, 2), [const { Err(EncodeError::LengthUnknown) }; 2]);
}

/// Writes what its function says.
struct Shown(fn(&mut fmt::Formatter<'_>) -> fmt::Result);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0(f)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn a_text_that_changes_while_it_is_written_is_an_error<K: Codec>() {
    STEPS.set(0);
    let growing = Shown(|f| {
        step();
        f.write_str(&"x".repeat(STEPS.get()))
    });
    assert_eq!(K::encode(&growing, &mut [0; 64]), Err(EncodeError::LengthMismatch));
}

fn a_display_that_fails_is_an_error<K: Codec>() {
    let error = K::encode(&Shown(|_| Err(fmt::Error)), &mut [0; 64]).unwrap_err();
    assert!(matches!(error, EncodeError::Custom(_)), "{error:?}");
    // One that ignores the buffer's end does not get away with it.
    let ignoring = Shown(|f| {
        let _ = f.write_str("12345678");
        Ok(())
    });
    let needed = encoded::<K, _>(&"12345678").len();
    assert_eq!(K::encode(&ignoring, &mut vec![0; needed]), Ok(needed));
    assert!(K::encode(&ignoring, &mut vec![0; needed - 1]).is_err());
}

/// A `Display` text that ignores the buffer's end is too long, as any other is.
fn a_display_that_ignores_the_end_of_the_buffer_is_too_long<K: Codec>() {
    let ignoring = Shown(|f| {
        let _ = f.write_str("1234");
        let _ = f.write_str("5678");
        Ok(())
    });
    let needed = encoded::<K, _>(&"12345678").len();
    for size in 0..needed {
        assert_eq!(K::encode(&ignoring, &mut vec![0; size]), Err(EncodeError::BufferFull), "{size} bytes");
    }
    assert_eq!(K::encode(&ignoring, &mut vec![0; needed]), Ok(needed));
}

/// Ignores the errors of its parts, as far as serde lets it.
struct Careless;

impl Serialize for Careless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Careless", 2)?;
        let _ = fields.serialize_field("text", "a text");
        let _ = fields.serialize_field("number", &1_u8);
        fields.end()
    }
}

fn an_ignored_error_of_a_part_is_the_error_of_the_whole<K: Codec>() {
    let whole = encoded::<K, _>(&Careless).len();
    for size in 0..whole {
        assert_eq!(K::encode(&Careless, &mut vec![0; size]), Err(EncodeError::BufferFull), "{size} bytes");
    }

    /// Ignores that an element is one too many.
    struct Overfull;

    impl Serialize for Overfull {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(Some(1))?;
            let _ = list.serialize_element(&1_u8);
            let _ = list.serialize_element(&2_u8);
            list.end()
        }
    }

    assert_eq!(K::encode(&Overfull, &mut [0; 64]), Err(EncodeError::LengthMismatch));

    /// Ignores that a value cannot be encoded.
    struct Halved;

    impl Serialize for Halved {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            let _ = map.serialize_entry(&1_u8, &Liar { declared: None, elements: 0, map: false });
            map.end()
        }
    }

    assert_eq!(K::encode(&Halved, &mut [0; 64]), Err(EncodeError::LengthUnknown));
}

fn a_value_is_not_searched_for_a_reason_beyond_the_first_one<K: Codec>() {
    /// Refuses to be encoded.
    struct Refusing;

    impl Serialize for Refusing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("as told"))
        }
    }

    /// A part that counts the steps of encoding it, and takes no bytes.
    struct Counted;

    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            step();
            serializer.serialize_unit()
        }
    }

    /// Ignores that its first part is refused; the second is more than any message holds.
    struct Endless;

    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Endless", 2)?;
            let _ = fields.serialize_field("refused", &Refusing);
            let _ = fields.serialize_field("endless", &[const { Counted }; 100_000][..]);
            fields.end()
        }
    }

    let (result, steps) = steps(|| K::encode(&Endless, &mut [0; 64]));
    assert!(matches!(&result, Err(EncodeError::Custom(message)) if message.as_str() == "as told"), "{result:?}");
    assert!(steps <= MAX_ZERO_SIZED + 1, "{steps} steps");
}

#[test]
fn a_hash_map_of_hostile_length_reserves_no_more_than_has_arrived() {
    // `size_hint` is what collections reserve by.
    #[derive(Debug)]
    struct Hint(Option<usize>);

    impl<'de> Deserialize<'de> for Hint {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct HintVisitor;

            impl<'de> serde::de::Visitor<'de> for HintVisitor {
                type Value = Hint;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a sequence")
                }

                fn visit_seq<A: serde::de::SeqAccess<'de>>(self, elements: A) -> Result<Hint, A::Error> {
                    Ok(Hint(elements.size_hint()))
                }
            }

            deserializer.deserialize_seq(HintVisitor)
        }
    }

    let mut message = length::<Bincode>(LONG);
    message.extend([0; 5]);
    assert_eq!(Bincode::decode::<Hint>(&message).unwrap().0.0, Some(5));
    assert_eq!(Bincode::decode::<HashMap<u8, u8>>(&message), Err(DecodeError::Incomplete));
}

fn a_whole_text_that_is_spoilt_may_be_ignored<K: Codec>() {
    let mut message = length::<K>(2);
    message.extend(b"\xff\xff");
    let used = message.len();
    assert_eq!(K::decode::<Lenient<String>>(&message), Ok((Lenient(None), used)));
    assert_eq!(K::decode::<String>(&message), Err(DecodeError::InvalidUtf8));
}

fn more_elements_than_the_limit_are_no_matter_if_they_take_bytes<K: Codec>() {
    let list = vec![7_u8; MAX_ZERO_SIZED + 1];
    assert_eq!(K::decode::<Vec<u8>>(&encoded::<K, _>(&list)).unwrap().0, list);
    let map: BTreeMap<_, _> = (0..=MAX_ZERO_SIZED).map(|key| (key, ())).collect();
    assert_eq!(K::decode::<BTreeMap<usize, ()>>(&encoded::<K, _>(&map)).unwrap().0, map);
}

fn a_text_that_fails_only_the_second_time_is_an_error_of_its_own<K: Codec>() {
    STEPS.set(0);
    let fickle = Shown(|f| {
        step();
        if STEPS.get() == 2 { Err(fmt::Error) } else { f.write_str("shown") }
    });
    let error = K::encode(&fickle, &mut [0; 64]).unwrap_err();
    assert!(
        matches!(&error, EncodeError::Custom(message) if message.as_str() == "it is not encoded the same way twice"),
        "{error:?}"
    );
}

fn a_shown_text_that_does_not_fit_is_told_from_one_that_fails<K: Codec>() {
    let parts = Shown(|f| {
        f.write_str("1234")?;
        f.write_str("5678")
    });
    let needed = encoded::<K, _>(&parts).len();
    for size in 0..needed {
        assert_eq!(K::encode(&parts, &mut vec![0; size]), Err(EncodeError::BufferFull), "{size} bytes");
    }
    assert_eq!(K::encode(&parts, &mut vec![0; needed]), Ok(needed));
}

/// Says of every message what it is made with.
#[derive(Debug)]
struct Refusing<const LENGTH: usize>;

impl<const LENGTH: usize> Refusing<LENGTH> {
    /// An `x` and as many characters of two bytes.
    fn says() -> String {
        format!("x{}", "\u{e9}".repeat(LENGTH))
    }
}

impl<'de, const LENGTH: usize> Deserialize<'de> for Refusing<LENGTH> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(Self::says()))
    }
}

fn what_a_type_says_of_its_error_is_kept_up_to_64_bytes<K: Codec>() {
    fn said<K: Codec, const LENGTH: usize>() -> String {
        let Err(error @ DecodeError::Custom(_)) = K::decode::<Refusing<LENGTH>>(&[0; 8]) else {
            panic!("it refuses everything")
        };
        let shown = error.to_string();
        let DecodeError::Custom(message) = error else { panic!("as before") };
        assert_eq!(message.to_string(), message.as_str());
        assert!(shown.ends_with(message.as_str()), "{shown}");
        message.as_str().to_owned()
    }
    assert_eq!(said::<K, 0>(), "x");
    assert_eq!(said::<K, 31>(), Refusing::<31>::says());
    // The 65th byte would be the second one of a character.
    assert_eq!(said::<K, 32>(), Refusing::<31>::says());
    assert_eq!(said::<K, 500>(), Refusing::<31>::says());
}

/// What the format said of how many elements were left, before each and after the last.
#[derive(Debug, PartialEq)]
struct Hints<const TUPLE: usize, const MAP: bool>(Vec<Option<usize>>);

impl<'de, const TUPLE: usize, const MAP: bool> serde::de::Visitor<'de> for Hints<TUPLE, MAP> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("elements")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(mut self, mut elements: A) -> Result<Self, A::Error> {
        self.0.push(elements.size_hint());
        while elements.next_element::<u8>()?.is_some() {
            self.0.push(elements.size_hint());
        }
        Ok(self)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut entries: A) -> Result<Self, A::Error> {
        self.0.push(entries.size_hint());
        while entries.next_entry::<u8, u8>()?.is_some() {
            self.0.push(entries.size_hint());
        }
        Ok(self)
    }
}

impl<'de, const TUPLE: usize, const MAP: bool> Deserialize<'de> for Hints<TUPLE, MAP> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match (TUPLE, MAP) {
            (0, false) => deserializer.deserialize_seq(Self(Vec::new())),
            (0, true) => deserializer.deserialize_map(Self(Vec::new())),
            _ => deserializer.deserialize_tuple(TUPLE, Self(Vec::new())),
        }
    }
}

fn a_visitor_is_told_how_many_elements_there_are<K: Codec>() {
    let mut message = length::<K>(3);
    message.extend([7; 8]);
    let hints = vec![Some(3), Some(2), Some(1), Some(0)];
    assert_eq!(K::decode::<Hints<0, false>>(&message).unwrap().0.0, hints);
    assert_eq!(K::decode::<Hints<0, true>>(&message).unwrap().0.0, hints);
    assert_eq!(K::decode::<Hints<3, false>>(&[7; 8]).unwrap(), (Hints(hints), 3));
}

#[test]
fn a_length_beyond_the_address_space_is_told_from_one_beyond_the_capacity() {
    let verdict = |declared: u64| Bincode::decode_within::<String>(&length::<Bincode>(declared), 64).unwrap_err();
    let most = isize::MAX as u64;
    assert_eq!(verdict(57), DecodeError::BeyondCapacity(57));
    assert_eq!(verdict(most / 2), DecodeError::BeyondCapacity(isize::MAX as usize / 2));
    // With the eight bytes of the length itself.
    assert_eq!(verdict(most - 8), DecodeError::BeyondCapacity(isize::MAX as usize - 8));
    assert_eq!(verdict(most - 7), DecodeError::ImpossibleLength(most - 7));
}

/// A map whose keys and values are handed over apart, which serde's own impls do not.
struct Apart(BTreeMap<u8, u16>);

impl Serialize for Apart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_key(key)?;
            map.serialize_value(value)?;
        }
        map.end()
    }
}

fn keys_and_values_one_by_one_are_the_entries<K: Codec>() {
    let map = BTreeMap::from([(1, 2), (3, 4)]);
    assert_eq!(encoded::<K, _>(&Apart(map.clone())), encoded::<K, _>(&map));
}
