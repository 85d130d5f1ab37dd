//! Where a description goes while it is traced: into its fingerprint, and as far as asked into a buffer.

use super::fingerprint::{Fingerprint, leb128};
use super::format::{REFERENCE, REFUSED, REPEAT};

/// Takes the description in order, and keeps the part from `skip` on that fits `window`.
pub(super) struct Output<'a> {
    fingerprint: Fingerprint,
    window: &'a mut [u8],
    skip: usize,
    written: usize,
    /// An element of a tuple, of which more may follow: its tag, its number if it is a reference, and how many.
    held: Option<(u8, u8, usize)>,
}

impl<'a> Output<'a> {
    pub(super) fn new(codec: &str, skip: usize, window: &'a mut [u8]) -> Self {
        Self { fingerprint: Fingerprint::of_codec(codec), window, skip, written: 0, held: None }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
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
        if count > 1 {
            self.put_now(&[REPEAT]);
            self.put_number(count);
        }
        self.put_now(&[tag]);
        if tag == REFERENCE {
            self.put_number(number.into());
        }
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
