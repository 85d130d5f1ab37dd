//! Which sockets have something to do. What watches many of them is the system's own; one alone is asked by poll (man 2
//! poll).

use core::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fd::AsFd;
use rustix::io::Errno;

use super::clock::timespec;

use super::system::readiness::is_shortage;
pub(crate) use super::system::readiness::{Event, Events, Readiness, has_ended, has_hung_up, token_of};

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

/// Sleeps until `descriptor` can be read from.
pub(crate) fn wait_for_input(descriptor: impl AsFd, timeout: impl Into<Option<Duration>>) -> Result<bool, Errno> {
    wait(descriptor, PollFlags::IN, timeout.into())
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
            Err(errno) if is_shortage(errno) && attempts.next().is_some() => {}
            outcome => return outcome,
        }
    }
}

/// Sleeps until `descriptor` is ready (`true`), or `timeout` has passed, or earlier: the caller tries again.
fn wait(descriptor: impl AsFd, flags: PollFlags, timeout: Option<Duration>) -> Result<bool, Errno> {
    match poll(descriptor, flags, timeout) {
        // A signal handler has run, or memory is short for a moment.
        Err(errno) if errno == Errno::INTR || is_shortage(errno) => Ok(false),
        outcome => outcome,
    }
}

fn poll(descriptor: impl AsFd, flags: PollFlags, timeout: Option<Duration>) -> Result<bool, Errno> {
    let timeout = timeout.map(timespec);
    rustix::event::poll(&mut [PollFd::new(&descriptor, flags)], timeout.as_ref()).map(|ready| ready > 0)
}
