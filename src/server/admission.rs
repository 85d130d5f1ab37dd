//! Newcomers: who is let in, and who makes room for them.

use core::borrow::BorrowMut;
use core::task::Poll;

use super::exchange::Waiting;
use super::reasons::Reasoned;
use super::report::Incident;
use super::table::{List, Token};
use super::visit::Occasion;
use super::{Accepting, IpcServer, PAUSE, ServerBuffers, ServerError};
use crate::connection::Connection;
use crate::handler::Decide;
use crate::request::Request;
use crate::unix::readiness::Interest;
use crate::unix::{AcceptError, Errno};
use crate::wire::session::Code;
use crate::wire::{ServerProtocol, ServerWire};

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: Request,
    K: ServerWire,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// Accepts one connection, if there is one, and takes it as far as it goes now. Nobody can come any more if the listening
    /// socket has `hung_up`.
    ///
    /// It takes one off the work that is left, whatever comes of it.
    #[inline(never)]
    pub(super) fn serve_newcomer<D: Decide<C>>(&mut self, hung_up: bool, daemon: &mut D) -> Result<(), ServerError> {
        let Some(newcomer) = self.admit(hung_up)? else {
            self.left = self.left.saturating_sub(1);
            return Ok(());
        };
        self.serve_connection(newcomer, Occasion::Ready, daemon);
        if self.table.is_full() {
            self.make_room(newcomer, daemon);
        }
        Ok(())
    }

    /// Accepts one connection and puts it into the table, unless there is none or it is not allowed in.
    #[inline]
    fn admit(&mut self, hung_up: bool) -> Result<Option<Token>, ServerError> {
        let stream = match self.listener.accept() {
            Ok(Poll::Ready(stream)) => stream,
            // Some other process that has it has shut it down (man 2 shutdown).
            Ok(Poll::Pending) if hung_up => return Err(ServerError::listener(Errno::INVAL)),
            Ok(Poll::Pending) => return Ok(None),
            Err(AcceptError::UnknownPeer) => {
                self.report.note(&Incident::Unknown);
                return Ok(None);
            }
            Err(AcceptError::Exhausted(errno)) => {
                self.report.note(&Incident::Paused(errno));
                self.pause_accepting()?;
                return Ok(None);
            }
            Err(AcceptError::Broken(errno)) => return Err(ServerError::listener(errno)),
        };
        if !self.settings.authorizes(&stream) {
            self.report.note(&Incident::Refused(stream.peer()));
            return Ok(None);
        }
        // It has not been served in this call.
        let Some((newcomer, entry)) = self.table.insert(stream, self.call.wrapping_sub(1)) else {
            // It does not happen: whoever took the last slot has made room.
            return Ok(None);
        };
        let buffers = self.buffers.borrow_mut().get(newcomer.index());
        let (accepted, _) = Connection::<_, _, Reasoned<K>, N>::in_session(
            &mut entry.stream,
            buffers,
            <Reasoned<K> as ServerProtocol>::local(&self.offer),
        )
        .park();
        entry.waiting = Some(Waiting::Command(accepted));
        Ok(Some(newcomer))
    }

    /// Gives up the [candidate](super::table::Table::eviction_candidate), so that the next newcomer finds a slot.
    ///
    /// It is closed after a last look for what it waits for: its event may not have had its turn.
    #[cold]
    fn make_room<D: Decide<C>>(&mut self, newcomer: Token, daemon: &mut D) {
        // A connection that has got on is not the candidate any more; the bound is for those that never cease to.
        for _ in 0..CONNECTIONS {
            let Some(candidate) = self.table.eviction_candidate(newcomer) else { break };
            self.serve_connection(candidate, Occasion::LastLook, daemon);
            if !self.table.is_full() {
                return;
            }
            if self.table.eviction_candidate(newcomer) == Some(candidate) {
                break;
            }
            // The newcomer came after what the other has done.
            if let Some(entry) = self.table.get(newcomer) {
                let list = if entry.waiting.as_ref().is_some_and(Waiting::is_kept) {
                    List::None
                } else if entry.is_idle() {
                    List::Idle
                } else {
                    List::Owing
                };
                self.table.wait_on(newcomer, list);
            }
        }
        let Some(candidate) = self.table.eviction_candidate(newcomer) else {
            return self.turn_away(newcomer, daemon);
        };
        self.break_off(candidate, Code::Evicted);
        if let Some(peer) = self.close(candidate) {
            self.report.note(&Incident::Evicted(peer));
        }
    }

    /// Closes the connection of a newcomer, since all others wait for the daemon.
    fn turn_away<D: Decide<C>>(&mut self, newcomer: Token, daemon: &mut D) {
        let Some(peer) = self.table.get(newcomer).map(|entry| entry.stream.peer()) else { return };
        self.report.note(&Incident::Busy(peer));
        if !self.let_go(newcomer, Code::Busy, daemon) {
            self.break_off(newcomer, Code::Busy);
            self.close(newcomer);
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
