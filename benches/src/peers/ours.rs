//! This crate.

use ipc_server::codec::{Bincode, Codec};
use ipc_server::{IpcServer, call};

use super::{Caller, Connection, OneThread, Peer};
use crate::Outcome;
use crate::bare::Client;
use crate::command::{ADD, Command, Daemon, Response, SUM};

pub(crate) struct Ours {
    pub(crate) server: IpcServer<Command>,
    pub(crate) daemon: Daemon,
    client: Client,
}

impl Ours {
    pub(crate) fn new(path: &str, connection: Connection) -> Outcome<Self> {
        let server = IpcServer::builder().keep_open(connection.is_kept()).bind(path)?;
        Ok(Self { server, daemon: Daemon::default(), client: Client::new(path, connection)? })
    }
}

impl OneThread for Ours {
    fn send(&mut self) -> Outcome {
        let mut buffer = [0; 64];
        let length = Bincode::encode(&ADD, &mut buffer)?;
        Ok(self.client.send(buffer.get(..length).unwrap_or_default())?)
    }

    fn serve(&mut self) -> Outcome {
        self.server.handle_new_messages(&mut self.daemon)?;
        Ok(())
    }

    fn receive(&mut self) -> Outcome {
        let mut buffer = [0; 64];
        let (response, _) = Bincode::decode::<Response>(self.client.receive(&mut buffer)?)?;
        if response == SUM { Ok(()) } else { Err("not the response".into()) }
    }
}

pub(crate) const ONE_SHOT: Peer = Peer {
    name: "ours, one-shot",
    serve: |path| serve(path, Connection::OneShot),
    connect: |path| {
        // Whoever connects asks until somebody serves.
        call(&ADD, path)?;
        Ok(Box::new(Call(path.to_owned())))
    },
};

pub(crate) const KEPT: Peer = Peer {
    name: "ours, kept",
    serve: |path| serve(path, Connection::Kept),
    connect: |path| Ok(Box::new(ipc_server::Client::connect(path)?)),
};

/// A daemon that has nothing else to do.
fn serve(path: &str, connection: Connection) -> Outcome {
    let mut server = IpcServer::<Command>::builder().keep_open(connection.is_kept()).bind(path)?;
    let mut daemon = Daemon::default();
    while !daemon.stopping {
        server.wait(None)?;
        server.handle_new_messages(&mut daemon)?;
    }
    Ok(())
}

struct Call(String);

impl Caller for Call {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        Ok(call(&command, &*self.0)?)
    }
}

impl Caller for ipc_server::Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        Ok(Self::call(self, &command)?)
    }
}
