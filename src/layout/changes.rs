//! What differs between two layouts, and what becomes of programs that have the old one.

use core::fmt;

use super::description::{Description, Kind, Node};
use super::parts::{Fields, Variants};
use super::validate::MAX_RECEIVED_DEFINITIONS;

/// What a change means for a program with the old layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Everything is carried over by name.
    Fine,
    /// Some values are carried over, others are refused.
    Depends,
    /// It is refused.
    Breaks,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fine => "understood",
            Self::Depends => "some values are refused",
            Self::Breaks => "refused",
        })
    }
}

/// One change, and what becomes of a program that has the old layout when one with the new has the other side.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Change<'d> {
    /// The struct or enum that it is in.
    pub of: &'d str,
    /// The variant; nothing in a struct.
    pub variant: &'d str,
    /// The field, if it concerns one.
    pub field: &'d str,
    /// What has changed, in words.
    pub what: &'static str,
    /// What becomes of an old program's commands.
    pub command: Effect,
    /// What becomes of responses that an old program reads.
    pub response: Effect,
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.of)?;
        for (separator, part) in [("::", self.variant), (".", self.field)] {
            if !part.is_empty() {
                write!(f, "{separator}{part}")?;
            }
        }
        write!(f, ": {}. Old programs' commands: {}; responses to them: {}", self.what, self.command, self.response)
    }
}

/// Calls `each` with every change from `old` to `new`. Each pair of definitions is compared once.
pub fn changes<'d>(old: Description<'d>, new: Description<'d>, each: &mut dyn FnMut(Change<'d>)) {
    let mut comparison = Comparison { each, seen: [0; MAX_RECEIVED_DEFINITIONS] };
    comparison.node(Place::default(), old.root(), new.root());
}

#[derive(Clone, Copy, Default)]
struct Place<'d> {
    of: &'d str,
    variant: &'d str,
    field: &'d str,
}

struct Comparison<'c, 'd> {
    each: &'c mut dyn FnMut(Change<'d>),
    /// For each definition of the old one, with which of the new one it was compared.
    seen: [u64; MAX_RECEIVED_DEFINITIONS],
}

use Effect::{Breaks, Depends, Fine};

