//! Whole values, for a check of their `Serialize`.

use serde::Deserialize;

use super::super::LayoutError;
use super::super::fingerprint::Fingerprint;
use super::definitions::ROOT;
use super::deserializer::Tracer;
use super::{Outcome, Part, RunOf, Trace, room, run};

/// The fingerprint of `T` when it is given other samples first.
pub(in super::super) fn fingerprint_with_turned_samples<T: Deserialize<'static>>(
    turn: usize,
) -> Result<Fingerprint, LayoutError> {
    let traced = room::large(0, &mut [], &|trace| {
        trace.turn = turn;
        trace.describe(&run::<T>)?;
        Ok(trace.traced(""))
    });
    traced.map(|traced| traced.fingerprint)
}

/// Makes a value for every part of `T`, once with something in its options and lists and once without, and calls `each`.
///
/// `variants` says how many variants a definition has, by its number.
pub(in super::super) fn whole_values<T: Deserialize<'static>>(
    variants: &dyn Fn(u8) -> usize,
    each: &dyn Fn(&T),
) -> Result<(), LayoutError> {
    let whole = |trace: &mut Trace<'_>| match T::deserialize(Tracer { trace }) {
        Ok(value) if !trace.has_ended() => {
            trace.finish(Outcome::Described);
            each(&value);
        }
        _ => trace.refuse(0, false),
    };
    let traced = room::large(0, &mut [], &|trace| {
        trace.describe(&run::<T>)?;
        trace.is_whole = true;
        trace.values(&whole, variants)?;
        Ok(trace.traced(""))
    });
    traced.map(|_| ())
}

impl Trace<'_> {
    /// All that the run is for was seen.
    pub(super) fn part_ends(&mut self) {
        if !self.is_whole {
            self.finish(Outcome::Described);
        }
    }

    /// Whether an option or list here stays empty, whatever it is described as.
    pub(super) fn stays_empty(&self) -> bool {
        self.is_bare && self.is_in_part()
    }

    fn values(&mut self, run: RunOf<'_>, variants: &dyn Fn(u8) -> usize) -> Result<(), LayoutError> {
        self.path.lead_to(ROOT, &self.definitions);
        self.samples.forget_from(0);
        self.full_and_bare(run, Part::Body)?;
        let mut number = 1;
        while let Some((index, is_enum)) = self.definitions.numbered(number) {
            self.path.lead_to(index, &self.definitions);
            self.samples.forget_from(0);
            if is_enum {
                for variant in 0..variants(number) {
                    self.full_and_bare(run, Part::Variant(variant as u16))?;
                }
            } else {
                self.full_and_bare(run, Part::Body)?;
            }
            number += 1;
        }
        Ok(())
    }

    fn full_and_bare(&mut self, run: RunOf<'_>, part: Part) -> Result<(), LayoutError> {
        for is_bare in [false, true] {
            self.is_bare = is_bare;
            self.part(run, part)?;
        }
        Ok(())
    }
}
