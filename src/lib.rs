//! Typed control messages for a daemon, over a Unix socket that only its user can open.
//!
//! A client on the same machine sends one serde value and gets one back. The server is lazy: it has no thread and no
//! runtime, allocates nothing and never blocks. The daemon calls
//! [`handle_new_messages`](IpcServer::handle_new_messages) from the loop that it already has.
//!
//! It is not for networks, nor for bulk data. Each command runs on the thread that calls `handle_new_messages`; a
//! [`TicketHandler`] keeps its caller and answers later, or several times.
//!
//! # A server
//!
//! ```
//! use ipc_server::{IpcServer, IpcServerCommand};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug)]
//! enum Command {
//!     GetLevel,
//!     SetLevel(u8),
//! }
//!
//! impl IpcServerCommand for Command {
//!     type Response = u8;
//!     type Context<'a> = &'a mut u8;
//!
//!     fn process(self, level: &mut Self::Context<'_>) -> u8 {
//!         if let Self::SetLevel(new) = self {
//!             **level = new;
//!         }
//!         **level
//!     }
//! }
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//! # let path = path.to_str().ok_or("UTF-8")?;
//! let mut server = IpcServer::<Command>::new(path)?;
//! # let client = std::thread::spawn({ let path = path.to_owned(); move || ipc_server::call(&Command::SetLevel(5), path.as_str()) });
//! let mut level = 3;
//! # let mut turns = 0..1;
//! # while turns.next().is_some() {
//! # server.wait(None)?;
//! # /*
//! loop {
//! # */
//!     server.handle_new_messages(&mut level)?;
//!     // The daemon's other work goes here.
//! }
//! # while !client.is_finished() { server.handle_new_messages(&mut level)?; }
//! # assert_eq!(client.join().unwrap()?, 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A client
//!
//! ```no_run
//! # use ipc_server::IpcServerCommand;
//! # #[derive(serde::Serialize, serde::Deserialize, Debug)]
//! # enum Command { SetLevel(u8) }
//! # impl IpcServerCommand for Command {
//! #     type Response = u8;
//! #     type Context<'a> = ();
//! #     fn process(self, _: &mut ()) -> u8 { 0 }
//! # }
//! let level = ipc_server::call(&Command::SetLevel(5), "/run/user/1000/daemon.sock")?;
//! println!("the level is {level}");
//! # Ok::<(), ipc_server::CallError>(())
//! ```
//!
//! # How a connection goes
//!
//! ```text
//!                  receive                process                 send
//!   +----------+  or decode  +---------+  or answer  +-----------+         +---------+
//!   | Accepted | ----------> | Read<C> | ----------> | Processed | ------> | Replied | --> close
//!   +----------+             +---------+             +-----------+         +---------+
//!     |  ^   ^                    ^                     |  |  ^               |
//!     +--+   |   not yet: the     +---- read_ahead -----+  +--+               |
//!            |   same state again                                             |
//!            +------------------------- next ---------------------------------+
//! ```
//!
//! # Layers
//!
//! Each uses only those above it:
//!
//! - [`codec`]: values to bytes and back; complete, incomplete or malformed;
//! - [`layout`]: the form of a type, from its `Deserialize` alone: fingerprint, description, text. It uses none of the others;
//! - [`described`]: values of another version of a type, by name, under the description that its program has sent;
//! - [`wire`]: where a message begins and ends, and what surrounds it: bare messages, and sessions;
//! - [`connection`]: the typestates, a server's and a client's, over any [`Transport`](connection::Transport);
//! - [`unix`]: sockets, their life cycle, peer credentials, readiness, the clock: all calls to the operating system;
//! - [`IpcServer`] and [`Client`], which drive connections over Unix sockets.
//!
//! `codec` and `connection` need no operating system, and nothing needs std or a heap.
//!
//! # More
//!
//! The [`guide`] has chapters on capacities, security, event loops (tokio, mio, calloop), `no_std`, changing your types, upgrading
//! daemons and clients, migrating from 0.3.2, and on what each error message means. Whole programs are in the package's
//! `examples/`, the wire formats in `docs/wire.md`.
//!
//! # Features
//!
//! - `unix` (default): [`unix`], [`IpcServer`], [`Client`], [`call`]. On Linux it needs neither std nor libc; on macOS and
//!   FreeBSD it needs std, and [some things differ](guide::systems).
//! - `std` (default): `client_send`, which prints; `From` of the error types for `std::io::Error`;
//!   `std::path::Path` and the like as socket paths; [`IpcServer`] is std's `AsFd`.
//! - `postcard`: `codec::Postcard`, an alternate and smaller wire format.
//! - `log`: a line through the log crate for each client that is refused, rejected, expired or evicted, and for each
//!   pause of accepting; at most ten in a second, and one that says how many were left out.

#![no_std]
// The documentation tells of everything, and links to it where it is there.
#![cfg_attr(not(all(feature = "unix", feature = "std")), allow(rustdoc::broken_intra_doc_links))]
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
pub mod described;
#[cfg(all(any(doc, doctest), feature = "std", feature = "unix"))]
pub mod guide;
mod handler;
pub mod layout;
mod peer;
mod request;
#[cfg(feature = "unix")]
mod server;
mod ticket;
mod transport;
#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
pub mod unix;
pub mod wire;

#[cfg(all(feature = "std", feature = "unix"))]
pub use client::client_send;
#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
pub use client::{CallError, Client, ClientBuilder, Received, Responses, UntypedClient, call};
pub use command::IpcServerCommand;
pub use handler::{Answer, Caller, Handler, TicketHandler};
pub use peer::PeerCredentials;
pub use request::Request;
#[cfg(feature = "unix")]
#[cfg_attr(docsrs, doc(cfg(feature = "unix")))]
pub use server::{Handled, IpcServer, ReplyError, ServerBuffers, ServerBuilder, ServerError, ServerErrorKind};
pub use ticket::Ticket;

/// The code blocks of the README are tests.
#[cfg(all(doctest, feature = "std", feature = "unix"))]
#[doc = include_str!("../README.md")]
struct Readme;
