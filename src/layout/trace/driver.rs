//! Which parts there are, and how often each is tried.

use super::super::LayoutError;
use super::super::format::{END, ENUM_DEFINITION, OPAQUE, SLOT, STRUCT_DEFINITION, UNIT, VERSION};
use super::definitions::ROOT;
use super::samples::Next;
use super::{ALL, Identifier, Outcome, Part, Run, RunOf, Trace};

/// How often a part is tried with other samples.
const ATTEMPTS: usize = 256;

/// What became of a part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Described {
    Whole,
    NoSuch,
    /// No samples were accepted. What could not be seen is opaque.
    InPart,
}

impl Trace<'_> {
    pub(super) fn describe(&mut self, run: RunOf<'_>) -> Result<(), LayoutError> {
        self.output.put(&[VERSION]);
        match self.part(run, Part::Body)? {
            Described::Whole if self.described == 0 => self.output.put_leaf(UNIT, 0, false),
            Described::InPart if self.described == 0 => self.output.put_leaf(OPAQUE, 0, false),
            Described::InPart => self.refused(),
            _ => {}
        }
        self.output.end_definition()?;
        let mut number = 1;
        while let Some((index, is_enum)) = self.definitions.numbered(number) {
            if self.output.is_full() {
                return Ok(());
            }
            self.path.lead_to(index, &self.definitions);
            self.begun = false;
            self.identity = None;
            self.names = &[];
            self.samples.forget_from(0);
            if is_enum {
                self.describe_enum(run)?
            } else {
                self.describe_struct(run)?
            }
            self.output.end_definition()?;
            number += 1;
        }
        self.output.put(&[END]);
        Ok(())
    }

    fn describe_struct(&mut self, run: RunOf<'_>) -> Result<(), LayoutError> {
        let described = self.part(run, Part::Body)?;
        if !self.begun {
            // It cannot be reached.
            self.output.put_definition(STRUCT_DEFINITION, "", 2 * SLOT);
            self.output.put(&[END]);
            self.output.put_refused();
            return Ok(());
        }
        let (asked, marked) = (self.run.asked, self.run.marked);
        self.put_names(run, asked, self.names, None)?;
        if described == Described::InPart && !marked {
            self.output.put_refused();
        }
        Ok(())
    }

    fn describe_enum(&mut self, run: RunOf<'_>) -> Result<(), LayoutError> {
        let mut variants: u16 = 0;
        let mut is_refused = false;
        loop {
            let described = self.part(run, Part::Variant(variants))?;
            if described == Described::NoSuch || self.described == 0 {
                is_refused = described == Described::InPart;
                break;
            }
            let (asked, marked) = (self.run.asked, self.run.marked);
            if let Some(fields) = self.run.fields {
                let (identity, is_lenient) = (self.identity, self.is_lenient);
                self.put_names(run, asked, fields, Some(variants))?;
                (self.identity, self.is_lenient) = (identity, is_lenient);
            }
            if described == Described::InPart && !marked {
                self.output.put_refused();
            }
            variants += 1;
            if usize::from(variants) == self.names.len() || self.output.is_full() {
                break;
            }
        }
        if !self.begun {
            self.output.put_definition(ENUM_DEFINITION, "", 2 * SLOT);
        }
        self.output.put(&[END]);
        self.put_names(run, variants.into(), self.names, None)?;
        if is_refused {
            self.output.put_refused();
        }
        Ok(())
    }

    /// The names of the first `count` variants, or fields of a struct or of `variant`. `names` has more where some have
    /// aliases.
    fn put_names(
        &mut self,
        run: RunOf<'_>,
        count: usize,
        names: &'static [&'static str],
        variant: Option<u16>,
    ) -> Result<(), LayoutError> {
        let has_aliases = count != names.len();
        let mut rest = names;
        for index in 0..count {
            let identity =
                if has_aliases { self.identify(run, variant, Identifier::Index(index as u32))? } else { None };
            // Of one that tells nothing by index, the list is all there is to go by.
            let mut name = take_first(&mut rest).unwrap_or_default();
            while let (Some(&next), Some(_)) = (rest.first(), identity) {
                if identity != self.identify(run, variant, Identifier::Name(next))? {
                    break;
                }
                self.output.put_name(name, true);
                name = next;
                take_first(&mut rest);
            }
            self.output.put_name(name, false);
        }
        Ok(())
    }

    /// What the identifier stands for, if it is accepted.
    fn identify(
        &mut self,
        run: RunOf<'_>,
        variant: Option<u16>,
        identifier: Identifier,
    ) -> Result<Option<u64>, LayoutError> {
        self.identity = None;
        self.part(run, variant.map_or(Part::Identify(identifier), |of| Part::IdentifyField(of, identifier)))?;
        Ok(self.identity)
    }

    /// Runs until the part is described, with other samples where some are refused.
    pub(super) fn part(&mut self, run: RunOf<'_>, part: Part) -> Result<Described, LayoutError> {
        let describes = matches!(part, Part::Body | Part::Variant(_)) && !self.is_whole;
        self.part = part;
        self.described = if describes { 0 } else { u32::MAX };
        self.sum = 0;
        self.closing = None;
        self.samples.forget_from(self.run.given_before);
        for _ in 0..ATTEMPTS {
            self.start(run)?;
            let next = match self.run.outcome {
                Outcome::Running | Outcome::Described if !describes || self.has_seen_all() => {
                    return Ok(Described::Whole);
                }
                Outcome::Running | Outcome::Described => return Err(LayoutError::Inconsistent),
                // An identifier that was accepted before, so that the output has it, is refused now.
                Outcome::NoSuch if describes && self.described > 0 => return Err(LayoutError::Inconsistent),
                Outcome::NoSuch => return Ok(Described::NoSuch),
                Outcome::Failed(failure) => self.samples.advance(&failure, &self.frames)?,
                Outcome::Hopeless => self.samples.leave_out(&self.frames)?,
            };
            match next {
                Next::Retry => {}
                Next::Seal(request) if describes => {
                    self.closing = Some(request);
                    self.start(run)?;
                    if self.closing.take().is_some() {
                        break;
                    }
                }
                Next::Seal(request) if self.is_whole => {
                    self.samples.set(request, self.frames.choices_of(request).saturating_sub(1), (0, 0))?;
                }
                Next::Seal(_) | Next::GiveUp => break,
            }
        }
        if describes {
            self.closing = Some(ALL);
            self.start(run)?;
            self.closing = None;
            if self.run.is_too_deep {
                return Err(LayoutError::TooDeep);
            }
            if !self.has_seen_all() {
                return Err(LayoutError::Inconsistent);
            }
        }
        Ok(Described::InPart)
    }

    fn start(&mut self, run: RunOf<'_>) -> Result<(), LayoutError> {
        self.run = Run { arrived: self.path.target() == ROOT, ..Run::NEW };
        self.frames.close_all();
        self.by_hand = None;
        self.definitions.close_all();
        run(self);
        self.error.map_or(Ok(()), Err)
    }

    fn refused(&mut self) {
        if !self.run.marked {
            self.output.put_refused();
        }
    }
}

fn take_first(names: &mut &'static [&'static str]) -> Option<&'static str> {
    let (first, rest) = names.split_first()?;
    *names = rest;
    Some(first)
}
