//! interprocess: local sockets with std's interface, blocking, and bincode 1.3.3. It gives bytes: framing, many clients,
//! time limits and who the peer is are the user's to add, and this server has none of them; it serves one client at a time.

use std::io::{BufReader, Write};

use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Stream};

use super::{Caller, Peer};
use crate::Outcome;
use crate::command::{Command, Daemon, Response};

pub(crate) const KEPT: Peer = Peer {
    name: "interprocess, kept",
    serve: |path| {
        let listener = ListenerOptions::new().name(path.to_fs_name::<GenericFilePath>()?).create_sync()?;
        let mut daemon = Daemon::default();
        while !daemon.stopping {
            let mut stream = BufReader::new(listener.accept()?);
            while !daemon.stopping
                && let Ok(command) = bincode::deserialize_from::<_, Command>(&mut stream)
            {
                stream.get_mut().write_all(&bincode::serialize(&daemon.execute(command))?)?;
            }
        }
        Ok(())
    },
    connect: |path| {
        let stream = Stream::connect(path.to_fs_name::<GenericFilePath>()?)?;
        Ok(Box::new(Client(BufReader::new(stream))))
    },
};

struct Client(BufReader<Stream>);

impl Caller for Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        self.0.get_mut().write_all(&bincode::serialize(&command)?)?;
        Ok(bincode::deserialize_from(&mut self.0)?)
    }
}
