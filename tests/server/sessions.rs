//! Sessions over a real socket: what programs of one version pay, and what those of two versions are told.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use ipc_server::wire::ServerWire;
use ipc_server::wire::session::{OfferError, Reason};
use ipc_server::{CallError, Caller, Client, Handled, Handler, IpcServer, Request};
use serde::{Deserialize, Serialize};

use crate::support::Scratch;

/// What two programs of one version exchange.
#[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
enum Command {
    GetLevel,
    SetLevel(u8),
    Name(String),
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Response {
    Level(u8),
    Name(String),
}

impl Request for Command {
    type Response = Response;
}

fn answer(command: Command, _: Caller) -> Response {
    match command {
        Command::GetLevel => Response::Level(3),
        Command::SetLevel(level) => Response::Level(level),
        Command::Name(name) => Response::Name(name),
    }
}

/// Serves while `clients` runs in a thread of its own, and says what was handled.
fn serve_while<R: Request, K: ServerWire, const N: usize, const M: usize>(
    server: &mut IpcServer<R, K, N, M>,
    handler: &mut impl Handler<R>,
    clients: impl FnOnce() + Send,
) -> Handled {
    thread::scope(|scope| {
        let clients = scope.spawn(clients);
        while !clients.is_finished() || server.wait(Some(Duration::ZERO)).unwrap() {
            server.wait(Some(Duration::from_millis(10))).unwrap();
            server.serve(handler).unwrap();
        }
        clients.join().unwrap();
    });
    *server.totals()
}

#[test]
fn programs_of_one_version_understand_each_other() {
    for keep_open in [false, true] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let mut server =
            IpcServer::<Command>::builder().program("fand 1.1.0").keep_open(keep_open).bind(path.as_str()).unwrap();
        let handled = serve_while(&mut server, &mut answer, || {
            let mut client = Client::builder().program("fanctl 1.1.0").connect(path.as_str()).unwrap();
            for level in 0..100 {
                assert_eq!(client.call(&Command::SetLevel(level)), Ok(Response::Level(level)));
            }
            let name = "x".repeat(700);
            assert_eq!(client.call(&Command::Name(name.clone())), Ok(Response::Name(name)));
            let server = client.server().unwrap();
            assert_eq!((server.program(), server.pid()), ("fand 1.1.0", Some(std::process::id())));
        });
        assert_eq!((handled.served, handled.rejected), (101, 0));
    }
}

#[test]
fn both_wires_are_served_on_one_socket() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        let mut bare = Client::builder().bare().connect(path.as_str()).unwrap();
        let mut session = Client::connect(path.as_str()).unwrap();
        for level in 0..10 {
            assert_eq!(bare.call(&Command::SetLevel(level)), Ok(Response::Level(level)));
            assert_eq!(session.call(&Command::SetLevel(level)), Ok(Response::Level(level)));
        }
    });
    assert_eq!((handled.served, handled.rejected), (20, 0));
}

#[test]
fn a_session_begins_in_any_segmentation() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().program("fand").bind(path.as_str()).unwrap();
    let fingerprints = ipc_server::wire::session::Fingerprints::of::<Command, ipc_server::codec::Bincode>().unwrap();
    let mut sent = b"\xff\xff\xff\xff\xffipc\x01\0\x14\0\0\x04\0\0".to_vec();
    sent.extend(fingerprints.command.to_u64().to_le_bytes());
    sent.extend(fingerprints.response.to_u64().to_le_bytes());
    sent.extend(b"\x05\0\0\x01\x07\0\0\0\x01\0\0\0\x05");
    let mut expected = b"\x1c\0\0\x80\0\0\0\0\x01\0\0\0\xf8\x03\0\0".to_vec();
    expected.extend(fingerprints.command.to_u64().to_le_bytes());
    expected.extend(fingerprints.response.to_u64().to_le_bytes());
    expected.extend(b"fand");
    expected.extend(b"\x05\0\0\x81\x07\0\0\0\0\0\0\0\x05");
    let handled = serve_while(&mut server, &mut answer, || {
        for cut in 0..=sent.len() {
            let mut client = UnixStream::connect(&path).unwrap();
            client.write_all(&sent[..cut]).unwrap();
            if cut % 7 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
            client.write_all(&sent[cut..]).unwrap();
            let mut received = Vec::new();
            client.read_to_end(&mut received).unwrap();
            assert_eq!(received, expected, "cut at {cut}");
        }
        let mut client = UnixStream::connect(&path).unwrap();
        for byte in &sent {
            client.write_all(&[*byte]).unwrap();
        }
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!(received, expected);
    });
    assert_eq!(handled.served, sent.len() + 2);
}

