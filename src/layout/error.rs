//! What can go wrong with a layout.

use core::fmt;

/// Why a type has no layout. The fault lies with the type, and every call gives the same error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// The type is made of more than [`MAX_DEFINITIONS`](super::MAX_DEFINITIONS) structs and enums.
    TooManyDefinitions,
    /// The type names structs and enums in too many places: 191 are possible with any number of them.
    TooManyReferences,
    /// A value of the type nests deeper than [`MAX_DEPTH`](super::MAX_DEPTH), or has no end.
    TooDeep,
    /// Too many parts of the type refuse the first samples that they are given.
    TooManySamples,
    /// The type refuses samples, and asks for something else when it is given others: its form depends on its values.
    Inconsistent,
    /// The type asked for more values than [`MAX_STEPS`](super::MAX_STEPS).
    TooManySteps,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyDefinitions => {
                write!(f, "the type is made of more than {} structs and enums", super::MAX_DEFINITIONS)
            }
            Self::TooManyReferences => f.write_str("the type names structs and enums in too many places"),
            Self::TooDeep => write!(f, "values of the type nest deeper than {} levels", super::MAX_DEPTH),
            Self::TooManySamples => f.write_str("too many parts of the type refuse the first samples they are given"),
            Self::Inconsistent => f.write_str("what the type asks for depends on the values that it is given"),
            Self::TooManySteps => write!(f, "the type asks for more than {} values", super::MAX_STEPS),
        }
    }
}

impl core::error::Error for LayoutError {}
