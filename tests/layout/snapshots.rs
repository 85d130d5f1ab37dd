//! The text that an author keeps, against a type that has changed.

use ipc_server::layout::{self, Change, Description, Effect};
use serde::Deserialize;

use super::support::described;
use Effect::{Breaks, Depends, Fine};

/// Each change: where, what, and what becomes of commands and responses.
#[track_caller]
fn changes<Old: Deserialize<'static>, New: Deserialize<'static>>() -> Vec<(String, &'static str, Effect, Effect)> {
    let stored = layout::text::<Old>().unwrap().to_string();
    let (mut old, mut new) = (described::<Old>(4096), described::<New>(4096));
    let (old, new) = (Description::validate(&mut old).unwrap(), Description::validate(&mut new).unwrap());
    let mut all = Vec::new();
    let mut printed = String::from("the layout is not the stored one:\n");
    layout::changes(old, new, &mut |change: Change<'_>| {
        printed += &format!("- {change}\n");
        all.push((
            format!("{}/{}/{}", change.of, change.variant, change.field),
            change.what,
            change.command,
            change.response,
        ));
    });
    if !all.is_empty() {
        printed += &format!("If that is meant, store this:\n{}", layout::text::<New>().unwrap());
        assert_eq!(layout::snapshot::<New>(&stored).unwrap_err().to_string(), printed, "the text says the same");
    }
    assert!(layout::snapshot::<Old>(&format!("{}\r\n", stored.replace('\n', "\r\n"))).is_ok());
    all
}

mod old {
    #[derive(serde::Deserialize)]
    pub enum Command {
        Get,
        Set(u8),
        Limit {
            rate: u32,
            burst: u32,
            note: Option<String>,
        },
        Mode(Mode, [u8; 9], (bool, char)),
        Tree(Vec<Tree>),
        #[serde(alias = "Finish")]
        End,
    }
    #[derive(serde::Deserialize)]
    pub enum Tree {
        Leaf(i64),
        Node(Box<Tree>, Option<Box<Tree>>),
    }
    #[derive(serde::Deserialize)]
    pub struct Mode {
        pub level: u8,
        pub old: Option<u8>,
    }
}

mod new {
    #[derive(serde::Deserialize)]
    pub enum Command {
        Shutdown,
        Get { why: Option<u8> },
        Set(i8),
        Limit { burst: u32, rate: u64, must: u8 },
        Mode(Mode, [u8; 9], (bool, String)),
        Tree(Vec<Tree>),
        Finish,
    }
    #[derive(serde::Deserialize)]
    pub enum Tree {
        Leaf(Option<i64>),
        Node(Box<Tree>, Option<Box<Tree>>),
    }
    #[derive(serde::Deserialize)]
    pub struct Mode {
        pub level: u8,
        pub more: Option<u8>,
    }
}

#[test]
fn each_change_is_named_with_what_becomes_of_old_programs() {
    let expected = [
        ("Command/Get/", "it got fields", Fine, Fine),
        ("Command/Set/", "the integer got a sign", Depends, Depends),
        ("Command/Limit/rate", "the number got wider", Fine, Depends),
        ("Command/Limit/note", "the field was removed", Depends, Fine),
        ("Command/Limit/must", "the field is new", Breaks, Fine),
        ("Command/Limit/", "fields were reordered", Fine, Fine),
        ("Mode//old", "the field was removed", Depends, Fine),
        ("Mode//more", "the field is new", Fine, Fine),
        ("Command/Mode/", "it is of another kind", Breaks, Breaks),
        ("Tree/Leaf/", "it became optional", Fine, Depends),
        ("Command/Shutdown/", "the variant is new", Fine, Depends),
        ("Command//", "variants have other indices", Fine, Fine),
    ];
    let found = changes::<old::Command, new::Command>();
    let found: Vec<_> =
        found.iter().map(|(place, what, command, response)| (&**place, *what, *command, *response)).collect();
    assert_eq!(found, expected);
}

#[test]
fn nothing_changed_is_no_change() {
    assert_eq!(changes::<old::Command, old::Command>(), []);
    assert_eq!(changes::<old::Tree, old::Tree>(), []);
}

#[test]
fn the_name_of_a_type_is_told_but_is_no_change() {
    #[derive(Deserialize)]
    enum Renamed {
        Leaf(u8),
    }
    let error = layout::snapshot::<Renamed>("enum Before { Leaf(u8) }").unwrap_err().to_string();
    assert!(error.contains("only names of types"), "{error}");
    let error = layout::snapshot::<Renamed>("not a layout").unwrap_err().to_string();
    assert!(error.contains("is no layout") && error.ends_with("enum Renamed { Leaf(u8) }"), "{error}");
}

#[test]
fn changes_of_types_without_a_name_are_told() {
    assert_eq!(
        changes::<(u8, u8), (u8, u8, u8)>(),
        [("//".into(), "the number of elements has changed", Breaks, Breaks)]
    );
    assert_eq!(changes::<Vec<u8>, String>(), [("//".into(), "it is of another kind", Breaks, Breaks)]);
    assert_eq!(changes::<Option<u16>, u8>().len(), 2);
    assert_eq!(changes::<[(u8, f64); 2], [(u8, f32); 2]>().len(), 2);
    assert_eq!(changes::<(u8, [u16; 5], u8), (u8, [u16; 5], i8)>().len(), 1);
    assert_eq!(changes::<((u8, u8, u8, u8, char),), ((u8, u8, u8, u8, bool),)>().len(), 1);
}

#[test]
fn types_that_unfold_into_each_other_are_compared_once() {
    #[derive(Deserialize)]
    struct Once {
        next: Option<Box<Once>>,
    }
    #[derive(Deserialize)]
    struct Twice {
        next: Option<Option<Box<Twice>>>,
    }
    assert_eq!(changes::<Once, Twice>(), [("Twice//next".into(), "it became optional", Fine, Depends)]);
    assert_eq!(changes::<Twice, Once>(), [("Once//next".into(), "it is no longer optional", Depends, Fine)]);
}
