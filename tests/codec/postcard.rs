//! Our postcard side by side with the postcard crate: the same bytes, the same verdicts and values, and each difference
//! that the codec's documentation lists.

use crate::strategies;
use std::collections::BTreeMap;
use std::fmt;

use crate::cases::cases;
use crate::model::{
    Borrowed, Bytes, Chain, Containers, Fixed, Floats, Integers, Kind, Lenient, LenientList, Newtype, Record, Refusal,
    Shape, Standard, Theirs, Tree, Tuple, Unit, Wide, compare, encoded, postcards,
};
use ipc_server::codec::{Codec, DecodeError, EncodeError, MAX_DEPTH, MAX_ZERO_SIZED, Postcard};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};

fn is_encoded_the_same<T: Serialize>(value: &T) {
    let theirs = postcard::to_stdvec(value).unwrap();
    assert_eq!(encoded::<Postcard, _>(value), theirs);
}

fn is_decoded_the_same_after_mutation<T>(value: &T, mutations: &[strategies::Mutation], kind: Kind)
where
    T: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    let mut message = postcard::to_stdvec(value).unwrap();
    strategies::mutate(&mut message, mutations);
    compare::<Postcard, T>(&message, kind, postcards);
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
        compare::<Postcard, Integers>(&message, Kind::Plain, postcards);
        compare::<Postcard, Floats>(&message, Kind::Plain, postcards);
        compare::<Postcard, Record>(&message, Kind::Plain, postcards);
        compare::<Postcard, Shape>(&message, Kind::Plain, postcards);
        compare::<Postcard, Wide>(&message, Kind::Plain, postcards);
        compare::<Postcard, Containers>(&message, Kind::ZeroSized, postcards);
        compare::<Postcard, Fixed>(&message, Kind::Plain, postcards);
        compare::<Postcard, Standard>(&message, Kind::Plain, postcards);
        compare::<Postcard, Borrowed<'_>>(&message, Kind::Plain, postcards);
        compare::<Postcard, (Bytes, char, bool)>(&message, Kind::Plain, postcards);
        compare::<Postcard, Tree>(&message, Kind::Plain, postcards);
        compare::<Postcard, (char, String, char)>(&message, Kind::Plain, postcards);
    }

    #[test]
    fn any_bytes_are_decoded_the_same_by_types_that_swallow_errors(message in strategies::anything()) {
        compare::<Postcard, (Lenient<bool>, u16)>(&message, Kind::Lenient, postcards);
        compare::<Postcard, (Lenient<char>, Lenient<String>, u8)>(&message, Kind::Lenient, postcards);
        compare::<Postcard, (Lenient<u16>, Lenient<i128>, u8)>(&message, Kind::Lenient, postcards);
        compare::<Postcard, (LenientList<bool>, u8)>(&message, Kind::Lenient, postcards);
        compare::<Postcard, (Lenient<Shape>, Lenient<Tree>, u8)>(&message, Kind::Lenient, postcards);
        compare::<Postcard, Vec<Lenient<Option<bool>>>>(&message, Kind::Lenient, postcards);
    }

    #[test]
    fn borrowed_texts_are_encoded_the_same(lent in strategies::borrowed()) {
        is_encoded_the_same(&Borrowed { text: &lent.0, raw: &lent.1, maybe: lent.2.as_deref() });
    }
}

/// A rule of the layout: the value, and its bytes as both implementations write and read them.
fn golden<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: T, bytes: &[u8]) {
    assert_eq!(postcard::to_stdvec(&value).unwrap(), bytes, "the postcard crate writes {value:?}");
    assert_eq!(encoded::<Postcard, _>(&value), bytes, "we write {value:?}");
    assert_eq!(postcards::<T>(bytes).as_ref().map(|(value, used)| (value, *used)), Ok((&value, bytes.len())));
    assert_eq!(Postcard::decode::<T>(bytes), Ok((value, bytes.len())));
}

