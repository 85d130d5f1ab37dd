//! What a daemon does about a request.

use crate::command::IpcServerCommand;
use crate::peer::PeerCredentials;
use crate::request::Request;
use crate::ticket::Ticket;

/// Executes the requests `R` and answers them at once. A daemon implements it on its own state, or passes a closure.
///
/// One that answers later, or several times, implements [`TicketHandler`] instead.
///
/// ```
/// use ipc_server::{Caller, Handler, IpcServer, Request};
/// use serde::{Deserialize, Serialize};
///
/// # #[derive(Serialize, Deserialize)]
/// # enum Command { GetLevel, SetLevel(u8) }
/// # impl Request for Command { type Response = u8; }
/// struct Daemon {
///     level: u8,
///     /// From the configuration file.
///     operators: u32,
/// }
///
/// impl Handler<Command> for Daemon {
///     fn handle(&mut self, command: Command, _: Caller) -> u8 {
///         if let Command::SetLevel(level) = command {
///             self.level = level;
///         }
///         self.level
///     }
///
///     fn authorize(&mut self, command: &Command, caller: Caller) -> bool {
///         let is_operator = caller.peer().is_some_and(|peer| peer.uid == 0 || peer.gid == self.operators);
///         matches!(command, Command::GetLevel) || is_operator
///     }
/// }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("daemon.sock");
/// let mut server = IpcServer::<Command>::builder().mode(0o660).authorize(|_| true).bind(&path)?;
/// let mut daemon = Daemon { level: 3, operators: 27 };
/// server.serve(&mut daemon)?;
///
/// // A closure does for a small one.
/// let mut level = 3;
/// server.serve(&mut |command, _: Caller| {
///     if let Command::SetLevel(new) = command {
///         level = new;
///     }
///     level
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Handler<R: Request> {
    /// Executes a request.
    ///
    /// It runs on the thread that called [`serve`](crate::IpcServer::serve), and every other client waits for it.
    fn handle(&mut self, request: R, caller: Caller) -> R::Response;

    /// Whether `caller` may make this request. The provided method allows everything.
    ///
    /// It is asked before [`handle`](Self::handle). A request that it refuses is not executed, and its connection is closed.
    /// Who may connect at all is the [builder's](crate::ServerBuilder::authorize) to say.
    #[inline]
    fn authorize(&mut self, request: &R, caller: Caller) -> bool {
        let _ = (request, caller);
        true
    }
}

impl<R: Request, F: FnMut(R, Caller) -> R::Response> Handler<R> for F {
    #[inline]
    fn handle(&mut self, request: R, caller: Caller) -> R::Response {
        self(request, caller)
    }
}

/// Executes the requests `R` and answers them now, later, several times or never.
///
/// It gets a [`Ticket`] with each request. If its [`Answer`] is [`Later`](Answer::Later) or [`More`](Answer::More), the ticket
/// answers: from any later turn of the daemon's loop, by [`reply`](crate::IpcServer::reply), [`send`](crate::IpcServer::send) and the
/// like. Until then the client waits, and everybody else is served.
///
/// A daemon implements it on its own state, or passes a closure:
///
/// ```
/// use ipc_server::{Answer, Caller, IpcServer, Request, Ticket};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Command { GetLevel, Calibrate }
/// impl Request for Command { type Response = u8; }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("fand.sock");
/// # let client = std::thread::spawn({ let path = path.clone(); move || loop {
/// #     match ipc_server::call(&Command::Calibrate, &path) { Err(_) => {}, level => break level }
/// # } });
/// let mut server = IpcServer::<Command>::builder().bind(&path)?;
/// let mut waiting = None;
/// # while !client.is_finished() {
/// # server.wait(Some(core::time::Duration::from_millis(10)))?;
/// # /*
/// loop {
///     server.wait(None)?;
/// # */
///     server.serve_with_tickets(&mut |command, _: Caller, ticket: Ticket| match command {
///         Command::GetLevel => Answer::Now(3),
///         Command::Calibrate => {
///             waiting = Some(ticket);
///             Answer::Later
///         }
///     })?;
///     // In some later turn the fan is calibrated:
///     if let Some(ticket) = waiting.take() {
///         // An error says that the client has left.
///         let _ = server.reply(ticket, &5);
///     }
/// }
/// # assert_eq!(client.join().unwrap()?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait TicketHandler<R: Request> {
    /// Executes a request, or begins to.
    ///
    /// It runs on the thread that called [`serve_with_tickets`](crate::IpcServer::serve_with_tickets), and every other client waits
    /// for it.
    fn handle(&mut self, request: R, caller: Caller, ticket: Ticket) -> Answer<R::Response>;

    /// Whether `caller` may make this request, as [`Handler::authorize`].
    #[inline]
    fn authorize(&mut self, request: &R, caller: Caller) -> bool {
        let _ = (request, caller);
        true
    }

    /// The caller waits no longer: it has left, it has cancelled the request, or the server has let it go, for want of room or because
    /// it [ends](crate::IpcServer::shutdown). The provided method does nothing.
    ///
    /// It is called once for each caller that was kept and did not get its last answer, unless an error of
    /// [`reply`](crate::IpcServer::reply) or of its like has said so before. The ticket is stale by then.
    #[inline]
    fn departed(&mut self, ticket: Ticket) {
        let _ = ticket;
    }
}

