//! From bytes that were received to a description that can be relied on.

use core::fmt;

use super::format::{END, MAP, OPTION, REFERENCE, SEQUENCE, SLOT, STRUCT, TUPLE, VARIANT, VERSION};
use super::walk::{Head, MAX_NESTING, Walk};

/// How many definitions a description may have that was received: 64.
pub const MAX_RECEIVED_DEFINITIONS: usize = 64;

/// Of how many values, at most, one value may be made before a list, map, option or enum: 1,048,576.
///
/// Nothing on the wire backs a tuple of a million units, or thirty structs each of which holds the next one twice.
pub const MAX_VALUES: u32 = 1 << 20;

/// Why bytes are no description. The fault lies with whoever sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DescriptionError {
    /// It is of another version of this format.
    Version(u8),
    /// It is longer than 65,535 bytes.
    TooLong,
    /// At this byte, what is there is not what can be there, or it nests too deep, or the description ends.
    Malformed(usize),
    /// At this byte, a name is not UTF-8.
    InvalidName(usize),
    /// It has more than [`MAX_RECEIVED_DEFINITIONS`] definitions.
    TooManyDefinitions,
    /// It names a definition that it does not have.
    UnknownDefinition(usize),
    /// A value would contain itself, or consist of more than [`MAX_VALUES`] values.
    Endless,
}

impl fmt::Display for DescriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "it is of version {version}, this program knows {VERSION}"),
            Self::TooLong => f.write_str("it is longer than 65535 bytes"),
            Self::Malformed(at) => write!(f, "byte {at} is not what can be there"),
            Self::InvalidName(at) => write!(f, "the name at byte {at} is not UTF-8"),
            Self::TooManyDefinitions => write!(f, "it has more than {MAX_RECEIVED_DEFINITIONS} definitions"),
            Self::UnknownDefinition(number) => write!(f, "it has no definition {number}"),
            Self::Endless => f.write_str("a value of it would have no end"),
        }
    }
}

impl core::error::Error for DescriptionError {}

/// Checks all of `bytes`, and fills in what its sender could not know.
pub(super) fn validate(bytes: &mut [u8]) -> Result<(), DescriptionError> {
    if bytes.len() > usize::from(u16::MAX) {
        return Err(DescriptionError::TooLong);
    }
    match bytes.first() {
        Some(&VERSION) => {}
        Some(&version) => return Err(DescriptionError::Version(version)),
        None => return Err(DescriptionError::Malformed(0)),
    }
    let count = Filler { bytes }.definitions()?;
    Weigher { walk: Walk { source: &*bytes }, weights: [0; MAX_RECEIVED_DEFINITIONS], count }.all()
}

/// Goes over the description once, from the front, and fills in lengths.
struct Filler<'b> {
    bytes: &'b mut [u8],
}

impl Filler<'_> {
    fn walk(&self) -> Walk<'_, [u8]> {
        Walk { source: self.bytes }
    }

    fn definitions(&mut self) -> Result<usize, DescriptionError> {
        let mut at = self.walk().definitions().ok_or(DescriptionError::Malformed(1))?;
        let mut count = 0;
        while !self.walk().is(at, END) {
            count += 1;
            if count > MAX_RECEIVED_DEFINITIONS {
                return Err(DescriptionError::TooManyDefinitions);
            }
            at = self.definition(at)?;
        }
        if at + 1 == self.bytes.len() { Ok(count) } else { Err(DescriptionError::Malformed(at + 1)) }
    }

    fn definition(&mut self, at: usize) -> Result<usize, DescriptionError> {
        let malformed = DescriptionError::Malformed(at);
        let head = self.walk().head(at).ok_or(malformed)?;
        self.check_name(head.name.at, head.name.length)?;
        self.fill(head.slots, 0)?;
        self.fill(head.slots + SLOT, 0)?;
        if head.is_enum {
            self.variants(head)?;
        }
        let names = if head.is_enum {
            self.walk().names_of_variants(head.content)
        } else {
            self.walk().names_of_fields(head.content)
        };
        let (names, count) = names.ok_or(malformed)?;
        let end = self.names(names, count)?;
        let end = self.walk().skip_mark(end);
        self.fill(head.slots, end - at)?;
        self.fill(head.slots + SLOT, names - at)?;
        Ok(end)
    }

    fn variants(&mut self, head: Head) -> Result<(), DescriptionError> {
        let mut at = head.content;
        while self.walk().is(at, VARIANT) {
            self.fill(at + 1, 0)?;
            let content = at + 1 + SLOT;
            if self.walk().is(content, STRUCT) {
                let fields = self.walk().names_of_fields(content + 1);
                let (names, count) = fields.ok_or(DescriptionError::Malformed(content))?;
                self.names(names, count)?;
            }
            let end = self.walk().skip_variant(at).ok_or(DescriptionError::Malformed(content))?;
            self.fill(at + 1, end - at)?;
            at = end;
        }
        Ok(())
    }

    /// Checks the names of `count` fields or variants, and returns where they end.
    fn names(&self, mut at: usize, count: usize) -> Result<usize, DescriptionError> {
        for _ in 0..count {
            loop {
                let name = self.walk().name(at).ok_or(DescriptionError::Malformed(at))?;
                self.check_name(name.at, name.length)?;
                at = name.next;
                if !name.more {
                    break;
                }
            }
        }
        Ok(at)
    }

    fn check_name(&self, at: usize, length: usize) -> Result<(), DescriptionError> {
        let name = self.bytes.get(at..at + length).ok_or(DescriptionError::Malformed(at))?;
        core::str::from_utf8(name).map(|_| ()).map_err(|_| DescriptionError::InvalidName(at))
    }

    fn fill(&mut self, at: usize, number: usize) -> Result<(), DescriptionError> {
        let slot = self.bytes.get_mut(at..at + SLOT).ok_or(DescriptionError::Malformed(at))?;
        slot.copy_from_slice(&(number as u16).to_le_bytes());
        Ok(())
    }
}

