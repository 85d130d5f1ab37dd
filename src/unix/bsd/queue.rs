//! A kqueue (man 2 kqueue), and changes to it that each have an outcome.

use nix::libc::timespec;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

/// Looks, and does not wait.
const AT_ONCE: Option<timespec> = Some(timespec { tv_sec: 0, tv_nsec: 0 });

/// A kqueue, close-on-exec. A fork of this process has none (man 2 kqueue).
#[derive(Debug)]
pub(super) struct Queue(Kqueue);

/// A change of what a queue watches for.
#[derive(Clone, Copy)]
pub(super) struct Change {
    /// The number of a descriptor, or that of a timer.
    pub(super) ident: usize,
    pub(super) filter: EventFilter,
    pub(super) flags: EvFlags,
    pub(super) notes: FilterFlag,
    pub(super) data: isize,
    pub(super) token: u64,
}

impl Queue {
    pub(super) fn new() -> Result<Self, Errno> {
        let queue = Kqueue::new().map_err(errno)?;
        // A program that another thread executes in between would inherit it. No system has a call for both.
        fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
        Ok(Self(queue))
    }

    /// Makes each of the changes, and says of each whether it was made.
    pub(super) fn change<const N: usize>(&self, changes: [Change; N]) -> [Result<(), Errno>; N] {
        // With a receipt for each, a failure does not keep the next from being made, and no event is taken out.
        let changes = changes.map(|Change { ident, filter, flags, notes, data, token }| {
            KEvent::new(ident, filter, flags | EvFlags::EV_RECEIPT, notes, data, token.cast_signed() as isize)
        });
        let mut receipts = changes;
        match self.0.kevent(&changes, &mut receipts, AT_ONCE) {
            Ok(_) => receipts.map(|receipt| match i32::try_from(receipt.data()) {
                Ok(0) => Ok(()),
                Ok(error) => Err(Errno::from_raw_os_error(error)),
                Err(_) => Err(Errno::INVAL),
            }),
            // All changes have been made before a signal is looked for.
            Err(nix::errno::Errno::EINTR) => [Ok(()); N],
            Err(error) => [Err(errno(error)); N],
        }
    }

    /// Takes out what is ready now, as much as fits, and says how much that is. What stays ready stays in the queue, behind what
    /// has not been taken out.
    pub(super) fn take(&self, events: &mut [KEvent]) -> Result<usize, Errno> {
        match self.0.kevent(&[], events, AT_ONCE) {
            Ok(taken) => Ok(taken),
            Err(nix::errno::Errno::EINTR) => Ok(0),
            Err(error) => Err(errno(error)),
        }
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The same error, as the rest of the crate has it.
pub(super) fn errno(errno: nix::errno::Errno) -> Errno {
    Errno::from_raw_os_error(errno as i32)
}
