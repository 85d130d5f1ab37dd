//! The typestates of both sides by themselves, over transports in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/mod.rs"]
mod support;

mod answering;
mod asking;
mod owing;
mod sessions;
