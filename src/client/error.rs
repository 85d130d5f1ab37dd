//! How a call can fail.

use core::fmt;

use crate::unix::Errno;

use crate::codec::{DecodeError, EncodeError};
use crate::described;
use crate::unix::path::{LONGEST, PathError};
use crate::wire::session::{OfferError, Refusal, Server};

/// Why a call brought no response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The socket's path is longer than 107 bytes (on macOS and FreeBSD 103). Nothing was sent.
    PathTooLong,
    /// The socket's path is empty or contains a NUL byte. Nothing was sent.
    InvalidPath,
    /// The system has no abstract addresses: only Linux has. Nothing was sent.
    NoAbstractAddresses,
    /// Nothing lies at the path. Nothing was sent.
    NoServer,
    /// What lies at the path is not listened at: a socket that a server left behind, or no socket. Nothing was sent.
    ///
    /// On macOS and FreeBSD also a server refuses whose backlog is full; on Linux the client waits for it.
    Refused,
    /// The permissions of the socket or its directory keep us out. Nothing was sent.
    PermissionDenied,
    /// The server is neither our own user's nor root's. Nothing was sent.
    Untrusted {
        /// The user that the server acts as.
        uid: u32,
    },
    /// The command type takes no bytes on the wire. Nothing was sent.
    EmptyCommand,
    /// The command is longer than the client's capacity. Nothing was sent.
    CommandTooLarge {
        /// The capacity, in bytes.
        capacity: usize,
    },
    /// The command can't be encoded. Nothing was sent.
    Encode(EncodeError),
    /// The server did not take the connection or did not answer in time. It may have executed the command.
    TimedOut,
    /// The server closed the connection after `received` bytes of an unfinished response. It may have executed the
    /// command.
    Closed {
        /// How many bytes of the response had arrived.
        received: usize,
    },
    /// What the server sent is not a response. It may have executed the command.
    Malformed(DecodeError),
    /// The response is longer than the client's capacity. The server has executed the command.
    ResponseTooLarge {
        /// The capacity, in bytes.
        capacity: usize,
    },
    /// The server refuses to answer. It says why, and whether it executed the command.
    Refusal(Refusal),
    /// The server's types changed their form again and again. It executed nothing.
    OtherForm,
    /// What the server sent does not belong to a [session](crate::wire::session). It may have executed the command.
    NotASession,
    /// The descriptions of the server's types are longer than the client has [room](crate::ClientBuilder::descriptions) for.
    /// The server executed nothing.
    DescriptionTooLong {
        /// How much room there is, in bytes.
        capacity: usize,
        /// The server.
        server: Server,
    },
    /// The server is of another version, in which this command can't be said: it has no such variant or field, or not for this
    /// value. Nothing was sent.
    NotCarried {
        /// What can't be said, and why.
        refusal: described::Refusal,
        /// The server.
        server: Server,
    },
    /// The server is of another version, whose responses can't be read, whatever they are. It executed nothing.
    NeverReadable(described::DecodeError),
    /// The server is of another version, and its response can't be read. It executed the command.
    Unreadable(described::DecodeError),
    /// The server has another codec. It executed nothing.
    OtherCodec,
    /// The server answers several times: ask by [`stream`](crate::Client::stream). It has executed the command, or begun to.
    MoreFollow,
    /// The client can't take part in a session with these types. Nothing was sent.
    Session(OfferError),
    /// The operating system failed.
    Os(Errno),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong => write!(f, "the socket's path is longer than {LONGEST} bytes: choose a shorter one"),
            Self::InvalidPath => f.write_str("the socket's path is empty or contains a NUL byte: correct it"),
            Self::NoAbstractAddresses => f.write_str("this system has no abstract addresses: choose a path"),
            Self::NoServer => f.write_str("no socket is at the path: start the server, or correct the path"),
            Self::Refused => f.write_str("nobody is listening at the socket: start the server"),
            Self::PermissionDenied => f.write_str("no permission to open the socket: run as the server's user"),
            Self::Untrusted { uid } => {
                write!(f, "the server belongs to user {uid}, neither us nor root: check who made the socket")
            }
            Self::EmptyCommand => f.write_str("the command type takes no bytes on the wire: give it a variant or a field"),
            Self::CommandTooLarge { capacity } => write!(
                f,
                "the command is longer than {capacity} bytes: shorten it, or raise the capacity of client and server"
            ),
            Self::Encode(error) => write!(f, "the command can't be encoded: {error}: correct its type"),
            Self::TimedOut => f.write_str(
                "the server did not answer in time: see whether it is busy or stopped, then try again or raise the deadline",
            ),
            Self::Closed { received: 0 } => f.write_str(
                "the server closed the connection without a reply: see whether it knows this command, codec and user",
            ),
            Self::Closed { received } => write!(
                f,
                "the server closed the connection after {received} bytes of an unfinished response: see whether both sides \
                 have the same response type"
            ),
            Self::Malformed(error) => write!(
                f,
                "what the server sent is not a response: {error}: see whether both sides have the same types and codec"
            ),
            Self::ResponseTooLarge { capacity } => {
                write!(f, "the response is longer than {capacity} bytes: raise the client's capacity")
            }
            Self::Refusal(refusal) => fmt::Display::fmt(refusal, f),
            Self::OtherForm => f.write_str("the server's types change their form again and again: try again later"),
            Self::NotASession => f.write_str(
                "what the server sent does not belong to a session: if it serves the bare wire only, build the client with `bare`",
            ),
            Self::DescriptionTooLong { capacity, server } => write!(
                f,
                "{server} is of another version, and describes its types in more than {capacity} bytes: give the client more \
                 room with `descriptions`"
            ),
            Self::NotCarried { refusal, server } => write!(
                f,
                "{server} is of another version ({refusal}): restart it, or use the client that came with it; nothing was sent"
            ),
            Self::NeverReadable(_) => f.write_str(
                "the daemon is of another version, whose responses can't be read: restart it, or use the client that came with \
                 it; nothing was executed",
            ),
            Self::Unreadable(_) => f.write_str(
                "the daemon is of another version, and its response can't be read: restart it, or use the client that came with \
                 it; the command was executed",
            ),
            Self::OtherCodec => f.write_str("the daemon has another codec: build both with the same; nothing was executed"),
            Self::MoreFollow => f.write_str("the daemon answers this command several times: ask for a stream"),
            Self::Session(_) => f.write_str("no session is possible with these types: see to the cause"),
            Self::Os(errno) => write!(f, "the operating system failed: {errno}: see to that first"),
        }
    }
}

