//! What was written so far, and the first error.

use core::fmt;

use super::super::Apart;
use super::super::error::{EncodeError, Halt, Name, Reason, Refusal};
use crate::codec::MAX_ZERO_SIZED;
use crate::codec::carried::Unwritten;
use crate::codec::layout::{Integer, Layout, Output};
use crate::layout::Node;

/// What all levels share.
pub(super) struct Message<'a> {
    pub(super) into: &'a mut [u8],
    pub(super) written: usize,
    pub(super) zero_sized: usize,
    /// The first error, which decides whatever the type makes of it.
    pub(super) failed: Option<EncodeError>,
    /// Whether a part was refused, by its own type perhaps.
    pub(super) is_broken: bool,
    pub(super) apart: Option<Apart>,
}

impl Message<'_> {
    #[cold]
    pub(super) fn fail(&mut self, error: EncodeError) -> Halt {
        self.is_broken = true;
        self.failed.get_or_insert(error);
        Halt
    }

    #[cold]
    pub(super) fn refuse(&mut self, reason: Reason, form: Node<'_>) -> Halt {
        self.fail(EncodeError::Refused(Refusal::new(reason, form)))
    }

    /// Notes where a refusal happened, if that is not known yet.
    #[cold]
    pub(super) fn note(&mut self, of: &'static str, part: Name) -> Halt {
        self.is_broken = true;
        if let Some(EncodeError::Refused(refusal)) = &mut self.failed {
            if refusal.of.is_empty() && refusal.part() == "" {
                (refusal.of, refusal.part) = (of, part);
            }
        }
        Halt
    }

    #[inline]
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Output<'_>) -> Result<(), Unwritten>) -> Result<(), Halt> {
        let mut output = Output::new(self.into.get_mut(self.written..).unwrap_or_default());
        let result = write(&mut output);
        let written = output.written();
        match result {
            Ok(()) => {
                self.written += written;
                Ok(())
            }
            Err(_) => Err(self.fail(EncodeError::BufferFull)),
        }
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.write(|output| output.put(bytes))
    }

    #[inline]
    pub(super) fn put_integer<L: Layout, T: Integer>(&mut self, value: T) -> Result<(), Halt> {
        self.write(|output| L::put_integer(value, output))
    }

    #[inline]
    pub(super) fn put_length<L: Layout>(&mut self, length: usize) -> Result<(), Halt> {
        self.put_integer::<L, _>(length as u64)
    }

    /// Counts an element that took no bytes.
    pub(super) fn count_zero_sized(&mut self) -> Result<(), Halt> {
        self.zero_sized += 1;
        if self.zero_sized > MAX_ZERO_SIZED { Err(self.fail(EncodeError::TooManyZeroSized)) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn deeper<L: Layout>(&mut self, depth: usize) -> Result<usize, Halt> {
        if depth >= L::MAX_DEPTH { Err(self.fail(EncodeError::TooDeep)) } else { Ok(depth + 1) }
    }

    /// Writes a `Display` value as text.
    pub(super) fn put_display<L: Layout>(&mut self, value: &dyn fmt::Display) -> Result<(), Halt> {
        // The length goes first, and how long it is encoded depends on it: count, then write.
        let mut counter = Text { output: None, written: 0, is_full: false };
        let counted = fmt::write(&mut counter, format_args!("{value}"));
        let length = counter.written;
        self.put_length::<L>(length)?;
        let mut is_same = counted.is_ok();
        self.write(|output| {
            let mut text = Text { output: Some(output), written: 0, is_full: false };
            let written = fmt::write(&mut text, format_args!("{value}"));
            is_same &= written.is_ok() && text.written == length;
            if text.is_full { Err(Unwritten::BufferFull) } else { Ok(()) }
        })?;
        if is_same { Ok(()) } else { Err(self.fail(EncodeError::LengthMismatch)) }
    }
}

/// Counts the bytes of a `Display` value, or writes them.
struct Text<'o, 'b> {
    output: Option<&'o mut Output<'b>>,
    written: usize,
    is_full: bool,
}

impl fmt::Write for Text<'_, '_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.written = self.written.saturating_add(part.len());
        let Some(output) = &mut self.output else { return Ok(()) };
        let put = output.put(part.as_bytes());
        self.is_full |= put.is_err();
        put.map_err(|_| fmt::Error)
    }
}
