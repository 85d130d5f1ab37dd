//! The server in a loop of your own, or in that of tokio, mio or calloop.
//!
//! Three rules hold for all of them:
//!
//! 1. **One descriptor.** [`IpcServer`](crate::IpcServer) is `AsFd` (and with `std` `AsRawFd`). Its descriptor is readable
//!    when [`handle_new_messages`](crate::IpcServer::handle_new_messages) has something to do: a new client, more of a
//!    command, room for the rest of a reply, *and a deadline*. A loop that watches it needs no timer for the server.
//! 2. **Never read from it.** It is an epoll instance, or a kqueue. Watch it for reading, and call `handle_new_messages`.
//! 3. **Level or edge.** Where the library tells of readiness as long as it lasts (level-triggered: `poll`, epoll and
//!    calloop by default), one call for each event will do. Where it tells of it once (edge-triggered: tokio, mio), call
//!    until [`wait`](crate::IpcServer::wait) with a timeout of zero says that nothing is left: a call does no more than
//!    its [work per call](crate::ServerBuilder::work_per_call), and of the rest nobody would tell.
//!
//! # No library
//!
//! A daemon that does nothing but serve sleeps in [`wait`](crate::IpcServer::wait); one that has a timer sleeps until
//! then. `wait` returns early when a signal handler has run.
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! # use std::time::{Duration, Instant};
//! # let (mut server, client) = server_and_client();
//! # let mut level = 3;
//! let interval = Duration::from_millis(100);
//! let mut next = Instant::now() + interval;
//! # let mut ticks = 0;
//! # while !client.is_finished() || ticks < 2 {
//! # /*
//! loop {
//! # */
//!     server.wait(Some(next.saturating_duration_since(Instant::now())))?;
//!     server.handle_new_messages(&mut level)?;
//!     if Instant::now() >= next {
//!         next += interval;
//!         // What the daemon does ten times a second.
//! #       ticks += 1;
//!     }
//! }
//! # assert_eq!((client.join().unwrap(), level), (5, 5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A loop that has other descriptors puts the server's beside them: `examples/epoll.rs`. A loop that polls at times of its
//! own choosing just calls `handle_new_messages` then, which costs one system call if there is nothing to do; between
//! two calls it sleeps no longer than [`next_deadline`](crate::IpcServer::next_deadline).
//!
//! # tokio
//!
//! `AsyncFd` over the server, in a task of its own or beside other work; no further thread is needed. The whole program is
//! `examples/tokio.rs`.
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! # use std::time::Duration;
//! use tokio::io::Interest;
//! use tokio::io::unix::AsyncFd;
//!
//! # let (server, client) = server_and_client();
//! # let mut level = 3;
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! // SAFETY: the server keeps its descriptor open and never exchanges it, and it stays in the `AsyncFd`.
//! let mut server = unsafe { AsyncFd::register_with_interest(server, Interest::READABLE) }.map_err(std::io::Error::from)?;
//! # while level != 5 {
//! # /*
//! loop {
//! # */
//!     let mut ready = server.readable_mut().await?;
//!     let server = ready.get_inner_mut();
//!     server.handle_new_messages(&mut level)?;
//!     if !server.wait(Some(Duration::ZERO))? {
//!         ready.clear_ready();
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # assert_eq!(client.join().unwrap(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! tokio before 1.54 has `AsyncFd::with_interest`, which is not `unsafe`. A command runs on the thread that polls the
//! task: what takes long goes to `spawn_blocking`, and the command returns at once.
//!
//! # mio
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! # use std::time::Duration;
//! use std::os::fd::AsRawFd;
//!
//! use mio::unix::SourceFd;
//! use mio::{Events, Interest, Poll, Token};
//!
//! const CONTROL: Token = Token(0);
//!
//! # let (mut server, client) = server_and_client();
//! # let mut level = 3;
//! let mut poll = Poll::new()?;
//! poll.registry().register(&mut SourceFd(&server.as_raw_fd()), CONTROL, Interest::READABLE)?;
//! let mut events = Events::with_capacity(16);
//! # while level != 5 {
//! # /*
//! loop {
//! # */
//!     poll.poll(&mut events, None)?;
//!     for event in &events {
//!         if event.token() == CONTROL {
//!             while server.wait(Some(Duration::ZERO))? {
//!                 server.handle_new_messages(&mut level)?;
//!             }
//!         }
//!     }
//! }
//! # assert_eq!(client.join().unwrap(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # calloop
//!
//! The loop owns a second descriptor of the same epoll instance, and the daemon's state owns the server.
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! use std::os::fd::AsFd;
//!
//! use calloop::generic::Generic;
//! use calloop::{EventLoop, Interest, Mode, PostAction};
//!
//! struct Daemon {
//!     server: IpcServer<Command>,
//!     level: u8,
//! }
//!
//! # let (server, client) = server_and_client();
//! let mut daemon = Daemon { server, level: 3 };
//! let mut event_loop = EventLoop::<Daemon>::try_new()?;
//! let source = Generic::new(daemon.server.as_fd().try_clone_to_owned()?, Interest::READ, Mode::Level);
//! event_loop.handle().insert_source(source, |_, _, daemon| {
//!     daemon.server.handle_new_messages(&mut daemon.level)?;
//!     Ok(PostAction::Continue)
//! })?;
//! # while daemon.level != 5 {
//! # /*
//! loop {
//! # */
//!     event_loop.dispatch(None, &mut daemon)?;
//! }
//! # assert_eq!(client.join().unwrap(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
