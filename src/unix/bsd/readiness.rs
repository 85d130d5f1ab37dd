//! Which sockets have something to do: kqueue, level-triggered (man 2 kqueue).

use core::time::Duration;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd};
use rustix::io::Errno;

use super::super::readiness::{Interest, wait_for_input};
use super::queue::{Change, Queue};

pub(crate) type Event = KEvent;

/// A kqueue. Each socket has one filter in it at most, so that it has one event.
#[derive(Debug)]
pub(crate) struct Readiness {
    queue: Queue,
}

impl Readiness {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self { queue: Queue::new()? })
    }

    pub(crate) fn add(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        let Some(filter) = filter(interest) else { return Ok(()) };
        let [added] = self.queue.change([change(&descriptor, filter, EvFlags::EV_ADD, token)]);
        added
    }

    pub(crate) fn modify(&self, socket: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        let Some(wanted) = filter(interest) else {
            self.remove(socket);
            return Ok(());
        };
        let other = match wanted {
            EventFilter::EVFILT_WRITE => EventFilter::EVFILT_READ,
            _ => EventFilter::EVFILT_WRITE,
        };
        let [added, _] = self.queue.change([
            change(&socket, wanted, EvFlags::EV_ADD, token),
            // Mostly it is there. If not, nothing is to be done.
            change(&socket, other, EvFlags::EV_DELETE, token),
        ]);
        added
    }

    /// Forgets a socket.
    pub(crate) fn remove(&self, socket: impl AsFd) {
        let _ = self.queue.change([
            change(&socket, EventFilter::EVFILT_READ, EvFlags::EV_DELETE, 0),
            change(&socket, EventFilter::EVFILT_WRITE, EvFlags::EV_DELETE, 0),
        ]);
    }

    /// What is ready now, at most `most` of it and as many as fit.
    pub(crate) fn ready<'e, const N: usize>(
        &self,
        events: &'e mut Events<N>,
        most: usize,
    ) -> Result<&'e [Event], Errno> {
        let events = events.0.get_mut(..most.min(N)).unwrap_or_default();
        let taken = self.queue.take(events)?;
        Ok(events.get(..taken).unwrap_or_default())
    }

    /// Sleeps until something is ready (`true`), `timeout` has passed, or a signal handler has run. For
    /// want of memory it does not sleep.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<bool, Errno> {
        wait_for_input(&self.queue, timeout)
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// The filter that stands for an interest, if any does.
fn filter(interest: Interest) -> Option<EventFilter> {
    match interest {
        Interest::Input => Some(EventFilter::EVFILT_READ),
        // What waits for either has sent all that it had, and finds room as soon as its peer reads.
        Interest::Output | Interest::Anything => Some(EventFilter::EVFILT_WRITE),
        Interest::Nothing => None,
    }
}

fn change(descriptor: &impl AsFd, filter: EventFilter, flags: EvFlags, token: u64) -> Change {
    // A descriptor that is open is not negative.
    let ident = descriptor.as_fd().as_raw_fd().unsigned_abs() as usize;
    Change { ident, filter, flags, notes: FilterFlag::empty(), data: 0, token }
}

/// Room for `N` events.
pub(crate) struct Events<const N: usize>([Event; N]);

impl<const N: usize> Events<N> {
    pub(crate) fn new() -> Self {
        Self([KEvent::new(0, EventFilter::EVFILT_READ, EvFlags::empty(), FilterFlag::empty(), 0, 0); N])
    }
}

/// For which token it is.
pub(crate) fn token_of(event: &Event) -> u64 {
    (event.udata() as i64).cast_unsigned()
}

/// Whether nothing more can come, or nothing more can be sent (`EV_EOF`): of a connection, that its peer has closed it or has
/// sent all that it will.
pub(crate) fn has_hung_up(event: Event) -> bool {
    event.flags().intersects(EvFlags::EV_EOF | EvFlags::EV_ERROR)
}
