//! The lock file that keeps two servers from owning one path.
//!
//! A connection that is refused proves nothing: the socket may be bound and about to listen. Only the holder of the lock
//! may judge what lies at the path. The file is never unlinked, since a lock on an unlinked file excludes nobody.

use rustix::fd::OwnedFd;
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, fchmod, flock, fstat, open};
use rustix::io::{Errno, retry_on_intr};

use super::error::BindError;
use super::file::FileId;
use super::path::SocketPath;
use super::user::own_uid;

/// The mode of the lock file.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// How often a lock file may be replaced under our hands before we give up.
const ATTEMPTS: usize = 8;

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub(super) struct Lock {
    file: OwnedFd,
    is_ours: bool,
}

impl Lock {
    /// Takes the lock at `path` (man 2 flock), or says at once who is in the way.
    pub(super) fn acquire(path: &SocketPath) -> Result<Self, BindError> {
        let path = path.as_c_str();
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        for _ in 0..ATTEMPTS {
            let file = match retry_on_intr(|| open(path, flags, MODE)) {
                Ok(file) => file,
                Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO | Errno::OPNOTSUPP) => {
                    return Err(BindError::BadLockFile);
                }
                Err(errno) => return Err(errno.into()),
            };
            let opened = fstat(&file)?;
            if FileType::from_raw_mode(opened.st_mode) != FileType::RegularFile || opened.st_uid != own_uid() {
                return Err(BindError::BadLockFile);
            }
            if !Mode::from_raw_mode(opened.st_mode).contains(MODE) {
                // The umask took what the next server needs to open it.
                fchmod(&file, MODE)?;
            }
            match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(BindError::InUse),
                Err(errno) => return Err(errno.into()),
            }
            // Is it still the file at the path that we have locked?
            if FileId::of(&opened).is_at(path) {
                return Ok(Self { file, is_ours: true });
            }
        }
        Err(BindError::InUse)
    }

    /// Leaves it to the parent of this process, of whose lock this is a copy.
    pub(super) fn leave(&mut self) {
        self.is_ours = false;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would release it only when every fork of this process has closed its copy too. A fork itself
        // must not release what its parent holds.
        if self.is_ours {
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
    }
}
