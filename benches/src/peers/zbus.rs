//! zbus: D-Bus in Rust, here peer to peer, without a bus between. It is for interfaces that programs in other languages and
//! desktop tools can introspect and call, with signals and properties; each message names path, interface and member. On tokio,
//! a runtime of one thread on each side.

use std::os::unix::net::{UnixListener, UnixStream};

use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};
use zbus::message::Type;
use zbus::{Guid, MessageStream, connection};

use super::{Caller, Peer};
use crate::Outcome;
use crate::command::{Command, Daemon, Response};

/// D-Bus has no enums: a tag and the numbers.
type Call = (u8, u64, u64);
type Reply = (u8, u64);

fn to_call(command: Command) -> Call {
    match command {
        Command::Add { a, b } => (0, a, b),
        Command::Stop => (1, 0, 0),
    }
}

fn from_call((tag, a, b): Call) -> Command {
    match tag {
        0 => Command::Add { a, b },
        _ => Command::Stop,
    }
}

fn to_reply(response: Response) -> Reply {
    match response {
        Response::Sum(sum) => (0, sum),
        Response::Stopping => (1, 0),
    }
}

fn from_reply((tag, value): Reply) -> Response {
    match tag {
        0 => Response::Sum(value),
        _ => Response::Stopping,
    }
}

pub(crate) const KEPT: Peer = Peer {
    name: "zbus, kept",
    serve: |path| {
        let (stream, _) = UnixListener::bind(path)?.accept()?;
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let connection = connection::Builder::unix_stream(stream).server(Guid::generate()).p2p().build().await?;
            let mut messages = MessageStream::from(&connection);
            let mut daemon = Daemon::default();
            while !daemon.stopping {
                let Some(message) = messages.next().await else { break };
                let message = message?;
                let header = message.header();
                if header.message_type() == Type::MethodCall {
                    let response = daemon.execute(from_call(message.body().deserialize()?));
                    connection.reply(&header, &to_reply(response)).await?;
                }
            }
            Ok(())
        })
    },
    connect: |path| {
        let stream = UnixStream::connect(path)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(connection::Builder::unix_stream(stream).p2p().build())?;
        Ok(Box::new(Client { runtime, connection }))
    },
};

struct Client {
    runtime: Runtime,
    connection: zbus::Connection,
}

impl Caller for Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        let reply = self.runtime.block_on(self.connection.call_method(
            None::<()>,
            "/bench",
            Some("bench.Exchange"),
            "Execute",
            &to_call(command),
        ))?;
        Ok(from_reply(reply.body().deserialize()?))
    }
}
