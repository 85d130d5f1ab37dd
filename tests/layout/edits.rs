//! Each kind of edit, at every depth, is another layout; another name of a type is not.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::support::{described, fingerprint, text};

/// The forms that a type had before and after one edit. No two are the same on the wire.
mod forms {
    use serde::Deserialize;

    macro_rules! form {
        ($($name:ident { $($body:tt)* })*) => {$(
            pub mod $name {
                #[derive(serde::Deserialize)]
                pub enum Form { $($body)* }
            }
        )*};
    }

    form! {
        base { Get, Set(u8), Limit { rate: u32, burst: u32 } }
        appended { Get, Set(u8), Limit { rate: u32, burst: u32 }, End }
        inserted { Get, End, Set(u8), Limit { rate: u32, burst: u32 } }
        removed { Get, Limit { rate: u32, burst: u32 } }
        reordered { Set(u8), Get, Limit { rate: u32, burst: u32 } }
        renamed { Get, Put(u8), Limit { rate: u32, burst: u32 } }
        fields_swapped { Get, Set(u8), Limit { burst: u32, rate: u32 } }
        field_renamed { Get, Set(u8), Limit { rate: u32, bursts: u32 } }
        field_added { Get, Set(u8), Limit { rate: u32, burst: u32, more: Option<u8> } }
        field_removed { Get, Set(u8), Limit { rate: u32 } }
        sign_changed { Get, Set(i8), Limit { rate: u32, burst: u32 } }
        widened { Get, Set(u16), Limit { rate: u32, burst: u32 } }
        optional { Get, Set(Option<u8>), Limit { rate: u32, burst: u32 } }
        listed { Get, Set(Vec<u8>), Limit { rate: u32, burst: u32 } }
        two { Get, Set(u8, u8), Limit { rate: u32, burst: u32 } }
        emptied { Get, Set, Limit { rate: u32, burst: u32 } }
        filled { Get(u8), Set(u8), Limit { rate: u32, burst: u32 } }
        named { Get, Set { level: u8 }, Limit { rate: u32, burst: u32 } }
        unnamed { Get, Set(u8), Limit(u32, u32) }
        to_bool { Get, Set(bool), Limit { rate: u32, burst: u32 } }
        to_float { Get, Set(u8), Limit { rate: f32, burst: u32 } }
        to_char { Get, Set(u8), Limit { rate: u32, burst: char } }
        to_text { Get, Set(String), Limit { rate: u32, burst: u32 } }
        aliased { Get, #[serde(alias = "Put")] Set(u8), Limit { rate: u32, burst: u32 } }
        field_aliased { Get, Set(u8), Limit { rate: u32, #[serde(alias = "b")] burst: u32 } }
    }

    #[derive(Deserialize)]
    pub enum OtherName {
        Get,
        Set(u8),
        Limit { rate: u32, burst: u32 },
    }
}

#[derive(Deserialize)]
struct Field<T> {
    before: u8,
    it: T,
    after: String,
}
#[derive(Deserialize)]
enum Newtype<T> {
    Before,
    It(T),
    After(u8),
}
#[derive(Deserialize)]
enum Tuple<T> {
    It(u8, T, u8),
}
#[derive(Deserialize)]
enum Struct<T> {
    Before(u16),
    It { before: u8, it: T },
    After,
}
#[derive(Deserialize)]
enum Recursive<T> {
    It(T),
    More(Box<Recursive<T>>, T),
}
#[derive(Deserialize)]
struct Chain<T> {
    next: Option<Box<Chain<T>>>,
    it: T,
}

/// Fingerprints and texts of a form in many places. Every place is one more type to compile, so most forms get `few`:
/// `pairs` has edits at every depth of types that are interpreted.
macro_rules! everywhere {
    ($all:ident: $($form:ty)*) => {$(
        everywhere!(@ $all: Option<$form>, Vec<$form>, HashMap<u8, $form>, (u8, $form), [$form; 3], Result<u8, $form>,
            Newtype<$form>, Tuple<$form>, Struct<$form>, Chain<$form>, Newtype<Field<$form>>);
        everywhere!($all few: $form);
    )*};
    ($all:ident few: $($form:ty)*) => {$(
        everywhere!(@ $all: $form, Field<$form>, Recursive<$form>, Field<Struct<Tuple<Option<Vec<Newtype<$form>>>>>>);
    )*};
    (@ $all:ident: $($type:ty),*) => { $($all.push((fingerprint::<$type>(), described::<$type>(4096), text::<$type>()));)* };
}

#[test]
fn every_edit_at_every_depth_changes_the_fingerprint() {
    use forms::{
        aliased, appended, base, emptied, field_added, field_aliased, field_removed, field_renamed, fields_swapped,
        filled, inserted, listed, named, optional, removed, renamed, reordered, sign_changed, to_bool, to_char,
        to_float, to_text, two, unnamed, widened,
    };
    let mut all = Vec::new();
    everywhere! { all: base::Form widened::Form }
    everywhere! { all few:
        appended::Form inserted::Form removed::Form reordered::Form renamed::Form fields_swapped::Form
        field_renamed::Form field_added::Form field_removed::Form sign_changed::Form optional::Form
        listed::Form two::Form emptied::Form filled::Form named::Form unnamed::Form to_bool::Form to_float::Form
        to_char::Form to_text::Form aliased::Form field_aliased::Form
    }
    assert_eq!(all.len(), 2 * 15 + 23 * 4);
    for (index, (fingerprint, _, text)) in all.iter().enumerate() {
        for (other, _, of) in &all[index + 1..] {
            assert_ne!(fingerprint, other, "{text}\n{of}");
            assert_ne!(text, of);
        }
    }
}

#[test]
fn the_name_of_a_type_changes_nothing() {
    let (mut these, mut those) = (Vec::new(), Vec::new());
    everywhere! { these: forms::base::Form }
    everywhere! { those: forms::OtherName }
    for ((this, described, text), (that, otherwise, renamed)) in these.into_iter().zip(those) {
        assert_eq!(this, that, "{text}\n{renamed}");
        assert_eq!(text.replace("Form", "OtherName"), renamed);
        assert_ne!(described, otherwise, "the description has the name");
    }
}

#[derive(Serialize, Deserialize, Debug)]
struct Level {
    level: u32,
}
#[derive(Serialize, Deserialize, Debug)]
struct Renamed {
    level: u32,
}

/// What has one fingerprint, real bincode reads as each other, byte for byte.
#[track_caller]
fn read_as<A: Serialize + DeserializeOwned + Debug, B: Serialize + DeserializeOwned + Debug>(value: A) {
    assert_eq!(fingerprint::<A>(), fingerprint::<B>());
    let bytes = bincode::serialize(&value).unwrap();
    let read: B = bincode::deserialize(&bytes).unwrap();
    assert_eq!(bincode::serialize(&read).unwrap(), bytes, "{value:?} {read:?}");
    assert!(bincode::deserialize::<B>(&bytes[..bytes.len() - 1]).is_err(), "all of it is used");
}

#[test]
fn real_bincode_reads_types_of_one_fingerprint_as_each_other() {
    read_as::<Level, Renamed>(Level { level: 7 });
    read_as::<String, Box<str>>("text".into());
    read_as::<String, heapless::String<8>>("text".into());
    read_as::<usize, u64>(7);
    read_as::<BTreeMap<u8, String>, HashMap<u8, String>>(BTreeMap::from([(1, "one".into())]));
    read_as::<Vec<u16>, std::collections::VecDeque<u16>>(vec![1, 2]);
    read_as::<Option<Level>, Option<Renamed>>(Some(Level { level: 7 }));
    read_as::<[u8; 2], (u8, u8)>([1, 2]);
    read_as::<Result<Level, char>, Result<Renamed, char>>(Err('e'));
    read_as::<uuid::Uuid, Vec<u8>>(uuid::Uuid::from_u128(7));
    read_as::<semver::Version, String>(semver::Version::new(1, 2, 3));
    read_as::<url::Url, String>(url::Url::parse("https://example.org/a?b#c").unwrap());
}

/// Some builds merge types that are visited by the same code, others do not.
#[test]
fn it_matters_what_a_type_is_and_not_whether_it_is_the_same() {
    #[derive(Deserialize)]
    struct Same {
        a: Option<Level>,
        b: [Level; 3],
        c: Level,
    }
    #[derive(Deserialize)]
    struct Others {
        a: Option<Renamed>,
        b: (Level, Renamed, Level),
        c: Level,
    }
    assert_eq!(fingerprint::<Same>(), fingerprint::<Others>());
    assert_eq!(text::<Same>().lines().count() + 1, text::<Others>().lines().count());
}
