//! 32 commands in one `send`, on a kept connection.

use ipc_server::IpcServer;
use ipc_server::codec::{Bincode, Codec};

use crate::Outcome;
use crate::bare::Client;
use crate::command::{ADD, Command, Daemon, Response, SUM};
use crate::peers::floor::{NO_TIME, Server};
use crate::peers::{Connection, OneThread};

pub(crate) const BATCH: usize = 32;

/// How long a command and a response are on the wire.
const COMMAND: usize = 20;
const RESPONSE: usize = 12;

/// The client's part, with the codec `K`.
struct Batches {
    client: Client,
}

impl Batches {
    fn send(&mut self, mut encode: impl FnMut(&mut [u8]) -> Outcome) -> Outcome {
        let mut buffer = [0; BATCH * COMMAND];
        for place in buffer.chunks_exact_mut(COMMAND) {
            encode(place)?;
        }
        Ok(self.client.send(&buffer)?)
    }

    fn receive(&mut self, mut decode: impl FnMut(&[u8]) -> Outcome<Response>) -> Outcome {
        let mut buffer = [0; BATCH * RESPONSE];
        let replies = self.client.receive(&mut buffer)?;
        if replies.len() != BATCH * RESPONSE {
            return Err(format!("{} bytes of replies", replies.len()).into());
        }
        for reply in replies.chunks_exact(RESPONSE) {
            if decode(reply)? != SUM {
                return Err("not the response".into());
            }
        }
        Ok(())
    }
}

pub(crate) struct PipelinedOurs {
    server: IpcServer<Command, Bincode>,
    daemon: Daemon,
    batches: Batches,
}

impl PipelinedOurs {
    pub(crate) fn new(path: &str) -> Outcome<Self> {
        let server = IpcServer::builder().bare().keep_open(true).bind(path)?;
        let batches = Batches { client: Client::new(path, Connection::Kept)? };
        Ok(Self { server, daemon: Daemon::default(), batches })
    }
}

impl OneThread for PipelinedOurs {
    fn send(&mut self) -> Outcome {
        self.batches.send(|place| Ok(Bincode::encode(&ADD, place).map(drop)?))
    }

    fn serve(&mut self) -> Outcome {
        self.server.handle_new_messages(&mut self.daemon)?;
        Ok(())
    }

    fn receive(&mut self) -> Outcome {
        self.batches.receive(|reply| Ok(Bincode::decode(reply)?.0))
    }
}

pub(crate) struct PipelinedFloor {
    server: Server,
    daemon: Daemon,
    batches: Batches,
}

impl PipelinedFloor {
    pub(crate) fn new(path: &str) -> Outcome<Self> {
        let server = Server::new(path, Connection::Kept)?;
        let batches = Batches { client: Client::new(path, Connection::Kept)? };
        Ok(Self { server, daemon: Daemon::default(), batches })
    }
}

impl OneThread for PipelinedFloor {
    fn send(&mut self) -> Outcome {
        self.batches.send(|place| Ok(bincode::serialize_into(place, &ADD)?))
    }

    fn serve(&mut self) -> Outcome {
        self.server.serve(&mut self.daemon, Some(&NO_TIME))
    }

    fn receive(&mut self) -> Outcome {
        self.batches.receive(|reply| Ok(bincode::deserialize(reply)?))
    }
}
