//! Clients that send many commands without waiting: a call stays bounded, everybody gets on, and nothing that has arrived is
//! lost, whether the server goes on, fails or ends.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Scratch, assert_silent, connect, connect_and_send, is_readable, until_closed};
use ipc_server::codec::Bincode;
use ipc_server::wire::Both;
use ipc_server::{IpcServer, IpcServerCommand, ServerBuffers};
use serde::{Deserialize, Serialize, Serializer};

/// More than any of it takes.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    /// From whom.
    Count(u8),
    Panic,
    /// Asks for a response that no codec encodes.
    Refuse,
    /// Asks for a response that is longer than any capacity here.
    Long,
}

#[derive(Deserialize, Debug)]
enum Answer {
    Counted(u8),
    Refused,
    Long,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Counted(number) => serializer.serialize_u8(*number),
            Self::Refused => Err(serde::ser::Error::custom("refused")),
            Self::Long => "x".repeat(100_000).serialize(serializer),
        }
    }
}

/// Its commands take longer to execute than to send.
const SLOW: u8 = 7;

/// How many commands each client has had executed.
type Counts = [usize; 8];

impl IpcServerCommand for Command {
    type Response = Answer;
    type Context<'a> = &'a mut Counts;

    fn process(self, counts: &mut Self::Context<'_>) -> Answer {
        match self {
            Self::Count(who) => {
                if who == SLOW {
                    thread::sleep(Duration::from_millis(1));
                }
                counts[usize::from(who)] += 1;
                Answer::Counted(who)
            }
            // Without the message on the standard error.
            Self::Panic => std::panic::resume_unwind(Box::new("as told")),
            Self::Refuse => Answer::Refused,
            Self::Long => Answer::Long,
        }
    }
}

fn count(who: u8) -> [u8; 5] {
    [0, 0, 0, 0, who]
}

const PANIC: [u8; 4] = [1, 0, 0, 0];
const REFUSE: [u8; 4] = [2, 0, 0, 0];
const LONG: [u8; 4] = [3, 0, 0, 0];

type Server<const N: usize, const M: usize> = IpcServer<Command, Both<Bincode>, N, M, Box<ServerBuffers<N, M>>>;

fn server<const N: usize, const M: usize>(path: &str, work_per_call: Option<usize>) -> Server<N, M> {
    let builder = IpcServer::<Command>::builder().buffers(buffers()).keep_open(true);
    match work_per_call {
        Some(commands) => builder.work_per_call(commands),
        None => builder,
    }
    .bind(path)
    .unwrap()
}

/// Made on a large stack: unless the compiler optimizes, that is where they are before they are in the box.
fn buffers<const N: usize, const M: usize>() -> Box<ServerBuffers<N, M>> {
    let big = thread::Builder::new().stack_size(64 << 20);
    big.spawn(|| Box::new(ServerBuffers::new())).unwrap().join().unwrap()
}

/// What is there to read now.
fn read_now(client: &mut UnixStream) -> Vec<u8> {
    client.set_nonblocking(true).unwrap();
    let mut bytes = Vec::new();
    let end = client.read_to_end(&mut bytes);
    client.set_nonblocking(false).unwrap();
    assert!(end.is_ok() || end.unwrap_err().kind() == ErrorKind::WouldBlock);
    bytes
}

/// Seven clients send as fast as the server reads. A call is over when it has done its work, whatever comes meanwhile.
fn stream<const N: usize>(commands: usize) {
    const WORK: usize = 2048;
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = server::<N, 8>(&path, None);
    let mut counts = Counts::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..7)
            .map(|who| {
                let client = connect(&path);
                let mut sender = client.try_clone().unwrap();
                scope.spawn(move || {
                    let batch = count(who).repeat(1000);
                    for _ in 0..commands / 1000 {
                        sender.write_all(&batch).unwrap();
                    }
                    sender.shutdown(Shutdown::Write).unwrap();
                });
                let mut receiver = client;
                scope.spawn(move || assert_eq!(until_closed(&mut receiver), vec![who; commands]))
            })
            .collect();
        let (mut calls, mut longest) = (0, 0);
        while !clients.iter().all(thread::ScopedJoinHandle::is_finished) {
            server.wait(Some(Duration::from_millis(10))).unwrap();
            let before = counts;
            let handled = server.handle_new_messages(&mut counts).unwrap();
            let executed: Vec<_> = counts.iter().zip(before).map(|(now, before)| now - before).collect();
            longest = longest.max(executed.iter().sum());
            assert_eq!(handled.served, executed.iter().sum::<usize>());
            calls += 1;
        }
        assert!(longest <= WORK, "{longest} commands in one call");
        assert!(calls >= 7 * commands / WORK, "{calls} calls");
    });
    assert_eq!(counts[..7], [commands; 7]);
}

