//! What the two types of a contract look like, in sixteen bytes.

use crate::codec::Codec;
use crate::layout::{self, Fingerprint, LayoutError};
use crate::request::Request;

/// The fingerprints of a command type and of its response type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// Of the command type.
    pub command: Fingerprint,
    /// Of the response type.
    pub response: Fingerprint,
}

impl Fingerprints {
    /// Those of `C` and its response, as `K` writes them.
    ///
    /// # Errors
    ///
    /// Any [`LayoutError`] of either type.
    pub fn of<C: Request, K: Codec>() -> Result<Self, LayoutError> {
        Ok(Self { command: layout::fingerprint::<C>(K::NAME)?, response: layout::fingerprint::<C::Response>(K::NAME)? })
    }

    pub(super) const fn from_u64(command: u64, response: u64) -> Self {
        Self { command: Fingerprint::from_u64(command), response: Fingerprint::from_u64(response) }
    }

    pub(super) const fn to_bytes(self) -> [[u8; 8]; 2] {
        [self.command.to_u64().to_le_bytes(), self.response.to_u64().to_le_bytes()]
    }
}
