//! Peers that break the rules of sessions, over a real socket: nothing is executed that was not meant, nobody waits for ever, and
//! where there is something to say it is said.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use ipc_server::codec::Bincode;
use ipc_server::layout;
use ipc_server::wire::ServerWire;
use ipc_server::wire::session::{Fingerprints, PREFACE, Reason};
use ipc_server::{CallError, Caller, Client, IpcServer, Request};
use serde::{Deserialize, Serialize};

use crate::support::{Scratch, connect, until_closed};

#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
enum Command {
    GetLevel,
    SetLevel(u8),
    Name(String),
}

impl Request for Command {
    type Response = u8;
}

fn fingerprints() -> Vec<u8> {
    let Fingerprints { command, response } = Fingerprints::of::<Command, Bincode>().unwrap();
    [command.to_u64().to_le_bytes(), response.to_u64().to_le_bytes()].concat()
}

/// A client's hello of these fingerprints.
fn hello(fingerprints: &[u8]) -> Vec<u8> {
    [&PREFACE[..], b"\x01\0\x14\0\0\x04\0\0", fingerprints].concat()
}

fn frame(kind: u8, id: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    bytes[3] = kind;
    bytes.extend(id.to_le_bytes());
    bytes.extend(content);
    bytes
}

fn refusal(id: u32, code: u8, number: u32) -> Vec<u8> {
    let number = number.to_le_bytes();
    frame(0x83, id, &[code, 0, 0, 0, number[0], number[1], number[2], number[3]])
}

fn set_level(id: u32, level: u8) -> Vec<u8> {
    frame(1, id, &[1, 0, 0, 0, level])
}

/// A server's hello of these fingerprints, which is called `d`.
fn server_hello(fingerprints: &[u8]) -> Vec<u8> {
    frame(0x80, 0, &[b"\x01\0\0\0\xf8\x03\0\0", fingerprints, b"d"].concat())
}

/// What a client gets that sends `sent` and no more, and what is executed.
#[track_caller]
fn served<K: ServerWire>(server: &mut IpcServer<Command, K>, path: &str, sent: &[u8]) -> (Vec<u8>, Vec<Command>) {
    let mut executed = Vec::new();
    let received = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut client = connect(path);
            // The server may have closed before it is all out.
            let _ = client.write_all(sent);
            let _ = client.shutdown(Shutdown::Write);
            until_closed(&mut client)
        });
        while !client.is_finished() || server.wait(Some(Duration::ZERO)).unwrap() {
            server.wait(Some(Duration::from_millis(10))).unwrap();
            server
                .serve(&mut |command: Command, _: Caller| {
                    let level = if let Command::SetLevel(level) = command { level } else { 0 };
                    executed.push(command);
                    level
                })
                .unwrap();
        }
        client.join().unwrap()
    });
    (received, executed)
}

macro_rules! server {
    ($scratch:ident, $path:ident, $server:ident $(, $setting:ident)?) => {
        let $scratch = Scratch::new();
        let $path = $scratch.path("s");
        let mut $server =
            IpcServer::<Command>::builder()$(.$setting())?.program("d").keep_open(true).bind($path.as_str()).unwrap();
    };
}

#[test]
fn a_hello_or_a_frame_that_is_cut_executes_nothing() {
    server!(scratch, path, server);
    let sent = [hello(&fingerprints()), set_level(1, 7)].concat();
    for cut in 0..sent.len() {
        let (received, executed) = served(&mut server, &path, &sent[..cut]);
        assert_eq!(executed, [], "cut at {cut}");
        let expected = if cut < 32 { Vec::new() } else { server_hello(&fingerprints()) };
        assert_eq!(received, expected, "cut at {cut}");
    }
    let expected = ([server_hello(&fingerprints()), frame(0x81, 1, &[7])].concat(), vec![Command::SetLevel(7)]);
    assert_eq!(served(&mut server, &path, &sent), expected);
}

#[test]
fn a_hello_that_lies_about_its_length_or_version_executes_nothing() {
    server!(scratch, path, server);
    let sent = [hello(&fingerprints()), set_level(1, 7)].concat();
    let with = |at: usize, bytes: &[u8]| {
        let mut sent = sent.clone();
        sent[at..at + bytes.len()].copy_from_slice(bytes);
        sent
    };
    for short in 0..20 {
        assert_eq!(served(&mut server, &path, &with(10, &[short, 0])), (vec![], vec![]), "{short} bytes follow");
    }
    assert_eq!(served(&mut server, &path, &with(10, &[0xff, 0xff])), (refusal(0, 3, 1016), vec![]));
    assert_eq!(served(&mut server, &path, &with(8, &[2])), (refusal(0, 12, 1), vec![]));
    // Flags are for later versions.
    let (_, executed) = served(&mut server, &path, &with(9, &[0xff]));
    assert_eq!(executed, [Command::SetLevel(7)]);
    // The longer hello swallows the command.
    let (received, executed) = served(&mut server, &path, &with(10, &[20 + 13, 0]));
    assert_eq!((received, executed), (server_hello(&fingerprints()), vec![]));
}

