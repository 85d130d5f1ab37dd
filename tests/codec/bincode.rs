//! Our bincode side by side with bincode 1.3.3: the same bytes, the same verdicts and values, and each difference that
//! the codec's documentation lists.

use crate::strategies;
use std::collections::BTreeMap;
use std::fmt;

use crate::cases::cases;
use crate::model::{
    Borrowed, Bytes, Chain, Containers, Fixed, Floats, Integers, Kind, Lenient, LenientList, Newtype, Record, Refusal,
    Shape, Standard, Theirs, Tree, Tuple, Unit, Wide, bincodes, compare, encoded,
};
use ipc_server::codec::{Bincode, Codec, DecodeError, EncodeError, MAX_DEPTH, MAX_ZERO_SIZED};
use proptest::prelude::*;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

fn is_encoded_the_same<T: Serialize>(value: &T) {
    let theirs = bincode::serialize(value).unwrap();
    assert_eq!(encoded::<Bincode, _>(value), theirs);
}

fn is_decoded_the_same_after_mutation<T>(value: &T, mutations: &[strategies::Mutation], kind: Kind)
where
    T: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    let mut message = bincode::serialize(value).unwrap();
    strategies::mutate(&mut message, mutations);
    compare::<Bincode, T>(&message, kind, bincodes);
}

macro_rules! side_by_side {
    ($($name:ident: $kind:ident, $strategy:expr;)*) => {$(
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(cases(256))]

                #[test]
                fn is_encoded_the_same(value in $strategy) {
                    super::is_encoded_the_same(&value);
                }

                #[test]
                fn is_decoded_the_same_after_mutation(value in $strategy, mutations in strategies::mutations()) {
                    super::is_decoded_the_same_after_mutation(&value, &mutations, Kind::$kind);
                }
            }
        }
    )*};
}

side_by_side! {
    integers: Plain, strategies::integers();
    floats: Plain, strategies::floats();
    record: Plain, strategies::record();
    shape: Plain, strategies::shape();
    wide_enum: Plain, strategies::wide();
    containers: ZeroSized, strategies::containers();
    fixed_capacity: Plain, strategies::fixed();
    standard_library: Plain, strategies::standard();
    bytes: Plain, strategies::bytes();
    tree: Plain, strategies::tree();
    chain: Plain, strategies::chain();
}

proptest! {
    #![proptest_config(cases(2048))]

    #[test]
    fn any_bytes_are_decoded_the_same(message in strategies::anything()) {
        compare::<Bincode, Integers>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Floats>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Record>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Shape>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Wide>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Containers>(&message, Kind::ZeroSized, bincodes);
        compare::<Bincode, Fixed>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Standard>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Borrowed<'_>>(&message, Kind::Plain, bincodes);
        compare::<Bincode, (Bytes, char, bool)>(&message, Kind::Plain, bincodes);
        compare::<Bincode, Tree>(&message, Kind::Plain, bincodes);
        compare::<Bincode, (char, String, char)>(&message, Kind::Plain, bincodes);
    }

    #[test]
    fn any_bytes_are_decoded_the_same_by_types_that_swallow_errors(message in strategies::anything()) {
        compare::<Bincode, (Lenient<bool>, u16)>(&message, Kind::Lenient, bincodes);
        compare::<Bincode, (Lenient<char>, Lenient<String>, u8)>(&message, Kind::Lenient, bincodes);
        compare::<Bincode, (LenientList<bool>, u8)>(&message, Kind::Lenient, bincodes);
        compare::<Bincode, (Lenient<Shape>, Lenient<Tree>, u8)>(&message, Kind::Lenient, bincodes);
        compare::<Bincode, Vec<Lenient<Option<bool>>>>(&message, Kind::Lenient, bincodes);
    }

    #[test]
    fn borrowed_texts_are_encoded_the_same(lent in strategies::borrowed()) {
        is_encoded_the_same(&Borrowed { text: &lent.0, raw: &lent.1, maybe: lent.2.as_deref() });
    }
}

/// A rule of the layout: the value, and its bytes as both implementations write and read them.
fn golden<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: T, bytes: &[u8]) {
    assert_eq!(bincode::serialize(&value).unwrap(), bytes, "bincode 1.3.3 writes {value:?}");
    assert_eq!(encoded::<Bincode, _>(&value), bytes, "we write {value:?}");
    assert_eq!(bincodes::<T>(bytes).as_ref().map(|(value, used)| (value, *used)), Ok((&value, bytes.len())));
    assert_eq!(Bincode::decode::<T>(bytes), Ok((value, bytes.len())));
}

