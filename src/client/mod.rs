//! The client's side: [`Client`], [`call`] and, as published, `client_send`.

mod builder;
mod connect;
mod error;
mod spin;

use core::fmt;
use core::marker::PhantomData;

use crate::unix::Errno;
use crate::unix::PathArg as Arg;
use crate::unix::SocketAddrUnix;

pub use self::builder::ClientBuilder;
use self::builder::Settings;
use self::connect::{Deadline, open};
pub use self::error::CallError;
use self::spin::Spin;
use crate::codec::{Bincode, Codec, EncodeError};
#[cfg(feature = "std")]
use crate::command::IpcServerCommand;
use crate::connection::{AskError, Asked, Asking, Buffers, Parked, Step};
use crate::request::Request;
use crate::unix::{Stream, readiness};

/// Sends one command to the server at `path` and returns its response: one connection, closed afterwards.
///
/// It takes at most 10 seconds and 1,024 bytes in either direction; for other limits or several calls see [`Client`].
///
/// ```
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// use ipc_server::CallError;
///
/// match ipc_server::call(&Command::SetLevel(5), "/run/no-such-daemon.sock") {
///     Ok(level) => println!("the level is {level}"),
///     Err(CallError::NoServer | CallError::Refused) => println!("the daemon is not running"),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// # Errors
///
/// See [`CallError`].
pub fn call<C: Request>(command: &C, path: impl Arg) -> Result<C::Response, CallError> {
    Client::builder().prepare(path)?.call(command)
}

/// Sends one command to the server at `socket_path` and prints command and response, as the published crate does.
///
/// Unlike it, it never panics: what goes wrong is printed to the standard error. A program that wants to know calls
/// [`call`].
///
/// ```no_run
/// # mod level { include!("../../tests/support/level.rs"); }
/// # use level::*;
/// // sent command: SetLevel(5)
/// // received response: 5
/// ipc_server::client_send(&Command::SetLevel(5), "/run/user/1000/daemon.sock");
/// ```
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub fn client_send<C: IpcServerCommand>(command: &C, socket_path: &str) {
    use std::io::{Write, stderr, stdout};

    // Writing is tried and not insisted on: `println!` panics if the standard output is closed.
    let outcome = Client::builder().prepare(socket_path).and_then(|mut client| {
        let asking = client.begin(command)?;
        let asked = client.send(asking)?;
        let _ = writeln!(stdout(), "sent command: {command:?}");
        client.receive(asked)
    });
    let _ = match outcome {
        Ok(response) => writeln!(stdout(), "received response: {response:?}"),
        Err(error) => writeln!(stderr(), "failed to send the command to {socket_path}: {error}"),
    };
}

/// A connection to a server, for one or more calls.
///
/// Where the server keeps connections open ([`keep_open`](crate::ServerBuilder::keep_open)), all calls use one. Where it
/// does not, or has been restarted, a call connects anew; it does so only if the server has provably not read the
/// command, so that no command is executed twice.
///
/// ```no_run
/// # use ipc_server::IpcServerCommand;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Debug)]
/// # struct Command(u8);
/// # impl IpcServerCommand for Command {
/// #     type Response = u8;
/// #     type Context<'a> = ();
/// #     fn process(self, _: &mut Self::Context<'_>) -> u8 { self.0 }
/// # }
/// use ipc_server::Client;
///
/// let mut client = Client::connect("/run/user/1000/daemon.sock")?;
/// for number in 0..3 {
///     println!("{}", client.call(&Command(number))?);
/// }
/// # Ok::<(), ipc_server::CallError>(())
/// ```
pub struct Client<K = Bincode, const N: usize = 1024> {
    address: SocketAddrUnix,
    settings: Settings,
    stream: Option<Stream>,
    buffers: Buffers<N>,
    codec: PhantomData<fn() -> K>,
}

impl Client {
    /// Connects to the server at `path`, with the default settings: [`Bincode`], 1,024 bytes in either direction, 5
    /// seconds for each call.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; those that happen before a command is sent.
    pub fn connect(path: impl Arg) -> Result<Self, CallError> {
        Self::builder().connect(path)
    }

    /// A builder for a client with other settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }
}

/// A call under way: its connection and its time. Dropping it closes the connection, so that a late response is never
/// taken for that of the next call.
struct Exchange<S, K> {
    parked: Parked<S, K>,
    stream: Stream,
    deadline: Deadline,
    /// Whether the connection is older than the call, so that the server may have closed it before.
    reused: bool,
}

impl<K: Codec, const N: usize> Client<K, N> {
    /// Sends `command` and returns the server's response.
    ///
    /// After an error the connection is closed; the next call opens another.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. After [`TimedOut`](CallError::TimedOut), [`Closed`](CallError::Closed),
    /// [`Malformed`](CallError::Malformed) and [`ResponseTooLarge`](CallError::ResponseTooLarge) the command may have been
    /// executed.
    pub fn call<C: Request>(&mut self, command: &C) -> Result<C::Response, CallError> {
        let asking = self.begin(command)?;
        let asked = self.send(asking)?;
        self.receive(asked)
    }

