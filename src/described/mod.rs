//! Values between programs of different versions, by name.
//!
//! Two programs of one version write values by position, as their codec does. Where the versions differ, the one that
//! has the other's [`Description`](crate::layout::Description) writes its values in the other's form, and reads the other's values: fields and
//! variants are found by their names. What can't be carried over is refused, and never becomes another value.
//!
//! ```
//! use ipc_server::codec::{Bincode, Codec};
//! use ipc_server::described;
//! use ipc_server::layout::{self, Description};
//! use serde::{Deserialize, Serialize};
//!
//! mod old {
//!     # use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize)]
//!     pub enum Command { GetLevel, Limit { rate: u32, burst: u8 } }
//! }
//! mod new {
//!     # use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize, Debug, PartialEq)]
//!     pub enum Command { Shutdown, Limit { burst: u32, note: Option<String>, rate: u32 }, GetLevel }
//! }
//!
//! // The new daemon has sent its description.
//! let mut bytes = [0; 128];
//! let length = layout::describe::<new::Command>(0, &mut bytes)?;
//! let form = Description::validate(&mut bytes[..length])?.root();
//!
//! // The old client writes in the daemon's form.
//! let mut message = [0; 64];
//! let limit = old::Command::Limit { rate: 100, burst: 1 };
//! let length = described::encode::<Bincode, _>(&limit, form, &mut message)?;
//!
//! let (command, _) = Bincode::decode::<new::Command>(&message[..length])?;
//! assert_eq!(command, new::Command::Limit { burst: 1, note: None, rate: 100 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is carried over
//!
//! | the writer's | the reader's | |
//! |---|---|---|
//! | field | of the same name, wherever it stands | by name |
//! | field | none | refused when writing, unless it is `None`; skipped when reading |
//! | no field | `Option` | `None` |
//! | no field | any other | refused when writing; when reading, the type decides: `#[serde(default)]` works |
//! | `T` | `Option<T>` | `Some` |
//! | `Option<T>` | `T` | the value of `Some`; `None` is refused |
//! | integer | integer | if the value fits, whatever their widths and signs |
//! | `f64` | `f32` | if it is exact; `f32` to `f64` always is |
//! | tuple, tuple variant | tuple, array | by position, if there are as many elements |
//! | unit variant | struct variant, and back | where the fields may be `None` |
//! | variant | of the same name, wherever it stands | by name |
//! | variant | none | refused when writing; when reading, the type decides: `#[serde(other)]` works |
//! | bytes, a list, an array | bytes, a list, an array | element by element |
//! | newtype of a tuple | tuple variant, and back | they are one form |
//! | tuple | struct | refused, and all other kinds |
//!
//! An integer never becomes a float, and no text a number.

mod compare;
mod de;
mod error;
mod ser;
mod skip;

pub use self::compare::{CompareError, differences, unreadable};
pub use self::error::{DecodeError, EncodeError, Reason, Refusal};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::layout::Layout;
use crate::codec::{Bincode, Codec, Deep};
use crate::layout::Node;

/// A codec whose values can be written and read by name: those of this crate.
pub trait Format: Codec + Layout {}

impl Format for Bincode {}
#[cfg(feature = "postcard")]
impl Format for crate::codec::Postcard {}
impl<const LEVELS: usize> Format for Deep<Bincode, LEVELS> {}
#[cfg(feature = "postcard")]
impl<const LEVELS: usize> Format for Deep<crate::codec::Postcard, LEVELS> {}

/// Whether a type knows two names as those of two things, and not of one.
///
/// Of an enum, or of a struct: which it is, what it is called, and the two names.
type Apart = fn(bool, &str, &str, &str) -> bool;

/// Encodes `value` in the form of another program's type, at the start of `into`, and returns the number of bytes written.
///
/// The other program reads them as it reads what `K` encodes. The bytes of `into` after an error are unspecified, and must
/// not be sent.
///
/// Where the other program has several names for one thing, `T` is traced to find out whether it has several things of
/// these names. That takes some ten microseconds.
///
/// # Errors
///
/// [`EncodeError::Refused`] if the two versions differ in a way that the value can't be carried over. Neither program is at
/// fault. The others are those of [`Codec::encode`].
pub fn encode<K: Format, T: Serialize + DeserializeOwned>(
    value: &T,
    form: Node<'_>,
    into: &mut [u8],
) -> Result<usize, EncodeError> {
    ser::encode::<K, T>(value, form, into, Some(crate::layout::apart::<T>))
}

/// Like [`encode`], for a value that has no type of its own, such as a `serde_json::Value`, or one that can't be deserialized.
///
/// Names are the other program's, so none of its aliases is taken for anything else. Beside what a typed value can be:
///
/// | the value | the form | |
/// |---|---|---|
/// | map with text as keys | struct | by name |
/// | map of one entry | enum | the variant that the key names |
/// | text | enum | the variant that it names, which carries nothing |
/// | text of one character | `char` | |
/// | list | tuple, tuple variant | by position |
/// | unit | `Option` | `None` |
///
/// ```
/// use ipc_server::codec::{Bincode, Codec};
/// use ipc_server::described;
/// use ipc_server::layout::{self, Description};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Debug, PartialEq)]
/// enum Command { Stop, Limit { rate: u32, burst: Option<u32> } }
///
/// let mut bytes = [0; 128];
/// let length = layout::describe::<Command>(0, &mut bytes)?;
/// let form = Description::validate(&mut bytes[..length])?.root();
///
/// let mut message = [0; 64];
/// let value = serde_json::json!({ "Limit": { "rate": 100 } });
/// let length = described::encode_value::<Bincode, _>(&value, form, &mut message)?;
/// assert_eq!(Bincode::decode(&message[..length])?, (Command::Limit { rate: 100, burst: None }, length));
///
/// let value = serde_json::json!("Start");
/// let Err(described::EncodeError::Refused(refusal)) = described::encode_value::<Bincode, _>(&value, form, &mut message)
/// else { unreachable!("there is no such variant") };
/// assert_eq!(
///     refusal.with(form).to_string(),
///     "Start: it has no such variant; the other program knows Stop, Limit { rate: u32, burst: Option<u32> }"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`encode`].
pub fn encode_value<K: Format, T: Serialize + ?Sized>(
    value: &T,
    form: Node<'_>,
    into: &mut [u8],
) -> Result<usize, EncodeError> {
    ser::encode::<K, T>(value, form, into, None)
}

/// Decodes a value of another program's type, all of `bytes`, as a `T`.
///
/// serde's rules apply: fields that `T` does not know are skipped, `#[serde(default)]`, `alias`, `other` and `Option` work.
///
/// # Errors
///
/// Any [`DecodeError`].
pub fn decode<K: Format, T: DeserializeOwned>(bytes: &[u8], form: Node<'_>) -> Result<T, DecodeError> {
    de::decode::<K, T>(bytes, form, Some(crate::layout::apart::<T>))
}

/// Like [`decode`], for a type that borrows from `bytes`, and for one without a form of its own, such as `serde_json::Value`.
///
/// Where the other program has several names for one thing, and `T` has more than one of them, it is not known whether they
/// are several things to `T`. That is refused.
///
/// # Errors
///
/// Any [`DecodeError`].
pub fn decode_value<'de, K: Format, T: Deserialize<'de>>(bytes: &'de [u8], form: Node<'_>) -> Result<T, DecodeError> {
    de::decode::<K, T>(bytes, form, None)
}

/// `value` as an `f32`, if that is the same number.
fn exactly(value: f64) -> Option<f32> {
    let narrow = value as f32;
    (f64::from(narrow) == value || value.is_nan()).then_some(narrow)
}
