//! A client that learns the server's types from the server.

use core::fmt;
use core::task::Poll;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builder::Settings;
use super::connect::{Deadline, open};
use super::{CallError, Failed, failed};
use crate::connection::{AskError, Buffers};
use crate::layout::Description;
use crate::peer::PeerCredentials;
use crate::transport::Transport;
use crate::unix::{Errno, SocketAddrUnix, Stream, readiness};
use crate::wire::session::{Server, Taken, Untyped};

/// A connection to a server of any types, which the server describes: what an operator's tool has in place of a [`Client`](crate::Client).
///
/// Commands are what serde can write, such as a `serde_json::Value`, and are written [by name](crate::described::encode_value).
/// It is made by [`connect_untyped`](crate::ClientBuilder::connect_untyped).
///
/// It keeps one connection. A server that does not [keep](crate::ServerBuilder::keep_open) it ends it after one response.
///
/// ```
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// use ipc_server::{Client, IpcServer, Received};
/// use serde_json::{Value, json};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("daemon.sock");
/// # let path = path.to_str().ok_or("UTF-8")?;
/// # let mut server = IpcServer::<Command>::builder().program("fand 1.1.0").bind(path)?;
/// # let daemon = std::thread::spawn(move || {
/// #     let mut level = 3;
/// #     while server.totals().served == 0 {
/// #         server.wait(None).unwrap();
/// #         server.handle_new_messages(&mut level).unwrap();
/// #     }
/// # });
/// let mut client = Client::builder().connect_untyped(path)?;
/// assert_eq!(client.server().program(), "fand 1.1.0");
/// assert_eq!(client.commands().to_string(), "enum Command { GetLevel, SetLevel(u8) }");
///
/// client.send(&json!({ "SetLevel": 5 }))?;
/// assert_eq!(client.receive()?, Received::Response(json!(5)));
/// # daemon.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UntypedClient<const N: usize = 1024, const D: usize = 1024> {
    settings: Settings,
    stream: Stream,
    session: Untyped<D>,
    buffers: Buffers<N>,
}

/// What a server has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<R> {
    /// One response of several. More follow.
    Item(R),
    /// The response, or the last of several.
    Response(R),
}

impl<const N: usize, const D: usize> UntypedClient<N, D> {
    pub(super) fn connect(address: &SocketAddrUnix, settings: Settings) -> Result<Self, CallError> {
        let mut deadline = Deadline::new(settings.deadline);
        let stream = open(address, &settings, &mut deadline)?;
        let mut client = Self { settings, stream, session: Untyped::new(settings.program), buffers: Buffers::new() };
        let capacity = N.saturating_sub(crate::wire::session::frame::HEAD);
        let hello = client.session.begin(capacity, client.buffers.output.spare());
        let hello = hello.map_err(|error| client.failed(error))?;
        client.buffers.output.fill(hello);
        client.flush(&mut deadline)?;
        while client.next(&mut deadline, |_, taken| Ok(matches!(taken, Taken::Described).then_some(())))?.is_none() {}
        Ok(client)
    }

    /// The program at the other end, as it says.
    #[must_use]
    pub const fn server(&self) -> &Server {
        self.session.server()
    }

    /// The user and the process at the other end, as the kernel says.
    #[must_use]
    pub fn peer(&self) -> PeerCredentials {
        self.stream.peer()
    }

