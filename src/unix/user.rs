//! The user that this process acts as.

use rustix::process::geteuid;

/// The effective user ID of this process.
pub(crate) fn own_uid() -> u32 {
    geteuid().as_raw()
}
