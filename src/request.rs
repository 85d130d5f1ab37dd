//! What two programs exchange.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::IpcServerCommand;

/// The contract between a daemon and its clients: a request, and the response to it.
///
/// It says nothing of what the daemon does, so that it can be implemented in a crate of types which both programs use. What
/// the daemon does is a [`Handler`](crate::Handler).
///
/// An enum is the usual implementor, one variant for each request. Any type that serde can encode without asking the
/// format to describe itself will do, as long as every value takes at least one byte on the wire: connecting and closing
/// would execute a request of none.
///
/// ```
/// use ipc_server::Request;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// pub enum Command {
///     GetLevel,
///     SetLevel(u8),
/// }
///
/// impl Request for Command {
///     type Response = u8;
/// }
/// ```
///
/// Every [`IpcServerCommand`] is a request too.
pub trait Request: Serialize + DeserializeOwned {
    /// What the daemon answers.
    ///
    /// A response that takes no bytes on the wire, like `()`, is delivered by closing the connection, even where
    /// connections are otherwise kept open. A client can't tell that from a daemon that refused the request, so
    /// give the response at least one variant or field.
    type Response: Serialize + DeserializeOwned;
}

impl<C: IpcServerCommand> Request for C {
    type Response = <C as IpcServerCommand>::Response;
}
