//! How long messages may be, how many clients may wait, how long, and what that costs.
//!
//! Nothing grows: a server's memory is fixed by two numbers of its type, and the builder sets them.
//!
//! | setting | default | what it decides |
//! |---|---|---|
//! | [`capacity`](crate::ServerBuilder::capacity) `N` | 1,024 bytes | the longest command and the longest reply |
//! | [`connections`](crate::ServerBuilder::connections) `M` | 8 | how many clients may be waited for at once |
//! | [`deadline`](crate::ServerBuilder::deadline) | 5 s | how long a client may take for one exchange |
//! | [`Deep`](crate::codec::Deep) | 128 levels | how deep a message may nest |
//! | [`work_per_call`](crate::ServerBuilder::work_per_call) | 2,048 | how many commands one `handle_new_messages` executes at most |
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
//! The compiler cannot work that out: serde describes values, not types, so a `Serialize` type has no longest encoding that a
//! constant could hold. Where it matters, state the longest command beside the type and have the compiler hold the capacity
//! to it, and a test such as the one above hold the statement to the truth (for postcard, its derive macro `MaxSize` states
//! it):
//!
//! ```
//! const LONGEST_COMMAND: usize = 4 + 4 + 8 + 34;
//! const CAPACITY: usize = 64;
//! const _: () = assert!(LONGEST_COMMAND <= CAPACITY, "the longest command does not fit the server's buffers");
//! ```
//!
//! A capacity of 0, and room for no connection, do not compile:
//!
//! ```compile_fail,E0080
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! // a capacity of 0 bytes can hold no message
//! let server = IpcServer::<Command>::builder().capacity::<0>().bind("/run/daemon.sock");
//! ```
//!
//! Give server and clients the same capacity. A command that is too long fails in the client before anything is sent
//! ([`CommandTooLarge`](crate::CallError::CommandTooLarge)); where the client's capacity is the larger, the server refuses the
//! command. A reply that is too long for the server's capacity is counted as [`failed`](crate::Handled::failed), and refused too. In a
//! session a refusal says so and names the capacity; on the bare wire the client sees the connection closed. A list that may
//! become long is better asked for in parts.
//!
//! In a session each message has a head of eight bytes before it, so a message may have `N - 8` bytes. One that
//! goes with the hello may have `N - 40`, less the length of the program's name. Both sides need a capacity of 128 bytes at least.
//!
//! # The connections
//!
//! A client whose command has already arrived is served at once and takes no slot, so a slot is needed only by those
//! that send slowly, take their reply slowly, or stay connected ([`keep_open`](crate::ServerBuilder::keep_open)). Eight do
//! for operators and scripts. For kept connections, count the clients that stay connected, and some.
//!
//! If all slots are taken and another connection must wait, one of the process that holds the most slots is closed, so that a
//! process that floods the server evicts itself. If all processes hold the same, the user that holds the most decides, and so
//! it does where the system does not tell the process. Of these connections it is the one that has owed the rest of its command longest; if none owes anything, the one that has been
//! idle longest. (In a table of more than 64 connections that wait, the oldest 64 are compared.) Its client sees
//! [`Closed`](crate::CallError::Closed), and [`evicted`](crate::Handled::evicted) counts it: if that number grows, add slots.
//!
//! # The memory
//!
//! On a target of 64 bits, in bytes:
//!
//! | | |
//! |---|---|
//! | a server of the [bare](crate::ServerBuilder::bare) wire | `552 + 80 M + (M + 1) (2 N + 48)`, rounded up to a multiple of 8 |
//! | a server of both wires, which is the default | 48 + 8 `M` more |
//! | the feature `log` | 32 more |
//! | a bare [`Client`](crate::Client) | `200 + (2 N + 48)` |
//! | a client with sessions, which is the default, and room for `D` bytes of [descriptions](crate::ClientBuilder::descriptions) | `D + 176` more; `D` is 1,024 by default |
//!
//! The crate's tests hold them to it.
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use ipc_server::codec::Bincode;
//!
//! # if cfg!(all(target_pointer_width = "64", not(feature = "log"))) {
//! assert_eq!(size_of::<IpcServer<Command>>(), 20_168);
//! assert_eq!(size_of::<IpcServer<Command, Bincode>>(), 20_056);
//! assert_eq!(size_of::<IpcServer<Command, Bincode, 256, 1>>(), 1_752);
//! # }
//! ```
//!
//! All of it that depends on `N` is in [`ServerBuffers`](crate::ServerBuffers). By default they are a part of the server,
//! which is a value and lies where you put it. But a value is moved while it is built, so that the stack must hold some copies
//! for a moment. Where that is too much, [lend](crate::ServerBuilder::buffers) the server its buffers:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use ipc_server::ServerBuffers;
//! use std::sync::Mutex;
//!
//! /// 4 MiB that take no room in the binary.
//! static BUFFERS: Mutex<ServerBuffers<65_536, 31>> = Mutex::new(ServerBuffers::new());
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//! let mut buffers = BUFFERS.lock()?;
//! let mut server = IpcServer::<Command>::builder().buffers(&mut *buffers).bind(&path)?;
//! server.handle_new_messages(&mut 3)?;
//! assert!(size_of_val(&server) < 4096);
//! # drop(server);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Of the buffers only what is used becomes resident: the system provides a page of memory when it is first written.
//!
//! # The depth
//!
//! A command type that contains itself takes stack for each level that a message nests, so the codecs refuse more than
//! [128 levels](crate::codec::MAX_DEPTH). [`Deep`](crate::codec::Deep) raises that for one server and its clients:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use ipc_server::codec::{Bincode, Deep};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//! let server = IpcServer::<Command>::builder().codec::<Deep<Bincode, 500>>().bind(&path)?;
//! # drop(server);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The rule for decoding: a level takes twice the size of the type that contains itself and some 120 bytes more, in a debug
//! build ten times its size and some 900 bytes. Measured at 128 levels:
//!
//! | type, `size_of` | optimised | debug |
//! |---|---|---|
//! | `Not(Box<Self>)`, 8 bytes | 7 KiB | 71 KiB |
//! | `List(Vec<Self>)`, 24 bytes | 39 KiB | 227 KiB |
//! | `Next(heapless::String<64>, Box<Self>)`, 80 bytes | 31 KiB | 215 KiB |
//! | the same with `heapless::String<1024>`, 1,040 bytes | 275 KiB | 1.4 MiB |
//!
//! A thread of Rust's standard library has 2 MiB, the main thread mostly 8 MiB. Put what is large behind a `Box` or an index,
//! or keep large and recursive apart.
//!
//! A command that does not contain itself is one level, but it is a *value*: it is returned, moved and handed to `process`,
//! and without optimisation each step keeps a copy of its own. To decode a command with 60 KiB inline takes 250 KiB of stack,
//! in a debug build 1 MiB, and the exchange around it keeps copies too: too much for a thread of 2 MiB. Give such a program a
//! larger stack (`std::thread::Builder::stack_size`), or send large contents in parts.
//!
//! # The deadline
//!
//! It runs from the accepted connection to the reply's last byte, and no single byte resets it, so that it bounds how long a
//! client can hold a place. The crate's own clients send a command in one piece, so that one second is plenty. The *client's*
//! deadline is its own ([`ClientBuilder::deadline`](crate::ClientBuilder::deadline)): give it more than the longest time for
//! which the daemon's loop may be busy with other work.
//!
//! # The work per call
//!
//! One `handle_new_messages` serves each connection that was ready when it was called once: the commands that one buffer
//! holds. It executes at most `work_per_call` commands, which connections that have many share equally. The rest is served by
//! the next calls, and what arrives meanwhile too, so that no stream of commands keeps the daemon's loop from turning. A
//! daemon whose other work must not be late sets less: with `work_per_call(16)` a burst of clients delays the loop by sixteen
//! exchanges (some 20 µs each, and what your commands take).
