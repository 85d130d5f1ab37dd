//! Layouts: the form of a type, from its `Deserialize` alone.

#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::use_self,
    clippy::enum_variant_names,
    clippy::vec_init_then_push
)]

mod checks;
mod costs;
mod edits;
mod findings;
mod forms;
mod hostile;
mod made_up;
mod misbehaving;
mod pairs;
mod snapshots;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stack;
mod support;