#[test]
fn a_hello_of_other_fingerprints_executes_nothing() {
    server!(scratch, path, server);
    let ours = fingerprints();
    let zeros = [0; 16];
    let only_the_command = [&ours[..8], &zeros[8..]].concat();
    let only_the_response = [&zeros[..8], &ours[8..]].concat();
    let swapped = [&ours[8..], &ours[..8]].concat();
    for lie in [&zeros[..], &only_the_command, &only_the_response, &swapped] {
        let (received, executed) = served(&mut server, &path, &[hello(lie), set_level(9, 7)].concat());
        assert_eq!(executed, []);
        assert!(received.starts_with(&server_hello(&ours)));
        assert!(received.ends_with(&refusal(9, 1, 0)), "{received:x?}");
    }
}

#[test]
fn frames_that_lie_about_their_length_are_refused() {
    server!(scratch, path, server);
    let greeting = hello(&fingerprints());
    for (claimed, rest) in [(4, &[1, 0, 0, 0, 7][..]), (6, &[1, 0, 0, 0, 7, 7]), (0, &[])] {
        let mut command = frame(1, 5, rest);
        command[0] = claimed;
        let (received, executed) = served(&mut server, &path, &[greeting.clone(), command].concat());
        assert_eq!(executed, [], "{claimed} bytes");
        let answer = &received[server_hello(&fingerprints()).len()..];
        assert_eq!((&answer[3..8], answer[8], answer[9]), (&b"\x83\x05\0\0\0"[..], 2, 0), "{claimed} bytes");
    }
    for claimed in [[0xf9, 0x03, 0], [0xff, 0xff, 0xff]] {
        let mut command = set_level(5, 7);
        command[..3].copy_from_slice(&claimed);
        let (received, executed) = served(&mut server, &path, &[greeting.clone(), command].concat());
        assert_eq!(executed, []);
        assert!(received.ends_with(&refusal(5, 3, 1016)), "{received:x?}");
    }
}

#[test]
fn an_unknown_kind_is_answered_and_the_connection_lives() {
    server!(scratch, path, server);
    let mut sent = hello(&fingerprints());
    let mut expected = server_hello(&fingerprints());
    let mut levels = Vec::new();
    for kind in (0..=u8::MAX).filter(|kind| !matches!(kind, 1..=4)) {
        sent.extend(frame(kind, kind.into(), b"whatever"));
        sent.extend(set_level(1000, kind));
        expected.extend(refusal(kind.into(), 11, 0));
        expected.extend(frame(0x81, 1000, &[kind]));
        levels.push(Command::SetLevel(kind));
    }
    assert_eq!(served(&mut server, &path, &sent), (expected, levels));
}

#[test]
fn an_id_that_is_used_again_is_answered_again() {
    server!(scratch, path, server);
    let sent = [hello(&fingerprints()), set_level(3, 1), set_level(3, 2), set_level(0, 3), frame(2, 3, b"")].concat();
    let answers = [server_hello(&fingerprints()), frame(0x81, 3, &[1]), frame(0x81, 3, &[2]), frame(0x81, 0, &[3])];
    let levels = [1, 2, 3].map(Command::SetLevel).to_vec();
    assert_eq!(served(&mut server, &path, &sent), (answers.concat(), levels));
}

#[test]
fn frames_before_the_hello_are_no_commands() {
    let sent = [set_level(1, 7), hello(&fingerprints()), set_level(2, 7)].concat();
    server!(scratch, path, server);
    assert_eq!(served(&mut server, &path, &sent), (vec![], vec![]), "bare, it is no variant");
    server!(scratch, path, server, sessions);
    assert_eq!(served(&mut server, &path, &sent), (vec![], vec![]));
    assert_eq!(served(&mut server, &path, &[1, 0, 0, 0, 7]), (vec![], vec![]), "a bare command");
}

