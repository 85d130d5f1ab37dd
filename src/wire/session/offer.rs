//! What a server tells its clients.

use core::fmt;

use super::frame::HEAD;
use super::{Fingerprints, LEAST_CAPACITY};
use crate::codec::Codec;
use crate::layout::LayoutError;
use crate::request::Request;

/// What a server tells its clients: the form of its types, how long a command may be, and which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub(super) fingerprints: Fingerprints,
    pub(super) capacity: usize,
    pub(super) program: &'static str,
}

impl Offer {
    /// That of a server for `C` with buffers of `N` bytes, whose program has this name and version. Of them at most
    /// [`LONGEST_PROGRAM`](super::LONGEST_PROGRAM) bytes are told.
    ///
    /// # Errors
    ///
    /// Any [`OfferError`] but [`Ambiguous`](OfferError::Ambiguous).
    pub fn new<C: Request, K: Codec, const N: usize>(program: &'static str) -> Result<Self, OfferError> {
        Self::with_capacity::<C, K, N>(program)
    }

    pub(crate) fn with_capacity<C: Request, K: Codec, const N: usize>(
        program: &'static str,
    ) -> Result<Self, OfferError> {
        if N < LEAST_CAPACITY {
            return Err(OfferError::CapacityTooSmall);
        }
        let fingerprints = Fingerprints::of::<C, K>().map_err(OfferError::Layout)?;
        Ok(Self { fingerprints, capacity: N - HEAD, program })
    }

    /// The fingerprints of the server's types.
    #[must_use]
    pub const fn fingerprints(&self) -> Fingerprints {
        self.fingerprints
    }
}

/// Why an end can't take part in sessions. Its own types or settings are the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferError {
    /// A bare command may begin as a session does, so that the two wires can't share a socket: the command type is a number,
    /// a tuple or a struct of such.
    Ambiguous,
    /// The form of a type could not be found out.
    Layout(LayoutError),
    /// The capacity is below 128 bytes, so that a hello might not fit.
    CapacityTooSmall,
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous => f.write_str(
                "a bare command of this type may begin as a session does: make it an enum, or choose one wire on both sides",
            ),
            Self::Layout(_) => f.write_str("the form of the command type or of its response type is unknown"),
            Self::CapacityTooSmall => {
                write!(f, "a session needs a capacity of {LEAST_CAPACITY} bytes: raise it, or choose the bare wire")
            }
        }
    }
}

impl core::error::Error for OfferError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Layout(error) => Some(error),
            Self::Ambiguous | Self::CapacityTooSmall => None,
        }
    }
}
