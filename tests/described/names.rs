//! Several names for one thing.

use ipc_server::codec::Bincode;
use ipc_server::described::{self, Reason};
use serde::{Deserialize, Serialize};

use super::support::{carry, description, read, refused, unreadable, with_form};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Renamed {
    Get,
    #[serde(alias = "Alt")]
    Main(u8),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Both {
    Alt(u8),
    Main(u8),
    Get,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum OnlyOld {
    Alt(u8),
    Get,
}

#[test]
fn an_old_name_of_a_variant_is_understood() {
    assert_eq!(carry(&OnlyOld::Alt(5)), Ok(Renamed::Main(5)));
    assert_eq!(carry(&Renamed::Main(5)), Ok(Renamed::Main(5)));
    assert_eq!(read(&Renamed::Main(5)), Ok(OnlyOld::Alt(5)));
    assert_eq!(read(&Renamed::Main(5)), Ok(Renamed::Main(5)));
    assert_eq!(read(&OnlyOld::Alt(5)), Ok(Renamed::Main(5)));
}

#[test]
fn one_thing_there_and_two_here_is_refused() {
    assert_eq!(refused(carry::<_, Renamed>(&Both::Alt(5))), Reason::Ambiguous);
    assert_eq!(refused(carry::<_, Renamed>(&Both::Main(5))), Reason::Ambiguous);
    assert_eq!(unreadable(read::<_, Both>(&Renamed::Main(5))), Reason::Ambiguous);
    assert_eq!(carry(&Both::Get), Ok(Renamed::Get));
    assert_eq!(read(&Renamed::Get), Ok(Both::Get));
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct NewFields {
    #[serde(alias = "lvl")]
    level: u8,
    name: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct OldFields {
    lvl: u8,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct BothFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    lvl: u8,
}

#[test]
fn fields_too() {
    assert_eq!(carry(&OldFields { lvl: 5 }), Ok(NewFields { level: 5, name: None }));
    assert_eq!(carry(&NewFields { level: 5, name: None }), Ok(NewFields { level: 5, name: None }));
    assert_eq!(read(&NewFields { level: 5, name: None }), Ok(OldFields { lvl: 5 }));
    assert_eq!(read(&NewFields { level: 5, name: None }), Ok(NewFields { level: 5, name: None }));
    assert_eq!(refused(carry::<_, NewFields>(&BothFields { level: None, lvl: 5 })), Reason::Ambiguous);
    assert_eq!(unreadable(read::<_, BothFields>(&NewFields { level: 5, name: None })), Reason::Ambiguous);
}

/// A name list that is the form's, of a type that has fewer variants than names.
#[test]
fn names_that_are_the_types_own_aliases_are_not_counted_as_variants() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Three {
        A(u8),
        A2(u8),
        B(u8),
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Two {
        #[serde(alias = "A2")]
        A(u8),
        B(u8),
    }
    assert_eq!(read(&Three::B(1)), Ok(Two::B(1)));
    assert_eq!(read(&Three::A2(1)), Ok(Two::A(1)), "so its author says");
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Fields {
        a: u8,
        a2: u8,
        b: u8,
        b2: u8,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Aliases {
        #[serde(alias = "a2")]
        a: u8,
        #[serde(alias = "b2")]
        b: u8,
    }
    read::<_, Aliases>(&Fields { a: 1, a2: 2, b: 3, b2: 4 }).unwrap_err();
}

#[test]
fn a_type_that_borrows_is_refused_where_it_has_both_names() {
    #[derive(Deserialize, Debug, PartialEq)]
    enum Borrowed<'a> {
        Get,
        #[serde(alias = "Alt")]
        Main(u8),
        #[serde(skip)]
        Text(&'a str),
    }
    with_form(description::<Renamed>(), |form| {
        let bytes = bincode::serialize(&Renamed::Main(5)).unwrap();
        assert_eq!(unreadable(described::decode_value::<Bincode, Borrowed<'_>>(&bytes, form)), Reason::Ambiguous);
    });
    #[derive(Deserialize, Debug, PartialEq)]
    struct Text<'a> {
        name: &'a str,
        data: &'a [u8],
    }
    #[derive(Serialize, Deserialize)]
    struct Owned {
        data: Vec<u8>,
        more: u8,
        name: String,
    }
    with_form(description::<Owned>(), |form| {
        let bytes = bincode::serialize(&Owned { data: vec![1], more: 2, name: "n".into() }).unwrap();
        let read = described::decode_value::<Bincode, Text<'_>>(&bytes, form);
        assert_eq!(read, Ok(Text { name: "n", data: &[1] }));
    });
}
