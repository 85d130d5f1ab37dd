//! Without the standard library, without a heap, without an operating system.
//!
//! The crate is `#![no_std]` throughout and allocates nothing. (With `std`, on Linux before 6.4, rustix reads the auxiliary
//! vector into a `Vec` when a program first reads the clock, once.) The features decide how much of it there is:
//!
//! | dependency line | what there is |
//! |---|---|
//! | `ipc-server = "0.4"` | everything but `codec::Postcard` and the log |
//! | `ipc-server = { version = "0.4", default-features = false, features = ["unix"] }` | server and client; on Linux with neither std nor libc |
//! | `ipc-server = { version = "0.4", default-features = false }` | [`codec`](crate::codec) and [`connection`](crate::connection), for any target |
//!
//! serde needs `default-features = false, features = ["derive"]` beside it.
//!
//! # Types without a heap
//!
//! Commands and responses hold what `heapless` offers in place of `String` and `Vec` (its feature `serde`). What does not fit
//! is malformed: its client is closed, and nothing is executed.
//!
//! ```
//! use ipc_server::IpcServerCommand;
//! use ipc_server::codec::{Bincode, Codec, DecodeError};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! enum Command {
//!     Rename(heapless::String<8>),
//!     Sum(heapless::Vec<u16, 4>),
//! }
//!
//! impl IpcServerCommand for Command {
//!     type Response = Option<u16>;
//!     type Context<'a> = &'a mut heapless::String<8>;
//!
//!     fn process(self, name: &mut Self::Context<'_>) -> Option<u16> {
//!         match self {
//!             Command::Rename(new) => {
//!                 **name = new;
//!                 None
//!             }
//!             Command::Sum(numbers) => numbers.iter().try_fold(0_u16, |sum, number| sum.checked_add(*number)),
//!         }
//!     }
//! }
//!
//! let fits = b"\0\0\0\0\x08\0\0\0\0\0\0\0pressure";
//! assert!(matches!(Bincode::decode::<Command>(fits), Ok((Command::Rename(_), 20))));
//! let too_long = b"\0\0\0\0\x09\0\0\0\0\0\0\0pressures";
//! assert!(matches!(Bincode::decode::<Command>(too_long), Err(DecodeError::Custom(_))));
//! ```
//!
//! # On Linux
//!
//! (On macOS and FreeBSD the feature `unix` [needs std](super::systems).)
//!
//! [`IpcServer`](crate::IpcServer), [`Client`](crate::Client) and [`call`](crate::call) are there with the feature `unix`
//! alone: system calls go through rustix, which needs no libc. Paths are `&str`, `&CStr` or `&[u8]`. A program without std
//! brings its own entry point and panic handler: [`examples/tiny-daemon`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/examples/tiny-daemon) is one, whole and in 16 KB, with a script that drives
//! and measures it. It has the server's buffers in a `static` ([`ServerBuffers`](crate::ServerBuffers)).
//!
//! # Anywhere else
//!
//! Implement [`Transport`](crate::connection::Transport) for what you have (a UART, a USB endpoint, a queue), and drive
//! [`Connection`](crate::connection::Connection) over it, as the example of [`connection`](crate::connection) does. A
//! transport that knows no peer leaves `peer()` as it is; then `process` is called, not `process_from`. The
//! [`Buffers`](crate::connection::Buffers) can be a `static`, which takes no room in the binary.
//!
//! Both sides of a link like that speak the same formats as on the socket, and both are there without an operating system:
//! the server's states and the [client's](crate::connection#the-clients-side), which are what
//! [`Client`](crate::Client) itself goes through. Two examples show them:
//!
//! - [`examples/no-os/`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/examples/no-os) is a program with neither std, libc nor an operating system. It drives both sides in turn over two
//!   queues of 16 bytes, as a UART has them, and links with nothing, so that whatever it lacked would be an error.
//!   [`.ci/portable`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/.ci/portable) builds it for Linux and for a Cortex-M (`thumbv7em-none-eabi`), looks at its symbols and runs it. It
//!   takes 14 KiB on the latter, both sides and the formatting of errors included.
//! - `examples/serial.rs` is a daemon and a client at the ends of a serial line, a few bytes at a time:
//!   `cargo run --example serial` plays both over a pseudoterminal, and with `daemon /dev/ttyUSB0` it is one of them.
//!
//! A serial line never closes. That has [consequences](crate::connection#lines-that-never-close): a response without bytes
//! can't be delivered, and a silence must do what closing does elsewhere.
