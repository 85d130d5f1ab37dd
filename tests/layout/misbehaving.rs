//! A `Deserialize` that does not keep to the rules ends all the same.

use std::cell::Cell;
use std::fmt;

use ipc_server::layout::{self, Description, LayoutError};
use serde::Deserialize;
use serde::de::{Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::support::{shows, text};

macro_rules! expecting {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
    };
}

struct IgnoresErrors;
impl<'de> Deserialize<'de> for IgnoresErrors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _ = String::deserialize(deserializer);
        Ok(Self)
    }
}

/// Asks until it is told that there is no more, whatever the answer.
struct Greedy(usize);
impl<'de> Deserialize<'de> for Greedy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = usize;
            expecting!();
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
                let mut count = 0;
                while let Ok(Some(_)) = seq.next_element::<u8>() {
                    count += 1;
                }
                for _ in 0..1000 {
                    let _ = seq.next_element::<String>();
                }
                Ok(count)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
                while let Ok(Some(_)) = map.next_key::<u8>() {}
                for _ in 0..1000 {
                    let _ = map.next_value::<u8>();
                }
                Ok(0)
            }
        }
        deserializer.deserialize_tuple(3, All).map(Self)
    }
}

struct GreedyMap;
impl<'de> Deserialize<'de> for GreedyMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = ();
            expecting!();
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                for _ in 0..1000 {
                    let _ = map.next_value::<u8>();
                    let _ = map.next_key::<u8>();
                }
                Ok(())
            }
        }
        deserializer.deserialize_map(Values).map(|()| Self)
    }
}

/// Never content with what it gets.
struct NeverEnough;
impl<'de> Deserialize<'de> for NeverEnough {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _ = <(u8, [u16; 16], String, Option<Vec<(char, u8)>>)>::deserialize(deserializer)?;
        Err(serde::de::Error::custom("never"))
    }
}

struct Without;
impl<'de> Deserialize<'de> for Without {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

struct NoContent;
impl<'de> Deserialize<'de> for NoContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unasked;
        impl<'de> Visitor<'de> for Unasked {
            type Value = ();
            expecting!();
            fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<(), A::Error> {
                access.variant::<u32>().map(|_| ())
            }
        }
        deserializer.deserialize_enum("NoContent", &["A", "B"], Unasked).map(|()| Self)
    }
}

struct Endless(Box<Endless>);
impl<'de> Deserialize<'de> for Endless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(Self, Self)>::deserialize(deserializer).map(|(this, _)| this)
    }
}

#[derive(Deserialize)]
struct EndlessStruct {
    within: Box<EndlessStruct>,
}

#[derive(Deserialize)]
enum EndlessEnum {
    Only(Box<EndlessEnum>),
}

/// What follows depends on the first byte.
struct Tagged;
impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = ();
            expecting!();
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
                if seq.next_element::<u8>()? == Some(1) {
                    seq.next_element::<u8>()?;
                } else {
                    seq.next_element::<u32>()?;
                }
                Err(serde::de::Error::custom("and then it refuses"))
            }
        }
        deserializer.deserialize_tuple(2, Parts).map(|()| Self)
    }
}

/// Accepts as many identifiers of variants as it is told, and refuses all that follow.
struct Fickle;
thread_local! {
    static ACCEPTED: Cell<u32> = const { Cell::new(0) };
}
impl<'de> Deserialize<'de> for Fickle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Accepted(u32);
        impl<'de> Deserialize<'de> for Accepted {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let index = u32::deserialize(deserializer)?;
                let left = ACCEPTED.get().checked_sub(1).ok_or_else(|| serde::de::Error::custom("no more"))?;
                ACCEPTED.set(left);
                Ok(Self(index))
            }
        }
        struct Unasked;
        impl<'de> Visitor<'de> for Unasked {
            type Value = ();
            expecting!();
            fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<(), A::Error> {
                let (Accepted(index), payload) = access.variant::<Accepted>()?;
                match index {
                    0 => payload.unit_variant(),
                    1 => payload.newtype_variant(),
                    _ => payload.newtype_variant::<NeverEnough>().map(|_| ()),
                }
            }
        }
        deserializer.deserialize_enum("Fickle", &["A", "B", "C"], Unasked).map(|()| Self)
    }
}

#[test]
fn a_type_that_takes_an_identifier_back_has_no_broken_description() {
    let mut inconsistent = 0;
    for accepted in 0..40 {
        ACCEPTED.set(accepted);
        let mut bytes = [0; 256];
        match layout::describe::<Fickle>(0, &mut bytes) {
            Ok(length) => {
                let description = Description::validate(&mut bytes[..length]);
                description.unwrap_or_else(|error| panic!("after {accepted}: {error}"));
            }
            Err(error) => {
                assert_eq!(error, LayoutError::Inconsistent, "after {accepted}");
                inconsistent += 1;
            }
        }
    }
    assert!(inconsistent > 0);
}

/// Asks for two fields and refuses them, and the next time for one.
struct Shrinking;
impl<'de> Deserialize<'de> for Shrinking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = ();
            expecting!();
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
                seq.next_element::<u8>()?;
                if ACCEPTED.replace(1) == 0 {
                    seq.next_element::<u8>()?;
                    return Err(serde::de::Error::custom("not these two"));
                }
                Ok(())
            }
        }
        deserializer.deserialize_struct("Shrinking", &["a", "b"], Fields).map(|()| Self)
    }
}

/// The sample that the second field was to have next would leave the option empty before anything of it was seen.
#[test]
fn a_sample_that_another_request_gets_leaves_no_option_undescribed() {
    ACCEPTED.set(0);
    let mut bytes = [0; 64];
    assert_eq!(layout::describe::<(Shrinking, Option<u8>, u8)>(0, &mut bytes), Err(LayoutError::Inconsistent));
    assert_eq!(text::<(Shrinking, Option<u8>, u8)>(), "(Shrinking, Option<u8>, u8)\nstruct Shrinking { a: u8 }");
}

#[test]
fn misbehaving_types_end_and_what_they_hide_is_opaque() {
    shows::<IgnoresErrors>("String");
    shows::<(Greedy, u8)>("((u8, u8, u8), u8)");
    shows::<Without>("()");
    shows::<NoContent>("enum NoContent { A, B }");
    assert!(text::<GreedyMap>().contains("opaque"));
    assert!(text::<NeverEnough>().contains("opaque"));
    assert!(text::<Tagged>().contains("opaque"));
    assert!(text::<(Magic, Vec<NeverEnough>, u8)>().contains("opaque"));
}

type Magic = Option<NeverEnough>;

#[test]
fn a_type_without_end_has_no_layout() {
    assert_eq!(layout::fingerprint::<Endless>("bincode"), Err(LayoutError::TooDeep));
    assert_eq!(layout::fingerprint::<EndlessStruct>("bincode"), Err(LayoutError::TooDeep));
    assert_eq!(layout::fingerprint::<EndlessEnum>("bincode"), Err(LayoutError::TooDeep));
}
