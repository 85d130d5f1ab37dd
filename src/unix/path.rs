//! Paths of sockets, without a heap.

use core::ffi::CStr;

use heapless::Vec;
use rustix::io::Errno;
use rustix::path::Arg;

pub(crate) use super::system::socket::{LONGEST, abstract_address};

const LOCK: [u8; 6] = *b".lock\0";

const ASIDE: [u8; 6] = *b".gone\0";

/// A path, with its NUL, that is short enough for a socket; with a suffix behind it, the path of a file beside the socket.
#[derive(Clone, Debug)]
pub(crate) struct SocketPath {
    bytes: Vec<u8, { LONGEST + LOCK.len() }>,
}

/// Why a path can't be a socket's.
pub(crate) enum PathError {
    TooLong,
    Invalid,
    /// The system has no abstract addresses.
    #[allow(dead_code, reason = "Linux has them")]
    NoAbstractAddresses,
}

impl SocketPath {
    pub(crate) fn new(path: impl Arg) -> Result<Self, PathError> {
        let mut bytes = Vec::new();
        let copied = path.into_with_c_str(|path| {
            if path.is_empty() {
                return Err(Errno::INVAL);
            }
            if path.count_bytes() > LONGEST {
                return Err(Errno::NAMETOOLONG);
            }
            bytes.extend_from_slice(path.to_bytes_with_nul()).map_err(|_| Errno::NAMETOOLONG)
        });
        match copied {
            Ok(()) => Ok(Self { bytes }),
            Err(Errno::NAMETOOLONG) => Err(PathError::TooLong),
            Err(_) => Err(PathError::Invalid),
        }
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        // The bytes are a `CStr`'s, so this is never the default.
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// The path of the lock file beside the socket.
    pub(crate) fn lock(&self) -> Self {
        self.with(&LOCK)
    }

    /// The path to which the socket's file is moved before it is removed.
    pub(crate) fn aside(&self) -> Self {
        self.with(&ASIDE)
    }

    fn with(&self, suffix: &[u8; LOCK.len()]) -> Self {
        let mut bytes = self.bytes.clone();
        bytes.pop();
        // The capacity is that of the longest path with both.
        let _ = bytes.extend_from_slice(suffix);
        Self { bytes }
    }
}
