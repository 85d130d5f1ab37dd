//! Which sockets have something to do: level-triggered epoll (man 7 epoll).

use core::mem::MaybeUninit;
use core::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

use super::super::readiness::{Interest, wait_for_input};

pub(crate) use rustix::event::epoll::Event;

/// The flags that stand for an interest.
fn flags(interest: Interest) -> EventFlags {
    match interest {
        Interest::Input => EventFlags::IN,
        Interest::Output => EventFlags::OUT,
        Interest::Anything => EventFlags::IN.union(EventFlags::OUT),
        Interest::Nothing => EventFlags::empty(),
    }
}

/// An epoll instance.
#[derive(Debug)]
pub(crate) struct Readiness {
    epoll: OwnedFd,
}

impl Readiness {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    pub(crate) fn add(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        epoll::add(&self.epoll, descriptor, EventData::new_u64(token), flags(interest))
    }

    pub(crate) fn modify(&self, socket: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        epoll::modify(&self.epoll, socket, EventData::new_u64(token), flags(interest))
    }

    /// Forgets a socket. Closing it is not enough if a fork of this process holds it too.
    pub(crate) fn remove(&self, socket: impl AsFd) {
        // The socket is registered and open, so this does not fail; and if it did, closing would do.
        let _ = epoll::delete(&self.epoll, socket);
    }

    /// What is ready now, at most `most` of it and as many as fit.
    #[inline]
    pub(crate) fn ready<'e, const N: usize>(
        &self,
        events: &'e mut Events<N>,
        most: usize,
    ) -> Result<&'e [Event], Errno> {
        let events = events.0.get_mut(..most.min(N)).unwrap_or_default();
        match epoll::wait(&self.epoll, events, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok((ready, _)) => Ok(ready),
            // epoll looks for events before it looks for signals, so nothing is ready.
            Err(Errno::INTR) => Ok(&[]),
            Err(errno) => Err(errno),
        }
    }

    /// Sleeps until something is ready (`true`), `timeout` has passed, or a signal handler has run. For
    /// want of memory it does not sleep.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool, Errno> {
        wait_for_input(&self.epoll, timeout)
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// Room for `N` events.
pub(crate) struct Events<const N: usize>([MaybeUninit<Event>; N]);

impl<const N: usize> Events<N> {
    #[inline]
    pub(crate) fn new() -> Self {
        Self([MaybeUninit::uninit(); N])
    }
}

/// For which token it is.
#[inline]
pub(crate) fn token_of(event: &Event) -> u64 {
    event.data.u64()
}

/// Whether nothing more can come: of a listening socket, that it was shut down (man 2 epoll_ctl, `EPOLLHUP`).
#[inline]
pub(crate) fn has_hung_up(Event { flags, .. }: Event) -> bool {
    flags.intersects(EventFlags::HUP | EventFlags::ERR)
}

/// Whether nothing more can come, though something may go: that is told by reading.
#[inline]
pub(crate) fn has_ended(_: Event) -> bool {
    false
}

/// Whether `poll` has failed for want of memory.
pub(crate) fn is_shortage(errno: Errno) -> bool {
    errno == Errno::NOMEM
}
