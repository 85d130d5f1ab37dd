//! Whether a type is written in the form in which it is read.

use core::cell::Cell;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::LayoutError;
use super::echo::Echo;
use super::text::Traced;
use super::trace;
use super::walk::Walk;

/// Why a type cannot be relied on between two programs, even of one version. Its author can mend it.
///
/// `of` is the type or variant, as serde calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckError {
    /// It has no layout.
    Layout(LayoutError),
    /// The variant `name` is written as `index`, which is read as another variant or not at all.
    ///
    /// `#[serde(skip)]` or `#[serde(skip_deserializing)]` does that to the variants after the one that it is on.
    Variant {
        /// The enum.
        of: &'static str,
        /// The variant.
        name: &'static str,
        /// How it is written.
        index: u32,
    },
    /// A field is written where another, or none, is read.
    Field {
        /// The struct or variant.
        of: &'static str,
        /// The field; nothing for an element of a tuple.
        name: &'static str,
        /// How many were written before it.
        index: usize,
    },
    /// Fields or elements are read that are not written.
    ///
    /// `#[serde(skip_serializing_if)]` and `#[serde(skip_serializing)]` do that.
    Length {
        /// The struct, tuple or variant.
        of: &'static str,
        /// How many are written.
        written: usize,
    },
    /// A value is written as another kind than it is read.
    Kind {
        /// The struct or enum around it.
        of: &'static str,
        /// The field or variant that it is in.
        part: &'static str,
        /// As what it is written.
        written: &'static str,
    },
    /// The `Serialize` refused a value that the `Deserialize` had accepted.
    Refused,
    /// What follows depends on a value other than an enum's, so no layout can tell it.
    DependsOnValue,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(_) => f.write_str("the type has no layout"),
            Self::Variant { of, name, index } => {
                write!(f, "{of}::{name} is written as variant {index}, which is read as another")
            }
            Self::Field { of, name, index } => {
                write!(f, "{of} is written with `{name}` as field {index}, where another or none is read")
            }
            Self::Length { of, written } => write!(f, "{of} is written with {written} fields, and read with more"),
            Self::Kind { of, part, written } => {
                write!(f, "{of}: `{part}` is written as {written}, and read as another")
            }
            Self::Refused => f.write_str("the type refuses to be written"),
            Self::DependsOnValue => f.write_str("what the type reads depends on a value that is no variant"),
        }
    }
}

impl core::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Layout(error) => Some(error),
            _ => None,
        }
    }
}

/// How many variants definition `number` has.
fn variants(source: &Traced, number: u8) -> usize {
    let walk = Walk { source };
    let head = walk.definition(number.into()).and_then(|at| walk.head(at));
    head.and_then(|head| walk.names_of_variants(head.content)).map_or(0, |(_, count)| count)
}

pub(super) fn check<T: Serialize + Deserialize<'static>>() -> Result<(), CheckError> {
    let fingerprint = trace::fingerprint_with_turned_samples::<T>(0).map_err(CheckError::Layout)?;
    if trace::fingerprint_with_turned_samples::<T>(1).map_err(CheckError::Layout)? != fingerprint {
        return Err(CheckError::DependsOnValue);
    }
    let report = Cell::new(None);
    let source = Traced::new::<T>();
    let echo = |value: &T| {
        if value.serialize(Echo::new(&source, &report)).is_err() {
            report.set(Some(report.take().unwrap_or(CheckError::Refused)));
        }
    };
    trace::whole_values(&|number| variants(&source, number), &echo).map_err(CheckError::Layout)?;
    report.take().map_or(Ok(()), Err)
}
