//! What is measured, one file each.

pub(crate) mod flood;
pub(crate) mod one_thread;
pub(crate) mod overtaken;
pub(crate) mod parked;
pub(crate) mod two_sides;
