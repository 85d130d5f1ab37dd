//! A guide, in chapters. This module holds documentation and no code.
//!
//! - [`capacities`]: how long messages may be, how many clients may wait, how long, and what that costs;
//! - [`security`]: who can do what, by what it is kept, and what is not guarded against;
//! - [`slow_commands`]: answers that come later or several times, and clients that leave meanwhile;
//! - [`event_loops`]: the server in a loop of your own, or in that of tokio, mio or calloop;
//! - [`systems`]: Linux, macOS and FreeBSD: what differs, and what was run;
//! - [`no_std`](mod@no_std): without the standard library, without a heap, without an operating system;
//! - [`changing_types`]: programs that were built from different versions of your types;
//! - [`upgrading`]: daemons and clients in which order, and the two wires;
//! - [`migrating`]: from `ipc-server` 0.3.2;
//! - [`troubleshooting`]: every error message, its cause, and what to do.
//!
//! The wire formats are in `docs/wire.md`, whole programs in `examples/`.

pub mod capacities;
pub mod changing_types;
pub mod event_loops;
pub mod migrating;
pub mod no_std;
pub mod security;
pub mod slow_commands;
pub mod systems;
pub mod troubleshooting;
pub mod upgrading;
