//! Projects that depend on this crate, compiled as a user's would be: what must compile does, and what must not does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/example.rs"]
mod example;
#[path = "../support/project.rs"]
mod project;

mod contract;
mod must_not_compile;
mod package;
mod source_compatibility;
mod stranger;
