//! What one client sent is not in the buffers that the next one uses.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use crate::support::{Command, Response, Scratch, connect_and_send, response, until_closed};
use ipc_server::codec::Bincode;
use ipc_server::wire::Both;
use ipc_server::{IpcServer, IpcServerCommand};
use serde::{Deserialize, Serialize, Serializer};

const SECRET: &str = "correct horse battery staple";

/// Whether the secret is anywhere in the server, which owns all of its memory.
fn holds_secret<C, const M: usize>(server: &IpcServer<C, Both<Bincode>, 1024, M>) -> bool {
    let mut memory = vec![0; size_of_val(server)];
    let address = std::ptr::from_ref(server).addr() as u64;
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut memory, address).unwrap();
    memory.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

#[test]
fn a_command_is_cleared_before_its_buffers_are_used_for_another_peer() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<1>().bind(&path).unwrap();
    let mut stack = Vec::new();
    let secret = Command::Print { payload: format!("{SECRET}!") }.bytes();

    for parked in [false, true] {
        let mut client = connect_and_send(&path, &secret[..secret.len() - 1]);
        if parked {
            server.handle_new_messages(&mut stack).unwrap();
            assert!(holds_secret(&server), "the test can't see it");
        }
        client.write_all(&secret[secret.len() - 1..]).unwrap();
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
        assert_eq!(response(&mut client), Response::PrintAck);

        // The server has two pairs of buffers. After these two peers both have changed hands.
        let short = Command::Push { x: 1 }.bytes();
        let mut other = connect_and_send(&path, &short[..3]);
        server.handle_new_messages(&mut stack).unwrap();
        let mut another = connect_and_send(&path, &short);
        server.handle_new_messages(&mut stack).unwrap();
        assert!(!holds_secret(&server), "parked: {parked}");
        other.write_all(&short[3..]).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
        assert_eq!(response(&mut other), Response::Push { x: 1 });
        assert_eq!(response(&mut another), Response::Push { x: 1 });
    }
}

/// Answers with what it was sent; a longer text with more than any codec encodes.
#[derive(Serialize, Deserialize, Debug)]
struct Echo(String);

#[derive(Deserialize, Debug)]
struct Echoed(String);

impl Serialize for Echoed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rest = if self.0.len() > 1 { Err("too much") } else { Ok(()) };
        // The text is written before it turns out that the rest can't be.
        serializer.collect_seq([(&self.0, Rest(rest))])
    }
}

struct Rest(Result<(), &'static str>);

impl Serialize for Rest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(()) => serializer.serialize_u8(1),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

impl IpcServerCommand for Echo {
    type Response = Echoed;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> Echoed {
        Echoed(self.0)
    }
}

#[test]
fn what_a_response_that_failed_has_quoted_is_cleared() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Echo>::builder().connections::<1>().bind(&path).unwrap();
    let bytes = |text: &str| bincode::serialize(text).unwrap();
    let mut client = connect_and_send(&path, &bytes(SECRET));
    assert_eq!(server.handle_new_messages(()).unwrap().failed, 1);
    assert_eq!(until_closed(&mut client), b"");
    assert!(holds_secret(&server), "the command is there until its buffers are used again");

    // The server has two pairs of buffers. After these two peers both have changed hands.
    let waiting = connect_and_send(&path, &bytes("x")[..3]);
    server.handle_new_messages(()).unwrap();
    let mut another = connect_and_send(&path, &bytes("x"));
    assert_eq!(server.handle_new_messages(()).unwrap().served, 1);
    assert_eq!(until_closed(&mut another), b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0x\x01");
    assert!(!holds_secret(&server));
    drop(waiting);
}
