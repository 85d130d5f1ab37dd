//! Callers that wait for the daemon: answered later, several times or never.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::codec::Bincode;
use ipc_server::wire::ServerWire;
use ipc_server::wire::session::{Fingerprints, Reason};
use ipc_server::{Answer, CallError, Caller, Client, Handled, IpcServer, ReplyError, Request, Ticket, TicketHandler};
use proptest::prelude::*;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::support::Scratch;

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
enum Command {
    /// Answered at once.
    Now(u32),
    /// Kept.
    Later(u32),
    /// Answered with its number and kept.
    Watch(u32),
    Decline,
    Panic,
}

impl Request for Command {
    type Response = Text;
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
enum Text {
    Number(u32),
    Text(String),
}

/// Keeps what it is told to, and notes who has departed.
#[derive(Default)]
struct Daemon {
    kept: Vec<(u32, Ticket)>,
    departed: Vec<Ticket>,
}

impl Daemon {
    fn ticket(&self, number: u32) -> Ticket {
        self.kept.iter().rfind(|(of, _)| *of == number).unwrap().1
    }
}

impl TicketHandler<Command> for Daemon {
    fn handle(&mut self, command: Command, _: Caller, ticket: Ticket) -> Answer<Text> {
        match command {
            Command::Now(number) => Answer::Now(Text::Number(number)),
            Command::Later(number) => {
                self.kept.push((number, ticket));
                Answer::Later
            }
            Command::Watch(number) => {
                self.kept.push((number, ticket));
                Answer::More(Text::Number(number))
            }
            Command::Decline => Answer::Declined("it is night"),
            Command::Panic => {
                self.kept.push((0, ticket));
                panic!("the handler panics")
            }
        }
    }

    fn departed(&mut self, ticket: Ticket) {
        self.departed.push(ticket);
    }
}

/// A client that writes and reads frames by itself.
struct Raw {
    socket: UnixStream,
    received: Vec<u8>,
}

/// What a server has sent: the kind of a frame, its id and its content.
#[derive(Debug, PartialEq)]
enum Frame {
    Response(u32, Text),
    Item(u32, Text),
    /// Its code, whether the command was executed, and the text.
    Refusal(u32, u8, bool, String),
}

impl Raw {
    /// Connects and says hello.
    fn connect(path: &str) -> Self {
        let mut client = Self { socket: UnixStream::connect(path).unwrap(), received: Vec::new() };
        let own = Fingerprints::of::<Command, Bincode>().unwrap();
        let mut hello = b"\xff\xff\xff\xff\xffipc\x01\0\x14\0\0\0\x01\0".to_vec();
        hello.extend(own.command.to_u64().to_le_bytes());
        hello.extend(own.response.to_u64().to_le_bytes());
        client.write(&hello);
        client
    }

    fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    fn frame(&mut self, kind: u8, id: u32, content: &[u8]) {
        let mut frame = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
        frame[3] = kind;
        frame.extend(id.to_le_bytes());
        frame.extend(content);
        self.write(&frame);
    }

    fn ask(&mut self, id: u32, command: &Command) {
        self.frame(1, id, &bincode::serialize(command).unwrap());
    }

    fn cancel(&mut self, id: u32) {
        self.frame(2, id, &[]);
    }

    /// The frames that have come, apart from the hello, and whether the connection has ended.
    fn frames(&mut self) -> (Vec<Frame>, bool) {
        self.socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 4096];
        let ended = loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => break true,
                Ok(length) => self.received.extend(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break true,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break false;
                }
            }
        };
        self.socket.set_nonblocking(false).unwrap();
        let mut frames = Vec::new();
        while self.received.len() >= 8 {
            let head = u64::from_le_bytes(self.received[..8].try_into().unwrap());
            let length = (head & 0xff_ffff) as usize;
            if self.received.len() < 8 + length {
                break;
            }
            let frame: Vec<u8> = self.received.drain(..8 + length).collect();
            let id = (head >> 32) as u32;
            let content = &frame[8..];
            match (head >> 24) as u8 {
                0x80 => {}
                0x81 => frames.push(Frame::Response(id, bincode::deserialize(content).unwrap())),
                0x82 => frames.push(Frame::Item(id, bincode::deserialize(content).unwrap())),
                0x83 => {
                    let text = String::from_utf8(content[8..].to_vec()).unwrap();
                    frames.push(Frame::Refusal(id, content[0], content[1] == 1, text));
                }
                kind => panic!("a frame of kind {kind:02x}"),
            }
        }
        (frames, ended)
    }

    /// The frames that have come; the connection has not ended.
    fn open(&mut self) -> Vec<Frame> {
        let (frames, ended) = self.frames();
        assert!(!ended, "the connection has ended");
        frames
    }
}

