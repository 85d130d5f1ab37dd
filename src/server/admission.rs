//! Newcomers: who is let in, and who makes room for them.

use core::borrow::BorrowMut;
use core::task::Poll;

use super::exchange::Waiting;
use super::reasons::Reasoned;
use super::report::Incident;
use super::table::Token;
use super::{Accepting, IpcServer, PAUSE, ServerBuffers, ServerError};
use crate::codec::Codec;
use crate::command::IpcServerCommand;
use crate::connection::Connection;
use crate::unix::readiness::Interest;
use crate::unix::{AcceptError, Errno};

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: IpcServerCommand,
    K: Codec,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Accepts one connection, if there is one, and takes it as far as it goes now. Nobody can come any more if the listening
    /// socket has `hung_up`.
    #[inline(never)]
    pub(super) fn serve_newcomer(&mut self, hung_up: bool, context: &mut C::Context<'_>) -> Result<(), ServerError> {
        let stream = match self.listener.accept() {
            Ok(Poll::Ready(stream)) => stream,
            // Some other process that has it has shut it down (man 2 shutdown).
            Ok(Poll::Pending) if hung_up => return Err(ServerError::listener(Errno::INVAL)),
            Ok(Poll::Pending) => return Ok(()),
            Err(AcceptError::UnknownPeer) => {
                self.report.note(&Incident::Unknown);
                return Ok(());
            }
            Err(AcceptError::Exhausted(errno)) => {
                self.report.note(&Incident::Paused(errno));
                return self.pause_accepting();
            }
            Err(AcceptError::Broken(errno)) => return Err(ServerError::listener(errno)),
        };
        let peer = stream.peer();
        if !self.settings.authorizes(&peer) {
            self.report.note(&Incident::Refused(peer));
            return Ok(());
        }
        let Some((newcomer, entry)) = self.table.insert(stream) else {
            // It does not happen: whoever took the last place has made room.
            self.report.note(&Incident::Evicted(peer));
            return Ok(());
        };
        let buffers = self.buffers.borrow_mut().get(newcomer.index());
        let (accepted, _) = Connection::<_, _, Reasoned<K>, N>::with_codec(&mut entry.stream, buffers).park();
        entry.waiting = Some(Waiting::Command(accepted));
        self.serve_connection(newcomer, false, context);
        if self.table.is_full() {
            self.make_room(newcomer, context);
        }
        Ok(())
    }

    /// Gives up the [oldest](super::table::Table::oldest_but) connection, so that the next newcomer finds a place.
    ///
    /// It is closed after a last look for what it waits for: its event may not have had its turn.
    #[cold]
    fn make_room(&mut self, newcomer: Token, context: &mut C::Context<'_>) {
        // A connection that has got on is not the oldest any more; the bound is for those that never cease to.
        for _ in 0..CONNECTIONS {
            let Some(oldest) = self.table.oldest_but(newcomer) else { break };
            self.serve_connection(oldest, false, context);
            if !self.table.is_full() {
                return;
            }
            if self.table.oldest_but(newcomer) == Some(oldest) {
                break;
            }
            // The newcomer came after what the other has done.
            if let Some(entry) = self.table.get(newcomer) {
                let idle = entry.is_idle();
                self.table.wait_anew(newcomer, idle);
            }
        }
        let evicted = self.table.oldest_but(newcomer).and_then(|oldest| self.close(oldest));
        if let Some(peer) = evicted {
            self.report.note(&Incident::Evicted(peer));
        }
    }

    /// Stops accepting for a while. The backlog keeps the connections; those that are open go on.
    fn pause_accepting(&mut self) -> Result<(), ServerError> {
        self.readiness.modify(&self.listener, Token::LISTENER, Interest::Nothing).map_err(ServerError::epoll)?;
        let end = self.alarm.now().plus(PAUSE);
        self.accepting = Accepting::From(end);
        self.alarm.set_by(end);
        Ok(())
    }
}