/// The same programs, of which one has got a variant in the middle.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Inserted {
    GetLevel,
    Shutdown,
    SetLevel(u8),
    Name(String),
}

impl Request for Inserted {
    type Response = Response;
}

#[test]
fn nothing_is_executed_of_what_is_in_another_form() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Inserted>::builder().program("fand 2.0").bind(path.as_str()).unwrap();
    let mut executed = Vec::new();
    serve_while(
        &mut server,
        &mut |command, _: Caller| {
            executed.push(command);
            Response::Level(1)
        },
        || {
            let fingerprints =
                ipc_server::wire::session::Fingerprints::of::<Command, ipc_server::codec::Bincode>().unwrap();
            let mut client = UnixStream::connect(&path).unwrap();
            let mut sent = b"\xff\xff\xff\xff\xffipc\x01\0\x14\0\0\x04\0\0".to_vec();
            sent.extend(fingerprints.command.to_u64().to_le_bytes());
            sent.extend(fingerprints.response.to_u64().to_le_bytes());
            sent.extend(b"\x05\0\0\x01\x07\0\0\0\x01\0\0\0\x05");
            client.write_all(&sent).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let mut received = Vec::new();
            client.read_to_end(&mut received).unwrap();
            let refusal = b"\x08\0\0\x83\x07\0\0\0\x01\0\0\0\0\0\0\0";
            assert!(received.ends_with(refusal), "{received:x?}");
        },
    );
    assert_eq!(executed, []);
}

#[test]
fn a_server_may_be_restricted_to_one_wire() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().sessions().bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        assert_eq!(ipc_server::call(&Command::GetLevel, path.as_str()), Ok(Response::Level(3)));
        let mut bare = Client::builder().bare().connect(path.as_str()).unwrap();
        assert_eq!(bare.call(&Command::GetLevel), Err(CallError::Closed { received: 0 }));
    });
    assert_eq!((handled.served, handled.rejected), (1, 1));
    drop(server);

    let mut server = IpcServer::<Command>::builder().bare().bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        let mut bare = Client::builder().bare().connect(path.as_str()).unwrap();
        assert_eq!(bare.call(&Command::GetLevel), Ok(Response::Level(3)));
        assert_eq!(ipc_server::call(&Command::GetLevel, path.as_str()), Err(CallError::Closed { received: 0 }));
    });
    assert_eq!((handled.served, handled.rejected), (1, 1));
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Number(u64);

impl Request for Number {
    type Response = u64;
}

#[test]
fn a_type_whose_commands_may_begin_as_a_session_does_needs_a_choice() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let error = IpcServer::<Number>::builder().bind(path.as_str()).unwrap_err();
    assert_eq!(error, ipc_server::unix::BindError::Session(OfferError::Ambiguous));
    assert!(!std::path::Path::new(&path).exists());

    let mut server = IpcServer::<Number>::builder().sessions().bind(path.as_str()).unwrap();
    serve_while(&mut server, &mut |Number(number), _: Caller| number, || {
        let mut client = Client::connect(path.as_str()).unwrap();
        assert_eq!(client.call(&Number(7)), Err(CallError::Session(OfferError::Ambiguous)));
        let mut client = Client::builder().sessions_only().connect(path.as_str()).unwrap();
        assert_eq!(client.call(&Number(7)), Ok(7));
    });
    drop(server);
    let mut server = IpcServer::<Number>::builder().bare().bind(path.as_str()).unwrap();
    serve_while(&mut server, &mut |Number(number), _: Caller| number, || {
        let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
        assert_eq!(client.call(&Number(7)), Ok(7));
    });
}

/// Refuses `Name`, and answers more than there is room for.
struct Strict;

impl Handler<Command> for Strict {
    fn handle(&mut self, _: Command, _: Caller) -> Response {
        Response::Name("x".repeat(2000))
    }

    fn authorize(&mut self, command: &Command, _: Caller) -> bool {
        !matches!(command, Command::Name(_))
    }
}

