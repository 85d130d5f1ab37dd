//! Types that cover serde's data model, and what other implementations of the two layouts make of a message.
//!
//! The tests of the codecs and the fuzz targets share them; none of them uses all.
#![allow(clippy::panic, dead_code, unreachable_pub, clippy::std_instead_of_core)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::ops::Range;
use std::time::Duration;

use ipc_server::codec::{Codec, DecodeError, PrefixError};
use serde::de::{self, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// What another implementation makes of the start of a message: a value with the number of bytes that it took, or why not.
pub type Theirs<T> = Result<(T, usize), Refusal>;

/// Why another implementation returns no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bytes have ended.
    End,
    /// Four bytes or fewer are not a character.
    Char,
    /// A `bool`, with its byte where the other implementation tells it.
    Bool(Option<u8>),
    /// The tag of an option, likewise.
    Tag(Option<u8>),
    Utf8,
    /// A varint is too long for an integer, or for a length in a `usize`: the error does not say which.
    Varint,
    Other,
}

/// What bincode makes of `bytes`, read with the options of `bincode::deserialize`.
pub fn bincodes<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Theirs<T> {
    use bincode::{ErrorKind, Options};

    let options = bincode::options().with_fixint_encoding().allow_trailing_bytes();
    let mut deserializer = bincode::Deserializer::from_slice(bytes, options);
    let value = T::deserialize(&mut deserializer).map_err(|error| match *error {
        ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Refusal::End,
        ErrorKind::InvalidCharEncoding => Refusal::Char,
        ErrorKind::InvalidBoolEncoding(byte) => Refusal::Bool(Some(byte)),
        ErrorKind::InvalidTagEncoding(tag) => Refusal::Tag(u8::try_from(tag).ok()),
        ErrorKind::InvalidUtf8Encoding(_) => Refusal::Utf8,
        _ => Refusal::Other,
    })?;
    // bincode does not say how much it has read: count what it has not.
    let mut unread = 0;
    while u64::deserialize(&mut deserializer).is_ok() {
        unread += 8;
    }
    while u8::deserialize(&mut deserializer).is_ok() {
        unread += 1;
    }
    Ok((value, bytes.len() - unread))
}

/// What the postcard crate makes of `bytes`.
#[cfg(feature = "postcard")]
pub fn postcards<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Theirs<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, rest)) => Ok((value, bytes.len() - rest.len())),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(Refusal::End),
        Err(postcard::Error::DeserializeBadChar) => Err(Refusal::Char),
        Err(postcard::Error::DeserializeBadBool) => Err(Refusal::Bool(None)),
        Err(postcard::Error::DeserializeBadOption) => Err(Refusal::Tag(None)),
        Err(postcard::Error::DeserializeBadUtf8) => Err(Refusal::Utf8),
        Err(postcard::Error::DeserializeBadVarint) => Err(Refusal::Varint),
        Err(_) => Err(Refusal::Other),
    }
}

/// What is special about a type when two implementations are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// It has sequences whose elements may take no bytes: the other implementation may loop for ever.
    ZeroSized,
    /// It swallows errors, the end of the bytes included: the other implementation may make a value of a part of one.
    Lenient,
}

