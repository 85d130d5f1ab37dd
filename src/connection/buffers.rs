//! The memory of a connection: what has arrived and what is still to be sent.

use core::fmt;

use heapless::Vec;

/// The two buffers of one [`Connection`](super::Connection): `N` bytes for commands, `N` bytes for replies.
///
/// `N` is the capacity: the longest command and the longest reply, in bytes as encoded. A connection borrows the
/// buffers, so that no transition copies them; they can be used for one connection after another, and start each one
/// cleared.
pub struct Buffers<const N: usize = 1024> {
    pub(crate) input: Buffer<N>,
    pub(crate) output: Buffer<N>,
}

impl<const N: usize> Buffers<N> {
    /// Empty buffers. All their bytes are zero, so that a `static` of them takes no room in the binary.
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(N > 0, "a capacity of 0 bytes can hold no message");
            assert!(N < u32::MAX as usize, "a capacity is below 4 GiB");
        }
        Self { input: Buffer::new(), output: Buffer::new() }
    }

    /// Forgets both contents and overwrites every byte that was in use.
    pub(crate) fn clear(&mut self) {
        self.input.clear();
        self.output.clear();
    }

    /// Whether bytes have arrived that no command has used.
    #[cfg(feature = "unix")]
    pub(crate) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }
}

impl<const N: usize> Default for Buffers<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Buffers<N> {
    /// Shows how full they are, not what is in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers")
            .field("capacity", &N)
            .field("received", &self.input.bytes().len())
            .field("unsent", &self.output.bytes().len())
            .finish()
    }
}

/// A queue of bytes: filled at `end`, used up from `start`.
#[expect(missing_debug_implementations, reason = "it holds what a peer has sent")]
pub struct Buffer<const N: usize> {
    /// Empty until first use, then always `N` long, so that its spare part can be lent as a slice.
    storage: Vec<u8, N>,
    start: u32,
    end: u32,
    /// Every byte from here on is zero.
    clean_from: u32,
    /// While `end` is no further than this, the queue can't hold a whole message.
    in_vain: u32,
}

#[expect(clippy::cast_possible_truncation, reason = "nothing is longer than N, which fits 32 bits")]
impl<const N: usize> Buffer<N> {
    const fn new() -> Self {
        Self { storage: Vec::new(), start: 0, end: 0, clean_from: 0, in_vain: 0 }
    }

    /// The bytes that are in the queue.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.storage.get(self.start as usize..self.end as usize).unwrap_or_else(none)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether as many bytes are in the queue as were [waited for](Self::wait_for): one, if nothing else was said.
    #[inline]
    pub(crate) fn is_worth_decoding(&self) -> bool {
        self.end > self.in_vain
    }

    /// Decoding is in vain before `missing` more bytes have come.
    ///
    /// It is tried all the same when what is there has doubled, which adds little: a type that reads less than it was told
    /// of then waits no longer for that.
    pub(crate) fn wait_for(&mut self, missing: usize) {
        let there = self.end - self.start;
        self.in_vain = self.end + (missing as u32).min(there).saturating_sub(1);
    }

    /// Decoding is worth a try with any byte.
    #[cfg(feature = "unix")]
    pub(crate) fn wait_for_nothing(&mut self) {
        self.in_vain = self.start;
    }

    /// All the room there is. Say with [`fill`](Self::fill) how much of it was used.
    #[inline]
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        if self.storage.len() < N {
            self.begin();
        }
        if self.start > 0 {
            self.move_to_front();
        }
        self.storage.get_mut(self.end as usize..).unwrap_or_else(none)
    }

    /// In place: an array would be made on the stack first.
    #[cold]
    fn begin(&mut self) {
        // It can't fail, for N is the capacity.
        let _ = self.storage.resize(N, 0);
    }

    #[cold]
    fn move_to_front(&mut self) {
        let used = self.storage.get_mut(..self.end as usize).unwrap_or_default();
        used.copy_within((self.start as usize).min(used.len()).., 0);
        self.end -= self.start;
        self.in_vain -= self.start;
        self.start = 0;
    }

    #[inline]
    pub(crate) fn fill(&mut self, length: usize) {
        self.end = N.min(self.end as usize + length) as u32;
        self.clean_from = self.clean_from.max(self.end);
    }

    #[inline]
    pub(crate) fn consume(&mut self, length: usize) {
        self.start = (self.end as usize).min(self.start as usize + length) as u32;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        self.in_vain = self.start;
    }

    /// Removes `length` bytes that have `last` bytes behind them.
    pub(crate) fn remove_before_last(&mut self, length: usize, last: usize) {
        let end = self.end as usize;
        let Some(from) = end.checked_sub(last) else { return };
        let Some(to) = from.checked_sub(length).filter(|to| *to >= self.start as usize) else { return };
        if let Some(used) = self.storage.get_mut(..end) {
            used.copy_within(from.., to);
        }
        self.end -= length as u32;
    }

    /// Overwrites what may have been written beyond the end.
    #[cold]
    pub(crate) fn clean_spare(&mut self) {
        if let Some(spare) = self.storage.get_mut(self.end as usize..) {
            spare.fill(0);
        }
        self.clean_from = self.end;
    }

    fn clear(&mut self) {
        if let Some(used) = self.storage.get_mut(..self.clean_from as usize) {
            used.fill(0);
        }
        self.start = 0;
        self.end = 0;
        self.clean_from = 0;
        self.in_vain = 0;
    }
}

/// Instead of a part that the bounds rule out.
#[cold]
fn none<T: Default>() -> T {
    T::default()
}
