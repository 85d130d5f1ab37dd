//! The tracer: learns a type's form from the values that its `Deserialize` asks for.
//!
//! Each run of `deserialize` describes one part of one definition: a struct, or a variant of an enum. On its way there it
//! takes the variants that lead to it, everywhere else it takes what is known to end, `None` and empty lists. When the
//! part is described the run is stopped with an error. Nothing is remembered but the definitions, each in a few words, and
//! the samples that were needed.

mod access;
mod definitions;
mod deserializer;
mod driver;
mod requests;
mod room;
mod samples;
mod stopped;
mod whole;

use serde::Deserialize;

use self::definitions::{Definition, Definitions, Identity, Path};
use self::deserializer::Tracer;
use self::requests::Entered;
use self::samples::{Failure, Frame, Frames, Override, Samples};
use self::stopped::Stopped;
pub(super) use self::whole::{fingerprint_with_turned_samples, whole_values};
use super::fingerprint::Fingerprint;
use super::format::{OPAQUE, REFERENCE, REFUSED, UNIT};
use super::output::Output;
use super::{LayoutError, MAX_DEPTH, MAX_STEPS};

/// What one value of a type may be asked for in one run.
const MAX_STEPS_OF_A_RUN: u32 = MAX_STEPS / 16;

/// What is left of a trace.
pub(super) struct Traced {
    pub(super) fingerprint: Fingerprint,
    /// How many bytes of the description were written.
    pub(super) written: usize,
}

/// Traces `T`, and writes its description from byte `skip` on to `into`.
pub(super) fn trace<T: Deserialize<'static>>(codec: &str, skip: usize, into: &mut [u8]) -> Result<Traced, LayoutError> {
    room::trace(&run::<T>, codec, skip, into)
}

/// One run of a type's `deserialize`.
type RunOf<'r> = &'r dyn Fn(&mut Trace<'_>);

fn run<T: Deserialize<'static>>(trace: &mut Trace<'_>) {
    match T::deserialize(Tracer { trace }) {
        Ok(_) => trace.finish(Outcome::Described),
        Err(_) => trace.refuse(0, false),
    }
}

/// What the visitor of an identifier is given.
#[derive(Clone, Copy)]
enum Identifier {
    Index(u32),
    Name(&'static str),
}

/// What a run is to describe, or to find out.
#[derive(Clone, Copy)]
enum Part {
    /// The type itself, or the fields of a struct.
    Body,
    /// A variant with all that it carries.
    Variant(u16),
    /// Which variant or field of a struct an identifier stands for.
    Identify(Identifier),
    /// Which field of the struct variant.
    IdentifyField(u16, Identifier),
}

/// How far a run has come.
#[derive(Clone, Copy)]
enum Outcome {
    Running,
    Described,
    /// There is no such variant or field.
    NoSuch,
    /// It ends for a reason that no sample would mend.
    Hopeless,
    Failed(Failure),
}

/// What a run has done.
struct Run {
    outcome: Outcome,
    /// How many definitions of the path were reached.
    hop: u8,
    /// Whether that was all of them.
    arrived: bool,
    /// How many definitions and elements that need no description are open.
    aside: u16,
    depth: u8,
    is_too_deep: bool,
    /// How many samples were given, how many choices the last one has, the most that any has.
    given: u16,
    choices: u8,
    most: u8,
    /// How many samples were given on the way to the part.
    given_before: u16,
    steps: u32,
    /// How many nodes of the part were seen, and a sum over them.
    nodes: u32,
    sum: u32,
    /// The next node is an element of a tuple.
    is_element: bool,
    /// The node that was refused is marked.
    marked: bool,
    /// How many fields were asked for.
    asked: usize,
    /// The names of a struct variant's fields.
    fields: Option<&'static [&'static str]>,
    /// What the next identifier is given.
    identifier: Identifier,
}

impl Run {
    const NEW: Self = Self {
        outcome: Outcome::Running,
        hop: 0,
        arrived: false,
        aside: 0,
        depth: 0,
        is_too_deep: false,
        given: 0,
        choices: 0,
        most: 0,
        given_before: 0,
        steps: 0,
        nodes: 0,
        sum: 0,
        is_element: false,
        marked: false,
        asked: 0,
        fields: None,
        identifier: Identifier::Index(0),
    };
}