/// Decodes `bytes` with the codec `K` and with another implementation, and panics where they differ in a way that the
/// documentation of the codec does not list.
pub fn compare<'de, K: Codec, T>(bytes: &'de [u8], kind: Kind, theirs: impl FnOnce(&'de [u8]) -> Theirs<T>)
where
    T: Deserialize<'de> + PartialEq + fmt::Debug,
{
    let ours = K::decode::<T>(bytes);
    // Without the reason the verdict is the same.
    match (&ours, K::decode_prefix::<T>(bytes, usize::MAX)) {
        (Ok(whole), Ok(prefix)) => assert_eq!(*whole, prefix, "bytes: {bytes:02x?}"),
        (Err(DecodeError::Incomplete), Err(PrefixError::Incomplete { missing: 1.. })) => {}
        (Err(DecodeError::NotSelfDescribing), Err(PrefixError::NotSelfDescribing)) => {}
        (Err(DecodeError::BeyondCapacity(_)), Err(PrefixError::BeyondCapacity)) => {}
        (Err(DecodeError::Incomplete | DecodeError::NotSelfDescribing | DecodeError::BeyondCapacity(_)), prefix)
        | (Ok(_), prefix) => panic!("ours: {ours:?}, of the prefix: {prefix:?}\nbytes: {bytes:02x?}"),
        (Err(_), prefix) => {
            assert_eq!(prefix.err(), Some(PrefixError::Malformed), "ours: {ours:?}\nbytes: {bytes:02x?}");
            assert_eq!(ours.as_ref().err(), Some(&K::explain::<T>(bytes, usize::MAX)), "bytes: {bytes:02x?}");
        }
    }
    let limited = matches!(ours, Err(DecodeError::ImpossibleLength(_)));
    let incomplete = ours == Err(DecodeError::Incomplete);
    if ours == Err(DecodeError::TooDeep) || (kind != Kind::Plain && limited) || (kind == Kind::Lenient && incomplete) {
        return;
    }
    let theirs = theirs(bytes);
    // Our lengths are of 64 bits everywhere. Theirs are a `usize`, so where that is shorter their varint ends before ours, and a
    // type that swallows the error goes on at another byte.
    if usize::BITS < u64::BITS && (theirs == Err(Refusal::Varint) || kind == Kind::Lenient) {
        return;
    }
    let agreed = match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (Err(DecodeError::Incomplete), Err(Refusal::End | Refusal::Char)) => true,
        (Err(DecodeError::Incomplete), _) | (Ok(_), _) | (_, Ok(_)) => false,
        // A text or a character that is cut off and spoilt already.
        (Err(DecodeError::InvalidUtf8 | DecodeError::InvalidChar), Err(Refusal::End)) => true,
        (Err(_), Err(Refusal::End)) => limited,
        // The reason, where theirs has one.
        (Err(DecodeError::InvalidBool(ours)), Err(Refusal::Bool(theirs)))
        | (Err(DecodeError::InvalidOptionTag(ours)), Err(Refusal::Tag(theirs))) => {
            theirs.is_none_or(|theirs| theirs == *ours)
        }
        (Err(ours), Err(Refusal::Bool(_) | Refusal::Tag(_))) => limited || matches!(ours, DecodeError::Custom(_)),
        (Err(ours), Err(Refusal::Utf8)) => {
            matches!(ours, DecodeError::InvalidUtf8 | DecodeError::InvalidChar) || limited
        }
        (Err(ours), Err(Refusal::Varint)) => *ours == DecodeError::InvalidVarint || limited,
        (Err(_), Err(_)) => true,
    };
    assert!(agreed, "ours: {ours:?}\ntheirs: {theirs:?}\nbytes: {bytes:02x?}");
    if let Ok((_, used)) = ours {
        // Nothing less is a value, and a message that fits the capacity is not refused for it.
        if let Some(cut) = used.checked_sub(1) {
            assert_eq!(K::decode::<T>(&bytes[..cut]), Err(DecodeError::Incomplete), "cut off: {bytes:02x?}");
        }
        // A type that swallows errors may make a value of a list that declares more elements than fit.
        if kind != Kind::Lenient {
            assert_eq!(K::decode_within::<T>(bytes, used), ours, "within its own length: {bytes:02x?}");
        }
    }
}

