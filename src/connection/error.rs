//! How a connection ends early, on the server's side, with whose fault that is, and on the client's.

use core::fmt;

use crate::codec::{DecodeError, EncodeError};
use crate::described;
use crate::wire::session::Refusal;

const EMPTY_COMMAND: &str = "the command type takes no bytes on the wire: give it a variant or a field";

/// Why a connection ended before its exchange did. The connection is closed.
///
/// `E` is the error of its [`Transport`](super::Transport).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionError<E> {
    /// The peer closed the connection, or its sending side, after `received` bytes of a command. Nothing was executed.
    Closed {
        /// How many bytes of the unfinished command had arrived; 0 if the peer closed between commands.
        received: usize,
    },
    /// What the peer sent is not a command. Nothing was executed.
    Malformed(DecodeError),
    /// The peer's command is longer than the connection's capacity. Nothing was executed.
    TooLarge {
        /// The capacity, in bytes.
        capacity: usize,
    },
    /// The peer speaks the other of the two [wires](crate::wire), or breaks the rules of this one. Nothing was executed.
    OtherWire,
    /// The [handler](crate::Handler::authorize) does not let the peer give this command. It was not executed.
    NotAuthorized,
    /// The daemon [declines](crate::Answer::Declined) to execute the command, and the peer's wire has no way to say so.
    Declined,
    /// The command type takes no bytes on the wire, so that nothing could be told from a command. Nothing was executed.
    EmptyCommand,
    /// The response could not be encoded: too long for the capacity, or not encodable at all. The command was executed.
    Response(EncodeError),
    /// The peer speaks the bare wire, which carries one response to a command and nothing else: not a second one, nor a reason why there
    /// is none.
    OneResponse,
    /// The transport failed.
    Transport(E),
}

/// Who caused a [`ConnectionError`].
///
/// ```
/// use ipc_server::codec::DecodeError;
/// use ipc_server::connection::{ConnectionError, Fault};
///
/// let error = ConnectionError::<std::io::Error>::Malformed(DecodeError::UnknownVariant(9));
/// assert_eq!(error.fault(), Fault::Peer);
/// assert_eq!(error.to_string(), "the peer sent what is not a command: an enum has no variant of index 9");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer: it left early or sent what is not a command.
    Peer,
    /// This program: its types or its capacity do not suit what it does.
    Local,
    /// The transport in between, which includes a peer that is gone before its reply.
    Transport,
}

impl<E> ConnectionError<E> {
    /// Who caused it.
    ///
    /// ```
    /// use ipc_server::codec::{DecodeError, EncodeError};
    /// use ipc_server::connection::{ConnectionError, Fault};
    ///
    /// let garbage = ConnectionError::<std::io::Error>::Malformed(DecodeError::InvalidBool(7));
    /// assert_eq!(garbage.fault(), Fault::Peer);
    /// let too_long = ConnectionError::<std::io::Error>::Response(EncodeError::BufferFull);
    /// assert_eq!(too_long.fault(), Fault::Local);
    /// ```
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Malformed(DecodeError::NotSelfDescribing)
            | Self::EmptyCommand
            | Self::Response(_)
            | Self::OneResponse => Fault::Local,
            Self::Closed { .. }
            | Self::Malformed(_)
            | Self::TooLarge { .. }
            | Self::OtherWire
            | Self::NotAuthorized
            | Self::Declined => Fault::Peer,
            Self::Transport(_) => Fault::Transport,
        }
    }
}

impl<E: fmt::Display> fmt::Display for ConnectionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { received: 0 } => f.write_str("the peer closed the connection"),
            Self::Closed { received } => {
                write!(f, "the peer closed the connection after {received} bytes of an unfinished command")
            }
            Self::Malformed(error) => write!(f, "the peer sent what is not a command: {error}"),
            Self::TooLarge { capacity } => write!(f, "the peer's command is longer than {capacity} bytes"),
            Self::OtherWire => f.write_str("the peer does not speak this server's wire"),
            Self::NotAuthorized => f.write_str("the peer may not give this command"),
            Self::Declined => f.write_str("the daemon declines to execute this command now"),
            Self::EmptyCommand => f.write_str(EMPTY_COMMAND),
            Self::Response(error) => write!(f, "the response could not be encoded: {error}"),
            Self::OneResponse => f.write_str("the peer's wire carries one response and nothing else"),
            Self::Transport(error) => write!(f, "the transport failed: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ConnectionError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Response(error) => Some(error),
            Self::Transport(error) => Some(error),
            Self::Closed { .. }
            | Self::TooLarge { .. }
            | Self::OtherWire
            | Self::NotAuthorized
            | Self::Declined
            | Self::OneResponse
            | Self::EmptyCommand => None,
        }
    }
}