/// Serves until nothing is left to do, and once more.
fn settle<K: ServerWire, const N: usize, const M: usize>(
    server: &mut IpcServer<Command, K, N, M>,
    daemon: &mut Daemon,
) -> Handled {
    while server.wait(Some(Duration::ZERO)).unwrap() {
        server.serve_with_tickets(daemon).unwrap();
    }
    server.serve_with_tickets(daemon).unwrap();
    *server.totals()
}

fn number(number: u32) -> Text {
    Text::Number(number)
}

macro_rules! server {
    ($path:expr $(, $setting:ident $(::<$type:tt>)? ($($value:expr),*))*) => {
        IpcServer::<Command>::builder()$(.$setting $(::<$type>)? ($($value),*))*.bind($path.as_str()).unwrap()
    };
}

#[test]
fn a_kept_caller_is_answered_later_and_everybody_else_meanwhile() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let mut waiting = Raw::connect(&path);
    waiting.ask(1, &Command::Later(1));
    let mut bare = UnixStream::connect(&path).unwrap();
    bare.write_all(&bincode::serialize(&Command::Later(2)).unwrap()).unwrap();
    settle(&mut server, &mut daemon);
    for id in 0..100 {
        let mut other = Raw::connect(&path);
        other.ask(id, &Command::Now(id));
        settle(&mut server, &mut daemon);
        assert_eq!(other.frames(), (vec![Frame::Response(id, number(id))], true));
    }
    assert_eq!(waiting.open(), []);
    assert_eq!((server.totals().served, server.totals().pending), (100, 2));

    server.reply(daemon.ticket(1), &number(7)).unwrap();
    assert_eq!(waiting.frames(), (vec![Frame::Response(1, number(7))], true));
    server.reply(daemon.ticket(2), &number(8)).unwrap();
    let mut reply = Vec::new();
    bare.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, bincode::serialize(&number(8)).unwrap());
    assert_eq!(server.reply(daemon.ticket(1), &number(9)), Err(ReplyError::Stale));
    assert_eq!((server.totals().served, daemon.departed.len()), (102, 0));
}

#[test]
fn a_ticket_is_stored_in_a_static() {
    static WAITING: Mutex<Option<Ticket>> = Mutex::new(None);

    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = server!(path);
    let mut client = Raw::connect(&path);
    client.ask(5, &Command::Later(1));
    while server.wait(Some(Duration::ZERO)).unwrap() {
        server
            .serve_with_tickets(&mut |_, _: Caller, ticket: Ticket| {
                *WAITING.lock().unwrap() = Some(ticket);
                Answer::Later
            })
            .unwrap();
    }
    let ticket = WAITING.lock().unwrap().take().unwrap();
    server.reply(ticket, &number(3)).unwrap();
    assert_eq!(client.frames(), (vec![Frame::Response(5, number(3))], true));
}

#[test]
fn a_ticket_never_reaches_the_next_command_of_its_connection() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Later(1));
    settle(&mut server, &mut daemon);
    server.reply(daemon.ticket(1), &number(1)).unwrap();
    client.ask(2, &Command::Later(2));
    settle(&mut server, &mut daemon);
    assert_eq!(server.reply(daemon.ticket(1), &number(1)), Err(ReplyError::Stale));
    assert_eq!(server.send(daemon.ticket(1), &number(1)), Err(ReplyError::Stale));
    assert_eq!(server.end(daemon.ticket(1), ""), Err(ReplyError::Stale));
    assert!(!server.is_waiting(daemon.ticket(1)) && server.is_waiting(daemon.ticket(2)));
    server.reply(daemon.ticket(2), &number(2)).unwrap();
    assert_eq!(client.open(), [Frame::Response(1, number(1)), Frame::Response(2, number(2))]);

    // Nor that of another server.
    let other_path = scratch.path("t");
    let (mut other, mut other_daemon) = (server!(other_path, keep_open(true)), Daemon::default());
    let mut other_client = Raw::connect(&other_path);
    other_client.ask(1, &Command::Now(1));
    other_client.ask(2, &Command::Later(2));
    settle(&mut other, &mut other_daemon);
    assert_eq!(other.reply(daemon.ticket(2), &number(2)), Err(ReplyError::Stale));
    assert!(other.is_waiting(other_daemon.ticket(2)));
}

#[test]
fn the_daemon_learns_of_a_client_that_left_once_and_without_writing() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let mut session = Raw::connect(&path);
    session.ask(1, &Command::Later(1));
    let mut bare = UnixStream::connect(&path).unwrap();
    bare.write_all(&bincode::serialize(&Command::Later(2)).unwrap()).unwrap();
    settle(&mut server, &mut daemon);
    drop(session);
    settle(&mut server, &mut daemon);
    assert_eq!(daemon.departed, [daemon.ticket(1)]);
    drop(bare);
    settle(&mut server, &mut daemon);
    assert_eq!(daemon.departed, [daemon.ticket(1), daemon.ticket(2)]);
    assert_eq!(server.reply(daemon.ticket(2), &number(1)), Err(ReplyError::Stale));
    settle(&mut server, &mut daemon);
    assert_eq!((daemon.departed.len(), server.totals().pending), (2, 0));
}