/// Finds out of how many values each definition is made, so that none contains itself.
struct Weigher<'b> {
    walk: Walk<'b, [u8]>,
    /// 0 while it is not known.
    weights: [u32; MAX_RECEIVED_DEFINITIONS],
    count: usize,
}

impl Weigher<'_> {
    fn all(&mut self) -> Result<(), DescriptionError> {
        let malformed = DescriptionError::Malformed(1);
        // Of an enum the index is on the wire, so whatever follows is backed by a byte.
        let mut at = self.walk.definitions().ok_or(malformed)?;
        for index in 0..self.count {
            let head = self.walk.head(at).ok_or(malformed)?;
            if let (true, Some(weight)) = (head.is_enum, self.weights.get_mut(index)) {
                *weight = 1;
            }
            at = self.walk.skip_definition(at).ok_or(malformed)?;
        }
        // Each turn finds one more at least.
        for _ in 0..self.count {
            if self.turn()? {
                break;
            }
        }
        if !self.turn()? {
            return Err(DescriptionError::Endless);
        }
        self.node(1, MAX_NESTING).map(|_| ())
    }

    /// Weighs every definition, and says whether all are known.
    fn turn(&mut self) -> Result<bool, DescriptionError> {
        let mut at = self.walk.definitions().ok_or(DescriptionError::Malformed(1))?;
        let mut is_known = true;
        for index in 0..self.count {
            let head = self.walk.head(at).ok_or(DescriptionError::Malformed(at))?;
            if head.is_enum {
                let mut variant = head.content;
                while self.walk.is(variant, VARIANT) {
                    let content = variant + 1 + SLOT;
                    if self.walk.is(content, STRUCT) {
                        self.fields(content + 1)?;
                    } else {
                        self.node(content, MAX_NESTING)?;
                    }
                    variant = self.walk.skip_variant(variant).ok_or(DescriptionError::Malformed(variant))?;
                }
            } else {
                let weight = self.fields(head.content)?;
                is_known &= weight.is_some();
                if let (Some(place), Some(weight)) = (self.weights.get_mut(index), weight) {
                    *place = weight;
                }
            }
            at = self.walk.skip_definition(at).ok_or(DescriptionError::Malformed(at))?;
        }
        Ok(is_known)
    }

    fn fields(&self, mut at: usize) -> Result<Option<u32>, DescriptionError> {
        let mut sum = Some(1);
        while !self.walk.is(at, END) {
            sum = add(sum, self.node(at, MAX_NESTING)?, 1)?;
            at = self.walk.skip_node(at, MAX_NESTING).ok_or(DescriptionError::Malformed(at))?;
        }
        Ok(sum)
    }

    /// How many values there are before one that is backed by a byte; `None` if that is not known yet.
    fn node(&self, at: usize, depth: usize) -> Result<Option<u32>, DescriptionError> {
        let malformed = DescriptionError::Malformed(at);
        let depth = depth.checked_sub(1).ok_or(malformed)?;
        match self.walk.byte(at).ok_or(malformed)? {
            OPTION | SEQUENCE => self.node(at + 1, depth).map(|_| Some(1)),
            MAP => {
                self.node(at + 1, depth)?;
                let value = self.walk.skip_node(at + 1, depth).ok_or(malformed)?;
                self.node(value, depth).map(|_| Some(1))
            }
            TUPLE => {
                let mut sum = Some(1);
                let mut at = at + 1;
                while !self.walk.is(at, END) {
                    let (count, node) = self.walk.repeat(at).ok_or(malformed)?;
                    sum = add(sum, self.node(node, depth)?, count as u32)?;
                    at = self.walk.skip_node(node, depth).ok_or(malformed)?;
                }
                Ok(sum)
            }
            REFERENCE => {
                let (number, _) = self.walk.number(at + 1).ok_or(malformed)?;
                let index = number.checked_sub(1).filter(|&index| index < self.count);
                let index = index.ok_or(DescriptionError::UnknownDefinition(number))?;
                Ok(self.weights.get(index).copied().filter(|&weight| weight > 0))
            }
            _ => Ok(Some(1)),
        }
    }
}

fn add(sum: Option<u32>, each: Option<u32>, count: u32) -> Result<Option<u32>, DescriptionError> {
    let (Some(sum), Some(each)) = (sum, each) else { return Ok(None) };
    match sum.saturating_add(each.saturating_mul(count)) {
        sum if sum <= MAX_VALUES => Ok(Some(sum)),
        _ => Err(DescriptionError::Endless),
    }
}
