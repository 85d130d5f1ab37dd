//! What the obvious way of tracing gets wrong.

use std::ffi::OsString;

use serde::Deserialize;

use super::support::{different, fingerprint, shows, text};

#[derive(Deserialize)]
struct TwoLocal {
    a: First,
    b: Second,
}

struct First;
struct Second;

// Both are called `Kind`, have one `type_name`, the same variants, and other contents.
impl<'de> Deserialize<'de> for First {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        enum Kind {
            A(u8),
            B,
        }
        Kind::deserialize(deserializer).map(|_| Self)
    }
}

impl<'de> Deserialize<'de> for Second {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        enum Kind {
            A(u16),
            B,
        }
        Kind::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn two_local_enums_of_one_name_stay_two() {
    shows::<TwoLocal>("struct TwoLocal { a: Kind, b: Kind#2 }\nenum Kind { A(u8), B }\nenum Kind#2 { A(u16), B }");
}

fn both<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let result: Result<(u8, u8), D::Error>;
    {
        #[derive(Deserialize)]
        enum Kind {
            A(u8),
            B,
        }
        mod hidden {}
        struct Both;
        impl<'de> serde::de::Visitor<'de> for Both {
            type Value = (u8, u8);
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("two")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<(u8, u8), A::Error> {
                seq.next_element::<Kind>()?;
                {
                    #[derive(Deserialize)]
                    enum Kind {
                        A(u32),
                        B,
                    }
                    seq.next_element::<Kind>()?;
                }
                Ok((1, 1))
            }
        }
        result = deserializer.deserialize_tuple(2, Both);
    }
    result.map(|(one, _)| one)
}

