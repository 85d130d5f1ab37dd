//! The form of a type on the wire, from its `Deserialize` alone.
//!
//! A bare message says nothing of itself. So two programs that were built from different versions of a type misread each
//! other. This module finds out what a type looks like on the wire: no derive, no version number, nothing to add to the type.
//!
//! | function | what it gives | for whom |
//! |---|---|---|
//! | [`fingerprint`] | eight bytes, equal where two programs mean the same by the same bytes | the programs |
//! | [`describe`] | the whole layout as bytes, in parts as small as you like | the other program |
//! | [`Description::validate`] | those bytes, checked, to be walked by name | the other program |
//! | [`text`] | Rust-like text, one line for each struct and enum | the author, in review |
//! | [`snapshot`] | what changed since that text, and whom it concerns | the author, in a test |
//! | [`check`] | whether the type is written as it is read | the author, in a test |
//!
//! ```
//! use ipc_server::layout;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! enum Command {
//!     GetLevel,
//!     SetLevel(u8),
//!     Limit { rate: u32, burst: u32 },
//! }
//!
//! let text = layout::text::<Command>()?.to_string();
//! assert_eq!(text, "enum Command { GetLevel, SetLevel(u8), Limit { rate: u32, burst: u32 } }");
//! # Ok::<(), layout::LayoutError>(())
//! ```
//!
//! # What makes a layout
//!
//! The names of fields and variants count, and their order. The names of types do not. One form on the wire is one layout:
//! `String`, `&str` and `heapless::String`; `usize` and `u64`; every map; every list, and bytes as a list of `u8`;
//! newtypes and what they hold.
//!
//! # How it is found
//!
//! The type is deserialized several times, once for each struct and each variant, from sample values. Each run notes what the type
//! asks for. It uses no heap, ends in at most [`MAX_STEPS`] steps, and gives the same answer on every target.
//!
//! | types | |
//! |---|---|
//! | integers, floats, `bool`, `char`, text, bytes, `()`, tuples, arrays, `Option`, lists, sets, maps | traced |
//! | structs and enums with serde's derive, generic, nested, recursive, borrowed; newtypes, `Box`, `Cow`, atomics | traced |
//! | `rename`, `alias`, `other`, `skip`, `skip_deserializing`, `default`, `transparent`, `with`, `remote`, `from` | traced |
//! | `Result`, `Range`, `Bound`, `Duration`, `SystemTime`, `IpAddr`, `SocketAddr`, `Wrapping`, `PathBuf`, heapless types | traced |
//! | `NonZero`, `try_from`, `uuid::Uuid`, `url::Url`, `semver::Version`, chrono's dates and times, and others that refuse some values | traced with samples |
//! | a type that refuses every sample, such as a magic number | opaque, unless its author gives a [`SAMPLE`] |
//! | `OsString` | traced; the variant of other systems is opaque |
//! | enums without variants; `untagged`, `tag`, `flatten`, `serde_json::Value`, which bincode cannot read either | opaque |
//! | a `Deserialize` by hand that breaks serde's rules | as far as it can be seen; the rest is opaque |
//!
//! Opaque parts are marked as such in the description and in the text, and count in the fingerprint. What follows an opaque
//! field cannot be seen, so it is opaque too, up to the end of the struct or variant. An option or a list ends that as well.
//!
//! A `Deserialize` that panics on a sample panics out of these functions: without std nobody can catch it. It would panic on
//! what a peer sends, too. One that loops whatever it is told has no end here either.
//!
//! # What it costs
//!
//! A run for each struct and each variant, and a few for aliases and samples. A command of eight variants with five other
//! structs and enums takes 19 runs, some 5 microseconds, and 3.3 KiB of stack in an optimized build: 1.2 KiB for what the
//! trace must know of at most eight definitions (5.4 KiB for more of them), and a few hundred bytes for each level of the type,
//! most of them of serde's own visitors. An enum of 25 enums of twelve variants each takes 335 runs, twenty structs within
//! each other take 31.
//!
//! In a daemon that is built for size, the fingerprint of its command adds 13 KB of code, of which 11 KB are there once for
//! all types. A program that does not ask for a layout has none of it.
//!
//! # Limits
//!
//! [`MAX_DEFINITIONS`] structs and enums, [`MAX_DEPTH`] levels, [`MAX_STEPS`] values. What exceeds them is a [`LayoutError`],
//! never a layout that is shorter than the type.

mod apart;
mod changes;
mod check;
mod description;
mod echo;
mod error;
mod fingerprint;
mod format;
mod output;
mod parse;
mod parts;
mod recompute;
mod snapshot;
mod text;
mod trace;
mod validate;
mod walk;

