//! Serving one of the open connections.

use core::borrow::BorrowMut;
use core::mem::{forget, replace};

use super::builder::Settings;
use super::exchange::{RECEIVES, Waiting, exchange};
use super::reasons::Reasoned;
use super::report::{Incident, Report};
use super::table::{Entry, List, Table, Token};
use super::{IpcServer, ServerBuffers};
use crate::connection::{Buffers, ConnectionError};
use crate::handler::Decide;
use crate::peer::PeerCredentials;
use crate::request::Request;
use crate::unix::alarm::Alarm;
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
    /// It is about to be evicted.
    LastLook,
    /// Its client has closed it.
    HungUp,
    /// Nothing more will come, but its client may still take an answer. Not every system tells that apart from what is ready.
    Ended,
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
    pub(super) fn serve_connection<D: Decide<C>>(&mut self, token: Token, occasion: Occasion, daemon: &mut D) {
        let mut occasion = occasion;
        while self.serve_once(token, occasion, daemon) {
            occasion = Occasion::Again;
        }
    }

    /// Whether its next command may be there and there is work left.
    #[inline(never)]
    fn serve_once<D: Decide<C>>(&mut self, token: Token, occasion: Occasion, daemon: &mut D) -> bool {
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
        let finished = exchange::<C, Reasoned<K>, D, N>(
            &mut entry.waiting,
            &mut entry.stream,
            &mut entry.command,
            &self.offer,
            buffers,
            self.settings.keep_open,
            // What comes while this call works waits for the next one.
            if occasion == Occasion::Again { 0 } else { RECEIVES },
            &mut self.left,
            daemon,
            &mut self.tickets,
            token.index(),
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
                let ticket = self.tickets.of(token.index(), entry.command);
                let is_owed = entry.command != 0;
                drop(visit);
                if is_owed {
                    daemon.departed(ticket);
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
        let is_kept = waiting.is_kept();
        let settling = Settling {
            readiness: visit.readiness,
            alarm: &mut self.alarm,
            settings: &self.settings,
            report: &mut self.report,
            ending: self.ending,
        };
        match settling.settle(entry, buffers, token, finished, false) {
            // It has waited for the daemon before, or its client has left already.
            Some(List::None) if !finished || matches!(occasion, Occasion::HungUp | Occasion::Ended) => {
                visit.keep();
                self.look_at_kept(token, occasion, daemon);
                return false;
            }
            Some(list) => visit.table.wait_on(token, list),
            None => {
                let ticket = self.tickets.of(token.index(), entry.command);
                drop(visit);
                if is_kept {
                    daemon.departed(ticket);
                }
                return false;
            }
        }
        visit.keep();
        false
    }

    /// Has a connection wait for what it waits for now, and whether it can: otherwise it is closed.
    pub(super) fn wait_for(&mut self, token: Token, waiting: Waiting<C, Reasoned<K>>) -> bool {
        let Some(entry) = self.table.get(token) else { return false };
        let finished = matches!(waiting, Waiting::Command(_) | Waiting::Share(_));
        if !waiting.is_kept() {
            entry.command = 0;
        }
        entry.waiting = Some(waiting);
        let settling = Settling {
            readiness: &self.readiness,
            alarm: &mut self.alarm,
            settings: &self.settings,
            report: &mut self.report,
            ending: self.ending,
        };
        let buffers = self.buffers.borrow_mut().get(token.index());
        match settling.settle(entry, buffers, token, finished, true) {
            Some(list) => self.table.wait_on(token, list),
            None => {
                self.close(token);
                return false;
            }
        }
        true
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

/// What it takes to have a connection wait.
struct Settling<'s> {
    readiness: &'s Readiness,
    alarm: &'s mut Alarm,
    settings: &'s Settings,
    report: &'s mut Report,
    ending: bool,
}

impl Settling<'_> {
    /// Has a connection watched for what it waits for now, and says among whom it waits. `None` if it can't be watched.
    #[inline(always)]
    fn settle<C: Request, K: ServerWire, const N: usize>(
        self,
        entry: &mut Entry<Waiting<C, K>>,
        buffers: &Buffers<N>,
        token: Token,
        finished: bool,
        was_kept: bool,
    ) -> Option<List> {
        let Some(waiting) = &entry.waiting else { return None };
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
            if let Err(errno) = watch(self.readiness, &entry.stream, token.to_u64(), wanted) {
                // No memory, or the user's limit of watched descriptors is reached. Nothing could wake this connection.
                self.report.note(&Incident::Unwatched(entry.stream.peer(), errno));
                return None;
            }
            entry.watched = Some(wanted);
        }
        if waiting.is_kept() {
            // The daemon may take its time.
            entry.deadline = None;
            return Some(List::None);
        }
        if !(is_new || finished || was_kept || idle != was_idle) {
            return Some(List::Same);
        }
        entry.deadline = (!idle).then(|| self.alarm.now().plus(self.settings.deadline));
        if let Some(deadline) = entry.deadline {
            self.alarm.set_by(deadline);
        }
        Some(if idle { List::Idle } else { List::Owing })
    }
}

/// A connection that is being served. It is closed in the end, also if its daemon panics, unless it is [kept](Self::keep).
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