    fn connect_now(&mut self) -> Result<(), CallError> {
        self.stream = Some(open(&self.address, &self.settings, &mut Deadline::new(self.settings.deadline))?);
        Ok(())
    }

    /// Encodes the command and finds a connection for it.
    fn begin<C: Request>(&mut self, command: &C) -> Result<Exchange<Asking<C>, K>, CallError> {
        // What has come since the last response belongs to no call, and would be taken for the response to this one.
        let reused = self.stream.as_ref().is_some_and(Stream::is_silent);
        let parked = Parked::encode(command, &mut self.buffers).map_err(failed::<N>)?;
        let mut deadline = Deadline::new(self.settings.deadline);
        let stream = match self.stream.take() {
            Some(stream) if reused => stream,
            _ => open(&self.address, &self.settings, &mut deadline)?,
        };
        Ok(Exchange { parked, stream, deadline, reused })
    }

    /// Sends the encoded command, in one `send` if the socket takes it.
    fn send<C: Request>(&mut self, exchange: Exchange<Asking<C>, K>) -> Result<Exchange<Asked<C>, K>, CallError> {
        let Exchange { mut parked, mut stream, mut deadline, mut reused } = exchange;
        loop {
            match parked.resume(stream, &mut self.buffers).send_command() {
                Ok(Step::Ready(asked)) => {
                    let (parked, stream) = asked.park();
                    return Ok(Exchange { parked, stream, deadline, reused });
                }
                Ok(Step::NotYet(asking)) => {
                    readiness::wait_for_output(asking.transport(), deadline.remaining()?)?;
                    (parked, stream) = asking.park();
                }
                // Whatever a closed socket took is gone unread.
                Err(AskError::Transport(Errno::PIPE | Errno::CONNRESET)) if reused => {
                    Exchange { parked, stream, deadline, reused } = self.begin_again(deadline)?;
                }
                Err(AskError::Transport(Errno::PIPE | Errno::CONNRESET)) => {
                    return Err(CallError::Closed { received: 0 });
                }
                Err(error) => return Err(failed::<N>(error)),
            }
        }
    }

    /// Receives until the response decodes.
    fn receive<C: Request>(&mut self, exchange: Exchange<Asked<C>, K>) -> Result<C::Response, CallError> {
        let Exchange { mut parked, mut stream, mut deadline, mut reused } = exchange;
        let mut spin = Spin::default();
        loop {
            let error = match parked.resume(stream, &mut self.buffers).receive_response() {
                Ok(Step::Ready((response, stream))) => {
                    self.stream = stream;
                    return Ok(response);
                }
                Ok(Step::NotYet(asked)) => {
                    if !spin.again(self.settings.spin.min(self.settings.deadline)) {
                        readiness::wait_for_input(asked.transport(), deadline.remaining()?)?;
                    }
                    (parked, stream) = asked.park();
                    continue;
                }
                Err(error) => error,
            };
            match error {
                // The server closed the connection and had not read all that we sent. It executes no command before
                // it has read the last byte, so this one may be sent again.
                AskError::Transport(Errno::CONNRESET) if reused && !self.buffers.has_input() => {
                    let asking = self.begin_again(deadline)?;
                    Exchange { parked, stream, deadline, reused } = self.send(asking)?;
                }
                AskError::Transport(Errno::CONNRESET) => {
                    return Err(CallError::Closed { received: self.buffers.input.bytes().len() });
                }
                error => return Err(failed::<N>(error)),
            }
        }
    }

    /// The same command over a new connection, within the same time.
    fn begin_again<C: Request>(&self, mut deadline: Deadline) -> Result<Exchange<Asking<C>, K>, CallError> {
        let stream = open(&self.address, &self.settings, &mut deadline)?;
        Ok(Exchange { parked: Parked::again(), stream, deadline, reused: false })
    }
}

/// What asking has failed of, in a client whose capacity is `N`.
fn failed<const N: usize>(error: AskError<Errno>) -> CallError {
    match error {
        AskError::EmptyCommand => CallError::EmptyCommand,
        AskError::Command(EncodeError::BufferFull) => CallError::CommandTooLarge { capacity: N },
        AskError::Command(error) => CallError::Encode(error),
        AskError::Closed { received } => CallError::Closed { received },
        AskError::Malformed(error) => CallError::Malformed(error),
        AskError::TooLarge { capacity } => CallError::ResponseTooLarge { capacity },
        AskError::Transport(errno) => errno.into(),
    }
}

impl<K, const N: usize> fmt::Debug for Client<K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("settings", &self.settings)
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}
