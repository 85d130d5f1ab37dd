//! The connections that are open.

use core::{array, iter};

use crate::unix::Stream;
use crate::unix::clock::Instant;
use crate::unix::readiness::Interest;

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
    /// Stands for the waker.
    pub(super) const WAKER: u64 = u64::MAX - 2;
    /// Those below it stand for connections.
    pub(super) const FIRST_SPECIAL: u64 = Self::WAKER;

    pub(super) fn to_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(super) fn from_u64(token: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
        Self { index: token as u32, generation: (token >> 32) as u32 }
    }

    /// The place, and which of the server's buffers belong to it.
    pub(super) fn index(self) -> usize {
        self.index as usize
    }
}

/// An open connection, apart from its buffers. `W` says what it waits for.
pub(super) struct Entry<W> {
    pub(super) stream: Stream,
    /// What it waits for; none while it is served.
    pub(super) waiting: Option<W>,
    /// What epoll watches for; none of a newcomer, which may be gone before it need be watched.
    pub(super) watched: Option<Interest>,
    /// When its exchange must be finished; none between two exchanges.
    pub(super) deadline: Option<Instant>,
    /// The last call that served it.
    pub(super) call: u32,
    /// The number of the command that the daemon owes an answer to; 0 if it owes none.
    pub(super) command: u64,
    /// Whether it has finished an exchange in that call and is about to be served again.
    pub(super) finished: bool,
}

impl<W> Entry<W> {
    fn new(stream: Stream, call: u32) -> Self {
        Self { stream, waiting: None, watched: None, deadline: None, call, command: 0, finished: false }
    }

    /// Whether its client owes nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.watched.is_some() && self.deadline.is_none()
    }
}

/// Among whom a connection waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Those whose clients owe nothing: they are between two commands.
    Idle,
    /// Those that wait for the rest of a command, or for their client to take a reply.
    Owing,
    /// As before.
    Same,
    /// Those that wait for the daemon, which are not evicted.
    None,
}

/// Stand for the two ends of a list of places, where the oldest's elder and the newest's junior would be.
const IDLE: u32 = u32::MAX;
const OWING: u32 = u32::MAX - 1;

struct Slot<W> {
    entry: Option<Entry<W>>,
    generation: u32,
    /// The places on the same list whose tenants began to wait for what they wait for just before and just after this one's;
    /// of a newcomer, its own. The free places are a list of `older`.
    older: u32,
    newer: u32,
}

/// How many connections are compared with each other to find who holds the most slots.
const COMPARED: usize = 64;

/// The two ends of a list.
struct Ends {
    oldest: u32,
    newest: u32,
}

/// Places for `CONNECTIONS` connections that wait, and one for a newcomer.
pub(super) struct Table<W, const CONNECTIONS: usize> {
    slots: [Slot<W>; CONNECTIONS],
    /// The place beyond them, whose index is `CONNECTIONS`. Newcomers take turns in all.
    last: Slot<W>,
    /// The first free place.
    free: u32,
    len: u32,
    /// Those whose clients owe nothing: they are between two commands.
    idle: Ends,
    /// Those that wait for the rest of a command, or for their client to take a reply.
    owing: Ends,
}

impl<W, const CONNECTIONS: usize> Table<W, CONNECTIONS> {
    #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
    pub(super) fn new() -> Self {
        const {
            assert!(CONNECTIONS > 0, "a server needs room for a connection that waits: at least 1");
            assert!(CONNECTIONS < u32::MAX as usize - 2, "a server has at most 2^32 - 4 connections");
        }
        let slot = |index| Slot { entry: None, generation: 0, older: index + 1, newer: index };
        Self {
            slots: array::from_fn(|index| slot(index as u32)),
            last: slot(CONNECTIONS as u32),
            free: 0,
            len: 0,
            idle: Ends { oldest: IDLE, newest: IDLE },
            owing: Ends { oldest: OWING, newest: OWING },
        }
    }

    /// How many connections are open.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether no place is left for a newcomer.
    pub(super) fn is_full(&self) -> bool {
        self.len() > CONNECTIONS
    }

    /// The connection that goes when `newcomer` has taken the last slot: of the process that holds the most slots, or else of
    /// the user, the one that has owed something longest; if none owes anything, the one that has been idle longest.
    #[cold]
    pub(super) fn eviction_candidate(&self, newcomer: Token) -> Option<Token> {
        let mut candidate = None;
        let mut most = (0, 0);
        for (index, slot) in self.by_age() {
            let peer = slot.entry.as_ref()?.stream.peer();
            let mut held = (0, 0);
            for (other_index, other) in self.by_age() {
                let other = other.entry.as_ref()?.stream.peer();
                // Of those whose process is unknown, only the user is in common.
                held.0 += u32::from(other_index == index || (peer.pid.is_some() && other.pid == peer.pid));
                held.1 += u32::from(other.uid == peer.uid);
            }
            if index != newcomer.index && held > most {
                most = held;
                candidate = Some(Token { index, generation: slot.generation });
            }
        }
        candidate
    }

