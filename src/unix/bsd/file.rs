//! What can be done with the file of a socket.

use core::ffi::CStr;

use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, CWD, Mode, chmodat};
use rustix::io::Errno;

use super::super::file::FileId;

pub(crate) use super::kind::rename_to_free;

/// Whether [`set_mode_to_be`] has an effect.
pub(crate) const MODE_TO_BE_IS_HEEDED: bool = false;

/// Says what mode the file is to have that `bind` makes. It can't be said here: `bind` gives the file all permissions less the
/// umask.
pub(crate) fn set_mode_to_be(_: BorrowedFd<'_>, _: Mode) -> Result<(), Errno> {
    Ok(())
}

/// Sets the mode of the socket's file at `path` if it is `file`, and of nothing to which a symlink leads that has come there.
///
/// Another file of ours could come there between the two calls, through a directory in which others may rename files; it
/// would then have the mode of the socket.
pub(crate) fn set_mode(path: &CStr, file: FileId, mode: Mode) -> Result<(), Errno> {
    if !file.is_at(path) {
        return Err(Errno::ADDRINUSE);
    }
    chmodat(CWD, path, mode, AtFlags::SYMLINK_NOFOLLOW)
}
