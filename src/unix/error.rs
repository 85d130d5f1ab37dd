//! What can go wrong with a listening socket.

use core::fmt;

use rustix::io::Errno;

use super::path::{LONGEST, PathError};
use crate::wire::session::OfferError;

/// Why a listening socket could not be set up. Nothing at the path was changed.
///
/// ```
/// use ipc_server::unix::{BindError, Listener};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("daemon.sock");
/// let listener = Listener::bind(&path)?;
/// match Listener::bind(&path) {
///     Err(BindError::InUse) => println!("the daemon is running already"),
///     outcome => println!("{outcome:?}"),
/// }
/// # assert_eq!(Listener::bind(&path).unwrap_err(), BindError::InUse);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// The path is longer than 107 bytes (on macOS and FreeBSD 103), which is what fits a socket address.
    PathTooLong,
    /// The path is empty or contains a NUL byte.
    InvalidPath,
    /// The directory of the path does not exist.
    NoDirectory,
    /// This process may not create files in the directory, or may not use the lock file beside the socket.
    PermissionDenied,
    /// A live server listens at the path, or one that is just starting or ending holds the lock file.
    InUse,
    /// Something that is not a socket lies at the path. It is left alone.
    NotASocket,
    /// A socket that belongs to another user lies at the path. It is left alone.
    NotOurs {
        /// Its owner.
        uid: u32,
    },
    /// The lock file (the path with `.lock` behind it) is not a regular file of this user. It is left alone.
    BadLockFile,
    /// The system has no abstract addresses: only Linux has.
    NoAbstractAddresses,
    /// The descriptor that was to be adopted is not a Unix stream socket that listens.
    NotAListener,
    /// The server can't take part in sessions, which it serves unless it is built with
    /// [`bare`](crate::ServerBuilder::bare). Nothing was touched.
    Session(OfferError),
    /// The operating system refused for another reason.
    Os(Errno),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong => write!(f, "the socket's path is longer than {LONGEST} bytes: choose a shorter one"),
            Self::InvalidPath => f.write_str("the socket's path is empty or contains a NUL byte"),
            Self::NoDirectory => f.write_str("the directory of the socket's path does not exist: create it first"),
            Self::PermissionDenied => f.write_str(
                "no permission to create the socket or its lock file: choose a directory that this user can write to",
            ),
            Self::InUse => f.write_str("another server is listening at the socket's path: stop it first"),
            Self::NotASocket => f.write_str(
                "something that is not a socket lies at the socket's path: move it away or choose another path",
            ),
            Self::NotOurs { uid } => write!(f, "a socket of user {uid} lies at the socket's path: choose another path"),
            Self::BadLockFile => {
                f.write_str("the lock file beside the socket is not a regular file of this user: move it away")
            }
            Self::NoAbstractAddresses => f.write_str("this system has no abstract addresses: choose a path"),
            Self::NotAListener => f.write_str("the descriptor is not a Unix stream socket that listens: pass another"),
            Self::Session(_) => {
                f.write_str("the server can't take part in sessions: build it with `bare`, or see to the cause")
            }
            Self::Os(errno) => write!(f, "the operating system refused to set up the socket: {errno}"),
        }
    }
}

impl core::error::Error for BindError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Session(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PathError> for BindError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::TooLong => Self::PathTooLong,
            PathError::Invalid => Self::InvalidPath,
            PathError::NoAbstractAddresses => Self::NoAbstractAddresses,
        }
    }
}

impl From<Errno> for BindError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::NoDirectory,
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::PermissionDenied,
            Errno::ADDRINUSE => Self::InUse,
            errno => Self::Os(errno),
        }
    }
}

#[cfg(feature = "std")]
impl From<BindError> for std::io::Error {
    fn from(error: BindError) -> Self {
        use std::io::ErrorKind;
        let kind = match error {
            BindError::PathTooLong | BindError::InvalidPath | BindError::NotAListener | BindError::Session(_) => {
                ErrorKind::InvalidInput
            }
            BindError::NoAbstractAddresses => ErrorKind::Unsupported,
            BindError::NoDirectory => ErrorKind::NotFound,
            BindError::PermissionDenied | BindError::NotOurs { .. } => ErrorKind::PermissionDenied,
            BindError::InUse => ErrorKind::AddrInUse,
            BindError::NotASocket | BindError::BadLockFile => ErrorKind::AlreadyExists,
            BindError::Os(errno) => return errno.into(),
        };
        Self::new(kind, error)
    }
}

/// Why a connection could not be accepted.
///
/// ```
/// use core::task::Poll;
/// use ipc_server::unix::{AcceptError, Errno, Listener, Stream};
///
/// fn accept(listener: &Listener) -> Result<Option<Stream>, Errno> {
///     match listener.accept() {
///         Ok(Poll::Ready(stream)) => Ok(Some(stream)),
///         Ok(Poll::Pending) | Err(AcceptError::UnknownPeer) => Ok(None),
///         // Watch the listener again after a while, or this is a spin.
///         Err(AcceptError::Exhausted(_)) => Ok(None),
///         Err(AcceptError::Broken(errno)) => Err(errno),
///         Err(_) => Ok(None),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptError {
    /// The kernel does not tell who the peer is: on Linux, because it is outside our PID namespace. Its connection is closed.
    UnknownPeer,
    /// No file descriptor or no memory is left, or the system refuses for now. The connection stays in the backlog, so that
    /// the socket stays readable: try again after a while.
    Exhausted(Errno),
    /// The listening socket itself is broken.
    Broken(Errno),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPeer => {
                f.write_str("the peer is outside our PID namespace, so that the kernel does not name it")
            }
            Self::Exhausted(errno) => write!(f, "no file descriptor or memory is left for a connection: {errno}"),
            Self::Broken(errno) => write!(f, "the listening socket is broken: {errno}"),
        }
    }
}

impl core::error::Error for AcceptError {}
