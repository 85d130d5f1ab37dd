//! A listening socket: from an unused path to accepted connections, and back to an unused path.

use core::task::Poll;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, RawMode, fcntl_getfl, fcntl_setfl, lstat};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd, retry_on_intr};
use rustix::net::{SocketAddrUnix, bind, connect, listen};
use rustix::path::Arg;

use super::error::{AcceptError, BindError};
use super::file::{FileId, remove};
use super::lock::Lock;
use super::path::{SocketPath, abstract_address};
use super::socket::Stream;
use super::system::file::{MODE_TO_BE_IS_HEEDED, set_mode, set_mode_to_be};
use super::system::socket::{Maker, accept, is_listener, stream_socket};
use super::user::own_uid;

/// How many connections may wait to be accepted. The kernel caps it: Linux at `net.core.somaxconn` (4,096 by default), FreeBSD at
/// `kern.ipc.soacceptqueue` and macOS at `kern.ipc.somaxconn` (128).
pub(crate) const BACKLOG: u16 = 1024;

/// Who may open the socket, as the permission bits of its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permissions(Mode);

impl Permissions {
    pub(crate) const OWNER: Self = Self(Mode::RUSR.union(Mode::WUSR));

    pub(crate) fn from_bits(mode: u32) -> Self {
        #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation, reason = "not every system has it as u32")]
        Self(Mode::from_bits_truncate((mode & 0o777) as RawMode))
    }
}

/// A Unix socket that listens.
///
/// One that was bound to a path owns that path. While it lives it holds a lock on the file at the path with `.lock` behind
/// it, which stays there afterwards. Dropping it removes the socket's file if that is still the one it made, and only in the
/// process that made it.
#[derive(Debug)]
pub struct Listener {
    // In the order in which they go. The file goes before the socket closes, for then its inode number may belong to another
    // file; and until both are gone, the lock keeps the path ours.
    file: Option<(SocketPath, FileId)>,
    socket: OwnedFd,
    lock: Option<Lock>,
    maker: Maker,
}

impl Listener {
    /// Listens at `path`, which only the current user may open. A socket of ours that no server listens at any more is
    /// replaced; everything else that lies there is left alone.
    ///
    /// On macOS and FreeBSD the file has its mode before the socket listens, which is before anybody can connect, and not from
    /// its first instant as on Linux. And there a live server is taken for one that has ended if it holds no lock and its
    /// backlog is full.
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
        let path = SocketPath::new(path)?;
        let address = SocketAddrUnix::new(path.as_c_str())?;
        let lock = Lock::acquire(&path.lock())?;
        remove_if_stale(&path, &address)?;

