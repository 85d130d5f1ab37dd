//! The file of a socket: it is removed only if it is the file that was seen.

use core::ffi::CStr;

use rustix::fs::{Stat, lstat, unlink};
use rustix::io::Errno;

use super::path::SocketPath;
use super::system::file::rename_to_free;

/// Which file it is, as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(seen: &Stat) -> Self {
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "not every system has them as u64")]
        Self { device: seen.st_dev as u64, inode: seen.st_ino as u64 }
    }

    /// Whether it is this file that is at `path`.
    pub(super) fn is_at(self, path: &CStr) -> bool {
        lstat(path).is_ok_and(|seen| Self::of(&seen) == self)
    }
}

/// Removes the file at `path` if it is `file`. Any other stays.
///
/// The kernel removes names, not files, so between a look at the path and its removal another file could come there. The name is
/// therefore moved aside, to one that only the holder of the lock uses, and looked at again. The look before keeps the files
/// of others where they are; one that comes between is put back.
pub(super) fn remove(path: &SocketPath, file: FileId) -> Result<(), Errno> {
    let aside = &path.aside();
    let (path, aside) = (path.as_c_str(), aside.as_c_str());
    if !file.is_at(path) {
        return Ok(());
    }
    // Not every file system can do that (man 2 rename), and something may lie there: then the look before was the last.
    let moved = if rename_to_free(path, aside).is_ok() { aside } else { path };
    let removed = if file.is_at(moved) { unlink(moved) } else { Ok(()) };
    // Nothing is there if it was removed. If yet another file has come to the path, both stay.
    let _ = rename_to_free(moved, path);
    removed
}
