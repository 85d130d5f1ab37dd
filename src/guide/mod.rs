//! A guide, in chapters. This module holds documentation and no code.
//!
//! - [`event_loops`]: the server in a loop of your own, or in that of tokio, mio or calloop.

pub mod event_loops;
