//! This crate.

use ipc_server::IpcServer;
use ipc_server::codec::{Bincode, Codec};

use super::{Connection, OneThread};
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