        let socket = stream_socket()?;
        set_mode_to_be(socket.as_fd(), permissions.0)?;
        bind(&socket, &address)?;
        let made = lstat(path.as_c_str())?;
        if FileType::from_raw_mode(made.st_mode) != FileType::Socket {
            // Something else has already taken the place of our file.
            return Err(BindError::InUse);
        }
        let file = FileId::of(&made);
        // Nobody can connect before `listen`.
        let is_narrow = MODE_TO_BE_IS_HEEDED && permissions.0 == Permissions::OWNER.0;
        let is_set = is_narrow || Mode::from_raw_mode(made.st_mode) == permissions.0;
        let set = if is_set { Ok(()) } else { set_mode(path.as_c_str(), file, permissions.0) };
        if let Err(errno) = set.and_then(|()| listen(&socket, i32::from(BACKLOG))) {
            let _ = remove(&path, file);
            return Err(errno.into());
        }
        Ok(Self { file: Some((path, file)), socket, lock: Some(lock), maker: Maker::this_process() })
    }

    /// Listens at an abstract address, which has a name of 1 to 107 bytes and no file (man 7 unix). Only Linux has such.
    ///
    /// No permissions guard it: every process in the same network namespace can connect, so the peer must be looked at.
    ///
    /// # Errors
    ///
    /// [`BindError::PathTooLong`], [`BindError::InvalidPath`] (an empty name), [`BindError::InUse`] and
    /// [`BindError::Os`]; on macOS and FreeBSD [`BindError::NoAbstractAddresses`].
    pub fn bind_abstract(name: &[u8]) -> Result<Self, BindError> {
        let address = abstract_address(name)?;
        let socket = stream_socket()?;
        bind(&socket, &address)?;
        listen(&socket, i32::from(BACKLOG))?;
        Ok(Self { file: None, socket, lock: None, maker: Maker::this_process() })
    }

    /// Takes over a socket that already listens: systemd's, or that of the process which this one replaces.
    ///
    /// It is made non-blocking and close-on-exec. Its path, if it has one, is not removed when the listener is dropped.
    ///
    /// # Errors
    ///
    /// [`BindError::NotAListener`] if it is not a Unix stream socket that listens. macOS does not tell whether it does, so there
    /// one that is bound begins to listen.
    pub fn adopt(socket: OwnedFd) -> Result<Self, BindError> {
        if !is_listener(socket.as_fd()) {
            return Err(BindError::NotAListener);
        }
        fcntl_setfd(&socket, fcntl_getfd(&socket)? | FdFlags::CLOEXEC)?;
        fcntl_setfl(&socket, fcntl_getfl(&socket)? | OFlags::NONBLOCK)?;
        Ok(Self { file: None, socket, lock: None, maker: Maker::this_process() })
    }

    /// A second descriptor of the socket, close-on-exec, for the process that is to take over. From now on the path is
    /// that process's: dropping this listener leaves the file alone.
    ///
    /// # Errors
    ///
    /// The operating system's, if no descriptor is left. The listener is unchanged.
    pub fn hand_over(&mut self) -> Result<OwnedFd, Errno> {
        let successor = fcntl_dupfd_cloexec(&self.socket, 0)?;
        // It holds no resource but the duty to remove the file.
        core::mem::forget(self.file.take());
        Ok(successor)
    }

    /// Removes the file, so that nobody new can connect. Whether this listener had one to remove.
    pub(crate) fn close_path(&mut self) -> bool {
        let had_one = self.file.is_some();
        if self.is_of_this_process() {
            self.remove_file();
        }
        self.file = None;
        had_one
    }

    fn remove_file(&self) {
        if let Some((path, file)) = &self.file {
            // Nothing is left to be done if it fails; the next server finds the file stale.
            let _ = remove(path, *file);
        }
    }

    /// Whether this process has made it, and is not a fork with a copy of the listener.
    fn is_of_this_process(&self) -> bool {
        self.maker.is_this_process(self.socket.as_fd())
    }

    /// Accepts one connection, non-blocking and close-on-exec, and learns who its peer is. `Pending` if none waits.
    ///
    /// # Errors
    ///
    /// See [`AcceptError`].
    pub fn accept(&self) -> Result<Poll<Stream>, AcceptError> {
        match retry_on_intr(|| accept(self.socket.as_fd())) {
            Ok(socket) => Stream::identify(socket).map(Poll::Ready).map_err(|_| AcceptError::UnknownPeer),
            Err(Errno::AGAIN | Errno::CONNABORTED) => Ok(Poll::Pending),
            Err(errno @ (Errno::BADF | Errno::FAULT | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP)) => {
                Err(AcceptError::Broken(errno))
            }
            Err(errno) => Err(AcceptError::Exhausted(errno)),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.is_of_this_process() {
            self.remove_file();
        } else if let Some(lock) = &mut self.lock {
            lock.leave();
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
    if refuses(address)? {
        // If another file has come there meanwhile, `bind` says so.
        remove(path, FileId::of(&there))?;
    }
    Ok(())
}

/// Whether nobody listens at `address`, though there is something. `ADDRINUSE` if somebody does.
fn refuses(address: &SocketAddrUnix) -> Result<bool, Errno> {
    let probe = stream_socket()?;
    match retry_on_intr(|| connect(&probe, address)) {
        Err(Errno::CONNREFUSED) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        // A full backlog, or a live socket of another type. Where a full backlog refuses, the lock alone tells: whoever has
        // bound a path with this crate holds it.
        Ok(()) | Err(Errno::AGAIN | Errno::PROTOTYPE) => Err(Errno::ADDRINUSE),
        Err(errno) => Err(errno),
    }
}
