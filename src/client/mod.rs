//! The client's side: [`Client`], [`call`] and, as published, `client_send`.

mod builder;
mod connect;
mod error;

use core::fmt;
use core::marker::PhantomData;
use core::task::Poll;

use crate::unix::Errno;
use crate::unix::PathArg as Arg;
use crate::unix::SocketAddrUnix;

pub use self::builder::ClientBuilder;
use self::builder::Settings;
use self::connect::{Deadline, open};
pub use self::error::CallError;
use crate::codec::{Bincode, Codec, DecodeError, EncodeError};
use crate::command::IpcServerCommand;
use crate::connection::{Buffers, Transport};
use crate::unix::{Stream, readiness};

/// Sends one command to the server at `path` and returns its response: one connection, closed afterwards.
///
/// It takes at most 5 seconds and 1,024 bytes in either direction; for other limits or several calls see [`Client`].
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
pub fn call<C: IpcServerCommand>(command: &C, path: impl Arg) -> Result<C::Response, CallError> {
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
        let mut exchange = client.begin(command)?;
        client.send(&mut exchange)?;
        let _ = writeln!(stdout(), "sent command: {command:?}");
        client.receive::<C::Response>(exchange)
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
struct Exchange {
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
    pub fn call<C: IpcServerCommand>(&mut self, command: &C) -> Result<C::Response, CallError> {
        let mut exchange = self.begin(command)?;
        self.send(&mut exchange)?;
        self.receive(exchange)
    }

    fn connect_now(&mut self) -> Result<(), CallError> {
        self.stream = Some(open(&self.address, &self.settings, &mut Deadline::new(self.settings.deadline))?);
        Ok(())
    }

    /// Encodes the command and finds a connection for it.
    fn begin<C: IpcServerCommand>(&mut self, command: &C) -> Result<Exchange, CallError> {
        self.buffers.clear();
        let output = &mut self.buffers.output;
        match K::encode(command, output.spare()) {
            Ok(0) => return Err(CallError::EmptyCommand),
            Ok(written) => output.fill(written),
            Err(EncodeError::BufferFull) => return Err(CallError::CommandTooLarge { capacity: N }),
            Err(error) => return Err(CallError::Encode(error)),
        }
        let mut deadline = Deadline::new(self.settings.deadline);
        match self.stream.take() {
            Some(stream) => Ok(Exchange { stream, deadline, reused: true }),
            None => {
                Ok(Exchange { stream: open(&self.address, &self.settings, &mut deadline)?, deadline, reused: false })
            }
        }
    }

    /// Sends the encoded command, in one `send` if the socket takes it.
    fn send(&mut self, exchange: &mut Exchange) -> Result<(), CallError> {
        let mut unsent = self.buffers.output.bytes();
        while !unsent.is_empty() {
            match exchange.stream.send(unsent) {
                Poll::Ready(Ok(sent)) => unsent = unsent.get(sent..).unwrap_or_default(),
                Poll::Pending => {
                    readiness::wait_for_output(&exchange.stream, exchange.deadline.remaining()?)?;
                }
                // Whatever a closed socket took is gone unread.
                Poll::Ready(Err(Errno::PIPE | Errno::CONNRESET)) if exchange.reused => {
                    unsent = self.buffers.output.bytes();
                    self.reconnect(exchange)?;
                }
                Poll::Ready(Err(Errno::PIPE | Errno::CONNRESET)) => return Err(CallError::Closed { received: 0 }),
                Poll::Ready(Err(errno)) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Receives until the response decodes.
    fn receive<R: for<'de> serde::Deserialize<'de>>(&mut self, mut exchange: Exchange) -> Result<R, CallError> {
        loop {
            let input = &mut self.buffers.input;
            match exchange.stream.receive(input.spare()) {
                Poll::Ready(Ok(0)) => return closed::<K, R>(input.bytes()),
                Poll::Ready(Ok(received)) => input.fill(received),
                Poll::Pending => {
                    readiness::wait_for_input(&exchange.stream, exchange.deadline.remaining()?)?;
                    continue;
                }
                // The server closed the connection and had not read all that we sent. It executes no command before
                // it has read the last byte, so this one may be sent again.
                Poll::Ready(Err(Errno::CONNRESET)) if exchange.reused && input.bytes().is_empty() => {
                    self.reconnect(&mut exchange)?;
                    self.send(&mut exchange)?;
                    continue;
                }
                Poll::Ready(Err(Errno::CONNRESET)) => {
                    return Err(CallError::Closed { received: input.bytes().len() });
                }
                Poll::Ready(Err(errno)) => return Err(errno.into()),
            }
            match K::decode_within::<R>(input.bytes(), N) {
                Ok((response, used)) => {
                    // Bytes behind the response would be taken for the next one.
                    self.stream = (used == input.bytes().len()).then_some(exchange.stream);
                    return Ok(response);
                }
                Err(DecodeError::Incomplete) if !input.is_full() => {}
                Err(DecodeError::Incomplete | DecodeError::BeyondCapacity(_)) => {
                    return Err(CallError::ResponseTooLarge { capacity: N });
                }
                Err(error) => return Err(CallError::Malformed(error)),
            }
        }
    }

    fn reconnect(&self, exchange: &mut Exchange) -> Result<(), CallError> {
        exchange.stream = open(&self.address, &self.settings, &mut exchange.deadline)?;
        exchange.reused = false;
        Ok(())
    }
}

/// The server has closed the connection after `received`, which is not a whole response.
fn closed<K: Codec, R: for<'de> serde::Deserialize<'de>>(received: &[u8]) -> Result<R, CallError> {
    // A response without bytes arrives as nothing but the end.
    if received.is_empty() {
        if let Ok((response, _)) = K::decode::<R>(received) {
            return Ok(response);
        }
    }
    Err(CallError::Closed { received: received.len() })
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
