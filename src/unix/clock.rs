//! The monotonic clock.

use core::time::Duration;

use rustix::event::Timespec;
use rustix::time::{ClockId, clock_gettime};

/// A moment on the monotonic clock, which starts at zero when the machine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(duration(clock_gettime(ClockId::Monotonic)))
    }

    /// The moment that long after the machine's start.
    pub(super) const fn since_start(time: Duration) -> Self {
        Self(time)
    }

    /// The time since the machine's start.
    pub(super) fn to_duration(self) -> Duration {
        self.0
    }

    /// The moment `later`, or the last that there is.
    pub(crate) fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// The moment `earlier`, or the machine's start.
    pub(super) fn minus(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }

    /// The time from `self` to `end`; zero if `end` has passed.
    pub(crate) fn until(self, end: Self) -> Duration {
        end.0.saturating_sub(self.0)
    }
}

/// A time of the kernel's, which is neither negative nor out of range.
pub(super) fn duration(time: Timespec) -> Duration {
    Duration::from_secs(time.tv_sec.unsigned_abs()).saturating_add(Duration::from_nanos(time.tv_nsec.unsigned_abs()))
}

/// A time for the kernel, or the longest that there is.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}
