//! Which sockets have something to do: level-triggered epoll (man 7 epoll).

use core::mem::MaybeUninit;
use core::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;

use super::clock::timespec;

pub(crate) use rustix::event::epoll::Event;

/// How often a look is taken again for want of memory, before that is an error.
const ATTEMPTS: usize = 10;

/// What a socket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// A connection to accept or bytes to receive.
    Input,
    /// Room to send.
    Output,
    /// Either.
    Anything,
    /// Nothing for now.
    Nothing,
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Self::Input => EventFlags::IN,
            Self::Output => EventFlags::OUT,
            Self::Anything => EventFlags::IN.union(EventFlags::OUT),
            Self::Nothing => EventFlags::empty(),
        }
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
        epoll::add(&self.epoll, descriptor, EventData::new_u64(token), interest.flags())
    }

    pub(crate) fn modify(&self, socket: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        epoll::modify(&self.epoll, socket, EventData::new_u64(token), interest.flags())
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
        wait(&self.epoll, PollFlags::IN, timeout)
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

/// Sleeps until `descriptor` can be read from.
pub(crate) fn wait_for_input(descriptor: impl AsFd, timeout: Duration) -> Result<bool, Errno> {
    wait(descriptor, PollFlags::IN, Some(timeout))
}

/// Sleeps until `descriptor` can be written to.
pub(crate) fn wait_for_output(descriptor: impl AsFd, timeout: Duration) -> Result<bool, Errno> {
    wait(descriptor, PollFlags::OUT, Some(timeout))
}

/// Sleeps for `duration`, or until a signal handler has run.
pub(crate) fn sleep(duration: Duration) {
    // A shorter sleep is harmless: the caller looks at the clock.
    let _ = rustix::event::poll(&mut [], Some(&timespec(duration)));
}

/// Whether `descriptor` can be read from now.
pub(crate) fn has_input(descriptor: impl AsFd) -> Result<bool, Errno> {
    let mut attempts = 0..ATTEMPTS;
    loop {
        match poll(&descriptor, PollFlags::IN, Some(Duration::ZERO)) {
            // The kernel looks for input before it looks for signals.
            Err(Errno::INTR) => return Ok(false),
            // It can't tell for a moment.
            Err(Errno::NOMEM) if attempts.next().is_some() => {}
            outcome => return outcome,
        }
    }
}

/// Sleeps until `descriptor` is ready (`true`), or `timeout` has passed, or earlier: the caller tries again.
fn wait(descriptor: impl AsFd, flags: PollFlags, timeout: Option<Duration>) -> Result<bool, Errno> {
    match poll(descriptor, flags, timeout) {
        // A signal handler has run, or memory is short for a moment.
        Err(Errno::INTR | Errno::NOMEM) => Ok(false),
        outcome => outcome,
    }
}

fn poll(descriptor: impl AsFd, flags: PollFlags, timeout: Option<Duration>) -> Result<bool, Errno> {
    let timeout = timeout.map(timespec);
    rustix::event::poll(&mut [PollFd::new(&descriptor, flags)], timeout.as_ref()).map(|ready| ready > 0)
}
