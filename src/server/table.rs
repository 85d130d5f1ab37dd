//! The connections that wait.

use core::array;
use core::mem::replace;

use super::exchange::Waiting;
use crate::unix::Stream;
use crate::unix::clock::Instant;
use crate::unix::readiness::Interest;

/// A place in the table and which of its successive tenants is meant.
///
/// An event may still be in hand when its connection has been closed and the place given to another.
#[derive(Clone, Copy)]
pub(super) struct Token {
    index: u32,
    generation: u32,
}

impl Token {
    /// Stands for the listening socket.
    pub(super) const LISTENER: u64 = u64::MAX;
    /// Stands for the alarm.
    pub(super) const ALARM: u64 = u64::MAX - 1;

    pub(super) fn to_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(super) fn from_u64(token: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
        Self { index: token as u32, generation: (token >> 32) as u32 }
    }

    fn index(self) -> usize {
        self.index as usize
    }
}

/// A connection that waits, apart from its buffers.
pub(super) struct Entry<K> {
    pub(super) stream: Stream,
    pub(super) waiting: Waiting<K>,
    /// What epoll watches for.
    pub(super) interest: Interest,
    /// When its exchange must be finished; none between two exchanges.
    pub(super) deadline: Option<Instant>,
}

struct Slot<K> {
    entry: Option<Entry<K>>,
    generation: u32,
    /// Which of the server's buffers are its tenant's.
    buffers: u32,
    /// When its tenant began to wait for what it waits for, as a number that grows.
    since: u64,
}

/// `CONNECTIONS` places for connections that wait, and which of the server's buffers belongs to each.
pub(super) struct Table<K, const CONNECTIONS: usize> {
    slots: [Slot<K>; CONNECTIONS],
    occupied: usize,
    /// Which of the server's buffers belong to no place.
    spare: u32,
    /// How often a connection has begun to wait for something.
    waits: u64,
}

impl<K, const CONNECTIONS: usize> Table<K, CONNECTIONS> {
    #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
    pub(super) fn new() -> Self {
        const {
            assert!(CONNECTIONS > 0, "a server needs room for a connection that waits: at least 1");
            assert!(CONNECTIONS < u32::MAX as usize - 1, "a server has at most 2^32 - 3 connections");
        }
        Self {
            slots: array::from_fn(|index| Slot { entry: None, generation: 0, buffers: index as u32, since: 0 }),
            occupied: 0,
            spare: CONNECTIONS as u32,
            waits: 0,
        }
    }

    /// How many connections wait.
    pub(super) fn len(&self) -> usize {
        self.occupied
    }

    pub(super) fn free_slot(&self) -> Option<usize> {
        if self.occupied == CONNECTIONS {
            return None;
        }
        self.slots.iter().position(|slot| slot.entry.is_none())
    }

    /// The place of the connection that began to wait first.
    pub(super) fn oldest(&self) -> usize {
        let occupied = self.slots.iter().enumerate().filter(|(_, slot)| slot.entry.is_some());
        occupied.min_by_key(|(_, slot)| slot.since).map_or(0, |(index, _)| index)
    }

    /// Prepares a free place for a new tenant, which brings the spare buffers along.
    pub(super) fn reserve(&mut self, index: usize) -> Token {
        let mut generation = 0;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.generation = slot.generation.wrapping_add(1);
            generation = slot.generation;
            self.spare = replace(&mut slot.buffers, self.spare);
        }
        #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
        let token = Token { index: index as u32, generation };
        self.wait_anew(token);
        token
    }

    /// From now on the connection waits for something else: it has finished an exchange or begun one.
    pub(super) fn wait_anew(&mut self, token: Token) {
        if let Some(slot) = self.slots.get_mut(token.index()) {
            self.waits += 1;
            slot.since = self.waits;
        }
    }

    /// Puts a connection in its place.
    pub(super) fn put(&mut self, token: Token, entry: Entry<K>) {
        if let Some(slot) = self.slots.get_mut(token.index()) {
            slot.entry = Some(entry);
            self.occupied += 1;
        }
    }

    /// Takes out whatever connection is at `index`.
    pub(super) fn take(&mut self, index: usize) -> Option<(Token, Entry<K>)> {
        self.take_if(index, |_, _| true)
    }

    /// Takes out the connection that `token` was made for, if it is still there.
    pub(super) fn take_if_current(&mut self, token: Token) -> Option<Entry<K>> {
        self.take_if(token.index(), |generation, _| generation == token.generation).map(|(_, entry)| entry)
    }

    /// Takes out the connection at `index` if its deadline has passed.
    pub(super) fn take_due(&mut self, index: usize, now: Instant) -> Option<(Token, Entry<K>)> {
        self.take_if(index, |_, entry| entry.deadline.is_some_and(|deadline| deadline <= now))
    }

    /// Takes out the connection at `index` if it is between two exchanges.
    pub(super) fn take_idle(&mut self, index: usize) -> Option<(Token, Entry<K>)> {
        self.take_if(index, |_, entry| entry.deadline.is_none())
    }

    fn take_if(
        &mut self,
        index: usize,
        condition: impl FnOnce(u32, &mut Entry<K>) -> bool,
    ) -> Option<(Token, Entry<K>)> {
        let slot = self.slots.get_mut(index)?;
        let generation = slot.generation;
        let entry = slot.entry.take_if(|entry| condition(generation, entry))?;
        self.occupied -= 1;
        #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
        let token = Token { index: index as u32, generation };
        Some((token, entry))
    }

    /// Which buffers are those of the place.
    pub(super) fn buffers(&self, token: Token) -> usize {
        self.slots.get(token.index()).map_or_else(|| self.spare(), |slot| slot.buffers as usize)
    }

    /// Which buffers are those of no place. Most connections are closed again before they need one.
    pub(super) fn spare(&self) -> usize {
        self.spare as usize
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref()?.deadline).min()
    }
}
