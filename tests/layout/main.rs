//! Layouts: the form of a type, from its `Deserialize` alone.

#![allow(missing_docs, dead_code, clippy::unwrap_used)]

mod findings;
mod forms;
mod misbehaving;
mod support;