/// Everything that the tracer knows. It depends on no type, so that its code is there once.
struct Trace<'a> {
    output: Output<'a>,
    definitions: Definitions<'a>,
    samples: Samples<'a>,
    frames: Frames,
    path: Path,
    part: Part,
    run: Run,
    /// How many nodes of the part are in the output, and the sum over them.
    described: u32,
    sum: u32,
    /// A run that ends with its open containers closed: all, or those within this request.
    closing: Option<u16>,
    /// Whether the definition has its head in the output, and the names of its parts.
    begun: bool,
    names: &'static [&'static str],
    /// What the identifier was, and whether identifiers of different variants differ.
    identity: Option<u64>,
    is_lenient: bool,
    steps: u32,
    error: Option<LayoutError>,
    /// What the author wants the next leaf to be given.
    by_hand: Option<&'static str>,
    /// How the samples are turned, so that others come first.
    turn: usize,
    /// Whether a run goes on to the end of the value, and whether options and lists of the part stay empty.
    is_whole: bool,
    is_bare: bool,
}

/// In place of a request: no container of a run that is closing stays open.
const ALL: u16 = u16::MAX;

/// How a definition is met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It leads to the part.
    Way,
    Target,
    Aside,
}

impl<'a> Trace<'a> {
    fn new(output: Output<'a>, definitions: &'a mut [Option<Definition>], samples: &'a mut [Override]) -> Self {
        Self {
            output,
            definitions: Definitions::new(definitions),
            samples: Samples::new(samples),
            frames: Frames::NONE,
            path: Path::ROOT,
            part: Part::Body,
            run: Run::NEW,
            described: 0,
            sum: 0,
            closing: None,
            begun: true,
            names: &[],
            identity: None,
            is_lenient: false,
            steps: 0,
            error: None,
            by_hand: None,
            turn: 0,
            is_whole: false,
            is_bare: false,
        }
    }

    fn traced(&self, codec: &str) -> Traced {
        Traced { fingerprint: self.output.fingerprint(codec), written: self.output.written() }
    }

    fn has_ended(&self) -> bool {
        !matches!(self.run.outcome, Outcome::Running)
    }

    fn finish(&mut self, outcome: Outcome) {
        if !self.has_ended() {
            self.run.outcome = outcome;
        }
    }

    fn fail(&mut self, error: LayoutError) {
        self.error.get_or_insert(error);
        self.finish(Outcome::Hopeless);
    }

    /// A visitor or seed that was given the samples from `from` on returned an error.
    fn refuse(&mut self, from: u16, leaf: bool) {
        let Run { given, choices, most, .. } = self.run;
        self.finish(Outcome::Failed(Failure { from, given, choices, most, leaf }));
    }

    /// The type asks for something.
    fn step(&mut self) -> Result<(), Stopped> {
        self.steps += 1;
        self.run.steps += 1;
        if self.steps > MAX_STEPS {
            self.fail(LayoutError::TooManySteps);
        } else if self.run.steps > MAX_STEPS_OF_A_RUN {
            self.finish(Outcome::Hopeless);
        }
        if self.has_ended() { Err(Stopped) } else { Ok(()) }
    }

    fn deepen(&mut self) -> Result<(), Stopped> {
        if usize::from(self.run.depth) == MAX_DEPTH {
            self.run.is_too_deep = true;
            self.refuse(self.run.given, false);
            return Err(Stopped);
        }
        self.run.depth += 1;
        Ok(())
    }

    /// Whether this place belongs to the part.
    fn is_in_part(&self) -> bool {
        self.run.arrived && self.run.aside == 0
    }

    /// Counts a node of the part, and says whether it is not yet in the output.
    ///
    /// Runs of one part must see the same. If not, what is in the output would not fit what follows.
    fn is_new_node(&mut self, tag: u8) -> bool {
        if !self.is_in_part() {
            return false;
        }
        let before = self.run.sum;
        self.run.nodes += 1;
        // A sum, so that what is skipped can be added; each node counts by its place.
        let place = self.run.nodes.wrapping_mul(0x9e37_79b1);
        self.run.sum = before.wrapping_add((u32::from(tag) + 1).wrapping_mul(place ^ place >> 15 | 1));
        if self.run.nodes <= self.described {
            return false;
        }
        if before != self.sum {
            self.fail(LayoutError::Inconsistent);
        }
        self.described += 1;
        self.sum = self.run.sum;
        true
    }

    /// Whether the run has seen what is in the output.
    fn has_seen_all(&self) -> bool {
        (self.run.nodes, self.run.sum) == (self.described, self.sum)
    }

    fn leaf(&mut self, tag: u8) {
        let is_element = core::mem::take(&mut self.run.is_element);
        if self.is_new_node(tag) {
            self.output.put_leaf(tag, 0, is_element);
        }
    }

    fn tag(&mut self, tag: u8) {
        self.run.is_element = false;
        if self.is_new_node(tag) {
            self.output.put(&[tag]);
        }
    }

    /// The node that began after `nodes` is over. A type that asked for nothing takes no bytes.
    fn end_node(&mut self, nodes: u32) {
        if self.run.nodes == nodes {
            self.leaf(UNIT);
        }
    }

