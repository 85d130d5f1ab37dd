//! What the server has done since it was made; with the feature `log`, also a line for each fault.

use crate::unix::Errno;

use super::Handled;
use crate::connection::{ConnectionError, Fault};
use crate::peer::PeerCredentials;

/// Something that ended a connection, or kept one from being accepted.
#[cfg_attr(not(feature = "log"), expect(dead_code, reason = "only the log reads the fields"))]
pub(super) enum Incident<'a> {
    /// The kernel does not tell who the client is.
    Unknown,
    /// The client is not allowed in.
    Refused(PeerCredentials),
    /// The connection failed.
    Ended(PeerCredentials, &'a ConnectionError<Errno>),
    /// The exchange was not finished within the deadline.
    Expired(PeerCredentials),
    /// A newer connection needs the place.
    Evicted(PeerCredentials),
    /// Every place is taken by a caller that waits for the daemon.
    Busy(PeerCredentials),
    /// The kernel does not watch the connection.
    Unwatched(PeerCredentials, Errno),
    /// File descriptors or memory have run out.
    Paused(Errno),
}

/// What was done in this call and since the server was made, and what bounds the log.
#[derive(Debug)]
pub(super) struct Report {
    call: Handled,
    totals: Handled,
    #[cfg(feature = "log")]
    log: log::Log,
}

impl Report {
    pub(super) const fn new() -> Self {
        Self {
            call: Handled::new(),
            totals: Handled::new(),
            #[cfg(feature = "log")]
            log: log::Log::new(),
        }
    }

    pub(super) fn totals(&self) -> &Handled {
        &self.totals
    }

    /// A call begins.
    #[inline]
    pub(super) fn begin_call(&mut self) {
        self.call = Handled::new();
    }

    /// Counts a command whose reply is out, or sure to go out.
    #[inline]
    pub(super) fn count_served(&mut self) {
        for sums in [&mut self.call, &mut self.totals] {
            sums.served = sums.served.wrapping_add(1);
        }
    }

    /// Counts `incident`, and logs it.
    #[cold]
    pub(super) fn note(&mut self, incident: &Incident<'_>) {
        for sums in [&mut self.call, &mut self.totals] {
            let counter = match incident {
                Incident::Unknown
                | Incident::Refused(_)
                | Incident::Ended(_, ConnectionError::NotAuthorized | ConnectionError::Declined) => &mut sums.refused,
                Incident::Ended(_, ConnectionError::Closed { received: 0 }) => &mut sums.closed,
                Incident::Ended(_, error) if error.fault() == Fault::Local => &mut sums.failed,
                Incident::Ended(..) => &mut sums.rejected,
                Incident::Expired(_) => &mut sums.expired,
                Incident::Evicted(_) | Incident::Busy(_) => &mut sums.evicted,
                Incident::Unwatched(..) => &mut sums.failed,
                Incident::Paused(_) => &mut sums.paused,
            };
            *counter = counter.wrapping_add(1);
        }
        #[cfg(feature = "log")]
        self.log.write(incident);
    }

    /// Ends a call that leaves so many connections open, and looks whether the log still owes a line. A call with nothing
    /// to do makes this too, so it is next to nothing.
    #[inline]
    pub(super) fn end_call(&mut self, pending: usize) {
        self.call.pending = pending;
        self.totals.pending = pending;
        #[cfg(feature = "log")]
        self.log.end_call();
    }

    /// What was done since [`begin_call`](Self::begin_call).
    #[inline]
    pub(super) fn call(&self) -> Handled {
        self.call
    }
}

#[cfg(feature = "log")]
mod log {
    use core::fmt::{self, Display, Write};
    use core::time::Duration;

    use ::log::{Level, log, log_enabled};

    use super::Incident;
    use crate::connection::{ConnectionError, Fault};
    use crate::peer::PeerCredentials;
    use crate::unix::clock::Instant;

    /// The target of every line.
    const TARGET: &str = "ipc_server";

    /// How many lines are written in one [`WINDOW`]. What is beyond them is counted.
    const LINES: u32 = 10;

    const WINDOW: Duration = Duration::from_secs(1);

