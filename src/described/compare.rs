//! What is known of two versions before the first value goes from one to the other.

use core::fmt;

use serde::de::DeserializeOwned;

use super::de;
use super::error::{DecodeError, Explained, Halt, Reason};
use crate::codec::Bincode;
use crate::codec::layout::{Layout, Output};
use crate::layout::{self, Change, Description, Kind, LayoutError, Node};

/// Why no value of another program's type can be read as a `T`, whatever it is; nothing if some can.
///
/// It is for the time before the first command, whose response could not be read after it was executed. Values of the form are
/// made up in `scratch` and read as a `T`: one for each variant, with and without the parts that are optional. So
/// `#[serde(default)]`, `alias` and `other` count. It errs on the side of reading: where a made-up value does not fit `scratch`,
/// or `T` refuses it for what it is, another may be taken.
///
/// ```
/// use ipc_server::described;
/// use ipc_server::layout::{self, Description};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct New { level: u8 }
/// #[derive(Deserialize)]
/// struct Old { level: u16, unit: char }
///
/// let mut bytes = [0; 64];
/// let length = layout::describe::<New>(0, &mut bytes)?;
/// let form = Description::validate(&mut bytes[..length])?.root();
///
/// let error = described::unreadable::<Old>(form, &mut [0; 64]).ok_or("there is no unit")?;
/// assert_eq!(error.to_string(), "the type refused the value: missing field `unit`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn unreadable<T: DeserializeOwned>(form: Node<'_>, scratch: &mut [u8]) -> Option<DecodeError> {
    let mut first = None;
    for choice in 0..choices(form) {
        for has_options in [true, false] {
            let mut output = Output::new(scratch);
            let sample = Sample { choice, has_options };
            if sample.write(form, &mut output, 0).is_err() {
                continue;
            }
            let length = output.written();
            let bytes = scratch.get(..length).unwrap_or_default();
            let error = never::<T>(bytes, form)?;
            first.get_or_insert(error);
        }
    }
    first
}

/// Why a value is refused, if it is for its form.
fn never<T: DeserializeOwned>(bytes: &[u8], form: Node<'_>) -> Option<DecodeError> {
    match de::attempt::<Bincode, T, Explained>(bytes, form, Some(layout::apart::<T>)) {
        // A list of another length may do.
        Err((Some(DecodeError::Refused(refusal)), _))
            if refusal.reason() == Reason::Count && matches!(refusal.form(form).kind(), Kind::Sequence(_)) =>
        {
            None
        }
        Err((Some(error @ DecodeError::Refused(_)), _)) => Some(error),
        Err((None, Some(Explained { error, is_form: true }))) => Some(de::custom(error)),
        _ => None,
    }
}

/// How many values have each variant of every enum within the first few levels: as many as the largest of them has.
fn choices(form: Node<'_>) -> usize {
    most_variants(form, 4).clamp(1, 256)
}

fn most_variants(form: Node<'_>, levels: usize) -> usize {
    let Some(levels) = levels.checked_sub(1) else { return 1 };
    match form.kind() {
        Kind::Option(inner) => most_variants(inner, levels),
        Kind::Tuple(elements) => elements.take(64).map(|element| most_variants(element, levels)).max().unwrap_or(1),
        Kind::Struct(fields) => fields.take(64).map(|(_, field)| most_variants(field, levels)).max().unwrap_or(1),
        Kind::Enum(variants) => {
            let within = variants.take(64).map(|variant| most_variants(variant.form(), levels)).max().unwrap_or(1);
            variants.count().max(within)
        }
        _ => 1,
    }
}

/// A value of any form, in bincode.
struct Sample {
    /// Which variant of each enum, counted around.
    choice: usize,
    has_options: bool,
}

/// How deep a sample goes.
const LEVELS: usize = 32;

impl Sample {
    fn write(&self, form: Node<'_>, output: &mut Output<'_>, level: usize) -> Result<(), Halt> {
        if level > LEVELS {
            return Err(Halt);
        }
        let level = level + 1;
        let put = |output: &mut Output<'_>, bytes: &[u8]| output.put(bytes).map_err(|_| Halt);
        let one = u128::from(1_u8).to_le_bytes();
        match form.kind() {
            Kind::Unit => Ok(()),
            Kind::Bool => put(output, &[0]),
            Kind::Signed(bits) | Kind::Unsigned(bits) => {
                put(output, one.get(..usize::from(bits / 8)).unwrap_or_default())
            }
            Kind::Float(32) => put(output, &1.0_f32.to_le_bytes()),
            Kind::Float(_) => put(output, &1.0_f64.to_le_bytes()),
            Kind::Char => put(output, b"a"),
            Kind::String => put(output, b"\x01\0\0\0\0\0\0\0a"),
            Kind::Option(inner) if self.has_options && level < LEVELS / 2 => {
                put(output, &[1])?;
                self.write(inner, output, level)
            }
            Kind::Option(_) => put(output, &[0]),
            Kind::Sequence(_) | Kind::Map(..) => put(output, &[0; 8]),
            Kind::Tuple(mut elements) => elements.try_for_each(|element| self.write(element, output, level)),
            Kind::Struct(mut fields) => fields.try_for_each(|(_, field)| self.write(field, output, level)),
            Kind::Enum(mut variants) => {
                let index = self.choice.checked_rem(variants.count()).ok_or(Halt)?;
                let variant = variants.nth(index).ok_or(Halt)?;
                Bincode::put_integer(variant.index(), output).map_err(|_| Halt)?;
                self.write(variant.form(), output, level)
            }
            Kind::Opaque => Err(Halt),
        }
    }
}

/// Why two versions can't be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompareError {
    /// The program's own type has no layout. The type is at fault.
    Layout(LayoutError),
    /// The buffer is too small for the description of the program's own type, which takes this many bytes.
    TooSmall(usize),
}

impl fmt::Display for CompareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(_) => f.write_str("the type has no layout"),
            Self::TooSmall(length) => write!(f, "the description of the type takes {length} bytes"),
        }
    }
}

impl core::error::Error for CompareError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Layout(error) => Some(error),
            Self::TooSmall(_) => None,
        }
    }
}

/// Calls `each` with every difference between `T` and another program's type.
///
/// `T` counts as the old one: [`Change::command`] says what becomes of its values in the other's form, [`Change::response`]
/// what becomes of the other's values when they are read as a `T`. A variant that was *removed* is one that the other program
/// does not know. `scratch` holds the description of `T`.
///
/// # Errors
///
/// Any [`CompareError`].
pub fn differences<'d, T: DeserializeOwned>(
    form: Description<'d>,
    scratch: &'d mut [u8],
    each: &mut dyn FnMut(Change<'d>),
) -> Result<(), CompareError> {
    let length = layout::describe::<T>(0, scratch).map_err(CompareError::Layout)?;
    if length == scratch.len() {
        let whole = whole_length::<T>(length).map_err(CompareError::Layout)?;
        if whole > length {
            return Err(CompareError::TooSmall(whole));
        }
    }
    let own = scratch.get_mut(..length).unwrap_or_default();
    let own = Description::validate(own).map_err(|_| CompareError::TooSmall(length))?;
    layout::changes(own, form, each);
    Ok(())
}

/// How long the description of `T` is, of which `known` bytes are written.
fn whole_length<T: DeserializeOwned>(mut known: usize) -> Result<usize, LayoutError> {
    let mut part = [0; 64];
    loop {
        let written = layout::describe::<T>(known, &mut part)?;
        known += written;
        if written < part.len() {
            return Ok(known);
        }
    }
}
