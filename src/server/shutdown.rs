//! The ways in which a server ends: for good, or with a successor.

use core::borrow::BorrowMut;
use core::time::Duration;

use super::{Accepting, Handled, IpcServer, ServerBuffers, ServerError};
use crate::command::IpcServerCommand;
use crate::handler::{AtOnce, Decide, Handler, Lent, TicketHandler, WithTickets};
use crate::request::Request;
use crate::unix::OwnedFd;
use crate::unix::readiness::has_input;
use crate::wire::ServerWire;
use crate::wire::session::Code;

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: Request,
    K: ServerWire,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    /// A second descriptor of the listening socket, for a process that is to take over from this one: it
    /// [adopts](crate::ServerBuilder::adopt) it. The descriptor is close-on-exec.
    ///
    /// From now on this server accepts no connection and leaves the socket's file alone. What waits in the backlog waits
    /// for the successor; what was accepted is still served here, best by [`shutdown`](Self::shutdown).
    ///
    /// Here the successor is in the same process; another one would get the descriptor from its parent:
    ///
    /// ```
    /// # mod level { include!("../../tests/support/level.rs"); }
    /// # use level::*;
    /// # use core::time::Duration;
    /// # let (mut server, client) = server_and_client();
    /// # let mut level = 3;
    /// let socket = server.hand_over()?;
    /// let mut successor = IpcServer::<Command>::builder().adopt(socket)?;
    /// let last = server.shutdown(&mut level, Duration::from_secs(1))?;
    /// assert_eq!(last.pending, 0);
    ///
    /// // Nobody has noticed.
    /// # while !client.is_finished() {
    /// successor.handle_new_messages(&mut level)?;
    /// # }
    /// # assert_eq!(client.join().unwrap(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// ```
    /// # mod level { include!("../../tests/support/level.rs"); }
    /// # use level::*;
    /// use core::time::Duration;
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("daemon.sock");
    ///
    /// let mut server = IpcServer::<Command>::builder().bind(&path)?;
    /// let socket = server.hand_over()?;
    /// // Usually in another process, which inherits the descriptor or is sent it.
    /// let successor = IpcServer::<Command>::builder().adopt(socket)?;
    /// let dropped = server.shutdown(&mut 3, Duration::from_secs(5))?.pending;
    /// assert_eq!(dropped, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ServerError`] if no descriptor is left. Nothing has changed.
    pub fn hand_over(&mut self) -> Result<OwnedFd, ServerError> {
        let successor = self.listener.hand_over().map_err(ServerError::hand_over)?;
        self.stop_accepting();
        Ok(successor)
    }

    /// Ends the server: nobody new can connect, and those that have are served until all are done or `limit` has passed.
    ///
    /// It blocks for that time. Every command that has arrived is answered: on a connection that is kept, first what lies in
    /// it; then nothing more can be sent there, and the client's next command goes to the successor. A client that never
    /// pauses is stopped after half of the time. (On macOS and FreeBSD the two [can't be promised](crate::guide::systems): a
    /// command that is sent in the moment of the end may be lost, and a client that never pauses is dropped in the end.) [`pending`](Handled::pending) of the result is the number of connections
    /// that were dropped unfinished; kept connections between two commands are closed and don't count.
    ///
    /// The socket's file is removed first, and the connections that wait in the backlog are served too. After
    /// [`hand_over`](Self::hand_over), and where the socket was adopted, the file and the backlog are left alone. The backlog
    /// of an abstract address, to which anybody could still connect, is closed.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if the server itself is broken.
    pub fn shutdown(self, mut context: C::Context<'_>, limit: Duration) -> Result<Handled, ServerError>
    where
        C: IpcServerCommand,
    {
        self.shutdown_with(&mut Lent::<C>(&mut context), limit)
    }

    /// Like [`shutdown`](Self::shutdown), for requests that a [`Handler`] executes.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_with<H: Handler<C> + ?Sized>(
        self,
        handler: &mut H,
        limit: Duration,
    ) -> Result<Handled, ServerError> {
        self.shutdown_by(&mut AtOnce(handler), limit)
    }

    /// Like [`shutdown`](Self::shutdown), for requests that a [`TicketHandler`] executes.
    ///
    /// Callers that were kept are told that the server ends, and the handler that they have [departed](TicketHandler::departed): answer
    /// those that can be answered before. They count as pending in the result. So do those that the handler keeps meanwhile.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_with_tickets<H: TicketHandler<C> + ?Sized>(
        self,
        handler: &mut H,
        limit: Duration,
    ) -> Result<Handled, ServerError> {
        self.shutdown_by(&mut WithTickets(handler), limit)
    }

    fn shutdown_by<D: Decide<C>>(mut self, daemon: &mut D, limit: Duration) -> Result<Handled, ServerError> {
        let end = self.alarm.now().plus(limit);
        self.report.begin_call();
        self.ending = true;
        // Those in the backlog have connected to this server; unless there is a successor, no other will serve them.
        let backlog_is_ours = self.listener.close_path();
        if !backlog_is_ours && self.accepting != Accepting::Never {
            self.stop_accepting();
        }
        let mut let_go = 0;
        self.stop_arrivals(false);
        loop {
            let remaining = self.alarm.now().until(end);
            self.handle(daemon)?;
            for index in 0..=CONNECTIONS {
                if let Some(token) = self.table.token_at(index) {
                    let_go += usize::from(self.let_go(token, Code::Ending, daemon));
                }
            }
            if self.accepting != Accepting::Never && !has_input(&self.listener).map_err(ServerError::listener)? {
                self.stop_accepting();
            }
            let done = self.table.len() == 0 && self.accepting == Accepting::Never;
            if done || remaining.is_zero() {
                for index in 0..=CONNECTIONS {
                    if let Some(token) = self.table.token_at(index) {
                        self.break_off(token, Code::Ending);
                    }
                }
                self.report.end_call(self.table.len() + let_go);
                return Ok(self.report.call());
            }
            // Again, since not every system stops them while something has arrived. Before the sleep, which their end ends.
            self.stop_arrivals(self.settings.keep_open && remaining < limit / 2);
            self.readiness.wait(Some(remaining)).map_err(ServerError::epoll)?;
        }
    }

    /// Lets nothing more arrive on the connections that owe nothing, or on `all` of them. Each is closed when
    /// what has arrived there is answered.
    fn stop_arrivals(&mut self, all: bool) {
        for index in 0..=CONNECTIONS {
            let Some(entry) = self.table.at(index) else { continue };
            if entry.is_idle() || all {
                entry.stream.stop_arrivals();
            }
        }
    }

    fn stop_accepting(&mut self) {
        self.readiness.remove(&self.listener);
        self.accepting = Accepting::Never;
    }
}
