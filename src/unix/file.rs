//! The file of a socket: it is removed and its mode is set only if it is the file that was seen.

use core::ffi::CStr;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, Stat, chmod, chmodat, fstat, lstat, open, renameat_with, unlink,
};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::path::SocketPath;

/// Which file it is, as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(seen: &Stat) -> Self {
        Self { device: seen.st_dev, inode: seen.st_ino }
    }

    /// Whether it is this file that is at `path`.
    pub(super) fn is_at(self, path: &CStr) -> bool {
        lstat(path).is_ok_and(|seen| Self::of(&seen) == self)
    }
}

/// Removes the file at `path` if it is `file`. Any other stays.
///
/// Linux removes names, not files, so between a look at the path and its removal another file could come there. The name is
/// therefore moved aside, to one that only the holder of the lock uses, and looked at again. The look before keeps the files
/// of others where they are; one that comes between is put back.
pub(super) fn remove(path: &SocketPath, file: FileId) -> Result<(), Errno> {
    let aside = &path.aside();
    let (path, aside) = (path.as_c_str(), aside.as_c_str());
    if !file.is_at(path) {
        return Ok(());
    }
    // Not every file system can do that (man 2 rename), and something may lie there: then the look before was the last.
    let moved = if rename(path, aside).is_ok() { aside } else { path };
    let removed = if file.is_at(moved) { unlink(moved) } else { Ok(()) };
    // Nothing is there if it was removed. If yet another file has come to the path, both stay.
    let _ = rename(moved, path);
    removed
}

fn rename(from: &CStr, to: &CStr) -> Result<(), Errno> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

/// Sets the mode of the socket's file at `path` if it is `file`, and of nothing to which a symlink leads that has come there.
///
/// `fchmod` does not take a descriptor of a socket's file, but /proc has a name for it that follows no symlink. Where /proc is
/// missing, the path must do.
pub(super) fn set_mode(path: &CStr, file: FileId, mode: Mode) -> Result<(), Errno> {
    let descriptor = open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    if FileId::of(&fstat(&descriptor)?) != file {
        return Err(Errno::ADDRINUSE);
    }
    match open(c"/proc/thread-self/fd", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(descriptors) => chmodat(descriptors, DecInt::from_fd(&descriptor), mode, AtFlags::empty()),
        Err(Errno::NOENT | Errno::NOTDIR) => chmod(path, mode),
        Err(errno) => Err(errno),
    }
}
