//! The client's side: [`Client`], [`call`] and, as published, `client_send`.

mod builder;
mod connect;
mod error;
mod responses;
mod spin;
mod untyped;

use core::fmt;

use crate::unix::Errno;
use crate::unix::PathArg as Arg;
use crate::unix::SocketAddrUnix;

pub use self::builder::ClientBuilder;
use self::builder::Settings;
use self::connect::{Deadline, open};
pub use self::error::CallError;
pub use self::responses::Responses;
use self::spin::Spin;
pub use self::untyped::{Received, UntypedClient};
use crate::codec::{Bincode, EncodeError};
#[cfg(feature = "std")]
use crate::command::IpcServerCommand;
use crate::connection::{AskError, Asked, Asking, Buffers, Parked, Step};
use crate::request::Request;
use crate::unix::{Stream, readiness};
use crate::wire::session::Server;
use crate::wire::{ClientSession, ClientWire};

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
    let outcome = Client::builder().bare().prepare(socket_path).and_then(|mut client| {
        client.call_with(command, || {
            let _ = writeln!(stdout(), "sent command: {command:?}");
        })
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
/// # enum Command { Set(u8) }
/// # impl IpcServerCommand for Command {
/// #     type Response = u8;
/// #     type Context<'a> = ();
/// #     fn process(self, _: &mut Self::Context<'_>) -> u8 { let Self::Set(level) = self; level }
/// # }
/// use ipc_server::Client;
///
/// let mut client = Client::connect("/run/user/1000/daemon.sock")?;
/// for number in 0..3 {
///     println!("{}", client.call(&Command::Set(number))?);
/// }
/// # Ok::<(), ipc_server::CallError>(())
/// ```
pub struct Client<K: ClientWire = ClientSession<Bincode>, const N: usize = 1024> {
    address: SocketAddrUnix,
    settings: Settings,
    stream: Option<Stream>,
    memory: K::Memory,
    buffers: Buffers<N>,
}

impl Client {
    /// Connects to the server at `path`, with the default settings: [sessions](crate::wire::session) of [`Bincode`], 1,024 bytes in
    /// either direction, 10 seconds for each call.
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

/// A call under way: its connection. Dropping it closes the connection, so that a late response is never taken for that of the
/// next call.
struct Exchange<S, K: ClientWire> {
    parked: Parked<S, K>,
    stream: Stream,
    /// Whether the connection is older than the call, so that the server may have closed it before.
    reused: bool,
}

/// Why an attempt at a call brought no response.
enum Failed {
    /// The server has closed the connection and has provably not read the command.
    Unread,
    /// The server executed nothing, for its types have another form, which is known now.
    OtherForm,
    ForGood(CallError),
}

impl<E: Into<CallError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::ForGood(error.into())
    }
}

impl<K: ClientWire, const N: usize> Client<K, N> {
    /// Sends `command` and returns the server's response.
    ///
    /// After an error the connection is closed; the next call opens another.
    ///
    /// # Errors
    ///
    /// See [`CallError`], which says of each whether the command may have been executed.
    #[inline]
    pub fn call<C: Request>(&mut self, command: &C) -> Result<C::Response, CallError> {
        self.call_with(command, || {})
    }

    /// The program at the other end, as far as it has said who it is: nothing before the first call, nor on the bare wire.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        K::server(&self.memory)
    }

    fn connect_now(&mut self) -> Result<(), CallError> {
        self.stream = Some(open(&self.address, &self.settings, &mut Deadline::new(self.settings.deadline))?);
        Ok(())
    }

    /// Calls, and says so when the command has been sent.
    #[inline]
    fn call_with<C: Request>(&mut self, command: &C, mut sent: impl FnMut()) -> Result<C::Response, CallError> {
        let mut deadline = Deadline::new(self.settings.deadline);
        // A server that is replaced by one of another version while this one is learnt is met once.
        let mut adaptations = 2;
        loop {
            match self.attempt(command, &mut deadline, &mut sent) {
                Ok(response) => return Ok(response),
                Err(failed) => self.end(failed, &mut adaptations)?,
            }
        }
    }

    /// Ends the connection after an attempt, and says whether another may bring a response.
    #[cold]
    fn end(&mut self, failed: Failed, adaptations: &mut u32) -> Result<(), CallError> {
        K::disconnected(&mut self.memory);
        match failed {
            Failed::Unread => Ok(()),
            Failed::OtherForm if *adaptations > 0 => {
                *adaptations -= 1;
                Ok(())
            }
            Failed::OtherForm => Err(CallError::OtherForm),
            Failed::ForGood(error) => Err(error),
        }
    }

    #[inline]
    fn attempt<C: Request>(
        &mut self,
        command: &C,
        deadline: &mut Deadline,
        sent: &mut impl FnMut(),
    ) -> Result<C::Response, Failed> {
        let asking = self.begin(command, deadline)?;
        let asked = self.send(asking, deadline)?;
        sent();
        self.receive(asked, deadline)
    }

    /// Encodes the command and finds a connection for it.
    fn begin<C: Request>(&mut self, command: &C, deadline: &mut Deadline) -> Result<Exchange<Asking<C>, K>, Failed> {
        let Self { address, settings, stream, memory, buffers } = self;
        let mut reused = stream.is_some();
        if !K::HAS_SESSIONS {
            // What has come since the last response belongs to no call, and would be taken for the response to this one.
            reused = stream.as_ref().is_some_and(Stream::is_silent);
        }
        let (mut local, is_same) =
            K::local::<C>(memory, settings.program, settings.is_certain).map_err(CallError::Session)?;
        reused &= is_same;
        let parked = Parked::encode(command, buffers, &mut local);
        drop(local);
        let parked = match parked {
            Ok(parked) => parked,
            Err(error) => return Err(failed::<N>(error, K::server(memory))),
        };
        let stream = match stream.take() {
            Some(stream) if reused => stream,
            _ => open(address, settings, deadline)?,
        };
        Ok(Exchange { parked, stream, reused })
    }

    /// Sends the encoded command, in one `send` if the socket takes it.
    fn send<C: Request>(
        &mut self,
        exchange: Exchange<Asking<C>, K>,
        deadline: &mut Deadline,
    ) -> Result<Exchange<Asked<C>, K>, Failed> {
        let Exchange { mut parked, mut stream, reused } = exchange;
        let Self { settings, memory, buffers, .. } = self;
        loop {
            let (local, _) =
                K::local::<C>(memory, settings.program, settings.is_certain).map_err(CallError::Session)?;
            match parked.resume_with(stream, buffers, local).send_command() {
                Ok(Step::Ready(asked)) => {
                    let (parked, stream) = asked.park();
                    return Ok(Exchange { parked, stream, reused });
                }
                Ok(Step::NotYet(asking)) => {
                    readiness::wait_for_output(asking.transport(), deadline.remaining()?)?;
                    (parked, stream) = asking.park();
                }
                // Whatever a closed socket took is gone unread.
                Err(AskError::Transport(Errno::PIPE | Errno::CONNRESET)) if reused => return Err(Failed::Unread),
                Err(AskError::Transport(Errno::PIPE | Errno::CONNRESET)) => {
                    return Err(CallError::Closed { received: 0 }.into());
                }
                Err(error) => return Err(failed::<N>(error, None)),
            }
        }
    }

    /// Receives until the response decodes.
    fn receive<C: Request>(
        &mut self,
        exchange: Exchange<Asked<C>, K>,
        deadline: &mut Deadline,
    ) -> Result<C::Response, Failed> {
        let Exchange { mut parked, mut stream, reused } = exchange;
        let mut spin = Spin::default();
        loop {
            let Self { settings, memory, buffers, .. } = &mut *self;
            let (local, _) =
                K::local::<C>(memory, settings.program, settings.is_certain).map_err(CallError::Session)?;
            let outcome = match parked.resume_with(stream, buffers, local).receive_response() {
                Ok(Step::Ready(response)) => Ok(response),
                Ok(Step::NotYet(asked)) => {
                    if !spin.again(settings.spin.min(settings.deadline)) {
                        readiness::wait_for_input(asked.transport(), deadline.remaining()?)?;
                    }
                    (parked, stream) = asked.park();
                    continue;
                }
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok((response, stream)) => {
                    if K::HAS_SESSIONS && stream.is_none() {
                        K::disconnected(&mut self.memory);
                    }
                    self.stream = stream;
                    return Ok(response);
                }
                Err(error) => error,
            };
            return Err(self.failed(error, reused));
        }
    }

    /// What an attempt has failed of, over a connection that may be older than it.
    #[cold]
    fn failed(&self, error: AskError<Errno>, reused: bool) -> Failed {
        match error {
            // The server closed the connection and had not read all that we sent. It executes no command before
            // it has read the last byte, so this one may be sent again.
            AskError::Transport(Errno::CONNRESET) if reused && !self.buffers.has_input() => Failed::Unread,
            AskError::Transport(Errno::CONNRESET) => {
                CallError::Closed { received: self.buffers.input.bytes().len() }.into()
            }
            error => failed::<N>(error, K::server(&self.memory)),
        }
    }
}