#[test]
fn a_bool_is_one_byte() {
    golden(false, b"\x00");
    golden(true, b"\x01");
    compare::<Bincode, bool>(b"\x02", Kind::Plain, bincodes);
    assert_eq!(Bincode::decode::<bool>(b"\x02"), Err(DecodeError::InvalidBool(2)));
}

#[test]
fn integers_are_little_endian_at_their_full_width() {
    golden(0xfe_u8, b"\xfe");
    golden(-2_i8, b"\xfe");
    golden(0x0102_u16, b"\x02\x01");
    golden(-2_i16, b"\xfe\xff");
    golden(0x0102_0304_u32, b"\x04\x03\x02\x01");
    golden(-2_i32, b"\xfe\xff\xff\xff");
    golden(0x0102_0304_0506_0708_u64, b"\x08\x07\x06\x05\x04\x03\x02\x01");
    golden(-2_i64, b"\xfe\xff\xff\xff\xff\xff\xff\xff");
    golden(
        0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128,
        b"\x10\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x07\x06\x05\x04\x03\x02\x01",
    );
    golden(-2_i128, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}

#[test]
fn floats_are_their_bits_little_endian() {
    golden(1.0_f32, b"\x00\x00\x80\x3f");
    golden(-0.0_f64, b"\x00\x00\x00\x00\x00\x00\x00\x80");
    let nans = Floats { single: f32::from_bits(0x7f80_0001), double: f64::from_bits(0xfff8_0000_0000_0102) };
    golden(nans, b"\x01\x00\x80\x7f\x02\x01\x00\x00\x00\x00\xf8\xff");
}

#[test]
fn a_char_is_its_utf_8_without_a_length() {
    golden('a', b"a");
    golden('é', b"\xc3\xa9");
    golden('€', b"\xe2\x82\xac");
    golden('🦀', b"\xf0\x9f\xa6\x80");
}

#[test]
fn what_is_no_char_is_refused() {
    let no_characters: &[&[u8]] = &[
        b"\x80",
        b"\xbf",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5",
        b"\xff",
    ];
    for bytes in no_characters {
        assert_eq!(Bincode::decode::<char>(bytes), Err(DecodeError::InvalidChar), "{bytes:02x?}");
        assert_eq!(bincodes::<char>(bytes), Err(Refusal::Char), "{bytes:02x?}");
    }
}

#[test]
fn every_first_two_bytes_of_a_char_are_judged_the_same() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            for tail in [b"\x80\x80\x80".as_slice(), b"\xbf\xbf\xbf", b"aaa"] {
                let message = [&[first, second], tail].concat();
                compare::<Bincode, char>(&message, Kind::Plain, bincodes);
                compare::<Bincode, (Lenient<char>, u8)>(&message, Kind::Lenient, bincodes);
            }
        }
    }
}

#[test]
fn texts_and_bytes_have_their_length_in_bytes_before_them() {
    golden(String::new(), b"\0\0\0\0\0\0\0\0");
    golden(String::from("a€"), b"\x04\0\0\0\0\0\0\0a\xe2\x82\xac");
    golden(Bytes(vec![1, 0xff]), b"\x02\0\0\0\0\0\0\0\x01\xff");
    golden(heapless::String::<4>::try_from("ab").unwrap(), b"\x02\0\0\0\0\0\0\0ab");
}

#[test]
fn an_option_is_a_byte_and_its_value() {
    golden(None::<u16>, b"\x00");
    golden(Some(0x0102_u16), b"\x01\x02\x01");
    golden(Some(None::<()>), b"\x01\x00");
    golden(Some(Some(())), b"\x01\x01");
    assert_eq!(Bincode::decode::<Option<()>>(b"\x02"), Err(DecodeError::InvalidOptionTag(2)));
    assert_eq!(bincodes::<Option<()>>(b"\x02"), Err(Refusal::Tag(Some(2))));
}

#[test]
fn sequences_and_maps_have_their_number_of_elements_before_them() {
    golden(Vec::<u16>::new(), b"\0\0\0\0\0\0\0\0");
    golden(vec![1_u16, 2], b"\x02\0\0\0\0\0\0\0\x01\0\x02\0");
    golden(BTreeMap::from([(1_u8, true), (2, false)]), b"\x02\0\0\0\0\0\0\0\x01\x01\x02\x00");
    golden(vec![(); 3], b"\x03\0\0\0\0\0\0\0");
}

