//! Servers and clients in processes of their own: this program again, the examples, or tools.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/example.rs"]
mod example;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod abuse;
mod admin;
mod event_loops;
mod exhaustion;
mod foreign_user;
mod forwarding;
mod hot_restart;
mod pauses;
mod serial;
mod streams;
mod supervisor;
mod upstream;
