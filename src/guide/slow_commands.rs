//! Slow commands and events: a daemon that answers later, or several times.
//!
//! A [`Handler`](crate::Handler) answers at once, and everybody else waits for it. A command that takes two seconds, a log to follow
//! and a value to watch want a [`TicketHandler`](crate::TicketHandler). It gets a [`Ticket`](crate::Ticket) with each command, and its
//! [`Answer`](crate::Answer) says what happens:
//!
//! | [`Answer`](crate::Answer) | the client | the ticket |
//! |---|---|---|
//! | `Now(response)` | has its response | is stale |
//! | `Later` | waits | answers |
//! | `More(response)` | has a first response, and waits for more | answers |
//! | `Declined(reason)` | has an error with the reason; nothing was executed | is stale |
//!
//! # Answering by ticket
//!
//! Between two calls of [`serve_with_tickets`](crate::IpcServer::serve_with_tickets), wherever the server is at hand:
//!
//! | method | for | afterwards |
//! |---|---|---|
//! | [`reply`](crate::IpcServer::reply) | the response, or the last of several | stale |
//! | [`send`](crate::IpcServer::send) | an event that must not get lost | valid |
//! | [`send_latest`](crate::IpcServer::send_latest) | a value of which only the newest counts | valid |
//! | [`end`](crate::IpcServer::end) | no more responses; the client reads why | stale |
//! | [`dismiss`](crate::IpcServer::dismiss) | the answer is not coming; an error at the client's | stale |
//!
//! A [`ReplyError`](crate::ReplyError) says why a caller was not answered; the response is still yours. A ticket belongs to one
//! command. Once that is answered, using the ticket is an error, also if the same client has sent another command.
//!
//! A client that does not read costs its buffer and nothing else. `send` is [`Full`](crate::ReplyError::Full) then, and you decide:
//! leave the event out, dismiss the client, or try again when the server has woken you. `send_latest` replaces the value that has not left
//! yet. A subscriber that connects again is best sent the state first, by `More`, and then the changes.
//!
//! # Clients that leave
//!
//! The handler's [`departed`](crate::TicketHandler::departed) is called once for each caller that waits no longer: it has left, it
//! has cancelled, or the server has let it go. You need not write to learn of it.
//!
//! | what happens | to a caller that waits |
//! |---|---|
//! | the table is full | it keeps its slot. A newcomer that would have to wait is told *busy* |
//! | the server's [deadline](crate::ServerBuilder::deadline) | does not apply, until the last response is to be taken |
//! | a handler panics | only the caller of that command is closed, and its ticket is stale |
//! | [`shutdown_with_tickets`](crate::IpcServer::shutdown_with_tickets) | it is told that the server ends. Answer first whom you can |
//! | [`hand_over`](crate::IpcServer::hand_over) | it stays with this process |
//! | a command behind its own, on the same connection | waits for this answer. Several at once need several connections |
//!
//! # Work on another thread
//!
//! A [`Waker`](crate::unix::Waker) from [`waker`](crate::IpcServer::waker) ends the server's sleep, from a thread or from a signal handler. Send
//! the ticket to the thread, the result back through a channel, and answer on the server's thread.
//! [`examples/jobs.rs`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/examples/jobs.rs) does so, with progress and cancelling;
//! [`examples/watch.rs`](https://github.com/cavemanloverboy/ipc-server/blob/HEAD/examples/watch.rs) has a value and its subscribers.
//!
//! # The client
//!
//! [`Client::stream`](crate::Client::stream) iterates over the responses, without a timeout unless you set one. Dropping it cancels. A
//! [`call`](crate::Client::call) takes one response within the client's deadline, which a late reply may need longer.
//!
//! On the bare wire there is one response, now or late. Ask [`takes_several`](crate::Caller::takes_several) before you subscribe a
//! caller.
