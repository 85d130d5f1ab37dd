//! Callers that wait for the daemon: answering them, and noticing that they have left.

use core::borrow::BorrowMut;
use core::fmt;

use super::exchange::Waiting;
use super::reasons::Reasoned;
use super::report::Incident;
use super::table::Token;
use super::visit::Occasion;
use super::{Handled, IpcServer, ServerBuffers, ServerError};
use crate::codec::EncodeError;
use crate::connection::{Connection, ConnectionError, Owing, Processed, Step};
use crate::handler::{Decide, TicketHandler, WithTickets};
use crate::request::Request;
use crate::ticket::Ticket;
use crate::unix::readiness::Interest;
use crate::unix::{Errno, Stream, Waker};
use crate::wire::session::Code;
use crate::wire::{ServerProtocol, ServerWire};

/// Why a caller was not answered. Whoever answers still has the response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// The ticket's command has been answered, or its caller has departed and the handler was
    /// [told](crate::TicketHandler::departed). Caused by this program.
    Stale,
    /// The client has left, which is noticed only now: the handler is not told again. The ticket is stale from now on.
    Left,
    /// The client does not read what it was sent before, and there is no room for more. Nothing was sent; the ticket stays valid. The
    /// server's [sleep](crate::IpcServer::wait) ends when it has read on.
    Full,
    /// The client speaks the bare wire, which carries one response. Nothing was sent; the ticket stays valid, for
    /// [`reply`](crate::IpcServer::reply). Caused by this program, which can [ask](crate::Caller::takes_several) beforehand.
    OneResponse,
    /// The response could not be encoded: too long for the capacity, or not encodable at all. The client was told, and its connection is
    /// closed. The ticket is stale from now on. Caused by this program.
    Response(EncodeError),
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale => f.write_str("the ticket is stale: its caller has been answered or has departed"),
            Self::Left => f.write_str("the client has left"),
            Self::Full => f.write_str("the client does not read, and there is no room for more"),
            Self::OneResponse => f.write_str("the client's wire carries one response"),
            Self::Response(_) => f.write_str("the response could not be encoded"),
        }
    }
}

impl core::error::Error for ReplyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Response(error) => Some(error),
            Self::Stale | Self::Left | Self::Full | Self::OneResponse => None,
        }
    }
}

type Kept<'k, C, K, const N: usize> = Connection<'k, Owing<C>, &'k mut Stream, Reasoned<K>, N>;

