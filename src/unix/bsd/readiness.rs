//! Which sockets have something to do: kqueue, level-triggered (man 2 kqueue).

use core::time::Duration;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd};
use rustix::io::Errno;

use super::super::readiness::{Interest, wait_for_input};
use super::queue::{Change, Queue};

pub(crate) type Event = KEvent;

/// A kqueue. Each socket has one filter in it, so that it has one event.
///
/// Of a connection's end `EVFILT_READ` tells as soon as the peer has ended its side, and `EVFILT_WRITE` when there is no peer
/// any more: only that is a hang-up. Who waits for nothing else is watched for room at the edge (`EV_CLEAR`), and what that
/// tells of room is left out.
#[derive(Debug)]
pub(crate) struct Readiness {
    queue: Queue,
}

impl Readiness {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self { queue: Queue::new()? })
    }

    pub(crate) fn add(&self, descriptor: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        let (filter, flags, _) = filters(interest);
        let [added] = self.queue.change([change(&descriptor, filter, EvFlags::EV_ADD | flags, token)]);
        added
    }

    pub(crate) fn modify(&self, socket: impl AsFd, token: u64, interest: Interest) -> Result<(), Errno> {
        let (filter, flags, other) = filters(interest);
        let delete = |filter| change(&socket, filter, EvFlags::EV_DELETE, token);
        let add = change(&socket, filter, EvFlags::EV_ADD | flags, token);
        // The other one last, so that there is one always.
        if filter == EventFilter::EVFILT_READ {
            let [added, _] = self.queue.change([add, delete(other)]);
            return added;
        }
        // One that is there would keep its flags.
        let [_, added, _] = self.queue.change([delete(filter), add, delete(other)]);
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
        loop {
            let taken = self.queue.take(events)?;
            let told = self.leave_out_room(events.get_mut(..taken).unwrap_or_default());
            // What was left out may have hidden others. It does not come again.
            if told > 0 || taken < events.len() || taken == 0 {
                return Ok(events.get(..told).unwrap_or_default());
            }
        }
    }

    /// Moves to the front what is to be told, and says how many that are.
    fn leave_out_room(&self, events: &mut [Event]) -> usize {
        let mut told = 0;
        for index in 0..events.len() {
            let Some(&event) = events.get(index) else { break };
            if event.flags().contains(EvFlags::EV_CLEAR) {
                if !has_hung_up(event) {
                    continue;
                }
                // It is told until the connection is closed, even if a handler panics before its turn.
                let (ident, filter, token) = (event.ident(), EventFilter::EVFILT_WRITE, token_of(&event));
                let flags = EvFlags::EV_ADD | EvFlags::EV_CLEAR;
                let [_] =
                    self.queue.change([Change { ident, filter, flags, notes: FilterFlag::empty(), data: 0, token }]);
            }
            if let Some(place) = events.get_mut(told) {
                *place = event;
            }
            told += 1;
        }
        told
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

/// The filter that stands for an interest, with its flags, and the other one.
fn filters(interest: Interest) -> (EventFilter, EvFlags, EventFilter) {
    let (read, write) = (EventFilter::EVFILT_READ, EventFilter::EVFILT_WRITE);
    match interest {
        Interest::Input => (read, EvFlags::empty(), write),
        // What waits for either finds room as soon as its peer reads what was sent.
        Interest::Output | Interest::Anything => (write, EvFlags::empty(), read),
        Interest::Nothing => (write, EvFlags::EV_CLEAR, read),
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

/// Whether nothing more can come or go: the peer has closed the connection.
pub(crate) fn has_hung_up(event: Event) -> bool {
    event.filter() == Ok(EventFilter::EVFILT_WRITE) && event.flags().contains(EvFlags::EV_EOF)
}

/// Whether nothing more can come, though something may go: the peer has ended its side at least.
pub(crate) fn has_ended(event: Event) -> bool {
    event.filter() == Ok(EventFilter::EVFILT_READ) && event.flags().contains(EvFlags::EV_EOF)
}

/// Whether `poll` has failed for want of memory.
pub(crate) fn is_shortage(errno: Errno) -> bool {
    errno == Errno::NOMEM || errno == Errno::AGAIN
}
