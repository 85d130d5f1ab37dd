//! A flag with a descriptor: an eventfd (man 2 eventfd).

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec, read, write};

/// Readable while it is set.
#[derive(Debug)]
pub(crate) struct Flag {
    event: OwnedFd,
}

impl Flag {
    pub(crate) fn new() -> Result<Self, Errno> {
        eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).map(|event| Self { event })
    }

    pub(crate) fn set(&self) {
        // The counter is full when it was set 2^64 - 2 times and never cleared: then it is set already.
        let _ = write(&self.event, &1_u64.to_ne_bytes());
    }

    pub(crate) fn clear(&self) {
        // It fails only if it was not set.
        let _ = read(&self.event, &mut [0; 8]);
    }

    pub(crate) fn try_clone(&self) -> Result<Self, Errno> {
        fcntl_dupfd_cloexec(&self.event, 0).map(|event| Self { event })
    }
}

impl AsFd for Flag {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
