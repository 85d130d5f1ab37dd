//! Which user this process may trust, where users may have no ID of their own.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::read;

use super::super::user::own_uid;

/// The overflow user unless the system is set otherwise.
const OVERFLOW_UID: u32 = 65534;

/// The user that is trusted beside root unless the program says otherwise: our own, or root where our own user ID does not
/// tell us from others.
///
/// In a user namespace every user without a mapping has the overflow user ID (man 7 user_namespaces), and so may we.
pub(crate) fn trusted_uid() -> u32 {
    told_apart(overflow_uid)
}

/// The same for those who ask often: the overflow user ID is read once.
pub(crate) fn trusted_uid_of_client() -> u32 {
    static KNOWN: AtomicU32 = AtomicU32::new(0);

    told_apart(|| {
        if KNOWN.load(Ordering::Relaxed) == 0 {
            KNOWN.store(overflow_uid(), Ordering::Relaxed);
        }
        KNOWN.load(Ordering::Relaxed)
    })
}

fn told_apart(overflow_uid: impl FnOnce() -> u32) -> u32 {
    let own = own_uid();
    // Root needs no look, and a user ID that is not the overflow user's is one user's.
    if own == 0 || own != overflow_uid() || all_users_are_mapped() { own } else { 0 }
}

/// The overflow user ID (man 5 proc_sys_kernel).
fn overflow_uid() -> u32 {
    match read_number(c"/proc/sys/kernel/overflowuid", 0) {
        // Where /proc is missing, nobody has set it.
        0 => OVERFLOW_UID,
        uid => uid,
    }
}

/// Whether no user has to be shown as the overflow user: one range has them all, as outside of all user namespaces. Where
/// that can't be read, it is not known.
fn all_users_are_mapped() -> bool {
    // The first line's third number, its length; each is padded to ten characters.
    read_number(c"/proc/self/uid_map", 22) == u32::MAX
}

/// The number in a file that begins after `offset` bytes; zero if there is none.
fn read_number(path: &CStr, offset: usize) -> u32 {
    let mut text = [0; 33];
    if let Ok(file) = open(path, OFlags::CLOEXEC, Mode::empty()) {
        let _ = read(file, &mut text);
    }
    let mut number: u32 = 0;
    for byte in text.get(offset..).unwrap_or_default() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    number
}