/// Walks the prefixes of `bytes`, from none of them to all: they are incomplete until one has a verdict, which stays, and no
/// prefix lacks more than what comes before a value. Within less capacity nothing else is a value.
pub fn walk<'de, K: Codec, T>(bytes: &'de [u8], kind: Kind)
where
    T: Deserialize<'de> + PartialEq + fmt::Debug,
{
    let mut enough = 0;
    let verdict = (0..=bytes.len()).find_map(|end| match K::decode::<T>(&bytes[..end]) {
        Err(DecodeError::Incomplete) => match K::decode_prefix::<T>(&bytes[..end], usize::MAX) {
            Err(PrefixError::Incomplete { missing }) if missing > 0 => {
                enough = enough.max(end.saturating_add(missing));
                None
            }
            prefix => panic!("{prefix:?} at {end} of {bytes:02x?}"),
        },
        verdict => {
            assert!(verdict.is_err() || enough <= end, "{enough} at {end} of {bytes:02x?}");
            Some((verdict, end))
        }
    });
    let (verdict, decided) = verdict.unwrap_or((Err(DecodeError::Incomplete), bytes.len()));
    // What follows changes nothing: a byte, two, four, and all.
    let more = (0..usize::BITS).map(|power| decided.saturating_add(1 << power));
    for end in more.take_while(|end| *end < bytes.len()).chain([bytes.len()]) {
        assert_eq!(verdict, K::decode::<T>(&bytes[..end]), "{end} of {bytes:02x?}");
    }
    let most = bytes.len() + 8;
    let used = verdict.as_ref().map_or(decided, |(_, used)| *used);
    // Every capacity where there are few, and around those where something may change.
    let is_near =
        |capacity: usize| [decided, used, enough, bytes.len()].iter().any(|bound| bound.abs_diff(capacity) <= 1);
    for capacity in (0..most).filter(|capacity| capacity % (1 + most / 16) == 0 || is_near(*capacity)) {
        let within = K::decode_within::<T>(bytes, capacity);
        let refused = matches!(within, Err(DecodeError::BeyondCapacity(_) | DecodeError::ImpossibleLength(_)));
        // A type that swallows errors may go on after a list that declares more than fits.
        let fits = kind != Kind::Lenient && matches!(verdict, Ok((_, used)) if used <= capacity);
        assert!(
            within == verdict || (refused && !fits),
            "{within:?}, not {verdict:?}, within {capacity}: {bytes:02x?}"
        );
    }
}

/// Every width of integer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integers {
    pub u8: u8,
    pub u16: u16,
    pub u32: u32,
    pub u64: u64,
    pub u128: u128,
    pub i8: i8,
    pub i16: i16,
    pub i32: i32,
    pub i64: i64,
    pub i128: i128,
}

/// Equal if the bits are: NaNs keep their payload, and -0.0 is not 0.0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Floats {
    pub single: f32,
    pub double: f64,
}

impl PartialEq for Floats {
    fn eq(&self, other: &Self) -> bool {
        self.single.to_bits() == other.single.to_bits() && self.double.to_bits() == other.double.to_bits()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newtype(pub u16);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuple(pub i8, pub String, pub Unit);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub flag: bool,
    pub letter: char,
    pub nothing: (),
    pub marker: Unit,
    pub number: Newtype,
    pub tuple: Tuple,
    pub maybe: Option<Option<char>>,
    pub present: Option<()>,
}

/// Every kind of variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    Unit,
    Newtype(u32),
    Tuple(u8, Option<bool>, char),
    Struct { x: i64, text: String },
    NoFields(),
    NoNames {},
    Nested(Box<Self>),
    Outcome(Result<u8, String>),
}

/// An enum of 300 variants: more than fit into one byte.
#[rustfmt::skip]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Wide {
    V0, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19,
    V20, V21, V22, V23, V24, V25, V26, V27, V28, V29, V30, V31, V32, V33, V34, V35, V36, V37, V38, V39,
    V40, V41, V42, V43, V44, V45, V46, V47, V48, V49, V50, V51, V52, V53, V54, V55, V56, V57, V58, V59,
    V60, V61, V62, V63, V64, V65, V66, V67, V68, V69, V70, V71, V72, V73, V74, V75, V76, V77, V78, V79,
    V80, V81, V82, V83, V84, V85, V86, V87, V88, V89, V90, V91, V92, V93, V94, V95, V96, V97, V98, V99,
    V100, V101, V102, V103, V104, V105, V106, V107, V108, V109, V110, V111, V112, V113, V114, V115, V116, V117, V118, V119,
    V120, V121, V122, V123, V124, V125, V126, V127, V128, V129, V130, V131, V132, V133, V134, V135, V136, V137, V138, V139,
    V140, V141, V142, V143, V144, V145, V146, V147, V148, V149, V150, V151, V152, V153, V154, V155, V156, V157, V158, V159,
    V160, V161, V162, V163, V164, V165, V166, V167, V168, V169, V170, V171, V172, V173, V174, V175, V176, V177, V178, V179,
    V180, V181, V182, V183, V184, V185, V186, V187, V188, V189, V190, V191, V192, V193, V194, V195, V196, V197, V198, V199,
    V200, V201, V202, V203, V204, V205, V206, V207, V208, V209, V210, V211, V212, V213, V214, V215, V216, V217, V218, V219,
    V220, V221, V222, V223, V224, V225, V226, V227, V228, V229, V230, V231, V232, V233, V234, V235, V236, V237, V238, V239,
    V240, V241, V242, V243, V244, V245, V246, V247, V248, V249, V250, V251, V252, V253, V254, V255, V256, V257, V258, V259,
    V260, V261, V262, V263, V264, V265, V266, V267, V268, V269, V270, V271, V272, V273, V274, V275, V276, V277, V278, V279,
    V280, V281, V282, V283, V284, V285, V286, V287, V288, V289, V290, V291, V292, V293, V294, V295, V296, V297, V298, V299,
}

