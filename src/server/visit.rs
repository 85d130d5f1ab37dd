//! Serving one of the open connections.

use core::borrow::BorrowMut;
use core::mem::forget;

use super::exchange::{RECEIVES, Waiting, exchange};
use super::report::Incident;
use super::table::{Entry, Table, Token};
use super::{IpcServer, ServerBuffers};
use crate::codec::Codec;
use crate::command::IpcServerCommand;
use crate::connection::ConnectionError;
use crate::peer::PeerCredentials;
use crate::unix::readiness::Readiness;

/// Why a connection is visited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// It has just come, or epoll says that it has something to do. It is served once a call.
    Ready,
    /// It has to finish an exchange now, or is closed.
    Due,
    /// It is about to be evicted.
    LastLook,
}

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Takes a connection as far as it goes now, if it is still open. It is closed if that is its end, or if it is due and does
    /// not finish an exchange.
    ///
    /// Each command is taken off the work that is left of this call, as long as that is above `floor`; the first one with the
    /// visit itself.
    #[inline(never)]
    pub(super) fn serve_connection(
        &mut self,
        token: Token,
        occasion: Occasion,
        floor: usize,
        context: &mut C::Context<'_>,
    ) {
        let visit = Visit { table: &mut self.table, readiness: &self.readiness, token };
        let entry = match visit.table.get(token) {
            Some(entry) if entry.call != self.call || occasion != Occasion::Ready => entry,
            // It was served earlier in this call, or closed.
            _ => return visit.keep(),
        };
        entry.call = self.call;
        let buffers = self.buffers.borrow_mut().get(token.index());
        if occasion != Occasion::Ready {
            buffers.input.wait_for_nothing();
        }
        self.left = self.left.saturating_sub(1);
        let mut finished = false;
        let mut times = RECEIVES;
        loop {
            match exchange::<C, K, N>(
                &mut entry.waiting,
                &mut entry.stream,
                buffers,
                self.settings.keep_open,
                times,
                floor,
                &mut self.left,
                context,
                &mut self.report,
            ) {
                Ok(done) => finished |= done,
                // What was served while the server ends is over when nothing more lies in its connection.
                Err(ConnectionError::Closed { received: 0 }) if self.ending && !entry.is_idle() => return,
                Err(error) => return self.report.note(&Incident::Ended(entry.stream.peer(), &error)),
            }
            if !matches!(entry.waiting, Some(Waiting::Share(_))) || self.left <= floor {
                break;
            }
            self.left -= 1;
            times = 0;
        }
        let Some(waiting) = &entry.waiting else { return };
        if occasion == Occasion::Due && !finished {
            return self.report.note(&Incident::Expired(entry.stream.peer()));
        }
        let is_new = entry.watched.is_none();
        let was_idle = entry.is_idle();
        let mut idle = (finished || was_idle) && waiting.is_idle(buffers);
        if self.ending && idle && !was_idle {
            entry.stream.stop_arrivals();
            idle = false;
        }
        let wanted = waiting.interest();
        if entry.watched != Some(wanted) {
            let watch = if is_new { Readiness::add } else { Readiness::modify };
            if let Err(errno) = watch(visit.readiness, &entry.stream, token.to_u64(), wanted) {
                // No memory, or the user's limit of watched descriptors is reached. Nothing could wake this connection.
                return self.report.note(&Incident::Unwatched(entry.stream.peer(), errno));
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
    }

    /// Closes a connection, if it is still open; says whose it was.
    pub(super) fn close(&mut self, token: Token) -> Option<PeerCredentials> {
        take_out(&mut self.table, &self.readiness, token).map(|entry| entry.stream.peer())
    }
}

/// A connection that is being served. It is closed in the end, also if its handler panics, unless it is [kept](Self::keep).
struct Visit<'s, K, const CONNECTIONS: usize> {
    table: &'s mut Table<K, CONNECTIONS>,
    readiness: &'s Readiness,
    token: Token,
}

impl<K, const CONNECTIONS: usize> Visit<'_, K, CONNECTIONS> {
    fn keep(self) {
        forget(self);
    }
}

impl<K, const CONNECTIONS: usize> Drop for Visit<'_, K, CONNECTIONS> {
    fn drop(&mut self) {
        take_out(self.table, self.readiness, self.token);
    }
}

/// Takes a connection out of the table and of epoll. Dropping it closes it.
#[inline]
fn take_out<K, const CONNECTIONS: usize>(
    table: &mut Table<K, CONNECTIONS>,
    readiness: &Readiness,
    token: Token,
) -> Option<Entry<K>> {
    let entry = table.remove(token)?;
    if entry.watched.is_some() {
        readiness.remove(&entry.stream);
    }
    Some(entry)
}
