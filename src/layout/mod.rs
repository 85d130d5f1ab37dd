//! The form of a type, from its `Deserialize` alone.

mod check;
mod description;
mod echo;
mod error;
mod fingerprint;
mod format;
mod output;
mod text;
mod trace;
mod validate;
mod walk;

pub use self::check::CheckError;
pub use self::description::{Description, Fields, Kind, Names, Node, Tuple, Variant, Variants};
pub use self::error::LayoutError;
pub use self::fingerprint::Fingerprint;
pub use self::text::Text;
pub use self::validate::{DescriptionError, MAX_RECEIVED_DEFINITIONS, MAX_VALUES};

use serde::{Deserialize, Serialize};

/// Of how many structs and enums a type may be made: 64.
pub const MAX_DEFINITIONS: usize = 64;

/// How deep a type may nest: 64 levels.
pub const MAX_DEPTH: usize = 64;

/// Before a sample in the name of a newtype struct. The value within is traced with that sample, and no other.
///
/// It is for types that refuse every sample of the tracer. The name of a newtype struct is not on the wire, so this is
/// all that the type needs:
///
/// ```
/// use ipc_server::layout;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// #[serde(rename = "ipc_server::sample=3405691582")]
/// struct Sample(u32);
///
/// #[derive(Deserialize)]
/// #[serde(try_from = "Sample")]
/// struct Magic;
///
/// impl TryFrom<Sample> for Magic {
///     type Error = &'static str;
///
///     fn try_from(Sample(number): Sample) -> Result<Self, Self::Error> {
///         if number == 0xcafe_babe { Ok(Self) } else { Err("no magic") }
///     }
/// }
///
/// assert_eq!(layout::text::<(Magic, u8)>()?.to_string(), "(u32, u8)");
/// # Ok::<(), layout::LayoutError>(())
/// ```
pub const SAMPLE: &str = "ipc_server::sample=";

/// How many values a type may ask for while it is traced: 1,048,576.
pub const MAX_STEPS: u32 = 1 << 20;

/// The fingerprint of `T` as `codec` writes it.
///
/// # Errors
///
/// Any [`LayoutError`].
pub fn fingerprint<T: Deserialize<'static>>(codec: &str) -> Result<Fingerprint, LayoutError> {
    trace::trace::<T>(codec, 0, &mut []).map(|traced| traced.fingerprint)
}

/// Writes the description of `T` from its byte `skip` on to `into`, and returns how many bytes were written.
///
/// # Errors
///
/// Any [`LayoutError`].
pub fn describe<T: Deserialize<'static>>(skip: usize, into: &mut [u8]) -> Result<usize, LayoutError> {
    trace::trace::<T>("", skip, into).map(|traced| traced.written)
}

/// The layout of `T` as Rust-like text.
///
/// # Errors
///
/// Any [`LayoutError`].
pub fn text<T: Deserialize<'static>>() -> Result<Text<T>, LayoutError> {
    Text::new()
}

/// Checks that values of `T` are written in the form in which they are read.
///
/// # Errors
///
/// Any [`CheckError`].
pub fn check<T: Serialize + Deserialize<'static>>() -> Result<(), CheckError> {
    check::check::<T>()
}
