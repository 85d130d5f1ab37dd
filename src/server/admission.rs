//! Newcomers: who is let in, and who makes room for them.

use core::borrow::BorrowMut;
use core::task::Poll;

use super::exchange::{Waiting, advance};
use super::reasons::Reasoned;
use super::report::Incident;
use super::table::{Entry, Token};
use super::{Accepting, IpcServer, PAUSE, ServerBuffers, ServerError};
use crate::codec::Codec;
use crate::command::IpcServerCommand;
use crate::connection::Connection;
use crate::unix::readiness::Interest;
use crate::unix::{AcceptError, Stream};

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Accepts one connection, if there is one, and takes it as far as it goes now.
    #[inline(never)]
    pub(super) fn serve_newcomer(&mut self, context: &mut C::Context<'_>) -> Result<(), ServerError> {
        let mut stream = match self.listener.accept() {
            Ok(Poll::Ready(stream)) => stream,
            Ok(Poll::Pending) => return Ok(()),
            Err(AcceptError::UnknownPeer) => {
                self.report.note(&Incident::Unknown);
                return Ok(());
            }
            Err(AcceptError::Exhausted(errno)) => {
                self.report.note(&Incident::Paused(errno));
                return self.pause_accepting();
            }
            Err(AcceptError::Broken(errno)) => return Err(errno.into()),
        };
        if !self.settings.authorizes(&stream.peer()) {
            self.report.note(&Incident::Refused(stream.peer()));
            return Ok(());
        }
        // A command that is already there is served without a place in the table.
        let buffers = self.buffers.borrow_mut().get(self.table.spare());
        let (accepted, _) = Connection::<_, _, Reasoned<K>, N>::with_codec(&mut stream, &mut *buffers).park();
        let served_before = self.report.served();
        let keep_open = self.settings.keep_open;
        let mut waiting = Some(Waiting::Command(accepted));
        advance::<C, K, N>(&mut waiting, &mut stream, buffers, keep_open, context, &mut self.report);
        if let Some(waiting) = waiting {
            let idle = self.report.served() != served_before && waiting.is_idle(buffers);
            let admission = Admission { server: self, newcomer: Some((stream, waiting, idle)) };
            admission.server.make_room(context);
        }
        Ok(())
    }

    /// Sees to it that a place in the table is free, if need be that of the [oldest](super::table::Table::oldest).
    ///
    /// That one is closed after a last look for what it waits for: its event may not have had its turn.
    fn make_room(&mut self, context: &mut C::Context<'_>) {
        // A connection that has got on is not the oldest any more; the bound is for those that never cease to.
        for _ in 0..CONNECTIONS {
            let Some(oldest) = self.table.oldest().filter(|_| self.table.is_full()) else {
                return;
            };
            self.serve_waiting(oldest, false, context);
            if self.table.oldest() == Some(oldest) {
                break;
            }
        }
        if let Some(oldest) = self.table.oldest().filter(|_| self.table.is_full()) {
            if let Some((entry, _)) = self.table.get(oldest) {
                self.report.note(&Incident::Evicted(entry.stream.peer()));
            }
            self.close(oldest);
        }
    }

    /// Gives a connection that must wait a place. There is one.
    fn admit(&mut self, stream: Stream, waiting: Waiting<K>, idle: bool) {
        let interest = waiting.interest();
        let deadline = (!idle).then(|| self.alarm.now().plus(self.settings.deadline));
        let Some((token, entry)) = self.table.insert(Entry { stream, waiting: Some(waiting), deadline }) else {
            return;
        };
        if let Err(errno) = self.readiness.add(&entry.stream, token.to_u64(), interest) {
            // No memory, or the user's limit of watched descriptors is reached. Nothing could wake this connection.
            self.report.note(&Incident::Unwatched(entry.stream.peer(), errno));
            self.table.remove(token);
            return;
        }
        if let Some(deadline) = deadline {
            self.alarm.set_by(deadline);
        }
    }

    /// Stops accepting for a while. The backlog keeps the connections; those that are open go on.
    fn pause_accepting(&mut self) -> Result<(), ServerError> {
        self.readiness.modify(&self.listener, Token::LISTENER, Interest::Nothing)?;
        let end = self.alarm.now().plus(PAUSE);
        self.accepting = Accepting::From(end);
        self.alarm.set_by(end);
        Ok(())
    }
}

/// Admits the newcomer in the end. To make room is to serve others: should a handler of theirs panic, this one is not lost.
struct Admission<'s, C, K, const N: usize, const CONNECTIONS: usize, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    server: &'s mut IpcServer<C, K, N, CONNECTIONS, B>,
    newcomer: Option<(Stream, Waiting<K>, bool)>,
}

impl<C, K, const N: usize, const CONNECTIONS: usize, B> Drop for Admission<'_, C, K, N, CONNECTIONS, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    fn drop(&mut self) {
        if let Some((stream, waiting, idle)) = self.newcomer.take() {
            self.server.admit(stream, waiting, idle);
        }
    }
}
