//! `IpcServer` and `Client`. Most tests have a server and its clients in one process, and count on it that a dropped
//! socket is closed at once: a test here must not start a program, which would hold copies of all sockets for an instant. Those that
//! do are in `processes`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::std_instead_of_core, reason = "tests")]

#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/mod.rs"]
mod support;

mod abuse_clients;
mod abuse_out_of_band;
mod abuse_panicking_handler;
mod abuse_secrets;
mod abuse_stress;
mod client;
mod contract;
mod exchanges;
mod guide;
mod life_cycle;
mod limits;
mod memory;
mod pipelining;
#[cfg(feature = "postcard")]
mod postcard;
mod sessions;
mod sessions_hostile;
mod shown;
mod succession;
mod table_model;
mod tickets;
mod untyped;
