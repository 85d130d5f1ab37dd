//! What differs between the formats, and the bytes below them.

use core::mem::take;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::carried::Unwritten;
use super::{DecodeError, MAX_DEPTH};

/// How a format writes integers of two bytes or more and characters. All else follows from these.
///
/// Lengths are `u64`, variant indices `u32`.
pub trait Layout {
    /// How many levels may nest.
    const MAX_DEPTH: usize = MAX_DEPTH;

    fn put_integer<T: Integer>(value: T, output: &mut Output<'_>) -> Result<(), Unwritten>;
    fn take_integer<T: Integer>(input: &mut Input<'_>) -> Result<T, Unread>;
    fn put_char(value: char, output: &mut Output<'_>) -> Result<(), Unwritten>;
    fn take_char(input: &mut Input<'_>) -> Result<char, Unread>;
}

/// An integer of two bytes or more.
pub trait Integer: Serialize + DeserializeOwned {
    fn to_little_endian(self) -> impl AsRef<[u8]>;
    fn take_little_endian(input: &mut Input<'_>) -> Result<Self, Unread>;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Integer for $type {
            #[inline]
            fn to_little_endian(self) -> impl AsRef<[u8]> {
                self.to_le_bytes()
            }

            #[inline]
            fn take_little_endian(input: &mut Input<'_>) -> Result<Self, Unread> {
                Ok(Self::from_le_bytes(input.take()?))
            }
        }
    )*};
}

integers!(u16 u32 u64 u128 i16 i32 i64 i128);

/// The caller's buffer, written from its start.
#[derive(Debug)]
pub struct Output<'a> {
    spare: &'a mut [u8],
    length: usize,
}

impl<'a> Output<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { length: bytes.len(), spare: bytes }
    }

    #[inline]
    pub(crate) fn written(&self) -> usize {
        self.length - self.spare.len()
    }

    /// How many bytes can still be written.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.spare.len()
    }

    /// Writes all of `bytes`; once something did not fit, nothing does.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        if bytes.len() > self.spare.len() {
            // It makes the stores of the fields before this one needless, so that the compiler leaves them out.
            self.spare = &mut [];
            return Err(Unwritten::BufferFull);
        }
        let (place, rest) = take(&mut self.spare).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        self.spare = rest;
        Ok(())
    }

    /// Lets `write` write to the start of what is left and say how much it has written, or that it is too little.
    #[cfg(feature = "postcard")]
    #[inline]
    pub(crate) fn put_with(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<(), Unwritten> {
        let spare = take(&mut self.spare);
        let Some(written) = write(spare) else {
            return Err(Unwritten::BufferFull);
        };
        self.spare = spare.get_mut(written..).unwrap_or_default();
        Ok(())
    }
}

/// A message, read from its start, whose end may not have arrived.
#[derive(Debug)]
pub struct Input<'de> {
    rest: &'de [u8],
    length: usize,
    capacity: usize,
    /// How many bytes the first read lacked that found too few; 0 before.
    wanted: usize,
    had: usize,
    ending: Ending,
    refused: Option<Stop>,
}

/// What the last that was asked for came to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    /// It was there, or more was asked for although something before it was not.
    None,
    /// It has not all arrived.
    Cut,
    /// It has not all arrived, and no bytes that could follow would help.
    Spoilt,
}

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// This many bytes are missing at least.
    RanOut(usize),
    NotSelfDescribing,
    TooDeep,
    ImpossibleLength(u64),
    BeyondCapacity(usize),
}

impl From<Stop> for DecodeError {
    #[inline(always)]
    fn from(reason: Stop) -> Self {
        match reason {
            Stop::RanOut(_) => Self::Incomplete,
            Stop::NotSelfDescribing => Self::NotSelfDescribing,
            Stop::TooDeep => Self::TooDeep,
            Stop::ImpossibleLength(declared) => Self::ImpossibleLength(declared),
            Stop::BeyondCapacity(declared) => Self::BeyondCapacity(declared),
        }
    }
}

/// Why a part could not be read: one byte, since every result on the way of a value has room for it.
#[derive(Clone, Copy, Debug)]
pub enum Unread {
    /// The message has [stopped](Input::stopped).
    Stopped,
    InvalidUtf8,
    InvalidChar,
    #[cfg(feature = "postcard")]
    InvalidVarint,
}

impl From<Unread> for DecodeError {
    fn from(unread: Unread) -> Self {
        match unread {
            // The reason why it has stopped decides in the end.
            Unread::Stopped => Self::Incomplete,
            Unread::InvalidUtf8 => Self::InvalidUtf8,
            Unread::InvalidChar => Self::InvalidChar,
            #[cfg(feature = "postcard")]
            Unread::InvalidVarint => Self::InvalidVarint,
        }
    }
}

impl<'de> Input<'de> {
    /// The bytes of a message that have arrived; the whole message takes at most `capacity`.
    #[inline]
    pub(crate) fn new(message: &'de [u8], capacity: usize) -> Self {
        // No object is larger than `isize::MAX` bytes.
        Self {
            rest: message,
            length: message.len(),
            capacity: capacity.min(isize::MAX as usize),
            wanted: 0,
            had: 0,
            ending: Ending::None,
            refused: None,
        }
    }

    /// Why nothing more can be read: more was asked for than has arrived, or a limit was reached.
    #[inline]
    pub(crate) fn stopped(&self) -> Option<Stop> {
        // Something is refused only while nothing was missing.
        self.refused.or_else(|| (self.wanted != 0).then_some(Stop::RanOut(self.wanted - self.had)))
    }

