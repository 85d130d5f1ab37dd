//! The structs and enums of which a type is made.

use serde::de::{EnumAccess, SeqAccess, Visitor};

use super::super::{LayoutError, MAX_DEFINITIONS};

/// What tells one type from another: the address of the function that visits it, with the names of its parts.
///
/// `type_name` does not: two types of one function may share it. Nor do the names' addresses: equal lists are merged. Two
/// types that share an address are visited by the same code.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub(super) visit: usize,
    pub(super) names: &'static [&'static str],
    /// Types that are visited by the same code are merged in some builds. Their names keep them apart in the text.
    pub(super) name: &'static str,
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.visit == other.visit
            && (core::ptr::eq(self.name, other.name) || self.name == other.name)
            && (core::ptr::eq(self.names, other.names) || self.names == other.names)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Definition {
    identity: Identity,
    /// Which variant of `parent` leads here.
    via: u16,
    /// A variant of which a value was made, or [`UNKNOWN`].
    good: u16,
    parent: u8,
    /// 0 while no other definition has named it.
    number: u8,
    pub(super) open: u8,
    is_enum: bool,
}

const UNKNOWN: u16 = u16::MAX;

/// Stands for the type itself where a definition is meant.
pub(super) const ROOT: u8 = u8::MAX;

pub(super) struct Definitions<'a> {
    all: &'a mut [Option<Definition>],
    length: u8,
    numbered: u8,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(all: &'a mut [Option<Definition>]) -> Self {
        Self { all, length: 0, numbered: 0 }
    }

    pub(super) fn find_or_add(&mut self, identity: &Identity, is_enum: bool) -> Result<u8, LayoutError> {
        let is_same = |one: &Definition| one.is_enum == is_enum && one.identity == *identity;
        let found = self.all.iter().map_while(Option::as_ref).position(is_same);
        if let Some(found) = found {
            return Ok(found as u8);
        }
        *self.all.get_mut(usize::from(self.length)).ok_or(LayoutError::TooManyDefinitions)? =
            Some(Definition { identity: *identity, via: 0, good: UNKNOWN, parent: ROOT, number: 0, open: 0, is_enum });
        self.length += 1;
        Ok(self.length - 1)
    }

    /// The number of `index`, which the first to ask makes its parent.
    pub(super) fn number(&mut self, index: u8, parent: u8, via: u16) -> u8 {
        let next = self.numbered + 1;
        let Some(definition) = self.get_mut(index) else { return 0 };
        if definition.number != 0 {
            return definition.number;
        }
        (definition.number, definition.parent, definition.via) = (next, parent, via);
        self.numbered = next;
        next
    }

    /// The index of definition `number`, and whether it is an enum.
    pub(super) fn numbered(&self, number: u8) -> Option<(u8, bool)> {
        let mut all = self.all.iter().map_while(Option::as_ref).enumerate();
        all.find(|(_, one)| one.number == number).map(|(index, one)| (index as u8, one.is_enum))
    }

    fn get(&self, index: u8) -> Option<&Definition> {
        self.all.get(usize::from(index))?.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: u8) -> Option<&mut Definition> {
        self.all.get_mut(usize::from(index))?.as_mut()
    }

    /// Every run begins with nothing open.
    pub(super) fn close_all(&mut self) {
        for definition in self.all.iter_mut().map_while(Option::as_mut) {
            definition.open = 0;
        }
    }

    /// The variant that leads to the step `hop` of `path`.
    pub(super) fn via(&self, path: &Path, hop: u8) -> u16 {
        path.step(hop).and_then(|next| self.get(next)).map_or(0, |definition| definition.via)
    }

    /// The variant to begin with where any will do. Within itself an enum is given one after the other, so that it ends.
    pub(super) fn usual_variant(&self, index: u8) -> u16 {
        match self.get(index) {
            Some(&Definition { good: UNKNOWN, open, .. }) => open.saturating_sub(1).into(),
            Some(&Definition { good, .. }) => good,
            None => 0,
        }
    }

    pub(super) fn worked(&mut self, index: u8, variant: u16) {
        if let Some(definition) = self.get_mut(index).filter(|one| one.good == UNKNOWN) {
            definition.good = variant;
        }
    }
}

/// The definitions that lead to the one that is to be described.
#[derive(Clone, Copy)]
pub(super) struct Path {
    steps: [u8; MAX_DEFINITIONS],
    pub(super) length: u8,
}

impl Path {
    /// The way from the type itself to `target`, which is the last.
    pub(super) fn lead_to(&mut self, target: u8, definitions: &Definitions<'_>) {
        self.length = 0;
        let mut at = target;
        while let Some(definition) = definitions.get(at) {
            let Some(step) = self.steps.get_mut(usize::from(self.length)) else { break };
            *step = at;
            self.length += 1;
            at = definition.parent;
        }
        if let Some(steps) = self.steps.get_mut(..usize::from(self.length)) {
            steps.reverse();
        }
    }

    pub(super) const ROOT: Self = Self { steps: [ROOT; MAX_DEFINITIONS], length: 0 };

    pub(super) fn step(&self, hop: u8) -> Option<u8> {
        self.steps.get(..usize::from(self.length))?.get(usize::from(hop)).copied()
    }

    pub(super) fn target(&self) -> u8 {
        self.length.checked_sub(1).and_then(|last| self.step(last)).unwrap_or(ROOT)
    }
}

pub(super) fn address_of_visit_seq<V: Visitor<'static>, A: SeqAccess<'static>>() -> usize {
    let visit: fn(V, A) -> Result<V::Value, A::Error> = V::visit_seq::<A>;
    visit as *const () as usize
}

pub(super) fn address_of_visit_enum<V: Visitor<'static>, A: EnumAccess<'static>>() -> usize {
    let visit: fn(V, A) -> Result<V::Value, A::Error> = V::visit_enum::<A>;
    visit as *const () as usize
}