impl Wide {
    pub const VARIANTS: u32 = 300;

    /// The variant of this index.
    pub fn nth(index: u32) -> Self {
        let index: de::value::U32Deserializer<de::value::Error> = index.into_deserializer();
        Self::deserialize(index).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Sequences, maps and what has a fixed length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Containers {
    pub list: Vec<u16>,
    pub nested: Vec<Vec<bool>>,
    pub units: Vec<()>,
    pub array: [i16; 3],
    pub tuple: (u8, (char, u64)),
    pub map: BTreeMap<u8, Shape>,
    pub texts: BTreeMap<String, Option<i32>>,
    pub set: BTreeSet<i64>,
}

/// Containers of fixed capacity, as a daemon without a heap uses them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    pub name: heapless::String<12>,
    pub samples: heapless::Vec<u16, 6>,
    pub names: heapless::Vec<heapless::String<4>, 3>,
}

/// What serde implements for types of the standard library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standard {
    pub duration: Duration,
    pub address: Ipv4Addr,
    pub not_zero: NonZeroU16,
    pub range: Range<u8>,
    pub boxed: Box<str>,
    pub slice: Box<[u32]>,
}

/// Texts and bytes that are not copied out of the message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Borrowed<'a> {
    pub text: &'a str,
    pub raw: &'a [u8],
    #[serde(borrow)]
    pub maybe: Option<&'a str>,
}

/// serde's byte arrays, which are not sequences of `u8`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }

        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

/// Three numbers, which is known before one is read: a visitor that relies on how many elements it is told of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hinted(pub Vec<u16>);

impl<'de> Deserialize<'de> for Hinted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HintedVisitor;

        impl<'de> Visitor<'de> for HintedVisitor {
            type Value = Hinted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("three numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Hinted, A::Error> {
                if elements.size_hint() != Some(3) {
                    return Err(de::Error::custom("not three numbers"));
                }
                let mut numbers = Vec::new();
                while let Some(number) = elements.next_element()? {
                    numbers.push(number);
                }
                Ok(Hinted(numbers))
            }
        }

        deserializer.deserialize_seq(HintedVisitor)
    }
}

/// A type that contains itself in every way that takes bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tree {
    Leaf(i32),
    Boxed(Box<Self>),
    Branches(Vec<Self>),
    Pair(Box<Self>, Box<Self>),
    Maybe(Option<Box<Self>>),
    Named { name: String, children: BTreeMap<u8, Self> },
}

/// The deepest type per byte: each level is an option's tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chain(pub Option<Box<Self>>);

/// Swallows the error of its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Lenient<T>(pub Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(T::deserialize(deserializer).ok()))
    }
}

/// Takes the default for each element that it cannot decode and goes on with the next one.
#[derive(Clone, Debug, PartialEq)]
pub struct LenientList<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for LenientList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ListVisitor<T> {
            type Value = LenientList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<LenientList<T>, A::Error> {
                let mut list = Vec::new();
                loop {
                    match elements.next_element() {
                        Ok(Some(element)) => list.push(element),
                        Ok(None) => return Ok(LenientList(list)),
                        Err(_) => list.push(T::default()),
                    }
                }
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// Encodes `value` into as many bytes as it takes.
pub fn encoded<K: Codec, T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut buffer = vec![0xaa; 64 * 1024];
    let written = K::encode(value, &mut buffer).unwrap_or_else(|error| panic!("{error}"));
    buffer.truncate(written);
    buffer
}