#[test]
fn a_client_whose_end_is_noticed_by_writing_has_not_departed_again() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Watch(1));
    settle(&mut server, &mut daemon);
    drop(client);
    assert_eq!(server.send(daemon.ticket(1), &number(1)), Err(ReplyError::Left));
    assert_eq!(server.send(daemon.ticket(1), &number(1)), Err(ReplyError::Stale));
    settle(&mut server, &mut daemon);
    assert_eq!((daemon.departed.len(), server.totals().pending), (0, 0));
}

#[test]
fn a_client_that_ends_its_side_only_still_waits() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let mut session = Raw::connect(&path);
    session.ask(1, &Command::Later(1));
    let mut bare = UnixStream::connect(&path).unwrap();
    bare.write_all(&bincode::serialize(&Command::Later(2)).unwrap()).unwrap();
    settle(&mut server, &mut daemon);
    session.socket.shutdown(Shutdown::Write).unwrap();
    bare.shutdown(Shutdown::Write).unwrap();
    settle(&mut server, &mut daemon);
    assert!(!server.wait(Some(Duration::ZERO)).unwrap(), "the server is woken without end");
    assert_eq!(daemon.departed, []);
    server.reply(daemon.ticket(1), &number(1)).unwrap();
    server.reply(daemon.ticket(2), &number(2)).unwrap();
    assert_eq!(session.frames(), (vec![Frame::Response(1, number(1))], true));
    let mut reply = Vec::new();
    bare.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, bincode::serialize(&number(2)).unwrap());
}

#[test]
fn a_stream_has_a_first_item_more_of_them_and_an_end_with_a_reason() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Watch(10));
    settle(&mut server, &mut daemon);
    assert_eq!(client.open(), [Frame::Item(1, number(10))]);
    for event in 11..14 {
        server.send(daemon.ticket(10), &number(event)).unwrap();
    }
    assert_eq!(client.open(), (11..14).map(|event| Frame::Item(1, number(event))).collect::<Vec<_>>());
    server.end(daemon.ticket(10), "the fan is off").unwrap();
    assert_eq!(client.open(), [Frame::Refusal(1, 14, true, "the fan is off".into())]);

    // The connection lives, and the next stream ends with a last response.
    client.ask(2, &Command::Watch(20));
    settle(&mut server, &mut daemon);
    server.reply(daemon.ticket(20), &number(21)).unwrap();
    assert_eq!(client.open(), [Frame::Item(2, number(20)), Frame::Response(2, number(21))]);

    // And one with an error.
    client.ask(3, &Command::Watch(30));
    settle(&mut server, &mut daemon);
    server.dismiss(daemon.ticket(30), "the sensor is broken").unwrap();
    assert_eq!(client.open(), [Frame::Item(3, number(30)), Frame::Refusal(3, 13, true, "the sensor is broken".into())]);
    client.ask(4, &Command::Now(4));
    settle(&mut server, &mut daemon);
    assert_eq!(client.open(), [Frame::Response(4, number(4))]);
    assert_eq!(daemon.departed, []);
}

#[test]
fn a_daemon_declines_with_a_reason() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Decline);
    client.ask(2, &Command::Now(2));
    settle(&mut server, &mut daemon);
    assert_eq!(client.open(), [Frame::Refusal(1, 15, false, "it is night".into()), Frame::Response(2, number(2))]);
    // The bare wire has no way to say so.
    let mut bare = UnixStream::connect(&path).unwrap();
    bare.write_all(&bincode::serialize(&Command::Decline).unwrap()).unwrap();
    settle(&mut server, &mut daemon);
    assert_eq!(bare.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.totals().refused, 1);
}