#[test]
fn a_refusal_says_why_and_whether_the_command_was_executed() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().program("fand 1.1.0").bind(path.as_str()).unwrap();
    let process = std::process::id();
    serve_while(&mut server, &mut Strict, || {
        let refusal = |command| match ipc_server::call(&command, path.as_str()) {
            Err(CallError::Refusal(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
        let not_authorized = refusal(Command::Name("x".to_owned()));
        assert_eq!((not_authorized.reason(), not_authorized.was_executed()), (Reason::NotAuthorized, false));
        assert_eq!(
            not_authorized.to_string(),
            format!(
                "the daemon (fand 1.1.0, process {process}) refuses: this user may not give the command; \
                 the command was not executed"
            )
        );
        let too_long = refusal(Command::GetLevel);
        assert_eq!((too_long.reason(), too_long.was_executed()), (Reason::ResponseTooLong { capacity: 1016 }, true));

        let mut roomy = Client::builder().capacity::<4096>().connect(path.as_str()).unwrap();
        let error = roomy.call(&Command::Name("x".repeat(3000))).unwrap_err();
        let CallError::Refusal(refusal) = error else { panic!("{error:?}") };
        assert_eq!((refusal.reason(), refusal.was_executed()), (Reason::TooLong { capacity: 1016 }, false));
    });
}

#[test]
fn a_client_of_another_version_writes_by_name() {
    for keep_open in [false, true] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let mut server =
            IpcServer::<Inserted>::builder().program("fand 2.0").keep_open(keep_open).bind(path.as_str()).unwrap();
        let mut executed = Vec::new();
        serve_while(
            &mut server,
            &mut |command, _: Caller| {
                let response = match &command {
                    Inserted::SetLevel(level) => Response::Level(*level),
                    Inserted::Name(name) => Response::Name(name.clone()),
                    Inserted::GetLevel | Inserted::Shutdown => Response::Level(0),
                };
                executed.push(command);
                response
            },
            || {
                assert_eq!(ipc_server::call(&Command::SetLevel(5), path.as_str()), Ok(Response::Level(5)));
                let mut client = Client::connect(path.as_str()).unwrap();
                for level in 0..3 {
                    assert_eq!(client.call(&Command::SetLevel(level)), Ok(Response::Level(level)));
                }
                let name = "x".repeat(300);
                assert_eq!(client.call(&Command::Name(name.clone())), Ok(Response::Name(name)));
            },
        );
        let name = Inserted::Name("x".repeat(300));
        let levels = [5, 0, 1, 2].map(Inserted::SetLevel);
        assert_eq!(executed, levels.into_iter().chain([name]).collect::<Vec<_>>());
    }
}

mod newer {
    use super::*;

    /// Of the same programs, what came with a later client.
    #[derive(Serialize, Deserialize, Debug)]
    pub(super) enum Command {
        SetColor(u8),
        SetLevel(u16),
    }

    impl Request for Command {
        type Response = Response;
    }
}

#[test]
fn what_the_other_version_does_not_know_is_refused_before_it_is_sent() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().program("fand 1.1.0").keep_open(true).bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        let mut client = Client::connect(path.as_str()).unwrap();
        let error = client.call(&newer::Command::SetColor(1)).unwrap_err();
        let process = std::process::id();
        assert_eq!(
            error.to_string(),
            format!(
                "the daemon (fand 1.1.0, process {process}) is of another version (Command::SetColor: it has no such variant): restart it, or use the client that came with it; nothing was sent"
            )
        );
        assert!(matches!(client.call(&newer::Command::SetLevel(256)), Err(CallError::NotCarried { .. })));
        assert_eq!(client.call(&newer::Command::SetLevel(255)), Ok(Response::Level(255)));
    });
    assert_eq!((handled.served, handled.rejected), (1, 0));
}

mod other_response {
    use super::*;

    /// The same commands, whose responses have got a field.
    #[derive(Serialize, Deserialize, Debug)]
    pub(super) enum Command {
        GetLevel,
        SetLevel(u8),
        Name(String),
    }

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    pub(super) struct Text(pub(super) String);

    impl Request for Command {
        type Response = Text;
    }
}

#[test]
fn responses_that_can_never_be_read_are_known_before_the_first_command_is_executed() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        for command in [
            other_response::Command::GetLevel,
            other_response::Command::SetLevel(3),
            other_response::Command::Name(String::new()),
        ] {
            let error = ipc_server::call(&command, path.as_str()).unwrap_err();
            assert!(matches!(error, CallError::NeverReadable(_)), "{error:?}");
        }
    });
    assert_eq!(handled.served, 0);
}

