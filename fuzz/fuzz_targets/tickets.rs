//! Clients that ask, cancel, leave and come again on a real `IpcServer` with few slots, whose daemon keeps them and answers in any
//! order, also with tickets that are stale. No answer reaches another command's client, and each caller that was kept gets its last
//! answer or departs, once.
#![no_main]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::LazyLock;
use std::time::Duration;

use arbitrary::Arbitrary;
use ipc_server::codec::Bincode;
use ipc_server::wire::Both;
use ipc_server::wire::session::Fingerprints;
use ipc_server::{Answer, Caller, IpcServer, ReplyError, Request, Ticket, TicketHandler};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// How many clients are connected at once.
const AT_ONCE: usize = 5;

#[derive(Serialize, Deserialize, Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Now,
    Later,
    More,
    Decline,
}

#[derive(Serialize, Deserialize)]
enum Sent {
    Command(Kind, u32),
}

impl Request for Sent {
    type Response = u32;
}

#[derive(Arbitrary, Debug)]
enum Act {
    Connect,
    Ask(u8, Kind),
    Cancel(u8),
    Leave(u8),
    Serve,
    /// Answers the ticket that was given so many before the last.
    Reply(u8),
    Send(u8),
    Latest(u8),
    End(u8),
    Dismiss(u8),
}

#[derive(Arbitrary, Debug)]
struct Script {
    keep_open: bool,
    shutdown: bool,
    acts: Vec<Act>,
}

#[derive(Default)]
struct Daemon {
    kept: Vec<(u32, Ticket)>,
    departed: Vec<Ticket>,
}

impl TicketHandler<Sent> for Daemon {
    fn handle(&mut self, Sent::Command(kind, number): Sent, _: Caller, ticket: Ticket) -> Answer<u32> {
        match kind {
            Kind::Now => return Answer::Now(number),
            Kind::Decline => return Answer::Declined("no"),
            Kind::Later | Kind::More => self.kept.push((number, ticket)),
        }
        if matches!(kind, Kind::More) { Answer::More(number) } else { Answer::Later }
    }

    fn departed(&mut self, ticket: Ticket) {
        assert!(!self.departed.contains(&ticket), "it departs twice");
        self.departed.push(ticket);
    }
}

/// A client, the commands that it has sent, and what it has received of a frame.
struct Client {
    socket: UnixStream,
    asked: Vec<u32>,
    received: Vec<u8>,
}

fn hello() -> Vec<u8> {
    let Fingerprints { command, response } = Fingerprints::of::<Sent, Bincode>().unwrap();
    let fingerprints = [command.to_u64().to_le_bytes(), response.to_u64().to_le_bytes()].concat();
    [&b"\xff\xff\xff\xff\xffipc\x01\0\x14\0\0\x01\0\0"[..], &fingerprints].concat()
}

impl Client {
    /// What the server does not take any more is lost with the connection.
    fn frame(&mut self, kind: u8, id: u32, content: &[u8]) {
        let head = [content.len() as u8, 0, 0, kind];
        let _ = self.socket.write_all(&[&head[..], &id.to_le_bytes(), content].concat());
    }

    /// Each answer that has come is to a command of this client, and is that command's.
    fn receive(&mut self) {
        let mut bytes = [0; 1024];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) => self.received.extend(&bytes[..length]),
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionReset), "{error}");
                    break;
                }
            }
        }
        while let Some(head) = self.received.first_chunk::<8>() {
            let length = usize::from(head[0]);
            let (kind, id) = (head[3], u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            if self.received.len() < 8 + length {
                break;
            }
            let content: Vec<u8> = self.received.drain(..8 + length).skip(8).collect();
            match kind {
                0x80 => {}
                0x81 | 0x82 => {
                    assert!(self.asked.contains(&id), "an answer to another client's command");
                    assert_eq!(content, id.to_le_bytes(), "an answer of another command");
                }
                0x83 => assert!(id == 0 || self.asked.contains(&id)),
                kind => panic!("a frame of kind {kind:02x}"),
            }
        }
    }
}