pub(crate) use self::apart::apart;
pub use self::changes::{Change, Effect, changes};
pub use self::check::CheckError;
pub use self::description::{Description, Kind, Node};
pub use self::error::LayoutError;
pub use self::fingerprint::Fingerprint;
pub use self::parts::{Fields, Names, Tuple, Variant, Variants};
pub use self::snapshot::SnapshotError;
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
/// `codec` is any name on which both programs agree, such as `"bincode"`: the same type has another form in another codec.
///
/// # Errors
///
/// Any [`LayoutError`]. The type is at fault, whatever is sent.
pub fn fingerprint<T: Deserialize<'static>>(codec: &str) -> Result<Fingerprint, LayoutError> {
    trace::trace::<T>(codec, 0, &mut []).map(|traced| traced.fingerprint)
}

/// Writes the description of `T` from its byte `skip` on to `into`, and returns how many bytes were written.
///
/// That is all of `into`, or less if the description ends. So one of any length goes through a small buffer:
///
/// ```
/// use ipc_server::layout;
///
/// let (mut sent, mut buffer) = (Vec::new(), [0; 8]);
/// loop {
///     let written = layout::describe::<Option<Vec<(u8, String)>>>(sent.len(), &mut buffer)?;
///     sent.extend_from_slice(&buffer[..written]);
///     if written < buffer.len() {
///         break;
///     }
/// }
/// let description = layout::Description::validate(&mut sent)?;
/// assert_eq!(description.to_string(), "Option<[(u8, String)]>");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The type is traced again for each part.
///
/// # Errors
///
/// Any [`LayoutError`].
pub fn describe<T: Deserialize<'static>>(skip: usize, into: &mut [u8]) -> Result<usize, LayoutError> {
    trace::trace::<T>("", skip, into).map(|traced| traced.written)
}

/// The layout of `T` as Rust-like text, one line for each struct and enum, in the order in which they are first named.
///
/// Where two types have one name, the second has `#2` behind it. `A | B` are names of one variant or field, `opaque` is what
/// could not be found out.
///
/// # Errors
///
/// Any [`LayoutError`].
pub fn text<T: Deserialize<'static>>() -> Result<Text<T>, LayoutError> {
    Text::new()
}

/// Checks that values of `T` are written in the form in which they are read.
///
/// A layout comes from `Deserialize`, and responses are written by `Serialize`. Where the two disagree, a type misreads itself,
/// even between two programs of one version. This makes values of every variant, with `Some` and `None`, with full and empty
/// lists, and compares what `Serialize` makes of them. It is for a test:
///
/// ```
/// use ipc_server::layout::{self, CheckError};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Command {
///     Get,
///     #[serde(skip)]
///     Internal,
///     Set(u8),
/// }
///
/// assert_eq!(
///     layout::check::<Command>(),
///     Err(CheckError::Variant { of: "Command", name: "Set", index: 2 }),
///     "it is read as variant 1"
/// );
/// ```
///
/// # Errors
///
/// Any [`CheckError`].
pub fn check<T: Serialize + Deserialize<'static>>() -> Result<(), CheckError> {
    check::check::<T>()
}

/// Compares the layout of `T` with the text that its author keeps, so that a change of the wire is seen in review.
///
/// It is for a test. When the layout has changed, the error lists each change, says what becomes of programs with the old
/// layout, and gives the text to store:
///
/// ```
/// # use ipc_server::layout;
/// # use serde::Deserialize;
/// # #[derive(Deserialize)]
/// # enum Command { GetLevel, SetLevel(u16) }
/// // In a test: layout::snapshot::<Command>(include_str!("command.layout")).unwrap();
/// let error = layout::snapshot::<Command>("enum Command { GetLevel, SetLevel(u8) }").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the layout is not the stored one:\n\
///      - Command::SetLevel: the number got wider. Old programs' commands: understood; \
///      responses to them: some values are refused\n\
///      If that is meant, store this:\n\
///      enum Command { GetLevel, SetLevel(u16) }"
/// );
/// ```
///
/// What becomes of old programs holds where both sides speak sessions, which carry values over by name. Names of types, and
/// white space at the text's end, may differ in the file without any effect on the wire; the test tells of the former.
///
/// # Errors
///
/// [`SnapshotError`] if the two differ, or if `T` has no layout.
pub fn snapshot<T: Deserialize<'static>>(stored: &str) -> Result<(), SnapshotError<'_, T>> {
    snapshot::snapshot(stored)
}
