//! The monotonic clock.

use core::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::Monotonic);
        // The monotonic clock starts at zero when the machine does.
        Self(Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().try_into().unwrap_or(0)))
    }

    /// The moment `later`, or the last that there is.
    pub(crate) fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// The time from `self` to `end`; zero if `end` has passed.
    pub(crate) fn until(self, end: Self) -> Duration {
        end.0.saturating_sub(self.0)
    }

    /// The time since the clock's start.
    pub(crate) fn since_start(self) -> Duration {
        self.0
    }
}
