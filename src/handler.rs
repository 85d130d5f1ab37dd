//! What a daemon does about a request.

use crate::command::IpcServerCommand;
use crate::peer::PeerCredentials;
use crate::request::Request;

/// Executes the requests `R`. A daemon implements it on its own state, or passes a closure.
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

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    peer: Option<PeerCredentials>,
}

impl Caller {
    /// A caller of whom that much is known, for handing a request to a [`Handler`] by other means than a server.
    #[must_use]
    pub const fn new(peer: Option<PeerCredentials>) -> Self {
        Self { peer }
    }

    /// The process that has connected. `None` if the transport does not know it; Unix sockets do.
    #[must_use]
    pub const fn peer(&self) -> Option<PeerCredentials> {
        self.peer
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
