//! The tool as its user has it: processes that talk to daemons.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod calling;
mod describing;
mod failing;
mod readme;
mod round_trips;
mod streams;
mod support;
mod types;
mod verbs;