#[test]
fn the_bare_wire_carries_one_response() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let ask = |command: &Command| {
        let mut bare = UnixStream::connect(&path).unwrap();
        bare.write_all(&bincode::serialize(command).unwrap()).unwrap();
        bare
    };
    let mut watching = ask(&Command::Watch(1));
    settle(&mut server, &mut daemon);
    assert_eq!(watching.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.totals().failed, 1);
    assert_eq!(server.send(daemon.ticket(1), &number(1)), Err(ReplyError::Stale));

    let mut waiting = ask(&Command::Later(2));
    settle(&mut server, &mut daemon);
    let ticket = daemon.ticket(2);
    assert_eq!(server.send(ticket, &number(1)), Err(ReplyError::OneResponse));
    assert_eq!(server.send_latest(ticket, &number(1)), Err(ReplyError::OneResponse));
    server.reply(ticket, &number(2)).unwrap();
    let mut reply = Vec::new();
    waiting.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, bincode::serialize(&number(2)).unwrap());

    let mut ended = ask(&Command::Later(3));
    settle(&mut server, &mut daemon);
    server.end(daemon.ticket(3), "nobody reads this").unwrap();
    assert_eq!(ended.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_cancelled_stream_leaves_the_connection_usable() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Watch(1));
    settle(&mut server, &mut daemon);
    // An old one for another command means nothing.
    client.cancel(77);
    settle(&mut server, &mut daemon);
    assert!(server.is_waiting(daemon.ticket(1)));
    client.cancel(1);
    client.ask(2, &Command::Now(2));
    settle(&mut server, &mut daemon);
    assert_eq!(daemon.departed, [daemon.ticket(1)]);
    assert_eq!(server.send(daemon.ticket(1), &number(1)), Err(ReplyError::Stale));
    assert_eq!(client.open(), [Frame::Item(1, number(1)), Frame::Response(2, number(2))]);
    // It comes too late for what is answered.
    client.cancel(2);
    client.ask(3, &Command::Now(3));
    settle(&mut server, &mut daemon);
    assert_eq!(client.open(), [Frame::Response(3, number(3))]);
    assert_eq!(daemon.departed.len(), 1);
}

#[test]
fn what_is_sent_behind_a_kept_command_waits_for_its_answer() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    for id in 0..3 {
        client.ask(id, &Command::Now(id));
    }
    client.ask(3, &Command::Later(3));
    client.ask(4, &Command::Now(4));
    settle(&mut server, &mut daemon);
    assert!(!server.wait(Some(Duration::ZERO)).unwrap(), "the server is woken without end");
    assert_eq!(client.open(), (0..3).map(|id| Frame::Response(id, number(id))).collect::<Vec<_>>());
    server.reply(daemon.ticket(3), &number(3)).unwrap();
    settle(&mut server, &mut daemon);
    assert_eq!(client.open(), [Frame::Response(3, number(3)), Frame::Response(4, number(4))]);
}

#[test]
fn a_subscriber_that_does_not_read_is_full_and_then_gets_on() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Watch(0));
    settle(&mut server, &mut daemon);
    let mut sent = 0;
    while server.send(daemon.ticket(0), &number(sent + 1)).is_ok() {
        sent += 1;
    }
    assert_eq!(server.send(daemon.ticket(0), &number(sent + 1)), Err(ReplyError::Full));
    assert!(!server.wait(Some(Duration::ZERO)).unwrap());
    // The server is woken when there is room, and nothing was lost.
    let mut received = client.open();
    assert!(server.wait(Some(Duration::from_secs(5))).unwrap());
    settle(&mut server, &mut daemon);
    sent += 1;
    server.send(daemon.ticket(0), &number(sent)).unwrap();
    received.extend(client.open());
    assert_eq!(received, (0..=sent).map(|event| Frame::Item(1, number(event))).collect::<Vec<_>>());
}

#[test]
fn a_subscriber_that_does_not_read_skips_to_the_newest_value() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Watch(0));
    settle(&mut server, &mut daemon);
    let text = |value: u32| Text::Text(format!("{value:0300}"));
    for value in 1..=10_000 {
        server.send_latest(daemon.ticket(0), &text(value)).unwrap();
    }
    let mut received = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    while received.last() != Some(&Frame::Item(1, text(10_000))) {
        assert!(Instant::now() < deadline, "the newest has not come");
        received.extend(client.open());
        settle(&mut server, &mut daemon);
    }
    assert!(received.len() < 5_000, "{} were not skipped", received.len());
    let values: Vec<u32> = received[1..]
        .iter()
        .map(|frame| match frame {
            Frame::Item(1, Text::Text(value)) => value.parse().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(values.is_sorted());
    // An event is not replaced by a value.
    while server.send(daemon.ticket(0), &number(1)).is_ok() {}
    assert_eq!(server.send_latest(daemon.ticket(0), &text(1)), Err(ReplyError::Full));
}

#[test]
fn a_waiting_caller_is_not_evicted_and_a_newcomer_is_told_that_the_server_is_busy() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, connections::<3>(), keep_open(true)), Daemon::default());
    let mut kept: Vec<Raw> = (0..3)
        .map(|id| {
            let mut client = Raw::connect(&path);
            client.ask(id, &Command::Later(id));
            settle(&mut server, &mut daemon);
            client
        })
        .collect();
    // One whose command is there is served all the same, and its connection closed for want of a slot.
    let mut quick = Raw::connect(&path);
    quick.ask(7, &Command::Now(7));
    settle(&mut server, &mut daemon);
    assert_eq!(quick.frames(), (vec![Frame::Response(7, number(7))], true));
    // One that would have to wait is told.
    let mut slow = Raw::connect(&path);
    slow.write(b"\x08\0\0\x01\x09\0\0\0");
    settle(&mut server, &mut daemon);
    assert_eq!(slow.frames(), (vec![Frame::Refusal(9, 7, false, String::new())], true));
    // So is one that the daemon keeps, which learns that it has departed.
    let mut late = Raw::connect(&path);
    late.ask(8, &Command::Later(8));
    settle(&mut server, &mut daemon);
    assert_eq!(late.frames(), (vec![Frame::Refusal(8, 7, true, String::new())], true));
    assert_eq!(daemon.departed, [daemon.ticket(8)]);
    assert_eq!(server.totals().evicted, 3);
    for (id, client) in (0..).zip(&mut kept) {
        server.reply(daemon.ticket(id), &number(id)).unwrap();
        assert_eq!(client.open(), [Frame::Response(id, number(id))]);
    }
}

