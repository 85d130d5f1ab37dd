//! ipc-channel: typed channels between processes that can carry other channels; a reply needs a second one. A channel pair is
//! made for each two processes beforehand, so it is not for a socket at a known path to which any client may come.

use std::fs;

use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, channel};
use serde::{Deserialize, Serialize};

use super::{Caller, Peer};
use crate::Outcome;
use crate::command::{Command, Daemon, Response};

#[derive(Serialize, Deserialize, Debug)]
enum Message {
    Hello(IpcSender<Response>),
    Command(Command),
}

pub(crate) const KEPT: Peer = Peer {
    name: "ipc-channel, kept",
    serve: |path| {
        // The server's name is not ours to choose; the file says it.
        let (server, name) = IpcOneShotServer::<Message>::new()?;
        let unfinished = format!("{path}.new");
        fs::write(&unfinished, name)?;
        fs::rename(&unfinished, path)?;
        let (commands, Message::Hello(responses)) = server.accept()? else { return Err("no greeting".into()) };
        let mut daemon = Daemon::default();
        while !daemon.stopping {
            let Message::Command(command) = commands.recv()? else { return Err("a second greeting".into()) };
            responses.send(daemon.execute(command))?;
        }
        Ok(())
    },
    connect: |path| {
        let commands = IpcSender::connect(fs::read_to_string(path)?)?;
        let (sender, responses) = channel()?;
        commands.send(Message::Hello(sender))?;
        Ok(Box::new(Client { commands, responses }))
    },
};

struct Client {
    commands: IpcSender<Message>,
    responses: IpcReceiver<Response>,
}

impl Caller for Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        self.commands.send(Message::Command(command))?;
        Ok(self.responses.recv()?)
    }
}
