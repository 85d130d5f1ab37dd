//! The connections that wait.

use core::array;
use core::mem::replace;

use heapless::Vec;

use super::exchange::Waiting;
use crate::unix::Stream;
use crate::unix::clock::Instant;

/// A place in the table and which of its successive tenants is meant.
///
/// An event may still be in hand when its connection has been closed and the place given to another.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    /// What it waits for; none while it is served.
    pub(super) waiting: Option<Waiting<K>>,
    /// When its exchange must be finished; none between two exchanges.
    pub(super) deadline: Option<Instant>,
}

impl<K> Entry<K> {
    fn is_idle(&self) -> bool {
        self.deadline.is_none()
    }
}

/// Stand for the two ends of a list of places, where the oldest's elder and the newest's junior would be.
const IDLE: u32 = u32::MAX;
const OWING: u32 = u32::MAX - 1;

struct Slot<K> {
    entry: Option<Entry<K>>,
    generation: u32,
    /// Which of the server's buffers are its tenant's.
    buffers: u32,
    /// The places on the same list whose tenants began to wait for what they wait for just before and just after this one's.
    older: u32,
    newer: u32,
}

/// The two ends of a list.
struct Ends {
    oldest: u32,
    newest: u32,
}

/// `CONNECTIONS` places for connections that wait, and which of the server's buffers belongs to each.
pub(super) struct Table<K, const CONNECTIONS: usize> {
    slots: [Slot<K>; CONNECTIONS],
    free: Vec<u32, CONNECTIONS>,
    /// Those whose clients owe nothing: they are between two commands.
    idle: Ends,
    /// Those that wait for the rest of a command, or for their client to take a reply.
    owing: Ends,
    /// Which of the server's buffers belong to no place.
    spare: u32,
}

impl<K, const CONNECTIONS: usize> Table<K, CONNECTIONS> {
    #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
    pub(super) fn new() -> Self {
        const {
            assert!(CONNECTIONS > 0, "a server needs room for a connection that waits: at least 1");
            assert!(CONNECTIONS < u32::MAX as usize - 1, "a server has at most 2^32 - 3 connections");
        }
        Self {
            slots: array::from_fn(|index| Slot {
                entry: None,
                generation: 0,
                buffers: index as u32,
                older: OWING,
                newer: OWING,
            }),
            free: (0..CONNECTIONS as u32).rev().collect(),
            idle: Ends { oldest: IDLE, newest: IDLE },
            owing: Ends { oldest: OWING, newest: OWING },
            spare: CONNECTIONS as u32,
        }
    }

    /// How many connections wait.
    pub(super) fn len(&self) -> usize {
        CONNECTIONS - self.free.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// The connection that goes first when another needs its place: the one that has owed something longest; if none does,
    /// the one that has been idle longest.
    pub(super) fn oldest(&self) -> Option<Token> {
        let oldest = if self.owing.oldest == OWING { self.idle.oldest } else { self.owing.oldest };
        self.token_if(oldest as usize, |_| true)
    }

    /// The connection at `index` if its deadline has passed.
    pub(super) fn due(&self, index: usize, now: Instant) -> Option<Token> {
        self.token_if(index, |entry| entry.deadline.is_some_and(|deadline| deadline <= now))
    }

    /// The connection at `index` if it is between two exchanges.
    pub(super) fn idle(&self, index: usize) -> Option<Token> {
        self.token_if(index, Entry::is_idle)
    }

    fn token_if(&self, index: usize, condition: impl FnOnce(&Entry<K>) -> bool) -> Option<Token> {
        let slot = self.slots.get(index)?;
        #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
        let token = Token { index: index as u32, generation: slot.generation };
        slot.entry.as_ref().filter(|entry| condition(entry)).map(|_| token)
    }

    /// Gives a connection a free place, if there is one; the spare buffers become those of the place.
    pub(super) fn insert(&mut self, entry: Entry<K>) -> Option<(Token, &mut Entry<K>)> {
        let index = self.free.pop()?;
        self.link(index, end(entry.is_idle()));
        let slot = self.slots.get_mut(index as usize)?;
        self.spare = replace(&mut slot.buffers, self.spare);
        slot.generation = slot.generation.wrapping_add(1);
        Some((Token { index, generation: slot.generation }, slot.entry.insert(entry)))
    }

    /// The connection that `token` was made for, if it is still there, and which of the server's buffers are its own.
    #[inline]
    pub(super) fn get(&mut self, token: Token) -> Option<(&mut Entry<K>, usize)> {
        let slot = self.slots.get_mut(token.index()).filter(|slot| slot.generation == token.generation)?;
        Some((slot.entry.as_mut()?, slot.buffers as usize))
    }

    /// Takes out the connection that `token` was made for, if it is still there.
    pub(super) fn remove(&mut self, token: Token) -> Option<Entry<K>> {
        let slot = self.slots.get_mut(token.index()).filter(|slot| slot.generation == token.generation)?;
        let entry = slot.entry.take()?;
        self.unlink(token.index);
        // There is room for as many as there are places.
        let _ = self.free.push(token.index);
        Some(entry)
    }

    /// From now on the connection waits for something else: it has finished an exchange or begun one.
    #[inline]
    pub(super) fn wait_anew(&mut self, token: Token, idle: bool) {
        let newest = if idle { self.idle.newest } else { self.owing.newest };
        if newest != token.index {
            self.unlink(token.index);
            self.link(token.index, end(idle));
        }
    }

    /// Which buffers are those of no place. Most connections are closed again before they need one.
    pub(super) fn spare(&self) -> usize {
        self.spare as usize
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref()?.deadline).min()
    }

    /// Makes a place that is on no list the newest of one.
    fn link(&mut self, index: u32, end: u32) {
        let older = replace(self.older_than(end), index);
        *self.newer_than(older) = index;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            (slot.older, slot.newer) = (older, end);
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(&Slot { older, newer, .. }) = self.slots.get(index as usize) else {
            return;
        };
        *self.newer_than(older) = newer;
        *self.older_than(newer) = older;
    }

    /// What follows a place on its list; the oldest follows the end.
    fn newer_than(&mut self, index: u32) -> &mut u32 {
        let ends = if index == IDLE { &mut self.idle } else { &mut self.owing };
        self.slots.get_mut(index as usize).map_or(&mut ends.oldest, |slot| &mut slot.newer)
    }

    /// What precedes a place on its list; the newest precedes the end.
    fn older_than(&mut self, index: u32) -> &mut u32 {
        let ends = if index == IDLE { &mut self.idle } else { &mut self.owing };
        self.slots.get_mut(index as usize).map_or(&mut ends.newest, |slot| &mut slot.older)
    }
}

fn end(idle: bool) -> u32 {
    if idle { IDLE } else { OWING }
}