#[test]
fn a_waiting_caller_has_no_deadline_and_a_reply_that_it_does_not_take_has() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(30);
    let (mut server, mut daemon) = (server!(path, keep_open(true), deadline(limit)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Watch(0));
    settle(&mut server, &mut daemon);
    let begin = Instant::now();
    while begin.elapsed() < limit * 3 {
        server.wait(Some(limit)).unwrap();
        server.serve_with_tickets(&mut daemon).unwrap();
    }
    assert_eq!(server.totals().expired, 0);
    while server.send(daemon.ticket(0), &number(1)).is_ok() {}
    while server.end(daemon.ticket(0), "") == Err(ReplyError::Full) {
        client.frames();
        settle(&mut server, &mut daemon);
    }
    let mut other = Raw::connect(&path);
    other.ask(2, &Command::Watch(2));
    settle(&mut server, &mut daemon);
    while server.send(daemon.ticket(2), &number(1)).is_ok() {}
    // The last response goes into what room there is, and then it is the client's to read.
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.reply(daemon.ticket(2), &number(2)) == Err(ReplyError::Full) {
        assert!(Instant::now() < deadline);
        let mut some = [0; 64];
        other.socket.read_exact(&mut some).unwrap();
        settle(&mut server, &mut daemon);
    }
    while server.totals().expired == 0 && server.totals().pending > 1 {
        assert!(Instant::now() < deadline);
        server.wait(Some(limit)).unwrap();
        server.serve_with_tickets(&mut daemon).unwrap();
    }
    assert_eq!(daemon.departed, []);
}

#[test]
fn a_late_response_that_is_too_long_is_told_and_leaves_no_slot_behind() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut client = Raw::connect(&path);
    client.ask(1, &Command::Later(1));
    settle(&mut server, &mut daemon);
    let long = Text::Text("x".repeat(2000));
    assert!(matches!(server.reply(daemon.ticket(1), &long), Err(ReplyError::Response(_))));
    assert_eq!(client.frames(), (vec![Frame::Refusal(1, 5, true, String::new())], true));
    assert_eq!(server.reply(daemon.ticket(1), &number(1)), Err(ReplyError::Stale));
    settle(&mut server, &mut daemon);
    assert_eq!((server.totals().failed, server.totals().pending, daemon.departed.len()), (1, 0, 0));
}

#[test]
fn a_panicking_handler_ends_its_own_caller_only() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut waiting = Raw::connect(&path);
    waiting.ask(1, &Command::Later(1));
    settle(&mut server, &mut daemon);
    let mut other = Raw::connect(&path);
    other.ask(2, &Command::Panic);
    assert!(catch_unwind(AssertUnwindSafe(|| settle(&mut server, &mut daemon))).is_err());
    assert_eq!(other.frames(), (vec![], true));
    assert_eq!(server.reply(daemon.ticket(0), &number(0)), Err(ReplyError::Stale));
    server.reply(daemon.ticket(1), &number(1)).unwrap();
    assert_eq!(waiting.open(), [Frame::Response(1, number(1))]);
}

#[test]
fn those_who_wait_are_told_that_the_server_ends() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let mut early = Raw::connect(&path);
    early.ask(1, &Command::Watch(1));
    let mut bare = UnixStream::connect(&path).unwrap();
    bare.write_all(&bincode::serialize(&Command::Later(2)).unwrap()).unwrap();
    settle(&mut server, &mut daemon);
    let mut meanwhile = Raw::connect(&path);
    meanwhile.ask(3, &Command::Later(3));
    let handled = server.shutdown_with_tickets(&mut daemon, Duration::from_secs(5)).unwrap();
    assert_eq!(handled.pending, 3);
    assert_eq!(early.frames(), (vec![Frame::Item(1, number(1)), Frame::Refusal(1, 10, true, String::new())], true));
    assert_eq!(meanwhile.frames(), (vec![Frame::Refusal(3, 10, true, String::new())], true));
    assert_eq!(bare.read(&mut [0]).unwrap(), 0);
    daemon.departed.sort();
    assert_eq!(daemon.departed, daemon.kept.iter().map(|(_, ticket)| *ticket).collect::<Vec<_>>());
}

