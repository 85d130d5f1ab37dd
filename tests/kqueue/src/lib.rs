//! What src/unix/bsd/ uses of the crate nix, on Linux: a kqueue made of an epoll instance, as man 2 kqueue of FreeBSD has it,
//! and what Linux says of a socket's peer.

mod queue;

pub use nix_of_linux::{Result, errno, libc};

pub mod sys {
    pub mod event {
        pub use crate::queue::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
    }

    pub mod socket {
        use std::os::fd::AsFd;

        pub mod sockopt {
            pub struct LocalPeerPid;
        }

        pub fn getsockopt(socket: &impl AsFd, _: sockopt::LocalPeerPid) -> crate::Result<i32> {
            crate::credentials(socket).map(|peer| peer.pid())
        }
    }
}

pub mod unistd {
    use std::os::fd::AsFd;

    use nix_of_linux::unistd::{Gid, Uid};

    pub fn getpeereid(socket: impl AsFd) -> crate::Result<(Uid, Gid)> {
        crate::credentials(&socket).map(|peer| (Uid::from_raw(peer.uid()), Gid::from_raw(peer.gid())))
    }
}

/// The option of macOS, which it does not take on a socket whose peer is gone. It has no effect here.
pub fn set_socket_nosigpipe(socket: std::os::fd::BorrowedFd<'_>, _: bool) -> rustix::io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut socket = [PollFd::new(&socket, PollFlags::empty())];
    poll(&mut socket, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    let is_gone = socket[0].revents().contains(PollFlags::HUP);
    if is_gone { Err(rustix::io::Errno::INVAL) } else { Ok(()) }
}

fn credentials(socket: &impl std::os::fd::AsFd) -> Result<nix_of_linux::sys::socket::UnixCredentials> {
    nix_of_linux::sys::socket::getsockopt(socket, nix_of_linux::sys::socket::sockopt::PeerCredentials)
}