    /// The node that began after `nodes` failed.
    fn end_failed_node(&mut self, nodes: u32) {
        if self.is_closing() {
            if self.run.nodes == nodes {
                self.leaf(OPAQUE);
            }
            self.mark();
        }
    }

    /// A run that ends with this failure is to leave a description that is whole.
    fn is_closing(&self) -> bool {
        self.closing.is_some() && self.is_in_part()
    }

    /// The node before is the one that was refused, unless one within it was.
    fn mark(&mut self) {
        if self.is_closing() && !self.run.marked {
            self.run.marked = true;
            if self.is_new_node(REFUSED) {
                self.output.put_refused();
            }
        }
    }

    /// Chooses a sample among `choices`, of which the last that fail one by one are `tried`.
    fn give(&mut self, choices: usize, tried: usize, raisable: bool) -> usize {
        let request = self.run.given;
        self.run.given = request.saturating_add(1);
        self.run.choices = tried as u8;
        let raisable = if raisable { tried.saturating_sub(1) as u8 } else { 0 };
        self.run.most = self.run.most.max(raisable + 1);
        usize::from(self.samples.choice(request, raisable)).min(choices.saturating_sub(1))
    }

    /// The request before stays open, and has `choices` in all.
    fn open(&mut self, choices: usize, sealing: bool) -> u16 {
        let request = self.run.given.saturating_sub(1);
        self.frames.push(Frame { request, choices: choices as u8, sealing });
        request
    }

    /// What opened with `request` ends, and with it what was seen since `nodes`.
    fn close(&mut self, request: u16, nodes: (u32, u32)) {
        if !self.has_ended() {
            self.frames.pop();
        } else if self.closing == Some(request) && self.is_in_part() {
            self.closing = None;
            let (before, sum) = nodes;
            let skip = u16::try_from(self.run.nodes - before).unwrap_or(u16::MAX);
            let choice = self.frames.choices_of(request).saturating_sub(1);
            self.samples.forget_from(request);
            if !self.has_seen_all() {
                self.error.get_or_insert(LayoutError::Inconsistent);
            }
            if let Err(error) = self.samples.set(request, choice, (skip, self.run.sum.wrapping_sub(sum))) {
                self.error.get_or_insert(error);
            }
        }
    }

    /// What lies within a request that stays empty was described before.
    fn skip(&mut self) {
        if self.is_in_part() {
            let (skip, sum) = self.samples.skip(self.run.given.saturating_sub(1));
            if skip == 0 && !self.is_whole {
                // It was another request that was to have this sample: the type asks in another order than before.
                self.fail(LayoutError::Inconsistent);
            }
            self.run.nodes += u32::from(skip);
            self.run.sum = self.run.sum.wrapping_add(sum);
        }
    }

    /// A struct or enum begins.
    fn enter(&mut self, identity: &Identity, is_enum: bool) -> Result<Entered, Stopped> {
        self.step()?;
        self.deepen()?;
        let index = match self.definitions.find_or_add(identity, is_enum) {
            Ok(index) => index,
            Err(error) => {
                self.fail(error);
                return Err(Stopped);
            }
        };
        let is_element = core::mem::take(&mut self.run.is_element);
        if self.is_in_part() {
            let via = if let Part::Variant(via) = self.part { via } else { 0 };
            let number = self.definitions.number(index, self.path.target(), via);
            if self.is_new_node(REFERENCE.wrapping_add(number)) {
                self.output.put_leaf(REFERENCE, number, is_element);
            }
        }
        let is_next = !self.run.arrived && self.run.aside == 0 && self.path.step(self.run.hop) == Some(index);
        let role = if !is_next {
            self.run.aside += 1;
            Role::Aside
        } else if self.run.hop + 1 == self.path.length {
            self.run.arrived = true;
            self.run.given_before = self.run.given;
            self.names = identity.names;
            Role::Target
        } else {
            self.run.hop += 1;
            Role::Way
        };
        if let Some(definition) = self.definitions.get_mut(index) {
            definition.open = definition.open.saturating_add(1);
        }
        Ok(self.entered(index, role))
    }

    fn leave(&mut self, index: u8, role: Role) {
        self.run.depth -= 1;
        match role {
            Role::Way => {}
            // What lies around the part does not belong to it.
            Role::Target => self.run.aside += 1,
            Role::Aside => {
                self.run.aside -= 1;
                if self.is_closing() && self.has_ended() {
                    // The definition says what was refused.
                    self.run.marked = true;
                }
            }
        }
        if let Some(definition) = self.definitions.get_mut(index) {
            definition.open = definition.open.saturating_sub(1);
        }
    }
}
