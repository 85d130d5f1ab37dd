//! Serving a connection that has waited.

use core::borrow::BorrowMut;
use core::mem::forget;

use super::exchange::{Waiting, advance};
use super::report::Incident;
use super::table::{Table, Token};
use super::{IpcServer, ServerBuffers};
use crate::codec::Codec;
use crate::command::IpcServerCommand;
use crate::unix::readiness::Readiness;

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Takes a waiting connection as far as it goes now, if it is still there. If it is `due` and does not finish an
    /// exchange, it is closed.
    #[inline(never)]
    pub(super) fn serve_waiting(&mut self, token: Token, due: bool, context: &mut C::Context<'_>) {
        let visit = Visit { table: &mut self.table, readiness: &self.readiness, token };
        let Some((entry, buffers)) = visit.table.get(token) else {
            // It was closed earlier in this call.
            return;
        };
        let Some(watched) = entry.waiting.as_ref().map(Waiting::interest) else {
            return;
        };
        let buffers = self.buffers.borrow_mut().get(buffers);
        let served_before = self.report.served();
        let keep_open = self.settings.keep_open;
        advance::<C, K, N>(&mut entry.waiting, &mut entry.stream, buffers, keep_open, context, &mut self.report);
        let Some(waiting) = &entry.waiting else {
            return;
        };
        let finished = self.report.served() != served_before;
        if due && !finished {
            self.report.note(&Incident::Expired(entry.stream.peer()));
            return;
        }
        let wanted = waiting.interest();
        if wanted != watched {
            if let Err(errno) = visit.readiness.modify(&entry.stream, token.to_u64(), wanted) {
                self.report.note(&Incident::Unwatched(entry.stream.peer(), errno));
                return;
            }
        }
        let was_idle = entry.deadline.is_none();
        let idle = (finished || was_idle) && waiting.is_idle(buffers);
        if idle {
            entry.deadline = None;
        } else if finished || was_idle {
            let deadline = self.alarm.now().plus(self.settings.deadline);
            entry.deadline = Some(deadline);
            self.alarm.set_by(deadline);
        }
        if finished || idle != was_idle {
            visit.table.wait_anew(token, idle);
        }
        visit.keep();
    }

    /// Closes a connection, if it is still there.
    pub(super) fn close(&mut self, token: Token) {
        drop(Visit { table: &mut self.table, readiness: &self.readiness, token });
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
        if let Some(entry) = self.table.remove(self.token) {
            self.readiness.remove(&entry.stream);
        }
    }
}