/// Bytes that are no value of `T`, to both implementations.
fn malformed<T: DeserializeOwned + PartialEq + fmt::Debug>(bytes: &[u8], error: DecodeError) {
    assert_eq!(Postcard::decode::<T>(bytes), Err(error), "{bytes:02x?}");
    assert!(!matches!(postcards::<T>(bytes), Ok(_) | Err(Refusal::End)), "{bytes:02x?}");
}

#[test]
fn a_bool_is_one_byte() {
    golden(false, b"\x00");
    golden(true, b"\x01");
    malformed::<bool>(b"\x02", DecodeError::InvalidBool(2));
}

#[test]
fn integers_of_one_byte_are_themselves() {
    golden(0xfe_u8, b"\xfe");
    golden(-2_i8, b"\xfe");
}

#[test]
fn unsigned_integers_take_seven_bits_a_byte_lowest_first() {
    golden(0_u16, b"\x00");
    golden(127_u16, b"\x7f");
    golden(128_u16, b"\x80\x01");
    golden(u16::MAX, b"\xff\xff\x03");
    golden(128_u32, b"\x80\x01");
    golden(u32::MAX, b"\xff\xff\xff\xff\x0f");
    golden(u64::MAX, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    golden(u128::MAX, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03");
}

#[test]
fn signed_integers_are_zigzagged_first() {
    golden(0_i16, b"\x00");
    golden(-1_i16, b"\x01");
    golden(1_i16, b"\x02");
    golden(-64_i32, b"\x7f");
    golden(64_i32, b"\x80\x01");
    golden(i16::MIN, b"\xff\xff\x03");
    golden(i32::MIN, b"\xff\xff\xff\xff\x0f");
    golden(i64::MIN, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    golden(i128::MAX, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03");
}

#[test]
fn an_integer_that_is_too_long_or_too_large_is_malformed() {
    malformed::<u16>(b"\x80\x80\x80", DecodeError::InvalidVarint);
    malformed::<u16>(b"\xff\xff\x04", DecodeError::InvalidVarint);
    malformed::<i32>(b"\xff\xff\xff\xff\x10", DecodeError::InvalidVarint);
    malformed::<u64>(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", DecodeError::InvalidVarint);
    malformed::<u128>(&[0x80; 19], DecodeError::InvalidVarint);
    malformed::<Shape>(b"\x80\x80\x80\x80\x80", DecodeError::InvalidVarint);
    malformed::<String>(&[0xff; 10], DecodeError::InvalidVarint);
    // Longer than it need be is allowed.
    assert_eq!(Postcard::decode::<u16>(b"\x80\x00"), Ok((0, 2)));
    assert_eq!(postcards::<u16>(b"\x80\x00"), Ok((0, 2)));
}

#[test]
fn what_follows_an_integer_that_is_too_long_keeps_its_place() {
    let message = b"\xff\xff\xff\x07";
    assert_eq!(postcards::<(Lenient<u16>, u8)>(message), Ok(((Lenient(None), 7), 4)));
    assert_eq!(Postcard::decode::<(Lenient<u16>, u8)>(message), Ok(((Lenient(None), 7), 4)));
    let message = [[0xff; 19].as_slice(), b"\x07"].concat();
    assert_eq!(Postcard::decode::<(Lenient<i128>, u8)>(&message), Ok(((Lenient(None), 7), 20)));
}

#[test]
fn floats_are_their_bits_little_endian() {
    golden(1.0_f32, b"\x00\x00\x80\x3f");
    golden(-0.0_f64, b"\x00\x00\x00\x00\x00\x00\x00\x80");
    let nans = Floats { single: f32::from_bits(0x7f80_0001), double: f64::from_bits(0xfff8_0000_0000_0102) };
    golden(nans, b"\x01\x00\x80\x7f\x02\x01\x00\x00\x00\x00\xf8\xff");
}

#[test]
fn a_char_is_a_text_of_one_character() {
    golden('a', b"\x01a");
    golden('é', b"\x02\xc3\xa9");
    golden('€', b"\x03\xe2\x82\xac");
    golden('🦀', b"\x04\xf0\x9f\xa6\x80");
    malformed::<char>(b"\x00", DecodeError::InvalidChar);
    malformed::<char>(b"\x05abcde", DecodeError::InvalidChar);
    malformed::<char>(b"\x01\xff", DecodeError::InvalidChar);
    malformed::<char>(b"\x03\xed\xa0\x80", DecodeError::InvalidChar);
    // The postcard crate takes the first character of several, and so do we.
    assert_eq!(postcards::<char>(b"\x02ab"), Ok(('a', 3)));
    assert_eq!(Postcard::decode::<char>(b"\x02ab"), Ok(('a', 3)));
}

#[test]
fn texts_and_bytes_have_their_length_in_bytes_before_them() {
    golden(String::new(), b"\x00");
    golden(String::from("a€"), b"\x04a\xe2\x82\xac");
    golden(Bytes(vec![1, 0xff]), b"\x02\x01\xff");
    golden("x".repeat(128), &[b"\x80\x01".as_slice(), &[b'x'; 128]].concat());
    malformed::<String>(b"\x01\xff", DecodeError::InvalidUtf8);
}

#[test]
fn an_option_is_a_byte_and_its_value() {
    golden(None::<u16>, b"\x00");
    golden(Some(0x0102_u16), b"\x01\x82\x02");
    golden(Some(None::<()>), b"\x01\x00");
    malformed::<Option<()>>(b"\x02", DecodeError::InvalidOptionTag(2));
}

#[test]
fn sequences_and_maps_have_their_number_of_elements_before_them() {
    golden(Vec::<u16>::new(), b"\x00");
    golden(vec![1_u16, 2], b"\x02\x01\x02");
    golden(BTreeMap::from([(1_u8, true), (2, false)]), b"\x02\x01\x01\x02\x00");
    golden(vec![(); 200], b"\xc8\x01");
}

#[test]
fn tuples_arrays_and_structs_are_their_fields() {
    golden((1_u8, true, 'x'), b"\x01\x01\x01x");
    golden([1_u16, 2], b"\x01\x02");
    golden(Newtype(0x0102), b"\x82\x02");
    golden(Tuple(-1, "z".into(), Unit), b"\xff\x01z");
}

#[test]
fn a_unit_is_nothing() {
    golden((), b"");
    golden(Unit, b"");
}

#[test]
fn an_enum_is_its_variants_index_as_an_integer_and_its_fields() {
    golden(Shape::Unit, b"\x00");
    golden(Shape::Newtype(7), b"\x01\x07");
    golden(Shape::Tuple(1, Some(true), 'x'), b"\x02\x01\x01\x01\x01x");
    golden(Shape::Struct { x: -1, text: String::new() }, b"\x03\x01\x00");
    golden(Shape::NoFields(), b"\x04");
    golden(Shape::NoNames {}, b"\x05");
    golden(Shape::Nested(Box::new(Shape::Unit)), b"\x06\x00");
    golden(Wide::V127, b"\x7f");
    golden(Wide::V128, b"\x80\x01");
    golden(Wide::V299, b"\xab\x02");
    malformed::<Wide>(b"\xac\x02", DecodeError::UnknownVariant(300));
}

#[test]
fn a_displayed_text_is_encoded_the_same() {
    struct Shown(u32);

    impl Serialize for Shown {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("<{}>", "=".repeat(self.0 as usize)))
        }
    }

    is_encoded_the_same(&Shown(0));
    is_encoded_the_same(&Shown(200));
}

#[test]
fn every_type_is_told_that_the_format_is_not_for_humans() {
    // An address is four bytes if nobody reads it.
    golden(std::net::Ipv4Addr::LOCALHOST, b"\x7f\x00\x00\x01");
}

/// The differences that the documentation of [`Postcard`] lists, in its order.
mod deliberate_differences {
    use super::*;

    fn refused<T>(theirs: Theirs<T>) -> Refusal {
        theirs.err().expect("a refusal")
    }

    #[test]
    fn more_elements_without_bytes_than_the_limit_are_refused() {
        let units = vec![(); MAX_ZERO_SIZED + 1];
        let theirs = postcard::to_stdvec(&units).unwrap();
        assert_eq!(Postcard::encode(&units, &mut [0; 64]), Err(EncodeError::TooManyZeroSized));
        assert_eq!(Postcard::decode::<Vec<()>>(&theirs), Err(DecodeError::ImpossibleLength(1025)));
        assert_eq!(postcards::<Vec<()>>(&theirs), Ok((units, 2)));
    }

    #[test]
    fn more_levels_than_the_limit_are_refused() {
        let work = || {
            let chain = (0..=MAX_DEPTH).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))));
            let theirs = postcard::to_stdvec(&chain).unwrap();
            assert_eq!(Postcard::encode(&chain, &mut [0; 2048]), Err(EncodeError::TooDeep));
            assert_eq!(Postcard::decode::<Chain>(&theirs), Err(DecodeError::TooDeep));
            assert_eq!(postcards::<Chain>(&theirs), Ok((chain, MAX_DEPTH + 2)));
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

        assert_eq!(Postcard::encode(&Liar, &mut [0; 64]), Err(EncodeError::LengthMismatch));
        assert_eq!(postcard::to_stdvec(&Liar).unwrap(), b"\x02\x01");
    }

    #[test]
    fn a_swallowed_error_of_a_part_is_the_error_of_the_whole() {
        struct Careless;

        impl Serialize for Careless {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = serializer.serialize_struct("Careless", 2)?;
                let _ = fields.serialize_field("text", "long");
                let _ = fields.serialize_field("number", &2_u8);
                fields.end()
            }
        }

        assert_eq!(Postcard::encode(&Careless, &mut [0; 2]), Err(EncodeError::BufferFull));
        assert_eq!(postcard::to_slice(&Careless, &mut [0; 2]).unwrap(), b"\x04\x02");
    }

    #[test]
    fn a_text_or_char_that_is_cut_off_and_spoilt_is_malformed() {
        assert_eq!(Postcard::decode::<String>(b"\x04\xffa"), Err(DecodeError::InvalidUtf8));
        assert_eq!(refused(postcards::<String>(b"\x04\xffa")), Refusal::End);
        assert_eq!(Postcard::decode::<char>(b"\x03\xe2a"), Err(DecodeError::InvalidChar));
        assert_eq!(refused(postcards::<char>(b"\x03\xe2a")), Refusal::End);
        assert_eq!(Postcard::decode::<char>(b"\x03\xe2\x82"), Err(DecodeError::Incomplete));
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_before_the_bytes_end() {
        let message = postcard::to_stdvec(&u64::MAX).unwrap();
        assert_eq!(Postcard::decode::<String>(&message), Err(DecodeError::ImpossibleLength(u64::MAX)));
        // The postcard crate looks for the bytes of any length that a `usize` holds.
        let theirs = if usize::BITS < u64::BITS { Refusal::Varint } else { Refusal::End };
        assert_eq!(refused(postcards::<String>(&message)), theirs);
        assert_eq!(Postcard::decode_within::<String>(&[100], 64), Err(DecodeError::BeyondCapacity(100)));
        assert_eq!(refused(postcards::<String>(&[100])), Refusal::End);
    }

    #[test]
    fn a_swallowed_end_or_limit_still_decides() {
        let start = b"\x08text";
        assert_eq!(Postcard::decode::<(Lenient<String>, u8)>(start), Err(DecodeError::Incomplete));
        assert_eq!(postcards::<(Lenient<String>, u8)>(start), Ok(((Lenient(None), b't'), 2)));
        let within = Postcard::decode_within::<(Lenient<String>, u8)>(start, 5);
        assert_eq!(within, Err(DecodeError::BeyondCapacity(8)));
    }
}

#[test]
fn a_field_keeps_its_place_after_a_varint_that_is_too_long() {
    let mut message = [0xff; 11];
    message[10] = 5;
    assert_eq!(Postcard::decode(&message), Ok(((Lenient::<u64>(None), 5_u8), 11)));
    assert_eq!(Postcard::decode(&message[7..]), Ok(((Lenient::<u16>(None), 5_u8), 4)));
}
