//! How long messages may be, how many clients may wait, how long, and what that costs.
//!
//! Nothing grows: a server's memory is fixed by two numbers of its type, and the builder sets them.
//!
//! | setting | default | what it decides |
//! |---|---|---|
//! | [`capacity`](crate::ServerBuilder::capacity) `N` | 1,024 bytes | the longest command and the longest reply |
//! | [`connections`](crate::ServerBuilder::connections) `M` | 8 | how many clients may be waited for at once |
//! | [`deadline`](crate::ServerBuilder::deadline) | 5 s | how long a client may take for one exchange |
//! | [`work_per_call`](crate::ServerBuilder::work_per_call) | 2,048 | how much one `handle_new_messages` does at most |
//!
//! # The capacity
//!
//! It is the length of the longest message *as encoded*. Types of fixed size have a longest value; texts and sequences
//! have not, so decide how long they may be. To know, encode the longest one:
//!
//! ```
//! use ipc_server::codec::{Bincode, Codec, EncodeError};
//!
//! #[derive(serde::Serialize)]
//! enum Command {
//!     Rename { id: u32, name: &'static str },
//! }
//!
//! let longest = Command::Rename { id: 1, name: "a name of thirty-two bytes at most" };
//! let mut buffer = [0; 1024];
//! // The variant, the id, the text's length, and its 34 bytes.
//! assert_eq!(Bincode::encode(&longest, &mut buffer), Ok(4 + 4 + 8 + 34));
//! assert_eq!(Bincode::encode(&longest, &mut buffer[..32]), Err(EncodeError::BufferFull));
//! ```
//!
//! Give server and clients the same capacity. A command that is too long fails in the client before anything is sent
//! ([`CommandTooLarge`](crate::CallError::CommandTooLarge)); where the client's capacity is the larger, the server closes
//! the connection. A reply that is too long for the server's capacity is counted as
//! [`failed`](crate::Handled::failed), and its client sees the connection closed: a list that may become long is better
//! asked for in parts.
//!
//! # The connections
//!
//! A client whose command has already arrived is served at once and takes no place, so a place is needed only by those
//! that send slowly, take their reply slowly, or stay connected ([`keep_open`](crate::ServerBuilder::keep_open)). Eight do
//! for operators and scripts. For kept connections, count the clients that stay connected, and some.
//!
//! If all places are taken, a newcomer that must wait takes the place of the one that has waited longest. That one's
//! client sees [`Closed`](crate::CallError::Closed), and [`evicted`](crate::Handled::evicted) counts it: if that
//! number grows, add places.
//!
//! # The memory
//!
//! A server is `(M + 1) * 2 * N` bytes and some words for each place. It is a value, and lies where you put it:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use ipc_server::codec::Bincode;
//!
//! let default = size_of::<IpcServer<Command>>();
//! assert!((9 * 2 * 1024..9 * 2 * 1024 + 2048).contains(&default));
//!
//! let many_small = size_of::<IpcServer<Command, Bincode, 64, 1024>>();
//! assert!(many_small < 288 * 1024);
//! ```
//!
//! While it is built it is moved some times, and unless the compiler optimises that away, the stack must hold about six
//! servers for a moment. A main thread has 8 MiB by default, so up to 1 MiB there is nothing to think of. Build a larger one
//! on a thread with a stack of eight times its size, and keep it in a `Box`:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! # use ipc_server::unix::BindError;
//! use ipc_server::codec::Bincode;
//!
//! type Large = IpcServer<Command, Bincode, 65_536, 31>;
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//! let builder = std::thread::Builder::new().stack_size(8 * size_of::<Large>());
//! let building = builder.spawn(move || -> Result<Box<Large>, BindError> {
//!     let server = IpcServer::<Command>::builder().capacity::<65_536>().connections::<31>().bind(path)?;
//!     Ok(Box::new(server))
//! })?;
//! let mut server = building.join().map_err(|_| "the thread panicked")??;
//! server.handle_new_messages(&mut 3)?;
//! # assert!(size_of::<Large>() > 4 * 1024 * 1024);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Client`](crate::Client) holds `2 * N` bytes.
//!
//! # The deadline
//!
//! It runs from the accepted connection to the reply's last byte, and no single byte resets it, so that it bounds how long a
//! client can hold a place. The crate's own clients send a command in one piece, so that one second is plenty. The *client's* deadline is its own ([`ClientBuilder::deadline`](crate::ClientBuilder::deadline)): give it more
//! than the longest time for which the daemon's loop may be busy with other work.
//!
//! # The work per call
//!
//! One `handle_new_messages` serves whatever was outstanding when it was called. A daemon whose other work must not be late
//! sets fewer turns: with `work_per_call(16)` a burst of clients delays the loop by sixteen exchanges (some 20 µs each, and
//! what your commands take), and the rest is served by the next calls.
