//! A client without types: what it learns of honest servers, and what it makes of others.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use ipc_server::wire::session::{PREFACE, Reason};
use ipc_server::{CallError, Caller, Client, IpcServer, Received, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::Scratch;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Command {
    GetLevel,
    SetLevel(u8),
    Name { name: String },
}

impl Request for Command {
    type Response = Option<u64>;
}

/// Serves `commands` of them, and says what was executed.
fn serve<const N: usize>(
    mut server: IpcServer<Command, ipc_server::wire::Both<ipc_server::codec::Bincode>, N>,
    client: impl FnOnce() + Send,
) -> Vec<Command> {
    let mut executed = Vec::new();
    thread::scope(|scope| {
        let client = scope.spawn(client);
        while !client.is_finished() {
            server.wait(Some(Duration::from_millis(10))).unwrap();
            let answer = &mut |command, _: Caller| {
                executed.push(command);
                executed.len().try_into().ok().filter(|length| *length != 2)
            };
            server.serve(answer).unwrap();
        }
        client.join().unwrap();
    });
    executed
}

#[test]
fn one_connection_carries_several_commands_where_the_server_keeps_it() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = IpcServer::<Command>::builder().program("fand 1.1.0").keep_open(true).bind(path.as_str()).unwrap();
    let executed = serve(server, || {
        let mut client = Client::builder().program("ctl 1").connect_untyped(path.as_str()).unwrap();
        assert_eq!((client.server().program(), client.codec(), client.capacity()), ("fand 1.1.0", "bincode", 1016));
        assert_eq!(client.peer().pid, Some(std::process::id()));
        assert_eq!(client.commands().to_string(), "enum Command { GetLevel, SetLevel(u8), Name { name: String } }");
        assert_eq!(client.responses().to_string(), "Option<u64>");
        client.send("GetLevel").unwrap();
        assert_eq!(client.receive::<Value>(), Ok(Received::Response(json!(1))));
        client.send(&json!({ "SetLevel": 5 })).unwrap();
        assert_eq!(client.receive::<Value>(), Ok(Received::Response(Value::Null)));
        // What is no command leaves the connection as it is.
        let error = client.send(&json!({ "SetLevel": 256 })).unwrap_err();
        assert!(matches!(error, CallError::NotCarried { .. }), "{error:?}");
        client.send(&json!({ "Name": { "name": "x" } })).unwrap();
        assert_eq!(client.receive::<u8>(), Ok(Received::Response(3)));
    });
    assert_eq!(executed, [Command::GetLevel, Command::SetLevel(5), Command::Name { name: "x".into() }]);
}

#[test]
fn a_description_that_is_longer_than_the_servers_buffers_comes_in_parts() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = IpcServer::<Command>::builder().capacity::<128>().bind(path.as_str()).unwrap();
    let executed = serve(server, || {
        let mut client = Client::builder().connect_untyped(path.as_str()).unwrap();
        client.send(&json!({ "SetLevel": 5 })).unwrap();
        assert_eq!(client.receive::<Value>(), Ok(Received::Response(json!(1))));
        let mut client = Client::builder().connect_untyped(path.as_str()).unwrap();
        let error = client.send(&json!({ "Name": { "name": "x".repeat(200) } })).unwrap_err();
        assert_eq!(error, CallError::CommandTooLarge { capacity: 120 });
        let error = Client::builder().descriptions::<16>().connect_untyped(path.as_str()).unwrap_err();
        assert!(matches!(error, CallError::DescriptionTooLong { capacity: 16, .. }), "{error:?}");
    });
    assert_eq!(executed, [Command::SetLevel(5)]);
}

/// What a client makes of a server that reads its hello, sends `bytes` and ends.
fn against(bytes: &[u8]) -> CallError {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut hello = [0; 56];
            client.read_exact(&mut hello).unwrap();
            assert!(hello.starts_with(&PREFACE));
            client.write_all(bytes).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            // All that it says, so that nothing is reset.
            let _ = UnixStream::read_to_end(&mut client, &mut Vec::new());
        });
        let error = Client::builder().connect_untyped(path.as_str()).unwrap_err();
        server.join().unwrap();
        error
    })
}

/// A frame of a server.
fn frame(kind: u8, id: u32, content: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&[a, b, c, kind], &id.to_le_bytes()[..], content].concat()
}

#[test]
fn servers_that_do_not_speak_properly_are_told_apart() {
    const HELLO: [u8; 24] = [1, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];

    let hello = frame(0x80, 0, &HELLO);
    let refused = frame(0x83, 1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    let description = |which, bytes: &[u8]| frame(0x84, 0, &[&[which, 1, 0, 0], bytes].concat());
    let mut byte = [0; 16];
    let length = ipc_server::layout::describe::<u8>(0, &mut byte).unwrap();
    let (command, response) = (description(0, &byte[..length]), description(1, &byte[..length]));

    assert_eq!(against(b""), CallError::Closed { received: 0 });
    assert_eq!(against(&hello), CallError::Closed { received: 0 });
    assert_eq!(against(b"\0\0"), CallError::Closed { received: 2 });
    assert_eq!(against(b"\x02\0\0\x83\x01\0\0\0\0\0"), CallError::NotASession, "a refusal is longer");
    assert_eq!(against(b"HTTP/1.1 400 Bad Request\r\n\r\n"), CallError::NotASession);
    assert_eq!(against(&frame(0x80, 0, &HELLO[..20])), CallError::NotASession);
    assert_eq!(against(&[&hello[..], &hello].concat()), CallError::NotASession);
    // The response's before the command's, and one twice.
    assert_eq!(against(&[&hello[..], &response].concat()), CallError::NotASession);
    assert_eq!(against(&[&hello[..], &command, &command].concat()), CallError::NotASession);
    // No descriptions of types with these fingerprints, and none at all.
    assert_eq!(against(&[&hello[..], &command, &response, &refused].concat()), CallError::OtherCodec);
    let broken = description(1, &[1, 77]);
    assert_eq!(against(&[&hello[..], &command, &broken, &refused].concat()), CallError::NotASession);
    // A response that nobody has asked for.
    assert_eq!(against(&[&hello[..], &frame(0x81, 1, &[0])].concat()), CallError::Closed { received: 0 });
    let error = against(&frame(0x83, 0, &[12, 0, 0, 0, 1, 0, 0, 0]));
    let CallError::Refusal(refusal) = error else { panic!("{error:?}") };
    assert_eq!((refusal.reason(), refusal.was_executed()), (Reason::Version, false));
}
