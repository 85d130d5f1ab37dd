//! What Linux can do with the file of a socket.

use core::ffi::CStr;

use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, chmod, chmodat, fchmod, fstat, open, renameat_with};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::super::file::FileId;

/// Renames a file, unless something is at `to` or the file system can't tell (man 2 rename, `RENAME_NOREPLACE`).
pub(crate) fn rename_to_free(from: &CStr, to: &CStr) -> Result<(), Errno> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

/// Whether [`set_mode_to_be`] has an effect.
pub(crate) const MODE_TO_BE_IS_HEEDED: bool = true;

/// Says what mode the file is to have that `bind` makes, less the umask.
pub(crate) fn set_mode_to_be(socket: BorrowedFd<'_>, mode: Mode) -> Result<(), Errno> {
    // The mode of a socket that is not bound yet becomes the mode of its file. After `bind` this would have no effect, and
    // `chmod` would leave the file open to others for a moment.
    fchmod(socket, mode)
}

/// Sets the mode of the socket's file at `path` if it is `file`, and of nothing to which a symlink leads that has come there.
///
/// `fchmod` does not take a descriptor of a socket's file, but /proc has a name for it that follows no symlink. Where /proc is
/// missing, the path must do.
pub(crate) fn set_mode(path: &CStr, file: FileId, mode: Mode) -> Result<(), Errno> {
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
