//! A timer that wakes whoever sleeps on its descriptor (man 2 kqueue, `EVFILT_TIMER`).

use core::time::Duration;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;

use super::super::clock::Instant;
use super::queue::{Change, Queue};

/// The longest time for which the timer is set. If that is too short, it goes off early, and the server sets it anew.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Stands for never: 200 years after the machine's start.
const NEVER: Instant = Instant(200 * 365 * 24 * 60 * 60 * 1_000_000_000);

/// A timer, readable from the moment that it is set to until it is set anew.
///
/// It has a kqueue of its own, from which its event is never taken out.
#[derive(Debug)]
pub(crate) struct Alarm {
    queue: Queue,
    at: Option<Instant>,
}

impl Alarm {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self { queue: Queue::new()?, at: None })
    }

    /// When it goes off, or has.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Goes off at `at`, or not at all. If it has gone off, it is ready no longer.
    pub(crate) fn set(&mut self, at: Option<Instant>) -> Result<(), Errno> {
        // To set it anew would not take back that it has gone off. It may not be there: then there is nothing to take back.
        let [_] = self.queue.change([timer(EvFlags::EV_DELETE, 0)]);
        self.at = at.filter(|at| *at < NEVER);
        let Some(at) = self.at else { return Ok(()) };
        // The moment itself can't be said: FreeBSD would count it on the clock that can be set.
        let left = self.now().until(at).clamp(Duration::from_nanos(1), LONGEST);
        let left = isize::try_from(left.as_nanos()).unwrap_or(isize::MAX);
        let [set] = self.queue.change([timer(EvFlags::EV_ADD | EvFlags::EV_ONESHOT, left)]);
        set
    }

    /// Goes off at `at`, unless it goes off earlier.
    pub(crate) fn set_by(&mut self, at: Instant) {
        // It fails for want of memory only; then the next deadline tries again.
        if self.at.is_none_or(|earlier| at < earlier) && self.set(Some(at)).is_err() {
            self.at = None;
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }
}

fn timer(flags: EvFlags, nanoseconds: isize) -> Change {
    let (filter, notes) = (EventFilter::EVFILT_TIMER, FilterFlag::NOTE_NSECONDS);
    Change { ident: 0, filter, flags, notes, data: nanoseconds, token: 0 }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
