//! From `ipc-server` 0.3.2.
//!
//! # Step one: the version
//!
//! ```toml
//! ipc-server = "0.4"
//! ```
//!
//! Code that was written for 0.3.2 compiles as it is; this is its interface, in one piece:
//!
//! ```
//! use ipc_server::{IpcServer, IpcServerCommand, client_send};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug)]
//! enum Command {
//!     Push { x: u64 },
//! }
//!
//! #[derive(Serialize, Deserialize, Debug)]
//! enum Response {
//!     Pushed,
//! }
//!
//! impl IpcServerCommand for Command {
//!     type Response = Response;
//!     type Context<'a> = &'a mut Vec<u64>;
//!
//!     fn process<'a, 'b>(self, context: &'b mut Self::Context<'a>) -> Self::Response {
//!         let Command::Push { x } = self;
//!         context.push(x);
//!         Response::Pushed
//!     }
//! }
//!
//! fn daemon(path: &str) -> std::io::Result<()> {
//!     let mut server = IpcServer::<Command>::new(path)?;
//!     let mut stack = vec![];
//!     loop {
//!         server.handle_new_messages(&mut stack)?;
//!         std::thread::sleep(std::time::Duration::from_millis(10));
//! #       if path.ends_with("once") { return Ok(()); }
//!     }
//! }
//!
//! fn client(path: &str) {
//!     client_send(&Command::Push { x: 69 }, path);
//! }
//! # let directory = tempfile::tempdir()?;
//! # daemon(directory.path().join("once").to_str().ok_or("UTF-8")?)?;
//! # let _ = client;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The bytes on the wire are the same, so the two sides may be changed at different times: old clients talk to new servers,
//! and `client_send` to old servers. [`call`](crate::call) and [`Client`](crate::Client) need a new server, unless the client is
//! built with [`bare`](crate::ClientBuilder::bare): see [upgrading](super::upgrading).
//!
//! # Step two: what behaves differently
//!
//! - **Starting** no longer deletes what lies at the path. A live server there is
//!   [`InUse`](crate::unix::BindError::InUse), something that is no socket
//!   [`NotASocket`](crate::unix::BindError::NotASocket). `PATH.lock` appears beside the socket and stays.
//! - **Other users** are refused unless [`authorize`](crate::ServerBuilder::authorize) lets them in, also where your code
//!   widened the socket's mode: use [`mode`](crate::ServerBuilder::mode).
//! - **`handle_new_messages`** returns `Err` only if the listening socket is broken: a loop that ignored its errors should
//!   stop doing so. Malformed commands are counted in its `Ok`.
//! - **It no longer sleeps.** 0.3.2 slept for 1 ms in each call with nothing to do, so a loop without a sleep of its own was
//!   kept from spinning by that. Such a loop now needs [`wait`](crate::IpcServer::wait).
//! - **Messages** may be 1,024 bytes long in both versions. Now that is a number that you [choose](super::capacities).
//! - **Errors** are types of the crate. `?` into `std::io::Error` and into `Box<dyn Error>` still works; a `match` on
//!   `ErrorKind` does after `std::io::Error::from`.
//!
//! # Step three: what you gain by changing your code
//!
//! | in place of | write |
//! |---|---|
//! | `client_send(&command, path)`, which prints | [`call(&command, path)?`](crate::call), which returns the response; when the server is new |
//! | a sleep in the loop | `server.wait(Some(timeout))?`, which ends when a client comes |
//! | a thread for the server | the loop that you have: [`event_loops`](super::event_loops) |
//! | several `client_send`s | a [`Client`](crate::Client), and [`keep_open`](crate::ServerBuilder::keep_open) |
//! | a secret in the command | [`process_from`](crate::IpcServerCommand::process_from), which knows the client's user |
