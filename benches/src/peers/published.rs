//! `ipc-server` 0.3.2, as published. It has no kept connections, and it writes a field at a time.

use std::fs::File;
use std::io::{Read, stderr};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::io::dup;
use rustix::stdio::dup2_stderr;

use super::{Caller, OneThread, Peer};
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

pub(crate) const ONE_SHOT: Peer = Peer {
    name: "published 0.3.2",
    serve: |path| {
        let _silence = Silence::new()?;
        let mut server = upstream::IpcServer::<Command>::new(path)?;
        let mut daemon = Daemon::default();
        while !daemon.stopping {
            // It sleeps for a millisecond if nobody comes. An error is about one client.
            let _ = server.handle_new_messages(&mut daemon);
        }
        Ok(())
    },
    connect: |path| {
        // A client that says nothing would be an error of the server.
        std::fs::metadata(path)?;
        Ok(Box::new(Call(path.to_owned())))
    },
};

/// `client_send` waits for ever for a reply that does not come.
const PATIENCE: Duration = Duration::from_millis(10);

struct Call(String);

impl Caller for Call {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        let mut client = UnixStream::connect(&self.0)?;
        client.set_read_timeout(Some(PATIENCE))?;
        bincode::serialize_into(&mut client, &command)?;
        let mut buffer = [0; 1024];
        let received = client.read(&mut buffer)?;
        Ok(bincode::deserialize(buffer.get(..received).unwrap_or_default())?)
    }
}

/// The standard error goes nowhere while this lives: the server prints a line there for each client that it loses.
struct Silence(OwnedFd);

impl Silence {
    fn new() -> Outcome<Self> {
        let before = dup(stderr())?;
        dup2_stderr(File::options().write(true).open("/dev/null")?)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // If it fails, nobody can be told.
        let _ = dup2_stderr(&self.0);
    }
}
