//! What a server does where a buffer, a deadline or a share of the work ends.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Scratch, connect, connect_and_send};
use ipc_server::codec::{Bincode, Codec, DecodeError, EncodeError, PrefixError};
use ipc_server::{Caller, IpcServer, Request, ServerBuffers};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Command {
    Text(String),
    Letters(Vec<char>),
}

impl Request for Command {
    type Response = u8;
}

fn answer(_: Command, _: Caller) -> u8 {
    7
}

/// Counts how many times the start of a message is decoded.
struct Counting;

static DECODED: AtomicUsize = AtomicUsize::new(0);

impl Codec for Counting {
    const NAME: &'static str = "counting";

    fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
        Bincode::encode(value, into)
    }

    fn decode<'de, T: Deserialize<'de>>(from: &'de [u8]) -> Result<(T, usize), DecodeError> {
        Bincode::decode(from)
    }

    fn decode_prefix<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), PrefixError> {
        DECODED.fetch_add(1, Ordering::Relaxed);
        Bincode::decode_prefix(from, capacity)
    }
}

#[test]
fn a_command_in_single_bytes_is_not_decoded_at_each_of_them() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().codec::<Counting>().bind(&path).unwrap();
    let mut client = connect(&path);
    for byte in bincode::serialize(&Command::Text("x".repeat(500))).unwrap() {
        client.write_all(&[byte]).unwrap();
        server.serve(&mut answer).unwrap();
    }
    let mut reply = Vec::new();
    client.read_to_end(&mut reply).unwrap();
    assert_eq!(reply, [7]);
    let decoded = DECODED.load(Ordering::Relaxed);
    assert!(decoded < 20, "decoded {decoded} times");
}

#[test]
fn what_is_hopeless_is_said_to_be_at_the_deadline_though_bytes_seem_to_be_missing() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().deadline(Duration::from_millis(50)).bind(&path).unwrap();
    // Four letters, of which one has come.
    let mut client = connect_and_send(&path, b"\x01\0\0\0\x04\0\0\0\0\0\0\0a");
    assert_eq!(server.serve(&mut answer).unwrap().pending, 1);
    client.write_all(b"\xff").unwrap();
    assert_eq!(server.serve(&mut answer).unwrap().rejected, 0);

    assert!(server.wait(None).unwrap());
    let handled = server.serve(&mut answer).unwrap();
    assert_eq!((handled.rejected, handled.expired), (1, 0));
}

#[test]
fn a_connection_is_idle_after_commands_whose_replies_left_one_by_one() {
    // So large that a socket is never sure to have room for two replies.
    const CAPACITY: usize = 128 * 1024;

    let scratch = Scratch::new();
    let path = scratch.path("s");
    let buffers = Box::new(ServerBuffers::<CAPACITY, 1>::new());
    let mut server = IpcServer::<Command>::builder().keep_open(true).buffers(buffers).bind(&path).unwrap();
    let command = bincode::serialize(&Command::Text("x".into())).unwrap();
    let mut client = connect_and_send(&path, &command.repeat(2));
    let handled = server.serve(&mut answer).unwrap();
    assert_eq!((handled.served, handled.pending, server.next_deadline()), (2, 1, None));
    let mut replies = [0; 2];
    client.read_exact(&mut replies).unwrap();
    assert_eq!(replies, [7; 2]);
}

#[test]
fn a_newcomer_that_another_process_has_accepted_meanwhile_is_no_error() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    let socket = listener.try_clone().unwrap().into();
    let mut server = IpcServer::<Command>::builder().keep_open(true).adopt(socket).unwrap();
    let command = bincode::serialize(&Command::Text("x".into())).unwrap();
    let mut kept = connect_and_send(&path, &command);
    assert_eq!(server.serve(&mut answer).unwrap().served, 1);

    // Both are ready when the call begins, and the handler is faster than the server.
    kept.write_all(&command).unwrap();
    let _newcomer = connect(&path);
    let mut accepted = None;
    let handled = server.serve(&mut |_, _: Caller| {
        accepted = Some(listener.accept().unwrap());
        7
    });
    let handled = handled.expect("nothing is broken");
    assert!(accepted.is_some());
    assert_eq!((handled.served, handled.pending), (1, 1));
}

#[test]
fn who_connects_while_a_call_serves_others_waits_for_the_next_call() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let command = bincode::serialize(&Command::Text("x".into())).unwrap();
    let mut kept = [connect_and_send(&path, &command), connect_and_send(&path, &command)];
    assert_eq!(server.serve(&mut answer).unwrap().served, 2);

    for client in &mut kept {
        client.write_all(&command).unwrap();
    }
    let mut newcomers = Vec::new();
    let handled = server.serve(&mut |_, _: Caller| {
        newcomers.push(connect_and_send(&path, &command));
        7
    });
    assert_eq!((handled.unwrap().served, newcomers.len()), (2, 2));
    assert_eq!(server.serve(&mut answer).unwrap().served, 2);
}

/// How long this thread has run on a processor, where the kernel counts it.
fn time_on_a_processor() -> Option<Duration> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedstat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[test]
fn a_server_that_spins_sleeps_after_a_call_that_served_nobody() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let spin = Duration::from_secs(10);
    let mut server = IpcServer::<Command>::builder().spin(spin).bind(&path).unwrap();
    assert_eq!(server.serve(&mut answer).unwrap().served, 0);
    let Some(before) = time_on_a_processor() else { return };
    assert!(!server.wait(Some(Duration::from_millis(300))).unwrap());
    let used = time_on_a_processor().unwrap() - before;
    assert!(used < Duration::from_millis(15), "{used:?}");
}

#[test]
fn what_is_hopeless_behind_a_command_is_found_when_its_bytes_have_doubled() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut sent = bincode::serialize(&Command::Text("x".repeat(100))).unwrap();
    // Of forty letters one has come, in 13 bytes.
    sent.extend(b"\x01\0\0\0\x28\0\0\0\0\0\0\0a");
    let mut client = connect_and_send(&path, &sent);
    assert_eq!(server.serve(&mut answer).unwrap().served, 1);
    client.write_all(b"\xffbcdefghijkl").unwrap();
    assert_eq!(server.serve(&mut answer).unwrap().rejected, 0);
    client.write_all(b"m").unwrap();
    assert_eq!(server.serve(&mut answer).unwrap().rejected, 1);
}
