//! How long processes have computed, in all of their threads, in user space and in the kernel.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Outcome;

/// This process.
pub(crate) fn own() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Another, while it sleeps: the kernel brings the figure up to date when a thread stops running.
pub(crate) fn of_process(process: u32) -> Outcome<Duration> {
    let mut time = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // "nanoseconds running, nanoseconds waiting, times run"; see proc(5).
        let statistics = fs::read_to_string(task?.path().join("schedstat"))?;
        let running = statistics.split(' ').next().ok_or("an empty schedstat")?;
        time += Duration::from_nanos(running.parse()?);
    }
    Ok(time)
}
