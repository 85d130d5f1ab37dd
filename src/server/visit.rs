//! Serving one of the open connections.

use core::borrow::BorrowMut;
use core::mem::{forget, replace};

use super::exchange::{RECEIVES, Waiting, exchange};
use super::reasons::Reasoned;
use super::report::Incident;
use super::table::{Entry, Table, Token};
use super::{IpcServer, ServerBuffers};
use crate::connection::ConnectionError;
use crate::handler::Handler;
use crate::peer::PeerCredentials;
use crate::request::Request;
use crate::unix::readiness::Readiness;
use crate::wire::ServerWire;
use crate::wire::session::Code;

/// Why a connection is visited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It has just come, or epoll says that it has something to do. It is served once a call.
    Ready,
    /// It has to finish an exchange now, or is closed.
    Due,
    /// It is about to be evicted, or nothing more will come.
    LastLook,
    /// It has just been served, and its next command may be there.
    Again,
}

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: Request,
    K: ServerWire,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Takes a connection as far as it goes now, if it is still open. It is closed if that is its end, or if it is due and does
    /// not finish an exchange.
    ///
    /// Each command is taken off the work that is left of this call, as long as there is some; the first one with the
    /// visit itself.
    #[inline]
    pub(super) fn serve_connection<H: Handler<C> + ?Sized>(
        &mut self,
        token: Token,
        occasion: Occasion,
        handler: &mut H,
    ) {
        let mut occasion = occasion;
        while self.serve_once(token, occasion, handler) {
            occasion = Occasion::Again;
        }
    }

    /// Whether its next command may be there and there is work left.
    #[inline(never)]
    fn serve_once<H: Handler<C> + ?Sized>(&mut self, token: Token, occasion: Occasion, handler: &mut H) -> bool {
        let visit = Visit { table: &mut self.table, readiness: &self.readiness, token };
        let entry = match visit.table.get(token) {
            Some(entry) if entry.call != self.call || occasion != Occasion::Ready => entry,
            // It was served earlier in this call, or closed.
            _ => {
                visit.keep();
                return false;
            }
        };
        entry.call = self.call;
        let buffers = self.buffers.borrow_mut().get(token.index());
        if occasion != Occasion::Ready {
            buffers.input.wait_for_nothing();
        }
        self.left = self.left.saturating_sub(1);
        let finished = exchange::<C, Reasoned<K>, H, N>(
            &mut entry.waiting,
            &mut entry.stream,
            &self.offer,
            buffers,
            self.settings.keep_open,
            // What comes while this call works waits for the next one.
            if occasion == Occasion::Again { 0 } else { RECEIVES },
            &mut self.left,
            handler,
            &mut self.report,
        );
        let finished = match finished {
            Ok(finished) => finished | replace(&mut entry.finished, false),
            Err(error) => {
                // What was served while the server ends is over when nothing more lies in its connection.
                let is_over =
                    self.ending && !entry.is_idle() && matches!(error, ConnectionError::Closed { received: 0 });
                if !is_over {
                    self.report.note(&Incident::Ended(entry.stream.peer(), &error));
                }
                return false;
            }
        };
        let Some(waiting) = &entry.waiting else { return false };
        if matches!(waiting, Waiting::Share(_)) && self.left > 0 {
            entry.finished = finished;
            visit.keep();
            return true;
        }
        if occasion == Occasion::Due && !finished {
            self.report.note(&Incident::Expired(entry.stream.peer()));
            if let Some(waiting) = entry.waiting.take() {
                waiting.break_off(&mut entry.stream, &self.offer, buffers, Code::Expired);
            }
            return false;
        }
        let is_new = entry.watched.is_none();
        let was_idle = entry.is_idle();
        let mut idle = (finished || was_idle) && waiting.is_idle(buffers);
        if self.ending && idle && !was_idle {
            entry.stream.stop_arrivals();
            idle = false;
        }
        let wanted = waiting.interest(buffers);
        if entry.watched != Some(wanted) {
            let watch = if is_new { Readiness::add } else { Readiness::modify };
            if let Err(errno) = watch(visit.readiness, &entry.stream, token.to_u64(), wanted) {
                // No memory, or the user's limit of watched descriptors is reached. Nothing could wake this connection.
                self.report.note(&Incident::Unwatched(entry.stream.peer(), errno));
                return false;
            }
            entry.watched = Some(wanted);
        }
        if is_new || finished || idle != was_idle {
            entry.deadline = (!idle).then(|| self.alarm.now().plus(self.settings.deadline));
            if let Some(deadline) = entry.deadline {
                self.alarm.set_by(deadline);
            }
            visit.table.wait_anew(token, idle);
        }
        visit.keep();
        false
    }

    /// Tells the client of a connection that is about to be closed why the command that it has begun to send is not executed.
    #[cold]
    pub(super) fn break_off(&mut self, token: Token, code: Code) {
        let Some(entry) = self.table.get(token) else { return };
        if let Some(waiting) = entry.waiting.take() {
            let buffers = self.buffers.borrow_mut().get(token.index());
            waiting.break_off(&mut entry.stream, &self.offer, buffers, code);
        }
    }

    /// Closes a connection, if it is still open; says whose it was.
    pub(super) fn close(&mut self, token: Token) -> Option<PeerCredentials> {
        take_out(&mut self.table, &self.readiness, token).map(|entry| entry.stream.peer())
    }
}

/// A connection that is being served. It is closed in the end, also if its handler panics, unless it is [kept](Self::keep).
struct Visit<'s, W, const CONNECTIONS: usize> {
    table: &'s mut Table<W, CONNECTIONS>,
    readiness: &'s Readiness,
    token: Token,
}

impl<W, const CONNECTIONS: usize> Visit<'_, W, CONNECTIONS> {
    fn keep(self) {
        forget(self);
    }
}

impl<W, const CONNECTIONS: usize> Drop for Visit<'_, W, CONNECTIONS> {
    fn drop(&mut self) {
        take_out(self.table, self.readiness, self.token);
    }
}

/// Takes a connection out of the table and of epoll. Dropping it closes it.
#[inline]
fn take_out<W, const CONNECTIONS: usize>(
    table: &mut Table<W, CONNECTIONS>,
    readiness: &Readiness,
    token: Token,
) -> Option<Entry<W>> {
    let entry = table.remove(token)?;
    if entry.watched.is_some() {
        readiness.remove(&entry.stream);
    }
    Some(entry)
}