impl<'d> Comparison<'_, 'd> {
    fn report(&mut self, place: Place<'d>, what: &'static str, command: Effect, response: Effect) {
        let Place { of, variant, field } = place;
        (self.each)(Change { of, variant, field, what, command, response });
    }

    fn node(&mut self, place: Place<'d>, old: Node<'d>, new: Node<'d>) {
        if let (Some(this), Some(that)) = (old.number(), new.number()) {
            let Some(seen) = self.seen.get_mut(this.wrapping_sub(1)) else { return };
            let bit = 1_u64.checked_shl(that.wrapping_sub(1) as u32).unwrap_or(0);
            if *seen & bit != 0 {
                return;
            }
            *seen |= bit;
        }
        self.kind(place, (Some(old), old.kind()), (Some(new), new.kind()));
    }

    /// What a variant carries is not a node of its own.
    fn kind(&mut self, place: Place<'d>, old: (Option<Node<'d>>, Kind<'d>), new: (Option<Node<'d>>, Kind<'d>)) {
        let ((old_node, old), (new_node, new)) = (old, new);
        match (old, new) {
            (Kind::Unit, Kind::Unit)
            | (Kind::Bool, Kind::Bool)
            | (Kind::Char, Kind::Char)
            | (Kind::String, Kind::String)
            | (Kind::Opaque, Kind::Opaque) => {}
            (Kind::Signed(old), Kind::Signed(new)) | (Kind::Unsigned(old), Kind::Unsigned(new)) => {
                self.width(place, old, new);
            }
            (Kind::Unsigned(old), Kind::Signed(new)) => {
                let command = if new > old { Fine } else { Depends };
                self.report(place, "the integer got a sign", command, Depends);
            }
            (Kind::Signed(old), Kind::Unsigned(new)) => {
                let response = if old > new { Fine } else { Depends };
                self.report(place, "the integer lost its sign", Depends, response);
            }
            (Kind::Float(old), Kind::Float(new)) => self.width(place, old, new),
            (Kind::Option(old), Kind::Option(new)) | (Kind::Sequence(old), Kind::Sequence(new)) => {
                self.node(place, old, new);
            }
            (Kind::Map(old, old_value), Kind::Map(new, new_value)) => {
                self.node(place, old, new);
                self.node(place, old_value, new_value);
            }
            (Kind::Tuple(old), Kind::Tuple(new)) => {
                if old.count() != new.count() {
                    return self.report(place, "the number of elements has changed", Breaks, Breaks);
                }
                for (old, new) in old.zip(new) {
                    self.node(place, old, new);
                }
            }
            (Kind::Struct(old), Kind::Struct(new)) => {
                let of = if new.name().is_empty() { place.of } else { new.name() };
                let variant = if new.name().is_empty() { place.variant } else { "" };
                self.fields(Place { of, variant, field: "" }, old, new);
            }
            (Kind::Enum(old), Kind::Enum(new)) => self.variants(old, new),
            (old, Kind::Option(new)) => {
                self.report(place, "it became optional", Fine, Depends);
                match old_node {
                    Some(old) => self.node(place, old, new),
                    None => self.kind(place, (None, old), (Some(new), new.kind())),
                }
            }
            (Kind::Option(old), new) => {
                self.report(place, "it is no longer optional", Depends, Fine);
                match new_node {
                    Some(new) => self.node(place, old, new),
                    None => self.kind(place, (Some(old), old.kind()), (None, new)),
                }
            }
            (Kind::Unit, Kind::Struct(new)) => {
                self.report(place, "it got fields", all_optional(new), Fine);
            }
            (Kind::Struct(old), Kind::Unit) => {
                let command = if all_optional(old) == Fine { Depends } else { Breaks };
                self.report(place, "it lost its fields", command, all_optional(old));
            }
            _ => self.report(place, "it is of another kind", Breaks, Breaks),
        }
    }

    fn width(&mut self, place: Place<'d>, old: u8, new: u8) {
        match old.cmp(&new) {
            core::cmp::Ordering::Less => self.report(place, "the number got wider", Fine, Depends),
            core::cmp::Ordering::Equal => {}
            core::cmp::Ordering::Greater => self.report(place, "the number got narrower", Depends, Fine),
        }
    }

    fn fields(&mut self, place: Place<'d>, old: Fields<'d>, new: Fields<'d>) {
        for (mut names, node) in old {
            let field = names.next().unwrap_or_default();
            let place = Place { field, ..place };
            match field_of(new, names_of(old, field)) {
                Some(other) => self.node(place, node, other),
                None if is_optional(node) => self.report(place, "the field was removed", Depends, Fine),
                None => self.report(place, "the field was removed", Breaks, Breaks),
            }
        }
        for (mut names, node) in new {
            let field = names.next().unwrap_or_default();
            if field_of(old, names_of(new, field)).is_none() {
                let command = if is_optional(node) { Fine } else { Breaks };
                self.report(Place { field, ..place }, "the field is new", command, Fine);
            }
        }
        let kept = |fields: Fields<'d>, others: Fields<'d>| {
            fields.filter_map(move |(names, _)| {
                others.enumerate().find(|(_, (other, _))| shares(names, *other)).map(|(index, _)| index)
            })
        };
        if !kept(old, new).is_sorted() {
            self.report(place, "fields were reordered", Fine, Fine);
        }
    }

    fn variants(&mut self, old: Variants<'d>, new: Variants<'d>) {
        let of = new.name();
        let mut moved = false;
        for variant in old {
            let name = variant.names().next().unwrap_or_default();
            let place = Place { of, variant: name, field: "" };
            let mut others = new;
            match others.find(|other| shares(variant.names(), other.names())) {
                Some(other) => {
                    moved |= other.index() != variant.index();
                    self.kind(place, (None, variant.content()), (None, other.content()));
                }
                None => self.report(place, "the variant was removed", Breaks, Fine),
            }
        }
        for variant in new {
            let mut others = old;
            if !others.any(|other| shares(variant.names(), other.names())) {
                let place = Place { of, variant: variant.names().next().unwrap_or_default(), field: "" };
                self.report(place, "the variant is new", Fine, Depends);
            }
        }
        if moved {
            self.report(Place { of, ..Place::default() }, "variants have other indices", Fine, Fine);
        }
    }
}

type Names<'d> = super::parts::Names<'d>;

fn shares(mut these: Names<'_>, those: Names<'_>) -> bool {
    these.any(|name| those.has(name))
}

fn names_of<'d>(mut fields: Fields<'d>, name: &str) -> Option<Names<'d>> {
    fields.find(|(names, _)| names.has(name)).map(|(names, _)| names)
}

fn field_of<'d>(mut fields: Fields<'d>, names: Option<Names<'d>>) -> Option<Node<'d>> {
    let names = names?;
    fields.find(|(others, _)| shares(names, *others)).map(|(_, node)| node)
}

fn is_optional(node: Node<'_>) -> bool {
    matches!(node.kind(), Kind::Option(_))
}

fn all_optional(mut fields: Fields<'_>) -> Effect {
    if fields.all(|(_, node)| is_optional(node)) { Fine } else { Breaks }
}