    /// The server's command type.
    #[must_use]
    pub fn commands(&self) -> Description<'_> {
        self.session.forms().0
    }

    /// The server's response type.
    #[must_use]
    pub fn responses(&self) -> Description<'_> {
        self.session.forms().1
    }

    /// The name of the server's codec, such as `"bincode"`.
    #[must_use]
    pub fn codec(&self) -> &'static str {
        self.session.codec().unwrap_or_default()
    }

    /// How long the bytes of a command may be, as the server says.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.session.capacity()
    }

    /// How long sending and each [`receive`](Self::receive) may take from now on. It was the builder's
    /// [`deadline`](crate::ClientBuilder::deadline).
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.settings.deadline = deadline;
    }

    /// Sends a command.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. [`NotCarried`](CallError::NotCarried) says that the server has no such command; nothing was sent then.
    pub fn send<T: Serialize + ?Sized>(&mut self, command: &T) -> Result<(), CallError> {
        let length = self.session.ask(command, self.buffers.output.spare()).map_err(|error| self.failed(error))?;
        self.buffers.output.fill(length);
        self.flush(&mut Deadline::new(self.settings.deadline))
    }

    /// Receives what answers the last command.
    ///
    /// # Errors
    ///
    /// See [`CallError`], which says of each whether the command may have been executed.
    pub fn receive<R: DeserializeOwned>(&mut self) -> Result<Received<R>, CallError> {
        let mut deadline = Deadline::new(self.settings.deadline);
        loop {
            let received = self.next(&mut deadline, |session, taken| match taken {
                Taken::Response(content) => session.read(content).map(|read| Some(Received::Response(read))),
                Taken::Item(content) => session.read(content).map(|read| Some(Received::Item(read))),
                _ => Ok(None),
            })?;
            if let Some(received) = received {
                return Ok(received);
            }
        }
    }

    /// Sends all that is to be sent.
    fn flush(&mut self, deadline: &mut Deadline) -> Result<(), CallError> {
        while !self.buffers.output.is_empty() {
            match self.stream.send(self.buffers.output.bytes()) {
                Poll::Ready(Ok(sent)) => self.buffers.output.consume(sent),
                Poll::Ready(Err(Errno::PIPE | Errno::CONNRESET)) => return Err(CallError::Closed { received: 0 }),
                Poll::Ready(Err(errno)) => return Err(errno.into()),
                Poll::Pending => {
                    readiness::wait_for_output(&self.stream, deadline.remaining()?)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the next frame, and has `read` read it. Nothing if it is none that `read` looks for.
    fn next<R>(
        &mut self,
        deadline: &mut Deadline,
        read: impl FnOnce(&Untyped<D>, Taken<'_>) -> Result<Option<R>, AskError<Errno>>,
    ) -> Result<Option<R>, CallError> {
        let peer = Some(self.stream.peer());
        loop {
            let Self { session, stream, buffers: Buffers { input, .. }, .. } = self;
            let mut send = |bytes: &[u8]| matches!(stream.send(bytes), Poll::Ready(Ok(sent)) if sent == bytes.len());
            let (length, taken) = match session.take(input.bytes(), peer, &mut send) {
                Ok(taken) => taken,
                Err(error) => return Err(self.failed(error)),
            };
            if let Taken::Missing(missing) = taken {
                if missing > N - input.len() {
                    let error = Untyped::<D>::too_long(input.bytes(), N);
                    return Err(self.failed(error));
                }
                self.fill(deadline)?;
                continue;
            }
            let outcome = read(session, taken);
            input.consume(length);
            return outcome.map_err(|error| self.failed(error));
        }
    }

    /// Receives more bytes.
    fn fill(&mut self, deadline: &mut Deadline) -> Result<(), CallError> {
        // Also where there is no need to wait: a server may send without end what nobody looks for.
        deadline.remaining()?;
        loop {
            let input = &mut self.buffers.input;
            match self.stream.receive(input.spare()) {
                Poll::Ready(Ok(0) | Err(Errno::CONNRESET)) => return Err(CallError::Closed { received: input.len() }),
                Poll::Ready(Ok(received)) => {
                    input.fill(received);
                    return Ok(());
                }
                Poll::Ready(Err(errno)) => return Err(errno.into()),
                Poll::Pending => {
                    readiness::wait_for_input(&self.stream, deadline.remaining()?)?;
                }
            }
        }
    }

    fn failed(&self, error: AskError<Errno>) -> CallError {
        match failed::<N>(error, Some(self.server())) {
            Failed::ForGood(error) => error,
            Failed::OtherForm | Failed::Unread => CallError::OtherForm,
        }
    }
}

impl<const N: usize, const D: usize> fmt::Debug for UntypedClient<N, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntypedClient")
            .field("settings", &self.settings)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
