//! Values between two versions of a type, by name. The other version is read and written by bincode 1.3.3 and postcard.

#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::use_self,
    clippy::enum_variant_names
)]

mod comparing;
mod costs;
mod hostile;
mod names;
mod pairs;
mod responses;
mod rows;
mod support;
mod untyped;
mod versions;
