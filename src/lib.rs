//! Typed control messages for a daemon over an owner-only Unix socket.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core)]

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
mod client;
pub mod codec;
mod command;
pub mod connection;
mod peer;
#[cfg(feature = "unix")]
mod server;
mod transport;
#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
pub mod unix;

#[cfg(all(feature = "std", feature = "unix"))]
pub use client::client_send;
#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
pub use client::{CallError, Client, ClientBuilder, call};
pub use command::IpcServerCommand;
pub use peer::PeerCredentials;
#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
pub use server::{Handled, IpcServer, ServerBuilder, ServerError};
