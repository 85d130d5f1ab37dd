//! Serving one of the open connections.

use core::borrow::BorrowMut;
use core::mem::forget;

use super::exchange::exchange;
use super::report::Incident;
use super::table::{Entry, Table, Token};
use super::{IpcServer, ServerBuffers};
use crate::codec::Codec;
use crate::command::IpcServerCommand;
use crate::peer::PeerCredentials;
use crate::unix::readiness::Readiness;

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Takes a connection as far as it goes now, if it is still open. It is closed if that is its end, or if it is `due` and
    /// does not finish an exchange.
    #[inline(never)]
    pub(super) fn serve_connection(&mut self, token: Token, due: bool, context: &mut C::Context<'_>) {
        let visit = Visit { table: &mut self.table, readiness: &self.readiness, token };
        // It may have been closed earlier in this call.
        let Some(entry) = visit.table.get(token) else { return };
        let buffers = self.buffers.borrow_mut().get(token.index());
        let served_before = self.report.served();
        let (waiting, stream, keep_open) = (&mut entry.waiting, &mut entry.stream, self.settings.keep_open);
        if let Err(error) = exchange::<C, K, N>(waiting, stream, buffers, keep_open, context, &mut self.report) {
            return self.report.note(&Incident::Ended(entry.stream.peer(), &error));
        }
        let Some(waiting) = &entry.waiting else { return };
        let finished = self.report.served() != served_before;
        if due && !finished {
            return self.report.note(&Incident::Expired(entry.stream.peer()));
        }
        let is_new = entry.watched.is_none();
        let was_idle = entry.is_idle();
        let idle = (finished || was_idle) && waiting.is_idle(buffers);
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
