//! The sessions of docs/wire.md are those of the crate: its dumps are served and compared, and this crate's client sends and
//! reads the same.

use core::convert::Infallible;
use core::task::Poll;

use ipc_server::codec::Bincode;
use ipc_server::connection::{AskError, Buffers, Connection, Step, Transport};
use ipc_server::layout::{self, Description};
use ipc_server::wire::session::{Link, Offer};
use ipc_server::wire::{Both, ClientSession, ServerWire, Session};
use ipc_server::{Caller, Request};
use serde::{Deserialize, Serialize};

use crate::wire_document::{PAGE, block, dump, without_spaces};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Response {
    Level(u8),
}

/// Defines the types of a program and keeps their text.
macro_rules! version {
    ($version:ident: $command:item) => {
        mod $version {
            use super::*;

            #[derive(Serialize, Deserialize, Debug, PartialEq)]
            $command

            impl Request for Command {
                type Response = Response;
            }

            pub(super) fn text() -> String {
                without_spaces(stringify!($command)).replace("pub(super)", "")
            }
        }
    };
}

version!(same: pub(super) enum Command { GetLevel, SetLevel(u8) });
version!(other: pub(super) enum Command { GetLevel, Stop, SetLevel(u8) });

/// One end of a connection.
#[derive(Default)]
struct End {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Transport for End {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        let length = into.len().min(self.from.len());
        if length == 0 {
            return Poll::Pending;
        }
        into[..length].copy_from_slice(&self.from[..length]);
        self.from.drain(..length);
        Poll::Ready(Ok(length))
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        self.to.extend(from);
        Poll::Ready(Ok(from.len()))
    }
}

/// What a server of 1,024 bytes executes of `sent`, and what it sends.
fn served<W, C>(sent: &[u8], program: &'static str) -> (Vec<C>, Vec<u8>)
where
    W: for<'l> ServerWire<Local<'l> = &'l Offer>,
    C: Request<Response = Response>,
{
    let offer = Offer::new::<C, Bincode, 1024>(program).unwrap();
    let mut buffers = Buffers::<1024>::new();
    let end = End { from: sent.to_vec(), to: Vec::new() };
    let mut accepted = Connection::<_, _, W, 1024>::in_session(end, &mut buffers, &offer);
    let mut executed = Vec::new();
    loop {
        let read = match accepted.receive::<C>().unwrap() {
            Step::Ready(read) => read,
            Step::NotYet(accepted) => return (executed, accepted.close().to),
        };
        let processed = read.handle(&mut |command: C, _: Caller| {
            executed.push(command);
            Response::Level(5)
        });
        let Ok(Step::Ready(replied)) = processed.unwrap().send() else { panic!("it is sent") };
        accepted = replied.next();
    }
}

/// What this crate's client sends for `SetLevel(5)`, and what it makes of `answer`.
fn asked(link: &mut Link, answer: &[u8]) -> (Vec<u8>, Result<Option<Response>, AskError<Infallible>>) {
    let mut buffers = Buffers::<1024>::new();
    let end = End { from: answer.to_vec(), to: Vec::new() };
    let asking: Connection<'_, _, _, ClientSession<Bincode>> =
        Connection::ask_in_session(end, &mut buffers, link, &same::Command::SetLevel(5)).unwrap();
    let Ok(Step::Ready(asked)) = asking.send_command() else { panic!("it is sent") };
    let sent = asked.transport().to.clone();
    let response = match asked.receive_response() {
        Ok(Step::Ready((response, _))) => Ok(Some(response)),
        Ok(Step::NotYet(_)) => Ok(None),
        Err(error) => Err(error),
    };
    (sent, response)
}

fn check_length(language: &str) {
    let length = dump(language).len();
    assert!(PAGE.contains(&format!(" {length} bytes")), "the page has {length} bytes for {language}");
}

#[test]
fn the_session_of_one_version_is_what_the_library_sends() {
    assert_eq!(without_spaces(block("same")[0]), same::text());
    let (client, server) = (dump("same-client"), dump("same-server"));
    check_length("same-client");
    check_length("same-server");

    let expected = (vec![same::Command::SetLevel(5)], server.clone());
    assert_eq!(served::<Both<Bincode>, same::Command>(&client, "fand 1.1.0"), expected);
    assert_eq!(served::<Session<Bincode>, same::Command>(&client, "fand 1.1.0"), expected);

    let mut link = Link::new::<same::Command, Bincode>("fanctl 1.1.0").unwrap();
    assert_eq!(asked(&mut link, &server), (client, Ok(Some(Response::Level(5)))));
    assert_eq!(link.server().program(), "fand 1.1.0");
}

#[test]
fn the_session_of_two_versions_is_what_the_library_sends() {
    assert_eq!(without_spaces(block("other")[0]), other::text());
    let (client, server) = (dump("other-client"), dump("other-server"));
    check_length("other-client");
    check_length("other-server");
    let first = dump("same-client");
    assert!(client.starts_with(&first), "the client says the same at first");

    // Of what comes at once, and of what the client says when it knows the form.
    let (executed, answer) = served::<Both<Bincode>, other::Command>(&first, "fand 2.0.0");
    assert_eq!((executed, answer.as_slice()), (Vec::new(), &server[..server.len() - 13]));
    let expected = (vec![other::Command::SetLevel(5)], server.clone());
    assert_eq!(served::<Both<Bincode>, other::Command>(&client, "fand 2.0.0"), expected);
    assert_eq!(served::<Session<Bincode>, other::Command>(&client, "fand 2.0.0"), expected);

    let mut link = Link::new::<same::Command, Bincode>("fanctl 1.1.0").unwrap();
    let (sent, response) = asked(&mut link, &answer);
    assert_eq!((sent, response), (first, Err(AskError::OtherForm)));
    link.disconnected();
    let (sent, _) = asked(&mut link, &[]);
    assert_eq!(sent[16..32], client[client.len() - 29..client.len() - 13], "it greets with what it would adopt");
    assert_eq!(sent[sent.len() - 5..], client[client.len() - 5..], "it says the same in the daemon's form");
}

#[test]
fn the_descriptions_of_the_page_are_those_of_its_types() {
    let server = dump("other-server");
    let mut described = [0; 64];
    let length = layout::describe::<other::Command>(0, &mut described).unwrap();
    assert_eq!(server[54..54 + length], described[..length]);
    let description = Description::validate(&mut described[..length]).unwrap();
    assert_eq!(without_spaces(&description.to_string()), other::text());
}
