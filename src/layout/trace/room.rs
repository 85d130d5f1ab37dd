//! The memory that a trace takes.

use super::super::output::{Output, References, Referred};
use super::super::{LayoutError, MAX_DEFINITIONS};
use super::samples::Override;
use super::{RunOf, Trace, Traced};

/// What is done with a trace.
type Task<'t> = &'t dyn Fn(&mut Trace<'_>) -> Result<Traced, LayoutError>;

/// Describes the type of `run`.
pub(super) fn trace(run: RunOf<'_>, codec: &str, skip: usize, into: &mut [u8]) -> Result<Traced, LayoutError> {
    let describe = |trace: &mut Trace<'_>| {
        trace.describe(run)?;
        Ok(trace.traced(codec))
    };
    // Most types are made of few definitions: the memory for more is taken only by those that have them.
    match small(skip, into, &describe) {
        Err(LayoutError::TooManyDefinitions | LayoutError::TooManyReferences | LayoutError::TooManySamples) => {
            large(skip, into, &describe)
        }
        traced => traced,
    }
}

#[inline(never)]
fn small(skip: usize, into: &mut [u8], task: Task<'_>) -> Result<Traced, LayoutError> {
    with_room::<8, 9, 32, 8>(skip, into, task)
}

/// With room for every type that has a layout.
#[inline(never)]
pub(super) fn large(skip: usize, into: &mut [u8], task: Task<'_>) -> Result<Traced, LayoutError> {
    with_room::<MAX_DEFINITIONS, { MAX_DEFINITIONS + 1 }, 256, 24>(skip, into, task)
}

/// `PARTS` are the definitions and the root.
#[inline(always)]
fn with_room<const DEFINITIONS: usize, const PARTS: usize, const REFERENCES: usize, const OVERRIDES: usize>(
    skip: usize,
    into: &mut [u8],
    task: Task<'_>,
) -> Result<Traced, LayoutError> {
    let (mut own, mut all) = ([0; PARTS], [Referred::default(); REFERENCES]);
    let references = References::new(&mut own, &mut all);
    let (mut definitions, mut overrides) = ([None; DEFINITIONS], [Override::NONE; OVERRIDES]);
    task(&mut Trace::new(Output::new(skip, into, references), &mut definitions, &mut overrides))
}
