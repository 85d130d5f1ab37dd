//! Linux, macOS and FreeBSD: what differs, and what was run.
//!
//! The feature `unix` works on Linux, on macOS and on FreeBSD. On any other system it does not compile and says so; there
//! [`codec`](crate::codec), [`wire`](crate::wire) and [`connection`](crate::connection) work over a
//! [`Transport`](crate::connection::Transport) of yours.
//!
//! # What was run
//!
//! **Linux**: everything. **macOS and FreeBSD: nothing yet.** For them
//! [`.ci/systems`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/.ci/systems) compiles the library and `ipcctl`
//! (`x86_64-apple-darwin`, `aarch64-apple-darwin`, `x86_64-unknown-freebsd`), and
//! [`.ci/kqueue`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/.ci/kqueue) runs the server's tests on Linux with
//! the code that is for those systems, over a kqueue that is made of epoll. That shows what the code asks of kqueue. It does not
//! show that the kernels answer as their manuals say, and their sockets, files and signals are Linux's there. If you run it on
//! one of them, please tell how it went.
//!
//! # What differs
//!
//! | | Linux | macOS, FreeBSD |
//! |---|---|---|
//! | needs | neither std nor libc | both: the feature `unix` brings them, through the crate nix |
//! | processors | of 32 or 64 bits | of 64 bits |
//! | the server's descriptor | an epoll instance | a kqueue |
//! | the longest path of a socket | 107 bytes | 103 bytes |
//! | abstract addresses | yes | [`NoAbstractAddresses`](crate::unix::BindError::NoAbstractAddresses) |
//! | the peer's user and group | `SO_PEERCRED` | `getpeereid` |
//! | the peer's [process](crate::PeerCredentials::pid) | always known | macOS: the process that used the other end last, if that is still open. FreeBSD: never known |
//! | the socket's file before anybody can connect | has its [mode](crate::ServerBuilder::mode) from its first instant | is made with all permissions less the umask, and has its mode before the server listens: until then nobody can connect |
//! | a client meets a full backlog | waits, until its timeout | [`Refused`](crate::CallError::Refused): try again |
//! | an old socket at the path | replaced if nobody listens: the lock is free *and* the kernel refuses to connect | the same; but a full backlog refuses too. So a server that holds no lock ([adopted](crate::ServerBuilder::adopt), or of another crate) and whose backlog is full is taken for one that has ended |
//! | a file that takes the place of the socket while it is removed | is put back | macOS the same; FreeBSD: the look before the removal is the last |
//! | [`adopt`](crate::ServerBuilder::adopt) of a socket that is bound and does not listen | [`NotAListener`](crate::unix::BindError::NotAListener) | macOS: it listens from then on. FreeBSD as Linux |
//! | a program that another thread executes | inherits none of our descriptors | macOS: may inherit a socket or pipe made in that instant; both systems: the kqueue |
//! | a fork | shares the server | has no kqueue: it must not use the server or drop it, but execute a program, exit, or [forget](core::mem::forget) it |
//! | replies to commands that arrived together | leave together | leave together up to a capacity of 1,024 bytes, one by one above |
//! | the end of a kept connection in [`shutdown`](crate::IpcServer::shutdown) | a command that comes too late fails in the client's `send` | it may be lost: the client sees [`Closed`](crate::CallError::Closed) |
//! | a client that never pauses, in `shutdown` | is stopped after half of the time | is dropped when the time is over |
//! | a listening socket that another process shuts down | is an error of the server | stays as it is |
//!
//! Everything else that this documentation says holds on all three.
