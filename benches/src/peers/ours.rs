//! This crate.

use ipc_server::codec::{Bincode, Codec};
use ipc_server::wire::session::Fingerprints;
use ipc_server::wire::{ClientWire, ServerWire};
use ipc_server::{IpcServer, call};

use super::{Caller, Connection, OneThread, Peer};
use crate::Outcome;
use crate::bare::Client;
use crate::command::{ADD, Command, Daemon, Response, SUM};

pub(crate) struct Ours {
    pub(crate) server: IpcServer<Command, Bincode>,
    pub(crate) daemon: Daemon,
    client: Client,
}

impl Ours {
    pub(crate) fn new(path: &str, connection: Connection) -> Outcome<Self> {
        let server = IpcServer::builder().bare().keep_open(connection.is_kept()).bind(path)?;
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

/// This crate in sessions.
pub(crate) struct Session {
    server: IpcServer<Command>,
    daemon: Daemon,
    client: Client,
    /// A hello and the command, as the first message of a connection.
    first: Vec<u8>,
    /// A frame with the command.
    frame: Vec<u8>,
    is_kept: bool,
    is_greeted: bool,
}

/// What a frame has before its content.
const HEAD: usize = 8;

impl Session {
    pub(crate) fn new(path: &str, connection: Connection) -> Outcome<Self> {
        let is_kept = connection.is_kept();
        let server = IpcServer::builder().keep_open(is_kept).bind(path)?;
        let command = bincode::serialize(&ADD)?;
        let mut frame = (u32::try_from(command.len())? | 1 << 24).to_le_bytes().to_vec();
        frame.extend(1_u32.to_le_bytes());
        frame.extend(command);
        let Fingerprints { command, response } = Fingerprints::of::<Command, Bincode>()?;
        let mut first = b"\xff\xff\xff\xff\xffipc\x01\0\x14\0\xf8\x03\0\0".to_vec();
        first.extend(command.to_u64().to_le_bytes());
        first.extend(response.to_u64().to_le_bytes());
        first.extend(&frame);
        let (daemon, client) = (Daemon::default(), Client::new(path, connection)?);
        Ok(Self { server, daemon, client, first, frame, is_kept, is_greeted: false })
    }
}

impl OneThread for Session {
    fn send(&mut self) -> Outcome {
        let message = if self.is_greeted { &self.frame } else { &self.first };
        Ok(self.client.send(message)?)
    }

    fn serve(&mut self) -> Outcome {
        self.server.handle_new_messages(&mut self.daemon)?;
        Ok(())
    }

    fn receive(&mut self) -> Outcome {
        let mut buffer = [0; 64];
        let received = self.client.receive(&mut buffer)?;
        // Before the first response there is the server's hello, which has no name of a program here.
        let hello = if self.is_greeted { 0 } else { HEAD + 24 };
        self.is_greeted = self.is_kept;
        let (response, _) = Bincode::decode::<Response>(received.get(hello + HEAD..).unwrap_or_default())?;
        if response == SUM { Ok(()) } else { Err("not the response".into()) }
    }
}

pub(crate) const ONE_SHOT: Peer = Peer {
    name: "ours, one-shot",
    serve: |path| serve(path, Connection::OneShot),
    connect: |path| {
        // Whoever connects asks until somebody serves.
        client(path)?.call(&ADD)?;
        Ok(Box::new(BareCall(path.to_owned())))
    },
};

pub(crate) const KEPT: Peer = Peer {
    name: "ours, kept",
    serve: |path| serve(path, Connection::Kept),
    connect: |path| Ok(Box::new(client(path)?)),
};

pub(crate) const SESSION_ONE_SHOT: Peer = Peer {
    name: "ours, session, one-shot",
    serve: |path| serve_both(path, Connection::OneShot),
    connect: |path| {
        call(&ADD, path)?;
        Ok(Box::new(Call(path.to_owned())))
    },
};

pub(crate) const SESSION_KEPT: Peer = Peer {
    name: "ours, session, kept",
    serve: |path| serve_both(path, Connection::Kept),
    connect: |path| Ok(Box::new(ipc_server::Client::connect(path)?)),
};

fn client(path: &str) -> Outcome<ipc_server::Client<Bincode>> {
    Ok(ipc_server::Client::builder().bare().connect(path)?)
}

/// A daemon that has nothing else to do.
fn serve(path: &str, connection: Connection) -> Outcome {
    until_stopped(IpcServer::<Command>::builder().bare().keep_open(connection.is_kept()).bind(path)?)
}

/// The same, for clients of both wires.
fn serve_both(path: &str, connection: Connection) -> Outcome {
    until_stopped(IpcServer::<Command>::builder().keep_open(connection.is_kept()).bind(path)?)
}

fn until_stopped<W: ServerWire>(mut server: IpcServer<Command, W>) -> Outcome {
    let mut daemon = Daemon::default();
    while !daemon.stopping {
        server.wait(None)?;
        server.handle_new_messages(&mut daemon)?;
    }
    Ok(())
}

/// One connection for each call, of a session.
struct Call(String);

impl Caller for Call {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        Ok(call(&command, &*self.0)?)
    }
}

/// One connection for each call, bare.
struct BareCall(String);

impl Caller for BareCall {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        Ok(client(&self.0)?.call(&command)?)
    }
}

impl<W: ClientWire> Caller for ipc_server::Client<W> {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        Ok(Self::call(self, &command)?)
    }
}