#[test]
fn a_call_is_bounded_in_commands_while_clients_stream() {
    stream::<1024>(40_000);
    stream::<65_536>(40_000);
}

/// Of two that have plenty each, none waits for the other's last command.
#[test]
fn connections_share_the_work_of_a_call_equally() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = server::<65_536, 8>(&path, Some(140));
    let mut counts = Counts::default();
    let mut clients: Vec<_> = (0..7).map(|who| connect_and_send(&path, &count(who))).collect();
    while is_readable(&server) {
        server.handle_new_messages(&mut counts).unwrap();
    }
    assert_eq!(counts[..7], [1; 7]);
    for (who, client) in (0..).zip(&mut clients) {
        client.write_all(&count(who).repeat(100)).unwrap();
    }
    for calls in 1..=5 {
        assert!(is_readable(&server), "the rest waits");
        assert_eq!(server.handle_new_messages(&mut counts).unwrap().served, 140);
        assert_eq!(counts[..7], [1 + 20 * calls; 7]);
    }
    assert!(!is_readable(&server));
    for (who, client) in (0..).zip(&mut clients) {
        assert_eq!(read_now(client), vec![who; 101]);
    }
}

/// One by one so many replies would not fit the socket: each would be charged with some hundred bytes.
#[test]
fn replies_leave_together_at_a_capacity_of_64_kib() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = server::<65_536, 2>(&path, None);
    let mut counts = Counts::default();
    let mut client = connect_and_send(&path, &count(1).repeat(2000));
    assert_eq!(server.handle_new_messages(&mut counts).unwrap().served, 2000);
    assert_eq!(read_now(&mut client), [1; 2000]);
}

#[test]
fn a_response_that_cannot_be_encoded_costs_no_reply_before_it() {
    for failing in [REFUSE, LONG] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let mut server = server::<1024, 2>(&path, None);
        let mut client = connect_and_send(&path, &[&count(1).repeat(3)[..], &failing[..]].concat());
        let handled = server.handle_new_messages(&mut Counts::default()).unwrap();
        assert_eq!((handled.served, handled.failed, handled.pending), (3, 1, 0));
        assert_eq!(until_closed(&mut client), [1; 3]);
    }
}

#[test]
fn a_handler_that_panics_costs_no_reply_before_it() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = server::<1024, 2>(&path, None);
    let mut client = connect_and_send(&path, &[&count(1).repeat(3)[..], &PANIC[..]].concat());
    let mut counts = Counts::default();
    let call = AssertUnwindSafe(|| server.handle_new_messages(&mut counts).unwrap());
    assert!(catch_unwind(call).is_err());
    assert_eq!(server.totals().served, 3);
    assert_eq!(until_closed(&mut client), [1; 3]);
}

#[test]
fn shutdown_answers_what_lies_in_a_kept_connection() {
    for work in [1, 2, 3, 2048] {
        // Before and after the server has read it.
        for calls in [0, 1] {
            let scratch = Scratch::new();
            let path = scratch.path("s");
            let mut server = server::<1024, 8>(&path, Some(work));
            let mut counts = Counts::default();
            let mut client = connect_and_send(&path, &count(5).repeat(3));
            for _ in 0..calls {
                server.handle_new_messages(&mut counts).unwrap();
            }
            let before = server.totals().served;
            let last = server.shutdown(&mut counts, LIMIT).unwrap();
            assert_eq!((before + last.served, last.pending), (3, 0), "{work} commands a call, {calls} calls before");
            assert_eq!(until_closed(&mut client), [5; 3]);
        }
    }
}

#[test]
fn shutdown_answers_what_lies_in_the_sockets_of_kept_connections() {
    for work in [1, 3, 16, 17, 2048] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let mut server = server::<1024, 16>(&path, Some(work));
        let mut counts = Counts::default();
        let mut clients: Vec<_> = (0..16).map(|_| connect_and_send(&path, &count(1))).collect();
        while is_readable(&server) {
            server.handle_new_messages(&mut counts).unwrap();
        }
        clients.iter_mut().for_each(|client| {
            assert_eq!(read_now(client), [1]);
            client.write_all(&count(2)).unwrap();
        });
        let last = server.shutdown(&mut counts, LIMIT).unwrap();
        assert_eq!((last.served, last.pending), (16, 0), "{work} commands a call");
        clients.iter_mut().for_each(|client| assert_eq!(until_closed(client), [2]));
    }
}

