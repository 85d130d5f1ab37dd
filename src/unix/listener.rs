//! A listening socket: from an unused path to accepted connections, and back to an unused path.

use core::task::Poll;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, chmod, fchmod, lstat, unlink};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{SocketAddrUnix, SocketFlags, accept_with, bind, connect, listen};
use rustix::path::Arg;
use rustix::process::{Pid, getpid};

use super::error::{AcceptError, BindError};
use super::lock::Lock;
use super::path::{PathError, SocketPath};
use super::socket::{Stream, own_uid, stream_socket};

/// How many connections may wait to be accepted. The kernel caps it at `net.core.somaxconn` (4,096 by default).
pub(crate) const BACKLOG: u16 = 1024;

/// Who may open the socket, as the permission bits of its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permissions(Mode);

impl Permissions {
    pub(crate) const OWNER: Self = Self(Mode::RUSR.union(Mode::WUSR));

    pub(crate) fn from_bits(mode: u32) -> Self {
        Self(Mode::from_bits_truncate(mode & 0o777))
    }
}

/// A Unix socket that listens at a path which only this process owns.
///
/// While it lives it holds a lock on the file at the path with `.lock` behind it, which stays there afterwards. Dropping
/// it removes the socket's file if that is still the one it made, and only in the process that made it.
#[derive(Debug)]
pub struct Listener {
    // In the order in which they are dropped. The file goes before the socket closes, for then its inode number may
    // belong to another file; and until both are gone, the lock keeps the path ours.
    _file: SocketFile,
    socket: OwnedFd,
    _lock: Lock,
}

impl Listener {
    /// Listens at `path`, which only the current user may open. A socket of ours that no server listens at any more is
    /// replaced; everything else that lies there is left alone.
    ///
    /// A relative `path` has the meaning that it has now: if the process changes its working directory later, the file
    /// stays when the listener is dropped. The next server then finds it stale and replaces it.
    ///
    /// # Errors
    ///
    /// See [`BindError`]: each variant names what is in the way.
    pub fn bind(path: impl Arg) -> Result<Self, BindError> {
        Self::bind_with(path, Permissions::OWNER)
    }

    pub(crate) fn bind_with(path: impl Arg, permissions: Permissions) -> Result<Self, BindError> {
        let path = SocketPath::new(path).map_err(|error| match error {
            PathError::TooLong => BindError::PathTooLong,
            PathError::Invalid => BindError::InvalidPath,
        })?;
        let address = SocketAddrUnix::new(path.as_c_str())?;
        let lock = Lock::acquire(&path.lock())?;
        remove_if_stale(&path, &address)?;

        let socket = stream_socket()?;
        // The mode of a socket that is not bound yet becomes the mode of its file, less the umask. After `bind` this
        // would have no effect, and `chmod` would leave the file open to others for a moment.
        fchmod(&socket, Permissions::OWNER.0)?;
        bind(&socket, &address)?;
        let file = SocketFile::made_at(path)?;
        if permissions.0 != Permissions::OWNER.0 {
            // Nobody can connect before `listen`.
            chmod(file.path.as_c_str(), permissions.0)?;
        }
        listen(&socket, i32::from(BACKLOG))?;
        Ok(Self { _file: file, socket, _lock: lock })
    }

    /// Accepts one connection, non-blocking and close-on-exec, and learns who its peer is. `Pending` if none waits.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`].
    pub fn accept(&self) -> Result<Poll<Stream>, AcceptError> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match retry_on_intr(|| accept_with(&self.socket, flags)) {
            Ok(socket) => Stream::identify(socket).map(Poll::Ready).map_err(|_| AcceptError::UnknownPeer),
            Err(Errno::AGAIN | Errno::CONNABORTED) => Ok(Poll::Pending),
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS)) => {
                Err(AcceptError::Exhausted(errno))
            }
            Err(errno) => Err(AcceptError::Broken(errno)),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The file that `bind` made; dropping it removes the file if it is still there.
#[derive(Debug)]
struct SocketFile {
    path: SocketPath,
    device: u64,
    inode: u64,
    maker: Pid,
}

impl SocketFile {
    fn made_at(path: SocketPath) -> Result<Self, Errno> {
        let made = lstat(path.as_c_str())?;
        Ok(Self { path, device: made.st_dev, inode: made.st_ino, maker: getpid() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let path = self.path.as_c_str();
        let still_ours = lstat(path).is_ok_and(|there| (there.st_dev, there.st_ino) == (self.device, self.inode));
        // A fork of this process has a copy of the listener, but the file is not its to remove.
        if still_ours && getpid() == self.maker {
            // Nothing is left to be done if it fails; the next server finds the file stale.
            let _ = unlink(path);
        }
    }
}

/// Clears the path if what lies there is a socket of ours that nobody listens at. The caller holds the lock.
fn remove_if_stale(path: &SocketPath, address: &SocketAddrUnix) -> Result<(), BindError> {
    let there = match lstat(path.as_c_str()) {
        Ok(there) => there,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    if FileType::from_raw_mode(there.st_mode) != FileType::Socket {
        return Err(BindError::NotASocket);
    }
    if there.st_uid != own_uid() {
        return Err(BindError::NotOurs { uid: there.st_uid });
    }
    let probe = stream_socket()?;
    match retry_on_intr(|| connect(&probe, address)) {
        Err(Errno::CONNREFUSED) => match unlink(path.as_c_str()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        },
        Err(Errno::NOENT) => Ok(()),
        // A full backlog, or a live socket of another type.
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => Err(BindError::InUse),
        Err(errno) => Err(errno.into()),
    }
}
