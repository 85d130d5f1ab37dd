//! Unix sockets on Linux, macOS and FreeBSD: every call to the operating system is made in this module.
//!
//! [What differs](crate::guide::systems) from one to the other is behind an interface of its own, and said of each item.
//!
//! [`Listener`] and [`Stream`] are public for those who drive [`Connection`](crate::connection::Connection)s by hand:
//!
//! ```
//! use core::task::Poll;
//! use ipc_server::IpcServerCommand;
//! use ipc_server::connection::{Buffers, Connection, Step};
//! use ipc_server::unix::Listener;
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Serialize, Deserialize, Debug)]
//! # struct Double(u64);
//! # impl IpcServerCommand for Double {
//! #     type Response = u64;
//! #     type Context<'a> = ();
//! #     fn process(self, _: &mut Self::Context<'_>) -> u64 {
//! #         self.0.wrapping_mul(2)
//! #     }
//! # }
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("by-hand.sock");
//! # let path = path.to_str().ok_or("UTF-8")?;
//!
//! let listener = Listener::bind(path)?;
//! # let client = std::thread::spawn({ let path = path.to_owned(); move || ipc_server::Client::builder().bare().connect(path.as_str())?.call(&Double(21)) });
//! let mut buffers = Buffers::<256>::new();
//! let stream = loop {
//!     // A daemon would wait for readiness here: `Listener` and `Stream` are `AsFd`.
//!     if let Poll::Ready(stream) = listener.accept()? {
//!         break stream;
//!     }
//! };
//! println!("process {:?} of user {}", stream.peer().pid, stream.peer().uid);
//!
//! let mut accepted = Connection::new(stream, &mut buffers);
//! let read = loop {
//!     accepted = match accepted.receive::<Double>()? {
//!         Step::Ready(read) => break read,
//!         Step::NotYet(accepted) => accepted,
//!     };
//! };
//! let decision = if read.command().0 > 100 { read.answer(|_, _| 0)? } else { read.process(&mut ())? };
//! let Step::Ready(replied) = decision.send()? else { panic!("a short reply fits the socket's buffer") };
//! replied.close();
//! # assert_eq!(client.join().unwrap()?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod clock;
mod error;
mod file;
mod listener;
mod lock;
pub(crate) mod path;
pub(crate) mod readiness;
mod socket;
#[cfg(all(test, feature = "std"))]
mod tests;
mod user;
mod waker;

// What differs from system to system. Both have the same items; `tests.rs` has what is asked of them.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
mod bsd;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
use self::bsd as system;
#[cfg(target_os = "linux")]
use self::linux as system;

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
compile_error!(
    "the feature `unix` of ipc-server works on Linux, macOS and FreeBSD. On other systems `codec`, `wire` and `connection` \
     work, over a transport of yours: set `default-features = false`"
);

pub use self::error::{AcceptError, BindError};
pub use self::listener::Listener;
pub(crate) use self::listener::Permissions;
pub use self::socket::Stream;
pub(crate) use self::system::alarm;
pub(crate) use self::system::user::{trusted_uid, trusted_uid_of_client};
pub use self::waker::Waker;
pub(crate) use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
pub use rustix::io::Errno;
pub(crate) use rustix::net::SocketAddrUnix;
pub use rustix::path::Arg as PathArg;