    /// Whether nothing has been asked for since more was than has arrived.
    #[inline]
    pub(crate) fn ended_in_need(&self) -> bool {
        self.ending != Ending::None
    }

    /// Whether the last that was read is a text or a `char` that has not all arrived and yet is not UTF-8: no bytes that could
    /// follow would help. A type that reads on has swallowed this.
    #[inline]
    pub(crate) fn ended_spoilt(&self) -> bool {
        self.ending == Ending::Spoilt
    }

    /// Notes that more is asked for, where that is answered without reading.
    #[inline]
    pub(crate) fn read_on(&mut self) {
        self.ending = Ending::None;
    }

    /// How many bytes of the message have arrived, those that have been read included.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// How many bytes have been read.
    #[inline]
    pub(crate) fn used(&self) -> usize {
        self.length - self.rest.len()
    }

    /// How many bytes have arrived and not been read.
    #[inline]
    pub(crate) fn arrived(&self) -> usize {
        self.rest.len()
    }

    /// A declared length that has not all arrived, unless it is beyond what the rest of the capacity and `more` can hold.
    ///
    /// Out of line, so that what leads to it is short enough to be inlined.
    #[cold]
    #[inline(never)]
    pub(crate) fn judge_length(&mut self, declared: u64, more: usize) -> Result<usize, Unread> {
        let room = self.capacity.saturating_sub(self.used());
        match usize::try_from(declared) {
            Ok(length) if length <= room.saturating_add(more) => Ok(length),
            // No object is larger than `isize::MAX` bytes.
            Ok(length) if length <= isize::MAX as usize - self.used() => self.refuse(Stop::BeyondCapacity(length)),
            _ => self.refuse(Stop::ImpossibleLength(declared)),
        }
    }

    /// Ends the message here because more was asked for than has arrived, whatever the type makes of it: where the next
    /// field begins is not known.
    ///
    /// `missing` bytes must come before it can be read.
    #[inline]
    pub(crate) fn run_out<T>(&mut self, wanted: usize) -> Result<T, Unread> {
        if self.wanted == 0 {
            self.wanted = wanted;
            self.had = self.rest.len();
            self.ending = Ending::Cut;
        } else {
            self.ending = Ending::None;
        }
        self.rest = &[];
        Err(Unread::Stopped)
    }

    /// Ends the message here because what has just been read is refused, whatever the type makes of it. What has ended it
    /// before stays the reason.
    #[inline]
    pub(crate) fn refuse<T>(&mut self, reason: Stop) -> Result<T, Unread> {
        self.rest = &[];
        if self.wanted == 0 {
            self.refused.get_or_insert(reason);
        }
        Err(Unread::Stopped)
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    pub(crate) fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Unread> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return self.run_out(LENGTH);
        };
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    pub(crate) fn take_byte(&mut self) -> Result<u8, Unread> {
        let [byte] = self.take()?;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn take_bytes(&mut self, length: usize) -> Result<&'de [u8], Unread> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return self.run_out(length);
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn take_text(&mut self, length: usize) -> Result<&'de str, Unread> {
        let Some((text, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.judge_cut_text(length));
        };
        self.rest = rest;
        core::str::from_utf8(text).map_err(|_| Unread::InvalidUtf8)
    }

    /// Why a text that has not all arrived can't be read.
    #[cold]
    #[inline(never)]
    fn judge_cut_text(&mut self, length: usize) -> Unread {
        let spoilt = !may_become_utf8(self.rest, length);
        let _ = self.run_out::<()>(length);
        if !spoilt {
            return Unread::Stopped;
        }
        self.ending = Ending::Spoilt;
        Unread::InvalidUtf8
    }

    /// Skips bytes that have arrived.
    #[cfg(feature = "postcard")]
    pub(crate) fn skip(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }

    /// Lets `read` read from the start of what has arrived and say what is left.
    #[cfg(feature = "postcard")]
    pub(crate) fn take_with<T, E>(
        &mut self,
        read: impl FnOnce(&'de [u8]) -> Result<(T, &'de [u8]), E>,
    ) -> Result<T, E> {
        let (value, rest) = read(self.rest)?;
        self.rest = rest;
        Ok(value)
    }
}

/// Whether `start`, the first bytes of a text of `length` bytes that has not all arrived, can still become UTF-8.
fn may_become_utf8(start: &[u8], length: usize) -> bool {
    let Err(error) = core::str::from_utf8(start) else {
        return true;
    };
    // The last character is cut off: it must be able to end within the text.
    error.error_len().is_none()
        && start.get(error.valid_up_to()).is_some_and(|first| {
            let width = first.leading_ones() as usize;
            length - error.valid_up_to() >= width
        })
}

#[cfg(test)]
mod tests {
    use super::may_become_utf8;

    #[test]
    fn cut_text_is_judged_by_what_can_follow() {
        assert!(may_become_utf8(b"", 1));
        assert!(may_become_utf8(b"ab", 3));
        assert!(may_become_utf8(b"a\xe2\x82", 4)); // the euro sign, one byte to come
        assert!(!may_become_utf8(b"a\xe2", 3)); // three bytes of room for a fourth
        assert!(!may_become_utf8(b"\xff", 4));
        assert!(!may_become_utf8(b"\xe2\x41", 4));
    }
}
