//! A caller that waits for its answer.

/// A caller that a [`TicketHandler`](crate::TicketHandler) keeps, to answer it later: from wherever the server is at hand, once or
/// several times.
///
/// It is a few numbers: copy it, store it in a `static`, send it to another thread. Each command has its own, so that a ticket
/// never reaches another command than the one that it was made for; once that is answered, or its client has left, the ticket
/// is stale, and using it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// Tells it from those of the other servers of this process.
    pub(crate) server: u32,
    /// The place of its connection.
    pub(crate) place: u32,
    /// Which of the server's commands it belongs to.
    pub(crate) command: u64,
}