/// What asking `server` has failed of, in a client whose capacity is `N`.
#[cold]
fn failed<const N: usize>(error: AskError<Errno>, server: Option<&Server>) -> Failed {
    Failed::ForGood(match error {
        AskError::OtherForm => return Failed::OtherForm,
        AskError::EmptyCommand => CallError::EmptyCommand,
        AskError::Command(EncodeError::BufferFull) => CallError::CommandTooLarge { capacity: N },
        AskError::Command(error) => CallError::Encode(error),
        AskError::TooLong { capacity } => CallError::CommandTooLarge { capacity },
        AskError::Closed { received } => CallError::Closed { received },
        AskError::Malformed(error) => CallError::Malformed(error),
        AskError::TooLarge { capacity } => CallError::ResponseTooLarge { capacity },
        AskError::Refused(refusal) => CallError::Refusal(refusal),
        AskError::OtherWire => CallError::NotASession,
        AskError::DescriptionTooLong { capacity } => {
            CallError::DescriptionTooLong { capacity, server: server.cloned().unwrap_or_default() }
        }
        AskError::NotCarried(refusal) => CallError::NotCarried { refusal, server: server.cloned().unwrap_or_default() },
        AskError::NeverReadable(error) => CallError::NeverReadable(error),
        AskError::Unreadable(error) => CallError::Unreadable(error),
        AskError::OtherCodec => CallError::OtherCodec,
        AskError::MoreFollow => CallError::MoreFollow,
        AskError::Transport(errno) => errno.into(),
    })
}

impl<K: ClientWire, const N: usize> fmt::Debug for Client<K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("settings", &self.settings)
            .field("capacity", &N)
            .finish_non_exhaustive()
    }
}
