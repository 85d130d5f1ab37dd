//! Which sockets have something to do: level-triggered epoll (man 7 epoll).

use core::mem::MaybeUninit;
use core::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use super::clock::Instant;

pub(crate) use rustix::event::epoll::Event;

/// What a socket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// A connection to accept or bytes to receive.
    Input,
    /// Room to send.
    Output,
    /// Nothing for now.
    Nothing,
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Self::Input => EventFlags::IN,
            Self::Output => EventFlags::OUT,
            Self::Nothing => EventFlags::empty(),
        }
    }
}

/// An epoll instance over sockets and one alarm.
///
/// The alarm is a timer descriptor (man 2 timerfd_create), so that whoever sleeps on the epoll instance is woken for a
/// deadline too.
#[derive(Debug)]
pub(crate) struct Readiness {
    epoll: OwnedFd,
    alarm: OwnedFd,
}

impl Readiness {
    /// `token` stands for the alarm.
    pub(crate) fn new(token: u64) -> Result<Self, Errno> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let alarm = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        epoll::add(&epoll, &alarm, EventData::new_u64(token), EventFlags::IN)?;
        Ok(Self { epoll, alarm })
    }

    /// Sets the alarm to go off once at `at`, or not at all. If it has gone off, it is ready no longer.
    pub(crate) fn set_alarm(&self, at: Option<Instant>) -> Result<(), Errno> {
        // All zero means never, and the clock has long passed its first nanosecond.
        let at = at.map_or(Duration::ZERO, |at| at.since_start().max(Duration::from_nanos(1)));
        let once = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(at) };
        timerfd_settime(&self.alarm, TimerfdTimerFlags::ABSTIME, &once).map(drop)
    }

    pub(crate) fn add(&self, socket: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        epoll::add(&self.epoll, socket, EventData::new_u64(token), interest.flags())
    }

    pub(crate) fn modify(&self, socket: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        epoll::modify(&self.epoll, socket, EventData::new_u64(token), interest.flags())
    }

    /// Forgets a socket. Closing it is not enough if a fork of this process holds it too.
    pub(crate) fn remove(&self, socket: impl AsFd) {
        // The socket is registered and open, so this does not fail; and if it did, closing would do.
        let _ = epoll::delete(&self.epoll, socket);
    }

    /// What is ready now, as many as fit.
    #[inline]
    pub(crate) fn ready<'e>(&self, events: &'e mut [MaybeUninit<Event>]) -> Result<&'e mut [Event], Errno> {
        match epoll::wait(&self.epoll, events, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok((ready, _)) => Ok(ready),
            // epoll looks for events before it looks for signals, so nothing is ready.
            Err(Errno::INTR) => Ok(&mut []),
            Err(errno) => Err(errno),
        }
    }

    /// Sleeps until something is ready (`true`), `timeout` has passed, or a signal handler has run.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool, Errno> {
        wait(&self.epoll, PollFlags::IN, timeout)
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
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

fn wait(descriptor: impl AsFd, flags: PollFlags, timeout: Option<Duration>) -> Result<bool, Errno> {
    let timeout = timeout.map(timespec);
    match rustix::event::poll(&mut [PollFd::new(&descriptor, flags)], timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
