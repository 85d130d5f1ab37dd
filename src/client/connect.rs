//! From an address to a trusted connection, within a deadline.

use core::task::Poll;
use core::time::Duration;

use crate::unix::SocketAddrUnix;

use super::CallError;
use super::builder::Settings;
use crate::unix::clock::Instant;
use crate::unix::{Stream, readiness};

/// Connects to the server at `address` and looks who that is.
pub(super) fn open(
    address: &SocketAddrUnix,
    settings: &Settings,
    deadline: &mut Deadline,
) -> Result<Stream, CallError> {
    const LONGEST_PAUSE: Duration = Duration::from_millis(20);

    let mut pause = Duration::from_micros(100);
    let stream = loop {
        match Stream::connect(address)? {
            Poll::Ready(stream) => break stream,
            // The server's backlog is full. No event tells when it is not.
            Poll::Pending => {
                readiness::sleep(pause.min(deadline.remaining()?));
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    };
    let server = stream.peer();
    if settings.trusts(&server) { Ok(stream) } else { Err(CallError::Untrusted { uid: server.uid }) }
}

/// The end of a call. The clock is first read when the call has to wait.
pub(super) struct Deadline {
    limit: Duration,
    end: Option<Instant>,
}

impl Deadline {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, end: None }
    }

    /// The time that is left, which is never zero.
    pub(super) fn remaining(&mut self) -> Result<Duration, CallError> {
        let now = Instant::now();
        let remaining = now.until(*self.end.get_or_insert_with(|| now.plus(self.limit)));
        if remaining.is_zero() { Err(CallError::TimedOut) } else { Ok(remaining) }
    }
}