impl core::error::Error for CallError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Malformed(error) => Some(error),
            Self::Session(error) => Some(error),
            Self::NeverReadable(error) | Self::Unreadable(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PathError> for CallError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::TooLong => Self::PathTooLong,
            PathError::Invalid => Self::InvalidPath,
            PathError::NoAbstractAddresses => Self::NoAbstractAddresses,
        }
    }
}

impl From<Errno> for CallError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::NoServer,
            Errno::CONNREFUSED => Self::Refused,
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied,
            errno => Self::Os(errno),
        }
    }
}

#[cfg(feature = "std")]
impl From<CallError> for std::io::Error {
    fn from(error: CallError) -> Self {
        use std::io::ErrorKind;
        let kind = match error {
            CallError::PathTooLong
            | CallError::InvalidPath
            | CallError::EmptyCommand
            | CallError::CommandTooLarge { .. }
            | CallError::Session(_)
            | CallError::Encode(_) => ErrorKind::InvalidInput,
            CallError::NoAbstractAddresses => ErrorKind::Unsupported,
            CallError::NoServer => ErrorKind::NotFound,
            CallError::Refused => ErrorKind::ConnectionRefused,
            CallError::PermissionDenied | CallError::Untrusted { .. } => ErrorKind::PermissionDenied,
            CallError::TimedOut => ErrorKind::TimedOut,
            CallError::Closed { .. } => ErrorKind::UnexpectedEof,
            CallError::Malformed(_)
            | CallError::ResponseTooLarge { .. }
            | CallError::OtherForm
            | CallError::NotASession
            | CallError::NotCarried { .. }
            | CallError::NeverReadable(_)
            | CallError::Unreadable(_)
            | CallError::OtherCodec
            | CallError::MoreFollow
            | CallError::DescriptionTooLong { .. } => ErrorKind::InvalidData,
            CallError::Refusal(_) => ErrorKind::Other,
            CallError::Os(errno) => return errno.into(),
        };
        Self::new(kind, error)
    }
}
