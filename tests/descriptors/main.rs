//! The descriptors of a process: each test looks at all that are open, so they run one after the other, in a program of their
//! own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::{Mutex, MutexGuard, PoisonError};

#[path = "../support/mod.rs"]
mod support;

mod open;
mod passed;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
