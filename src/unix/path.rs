//! Paths of sockets, without a heap.

use core::ffi::CStr;

use heapless::Vec;
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;
use rustix::path::Arg;

/// What every peer can connect to: `sun_path` has 108 bytes, and other libraries keep the last for a NUL.
pub(crate) const LONGEST: usize = 107;

const LOCK_SUFFIX: &[u8] = b".lock";

/// A path, with its NUL, that is short enough for a socket; with `.lock` behind it, the path of the socket's lock.
#[derive(Clone, Debug)]
pub(crate) struct SocketPath {
    bytes: Vec<u8, { LONGEST + LOCK_SUFFIX.len() + 1 }>,
}

/// Why a path can't be a socket's.
pub(crate) enum PathError {
    TooLong,
    Invalid,
}

impl SocketPath {
    pub(crate) fn new(path: impl Arg) -> Result<Self, PathError> {
        let copied = path.into_with_c_str(|path| {
            if path.is_empty() {
                return Err(Errno::INVAL);
            }
            if path.count_bytes() > LONGEST {
                return Err(Errno::NAMETOOLONG);
            }
            let bytes = Vec::from_slice(path.to_bytes_with_nul()).map_err(|_| Errno::NAMETOOLONG)?;
            Ok(Self { bytes })
        });
        copied.map_err(|errno| if errno == Errno::NAMETOOLONG { PathError::TooLong } else { PathError::Invalid })
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        // The bytes are a `CStr`'s, so this is never the default.
        CStr::from_bytes_with_nul(&self.bytes).unwrap_or_default()
    }

    /// The path of the lock file beside the socket.
    pub(crate) fn lock(&self) -> Self {
        let mut bytes = self.bytes.clone();
        bytes.pop();
        // The capacity is that of the longest path with both.
        let _ = bytes.extend_from_slice(LOCK_SUFFIX);
        let _ = bytes.push(0);
        Self { bytes }
    }
}

/// The abstract address of that name.
pub(crate) fn abstract_address(name: &[u8]) -> Result<SocketAddrUnix, PathError> {
    if name.is_empty() {
        // The kernel would choose a name of its own.
        return Err(PathError::Invalid);
    }
    SocketAddrUnix::new_abstract_name(name).map_err(|_| PathError::TooLong)
}
