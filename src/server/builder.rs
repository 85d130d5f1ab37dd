//! Settings of a server.

use core::borrow::BorrowMut;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use super::{IpcServer, ServerBuffers};
use crate::codec::{Bincode, Codec};
use crate::peer::PeerCredentials;
use crate::request::Request;
use crate::unix::{BindError, Listener, OwnedFd, PathArg as Arg, Permissions, Stream, trusted_uid};
use crate::wire::{Both, ServerWire, Session};

/// Builds an [`IpcServer`] with other settings than the default ones.
///
/// ```
/// # use ipc_server::IpcServerCommand;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Debug)]
/// # enum Command { Set(u8) }
/// # impl IpcServerCommand for Command {
/// #     type Response = u8;
/// #     type Context<'a> = ();
/// #     fn process(self, _: &mut Self::Context<'_>) -> u8 { let Self::Set(level) = self; level }
/// # }
/// use core::time::Duration;
/// use ipc_server::IpcServer;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("built.sock");
///
/// let server = IpcServer::<Command>::builder()
///     .capacity::<4096>()
///     .connections::<32>()
///     .deadline(Duration::from_secs(1))
///     .keep_open(true)
///     .work_per_call(64)
///     .mode(0o660)
///     .bind(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `F` makes the server's buffers or takes them from whoever [lends](Self::buffers) them.
#[must_use = "a builder does nothing until `bind`"]
pub struct ServerBuilder<
    C,
    K = Both<Bincode>,
    const N: usize = 1024,
    const CONNECTIONS: usize = 8,
    F = fn() -> ServerBuffers<N, CONNECTIONS>,
> {
    settings: Settings,
    program: &'static str,
    buffers: F,
    server: PhantomData<fn() -> (C, K)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) permissions: Permissions,
    pub(super) deadline: Duration,
    pub(super) keep_open: bool,
    pub(super) work_per_call: usize,
    pub(super) spin: Duration,
    /// `None` allows the owner and root; the owner is root where ours does not tell us from others.
    authorize: Option<fn(&PeerCredentials) -> bool>,
    owner: u32,
}

impl Settings {
    #[inline]
    pub(super) fn authorizes(&self, client: &Stream) -> bool {
        match self.authorize {
            Some(authorize) => authorize(&client.peer()),
            None => client.uid() == self.owner || client.uid() == 0,
        }
    }
}

impl<C: Request> ServerBuilder<C> {
    pub(super) fn new() -> Self {
        let settings = Settings {
            permissions: Permissions::OWNER,
            deadline: Duration::from_secs(5),
            keep_open: false,
            work_per_call: 2048,
            spin: Duration::ZERO,
            authorize: None,
            owner: 0,
        };
        Self { settings, program: "", buffers: ServerBuffers::new, server: PhantomData }
    }
}

impl<C: Request, K: ServerWire, const N: usize, const CONNECTIONS: usize> ServerBuilder<C, K, N, CONNECTIONS> {
    /// The longest command and the longest reply, in bytes as encoded. Default: 1,024. In a session eight of them are the head of
    /// a frame. For sessions it is at least 128.
    pub fn capacity<const OTHER: usize>(self) -> ServerBuilder<C, K, OTHER, CONNECTIONS> {
        ServerBuilder {
            settings: self.settings,
            program: self.program,
            buffers: ServerBuffers::new,
            server: PhantomData,
        }
    }

    /// How many connections may wait at once; at least 1. Default: 8.
    ///
    /// A connection whose command is there when it is accepted does not wait. When one has to and every slot is taken, one
    /// that waits is closed: one of the process that holds the most slots; if all hold the same, of the user that does. Of
    /// these it is the one whose client has owed the rest of a command, or has not taken its reply, for longest; if there is
    /// none, the one that has been idle between two commands for longest.
    pub fn connections<const OTHER: usize>(self) -> ServerBuilder<C, K, N, OTHER> {
        ServerBuilder {
            settings: self.settings,
            program: self.program,
            buffers: ServerBuffers::new,
            server: PhantomData,
        }
    }

