//! Why a type has refused a value.

use serde::Deserialize;

use super::super::Apart;
use super::super::error::{DecodeError, Explained};
use super::{Deserializer, attempt};
use crate::codec;
use crate::codec::layout::Layout;
use crate::layout::Node;

/// Decodes once more what the type has refused, for its reason.
#[cold]
#[inline(never)]
pub(super) fn explain<'de, L: Layout, T: Deserialize<'de>>(
    bytes: &'de [u8],
    form: Node<'_>,
    apart: Option<Apart>,
) -> DecodeError {
    match attempt::<L, T, Explained>(bytes, form, apart) {
        Err((Some(error), _)) => error,
        Err((None, Some(Explained { error, .. }))) => custom(error),
        // It has changed its mind, or swallowed an error.
        _ => custom(codec::DecodeError::Unexplained),
    }
}

/// What a type has said.
pub(in crate::described) fn custom(error: codec::DecodeError) -> DecodeError {
    match error {
        codec::DecodeError::Custom(message) => DecodeError::Custom(message),
        _ => DecodeError::Custom(codec::Message::from_text("the type refused a part and went on")),
    }
}

impl<L, E> Deserializer<'_, '_, '_, L, E> {
    /// Whether the type knows two names as those of two things. It is not known of a type that borrows.
    pub(super) fn is_apart(&self, is_enum: bool, of: &str, one: &str, other: &str) -> bool {
        self.message.apart.is_none_or(|apart| apart(is_enum, of, one, other))
    }
}
