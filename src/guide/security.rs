//! Who can do what, by what it is kept, and what is not guarded against.
//!
//! The model is that of the machine: **a user trusts itself and root**. Within one user there are no secrets and no
//! borders; whoever runs as the daemon's user may as well attach a debugger to it.
//!
//! # What the server keeps
//!
//! | threat | what is done |
//! |---|---|
//! | another user connects | the socket's file has mode `0600` from its first instant ([macOS and FreeBSD](super::systems): before the server listens); the kernel refuses to connect |
//! | another user connects all the same (a wider [`mode`](crate::ServerBuilder::mode), an abstract address, a passed descriptor) | each client's user is asked of the kernel (`SO_PEERCRED`, `getpeereid`) and refused before a byte is read, unless [`authorize`](crate::ServerBuilder::authorize) says otherwise |
//! | a client whose process the kernel does not name (outside our PID namespace) | refused |
//! | a second server takes over the path | `PATH.lock` is locked while serving; starting is [`InUse`](crate::unix::BindError::InUse) |
//! | starting or ending deletes what is not ours | only a socket of our own user at which nobody listens is replaced, and only the file that was made here is removed; both are moved aside and looked at again first |
//! | a symlink at the path redirects [`mode`](crate::ServerBuilder::mode) | the mode is set without following symlinks |
//! | a truncated command is executed | never: the decoder itself records that the bytes ran out |
//! | a client that was built from other types | in a [session](crate::wire::session) nothing is executed before both programs have compared their types; see below |
//! | malformed or endless messages | refused as soon as they can't become a command; the capacity bounds the rest |
//! | slow or silent clients | they hold a slot in a table until the deadline, and delay nobody |
//! | a process that takes all slots | when one more is needed, it goes first: the process that holds the most loses its oldest |
//! | a flood of clients | [`work_per_call`](crate::ServerBuilder::work_per_call) bounds one call in commands, also while clients stream; memory is fixed; when descriptors run out, accepting pauses and the open connections go on |
//! | lines forged in the log, or a flood of them | what a client sent is escaped; at most ten lines a second |
//! | a command's bytes left in memory | the buffers are overwritten before the next connection uses them |
//!
//! No client can make `handle_new_messages` return an error. Your own `process` is beyond that: a panic in it is your
//! daemon's, so don't index or add what a client sent without checking.
//!
//! # What a session promises
//!
//! It guards against mistakes. Two honest programs never misread each other, whichever versions they are:
//!
//! - A command is executed only if the client has said that it writes in the daemon's form, and if its bytes use up their frame exactly.
//! - A response is read only in the form in which it was written.
//! - A refusal says whether the command was executed.
//!
//! It does not guard against a program that lies. A fingerprint is a hash that can be forged. A client that claims the daemon's form
//! and writes other bytes may hit a command that it did not mean. It could have sent that command in the first place: whoever may connect may give
//! any command that the daemon authorizes. What a daemon says of itself is its own word too: its name and version,
//! and the form of its types. The client shows the name without control characters, and checks the description before it uses it
//! ([`Description::validate`](crate::layout::Description::validate)).
//!
//! On the [bare](super::upgrading) wire nothing tells one version from another. A daemon that must never be misread is restricted to
//! [`sessions`](crate::ServerBuilder::sessions).
//!
//! # What the client keeps
//!
//! It sends a command only to a server that runs as its own user or as root
//! ([`Untrusted`](crate::CallError::Untrusted) otherwise), so that nobody who gets hold of the path receives what was meant
//! for the daemon. [`trust`](crate::ClientBuilder::trust) widens that.
//!
//! # User namespaces
//!
//! In a user namespace, such as a rootless container's, the kernel shows every user that is not mapped there as one and the
//! same: the overflow user, 65534 unless `/proc/sys/kernel/overflowuid` says otherwise. A daemon or a client that itself acts
//! as that user can't tell its own from strangers. It hears or trusts root alone then, unless
//! [`authorize`](crate::ServerBuilder::authorize) or [`trust`](crate::ClientBuilder::trust) says more.
//!
//! Where all users are mapped (`/proc/self/uid_map` is one range of 4,294,967,295 users, as it is outside of user namespaces)
//! 65534 is a user like any other, most often `nobody`. Where `/proc` is missing, the overflow user is taken to be 65534, and
//! not all users to be mapped. Best give each daemon a user of its own.
//!
//! # Where to put the socket
//!
//! In a directory that only the daemon's user can write to: `$XDG_RUNTIME_DIR` (`/run/user/UID`) for a user's daemon, a
//! directory under `/run` that belongs to the daemon (systemd's `RuntimeDirectory=`) for a system's. In `/tmp` any user can
//! take the path first. That is no danger, since the server then does not start and clients don't trust what is there, but it
//! keeps your daemon from serving.
//!
//! # Letting others in
//!
//! Two doors must be opened, the file's mode and the server's judgement. Here the daemon's group may ask:
//!
//! ```
//! # mod level { include!("../../tests/support/level.rs"); }
//! # use level::*;
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("daemon.sock");
//! const OPERATORS: u32 = 1000;
//!
//! let server = IpcServer::<Command>::builder()
//!     .mode(0o660)
//!     .authorize(|peer| peer.uid == 0 || peer.gid == OPERATORS)
//!     .bind(&path)?;
//! # use std::os::unix::fs::PermissionsExt;
//! # assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o660);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The group is the client's effective one only, not its supplementary groups. Clients of other users must
//! [trust](crate::ClientBuilder::trust) the daemon's user in turn.
//!
//! To let everybody ask and few change, authorise single commands:
//!
//! ```
//! # use ipc_server::{IpcServerCommand, PeerCredentials};
//! # #[derive(serde::Serialize, serde::Deserialize, Debug)]
//! enum Command {
//!     Status,
//!     Stop,
//! }
//!
//! # #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
//! enum Response {
//!     Running,
//!     Stopping,
//!     NotAllowed,
//! }
//!
//! impl IpcServerCommand for Command {
//!     type Response = Response;
//!     type Context<'a> = ();
//!
//!     fn process(self, (): &mut ()) -> Response {
//!         match self {
//!             Command::Status => Response::Running,
//!             Command::Stop => Response::Stopping,
//!         }
//!     }
//!
//!     fn process_from(self, peer: &PeerCredentials, context: &mut ()) -> Response {
//!         match self {
//!             Command::Stop if peer.uid != 0 => Response::NotAllowed,
//!             command => command.process(context),
//!         }
//!     }
//! }
//! # let peer = PeerCredentials::new(1000, 1000, None);
//! # assert_eq!(Command::Stop.process_from(&peer, &mut ()), Response::NotAllowed);
//! # assert_eq!(Command::Status.process_from(&peer, &mut ()), Response::Running);
//! # let root = PeerCredentials::new(0, 0, None);
//! # assert_eq!(Command::Stop.process_from(&root, &mut ()), Response::Stopping);
//! ```
//!
//! Decide by `uid` and `gid`. `pid` is for messages: it is not always known, the process may have ended, and its number may be another's.
//!
//! # What is not guarded against
//!
//! - **Programs of the same user.** They may connect, fill the table, stop the daemon.
//! - **Root.**
//! - **The network.** There is none here. A forwarded socket (see the README) is as safe as what forwards it, and the daemon
//!   sees the forwarder's user.
//! - **A process that passes its connection on.** The kernel names who connected, not who writes.