#[test]
fn those_who_wait_stay_with_the_server_that_hands_over() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let mut waiting = Raw::connect(&path);
    waiting.ask(1, &Command::Later(1));
    settle(&mut server, &mut daemon);
    let socket = server.hand_over().unwrap();
    let mut successor = IpcServer::<Command>::builder().adopt(socket).unwrap();
    let mut other = Raw::connect(&path);
    other.ask(2, &Command::Now(2));
    settle(&mut successor, &mut Daemon::default());
    assert_eq!(other.frames(), (vec![Frame::Response(2, number(2))], true));
    assert_eq!(successor.reply(daemon.ticket(1), &number(0)), Err(ReplyError::Stale));
    server.reply(daemon.ticket(1), &number(1)).unwrap();
    assert_eq!(waiting.frames(), (vec![Frame::Response(1, number(1))], true));
}

#[test]
fn another_thread_ends_the_servers_sleep() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let waker = server.waker().unwrap();
    let again = server.waker().unwrap();
    for waker in [waker, again] {
        let worker = thread::spawn(move || waker.wake());
        assert!(server.wait(Some(Duration::from_secs(10))).unwrap());
        worker.join().unwrap();
        server.serve_with_tickets(&mut daemon).unwrap();
        assert!(!server.wait(Some(Duration::ZERO)).unwrap());
    }
}

#[test]
fn a_thousand_subscribers_of_which_ten_do_not_read() {
    // The server is moved while it is built.
    thread::Builder::new().stack_size(64 << 20).spawn(a_thousand_subscribers).unwrap().join().unwrap();
}

fn a_thousand_subscribers() {
    const EVENTS: u32 = 400;

    // Each has two descriptors here, its own and the server's.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = Box::new(
        IpcServer::<Command>::builder().sessions().capacity::<256>().connections::<1000>().bind(path.as_str()).unwrap(),
    );
    let mut daemon = Daemon::default();
    let mut clients: Vec<Raw> = (0..1000)
        .map(|id| {
            let mut client = Raw::connect(&path);
            client.ask(id, &Command::Watch(id));
            server.serve_with_tickets(&mut daemon).unwrap();
            client
        })
        .collect();
    settle(&mut server, &mut daemon);
    assert_eq!(server.totals().pending, 1000);
    // An ordinary client is served meanwhile.
    let mut lost = HashMap::new();
    for event in 0..EVENTS {
        for (id, ticket) in &daemon.kept {
            match server.send(*ticket, &number(event)) {
                Ok(()) => {}
                Err(ReplyError::Full) => *lost.entry(*id).or_insert(0) += 1,
                Err(error) => panic!("{error}"),
            }
        }
        for (id, client) in (0..).zip(&mut clients) {
            if id >= 10 {
                let expected = if event == 0 {
                    vec![Frame::Item(id, number(id)), Frame::Item(id, number(event))]
                } else {
                    vec![Frame::Item(id, number(event))]
                };
                assert_eq!(client.open(), expected);
            }
        }
        let mut other = Raw::connect(&path);
        other.ask(1, &Command::Now(event));
        settle(&mut server, &mut daemon);
        assert_eq!(other.frames(), (vec![Frame::Response(1, number(event))], true));
    }
    assert!(lost.keys().all(|id| *id < 10) && lost.len() == 10, "{lost:?}");
    assert_eq!((server.totals().served, server.totals().pending), (EVENTS as usize, 1000));
}

/// Serves by tickets while `client` runs in a thread of its own. Each turn `daemon` may answer whom it has kept.
fn serve_while<K: ServerWire, const N: usize, const M: usize>(
    server: &mut IpcServer<Command, K, N, M>,
    daemon: &mut Daemon,
    mut turn: impl FnMut(&mut IpcServer<Command, K, N, M>, &mut Daemon),
    client: impl FnOnce() + Send,
) {
    thread::scope(|scope| {
        let client = scope.spawn(client);
        while !client.is_finished() {
            server.wait(Some(Duration::from_millis(1))).unwrap();
            server.serve_with_tickets(daemon).unwrap();
            turn(server, daemon);
        }
        client.join().unwrap();
    });
    settle(server, daemon);
}

