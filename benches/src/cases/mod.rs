//! What is measured, one file each.

pub(crate) mod one_thread;