static PATH: LazyLock<String> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("ipc-server-tickets-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory.join("s").to_str().unwrap().to_owned()
});

type Server = IpcServer<Sent, Both<Bincode>, 128, 4>;

fn serve(server: &mut Server, daemon: &mut Daemon) {
    while server.wait(Some(Duration::ZERO)).unwrap() {
        server.serve_with_tickets(daemon).unwrap();
    }
    server.serve_with_tickets(daemon).unwrap();
}

fuzz_target!(|script: Script| {
    let builder = IpcServer::<Sent>::builder().capacity::<128>().connections::<4>().keep_open(script.keep_open);
    let mut server = builder.bind(PATH.as_str()).unwrap();
    let mut daemon = Daemon::default();
    let mut clients: Vec<Option<Client>> = (0..AT_ONCE).map(|_| None).collect();
    let mut ended: Vec<Ticket> = Vec::new();
    let mut next = 1;
    for act in script.acts {
        let back = match act {
            Act::Connect => {
                if let Some(free) = clients.iter_mut().find(|client| client.is_none()) {
                    let mut socket = UnixStream::connect(PATH.as_str()).unwrap();
                    socket.write_all(&hello()).unwrap();
                    socket.set_nonblocking(true).unwrap();
                    *free = Some(Client { socket, asked: Vec::new(), received: Vec::new() });
                }
                continue;
            }
            Act::Ask(client, kind) => {
                if let Some(client) = &mut clients[usize::from(client) % AT_ONCE] {
                    client.asked.push(next);
                    client.frame(1, next, &[&[0, 0, 0, 0, kind as u8, 0, 0, 0][..], &next.to_le_bytes()].concat());
                    next += 1;
                }
                continue;
            }
            Act::Cancel(client) => {
                if let Some(client) = &mut clients[usize::from(client) % AT_ONCE] {
                    client.frame(2, client.asked.last().copied().unwrap_or_default(), &[]);
                }
                continue;
            }
            Act::Leave(client) => {
                clients[usize::from(client) % AT_ONCE] = None;
                continue;
            }
            Act::Serve => {
                serve(&mut server, &mut daemon);
                clients.iter_mut().flatten().for_each(Client::receive);
                continue;
            }
            Act::Reply(back) | Act::Send(back) | Act::Latest(back) | Act::End(back) | Act::Dismiss(back) => back,
        };
        let Some(index) = daemon.kept.len().checked_sub(usize::from(back) % 8 + 1) else { continue };
        let (number, ticket) = daemon.kept[index];
        let is_over = ended.contains(&ticket) || daemon.departed.contains(&ticket);
        assert_eq!(server.is_waiting(ticket), !is_over);
        let outcome = match act {
            Act::Reply(_) => server.reply(ticket, &number),
            Act::Send(_) => server.send(ticket, &number),
            Act::Latest(_) => server.send_latest(ticket, &number),
            Act::End(_) => server.end(ticket, "end"),
            _ => server.dismiss(ticket, "dismissed"),
        };
        match outcome {
            Ok(()) if matches!(act, Act::Send(_) | Act::Latest(_)) => assert!(!is_over),
            Ok(()) | Err(ReplyError::Left) => {
                assert!(!is_over);
                ended.push(ticket);
            }
            Err(ReplyError::Full) => assert!(!is_over),
            Err(error) => assert!(is_over && error == ReplyError::Stale, "{error}"),
        }
    }
    if script.shutdown {
        server.shutdown_with_tickets(&mut daemon, Duration::ZERO).unwrap();
        clients.iter_mut().flatten().for_each(Client::receive);
    } else {
        clients.clear();
        serve(&mut server, &mut daemon);
        assert_eq!(server.totals().pending, 0, "somebody who has left is still there");
    }
    ended.extend(&daemon.departed);
    ended.sort();
    let mut kept: Vec<Ticket> = daemon.kept.iter().map(|(_, ticket)| *ticket).collect();
    kept.sort();
    assert_eq!(ended, kept, "each that was kept is over, once");
});