#[test]
fn a_client_iterates_over_the_responses_to_one_command() {
    for keep_open in [false, true] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let (mut server, mut daemon) = (server!(path, keep_open(keep_open)), Daemon::default());
        let mut sent = 0;
        let turn = |server: &mut IpcServer<Command>, daemon: &mut Daemon| {
            let Some((_, ticket)) = daemon.kept.last().copied().filter(|(_, ticket)| server.is_waiting(*ticket)) else {
                sent = 0;
                return;
            };
            sent += 1;
            let outcome = match sent {
                1..=5 => server.send(ticket, &number(sent)),
                6 => server.end(ticket, "that was all"),
                _ => Ok(()),
            };
            assert!(matches!(outcome, Ok(()) | Err(ReplyError::Left)), "{outcome:?}");
        };
        serve_while(&mut server, &mut daemon, turn, || {
            let mut client = Client::connect(path.as_str()).unwrap();
            for round in 0..20 {
                // To the end.
                let mut numbers = client.stream(&Command::Watch(0)).unwrap();
                let all: Vec<Text> = numbers.by_ref().map(Result::unwrap).collect();
                assert_eq!(all, (0..=5).map(number).collect::<Vec<_>>());
                assert_eq!(numbers.next(), None);
                assert_eq!(numbers.reason(), Some("that was all"));
                drop(numbers);
                assert_eq!(client.call(&Command::Now(round)), Ok(number(round)));
                // Dropped before, which leaves the client usable.
                let mut numbers = client.stream(&Command::Watch(0)).unwrap();
                assert_eq!(numbers.next(), Some(Ok(number(0))));
                drop(numbers);
                assert_eq!(client.call(&Command::Now(round)), Ok(number(round)));
                // A command that is answered once is a stream of one.
                let once: Vec<_> = client.stream(&Command::Now(7)).unwrap().collect();
                assert_eq!(once, [Ok(number(7))]);
            }
        });
        assert_eq!(server.totals().pending, 0);
        assert_eq!(server.totals().rejected, 0);
    }
}

#[test]
fn a_call_of_a_command_with_several_answers_is_a_clear_error() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    serve_while(
        &mut server,
        &mut daemon,
        |_, _| {},
        || {
            assert_eq!(ipc_server::call(&Command::Watch(1), path.as_str()), Err(CallError::MoreFollow));
            let mut client = Client::connect(path.as_str()).unwrap();
            match client.call(&Command::Decline) {
                Err(CallError::Refusal(refusal)) => {
                    assert_eq!((refusal.reason(), refusal.text()), (Reason::Declined, "it is night"));
                }
                other => panic!("{other:?}"),
            }
        },
    );
    assert_eq!(daemon.departed, [daemon.ticket(1)]);
}

#[test]
fn a_stream_has_a_timeout_for_each_response_or_none_and_can_be_polled() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    serve_while(
        &mut server,
        &mut daemon,
        |_, _| {},
        || {
            let mut client = Client::builder().deadline(Duration::from_secs(5)).connect(path.as_str()).unwrap();
            let mut responses = client.stream(&Command::Watch(1)).unwrap().timeout(Some(Duration::from_millis(50)));
            assert_eq!(responses.next(), Some(Ok(number(1))));
            assert_eq!(responses.next(), Some(Err(CallError::TimedOut)));
            assert_eq!(responses.next(), None);
            drop(responses);
            let mut responses = client.stream(&Command::Watch(2)).unwrap();
            let deadline = Instant::now() + Duration::from_secs(5);
            let first = loop {
                assert!(Instant::now() < deadline);
                if let Poll::Ready(first) = responses.poll() {
                    break first;
                }
            };
            assert_eq!(first, Some(Ok(number(2))));
            assert!(responses.descriptor().is_some() && responses.poll().is_pending());
            drop(responses);
            assert_eq!(client.call(&Command::Now(3)), Ok(number(3)));
        },
    );
    assert_eq!(daemon.departed.len(), 2);
}

#[test]
fn a_stream_on_the_bare_wire_has_one_response() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path), Daemon::default());
    let turn = |server: &mut IpcServer<Command>, daemon: &mut Daemon| {
        if let Some((of, ticket)) = daemon.kept.pop() {
            server.reply(ticket, &number(of)).unwrap();
        }
    };
    serve_while(&mut server, &mut daemon, turn, || {
        let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
        let all: Vec<_> = client.stream(&Command::Later(4)).unwrap().collect();
        assert_eq!(all, [Ok(number(4))]);
    });
}

