//! In which order to upgrade daemons and clients.
//!
//! There are two wires. The *bare* wire is that of `ipc-server` 0.3.2: values and nothing else. A *session* begins with a hello,
//! and the two programs [compare their types](super::changing_types). By default a server serves both on one socket, and
//! [`call`](crate::call) and [`Client`](crate::Client) begin a session. [`client_send`](crate::client_send) stays on the bare wire.
//! No program tries one wire and then the other: which one a client speaks is written in its source.
//!
//! # The daemon first
//!
//! | client | daemon of 0.3.2 | daemon with [`bare`](crate::ServerBuilder::bare) | daemon, by default | daemon with [`sessions`](crate::ServerBuilder::sessions) |
//! |---|---|---|---|---|
//! | of 0.3.2, `client_send` | works | works | works | closed |
//! | [`bare`](crate::ClientBuilder::bare) | works | works | works | closed |
//! | `call`, `Client` | **no** | closed | works | works |
//!
//! A daemon of 0.3.2 that gets a hello returns an error from `handle_new_messages`, and many daemons exit then. So upgrade the daemon
//! first, restart it, and upgrade its clients afterwards. Where clients must be first, build them with `bare`:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use ipc_server::{CallError, Client};
//!
//! fn level(path: &str) -> Result<u8, CallError> {
//!     Client::builder().bare().connect(path)?.call(&Command::GetLevel)
//! }
//! # assert_eq!(level("/run/no-such-daemon.sock"), Err(CallError::NoServer));
//! ```
//!
//! # Step by step, from 0.3.2
//!
//! 1. Change the version in the daemon and build it. The code [compiles as it is](super::migrating). It serves both wires.
//! 2. Install and restart the daemon. Its old clients work as before.
//! 3. Change the clients from `client_send` to `call` or `Client`. They begin sessions.
//! 4. When no bare client is left, restrict the daemon to [`sessions`](crate::ServerBuilder::sessions). From then on no client can be
//!    misread.
//!
//! Do not edit the types before step 3 is done: bare clients and the daemon must be built from the same types.
//!
//! # From bare clients of 0.4.0
//!
//! `call` and `Client` of 0.4.0 speak the bare wire. With the new version the same source begins sessions. So the daemon is
//! first here too, and clients with `bare` go on as they did.
//!
//! A server's type has changed: the second parameter of [`IpcServer`](crate::IpcServer) is a wire. `IpcServer<Command>` is
//! `IpcServer<Command, Both<Bincode>>`. Where a program writes `IpcServer<Command, Bincode, N, M>`, that is a server of the
//! bare wire, which is built with `bare`:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use ipc_server::codec::Bincode;
//! use ipc_server::unix::BindError;
//! use ipc_server::wire::{Both, Session};
//!
//! fn both(path: &str) -> Result<IpcServer<Command, Both<Bincode>, 4096>, BindError> {
//!     IpcServer::<Command>::builder().capacity::<4096>().bind(path)
//! }
//!
//! fn sessions_only(path: &str) -> Result<IpcServer<Command, Session<Bincode>>, BindError> {
//!     IpcServer::<Command>::builder().sessions().bind(path)
//! }
//!
//! fn bare(path: &str) -> Result<IpcServer<Command, Bincode>, BindError> {
//!     IpcServer::<Command>::builder().bare().bind(path)
//! }
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//! # let path = path.to_str().ok_or("UTF-8")?;
//! # both(path)?;
//! # sessions_only(path)?;
//! # bare(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which setting
//!
//! | setting | for |
//! |---|---|
//! | none: both wires | daemons with clients of 0.3.2, or in other languages |
//! | [`sessions`](crate::ServerBuilder::sessions) | daemons that must never be misread |
//! | [`bare`](crate::ServerBuilder::bare) | the smallest daemons, whose clients are built together with them |
//!
//! A server that serves sessions needs a [capacity](super::capacities) of 128 bytes or more.
//!
//! # Types that need a choice
//!
//! A session begins with the bytes `ff ff ff ff ff 69 70 63`. No enum, option, boolean, text, list or map begins with them, so the server
//! can tell the two wires apart. A number can be those bytes, and so can a tuple or a struct of numbers. Nothing is guessed then: the
//! server does not start, and the client does not send.
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! use ipc_server::unix::BindError;
//! use ipc_server::wire::session::OfferError;
//! use ipc_server::{CallError, Caller, Client, IpcServer, Request};
//! # use std::time::Duration;
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//!
//! #[derive(Serialize, Deserialize)]
//! struct Level(u64);
//! # impl Request for Level { type Response = u64; }
//!
//! let error = IpcServer::<Level>::builder().bind(&path).unwrap_err();
//! assert_eq!(error, BindError::Session(OfferError::Ambiguous));
//!
//! let mut server = IpcServer::<Level>::builder().sessions().bind(&path)?;
//! # let client = std::thread::spawn(move || {
//! assert_eq!(ipc_server::call(&Level(5), &path), Err(CallError::Session(OfferError::Ambiguous)));
//! let mut client = Client::builder().sessions_only().connect(&path)?;
//! assert_eq!(client.call(&Level(5)), Ok(5));
//! # Ok::<(), CallError>(())
//! # });
//! # while !client.is_finished() {
//! #     server.wait(Some(Duration::from_millis(10)))?;
//! #     server.serve(&mut |Level(level), _: Caller| level)?;
//! # }
//! # client.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Best make the command an enum. Otherwise choose one wire on both sides: `sessions` with
//! [`sessions_only`](crate::ClientBuilder::sessions_only), or `bare` with `bare`.