    /// Writes a bounded number of lines in any time, so that a hostile client can't flood the log.
    ///
    /// The clock is read for a fault, and while something has been left out; serving reads none.
    #[derive(Debug)]
    pub(super) struct Log {
        /// When the window ends.
        end: Option<Instant>,
        lines: u32,
        left_out: u64,
    }

    impl Log {
        pub(super) const fn new() -> Self {
            Self { end: None, lines: 0, left_out: 0 }
        }

        pub(super) fn write(&mut self, incident: &Incident<'_>) {
            let level = level(incident);
            if !log_enabled!(target: TARGET, level)
                || matches!(incident, Incident::Ended(_, ConnectionError::Closed { received: 0 }))
            {
                return;
            }
            self.turn_window();
            if self.lines == LINES {
                self.left_out += 1;
                return;
            }
            self.lines += 1;
            match incident {
                Incident::Unknown => log!(
                    target: TARGET, level,
                    "refused a client: it is outside our PID namespace, so that the kernel does not name it"
                ),
                Incident::Refused(peer) => {
                    log!(target: TARGET, level, "refused {}: it is not authorized", Client(peer))
                }
                Incident::Ended(peer, error) => {
                    log!(target: TARGET, level, "closed the connection of {}: {}", Client(peer), Escaped(error));
                }
                Incident::Expired(peer) => log!(
                    target: TARGET, level,
                    "closed the connection of {}: its exchange was not finished within the deadline", Client(peer)
                ),
                Incident::Evicted(peer) => log!(
                    target: TARGET, level,
                    "closed the connection of {}: a newer one needs its place; more connections may wait if the server \
                     is built with `connections`", Client(peer)
                ),
                Incident::Busy(peer) => log!(
                    target: TARGET, level,
                    "closed the connection of {}: every place is taken by a client that waits for this program's answer; more \
                     fit if the server is built with `connections`", Client(peer)
                ),
                Incident::Unwatched(peer, errno) => log!(
                    target: TARGET, level,
                    "closed the connection of {}: the kernel does not watch it: {errno}", Client(peer)
                ),
                Incident::Paused(errno) => log!(
                    target: TARGET, level,
                    "no connection is accepted for a while: no file descriptor or memory is left: {errno}"
                ),
            }
        }

        /// Says what was left out, once more may be said.
        #[inline]
        pub(super) fn end_call(&mut self) {
            if self.left_out > 0 {
                self.turn_window();
            }
        }

        /// Begins a new window if the last one is over.
        #[cold]
        fn turn_window(&mut self) {
            let now = Instant::now();
            if self.end.is_some_and(|end| now < end) {
                return;
            }
            self.end = Some(now.plus(WINDOW));
            self.lines = 0;
            if self.left_out > 0 {
                log!(target: TARGET, Level::Warn, "{} more lines like these were left out", self.left_out);
                self.left_out = 0;
            }
        }
    }

    /// `Error` is for what this program's author has to mend, `Warn` for what its operator may have to, `Info` for what
    /// happens when a client is interrupted.
    fn level(incident: &Incident<'_>) -> Level {
        match incident {
            Incident::Ended(_, error) => match (error, error.fault()) {
                (_, Fault::Local) => Level::Error,
                (ConnectionError::Closed { .. }, _) | (_, Fault::Transport) => Level::Info,
                (_, Fault::Peer) => Level::Warn,
            },
            Incident::Expired(_) => Level::Info,
            Incident::Unknown
            | Incident::Refused(_)
            | Incident::Evicted(_)
            | Incident::Busy(_)
            | Incident::Unwatched(..)
            | Incident::Paused(_) => Level::Warn,
        }
    }

    struct Client<'a>(&'a PeerCredentials);

    impl Display for Client<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the client of user {}", self.0.uid)?;
            self.0.pid.map_or(Ok(()), |pid| write!(f, " (process {pid})"))
        }
    }

    /// Keeps a text on one line: a type's own error may quote what the client sent.
    struct Escaped<T>(T);

    impl<T: Display> Display for Escaped<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(Escaping(f), "{}", self.0)
        }
    }

    struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

    impl Write for Escaping<'_, '_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            text.chars().try_for_each(|character| match character {
                '"' | '\'' => self.0.write_char(character),
                other => write!(self.0, "{}", other.escape_debug()),
            })
        }
    }
}