#[derive(Deserialize)]
struct LocalInOneFunction(#[serde(deserialize_with = "both")] u8);

#[test]
fn two_enums_of_one_type_name_stay_two() {
    shows::<LocalInOneFunction>("(Kind, Kind#2)\nenum Kind { A(u8), B }\nenum Kind#2 { A(u32), B }");
}

#[derive(Deserialize)]
enum Wide {
    On(u8),
    Off,
}
mod apart {
    #[derive(serde::Deserialize)]
    pub enum Wide {
        On(u16),
        Off,
    }
}

#[test]
fn enums_that_share_a_list_of_names_stay_two() {
    shows::<(Wide, apart::Wide, Wide)>("(Wide, Wide#2, Wide)\nenum Wide { On(u8), Off }\nenum Wide#2 { On(u16), Off }");
}

#[derive(Deserialize)]
enum Renamed {
    #[serde(alias = "Alt", alias = "Zed")]
    Main(u8),
    Last,
}
#[derive(Deserialize)]
enum Plain {
    Alt(u8),
    Main(u8),
    Last,
}

#[test]
fn an_alias_is_no_variant_of_its_own() {
    shows::<Renamed>("enum Renamed { Alt | Main | Zed(u8), Last }");
    different::<Renamed, Plain>();
}

#[derive(Deserialize)]
struct FieldAlias {
    #[serde(alias = "colour")]
    color: u8,
    #[serde(alias = "b", alias = "a")]
    level: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictAlias {
    #[serde(alias = "colour")]
    color: u8,
}

#[derive(Deserialize)]
enum VariantWithAlias {
    Get,
    Set {
        #[serde(alias = "colour")]
        color: u8,
        level: u8,
    },
    End(u8),
}

#[test]
fn aliases_of_fields_belong_to_their_field() {
    shows::<FieldAlias>("struct FieldAlias { color | colour: u8, a | b | level: u16 }");
    shows::<StrictAlias>("struct StrictAlias { color | colour: u8 }");
    shows::<VariantWithAlias>("enum VariantWithAlias { Get, Set { color | colour: u8, level: u8 }, End(u8) }");
}

#[derive(Deserialize)]
enum Open {
    A,
    B(u8),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
enum OpenWithAlias {
    #[serde(alias = "Z")]
    A,
    B,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
enum OnlyOther {
    #[serde(other, alias = "One", alias = "Two")]
    Other,
}

#[test]
fn other_is_the_last_variant() {
    shows::<Open>("enum Open { A, B(u8), Other }");
    shows::<OpenWithAlias>("enum OpenWithAlias { A | Z, B, Other }");
    shows::<OnlyOther>("enum OnlyOther { One | Other | Two }");
}

struct Magic;
impl<'de> Deserialize<'de> for Magic {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            0xcafe_babe => Ok(Self),
            _ => Err(serde::de::Error::custom("no magic")),
        }
    }
}

#[derive(Deserialize)]
struct WithMagic {
    level: u8,
    magic: Magic,
    rest: u16,
}

#[derive(Deserialize)]
enum CommandWithMagic {
    Get,
    Unlock(Magic),
    Set { level: u8, key: Magic, more: u8 },
    Maybe(Option<Magic>, u8),
    Many(Vec<Magic>, u8),
    Last(u16),
}

#[test]
fn a_magic_number_is_opaque_and_hides_only_what_follows_it() {
    shows::<Magic>("opaque");
    shows::<WithMagic>("struct WithMagic { level: u8, magic: opaque, rest: opaque }");
    shows::<CommandWithMagic>(
        "enum CommandWithMagic { Get, Unlock(opaque), Set { level: u8, key: opaque, more: opaque }, \
         Maybe(Option<opaque>, u8), Many([opaque], u8), Last(u16) }",
    );
    different::<Magic, u32>();
}

#[test]
fn an_accepted_index_may_be_refused_without_a_question() {
    shows::<(OsString, u8)>("(OsString, u8)\nenum OsString { Unix([u8]), Windows(opaque) }");
}

#[derive(Deserialize)]
#[serde(try_from = "(u32, u32)")]
struct Ordered;
impl TryFrom<(u32, u32)> for Ordered {
    type Error = &'static str;
    fn try_from((a, b): (u32, u32)) -> Result<Self, &'static str> {
        if a < b { Ok(Self) } else { Err("in order, please") }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "(u8, u8, u8)")]
struct BigFirst;
impl TryFrom<(u8, u8, u8)> for BigFirst {
    type Error = &'static str;
    fn try_from((a, b, c): (u8, u8, u8)) -> Result<Self, &'static str> {
        if a >= 2 && b >= 2 && c >= 2 { Ok(Self) } else { Err("too small") }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "u8")]
struct Percent;
impl TryFrom<u8> for Percent {
    type Error = &'static str;
    fn try_from(value: u8) -> Result<Self, &'static str> {
        if (1..=100).contains(&value) { Ok(Self) } else { Err("not a percentage") }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Vec<u8>")]
struct TwoOrMore;
impl TryFrom<Vec<u8>> for TwoOrMore {
    type Error = &'static str;
    fn try_from(list: Vec<u8>) -> Result<Self, &'static str> {
        if list.len() >= 2 { Ok(Self) } else { Err("too few") }
    }
}

#[derive(Deserialize)]
struct Picky {
    window: Ordered,
    big: BigFirst,
    percent: Percent,
    list: TwoOrMore,
    some: Option<Ordered>,
    last: u8,
}

#[derive(Deserialize)]
struct AroundPicky {
    picky: Picky,
    behind: u16,
}

#[test]
fn types_that_refuse_the_first_samples_are_given_others() {
    shows::<(Ordered, u8)>("((u32, u32), u8)");
    shows::<(BigFirst, u8)>("((u8, u8, u8), u8)");
    shows::<(TwoOrMore, u8)>("([u8], u8)");
    shows::<AroundPicky>(
        "struct AroundPicky { picky: Picky, behind: u16 }\n\
         struct Picky { window: (u32, u32), big: (u8, u8, u8), percent: u8, list: [u8], some: Option<(u32, u32)>, last: u8 }",
    );
}

