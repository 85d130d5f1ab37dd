//! The monotonic clock, and passing time.

use core::time::Duration;

use rustix::event::Timespec;
use rustix::time::{ClockId, clock_gettime};

/// A moment on the monotonic clock: nanoseconds since the machine's start, enough for 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(pub(super) u64);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(nanoseconds(clock_gettime(ClockId::Monotonic)))
    }

    /// The moment `later`, or the last that there is.
    pub(crate) fn plus(self, later: Duration) -> Self {
        let later = later.as_secs().saturating_mul(1_000_000_000).saturating_add(later.subsec_nanos().into());
        Self(self.0.saturating_add(later))
    }

    /// The time from `self` to `end`; zero if `end` has passed.
    pub(crate) fn until(self, end: Self) -> Duration {
        Duration::from_nanos(end.0.saturating_sub(self.0))
    }
}

/// Lets another thread have the processor, if one wants it (man 2 sched_yield).
pub(crate) fn let_others_run() {
    rustix::thread::sched_yield();
}

/// A time of the kernel's, which is not negative and has no more than 63 bits of nanoseconds.
pub(super) fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec.unsigned_abs().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec.unsigned_abs())
}

/// A time for the kernel, or the longest that there is.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