#[test]
fn garbage_and_a_second_hello_after_the_hello_are_refused() {
    server!(scratch, path, server);
    let greeting = hello(&fingerprints());
    let again = [greeting.clone(), set_level(1, 7), greeting.clone(), set_level(2, 8)].concat();
    // Its first bytes are a length, a kind and an id.
    let refused = refusal(u32::from_le_bytes(*b"\xffipc"), 3, 1016);
    let expected = [server_hello(&fingerprints()), frame(0x81, 1, &[7]), refused].concat();
    assert_eq!(served(&mut server, &path, &again), (expected, vec![Command::SetLevel(7)]));

    let mut state = 1_u32;
    for _ in 0..100 {
        let garbage: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0] | 0x80
            })
            .collect();
        let (received, executed) = served(&mut server, &path, &[greeting.clone(), garbage].concat());
        assert_eq!(executed, []);
        assert!(received.starts_with(&server_hello(&fingerprints())));
    }
}

#[test]
fn the_codec_judges_a_client_that_adopts_and_writes_in_another_form() {
    server!(scratch, path, server);
    let adopt = [hello(&[0; 16]), frame(4, 1, &fingerprints())].concat();
    // No variant 9, and a text that is not there.
    for content in [&[9, 0, 0, 0][..], &[2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, b'x']] {
        let (received, executed) = served(&mut server, &path, &[adopt.clone(), frame(1, 2, content)].concat());
        assert_eq!(executed, []);
        let refused = received.windows(9).any(|part| part[3..] == *b"\x83\x02\0\0\0\x02");
        assert!(refused, "{received:x?}");
    }
    let (received, executed) = served(&mut server, &path, &[adopt, set_level(2, 7)].concat());
    assert_eq!(executed, [Command::SetLevel(7)]);
    assert!(received.ends_with(&frame(0x81, 2, &[7])));

    let lie = [hello(&[0; 16]), frame(4, 1, &[1; 16]), set_level(2, 7), frame(4, 3, b""), set_level(4, 7)].concat();
    let (received, executed) = served(&mut server, &path, &lie);
    assert_eq!(executed, []);
    assert!(received.ends_with(&[1, 2, 3, 4].map(|id| refusal(id, 1, 0)).concat()), "{received:x?}");
}

#[test]
fn parts_of_descriptions_are_given_wherever_they_are_asked_for() {
    server!(scratch, path, server);
    let mut described = [0; 256];
    let length = layout::describe::<Command>(0, &mut described).unwrap();
    let asked = [frame(3, 1, &[0, 0, 10, 0]), frame(3, 2, &[0, 0, 0xff, 0xff]), frame(3, 3, &[0, 0])].concat();
    let (received, executed) = served(&mut server, &path, &[hello(&fingerprints()), asked].concat());
    let part = frame(0x84, 1, &[&[0, 1, 10, 0], &described[10..length]].concat());
    let expected = [server_hello(&fingerprints()), part, frame(0x84, 2, &[0, 1, 0xff, 0xff]), refusal(3, 11, 0)];
    assert_eq!((received, executed), (expected.concat(), vec![]));
}

/// What a client makes of a server that says `answer` to each connection, and then `more` again and again, until the client leaves.
#[track_caller]
fn asked(answer: &[u8], more: &[u8]) -> Result<u8, CallError> {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn({
        let (answer, more) = (answer.to_vec(), more.to_vec());
        move || {
            while let Ok((mut client, _)) = listener.accept() {
                client.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
                let mut first = [0; 256];
                let Ok(1..) = client.read(&mut first) else { return };
                if first[..8] != PREFACE {
                    return;
                }
                if client.write_all(&answer).is_err() {
                    continue;
                }
                while !more.is_empty() && client.write_all(&more).is_ok() {}
            }
        }
    });
    let mut client = Client::builder().deadline(Duration::from_millis(1500)).connect(path.as_str()).unwrap();
    let response = client.call(&Command::SetLevel(7));
    drop(client);
    // It ends the server's thread.
    UnixStream::connect(&path).unwrap().write_all(b"end").unwrap();
    server.join().unwrap();
    response
}

#[test]
fn a_response_of_another_id_is_none() {
    let greeting = server_hello(&fingerprints());
    assert_eq!(asked(&[greeting.clone(), frame(0x81, 1, &[7])].concat(), b""), Ok(7));
    let items = [greeting.clone(), frame(0x82, 1, &[8]), frame(0x81, 1, &[7])].concat();
    assert_eq!(asked(&items, b""), Err(CallError::MoreFollow));
    let others = [greeting, frame(0x81, 2, &[8]), frame(0x81, 0, &[8]), frame(0x82, 2, &[8])].concat();
    assert_eq!(asked(&others, b""), Err(CallError::Closed { received: 0 }));
    assert_eq!(asked(&[others, frame(0x81, 1, &[7])].concat(), b""), Ok(7));
}