#[test]
fn tuples_arrays_and_structs_are_their_fields() {
    golden((1_u8, true, 'x'), b"\x01\x01x");
    golden([1_u16, 2], b"\x01\0\x02\0");
    golden(Newtype(0x0102), b"\x02\x01");
    golden(Tuple(-1, "z".into(), Unit), b"\xff\x01\0\0\0\0\0\0\0z");
    golden(Floats { single: 0.0, double: 0.0 }, &[0; 12]);
}

#[test]
fn a_unit_is_nothing() {
    golden((), b"");
    golden(Unit, b"");
    golden([(), ()], b"");
}

#[test]
fn an_enum_is_its_variants_index_in_four_bytes_and_its_fields() {
    golden(Shape::Unit, b"\0\0\0\0");
    golden(Shape::Newtype(7), b"\x01\0\0\0\x07\0\0\0");
    golden(Shape::Tuple(1, Some(true), 'x'), b"\x02\0\0\0\x01\x01\x01x");
    golden(Shape::Struct { x: -1, text: String::new() }, b"\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0");
    golden(Shape::NoFields(), b"\x04\0\0\0");
    golden(Shape::NoNames {}, b"\x05\0\0\0");
    golden(Shape::Nested(Box::new(Shape::Unit)), b"\x06\0\0\0\0\0\0\0");
    golden(Shape::Outcome(Err("e".into())), b"\x07\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0e");
    golden(Wide::V255, b"\xff\0\0\0");
    golden(Wide::V256, b"\0\x01\0\0");
    assert_eq!(Bincode::decode::<Wide>(b"\x2c\x01\0\0"), Err(DecodeError::UnknownVariant(300)));
    assert_eq!(bincodes::<Wide>(b"\x2c\x01\0\0"), Err(Refusal::Other));
}

#[test]
fn bytes_behind_a_value_are_ignored() {
    assert_eq!(Bincode::decode::<u8>(b"\x01\x02"), Ok((1, 1)));
    assert_eq!(bincode::deserialize::<u8>(b"\x01\x02").unwrap(), 1);
}

#[test]
fn every_type_is_told_that_the_format_is_not_for_humans() {
    /// Encoded as a byte: whether the format says that humans read it.
    #[derive(Debug, PartialEq)]
    struct Human(bool, bool);

    impl Serialize for Human {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let human = serializer.is_human_readable();
            human.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Human {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let human = deserializer.is_human_readable();
            Ok(Self(human, bool::deserialize(deserializer)?))
        }
    }

    golden(Human(false, false), b"\x00");
}

#[test]
fn a_displayed_text_is_encoded_the_same() {
    struct Shown(u32);

    impl Serialize for Shown {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("<{}>", self.0))
        }
    }

    is_encoded_the_same(&Shown(0));
    is_encoded_the_same(&Shown(u32::MAX));
}

/// The differences that the documentation of [`Bincode`] lists, in its order.
mod deliberate_differences {
    use super::*;

    fn refused<T>(theirs: Theirs<T>) -> Refusal {
        theirs.err().expect("a refusal")
    }

    #[test]
    fn a_char_that_is_cut_off_is_incomplete() {
        for start in [b"\xc3".as_slice(), b"\xe2", b"\xe2\x82", b"\xf0\x9f\xa6"] {
            assert_eq!(Bincode::decode::<char>(start), Err(DecodeError::Incomplete));
            assert_eq!(refused(bincodes::<char>(start)), Refusal::Char);
        }
        // If it can still become one.
        assert_eq!(Bincode::decode::<char>(b"\xe2a"), Err(DecodeError::InvalidChar));
    }

    #[test]
    fn a_text_that_is_cut_off_and_spoilt_is_not_utf_8() {
        let start = b"\x04\0\0\0\0\0\0\0\xffa";
        assert_eq!(Bincode::decode::<String>(start), Err(DecodeError::InvalidUtf8));
        assert_eq!(refused(bincodes::<String>(start)), Refusal::End);
    }

    #[test]
    fn more_elements_without_bytes_than_the_limit_are_refused() {
        let units = vec![(); MAX_ZERO_SIZED + 1];
        let theirs = bincode::serialize(&units).unwrap();
        assert_eq!(Bincode::encode(&units, &mut [0; 64]), Err(EncodeError::TooManyZeroSized));
        assert_eq!(Bincode::decode::<Vec<()>>(&theirs), Err(DecodeError::ImpossibleLength(1025)));
        assert_eq!(bincodes::<Vec<()>>(&theirs), Ok((units, 8)));
    }