impl<R: Request, F: FnMut(R, Caller, Ticket) -> Answer<R::Response>> TicketHandler<R> for F {
    #[inline]
    fn handle(&mut self, request: R, caller: Caller, ticket: Ticket) -> Answer<R::Response> {
        self(request, caller, ticket)
    }
}

/// What a [`TicketHandler`] does about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is the handler's answer"]
pub enum Answer<T> {
    /// It answers. The ticket is stale.
    Now(T),
    /// It answers, and more responses follow through the ticket: the state first, say, and then its changes.
    ///
    /// Only a client that [takes several](Caller::takes_several) can be sent more than one. The connection of any other is closed,
    /// and counted as [failed](crate::Handled::failed).
    More(T),
    /// It answers later, through the ticket.
    Later,
    /// It does not execute the request now, and says why: the first 48 bytes are told. On the bare wire the connection is closed.
    Declined(&'static str),
}

/// How the server asks its daemon.
#[cfg_attr(not(feature = "unix"), expect(dead_code, reason = "a connection by itself keeps no caller for a handler"))]
pub(crate) trait Decide<R: Request> {
    /// Whether it may keep callers. What that takes is not linked into a daemon that does not.
    const KEEPS: bool;

    fn authorize(&mut self, request: &R, caller: Caller) -> bool;
    /// `ticket` makes the request's ticket.
    fn decide(&mut self, request: R, caller: Caller, ticket: impl FnOnce() -> Ticket) -> Answer<R::Response>;
    fn departed(&mut self, ticket: Ticket);
}

/// Asks a [`Handler`].
pub(crate) struct AtOnce<'h, H: ?Sized>(pub(crate) &'h mut H);

impl<R: Request, H: Handler<R> + ?Sized> Decide<R> for AtOnce<'_, H> {
    const KEEPS: bool = false;

    #[inline(always)]
    fn authorize(&mut self, request: &R, caller: Caller) -> bool {
        self.0.authorize(request, caller)
    }

    #[inline(always)]
    fn decide(&mut self, request: R, caller: Caller, _: impl FnOnce() -> Ticket) -> Answer<R::Response> {
        Answer::Now(self.0.handle(request, caller))
    }

    #[inline(always)]
    fn departed(&mut self, _: Ticket) {}
}

/// Asks a [`TicketHandler`].
#[cfg(feature = "unix")]
pub(crate) struct WithTickets<'h, H: ?Sized>(pub(crate) &'h mut H);

#[cfg(feature = "unix")]
impl<R: Request, H: TicketHandler<R> + ?Sized> Decide<R> for WithTickets<'_, H> {
    const KEEPS: bool = true;

    #[inline]
    fn authorize(&mut self, request: &R, caller: Caller) -> bool {
        self.0.authorize(request, caller)
    }

    #[inline]
    fn decide(&mut self, request: R, caller: Caller, ticket: impl FnOnce() -> Ticket) -> Answer<R::Response> {
        self.0.handle(request, caller, ticket())
    }

    #[inline]
    fn departed(&mut self, ticket: Ticket) {
        self.0.departed(ticket);
    }
}

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    peer: Option<PeerCredentials>,
    takes_several: bool,
}

impl Caller {
    /// A caller of whom that much is known, for handing a request to a [`Handler`] by other means than a server.
    #[must_use]
    pub const fn new(peer: Option<PeerCredentials>) -> Self {
        Self { peer, takes_several: false }
    }

    /// The same caller, to whom [several](Self::takes_several) responses can be sent or can't.
    #[must_use]
    pub const fn taking_several(self, takes_several: bool) -> Self {
        Self { takes_several, ..self }
    }

    /// The process that has connected. `None` if the transport does not know it; Unix sockets do.
    #[must_use]
    pub const fn peer(&self) -> Option<PeerCredentials> {
        self.peer
    }

    /// Whether it can be sent several responses: it has begun a [session](crate::wire::session). On the bare wire there is one, now or
    /// later.
    #[must_use]
    pub const fn takes_several(&self) -> bool {
        self.takes_several
    }
}

/// Lends [`IpcServerCommand`]s their context.
pub(crate) struct Lent<'c, 'a, C: IpcServerCommand>(pub(crate) &'c mut C::Context<'a>);

impl<C: IpcServerCommand> Handler<C> for Lent<'_, '_, C> {
    #[inline]
    fn handle(&mut self, command: C, caller: Caller) -> <C as IpcServerCommand>::Response {
        match caller.peer() {
            Some(peer) => command.process_from(&peer, self.0),
            None => command.process(self.0),
        }
    }
}
