//! A timer that wakes whoever sleeps on its descriptor, and tells the time (man 2 timerfd_create).

use core::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_gettime, timerfd_settime,
};

use super::super::clock::{Instant, nanoseconds, timespec};

/// The nanoseconds from one expiry to the next, so many that there is no next: 250 years, where the kernel counts to 292.
/// They must be set, since the time that is left until the next expiry is what tells the time after an expiry.
const PERIOD: u64 = 250 * 365 * 24 * 60 * 60 * 1_000_000_000;

/// As many as a 32-bit kernel before Linux 5.1 takes, which has no time namespaces.
#[cfg(target_pointer_width = "32")]
const SHORT_PERIOD: u64 = i32::MAX as u64 * 1_000_000_000;

/// A timer on the monotonic clock, readable from the moment that it is set to until it is set anew.
///
/// The server reads the clock here rather than in the vDSO, for that would bring into a small binary the code that finds
/// the vDSO. It reads it only where a connection must wait.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: OwnedFd,
    /// Never later than [`never`](Self::never).
    at: Instant,
    #[cfg(target_pointer_width = "32")]
    period: u64,
}

impl Alarm {
    pub(crate) fn new() -> Result<Self, Errno> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let mut alarm = Self {
            timer,
            at: Instant(0),
            #[cfg(target_pointer_width = "32")]
            period: PERIOD,
        };
        let set = alarm.set(None);
        #[cfg(target_pointer_width = "32")]
        let set = set.or_else(|_| {
            alarm.period = SHORT_PERIOD;
            alarm.set(None)
        });
        set.map(|()| alarm)
    }

    #[cfg(target_pointer_width = "32")]
    fn period(&self) -> u64 {
        self.period
    }

    #[cfg(not(target_pointer_width = "32"))]
    #[expect(clippy::unused_self, reason = "a 32-bit kernel may not take so many")]
    fn period(&self) -> u64 {
        PERIOD
    }

    /// Stands for never: 200 years after the machine's start, more than the 146 to which a time namespace can set the clock
    /// (man 7 time_namespaces).
    fn never(&self) -> Instant {
        Instant(self.period() / 5 * 4)
    }

    /// When it goes off, or has.
    pub(crate) fn at(&self) -> Option<Instant> {
        (self.at < self.never()).then_some(self.at)
    }

    /// Goes off at `at`, or not at all. If it has gone off, it is ready no longer.
    pub(crate) fn set(&mut self, at: Option<Instant>) -> Result<(), Errno> {
        // All zero would mean never, and the clock has long passed its first nanosecond.
        let never = self.never();
        let at = at.map_or(never, |at| at.clamp(Instant(1), never));
        let time = |nanoseconds| timespec(Duration::from_nanos(nanoseconds));
        let timer = Itimerspec { it_interval: time(self.period()), it_value: time(at.0) };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &timer)?;
        self.at = at;
        Ok(())
    }

    /// Goes off at `at`, unless it goes off earlier.
    pub(crate) fn set_by(&mut self, at: Instant) {
        // It can't fail with a timer of ours; if it did, the next deadline would try again.
        if at < self.at {
            let _ = self.set(Some(at));
        }
    }

    /// The time, by what is left until the next expiry.
    pub(crate) fn now(&self) -> Instant {
        // It can't fail with a timer of ours; if it did, this would be the moment that the timer is set to.
        let left = timerfd_gettime(&self.timer).map_or(0, |timer| nanoseconds(timer.it_value));
        // Before the expiry no more than `never` is left, after it all of the period but the time since.
        let periods = if left <= self.never().0 { 0 } else { self.period() };
        Instant((self.at.0 + periods).saturating_sub(left))
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
