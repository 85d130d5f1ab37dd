//! Values to bytes and back, with nothing but memory in between: the formats beside their reference implementations, what means
//! harm, what comes in pieces, and the page that describes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::std_instead_of_core, reason = "tests")]

#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/example.rs"]
mod example;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/strategies.rs"]
mod strategies;

mod bincode;
mod hostile;
mod pieces;
#[cfg(feature = "postcard")]
mod postcard;
mod roundtrip;
mod wire_document;
mod wire_sessions;
