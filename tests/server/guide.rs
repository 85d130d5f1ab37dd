//! The chapter on troubleshooting lists every message as it is written.

use std::convert::Infallible;
use std::task::Poll;

use ipc_server::codec::{Bincode, DecodeError, EncodeError};
use ipc_server::connection::{AskError, Buffers, Connection, ConnectionError, Step, Transport};
use ipc_server::layout::{self, Description, LayoutError};
use ipc_server::unix::{AcceptError, BindError, Errno};
use ipc_server::wire::ClientSession;
use ipc_server::wire::session::{Link, OfferError, Refusal, Server};
use ipc_server::{CallError, Request, ServerError, ServerErrorKind, described};

/// The chapter as one line.
fn chapter() -> String {
    let source = include_str!("../../src/guide/troubleshooting.rs");
    let lines: Vec<_> = source.lines().map(|line| line.trim_start_matches("//!").trim()).collect();
    lines.join(" ")
}

#[derive(serde::Serialize, serde::Deserialize)]
enum Command {
    Get,
}

impl Request for Command {
    type Response = u8;
}

/// A server that sends these bytes.
struct Answer<'a>(&'a [u8]);

impl Transport for Answer<'_> {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        into[..self.0.len()].copy_from_slice(self.0);
        Poll::Ready(Ok(self.0.len()))
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        Poll::Ready(Ok(from.len()))
    }
}

/// What a client makes of a refusal with this code, and 4712 as its number.
fn refusal(code: u8, was_executed: bool) -> Refusal {
    let answer = [8, 0, 0, 0x83, 1, 0, 0, 0, code, was_executed.into(), 0, 0, 0x68, 0x12, 0, 0];
    let mut link = Link::<64>::new::<Command, Bincode>("").unwrap();
    let mut buffers = Buffers::<128>::new();
    let asking: Connection<'_, _, _, ClientSession<Bincode, 64>, 128> =
        Connection::ask_in_session(Answer(&answer), &mut buffers, &mut link, &Command::Get).unwrap();
    let Ok(Step::Ready(asked)) = asking.send_command() else { panic!("it is sent") };
    let Err(AskError::Refused(refusal)) = asked.receive_response() else { panic!("it is refused") };
    refusal
}