/// A later version of the commands, whose responses have got another variant.
#[derive(Serialize, Deserialize, Debug)]
enum Newer {
    Watch(u32),
    Other,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum NewerText {
    Other,
    Text(String),
    Number(u32),
}

impl Request for Newer {
    type Response = NewerText;
}

#[test]
fn a_stream_of_another_version_is_read_by_name() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (mut server, mut daemon) = (server!(path, keep_open(true)), Daemon::default());
    let turn = |server: &mut IpcServer<Command>, daemon: &mut Daemon| {
        if let Some((of, ticket)) = daemon.kept.pop() {
            server.send(ticket, &number(of + 1)).unwrap();
            server.reply(ticket, &number(of + 2)).unwrap();
        }
    };
    serve_while(&mut server, &mut daemon, turn, || {
        let mut client = Client::connect(path.as_str()).unwrap();
        let all: Vec<_> = client.stream(&Newer::Watch(4)).unwrap().collect();
        assert_eq!(all, [4, 5, 6].map(|of| Ok(NewerText::Number(of))));
        assert!(matches!(client.stream(&Newer::Other), Err(CallError::NotCarried { .. })));
    });
}

/// What happens next in the model.
#[derive(Clone, Debug)]
enum Step {
    Connect,
    Ask {
        client: usize,
        keep: bool,
    },
    Cancel(usize),
    Leave(usize),
    Serve,
    /// Answers the ticket that was given so many before the last, stale or not.
    Reply(usize),
    Send(usize),
    End(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Connect),
        4 => (0..4_usize, any::<bool>()).prop_map(|(client, keep)| Step::Ask { client, keep }),
        1 => (0..4_usize).prop_map(Step::Cancel),
        2 => (0..4_usize).prop_map(Step::Leave),
        4 => Just(Step::Serve),
        3 => (0..6_usize).prop_map(Step::Reply),
        3 => (0..6_usize).prop_map(Step::Send),
        1 => (0..6_usize).prop_map(Step::End),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(crate::cases::cases(400))]

    #[test]
    fn no_ticket_reaches_another_commands_client(steps in steps()) {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let (mut server, mut daemon) = (server!(path, connections::<4>(), keep_open(true)), Daemon::default());
        // Each command has a number of its own, which every answer to it repeats, and which is its id.
        let mut clients: Vec<Option<(Raw, Vec<u32>)>> = (0..4).map(|_| None).collect();
        let mut next = 1;
        let mut ended: Vec<Ticket> = Vec::new();
        for step in steps {
            match step {
                Step::Connect => {
                    if let Some(free) = clients.iter_mut().find(|client| client.is_none()) {
                        *free = Some((Raw::connect(&path), Vec::new()));
                    }
                }
                Step::Ask { client, keep } => {
                    if let Some((client, asked)) = &mut clients[client] {
                        client.ask(next, &if keep { Command::Later(next) } else { Command::Now(next) });
                        asked.push(next);
                        next += 1;
                    }
                }
                Step::Cancel(client) => {
                    if let Some((client, asked)) = &mut clients[client] {
                        client.cancel(asked.last().copied().unwrap_or_default());
                    }
                }
                Step::Leave(client) => clients[client] = None,
                Step::Serve => {
                    settle(&mut server, &mut daemon);
                }
                Step::Reply(back) | Step::Send(back) | Step::End(back) => {
                    let Some(index) = daemon.kept.len().checked_sub(back + 1) else { continue };
                    let (of, ticket) = daemon.kept[index];
                    let is_over = ended.contains(&ticket) || daemon.departed.contains(&ticket);
                    prop_assert_eq!(server.is_waiting(ticket), !is_over);
                    let outcome = match step {
                        Step::Reply(_) => server.reply(ticket, &number(of)),
                        Step::Send(_) => server.send(ticket, &number(of)),
                        _ => server.end(ticket, &of.to_string()),
                    };
                    match outcome {
                        Ok(()) if matches!(step, Step::Send(_)) => prop_assert!(!is_over),
                        Ok(()) | Err(ReplyError::Left) => {
                            prop_assert!(!is_over);
                            ended.push(ticket);
                        }
                        Err(error) => {
                            prop_assert_eq!(error, ReplyError::Stale);
                            prop_assert!(is_over);
                        }
                    }
                }
            }
            for (client, asked) in clients.iter_mut().flatten() {
                for frame in client.frames().0 {
                    match frame {
                        Frame::Response(id, answer) | Frame::Item(id, answer) => {
                            prop_assert_eq!(answer, number(id));
                            prop_assert!(asked.contains(&id));
                        }
                        Frame::Refusal(id, 14, true, reason) => {
                            prop_assert_eq!(reason, id.to_string());
                            prop_assert!(asked.contains(&id));
                        }
                        Frame::Refusal(..) => {}
                    }
                }
            }
        }
        // Everybody leaves: each that was kept has got its last answer or has departed, once.
        clients.clear();
        settle(&mut server, &mut daemon);
        let mut over: Vec<Ticket> = daemon.departed.iter().chain(&ended).copied().collect();
        over.sort();
        let mut kept: Vec<Ticket> = daemon.kept.iter().map(|(_, ticket)| *ticket).collect();
        kept.sort();
        prop_assert_eq!(over, kept);
        prop_assert_eq!(server.totals().pending, 0);
    }
}
