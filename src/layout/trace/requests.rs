//! What comes before and after a visitor is called, which depends on no type.

use super::super::SAMPLE;
use super::super::format::{
    END, ENUM_DEFINITION, MAP, OPAQUE, OPTION, SEQUENCE, SLOT, STRUCT_DEFINITION, TUPLE, U8, UNIT,
};
use super::access::{Elements, Entries};
use super::definitions::Identity;
use super::samples::{BYTES, INTEGERS, LENGTHS, SHORT_LENGTHS, long_number, number};
use super::{Identifier, Outcome, Part, Role, Stopped, Trace};

/// An option, list or map that is being visited.
#[derive(Clone, Copy)]
pub(super) struct Opened {
    /// The first sample that was given for it.
    from: u16,
    /// Its request, if it stays open.
    request: Option<u16>,
    /// What was seen when it began.
    nodes: u32,
    sum: u32,
    pub(super) length: u8,
}

/// A struct or enum that is being visited.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    index: u8,
    pub(super) role: Role,
    from: u16,
    request: Option<u16>,
    nodes: u32,
    sum: u32,
    /// Which variant a value is made of.
    variant: u16,
}

impl Trace<'_> {
    /// A value without others within is asked for. Returns which of its samples it is given.
    pub(super) fn leaf_choice(&mut self, tag: u8, samples: usize) -> Result<usize, Stopped> {
        self.step()?;
        self.leaf(tag);
        Ok(self.choose(samples))
    }

    fn choose(&mut self, samples: usize) -> usize {
        let choice = self.give(samples, samples, true) + self.turn;
        if choice < samples { choice } else { choice % samples.max(1) }
    }

    /// The value that was given last is accepted, or refused.
    pub(super) fn end_leaf(&mut self, is_refused: bool) {
        if is_refused {
            self.refuse(self.run.given.saturating_sub(1), true);
            self.mark();
        }
    }

    /// An integer of at most 64 bits, of which there are as many as it takes.
    pub(super) fn integer(&mut self, tag: u8) -> Result<i64, Stopped> {
        if let Some(text) = self.by_hand.take() {
            return self.leaf_choice(tag, 1).map(|_| number(text));
        }
        let choice = self.leaf_choice(tag, INTEGERS.len())?;
        Ok(INTEGERS.get(choice).copied().unwrap_or_default().into())
    }

    pub(super) fn long_integer(&mut self, tag: u8) -> Result<i128, Stopped> {
        if let Some(text) = self.by_hand.take() {
            return self.leaf_choice(tag, 1).map(|_| long_number(text));
        }
        self.integer(tag).map(i128::from)
    }

    pub(super) fn bytes(&mut self) -> Result<&'static [u8], Stopped> {
        const ONES: [u8; 32] = [1; 32];
        self.step()?;
        self.tag(SEQUENCE);
        self.leaf(U8);
        if let Some(text) = self.by_hand.take() {
            self.choose(1);
            return Ok(text.as_bytes());
        }
        let length = BYTES.get(self.choose(BYTES.len())).copied().unwrap_or(0);
        Ok(ONES.get(..length).unwrap_or_default())
    }

    /// Bincode cannot read it either.
    pub(super) fn opaque(&mut self) -> Stopped {
        if self.step().is_ok() {
            self.leaf(OPAQUE);
            self.finish(Outcome::Hopeless);
        }
        Stopped
    }

    pub(super) fn begin_unit(&mut self) -> Result<u16, Stopped> {
        self.step()?;
        self.leaf(UNIT);
        Ok(self.run.given)
    }

    pub(super) fn end_unit(&mut self, from: u16, is_refused: bool) {
        if is_refused {
            self.refuse(from, true);
            self.mark();
        }
    }

    pub(super) fn begin_newtype(&mut self, name: &'static str) -> Result<(u16, u32), Stopped> {
        self.step()?;
        self.deepen()?;
        self.by_hand = name.strip_prefix(SAMPLE).or(self.by_hand);
        Ok((self.run.given, self.run.nodes))
    }

    /// A seed was given the samples from `from` on, and its form began after `nodes`. Returns whether the run has ended.
    pub(super) fn end_of_node(&mut self, from: u16, nodes: u32, is_refused: bool) -> bool {
        if is_refused {
            self.refuse(from, false);
        }
        let has_ended = self.has_ended();
        if has_ended {
            self.end_failed_node(nodes);
        } else {
            self.end_node(nodes);
        }
        has_ended
    }

    /// Whether the way to the part may lead through here.
    fn is_on_the_way(&self) -> bool {
        !self.run.arrived && self.run.aside == 0
    }

    fn begin_container(&mut self, tag: u8) -> Result<u16, Stopped> {
        self.step()?;
        self.deepen()?;
        self.tag(tag);
        Ok(self.run.given)
    }

    fn opened(&self, from: u16, length: u8, request: Option<u16>) -> Opened {
        Opened { from, request, nodes: self.run.nodes, sum: self.run.sum, length }
    }

    /// One of length 0 stays empty.
    pub(super) fn begin_option(&mut self) -> Result<Opened, Stopped> {
        let from = self.begin_container(OPTION)?;
        let is_described = self.is_in_part() || self.is_on_the_way();
        let choice = if is_described { self.give(2, 1, false) } else { 1 - self.give(2, 2, false) };
        if choice == 1 || self.stays_empty() {
            if is_described {
                self.skip();
            }
            return Ok(self.opened(from, 0, None));
        }
        let request = is_described.then(|| self.open(2, true));
        Ok(self.opened(from, 1, request))
    }

    pub(super) fn end_option(&mut self, opened: Opened, is_refused: bool) -> bool {
        if opened.length > 0 {
            // What is within begins where the option does, for its own sample has no other choice.
            self.end_of_node(self.within(&opened), opened.nodes, is_refused);
            self.close_opened(&opened);
        }
        self.run.depth -= 1;
        if is_refused {
            self.refuse(opened.from, false);
        }
        if self.has_ended() {
            self.mark();
        }
        self.has_ended()
    }

    /// The first sample that was given within.
    fn within(&self, opened: &Opened) -> u16 {
        opened.from.saturating_add(1)
    }

    fn close_opened(&mut self, opened: &Opened) {
        if let Some(request) = opened.request {
            self.close(request, (opened.nodes, opened.sum));
        }
    }

    /// Chooses the length of a list or map, and whether it stays open.
    fn begin_list(&mut self, tag: u8) -> Result<Opened, Stopped> {
        let from = self.begin_container(tag)?;
        if !self.is_in_part() && !self.is_on_the_way() {
            let choice = self.give(SHORT_LENGTHS.len(), SHORT_LENGTHS.len(), true);
            return Ok(self.opened(from, SHORT_LENGTHS.get(choice).copied().unwrap_or(0), None));
        }
        let choice = self.give(LENGTHS.len(), LENGTHS.len() - 1, true);
        let length = LENGTHS.get(choice).copied().unwrap_or(0);
        if length == 0 || self.stays_empty() {
            self.skip();
            return Ok(self.opened(from, 0, None));
        }
        let request = self.open(LENGTHS.len(), true);
        Ok(self.opened(from, length, Some(request)))
    }

    /// `unseen` is how many of what a list has to show were not asked for.
    fn end_list(&mut self, opened: Opened, unseen: usize, is_refused: bool) -> bool {
        self.run.depth -= 1;
        if is_refused {
            self.refuse(opened.from, false);
        }
        if opened.length > 0 && (!self.has_ended() || self.is_closing()) {
            for _ in 0..unseen {
                self.leaf(OPAQUE);
            }
        }
        if self.has_ended() {
            self.mark();
        }
        self.close_opened(&opened);
        self.has_ended()
    }

    pub(super) fn begin_sequence(&mut self) -> Result<Opened, Stopped> {
        self.begin_list(SEQUENCE)
    }

    pub(super) fn end_sequence(&mut self, opened: Opened, is_refused: bool) -> bool {
        let unseen = usize::from(self.run.nodes == opened.nodes);
        self.end_list(opened, unseen, is_refused)
    }

    pub(super) fn begin_map(&mut self) -> Result<Opened, Stopped> {
        self.begin_list(MAP)
    }

    pub(super) fn begin_tuple(&mut self, length: usize) -> Result<u16, Stopped> {
        if length > 0 {
            return self.begin_container(TUPLE);
        }
        self.begin_unit()
    }

    pub(super) fn begin_struct(&mut self, identity: Identity) -> Result<Entered, Stopped> {
        let entered = self.enter(&identity, false)?;
        if entered.role == Role::Target {
            self.begin(identity.name, STRUCT_DEFINITION);
        }
        Ok(entered)
    }

    /// Whether the struct is to be told an identifier, and nothing else.
    pub(super) fn asks_for_name(&mut self, role: Role) -> bool {
        match (role, self.part) {
            (Role::Target, Part::Identify(identifier)) => {
                self.run.identifier = identifier;
                true
            }
            _ => false,
        }
    }

    pub(super) fn begin_enum(&mut self, identity: Identity) -> Result<Entered, Stopped> {
        let count = identity.names.len();
        if count == 0 {
            return Err(self.opaque());
        }
        let mut entered = self.enter(&identity, true)?;
        entered.variant = match entered.role {
            Role::Target => {
                self.begin(identity.name, ENUM_DEFINITION);
                match self.part {
                    Part::Variant(variant) | Part::IdentifyField(variant, _) => variant,
                    Part::Identify(_) | Part::Body => 0,
                }
            }
            Role::Way => self.definitions.via(&self.path, self.run.hop),
            Role::Aside => {
                let choices = count.min(32);
                let choice = self.give(choices, choices, false);
                entered.request = Some(self.open(choices, false));
                let index = usize::from(self.definitions.usual_variant(entered.index)) + choice;
                (if index < count { index } else { index % count }) as u16
            }
        };
        if !self.asks_for_name(entered.role) {
            self.run.identifier = Identifier::Index(entered.variant.into());
        }
        Ok(entered)
    }

    pub(super) fn end_enum(&mut self, entered: &Entered, is_refused: bool) -> bool {
        if is_refused {
            self.refuse(entered.from, false);
        }
        match entered.role {
            Role::Aside if !self.has_ended() => self.definitions.worked(entered.index, entered.variant),
            // One that does not ask for what the variant carries takes no bytes.
            Role::Target => self.end_variant(entered.nodes),
            _ => {}
        }
        if let Some(request) = entered.request {
            self.close(request, (entered.nodes, entered.sum));
        }
        self.leave(entered.index, entered.role);
        self.has_ended()
    }

    pub(super) fn entered(&self, index: u8, role: Role) -> Entered {
        let run = &self.run;
        Entered { index, role, from: run.given, request: None, nodes: run.nodes, sum: run.sum, variant: 0 }
    }

    /// The part's definition is reached.
    fn begin(&mut self, name: &str, kind: u8) {
        if !self.begun {
            self.begun = true;
            self.output.put_definition(kind, name, 2 * SLOT);
        }
    }
}

impl Elements<'_, '_> {
    pub(super) fn end_tuple(&mut self, from: u16, length: usize, is_refused: bool) -> bool {
        self.end(from, is_refused);
        let trace = &mut *self.trace;
        if length > 0 {
            trace.run.depth -= 1;
            if !trace.has_ended() || trace.is_closing() {
                trace.tag(END);
            }
            if trace.has_ended() {
                trace.mark();
            }
        }
        trace.has_ended()
    }

    pub(super) fn end_struct(&mut self, entered: &Entered, is_refused: bool) -> bool {
        self.end(entered.from, is_refused);
        let trace = &mut *self.trace;
        if entered.role == Role::Target {
            if !trace.has_ended() || trace.is_closing() {
                trace.tag(END);
            }
            trace.part_ends();
        }
        trace.leave(entered.index, entered.role);
        trace.has_ended()
    }
}

impl Entries<'_, '_> {
    pub(super) fn end(&mut self, opened: Opened, is_refused: bool) -> bool {
        // It may not have looked at a key or at a value.
        let seen = self.asked.min(1) + self.values.min(1);
        self.trace.end_list(opened, 2 - seen, is_refused)
    }
}
