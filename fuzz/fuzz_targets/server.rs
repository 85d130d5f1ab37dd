//! Pieces from several clients into a real `IpcServer`: well-formed commands are answered exactly once, in order, by
//! client, and nothing else is executed.
#![no_main]

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use ipc_server::codec::Bincode;
use ipc_server::{IpcServer, IpcServerCommand};
use ipc_server_fuzz::commands::{Command, Log, Response};
use ipc_server_fuzz::model::bincodes;
use libfuzzer_sys::fuzz_target;

const CAPACITY: usize = 64;
/// Fewer than the server has places for, so that nobody is evicted.
const CLIENTS: usize = 4;

type Server = IpcServer<Command, Bincode, CAPACITY, CLIENTS>;

#[derive(Arbitrary, Debug)]
enum Act {
    Bytes(Vec<u8>),
    Command(Command),
    /// As many commands as fit into one piece.
    Commands(Vec<Command>),
    /// The first bytes of a command.
    Start(Command, u8),
    /// No more is sent, but replies are still read.
    EndSending,
    Leave,
    Serve,
}

#[derive(Arbitrary, Debug)]
struct Script {
    keep_open: bool,
    acts: Vec<(u8, Act)>,
}

/// A client as the model sees it.
struct Client {
    stream: UnixStream,
    sent: Vec<u8>,
    can_send: bool,
    left: bool,
}

static DIRECTORY: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fuzz.sock");
    (directory, path)
});

fuzz_target!(|script: Script| {
    let path: &Path = &DIRECTORY.1;
    let mut server: Server = IpcServer::<Command>::builder()
        .capacity::<CAPACITY>()
        .connections::<CLIENTS>()
        .deadline(Duration::from_secs(3600))
        .keep_open(script.keep_open)
        .bind(path)
        .unwrap();
    let mut log = Log::default();
    let mut clients: [Option<Client>; CLIENTS] = [const { None }; CLIENTS];

    for (number, act) in &script.acts {
        let client = clients[usize::from(*number) % CLIENTS].get_or_insert_with(|| Client::connect(path));
        let encode = |command: &Command| bincode::serialize(command).unwrap();
        match act {
            Act::Bytes(bytes) => client.send(bytes),
            Act::Command(command) => client.send(&encode(command)),
            Act::Commands(commands) => client.send(&commands.iter().flat_map(encode).collect::<Vec<u8>>()),
            Act::Start(command, length) => {
                let mut bytes = encode(command);
                bytes.truncate((*length).into());
                client.send(&bytes);
            }
            Act::EndSending => client.end_sending(),
            Act::Leave => client.leave(),
            Act::Serve => serve(&mut server, &mut log),
        }
    }
    // What is outstanding is served by one call.
    serve(&mut server, &mut log);

    let mut executed = log.executed;
    let mut remove = |command: &Command| {
        let index = executed.iter().position(|executed| executed == command);
        index.map(|index| executed.swap_remove(index)).is_some()
    };
    for client in clients.iter_mut().flatten().filter(|client| !client.left) {
        let mut replies = client.receive();
        for (command, reply) in client.expected(script.keep_open) {
            assert!(remove(&command), "never executed: {command:?}");
            // A reply that is too long closes the connection.
            let Some(reply) = reply else { break };
            let (received, used) = bincodes::<Response>(&replies).expect("a whole reply");
            replies.drain(..used);
            match (received, reply) {
                (Response::Counted(_), Response::Counted(_)) => {}
                (received, reply) => assert_eq!(received, reply, "in reply to {command:?}"),
            }
        }
        assert!(replies.is_empty(), "a reply to nothing: {replies:02x?}");
    }
    for client in clients.iter().flatten().filter(|client| client.left) {
        for (command, _) in client.expected(script.keep_open) {
            remove(&command);
        }
    }
    assert!(executed.is_empty(), "never sent, or executed twice: {executed:?}");
});

fn serve(server: &mut Server, log: &mut Log) {
    let handled = server.handle_new_messages(log).expect("the server is never broken by a client");
    assert_eq!((handled.evicted, handled.expired, handled.refused), (0, 0, 0));
}

impl Client {
    fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, sent: Vec::new(), can_send: true, left: false }
    }

    fn send(&mut self, bytes: &[u8]) {
        if !self.can_send || bytes.is_empty() {
            return;
        }
        match self.stream.write(bytes) {
            Ok(sent) => self.sent.extend(&bytes[..sent]),
            // The server has closed the connection.
            Err(_) => self.can_send = false,
        }
    }

    fn end_sending(&mut self) {
        self.can_send = false;
        // It fails if the server has closed the connection.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes both directions. What was sent may still be executed.
    fn leave(&mut self) {
        self.can_send = false;
        self.left = true;
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Every byte of the server's that is there.
    fn receive(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        match self.stream.read_to_end(&mut received) {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionReset), "{error}")
            }
        }
        received
    }

    /// The model: the commands that were sent, up to the first that is not one, with their replies.
    fn expected(&self, keep_open: bool) -> Vec<(Command, Option<Response>)> {
        let mut expected = Vec::new();
        let mut rest = self.sent.as_slice();
        while let Ok((command, used)) = bincodes::<Command>(rest)
            && used <= CAPACITY
        {
            rest = &rest[used..];
            let reply = command.clone().process(&mut &mut Log::default());
            let fits = bincode::serialized_size(&reply).unwrap() <= CAPACITY as u64;
            expected.push((command, fits.then_some(reply)));
            if !keep_open || !fits {
                break;
            }
        }
        expected
    }
}