    /// Those that wait, from the oldest that owes something to the newest that is idle, or the first [`COMPARED`] of them.
    fn by_age(&self) -> impl Iterator<Item = (u32, &Slot<W>)> {
        let mut next = self.owing.oldest;
        iter::from_fn(move || {
            if next == OWING {
                next = self.idle.oldest;
            }
            let index = next;
            // The end of a list is no index.
            let slot = if index == IDLE { None } else { Some(self.slots.get(index as usize).unwrap_or(&self.last)) };
            next = slot?.newer;
            slot.map(|slot| (index, slot))
        })
        .take(COMPARED)
    }

    /// The connection at `index` if its deadline has passed.
    pub(super) fn due(&self, index: usize, now: Instant) -> Option<Token> {
        self.token_if(index, |entry| entry.deadline.is_some_and(|deadline| deadline <= now))
    }

    /// The connection at `index`, by its token.
    pub(super) fn token_at(&self, index: usize) -> Option<Token> {
        self.token_if(index, |_| true)
    }

    /// The connection at `index`.
    pub(super) fn at(&self, index: usize) -> Option<&Entry<W>> {
        self.slots().nth(index)?.entry.as_ref()
    }

    fn token_if(&self, index: usize, condition: impl FnOnce(&Entry<W>) -> bool) -> Option<Token> {
        let slot = self.slots().nth(index)?;
        #[expect(clippy::cast_possible_truncation, reason = "CONNECTIONS fits 32 bits")]
        let token = Token { index: index as u32, generation: slot.generation };
        slot.entry.as_ref().filter(|entry| condition(entry)).map(|_| token)
    }

    /// Gives a newcomer a free place, if there is one. It is on no list until it [waits](Self::wait_on).
    pub(super) fn insert(&mut self, stream: Stream, call: u32) -> Option<(Token, &mut Entry<W>)> {
        if self.is_full() {
            return None;
        }
        self.len += 1;
        let index = self.free;
        self.free = self.slot(index).older;
        let slot = self.slot(index);
        (slot.older, slot.newer) = (index, index);
        slot.generation = slot.generation.wrapping_add(1);
        Some((Token { index, generation: slot.generation }, slot.entry.insert(Entry::new(stream, call))))
    }

    /// The connection that `token` was made for, if it is still open.
    #[inline]
    pub(super) fn get(&mut self, token: Token) -> Option<&mut Entry<W>> {
        let slot = self.slot(token.index);
        if slot.generation != token.generation {
            return None;
        }
        slot.entry.as_mut()
    }

    /// Takes out the connection that `token` was made for, if it is still open.
    pub(super) fn remove(&mut self, token: Token) -> Option<Entry<W>> {
        let free = self.free;
        let slot = self.slot(token.index);
        if slot.generation != token.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        if entry.watched.is_some() {
            self.unlink(token.index);
        }
        self.slot(token.index).older = free;
        self.free = token.index;
        self.len -= 1;
        Some(entry)
    }

    /// From now on the connection waits for something else: it is new, or has finished an exchange or begun one.
    #[inline]
    pub(super) fn wait_on(&mut self, token: Token, list: List) {
        let (newest, end) = match list {
            List::Idle => (self.idle.newest, IDLE),
            List::Owing => (self.owing.newest, OWING),
            List::Same => return,
            List::None => return self.leave(token.index),
        };
        if newest != token.index {
            self.move_to(token.index, end);
        }
    }

    /// Takes a place off its list.
    #[cold]
    fn leave(&mut self, index: u32) {
        self.unlink(index);
        let slot = self.slot(index);
        (slot.older, slot.newer) = (index, index);
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.slots().filter_map(|slot| slot.entry.as_ref()?.deadline).min()
    }

    /// Makes a place the newest of a list. Apart from [`wait_on`](Self::wait_on), since mostly it is that already.
    #[inline(never)]
    fn move_to(&mut self, index: u32, end: u32) {
        self.unlink(index);
        self.link(index, end);
    }

    /// Makes a place that is on no list the newest of one.
    fn link(&mut self, index: u32, end: u32) {
        let older = *self.older_than(end);
        *self.older_than(end) = index;
        *self.newer_than(older) = index;
        let slot = self.slot(index);
        (slot.older, slot.newer) = (older, end);
    }

    fn unlink(&mut self, index: u32) {
        let &mut Slot { older, newer, .. } = self.slot(index);
        *self.newer_than(older) = newer;
        *self.older_than(newer) = older;
    }

    /// What follows a place on its list; the oldest follows the end.
    fn newer_than(&mut self, index: u32) -> &mut u32 {
        match index {
            IDLE => &mut self.idle.oldest,
            OWING => &mut self.owing.oldest,
            index => &mut self.slot(index).newer,
        }
    }

    /// What precedes a place on its list; the newest precedes the end.
    fn older_than(&mut self, index: u32) -> &mut u32 {
        match index {
            IDLE => &mut self.idle.newest,
            OWING => &mut self.owing.newest,
            index => &mut self.slot(index).older,
        }
    }

    #[inline]
    fn slot(&mut self, index: u32) -> &mut Slot<W> {
        self.slots.get_mut(index as usize).unwrap_or(&mut self.last)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot<W>> {
        self.slots.iter().chain([&self.last])
    }
}
