//! Where a description goes while it is traced: into its fingerprint, and as far as asked into a buffer.

use super::fingerprint::{Fingerprint, ROUNDS, leb128, with_reference};
use super::format::{REFERENCE, REFUSED, REPEAT};
use super::{LayoutError, MAX_DEFINITIONS};

/// Takes the description in order, and keeps the part from `skip` on that fits `window`.
pub(super) struct Output<'a> {
    /// Of the definition that is being described, without what it refers to.
    fingerprint: Fingerprint,
    references: References<'a>,
    window: &'a mut [u8],
    skip: usize,
    written: usize,
    error: Option<LayoutError>,
    /// An element of a tuple, of which more may follow: its tag, its number if it is a reference, and how many.
    held: Option<(u8, u8, usize)>,
}

/// What refers to what.
pub(super) struct References<'a> {
    /// The fingerprints of the root and of each definition, without what they refer to.
    own: &'a mut [u64],
    /// How many of them are there.
    definitions: usize,
    /// In the order of the description. A number of 0 ends a definition's.
    all: &'a mut [Referred],
    length: usize,
}

/// The number of a definition, and how often it is repeated.
pub(super) type Referred = (u8, u16);

impl<'a> References<'a> {
    pub(super) fn new(own: &'a mut [u64], all: &'a mut [Referred]) -> Self {
        Self { own, definitions: 0, all, length: 0 }
    }

    fn push(&mut self, number: u8, count: usize) -> Result<(), LayoutError> {
        let entry = self.all.get_mut(self.length).ok_or(LayoutError::TooManyReferences)?;
        *entry = (number, u16::try_from(count).map_err(|_| LayoutError::TooManyReferences)?);
        self.length += 1;
        Ok(())
    }

    /// The fingerprint of the root with all that it refers to.
    fn of_root(&self) -> u64 {
        let mut rounds = [[0; MAX_DEFINITIONS + 1]; 2];
        let [before, now] = &mut rounds;
        let (mut before, mut now) = (before, now);
        for _ in 0..=ROUNDS {
            let is_changed = self.round(before, now);
            core::mem::swap(&mut before, &mut now);
            // Only what is recursive changes to the last.
            if !is_changed {
                break;
            }
        }
        before.first().copied().unwrap_or(0)
    }

    /// The fingerprints of all, if those of what they refer to are `before`. Returns whether one differs from that.
    fn round(&self, before: &[u64], now: &mut [u64]) -> bool {
        let mut parts = self.own.iter().zip(before.iter().zip(now));
        let Some(mut part) = parts.next() else { return false };
        let (mut all, mut is_changed) = (*part.0, false);
        for &(number, count) in self.all.get(..self.length).unwrap_or_default() {
            if number > 0 {
                let reference = before.get(usize::from(number)).copied().unwrap_or(0);
                for _ in 0..count {
                    all = with_reference(all, reference);
                }
                continue;
            }
            let (_, (before, now)) = part;
            is_changed |= *before != all;
            *now = all;
            let Some(next) = parts.next() else { break };
            part = next;
            all = *part.0;
        }
        is_changed
    }
}

impl<'a> Output<'a> {
    pub(super) fn new(skip: usize, window: &'a mut [u8], references: References<'a>) -> Self {
        Self { fingerprint: Fingerprint::NONE, references, error: None, window, skip, written: 0, held: None }
    }

    /// The fingerprint of all that was described, as `codec` writes it.
    pub(super) fn fingerprint(&self, codec: &str) -> Fingerprint {
        Fingerprint::of_type(codec, self.references.of_root())
    }

    /// The root, or a definition, is described.
    pub(super) fn end_definition(&mut self) -> Result<(), LayoutError> {
        self.flush();
        let References { own, definitions, .. } = &mut self.references;
        if let Some(own) = own.get_mut(*definitions) {
            *own = self.fingerprint.to_u64();
        }
        *definitions += 1;
        self.fingerprint = Fingerprint::NONE;
        let ended = self.references.push(0, 0);
        self.error.map_or(ended, Err)
    }

    /// How much of the window is in use.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Whether nothing more is wanted. A window of no bytes stands for the fingerprint, which wants all.
    pub(super) fn is_full(&self) -> bool {
        !self.window.is_empty() && self.written == self.window.len()
    }

    /// Bytes that count.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.flush();
        self.put_now(bytes);
    }

    /// The name of a variant or field. `more` says that the same one has another name.
    pub(super) fn put_name(&mut self, name: &str, more: bool) {
        self.flush();
        self.put_number(name.len() << 1 | usize::from(more));
        self.put_now(name.as_bytes());
    }

    /// The name of a type, and `slots` bytes for the receiver. Neither counts.
    pub(super) fn put_definition(&mut self, kind: u8, name: &str, slots: usize) {
        self.put(&[kind]);
        let (bytes, length) = leb128(name.len());
        self.copy(bytes.get(..length).unwrap_or_default());
        self.copy(name.as_bytes());
        self.put_slots(slots);
    }

    pub(super) fn put_slots(&mut self, slots: usize) {
        self.flush();
        self.copy([0; 4].get(..slots).unwrap_or_default());
    }

    /// A leaf or a reference to definition `number`. Equal elements of a tuple become one with their number.
    pub(super) fn put_leaf(&mut self, tag: u8, number: u8, element: bool) {
        match &mut self.held {
            Some((held, of, count)) if element && (*held, *of) == (tag, number) => *count += 1,
            _ => {
                self.flush();
                self.held = Some((tag, number, 1));
            }
        }
        if !element {
            self.flush();
        }
    }

    /// The node before was refused.
    pub(super) fn put_refused(&mut self) {
        if let Some((tag, number, count)) = self.held.take() {
            self.put_repeated(tag, number, count - 1);
            self.put_repeated(tag, number, 1);
        }
        self.put_now(&[REFUSED]);
    }

    fn flush(&mut self) {
        if let Some((tag, number, count)) = self.held.take() {
            self.put_repeated(tag, number, count);
        }
    }

    fn put_repeated(&mut self, tag: u8, number: u8, count: usize) {
        if count == 0 {
            return;
        }
        if tag == REFERENCE {
            return self.put_references(number, count);
        }
        if count > 1 {
            self.put_now(&[REPEAT]);
            self.put_number(count);
        }
        self.put_now(&[tag]);
    }

    /// Which of them are the same is not in the fingerprint.
    fn put_references(&mut self, number: u8, count: usize) {
        for _ in 0..count {
            self.fingerprint.add(&[REFERENCE]);
        }
        if let Err(error) = self.references.push(number, count) {
            self.error.get_or_insert(error);
        }
        if count > 1 {
            let (bytes, length) = leb128(count);
            self.copy(&[REPEAT]);
            self.copy(bytes.get(..length).unwrap_or_default());
        }
        // A number of a definition takes one byte.
        self.copy(&[REFERENCE, number]);
    }

    fn put_number(&mut self, number: usize) {
        let (bytes, length) = leb128(number);
        self.put_now(bytes.get(..length).unwrap_or_default());
    }

    fn put_now(&mut self, bytes: &[u8]) {
        self.fingerprint.add(bytes);
        self.copy(bytes);
    }

    fn copy(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().min(self.skip);
        self.skip -= skipped;
        let wanted = bytes.get(skipped..).unwrap_or_default();
        let Some(spare) = self.window.get_mut(self.written..) else { return };
        let length = wanted.len().min(spare.len());
        for (to, from) in spare.iter_mut().zip(wanted) {
            *to = *from;
        }
        self.written += length;
    }
}
