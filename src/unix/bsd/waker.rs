//! A flag with a descriptor: a pipe that has something in it (man 2 pipe).

use nix::errno::Errno as LastError;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec, read, write};

use super::kind::pipe;

/// Readable while it is set.
///
/// Each clone has both ends of the pipe, so that no `write` finds it without a reader and raises SIGPIPE.
#[derive(Debug)]
pub(crate) struct Flag {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Flag {
    pub(crate) fn new() -> Result<Self, Errno> {
        let (reader, writer) = pipe()?;
        Ok(Self { reader, writer })
    }

    pub(crate) fn set(&self) {
        // A full pipe is set already. What a signal handler has interrupted must not find another error than its own.
        let last = LastError::last_raw();
        let _ = write(&self.writer, &[1]);
        LastError::set_raw(last);
    }

    pub(crate) fn clear(&self) {
        let mut bytes = [0; 512];
        while matches!(read(&self.reader, &mut bytes), Ok(512)) {}
    }

    pub(crate) fn try_clone(&self) -> Result<Self, Errno> {
        Ok(Self { reader: fcntl_dupfd_cloexec(&self.reader, 0)?, writer: fcntl_dupfd_cloexec(&self.writer, 0)? })
    }
}

impl AsFd for Flag {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
