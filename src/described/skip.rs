//! Bytes in another program's form, what was found out about them, and how to get past a value.

use super::Apart;
use super::error::{DecodeError, Halt, Name, Reason, Refusal};
use crate::codec::layout::{Input, Layout, Unread};
use crate::codec::{self, MAX_ZERO_SIZED};
use crate::layout::{Kind, MAX_VALUES, Node};

/// What all levels of a reader share.
pub(super) struct Message<'de> {
    pub(super) input: Input<'de>,
    zero_sized: usize,
    /// How many more forms are looked at: no byte backs a unit, and many can be in one description.
    steps: usize,
    /// The first error, which decides whatever the type makes of it.
    pub(super) failed: Option<DecodeError>,
    /// Whether any part was refused, by the type perhaps. Where the next part begins is not known then.
    pub(super) is_broken: bool,
    /// How many variants are being read.
    pub(super) open_variants: usize,
    pub(super) apart: Option<Apart>,
}

impl<'de> Message<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8], apart: Option<Apart>) -> Self {
        // Each byte may be as deep as levels go.
        let steps = bytes.len().saturating_mul(codec::MAX_DEPTH).saturating_add(MAX_VALUES as usize);
        Self {
            input: Input::new(bytes, bytes.len()),
            zero_sized: 0,
            steps,
            failed: None,
            is_broken: false,
            open_variants: 0,
            apart,
        }
    }

    #[cold]
    pub(super) fn fail(&mut self, error: DecodeError) -> Halt {
        self.is_broken = true;
        self.failed.get_or_insert(error);
        Halt
    }

    #[cold]
    pub(super) fn malformed(&mut self, error: codec::DecodeError) -> Halt {
        self.fail(DecodeError::Malformed(error))
    }

    #[cold]
    pub(super) fn unread(&mut self, error: Unread) -> Halt {
        let error = self.input.stopped().map_or_else(|| error.into(), Into::into);
        self.malformed(error)
    }

    #[cold]
    pub(super) fn refuse(&mut self, reason: Reason, form: Node<'_>) -> Halt {
        self.fail(DecodeError::Refused(Refusal::new(reason, form)))
    }

    /// Notes where a refusal happened, if that is not known yet.
    #[cold]
    pub(super) fn note(&mut self, of: &'static str, part: impl FnOnce() -> Name) {
        self.is_broken = true;
        if let Some(DecodeError::Refused(refusal)) = &mut self.failed {
            if refusal.of.is_empty() && refusal.part() == "" {
                (refusal.of, refusal.part) = (of, part());
            }
        }
    }

    /// Counts a look at a form.
    #[inline]
    pub(super) fn step(&mut self) -> Result<(), Halt> {
        if self.is_broken {
            return Err(Halt);
        }
        match self.steps.checked_sub(1) {
            Some(steps) => {
                self.steps = steps;
                Ok(())
            }
            None => Err(self.malformed(codec::DecodeError::ImpossibleLength(MAX_VALUES.into()))),
        }
    }

    /// What the form is.
    #[inline]
    pub(super) fn kind<'d>(&mut self, form: Node<'d>) -> Result<Kind<'d>, Halt> {
        self.step()?;
        Ok(form.kind())
    }

    #[inline]
    pub(super) fn take<T>(&mut self, take: impl FnOnce(&mut Input<'de>) -> Result<T, Unread>) -> Result<T, Halt> {
        take(&mut self.input).map_err(|error| self.unread(error))
    }

    #[inline]
    pub(super) fn take_byte(&mut self) -> Result<u8, Halt> {
        self.take(Input::take_byte)
    }

    #[inline]
    pub(super) fn take_bool(&mut self) -> Result<bool, Halt> {
        match self.take_byte()? {
            0 => Ok(false),
            1 => Ok(true),
            byte => Err(self.malformed(codec::DecodeError::InvalidBool(byte))),
        }
    }

    /// Takes the tag of an option.
    #[inline]
    pub(super) fn take_is_some(&mut self) -> Result<bool, Halt> {
        match self.take_byte()? {
            0 => Ok(false),
            1 => Ok(true),
            byte => Err(self.malformed(codec::DecodeError::InvalidOptionTag(byte))),
        }
    }

    /// Takes the length of a text or of bytes.
    #[inline]
    pub(super) fn take_length<L: Layout>(&mut self) -> Result<usize, Halt> {
        let declared = self.take(L::take_integer::<u64>)?;
        match usize::try_from(declared) {
            Ok(length) if length <= self.input.arrived() => Ok(length),
            _ => Err(self.malformed(codec::DecodeError::Incomplete)),
        }
    }

    /// Takes the number of a list's elements or of a map's entries: each takes a byte, or counts as one that takes none.
    #[inline]
    pub(super) fn take_count<L: Layout>(&mut self) -> Result<usize, Halt> {
        let declared = self.take(L::take_integer::<u64>)?;
        let most = self.input.arrived() + (MAX_ZERO_SIZED - self.zero_sized);
        match usize::try_from(declared) {
            Ok(count) if count <= most => Ok(count),
            _ => Err(self.malformed(codec::DecodeError::ImpossibleLength(declared))),
        }
    }

    #[inline]
    pub(super) fn take_text<L: Layout>(&mut self) -> Result<&'de str, Halt> {
        let length = self.take_length::<L>()?;
        self.take(|input| input.take_text(length))
    }

    #[inline]
    pub(super) fn take_bytes(&mut self, length: usize) -> Result<&'de [u8], Halt> {
        self.take(|input| input.take_bytes(length))
    }

    /// Counts elements that took no bytes.
    pub(super) fn count_zero_sized(&mut self, count: usize) -> Result<(), Halt> {
        if count > MAX_ZERO_SIZED - self.zero_sized {
            return Err(self.malformed(codec::DecodeError::ImpossibleLength(count as u64)));
        }
        self.zero_sized += count;
        Ok(())
    }

    #[inline]
    pub(super) fn deeper<L: Layout>(&mut self, depth: usize) -> Result<usize, Halt> {
        if depth >= L::MAX_DEPTH {
            return Err(self.malformed(codec::DecodeError::TooDeep));
        }
        Ok(depth + 1)
    }

    /// Goes past a value.
    pub(super) fn skip<L: Layout>(&mut self, form: Node<'_>, depth: usize) -> Result<(), Halt> {
        match self.kind(form)? {
            Kind::Unit => {}
            Kind::Bool => drop(self.take_bool()?),
            Kind::Signed(8) | Kind::Unsigned(8) => drop(self.take_byte()?),
            Kind::Signed(16) => drop(self.take(L::take_integer::<i16>)?),
            Kind::Signed(32) => drop(self.take(L::take_integer::<i32>)?),
            Kind::Signed(64) => drop(self.take(L::take_integer::<i64>)?),
            Kind::Signed(_) => drop(self.take(L::take_integer::<i128>)?),
            Kind::Unsigned(16) => drop(self.take(L::take_integer::<u16>)?),
            Kind::Unsigned(32) => drop(self.take(L::take_integer::<u32>)?),
            Kind::Unsigned(64) => drop(self.take(L::take_integer::<u64>)?),
            Kind::Unsigned(_) => drop(self.take(L::take_integer::<u128>)?),
            Kind::Float(bits) => drop(self.take_bytes(usize::from(bits / 8))?),
            Kind::Char => drop(self.take(L::take_char)?),
            Kind::String => drop(self.take_text::<L>()?),
            Kind::Option(inner) => {
                if self.take_is_some()? {
                    let depth = self.deeper::<L>(depth)?;
                    self.skip::<L>(inner, depth)?;
                }
            }
            Kind::Sequence(element) => {
                let count = self.take_count::<L>()?;
                let depth = self.deeper::<L>(depth)?;
                self.skip_elements::<L>(count, element, None, depth)?;
            }
            Kind::Map(key, value) => {
                let count = self.take_count::<L>()?;
                let depth = self.deeper::<L>(depth)?;
                self.skip_elements::<L>(count, key, Some(value), depth)?;
            }
            Kind::Tuple(elements) => {
                let depth = self.deeper::<L>(depth)?;
                for element in elements {
                    self.skip::<L>(element, depth)?;
                }
            }
            Kind::Struct(fields) => {
                let depth = self.deeper::<L>(depth)?;
                for (_, field) in fields {
                    self.skip::<L>(field, depth)?;
                }
            }
            Kind::Enum(variants) => {
                let index = self.take(L::take_integer::<u32>)?;
                let Some(variant) = variants.at_index(index) else {
                    return Err(self.malformed(codec::DecodeError::UnknownVariant(index)));
                };
                if !matches!(variant.content(), Kind::Unit) {
                    let depth = self.deeper::<L>(depth)?;
                    self.skip::<L>(variant.form(), depth)?;
                }
            }
            Kind::Opaque => return Err(self.refuse(Reason::Opaque, form)),
        }
        Ok(())
    }

    fn skip_elements<L: Layout>(
        &mut self,
        count: usize,
        first: Node<'_>,
        second: Option<Node<'_>>,
        depth: usize,
    ) -> Result<(), Halt> {
        for index in 0..count {
            let before = self.input.arrived();
            self.skip::<L>(first, depth)?;
            let took_none = self.input.arrived() == before;
            if let Some(second) = second {
                self.skip::<L>(second, depth)?;
            }
            if took_none {
                // Nor will the others take any.
                self.count_zero_sized(if second.is_none() { count - index } else { 1 })?;
                if second.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}