#[derive(Deserialize)]
enum A {
    B(Box<B>),
    C(Box<C>),
    D(Box<D>),
    E(Box<E>),
    End,
}
#[derive(Deserialize)]
enum B {
    A(Box<A>),
    C(Box<C>),
    D(Box<D>),
    E(Box<E>),
    End(u8),
}
#[derive(Deserialize)]
enum C {
    A(Box<A>),
    B(Box<B>),
    D(Box<D>),
    E(Box<E>),
    End(u16),
}
#[derive(Deserialize)]
enum D {
    A(Box<A>),
    B(Box<B>),
    C(Box<C>),
    E(Box<E>),
    End(u32),
}
#[derive(Deserialize)]
enum E {
    A(Box<A>),
    B(Box<B>),
    C(Box<C>),
    D(Box<D>),
    End(u64),
}

thread_local! {
    static RUNS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

struct Counted;
impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RUNS.with(|runs| runs.set(runs.get() + 1));
        A::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn five_mutually_recursive_enums_take_at_most_40_runs() {
    shows::<A>(
        "enum A { B(B), C(C), D(D), E(E), End }\n\
         enum B { A(A), C(C), D(D), E(E), End(u8) }\n\
         enum C { A(A), B(B), D(D), E(E), End(u16) }\n\
         enum D { A(A), B(B), C(C), E(E), End(u32) }\n\
         enum E { A(A), B(B), C(C), D(D), End(u64) }",
    );
    RUNS.with(|runs| runs.set(0));
    fingerprint::<Counted>();
    let runs = RUNS.with(std::cell::Cell::get);
    assert!(runs <= 40, "{runs}");
}

#[derive(Deserialize)]
enum Nothing {}

#[derive(Deserialize)]
#[serde(untagged)]
enum Untagged {
    A(u8),
    B(String),
}
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    A { a: u8 },
}
#[derive(Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: Within,
}
#[derive(Deserialize)]
struct Within {
    b: u8,
}

#[test]
fn what_bincode_cannot_read_is_opaque() {
    for text in [text::<Nothing>(), text::<Untagged>(), text::<Tagged>(), text::<Flat>(), text::<serde_json::Value>()] {
        assert!(text.contains("opaque"), "{text}");
    }
    shows::<(u8, Nothing, u8)>("(u8, opaque, opaque)");
}

mod by_hand {
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(rename = "ipc_server::sample=-12345")]
    pub struct Negative(pub i16);
    #[derive(Deserialize)]
    #[serde(rename = "ipc_server::sample=user@host")]
    pub struct Address(pub String);
    #[derive(Deserialize)]
    #[serde(rename = "ipc_server::sample=#")]
    pub struct Sign(pub char);
}

macro_rules! strict {
    ($($name:ident from $sample:literal $type:ty, $accepts:expr;)*) => {$(
        #[derive(Deserialize)]
        #[serde(try_from = $sample)]
        struct $name;
        impl TryFrom<$type> for $name {
            type Error = &'static str;
            fn try_from(sample: $type) -> Result<Self, &'static str> {
                if $accepts(sample.0) { Ok(Self) } else { Err("another") }
            }
        }
    )*};
}

strict! {
    Negative from "by_hand::Negative" by_hand::Negative, |number| number == -12345;
    Address from "by_hand::Address" by_hand::Address, |text: String| text.contains('@');
    Sign from "by_hand::Sign" by_hand::Sign, |sign| sign == '#';
}

#[derive(Deserialize)]
enum ByHand {
    Get(Negative, u8),
    Set { address: Address, signs: Vec<Sign>, after: u16 },
}

#[test]
fn an_author_gives_a_sample_to_a_type_that_refuses_all() {
    shows::<ByHand>("enum ByHand { Get(i16, u8), Set { address: String, signs: [char], after: u16 } }");
}
