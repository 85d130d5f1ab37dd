//! Which ticket belongs to which command.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::ticket::Ticket;

/// Makes the tickets of one server.
#[derive(Debug)]
pub(super) struct Tickets {
    server: u32,
    /// How many there have been.
    issued: u64,
}

impl Tickets {
    pub(super) fn new() -> Self {
        static SERVERS: AtomicU32 = AtomicU32::new(0);

        Self { server: SERVERS.fetch_add(1, Ordering::Relaxed), issued: 0 }
    }

    /// A ticket for the command of the connection at this place. No other will be equal to it: so many commands never come.
    pub(super) fn issue(&mut self, place: usize) -> Ticket {
        self.issued = self.issued.wrapping_add(1);
        self.of(place, self.issued)
    }

    /// The number of the command that was given the last ticket.
    pub(super) fn last(&self) -> u64 {
        self.issued
    }

    /// The ticket of a command again.
    pub(super) fn of(&self, place: usize, command: u64) -> Ticket {
        #[expect(clippy::cast_possible_truncation, reason = "a server has fewer connections than 2^32")]
        Ticket { server: self.server, place: place as u32, command }
    }

    /// Whether the ticket is one of this server's.
    pub(super) fn has_issued(&self, ticket: Ticket) -> bool {
        ticket.server == self.server
    }
}