/// Why asking brought no response. The connection is closed.
///
/// `E` is the error of its [`Transport`](super::Transport). It is what a `CallError` is on a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskError<E> {
    /// The command type takes no bytes on the wire. Nothing was sent.
    EmptyCommand,
    /// The command could not be encoded: too long for the capacity, or not encodable at all. Nothing was sent.
    Command(EncodeError),
    /// The command is longer than the server takes. Nothing was sent.
    TooLong {
        /// How many bytes a command may have.
        capacity: usize,
    },
    /// The peer's types are of another version, in which the command can't be said. Nothing was sent.
    NotCarried(described::Refusal),
    /// The peer closed the connection, or its sending side, after `received` bytes of the response. It may have executed
    /// the command.
    Closed {
        /// How many bytes of the unfinished response had arrived.
        received: usize,
    },
    /// What the peer sent is not a response. It may have executed the command.
    Malformed(DecodeError),
    /// The response is longer than the connection's capacity. The peer has executed the command.
    TooLarge {
        /// The capacity, in bytes.
        capacity: usize,
    },
    /// The peer refuses to answer. It says why, and whether it executed the command.
    Refused(Refusal),
    /// The peer's types have another form than those in which the command was written. It executed nothing. The link knows
    /// the peer's form now: ask again over a new connection.
    OtherForm,
    /// What the peer sent does not belong to a session. It may have executed the command.
    OtherWire,
    /// The descriptions of the peer's types are longer than the link has room for. The peer executed nothing.
    DescriptionTooLong {
        /// How much room there is, in bytes.
        capacity: usize,
    },
    /// The peer's types are of another version, whose responses can't be read. The peer executed nothing.
    NeverReadable(described::DecodeError),
    /// The peer's types are of another version, and this response can't be read. The peer executed the command.
    Unreadable(described::DecodeError),
    /// The peer has another codec, or does not describe its types as they are. It executed nothing.
    OtherCodec,
    /// The peer answers several times, and one response was asked for. It has executed the command, or begun to.
    MoreFollow,
    /// The transport failed. The peer may have executed the command.
    Transport(E),
}

impl<E: fmt::Display> fmt::Display for AskError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyCommand => f.write_str(EMPTY_COMMAND),
            Self::Command(error) => write!(f, "the command could not be encoded: {error}"),
            Self::Closed { received: 0 } => f.write_str("the peer closed the connection without a reply"),
            Self::Closed { received } => {
                write!(f, "the peer closed the connection after {received} bytes of an unfinished response")
            }
            Self::TooLong { capacity } => {
                write!(f, "the command is longer than the {capacity} bytes that the peer takes")
            }
            Self::NotCarried(refusal) => write!(f, "the command can't be said in the peer's version: {refusal}"),
            Self::NeverReadable(_) => f.write_str("responses of the peer's version can't be read"),
            Self::Unreadable(_) => f.write_str("the response of the peer's version can't be read"),
            Self::OtherCodec => f.write_str("the peer has another codec"),
            Self::MoreFollow => f.write_str("the peer answers several times"),
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::OtherForm => f.write_str("the peer's types have another form: ask again"),
            Self::OtherWire => f.write_str("the peer does not speak sessions"),
            Self::DescriptionTooLong { capacity } => {
                write!(f, "the descriptions of the peer's types are longer than {capacity} bytes")
            }
            Self::Malformed(error) => write!(f, "the peer sent what is not a response: {error}"),
            Self::TooLarge { capacity } => write!(f, "the peer's response is longer than {capacity} bytes"),
            Self::Transport(error) => write!(f, "the transport failed: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for AskError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Command(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::Transport(error) => Some(error),
            Self::NeverReadable(error) | Self::Unreadable(error) => Some(error),
            Self::EmptyCommand
            | Self::OtherCodec
            | Self::MoreFollow
            | Self::NotCarried(_)
            | Self::TooLong { .. }
            | Self::Closed { .. }
            | Self::TooLarge { .. }
            | Self::Refused(_)
            | Self::OtherForm
            | Self::OtherWire
            | Self::DescriptionTooLong { .. } => None,
        }
    }
}
