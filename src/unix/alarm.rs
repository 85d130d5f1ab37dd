//! A timer that wakes whoever sleeps on its descriptor, and tells the time (man 2 timerfd_create).

use core::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_gettime, timerfd_settime,
};

use super::clock::{Instant, nanoseconds, timespec};

/// Stands for never: 34 years after the machine's start.
const NEVER: Instant = Instant::from_nanoseconds((1 << 30) * 1_000_000_000);

/// The nanoseconds from one expiry to the next, so many that there is no next: as many as kernels take whose times have 32
/// bits. They must be set, since the time that is left until the next expiry is what tells the time after an expiry.
const PERIOD: u64 = i32::MAX as u64 * 1_000_000_000;

/// A timer on the monotonic clock, readable from the moment that it is set to until it is set anew.
///
/// The server reads the clock here rather than in the vDSO, for that would bring into a small binary the code that finds
/// the vDSO. It reads it only where a connection must wait.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: OwnedFd,
    /// Never later than [`NEVER`].
    at: Instant,
}

impl Alarm {
    pub(crate) fn new() -> Result<Self, Errno> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let mut alarm = Self { timer, at: NEVER };
        alarm.set(None)?;
        Ok(alarm)
    }

    /// When it goes off, or has.
    pub(crate) fn at(&self) -> Option<Instant> {
        (self.at < NEVER).then_some(self.at)
    }

    /// Goes off at `at`, or not at all. If it has gone off, it is ready no longer.
    pub(crate) fn set(&mut self, at: Option<Instant>) -> Result<(), Errno> {
        // All zero would mean never, and the clock has long passed its first nanosecond.
        let at = at.map_or(NEVER, |at| at.clamp(Instant::from_nanoseconds(1), NEVER));
        let time = |nanoseconds| timespec(Duration::from_nanos(nanoseconds));
        let timer = Itimerspec { it_interval: time(PERIOD), it_value: time(at.as_nanoseconds()) };
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
        // Before the expiry no more than `NEVER` is left, after it all of `PERIOD` but the time since.
        let periods = if left <= NEVER.as_nanoseconds() { 0 } else { PERIOD };
        Instant::from_nanoseconds((self.at.as_nanoseconds() + periods).saturating_sub(left))
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}