    #[test]
    fn more_levels_than_the_limit_are_refused() {
        let work = || {
            let chain = (0..=MAX_DEPTH).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))));
            let theirs = bincode::serialize(&chain).unwrap();
            assert_eq!(Bincode::encode(&chain, &mut [0; 2048]), Err(EncodeError::TooDeep));
            assert_eq!(Bincode::decode::<Chain>(&theirs), Err(DecodeError::TooDeep));
            assert_eq!(bincodes::<Chain>(&theirs), Ok((chain, MAX_DEPTH + 2)));
        };
        std::thread::Builder::new().stack_size(8 << 20).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn another_number_of_elements_than_declared_is_an_error() {
        struct Liar;

        impl Serialize for Liar {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(Some(2))?;
                list.serialize_element(&1_u8)?;
                list.end()
            }
        }

        assert_eq!(Bincode::encode(&Liar, &mut [0; 64]), Err(EncodeError::LengthMismatch));
        let theirs = bincode::serialize(&Liar).unwrap();
        assert_eq!(theirs, b"\x02\0\0\0\0\0\0\0\x01");
        assert_eq!(refused(bincodes::<Vec<u8>>(&theirs)), Refusal::End);
    }

    #[test]
    fn a_swallowed_error_of_a_part_is_the_error_of_the_whole() {
        struct Refusing;

        impl Serialize for Refusing {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("never"))
            }
        }

        struct Careless;

        impl Serialize for Careless {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = serializer.serialize_struct("Careless", 2)?;
                let _ = fields.serialize_field("first", &Refusing);
                let _ = fields.serialize_field("second", &2_u8);
                fields.end()
            }
        }

        let error = Bincode::encode(&Careless, &mut [0; 64]).unwrap_err();
        assert!(matches!(&error, EncodeError::Custom(message) if message.as_str() == "never"), "{error:?}");
        assert_eq!(bincode::serialize(&Careless).unwrap(), b"\x02");
    }

    #[test]
    fn a_display_that_fails_is_an_error() {
        struct Failing;

        impl fmt::Display for Failing {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }

        impl Serialize for Failing {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        assert!(matches!(Bincode::encode(&Failing, &mut [0; 64]), Err(EncodeError::Custom(_))));
        std::panic::catch_unwind(|| bincode::serialize(&Failing)).expect_err("bincode panics");
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_before_the_bytes_end() {
        let message = u64::MAX.to_le_bytes();
        assert_eq!(Bincode::decode::<String>(&message), Err(DecodeError::ImpossibleLength(u64::MAX)));
        assert_eq!(Bincode::decode::<Vec<u8>>(&message), Err(DecodeError::ImpossibleLength(u64::MAX)));
        // bincode looks for the bytes of any length that a `usize` holds.
        let theirs = if usize::BITS < u64::BITS { Refusal::Other } else { Refusal::End };
        assert_eq!(refused(bincodes::<String>(&message)), theirs);
        let message = 100_u64.to_le_bytes();
        assert_eq!(Bincode::decode_within::<String>(&message, 64), Err(DecodeError::BeyondCapacity(100)));
        assert_eq!(refused(bincodes::<String>(&message)), Refusal::End);
    }

    #[test]
    fn a_swallowed_end_or_limit_still_decides() {
        let start = b"\x08\0\0\0\0\0\0\0text";
        assert_eq!(Bincode::decode::<(Lenient<String>, u8)>(start), Err(DecodeError::Incomplete));
        assert_eq!(bincodes::<(Lenient<String>, u8)>(start), Ok(((Lenient(None), b't'), 9)));
        assert_eq!(Bincode::decode_within::<(Lenient<String>, u8)>(start, 12), Err(DecodeError::BeyondCapacity(8)),);
    }

    #[test]
    #[allow(clippy::serde_api_misuse)] // which is the point
    fn a_visitor_that_takes_only_owned_texts_is_not_served() {
        #[derive(Debug, PartialEq)]
        struct Owned(String);

        impl<'de> Deserialize<'de> for Owned {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct OwnedVisitor;

                impl Visitor<'_> for OwnedVisitor {
                    type Value = Owned;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an owned text")
                    }

                    fn visit_string<E: de::Error>(self, text: String) -> Result<Owned, E> {
                        Ok(Owned(text))
                    }
                }

                deserializer.deserialize_string(OwnedVisitor)
            }
        }

        let message = bincode::serialize("text").unwrap();
        assert!(matches!(Bincode::decode::<Owned>(&message), Err(DecodeError::Custom(_))));
        assert_eq!(bincodes::<Owned>(&message), Ok((Owned("text".into()), 12)));
    }
}
