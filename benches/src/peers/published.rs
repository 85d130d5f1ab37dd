//! `ipc-server` 0.3.2, as published. It has no kept connections, and it writes a field at a time.

use std::io::Read;
use std::os::unix::net::UnixStream;

use super::OneThread;
use crate::Outcome;
use crate::command::{ADD, Command, Daemon, Response, SUM};

pub(crate) struct Published {
    pub(crate) server: upstream::IpcServer<Command>,
    pub(crate) daemon: Daemon,
    path: String,
    client: Option<UnixStream>,
}

impl Published {
    pub(crate) fn new(path: &str) -> Outcome<Self> {
        let server = upstream::IpcServer::new(path)?;
        Ok(Self { server, daemon: Daemon::default(), path: path.to_owned(), client: None })
    }
}

/// Its client is what `client_send` does, but for the printing.
impl OneThread for Published {
    fn send(&mut self) -> Outcome {
        let mut client = UnixStream::connect(&self.path)?;
        bincode::serialize_into(&mut client, &ADD)?;
        self.client = Some(client);
        Ok(())
    }

    fn serve(&mut self) -> Outcome {
        Ok(self.server.handle_new_messages(&mut self.daemon)?)
    }

    fn receive(&mut self) -> Outcome {
        let mut client = self.client.take().ok_or("not connected")?;
        let mut buffer = [0; 1024];
        let received = client.read(&mut buffer)?;
        let response: Response = bincode::deserialize(buffer.get(..received).unwrap_or_default())?;
        if response == SUM { Ok(()) } else { Err("not the response".into()) }
    }
}
