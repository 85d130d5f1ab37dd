//! What a daemon author implements.

use core::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::peer::PeerCredentials;

/// A command that a client sends, with what the daemon does about it and what it answers.
///
/// An enum is the usual implementor, one variant for each request. Any type that serde can encode without asking the
/// format to describe itself will do, as long as every value takes at least one byte on the wire: connecting and closing
/// would execute a command of none.
///
/// ```
/// use ipc_server::IpcServerCommand;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Debug)]
/// enum Command {
///     Push { x: u64 },
///     Sum,
/// }
///
/// #[derive(Serialize, Deserialize, Debug)]
/// enum Response {
///     Pushed,
///     Sum(u64),
/// }
///
/// impl IpcServerCommand for Command {
///     type Response = Response;
///     type Context<'a> = &'a mut Vec<u64>;
///
///     fn process(self, stack: &mut Self::Context<'_>) -> Response {
///         match self {
///             Command::Push { x } => {
///                 stack.push(x);
///                 Response::Pushed
///             }
///             Command::Sum => Response::Sum(stack.iter().sum()),
///         }
///     }
/// }
/// ```
pub trait IpcServerCommand: Serialize + for<'a> Deserialize<'a> + Debug {
    /// What the daemon answers.
    ///
    /// A response that takes no bytes on the wire, like `()`, is delivered by closing the connection, even where
    /// connections are otherwise kept open. A client can't tell that from a daemon that refused the command, so
    /// give the response at least one variant or field.
    type Response: Serialize + for<'a> Deserialize<'a> + Debug;

    /// What a command works on: the state that the daemon lends for one
    /// `handle_new_messages`, often a `&'a mut` of its own state.
    type Context<'a>;

    /// Executes the command.
    ///
    /// It runs on the thread that called `handle_new_messages`, and every other client waits for it.
    fn process<'a, 'b>(self, context: &'b mut Self::Context<'a>) -> Self::Response;

    /// Executes the command knowing who sent it. The provided method calls [`process`](Self::process).
    ///
    /// Override it to authorise single commands, for example to let `Stop` through from root only. It is what a
    /// connection calls when its transport knows the peer, as Unix sockets do.
    fn process_from<'a, 'b>(self, peer: &PeerCredentials, context: &'b mut Self::Context<'a>) -> Self::Response {
        let _ = peer;
        self.process(context)
    }
}
