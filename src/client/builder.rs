//! Settings of a client.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use crate::unix::PathArg as Arg;
use crate::unix::SocketAddrUnix;

use super::{CallError, Client, UntypedClient};
use crate::codec::{Bincode, Codec};
use crate::connection::Buffers;
use crate::described::Format;
use crate::peer::PeerCredentials;
use crate::unix::path::{SocketPath, abstract_address};
use crate::unix::trusted_uid_of_client;
use crate::wire::{ClientSession, ClientWire};

/// Builds a [`Client`] with other settings than the default ones.
///
/// ```
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// use core::time::Duration;
/// use ipc_server::{CallError, Client};
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("daemon.sock");
/// # let path = path.to_str().ok_or("UTF-8")?;
///
/// let builder = Client::builder().capacity::<4096>().deadline(Duration::from_millis(200));
/// match builder.connect(path) {
///     Ok(mut client) => println!("the level is {}", client.call(&Command::GetLevel)?),
///     Err(CallError::NoServer | CallError::Refused) => println!("the daemon does not run"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `connect`"]
pub struct ClientBuilder<K: ClientWire = ClientSession<Bincode>, const N: usize = 1024> {
    settings: Settings,
    client: PhantomData<fn() -> Client<K, N>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) deadline: Duration,
    pub(super) spin: Duration,
    pub(super) program: &'static str,
    /// Whether the server serves no bare messages.
    pub(super) is_certain: bool,
    /// `None` trusts our own user and root.
    trust: Option<fn(&PeerCredentials) -> bool>,
}

impl Settings {
    pub(super) fn trusts(&self, server: &PeerCredentials) -> bool {
        match self.trust {
            Some(trust) => trust(server),
            None => server.uid == 0 || server.uid == trusted_uid_of_client(),
        }
    }
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            settings: Settings {
                deadline: Duration::from_secs(10),
                spin: Duration::from_micros(50),
                program: "",
                is_certain: false,
                trust: None,
            },
            client: PhantomData,
        }
    }
}

impl<K: Codec, const N: usize> ClientBuilder<K, N> {
    /// Speaks another codec, which must be the server's. Default: [`Bincode`].
    pub fn codec<Other: Codec>(self) -> ClientBuilder<Other, N> {
        ClientBuilder { settings: self.settings, client: PhantomData }
    }
}

impl<K: Format, const D: usize, const N: usize> ClientBuilder<ClientSession<K, D>, N> {
    /// Speaks another codec of this crate, which must be the server's. Default: [`Bincode`].
    pub fn codec<Other: Format>(self) -> ClientBuilder<ClientSession<Other, D>, N> {
        ClientBuilder { settings: self.settings, client: PhantomData }
    }

    /// Speaks the bare wire, which is the published one, in place of sessions: for a server of `ipc-server` 0.3.2, or one that is
    /// built with [`bare`](crate::ServerBuilder::bare).
    ///
    /// Nothing then tells the client that the server has other types.
    pub fn bare(self) -> ClientBuilder<K, N> {
        ClientBuilder { settings: self.settings, client: PhantomData }
    }

    /// How many bytes of the descriptions of the server's types the client has room for, in place of 1,024. They are needed
    /// where the server is of another version.
    pub fn descriptions<const OTHER: usize>(self) -> ClientBuilder<ClientSession<K, OTHER>, N> {
        ClientBuilder { settings: self.settings, client: PhantomData }
    }

    /// Connects a client that knows no types to the server at `path`, which describes its own. The client has the server's codec,
    /// and needs room for the [descriptions](Self::descriptions): 128 KiB is enough for any.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; those that happen before a command is sent. A server that speaks the bare wire only ends the connection
    /// ([`Closed`](CallError::Closed)).
    pub fn connect_untyped(self, path: impl Arg) -> Result<UntypedClient<N, D>, CallError> {
        let path = SocketPath::new(path)?;
        UntypedClient::connect(&SocketAddrUnix::new(path.as_c_str())?, self.settings)
    }

    /// The server serves sessions [only](crate::ServerBuilder::sessions): commands may be of any type, also of one whose bare
    /// messages might begin as a session does.
    pub fn sessions_only(mut self) -> Self {
        self.settings.is_certain = true;
        self
    }

    /// The name and version of this program, which it tells the server. Default: none.
    pub fn program(mut self, name_and_version: &'static str) -> Self {
        self.settings.program = name_and_version;
        self
    }
}

impl<K: ClientWire, const N: usize> ClientBuilder<K, N> {
    /// The longest command and the longest response, in bytes as encoded. Default: 1,024.
    ///
    /// In a session eight bytes of each are the head of its frame; and the first command of a connection leaves together with a
    /// hello of 32 bytes and the name of the program.
    pub fn capacity<const OTHER: usize>(self) -> ClientBuilder<K, OTHER> {
        ClientBuilder { settings: self.settings, client: PhantomData }
    }

    /// How long connecting and each call may take, on the monotonic clock. Default: 10 seconds, which is
    /// longer than a server waits by default: what it closes, the client learns of before its own time is over.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// How long a call asks for its response again and again before it sleeps, with `sched_yield` between; zero sleeps at
    /// once. Default: 50 microseconds.
    ///
    /// A quick response then comes in less than half of the time, and takes less of both processors: waking a processor that
    /// has gone to sleep costs more than asking. A slow one costs this time once.
    pub fn spin(mut self, spin: Duration) -> Self {
        self.settings.spin = spin;
        self
    }

    /// Which servers are sent commands. Default: those of root and of the user that this process acts as; those of root alone
    /// where that user is the [overflow user](crate::guide::security#user-namespaces) of a user namespace.
    pub fn trust(mut self, trust: fn(&PeerCredentials) -> bool) -> Self {
        self.settings.trust = Some(trust);
        self
    }

    /// Connects to the server at `path`.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; those that happen before a command is sent.
    pub fn connect(self, path: impl Arg) -> Result<Client<K, N>, CallError> {
        let mut client = self.prepare(path)?;
        client.connect_now()?;
        Ok(client)
    }

    /// Connects to the server at an abstract address, which has a name of 1 to 107 bytes and no file. Only Linux has such.
    ///
    /// Anybody can listen at any such name, so it matters that the server's user is [trusted](Self::trust).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_abstract(self, name: &[u8]) -> Result<Client<K, N>, CallError> {
        let mut client = self.at(abstract_address(name)?);
        client.connect_now()?;
        Ok(client)
    }

    /// A client that connects when it is first called.
    pub(super) fn prepare(self, path: impl Arg) -> Result<Client<K, N>, CallError> {
        let path = SocketPath::new(path)?;
        Ok(self.at(SocketAddrUnix::new(path.as_c_str())?))
    }

    fn at(self, address: SocketAddrUnix) -> Client<K, N> {
        Client { address, settings: self.settings, stream: None, memory: K::Memory::default(), buffers: Buffers::new() }
    }
}

impl<K: ClientWire, const N: usize> fmt::Debug for ClientBuilder<K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientBuilder").field(&self.settings).finish()
    }
}
