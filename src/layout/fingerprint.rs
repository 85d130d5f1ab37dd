//! A layout in eight bytes.

use core::fmt;

/// A layout in eight bytes: equal where two programs mean the same by the same bytes.
///
/// It is FNV-1a of the codec's name and the description, without the names of types. It guards against mistakes, such as
/// an old client that asks a new daemon. It does not guard against a peer that searches for a collision on purpose.
///
/// ```
/// use ipc_server::layout;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// enum Old { GetLevel, SetLevel(u8) }
/// #[derive(Deserialize)]
/// enum New { GetLevel, SetLevel(i8) }
///
/// assert_ne!(layout::fingerprint::<Old>("bincode")?, layout::fingerprint::<New>("bincode")?);
/// # Ok::<(), layout::LayoutError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// A fingerprint that was received.
    #[must_use]
    pub const fn from_u64(fingerprint: u64) -> Self {
        Self(fingerprint)
    }

    /// The number to send.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// Of nothing.
    pub(super) const NONE: Self = Self(0xcbf2_9ce4_8422_2325);

    /// Of a type that `codec` writes, whose root with all that it refers to has the fingerprint `root`.
    pub(super) fn of_type(codec: &str, root: u64) -> Self {
        let mut fingerprint = Self::NONE;
        fingerprint.add_number(codec.len());
        fingerprint.add(codec.as_bytes());
        fingerprint.add(&root.to_le_bytes());
        fingerprint
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn add_number(&mut self, number: usize) {
        let (bytes, length) = leb128(number);
        self.add(bytes.get(..length).unwrap_or_default());
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// `number` as LEB128, and how many of the bytes it takes.
pub(super) fn leb128(number: usize) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut rest = number;
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            return (bytes, index + 1);
        }
        *byte |= 0x80;
    }
    (bytes, bytes.len())
}

/// How far references are followed from the root: as far as there are definitions.
pub(super) const ROUNDS: usize = super::MAX_DEFINITIONS;

/// A definition's own fingerprint, to which those of the definitions that it refers to are added one by one.
///
/// So it matters what a definition is, not which number it has. Builds differ in the latter: some merge types that are
/// visited by the same code.
pub(super) const fn with_reference(fingerprint: u64, reference: u64) -> u64 {
    (fingerprint.rotate_left(5) ^ reference).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