    /// Lends the server its buffers, by reference or in a `Box`, instead of making them a part of it. They decide the
    /// capacity and how many connections may wait.
    ///
    /// Servers with large buffers, or on a small stack, want that: a value is moved while it is built, which takes stack
    /// and touches memory that is not needed afterwards. See [`ServerBuffers`] for an example.
    pub fn buffers<B, const OTHER: usize, const OTHERS: usize>(
        self,
        buffers: B,
    ) -> ServerBuilder<C, K, OTHER, OTHERS, impl FnOnce() -> B>
    where
        B: BorrowMut<ServerBuffers<OTHER, OTHERS>>,
    {
        ServerBuilder { settings: self.settings, program: self.program, buffers: move || buffers, server: PhantomData }
    }
}

impl<C, K, const N: usize, const CONNECTIONS: usize, B, F> ServerBuilder<C, K, N, CONNECTIONS, F>
where
    C: Request,
    K: ServerWire,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
    F: FnOnce() -> B,
{
    /// Speaks another codec. Default: [`Bincode`].
    ///
    /// The clients must speak the same. Nothing on the bare wire says which it is: a command in one format may happen to be
    /// another command in the other.
    pub fn codec<Other: Codec>(self) -> ServerBuilder<C, K::With<Other>, N, CONNECTIONS, F> {
        ServerBuilder { settings: self.settings, program: self.program, buffers: self.buffers, server: PhantomData }
    }

    /// Serves the bare wire only, which is the published one. By default clients choose between it and sessions.
    ///
    /// The server is smaller, and takes any command type. It can't tell a client of another version from one of its own.
    pub fn bare(self) -> ServerBuilder<C, K::Codec, N, CONNECTIONS, F> {
        ServerBuilder { settings: self.settings, program: self.program, buffers: self.buffers, server: PhantomData }
    }

    /// Serves [sessions](crate::wire::session) only, so that no client of another version is ever misread. By default clients
    /// choose between them and the bare wire.
    pub fn sessions(self) -> ServerBuilder<C, Session<K::Codec>, N, CONNECTIONS, F> {
        ServerBuilder { settings: self.settings, program: self.program, buffers: self.buffers, server: PhantomData }
    }

    /// The name and version of this program, which clients show in their errors. Default: none. Of it at most
    /// [`LONGEST_PROGRAM`](crate::wire::session::LONGEST_PROGRAM) bytes are told.
    ///
    /// ```
    /// # mod level { include!("../../tests/support/level.rs"); }
    /// # use level::*;
    /// use ipc_server::IpcServer;
    ///
    /// let builder = IpcServer::<Command>::builder().program(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")));
    /// ```
    pub fn program(mut self, name_and_version: &'static str) -> Self {
        self.program = name_and_version;
        self
    }

    /// How long one exchange may take, from the accepted connection (or the first byte of a further command) to the
    /// reply's last byte. No single byte resets it. Default: 5 seconds. More than 34 years is no deadline.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        const LONGEST: Duration = Duration::from_secs(1 << 30);

        // The end of a longer one may be beyond what the kernel counts to.
        self.settings.deadline = if deadline > LONGEST { Duration::MAX } else { deadline };
        self
    }

    /// Whether a connection stays open for further commands after its reply. Default: `false`, as the published crate
    /// does. Between two commands it may stay idle for any time, as long as no other connection needs its slot.
    pub fn keep_open(mut self, keep_open: bool) -> Self {
        self.settings.keep_open = keep_open;
        self
    }

    /// The permission bits of the socket's file. Default: `0o600`. Bits other than `0o777` are ignored.
    ///
    /// Those of the default mode are subject to the umask; those set here are not.
    ///
    /// They decide who can connect; [`authorize`](Self::authorize) decides who is heard.
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.permissions = Permissions::from_bits(mode);
        self
    }

    /// How many commands one [`handle_new_messages`](IpcServer::handle_new_messages) executes at most; at least 1.
    /// Default: 2,048, which is more than all connections that can be outstanding when it is called.
    ///
    /// An accepted connection, and a visit to one that waits, count as one command if they bring none. Connections that
    /// have many commands outstanding share the work equally; what is left over is served by the next call.
    pub fn work_per_call(mut self, commands: usize) -> Self {
        self.settings.work_per_call = commands.max(1);
        self
    }

    /// How long [`wait`](IpcServer::wait) looks for the next command again and again before it sleeps, with `sched_yield`
    /// between, if the last call has served somebody. Default: zero, which sleeps at once.
    ///
    /// A client that sends one command after the other is then answered in a fraction of the time, since neither processor goes to
    /// sleep. An idle server sleeps as ever.
    pub fn spin(mut self, spin: Duration) -> Self {
        self.settings.spin = spin;
        self
    }

    /// Which peers are heard. Default: root and the user that this process acts as when it binds; root alone where that user
    /// is the [overflow user](crate::guide::security#user-namespaces) of a user namespace.
    ///
    /// Any other connection is closed before a byte is read.
    pub fn authorize(mut self, authorize: fn(&PeerCredentials) -> bool) -> Self {
        self.settings.authorize = Some(authorize);
        self
    }

    /// Listens at `path`.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn bind(self, path: impl Arg) -> Result<IpcServer<C, K, N, CONNECTIONS, B>, BindError> {
        let offer = self.offer()?;
        let listener = Listener::bind_with(path, self.settings.permissions)?;
        self.listen(listener, offer)
    }

    /// Listens at an abstract address, which has a name of 1 to 107 bytes and no file, as only Linux has. [`mode`](Self::mode) does not apply:
    /// every process in the same network namespace can connect, and [`authorize`](Self::authorize) alone decides who is
    /// heard.
    ///
    /// ```
    /// # mod level { include!("../../tests/support/level.rs"); }
    /// # use level::*;
    /// use ipc_server::Client;
    ///
    /// # let name = format!("ipc-server-example-{}", std::process::id());
    /// let mut server = IpcServer::<Command>::builder().bind_abstract(name.as_bytes())?;
    /// # let server_thread = std::thread::spawn(move || {
    /// #     let mut level = 3;
    /// #     while level == 3 { server.handle_new_messages(&mut level).unwrap(); }
    /// # });
    /// let mut client = Client::builder().trust(|server| server.uid == 0).connect_abstract(name.as_bytes());
    /// # if client.is_err() { client = Client::builder().connect_abstract(name.as_bytes()); }
    /// assert_eq!(client?.call(&Command::SetLevel(5))?, 5);
    /// # server_thread.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Listener::bind_abstract`].
    pub fn bind_abstract(self, name: &[u8]) -> Result<IpcServer<C, K, N, CONNECTIONS, B>, BindError> {
        let offer = self.offer()?;
        self.listen(Listener::bind_abstract(name)?, offer)
    }

    /// Takes over a socket that already listens: systemd's, or what the server that is to be replaced has
    /// [handed over](IpcServer::hand_over). Its file is left alone.
    ///
    /// # Errors
    ///
    /// See [`Listener::adopt`].
    pub fn adopt(self, socket: OwnedFd) -> Result<IpcServer<C, K, N, CONNECTIONS, B>, BindError> {
        let offer = self.offer()?;
        self.listen(Listener::adopt(socket)?, offer)
    }

    fn offer(&self) -> Result<K::Offer, BindError> {
        K::offer::<C, N>(self.program).map_err(BindError::Session)
    }

    fn listen(self, listener: Listener, offer: K::Offer) -> Result<IpcServer<C, K, N, CONNECTIONS, B>, BindError> {
        let settings = Settings { owner: trusted_uid(), ..self.settings };
        IpcServer::listen(settings, listener, offer, (self.buffers)())
    }
}

impl<C, K, const N: usize, const CONNECTIONS: usize, F> fmt::Debug for ServerBuilder<C, K, N, CONNECTIONS, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerBuilder").field(&self.settings).finish()
    }
}
