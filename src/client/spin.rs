//! Waiting for a response that is about to come, without sleeping.

use core::time::Duration;

use crate::unix::clock::{Instant, let_others_run};

/// A bounded time in which a call asks again and again.
///
/// A client that sleeps pays twice for a quick response: its processor goes to sleep and has to be woken, and the server
/// has to wake it. Letting others run (man 2 sched_yield) costs less than that, and on a single processor it is what lets the
/// server answer.
#[derive(Default)]
pub(super) struct Spin {
    end: Option<Instant>,
}

impl Spin {
    /// Lets others run, and says whether to ask again, for as long as `limit`. The clock is first read when something has to be
    /// waited for.
    #[cold]
    #[inline(never)]
    pub(super) fn again(&mut self, limit: Duration) -> bool {
        if limit.is_zero() {
            return false;
        }
        let now = Instant::now();
        if now >= *self.end.get_or_insert_with(|| now.plus(limit)) {
            return false;
        }
        let_others_run();
        true
    }
}