/// What has become of a caller who waited.
enum Done<'k, C, K: ServerWire, const N: usize> {
    /// It is owed more.
    Sent(Kept<'k, C, K, N>),
    /// There is no room.
    Full(Kept<'k, C, K, N>),
    /// That was all.
    Answered(Connection<'k, Processed, &'k mut Stream, Reasoned<K>, N>),
}

impl<'k, C, K: ServerWire, const N: usize> Done<'k, C, K, N> {
    fn answered(step: Step<Connection<'k, Processed, &'k mut Stream, Reasoned<K>, N>, Kept<'k, C, K, N>>) -> Self {
        match step {
            Step::Ready(processed) => Self::Answered(processed),
            Step::NotYet(owing) => Self::Full(owing),
        }
    }

    fn sent(step: Step<Kept<'k, C, K, N>, Kept<'k, C, K, N>>) -> Self {
        match step {
            Step::Ready(owing) => Self::Sent(owing),
            Step::NotYet(owing) => Self::Full(owing),
        }
    }
}

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: Request,
    K: ServerWire,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Like [`handle_new_messages`](Self::handle_new_messages), for requests that a [`TicketHandler`] executes.
    ///
    /// Those that it keeps are answered by [`reply`](Self::reply), [`send`](Self::send), [`send_latest`](Self::send_latest),
    /// [`end`](Self::end) and [`dismiss`](Self::dismiss), between two calls. A server whose handler keeps callers is served by
    /// this method only: the others can't tell it of those that have departed, and close the connections of those that are heard of.
    ///
    /// # Errors
    ///
    /// As [`handle_new_messages`](Self::handle_new_messages).
    pub fn serve_with_tickets<H: TicketHandler<C> + ?Sized>(
        &mut self,
        handler: &mut H,
    ) -> Result<Handled, ServerError> {
        self.serve_by(&mut WithTickets(handler))
    }

    /// What ends this server's sleep from another thread, or from a signal handler: see [`Waker`].
    ///
    /// ```
    /// # mod level { include!("../../tests/support/level.rs"); }
    /// # use level::*;
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("daemon.sock");
    /// let mut server = IpcServer::<Command>::builder().bind(&path)?;
    /// let waker = server.waker()?;
    /// let worker = std::thread::spawn(move || {
    ///     // It has finished a piece of work.
    ///     waker.wake();
    /// });
    /// assert!(server.wait(None)?);
    /// # worker.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ServerError`] if no descriptor is left. The server can go on.
    pub fn waker(&mut self) -> Result<Waker, ServerError> {
        let waker = match self.waker.take() {
            Some(waker) => waker,
            None => {
                let waker = Waker::new().map_err(ServerError::waker)?;
                self.readiness.add(&waker, Token::WAKER, Interest::Input).map_err(ServerError::waker)?;
                waker
            }
        };
        let clone = waker.try_clone();
        self.waker = Some(waker);
        clone.map_err(ServerError::waker)
    }

    /// Answers a caller that was kept: with the only response, or the last one. The ticket is stale afterwards.
    ///
    /// A reply that its client does not take at once is sent by a later call of the server, within the
    /// [deadline](crate::ServerBuilder::deadline).
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    pub fn reply(&mut self, ticket: Ticket, response: &C::Response) -> Result<(), ReplyError> {
        self.with_kept(ticket, |owing| owing.answer(response).map(Done::answered))
    }

    /// Sends a caller that was kept one response of several. The ticket stays valid for more.
    ///
    /// Each arrives. How many may wait for a client that does not read is the capacity's to say; beyond that it is
    /// [`Full`](ReplyError::Full), and the daemon decides: it may drop the response, [dismiss](Self::dismiss) the client, or try again
    /// later.
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    pub fn send(&mut self, ticket: Ticket, response: &C::Response) -> Result<(), ReplyError> {
        self.with_several(ticket, |owing| owing.send_item(response).map(Done::sent))
    }

    /// Like [`send`](Self::send), in place of the last response that was sent so and of which nothing has left: a client that reads
    /// slowly skips to the newest.
    ///
    /// It is not [`Full`](ReplyError::Full) if the capacity is that of three of them.
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    pub fn send_latest(&mut self, ticket: Ticket, response: &C::Response) -> Result<(), ReplyError> {
        self.with_several(ticket, |owing| owing.send_latest(response).map(Done::sent))
    }

    /// Ends the responses to a caller without another one. The client reads the `reason`, the first 48 bytes of it; it is no error there.
    /// On the bare wire the connection is closed. The ticket is stale afterwards.
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    pub fn end(&mut self, ticket: Ticket, reason: &str) -> Result<(), ReplyError> {
        self.with_kept(ticket, |owing| owing.end(reason).map(Done::answered))
    }

    /// Lets go of a caller without an answer, or without the rest of it, which is an error at the client's. Otherwise as
    /// [`end`](Self::end).
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    pub fn dismiss(&mut self, ticket: Ticket, reason: &str) -> Result<(), ReplyError> {
        self.with_kept(ticket, |owing| owing.dismiss(reason).map(Done::answered))
    }

    /// Whether the ticket's caller still waits, as far as the server has noticed.
    #[must_use]
    pub fn is_waiting(&self, ticket: Ticket) -> bool {
        self.kept(ticket).is_some()
    }

    /// The connection of the ticket's caller, if it waits.
    fn kept(&self, ticket: Ticket) -> Option<Token> {
        let index = ticket.place as usize;
        let entry = self.table.at(index)?;
        let is_its = self.tickets.has_issued(ticket) && entry.command == ticket.command;
        if is_its && entry.waiting.as_ref()?.is_kept() { self.table.token_at(index) } else { None }
    }

    fn with_several(
        &mut self,
        ticket: Ticket,
        act: impl FnOnce(Kept<'_, C, K, N>) -> Result<Done<'_, C, K, N>, ConnectionError<Errno>>,
    ) -> Result<(), ReplyError> {
        let waiting = self.table.at(ticket.place as usize).and_then(|entry| entry.waiting.as_ref());
        match waiting {
            Some(Waiting::Answer(parked)) if !parked.takes_several() && self.kept(ticket).is_some() => {
                Err(ReplyError::OneResponse)
            }
            _ => self.with_kept(ticket, act),
        }
    }

    fn with_kept(
        &mut self,
        ticket: Ticket,
        act: impl FnOnce(Kept<'_, C, K, N>) -> Result<Done<'_, C, K, N>, ConnectionError<Errno>>,
    ) -> Result<(), ReplyError> {
        let token = self.kept(ticket).ok_or(ReplyError::Stale)?;
        let entry = self.table.get(token).ok_or(ReplyError::Stale)?;
        let Some(Waiting::Answer(parked)) = entry.waiting.take() else { return Err(ReplyError::Stale) };
        let buffers = self.buffers.borrow_mut().get(token.index());
        let owing = parked.resume_with(&mut entry.stream, buffers, <Reasoned<K> as ServerProtocol>::local(&self.offer));
        // What it waits for now; nothing if the connection is over.
        let outcome = act(owing).and_then(|done| {
            Ok(match done {
                Done::Sent(owing) => (Some(Waiting::Answer(owing.park().0)), Ok(())),
                Done::Full(owing) => (Some(Waiting::Answer(owing.park().0)), Err(ReplyError::Full)),
                Done::Answered(processed) => {
                    let is_last = !self.settings.keep_open || processed.is_reply_empty();
                    match processed.send()? {
                        Step::NotYet(processed) => (Some(Waiting::Reply(processed.park().0)), Ok(())),
                        Step::Ready(replied) => {
                            self.report.count_served();
                            ((!is_last).then(|| Waiting::after_reply(replied.next())), Ok(()))
                        }
                    }
                }
            })
        });
        match outcome {
            Ok((Some(waiting), outcome)) => {
                if self.wait_for(token, waiting) {
                    outcome
                } else {
                    Err(ReplyError::Left)
                }
            }
            // On the bare wire the end is all that can be said.
            Ok((None, _)) | Err(ConnectionError::OneResponse) => {
                self.close(token);
                Ok(())
            }
            Err(error) => {
                self.report.note(&Incident::Ended(entry.stream.peer(), &error));
                self.close(token);
                match error {
                    ConnectionError::Response(error) => Err(ReplyError::Response(error)),
                    _ => Err(ReplyError::Left),
                }
            }
        }
    }

    /// Looks whether a caller that was kept waits no longer, and sends what it has room for now.
    #[cold]
    pub(super) fn look_at_kept<D: Decide<C>>(&mut self, token: Token, occasion: Occasion, daemon: &mut D) {
        if !D::KEEPS {
            self.close(token);
            return;
        }
        let Some(entry) = self.table.get(token) else { return };
        let Some(Waiting::Answer(parked)) = entry.waiting.take() else { return };
        let ticket = self.tickets.of(token.index(), entry.command);
        let has_hung_up = occasion == Occasion::HungUp || (occasion == Occasion::Ended && entry.stream.is_gone());
        let buffers = self.buffers.borrow_mut().get(token.index());
        let owing = parked.resume_with(&mut entry.stream, buffers, <Reasoned<K> as ServerProtocol>::local(&self.offer));
        let heard = if has_hung_up {
            // It has hung up: nobody evicts it.
            drop(owing);
            Err(ConnectionError::Closed { received: 0 })
        } else {
            owing.listen().map(|step| match step {
                Step::NotYet(owing) => Waiting::Answer(owing.park().0),
                Step::Ready(accepted) => Waiting::after_reply(accepted),
            })
        };
        let waits = match heard {
            Ok(waiting) => {
                let is_kept = waiting.is_kept();
                // A client that has cancelled may give another command, and has got no last answer to this one.
                self.wait_for(token, waiting) && is_kept
            }
            Err(error) => {
                self.report.note(&Incident::Ended(entry.stream.peer(), &error));
                self.close(token);
                false
            }
        };
        if !waits {
            daemon.departed(ticket);
        }
    }

    /// Lets go of a caller that was kept, if it is one, and says why. Whether it was one.
    #[cold]
    pub(super) fn let_go<D: Decide<C>>(&mut self, token: Token, code: Code, daemon: &mut D) -> bool {
        if !D::KEEPS {
            return false;
        }
        let Some(entry) = self.table.get(token) else { return false };
        let parked = match entry.waiting.take() {
            Some(Waiting::Answer(parked)) => parked,
            other => {
                entry.waiting = other;
                return false;
            }
        };
        let ticket = self.tickets.of(token.index(), entry.command);
        let buffers = self.buffers.borrow_mut().get(token.index());
        let owing = parked.resume_with(&mut entry.stream, buffers, <Reasoned<K> as ServerProtocol>::local(&self.offer));
        if let Ok(Step::Ready(processed)) = owing.refuse(code.afterwards(), "") {
            // The connection ends in any case.
            let _ = processed.send();
        }
        self.close(token);
        daemon.departed(ticket);
        true
    }
}
