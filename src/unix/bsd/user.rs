//! Which user this process may trust.

use super::super::user::own_uid;

/// The user that is trusted beside root unless the program says otherwise: our own. Each user has an ID of its own.
pub(crate) fn trusted_uid() -> u32 {
    own_uid()
}

/// The same for those who ask often.
pub(crate) fn trusted_uid_of_client() -> u32 {
    own_uid()
}