/// A type whose description does not fit the buffers.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Long {
    GetLevel,
    AVariantWithAVeryLongNameThatTakesItsPlaceInTheDescription1,
    AVariantWithAVeryLongNameThatTakesItsPlaceInTheDescription2(u8, u16),
    AVariantWithAVeryLongNameThatTakesItsPlaceInTheDescription3,
    AVariantWithAVeryLongNameThatTakesItsPlaceInTheDescription4,
    SetLevel(u8),
}

impl Request for Long {
    type Response = Response;
}

#[test]
fn a_description_that_is_longer_than_the_buffers_comes_in_parts() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Long>::builder().capacity::<128>().keep_open(true).bind(path.as_str()).unwrap();
    let handled = serve_while(
        &mut server,
        &mut |command, _: Caller| {
            if let Long::SetLevel(level) = command { Response::Level(level) } else { Response::Level(0) }
        },
        || {
            assert_eq!(ipc_server::call(&Command::SetLevel(5), path.as_str()), Ok(Response::Level(5)));
            let mut client = Client::builder().descriptions::<128>().connect(path.as_str()).unwrap();
            let error = client.call(&Command::SetLevel(5)).unwrap_err();
            assert!(matches!(error, CallError::DescriptionTooLong { capacity: 128, .. }), "{error:?}");
        },
    );
    assert_eq!(handled.served, 1);
}

/// The hello of a client, and the head of a frame with a command, of which the rest does not come.
fn begin_a_command(path: &str) -> UnixStream {
    let fingerprints = ipc_server::wire::session::Fingerprints::of::<Command, ipc_server::codec::Bincode>().unwrap();
    let mut client = UnixStream::connect(path).unwrap();
    let mut sent = b"\xff\xff\xff\xff\xffipc\x01\0\x14\0\0\x04\0\0".to_vec();
    sent.extend(fingerprints.command.to_u64().to_le_bytes());
    sent.extend(fingerprints.response.to_u64().to_le_bytes());
    sent.extend(b"\x05\0\0\x01\x07\0\0\0\x01");
    client.write_all(&sent).unwrap();
    client
}

/// What the server says behind its hello until it closes.
fn last_words(client: &mut UnixStream) -> Vec<u8> {
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    received.split_off(32.min(received.len()))
}

/// A refusal of the command, which was not executed.
fn refusal(code: u8) -> Vec<u8> {
    [b"\x08\0\0\x83\x07\0\0\0".as_slice(), &[code, 0, 0, 0, 0, 0, 0, 0]].concat()
}

#[test]
fn a_client_is_told_that_its_command_has_expired() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().deadline(Duration::from_millis(50)).bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        assert_eq!(last_words(&mut begin_a_command(&path)), refusal(8));
    });
    assert_eq!(handled.expired, 1);
}

#[test]
fn a_client_is_told_that_it_has_made_room_for_another() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<1>().bind(path.as_str()).unwrap();
    let handled = serve_while(&mut server, &mut answer, || {
        let mut first = begin_a_command(&path);
        let mut hello = [0; 32];
        first.read_exact(&mut hello).unwrap();
        let _second = begin_a_command(&path);
        let mut received = Vec::new();
        first.read_to_end(&mut received).unwrap();
        assert_eq!(received, refusal(9));
    });
    assert_eq!(handled.evicted, 1);
}

#[test]
fn a_client_is_told_that_the_server_ends() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().bind(path.as_str()).unwrap();
    let mut client = begin_a_command(&path);
    while server.totals().pending == 0 {
        server.wait(None).unwrap();
        server.serve(&mut answer).unwrap();
    }
    let last = server.shutdown_with(&mut answer, Duration::ZERO).unwrap();
    assert_eq!(last.pending, 1);
    assert_eq!(last_words(&mut client), refusal(10));
}

#[test]
fn what_is_not_a_command_is_refused_with_the_reason() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().bind(path.as_str()).unwrap();
    serve_while(&mut server, &mut answer, || {
        let mut client = begin_a_command(&path);
        client.write_all(b"\0\xff\0\0").unwrap();
        let expected =
            [b"\x2b\0\0\x83\x07\0\0\0\x02\0\0\0\0\0\0\0".as_slice(), b"an enum has no variant of index 16711681"];
        let mut words = last_words(&mut client);
        words[0] = 0x2b;
        assert_eq!(String::from_utf8_lossy(&words), String::from_utf8_lossy(&expected.concat()));
    });
}