/// What can't be said to a program that knows no variant.
fn not_carried() -> described::Refusal {
    let mut bytes = [0; 64];
    let length = layout::describe::<Option<u8>>(0, &mut bytes).unwrap();
    let form = Description::validate(&mut bytes[..length]).unwrap();
    match described::encode::<Bincode, _>(&Command::Get, form.root(), &mut [0; 64]) {
        Err(described::EncodeError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_message_is_listed_word_for_word() {
    let reason = Errno::IO;
    let unreadable = described::DecodeError::TrailingBytes(1);
    let server = Server::default();
    let messages = [
        CallError::PathTooLong.to_string(),
        CallError::InvalidPath.to_string(),
        CallError::NoAbstractAddresses.to_string(),
        CallError::NoServer.to_string(),
        CallError::Refused.to_string(),
        CallError::PermissionDenied.to_string(),
        CallError::Untrusted { uid: 4711 }.to_string(),
        CallError::EmptyCommand.to_string(),
        CallError::CommandTooLarge { capacity: 4712 }.to_string(),
        CallError::Encode(EncodeError::BufferFull).to_string(),
        CallError::TimedOut.to_string(),
        CallError::Closed { received: 0 }.to_string(),
        CallError::Closed { received: 4712 }.to_string(),
        CallError::Malformed(DecodeError::InvalidUtf8).to_string(),
        CallError::ResponseTooLarge { capacity: 4712 }.to_string(),
        CallError::Os(reason).to_string(),
        CallError::OtherForm.to_string(),
        CallError::NotASession.to_string(),
        CallError::DescriptionTooLong { capacity: 4712, server: server.clone() }.to_string(),
        CallError::NotCarried { refusal: not_carried(), server }.to_string(),
        CallError::NeverReadable(unreadable.clone()).to_string(),
        CallError::Unreadable(unreadable.clone()).to_string(),
        CallError::OtherCodec.to_string(),
        CallError::MoreFollow.to_string(),
        CallError::Session(OfferError::Ambiguous).to_string(),
        CallError::Refusal(refusal(3, false)).to_string().replace(&refusal(3, false).reason().to_string(), "REASON"),
        CallError::Refusal(refusal(5, true)).to_string().replace(&refusal(5, true).reason().to_string(), "REASON"),
        OfferError::Ambiguous.to_string(),
        OfferError::Layout(LayoutError::TooManyDefinitions).to_string(),
        OfferError::CapacityTooSmall.to_string(),
        BindError::Session(OfferError::Ambiguous).to_string(),
        BindError::PathTooLong.to_string(),
        BindError::InvalidPath.to_string(),
        BindError::NoDirectory.to_string(),
        BindError::PermissionDenied.to_string(),
        BindError::InUse.to_string(),
        BindError::NotASocket.to_string(),
        BindError::NotOurs { uid: 4711 }.to_string(),
        BindError::BadLockFile.to_string(),
        BindError::NoAbstractAddresses.to_string(),
        BindError::NotAListener.to_string(),
        BindError::Os(reason).to_string(),
        ServerError::new(ServerErrorKind::Listener, reason).to_string(),
        ServerError::new(ServerErrorKind::Epoll, reason).to_string(),
        ServerError::new(ServerErrorKind::Timer, reason).to_string(),
        ServerError::new(ServerErrorKind::HandOver, reason).to_string(),
        AcceptError::UnknownPeer.to_string(),
        AcceptError::Exhausted(reason).to_string(),
        AcceptError::Broken(reason).to_string(),
        ConnectionError::<Errno>::Closed { received: 4712 }.to_string(),
        ConnectionError::<Errno>::Malformed(DecodeError::InvalidUtf8).to_string(),
        ConnectionError::<Errno>::TooLarge { capacity: 4712 }.to_string(),
        ConnectionError::<Errno>::EmptyCommand.to_string(),
        ConnectionError::<Errno>::Response(EncodeError::BufferFull).to_string(),
        ConnectionError::Transport(reason).to_string(),
        ConnectionError::<Errno>::OtherWire.to_string(),
        ConnectionError::<Errno>::NotAuthorized.to_string(),
        AskError::<Errno>::TooLong { capacity: 4712 }.to_string(),
        AskError::<Errno>::NotCarried(not_carried()).to_string(),
        AskError::<Errno>::OtherForm.to_string(),
        AskError::<Errno>::OtherWire.to_string(),
        AskError::<Errno>::DescriptionTooLong { capacity: 4712 }.to_string(),
        AskError::<Errno>::NeverReadable(unreadable.clone()).to_string(),
        AskError::<Errno>::Unreadable(unreadable).to_string(),
        AskError::<Errno>::OtherCodec.to_string(),
        AskError::<Errno>::Command(EncodeError::BufferFull).to_string(),
        AskError::<Errno>::Closed { received: 0 }.to_string(),
        AskError::<Errno>::Closed { received: 4712 }.to_string(),
        AskError::<Errno>::Malformed(DecodeError::InvalidUtf8).to_string(),
        AskError::<Errno>::TooLarge { capacity: 4712 }.to_string(),
    ];
    let reasons = (1..=13).map(|code| refusal(code, false).reason().to_string());
    let unknown = refusal(113, false).reason().to_string().replace("113", "N");
    let chapter = chapter();
    for message in messages.into_iter().chain(reasons).chain([unknown]) {
        let message = message.replace("4711", "UID").replace("4712", "N").replace(&reason.to_string(), "REASON");
        let message = message.replace(&EncodeError::BufferFull.to_string(), "REASON");
        let message = message.replace(&not_carried().to_string(), "REASON");
        let message = message.replace(&DecodeError::InvalidUtf8.to_string(), "REASON");
        assert!(chapter.contains(&format!("**{message}**")), "the chapter does not list: {message}");
    }
}