#[test]
fn a_hello_that_comes_twice_is_the_one_that_came_last() {
    let greeting = server_hello(&fingerprints());
    let response = frame(0x81, 1, &[7]);
    assert_eq!(asked(&[greeting.clone(), greeting.clone(), response.clone()].concat(), b""), Ok(7));
    // It says that its types are others, and answers all the same.
    let other = server_hello(&[3; 16]);
    assert_eq!(asked(&[other.clone(), response.clone()].concat(), b""), Err(CallError::NotASession));
    assert_eq!(asked(&[greeting.clone(), other.clone(), response.clone()].concat(), b""), Err(CallError::NotASession));
    assert_eq!(asked(&[other, greeting, response].concat(), b""), Ok(7));
}

#[test]
fn a_server_that_sends_without_end_does_not_outlast_the_deadline() {
    let greeting = server_hello(&fingerprints());
    // Kinds of a later version, answers to somebody else.
    for frame in [frame(0x7f, 1, &[0; 100]), frame(0x81, 9, &[8]), frame(0x84, 9, b"")] {
        let flood = frame.repeat(64);
        let error = asked(&greeting, &flood).unwrap_err();
        let expected = if frame[3] == 0x84 { CallError::NotASession } else { CallError::TimedOut };
        assert_eq!(error, expected);
    }
}

#[test]
fn descriptions_that_lie_are_not_believed() {
    let other = server_hello(&[3; 16]);
    let refused = refusal(1, 1, 0);
    let part = |which: u8, is_last: u8, offset: u16, part: &[u8]| {
        let [low, high] = offset.to_le_bytes();
        frame(0x84, 0, &[&[which, is_last, low, high], part].concat())
    };
    let number = part(1, 1, 0, b"\x01\x08\0");

    // A struct that contains itself.
    let cycle = b"\x01\x25\x01\x41\x01S\0\0\0\0\x25\x01\0\x02x\0";
    let cyclic = [other.clone(), part(0, 1, 0, cycle), number.clone(), refused.clone()].concat();
    assert_eq!(asked(&cyclic, b""), Err(CallError::NotASession));
    // A description that is one, of other fingerprints than those of the hello.
    let forged = [other.clone(), part(0, 1, 0, b"\x01\x08\0"), number, refused].concat();
    assert_eq!(asked(&forged, b""), Err(CallError::OtherCodec));
    // Parts that begin elsewhere, are of nothing, out of order, or too short to be one.
    let wrong = [part(0, 0, 1, b"\x01"), part(0, 0, 0xffff, b""), part(2, 0, 0, b"\x01"), part(1, 0, 0, b"\x01")];
    for wrong in wrong.into_iter().chain([frame(0x84, 0, &[0, 0, 0])]) {
        assert_eq!(asked(&[other.clone(), wrong].concat(), b""), Err(CallError::NotASession));
    }
    // More than there is.
    let more = [other, part(0, 1, 0, b"\x01\x08\0"), part(0, 0, 3, b"\x01")].concat();
    assert_eq!(asked(&more, b""), Err(CallError::NotASession));
}

#[test]
fn a_description_of_ten_megabytes_does_not_fit() {
    let mut endless = server_hello(&[3; 16]);
    for offset in (0..10_000_000_u32).step_by(900) {
        let [low, high, ..] = offset.to_le_bytes();
        endless.extend(frame(0x84, 0, &[&[0, 0, low, high], &[1; 900][..]].concat()));
    }
    let error = asked(&endless, b"").unwrap_err();
    assert!(matches!(error, CallError::DescriptionTooLong { capacity: 1024, .. }), "{error:?}");
}

#[test]
fn a_description_that_never_ends_does_not_outlast_the_deadline() {
    let start = [server_hello(&[3; 16]), refusal(1, 1, 0)].concat();
    // Parts without a byte, none of which is the last.
    let error = asked(&start, &frame(0x84, 1, &[0, 0, 0, 0])).unwrap_err();
    assert!(matches!(error, CallError::TimedOut | CallError::NotASession), "{error:?}");
}

#[test]
fn a_refusal_is_shown_without_what_a_terminal_would_obey() {
    let text = b"\x1b[2Jevil\n";
    let hello = frame(0x80, 0, &[b"\x01\0\0\0\xf8\x03\0\0", fingerprints().as_slice(), b"d\x1b[2J"].concat());
    let refused = frame(0x83, 1, &[&[2, 0, 0, 0, 0, 0, 0, 0], &text[..]].concat());
    let error = asked(&[hello, refused].concat(), b"").unwrap_err();
    let CallError::Refusal(refusal) = &error else { panic!("{error:?}") };
    assert_eq!((refusal.reason(), refusal.was_executed()), (Reason::Malformed, false));
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    // Too short to be one.
    let short = [server_hello(&fingerprints()), frame(0x83, 1, &[2, 0, 0])].concat();
    assert_eq!(asked(&short, b""), Err(CallError::NotASession));
}