/// Writes batches as long as the server takes them; how many bytes it took, and what came back.
fn pipeline_until_stopped(path: &str, batch: &[u8]) -> (usize, usize) {
    let client = connect(path);
    let mut sender = client.try_clone().unwrap();
    let mut receiver = client;
    thread::scope(|scope| {
        let received = scope.spawn(move || until_closed(&mut receiver).len());
        let mut sent = 0;
        'sending: loop {
            let mut rest = batch;
            while !rest.is_empty() {
                match sender.write(rest) {
                    Ok(length) => {
                        sent += length;
                        rest = &rest[length..];
                    }
                    Err(error) => {
                        assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
                        break 'sending;
                    }
                }
            }
        }
        (sent, received.join().unwrap())
    })
}

#[test]
fn shutdown_ends_a_client_that_streams_for_ever_and_answers_all_of_it() {
    // A client of slow commands is never between two of them.
    for (work, who, batch) in [(1, 1, 10), (2048, 1, 10), (2048, SLOW, 1)] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let mut server = server::<1024, 8>(&path, Some(work));
        let mut counts = Counts::default();
        let limit = Duration::from_secs(4);
        let client = thread::spawn(move || pipeline_until_stopped(&path, &count(who).repeat(batch)));
        let who = usize::from(who);
        while counts[who] < 100 {
            server.wait(Some(LIMIT)).unwrap();
            server.handle_new_messages(&mut counts).unwrap();
        }
        let start = Instant::now();
        let last = server.shutdown(&mut counts, limit).unwrap();
        assert_eq!(last.pending, 0);
        assert!(start.elapsed() < limit);
        let (sent, received) = client.join().unwrap();
        assert_eq!((sent / 5, received), (counts[who], counts[who]));
    }
}

/// Servers succeed each other under clients that pipeline: what one has taken it answers, the rest goes to the next.
#[test]
fn a_hot_restart_answers_what_each_server_has_taken() {
    const CLIENTS: usize = 4;
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut current = server::<1024, 8>(&path, Some(7));
    let mut counts = Counts::default();
    let enough = AtomicBool::new(false);
    let batches = AtomicUsize::new(0);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|who| {
                let (path, enough, batches) = (&path, &enough, &batches);
                scope.spawn(move || {
                    let who = u8::try_from(who).unwrap();
                    let mut client = connect(path);
                    while !enough.load(Ordering::Relaxed) {
                        // In one piece, so that all of it or nothing is sent.
                        match client.write(&count(who).repeat(3)) {
                            Ok(length) => assert_eq!(length, 15),
                            Err(error) => {
                                assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                                client = connect(path);
                                continue;
                            }
                        }
                        let mut replies = [0; 3];
                        client.read_exact(&mut replies).expect("what was sent is answered");
                        assert_eq!(replies, [who; 3]);
                        batches.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for generation in 1..=50 {
            let target = batches.load(Ordering::Relaxed) + 20;
            let end = Instant::now() + LIMIT;
            while batches.load(Ordering::Relaxed) < target {
                assert!(Instant::now() < end, "generation {generation} gets nothing done");
                current.wait(Some(Duration::from_millis(1))).unwrap();
                current.handle_new_messages(&mut counts).unwrap();
            }
            let socket = current.hand_over().unwrap();
            let successor = IpcServer::<Command>::builder().buffers(buffers()).keep_open(true).work_per_call(7);
            let successor = successor.adopt(socket).unwrap();
            assert_eq!(current.shutdown(&mut counts, LIMIT).unwrap().pending, 0);
            current = successor;
        }
        enough.store(true, Ordering::Relaxed);
        // The backlog of an adopted socket is not served by shutdown.
        while !clients.iter().all(thread::ScopedJoinHandle::is_finished) {
            current.handle_new_messages(&mut counts).unwrap();
        }
        current.shutdown(&mut counts, LIMIT).unwrap();
    });
    assert_eq!(counts.iter().sum::<usize>(), 3 * batches.load(Ordering::Relaxed));
}

/// A last look before eviction finds the rest of a command whose first bytes lie in the buffers behind others.
#[test]
fn who_has_more_in_its_socket_is_not_evicted_for_what_lies_in_its_buffers() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = server::<1024, 1>(&path, Some(1));
    let mut counts = Counts::default();
    let mut client = connect_and_send(&path, &[&count(1)[..], &count(2)[..3]].concat());
    assert_eq!(server.handle_new_messages(&mut counts).unwrap().served, 1);
    client.write_all(&count(2)[3..]).unwrap();
    let mut silent = connect(&path);
    while is_readable(&server) {
        server.handle_new_messages(&mut counts).unwrap();
    }
    assert_eq!(read_now(&mut client), [1, 2]);
    assert_silent(&mut silent);
}
