//! Every error message, its cause, and what to do.
//!
//! # A client says
//!
//! **no socket is at the path: start the server, or correct the path**
//! ([`NoServer`](crate::CallError::NoServer)). A relative path is relative to each program's own working directory: give both
//! an absolute one. The daemon removes its socket when it ends.
//!
//! **nobody is listening at the socket: start the server** ([`Refused`](crate::CallError::Refused)). The daemon was killed and
//! left its socket behind, which the next start replaces; or it is between `bind` and `listen`, for an instant; or what lies
//! there is no socket.
//!
//! **no permission to open the socket: run as the server's user** ([`PermissionDenied`](crate::CallError::PermissionDenied)).
//! The socket is its owner's alone unless the daemon was built with [`mode`](crate::ServerBuilder::mode); every directory on
//! the path must be open to you too.
//!
//! **the server belongs to user UID, neither us nor root: check who made the socket**
//! ([`Untrusted`](crate::CallError::Untrusted)). Nothing was sent. If that user is the right one, say so with
//! [`trust`](crate::ClientBuilder::trust). If it is your own, 65534 most often, you are in a
//! [user namespace](super::security#user-namespaces) where it may be anybody's.
//!
//! **the server did not answer in time: see whether it is busy or stopped, then try again or raise the deadline**
//! ([`TimedOut`](crate::CallError::TimedOut)). The daemon's loop does not come round to `handle_new_messages`, or a command
//! takes long; `kill -CONT` wakes a stopped one. The command may have been executed.
//!
//! **the server closed the connection without a reply: see whether it knows this command, codec and user**
//! ([`Closed`](crate::CallError::Closed)). The daemon refused you, did not understand the command, expired or evicted the
//! connection, could not encode its reply, or ended. The daemon knows which: its [`totals`](crate::IpcServer::totals) count
//! it, and with the feature `log` it names you and the reason. On the bare wire the most frequent cause is a client that was
//! built from another version of the command type. In a session it is a daemon that serves the bare wire only, or of
//! `ipc-server` 0.3.2: see [upgrading](super::upgrading).
//!
//! **the server closed the connection after N bytes of an unfinished response: see whether both sides have the same response
//! type** ([`Closed`](crate::CallError::Closed)).
//!
//! **what the server sent is not a response: REASON: see whether both sides have the same types and codec**
//! ([`Malformed`](crate::CallError::Malformed)). The command has probably been executed.
//!
//! **the daemon refuses: REASON; the command was not executed** or **the daemon refuses: REASON; the command was executed**
//! ([`Refusal`](crate::CallError::Refusal)). The daemon has a [name](crate::ServerBuilder::program) and a process here, if they
//! are known. REASON is one of these ([`Reason`](crate::wire::session::Reason)), with more about it behind a colon:
//!
//! | | |
//! |---|---|
//! | **the bytes are not a command** | The client says that it writes in the daemon's form, and does not. Both have the same types on paper: look for `skip_serializing_if` and for impls by hand, with [`layout::check`](crate::layout::check) |
//! | **a command has at most N bytes** | The client's [capacity](super::capacities) is larger than the daemon's |
//! | **this user may not give the command** | The daemon's [`authorize`](crate::Handler::authorize) says so |
//! | **the response is longer than N bytes** | Raise the daemon's [capacity](super::capacities) |
//! | **the response can't be encoded** | The response type is one that no format can hold |
//! | **too many clients are waiting**, **another client needed the slot** | Add [slots](crate::ServerBuilder::connections) |
//! | **the exchange took longer than the server's deadline** | The client was stopped, or raise the [deadline](crate::ServerBuilder::deadline) |
//! | **the server ends** | Try again when it runs |
//! | **the daemon dropped the caller** | The daemon's program decided so |
//! | **its types have another form** | The client writes in a form that is not the daemon's. This crate's clients adapt |
//! | **it does not know this kind of frame**, **it speaks another version of the protocol**, **for a reason unknown here, number N** | One of both programs has a newer version of this crate |
//!
//! **the daemon is of another version (REASON): restart it, or use the client that came with it; nothing was sent**
//! ([`NotCarried`](crate::CallError::NotCarried)). REASON is what can't be said in the daemon's version: a variant, a field or a
//! value. See [changing your types](super::changing_types).
//!
//! **the daemon is of another version, whose responses can't be read: restart it, or use the client that came with it; nothing
//! was executed** ([`NeverReadable`](crate::CallError::NeverReadable)) and **the daemon is of another version, and its response can't
//! be read: restart it, or use the client that came with it; the command was executed**
//! ([`Unreadable`](crate::CallError::Unreadable)). The error's `source` says what the client misses.
//!
//! **the daemon is of another version, and describes its types in more than N bytes: give the client more room with
//! `descriptions`** ([`DescriptionTooLong`](crate::CallError::DescriptionTooLong)). Or restart the daemon.
//!
//! **the daemon answers this command several times: ask for a stream** ([`MoreFollow`](crate::CallError::MoreFollow)). The
//! program asked by [`call`](crate::Client::call), which takes one response. Ask by [`stream`](crate::Client::stream).
//!
//! **the daemon has another codec: build both with the same; nothing was executed** ([`OtherCodec`](crate::CallError::OtherCodec)).
//!
//! **the server's types change their form again and again: try again later** ([`OtherForm`](crate::CallError::OtherForm)). The
//! daemon was replaced by one of another version twice during one call.
//!
//! **what the server sent does not belong to a session: if it serves the bare wire only, build the client with `bare`**
//! ([`NotASession`](crate::CallError::NotASession)). See [upgrading](super::upgrading).
//!
//! **no session is possible with these types: see to the cause** ([`Session`](crate::CallError::Session)). The cause, its
//! `source`, is one of those of [a daemon that does not start](#a-daemon-does-not-start).
//!
//! **the command is longer than N bytes: shorten it, or raise the capacity of client and server**
//! ([`CommandTooLarge`](crate::CallError::CommandTooLarge)) and **the response is longer than N bytes: raise the client's
//! capacity** ([`ResponseTooLarge`](crate::CallError::ResponseTooLarge)). See [`capacities`](super::capacities).
//!
//! **the command can't be encoded: REASON: correct its type** ([`Encode`](crate::CallError::Encode)). Most often the type is
//! one of those that neither format can hold: an iterator of unknown length that is serialized as a sequence, an enum that is
//! `#[serde(untagged)]`, a struct with `#[serde(flatten)]`.
//!
//! **the command type takes no bytes on the wire: give it a variant or a field**
//! ([`EmptyCommand`](crate::CallError::EmptyCommand)). A unit struct encodes to nothing; so does an enum's content, but an enum
//! has its variant.
//!
//! **the socket's path is longer than 107 bytes: choose a shorter one** ([`PathTooLong`](crate::CallError::PathTooLong)) and
//! **the socket's path is empty or contains a NUL byte: correct it** ([`InvalidPath`](crate::CallError::InvalidPath)).
//! The kernel's limit; on macOS and FreeBSD it is 103. A path relative to the working directory may be shorter.
//!
//! **this system has no abstract addresses: choose a path** ([`NoAbstractAddresses`](crate::CallError::NoAbstractAddresses);
//! of a daemon [`NoAbstractAddresses`](crate::unix::BindError::NoAbstractAddresses)). Only Linux has them.
//!
//! **the operating system failed: REASON: see to that first** ([`Os`](crate::CallError::Os)).
//!
//! # A daemon does not start
//!
//! **another server is listening at the socket's path: stop it first** ([`InUse`](crate::unix::BindError::InUse)).
//! It may be one that is just starting or ending. `fuser PATH.lock` names the process.
//!
//! **the directory of the socket's path does not exist: create it first** ([`NoDirectory`](crate::unix::BindError::NoDirectory)).
//!
//! **no permission to create the socket or its lock file: choose a directory that this user can write to**
//! ([`PermissionDenied`](crate::unix::BindError::PermissionDenied)). Under systemd: `RuntimeDirectory=`, or a socket unit.
//!
//! **something that is not a socket lies at the socket's path: move it away or choose another path**
//! ([`NotASocket`](crate::unix::BindError::NotASocket)). It is left alone, since it may be worth something to somebody.
//!
//! **a socket of user UID lies at the socket's path: choose another path** ([`NotOurs`](crate::unix::BindError::NotOurs)).
//! The daemon has run as another user before; remove its socket as that user.
//!
//! **the lock file beside the socket is not a regular file of this user: move it away**
//! ([`BadLockFile`](crate::unix::BindError::BadLockFile)). Like the one before: `PATH.lock` stays when a daemon ends, and is its
//! user's.
//!
//! **the socket's path is longer than 107 bytes: choose a shorter one** ([`PathTooLong`](crate::unix::BindError::PathTooLong)) and
//! **the socket's path is empty or contains a NUL byte** ([`InvalidPath`](crate::unix::BindError::InvalidPath)).
//!
//! **the descriptor is not a Unix stream socket that listens: pass another**
//! ([`NotAListener`](crate::unix::BindError::NotAListener)). In a systemd unit: `ListenStream=` with a path and `Accept=no`.
//!
//! **the server can't take part in sessions: build it with `bare`, or see to the cause**
//! ([`Session`](crate::unix::BindError::Session)). The cause, its `source`, is one of three
//! ([`OfferError`](crate::wire::session::OfferError)): **a bare command of this type may begin as a session does: make it an enum, or
//! choose one wire on both sides** ([types that need a choice](super::upgrading#types-that-need-a-choice)); **the form of the
//! command type or of its response type is unknown** (its own `source`, a [`LayoutError`](crate::layout::LayoutError), says why);
//! **a session needs a capacity of 128 bytes: raise it, or choose the bare wire**.
//!
//! **the operating system refused to set up the socket: REASON** ([`Os`](crate::unix::BindError::Os)).
//!
//! # A daemon's loop ends, or its log says
//!
//! **the listening socket is broken: REASON** ([`ServerError`](crate::ServerError)). No client can cause it. Something in the
//! daemon closed a descriptor that was not its own; or another process that has the socket has shut it down, which is
//! "Invalid argument".
//!
//! **the epoll instance is broken: REASON** (on macOS and FreeBSD a kqueue) and **the timer of the deadlines is broken: REASON**
//! ([`ServerErrorKind`](crate::ServerErrorKind)). Something in the daemon closed a descriptor that was not its own.
//!
//! **the listening socket could not be copied for a successor: REASON** ([`hand_over`](crate::IpcServer::hand_over)). No
//! descriptor is left. The server goes on; try again later.
//!
//! **the peer sent what is not a command: REASON**. The client was built from another version of the command type, speaks
//! another codec, or is no client. REASON says at what the decoder stopped: an unknown variant is a newer client.
//!
//! **the peer does not speak this server's wire**. A bare client asks a server that is restricted to
//! [`sessions`](crate::ServerBuilder::sessions), or what connects is no client. See [upgrading](super::upgrading).
//!
//! **the peer may not give this command**. The daemon's [`authorize`](crate::Handler::authorize) says so. In a session the client was
//! told.
//!
//! **the peer's command is longer than N bytes**. The client's capacity is larger than the server's.
//!
//! **the peer closed the connection after N bytes of an unfinished command**. The client was interrupted; nothing was executed.
//!
//! **the response could not be encoded: REASON**. "The encoding is longer than the buffer" is a reply beyond the capacity. The
//! command was executed, and the client does not know.
//!
//! **the transport failed: REASON**. "Broken pipe" is a client that was gone before its reply.
//!
//! **the command type takes no bytes on the wire: give it a variant or a field**. As above.
//!
//! **the peer is outside our PID namespace, so that the kernel does not name it**
//! ([`UnknownPeer`](crate::unix::AcceptError::UnknownPeer)). The client is in another container, or outside the daemon's own
//! (systemd's `PrivatePIDs=`). Let both share a PID namespace, or run the client inside the daemon's.
//!
//! **no file descriptor or memory is left for a connection: REASON** ([`Exhausted`](crate::unix::AcceptError::Exhausted)). The
//! clients wait in the backlog; accepting begins again by itself after 50 ms. Raise `ulimit -n` (systemd: `LimitNOFILE=`), or
//! look for what the daemon forgets to close.
//!
//! # A client that drives a connection by hand says
//!
//! **the command could not be encoded: REASON**, **the peer closed the connection without a reply**,
//! **the peer closed the connection after N bytes of an unfinished response**, **the peer sent what is not a response: REASON**
//! and **the peer's response is longer than N bytes** ([`AskError`](crate::connection::AskError)). They are what the first
//! section has for the same of a [`Client`](crate::Client). So are, in a session,
//! **the command is longer than the N bytes that the peer takes**, **the command can't be said in the peer's version: REASON**,
//! **the peer's types have another form: ask again**, **responses of the peer's version can't be read**,
//! **the response of the peer's version can't be read**, **the descriptions of the peer's types are longer than N bytes**,
//! **the peer has another codec** and **the peer does not speak sessions**. On a line that never closes, discard what still arrives before
//! the next command: [how](crate::connection#lines-that-never-close).
//!
//! # It compiles and does not work, or does not compile
//!
//! - *An `EncodeError` or `DecodeError` for every value of a type*: neither format describes itself, so
//!   `#[serde(untagged)]`, `#[serde(tag = "..")]`, `#[serde(flatten)]` and `#[serde(skip_serializing_if = "..")]` don't work.
//! - *type annotations needed* at `IpcServer::builder()`: write `IpcServer::<Command>::builder()`.
//! - *`Error: NoServer` and no more*: that is `Debug`, which `main` prints of an error that it returns. `Display` says what to
//!   do: print the error with `{}`.
//! - *mismatched types in `process`*: with `Context<'a> = &'a mut T` the context is a `&mut &mut T`. Fields and methods need no
//!   more than a dot; to assign the whole, write `**context = value`.
//! - *a `const` assertion about a capacity of 0 bytes or about room for a connection*: both are at least 1.
