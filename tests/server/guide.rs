//! The chapter on troubleshooting lists every message as it is written.

use ipc_server::codec::{DecodeError, EncodeError};
use ipc_server::connection::{AskError, ConnectionError};
use ipc_server::unix::{AcceptError, BindError, Errno};
use ipc_server::{CallError, ServerError, ServerErrorKind};

/// The chapter as one line.
fn chapter() -> String {
    let source = include_str!("../../src/guide/troubleshooting.rs");
    let lines: Vec<_> = source.lines().map(|line| line.trim_start_matches("//!").trim()).collect();
    lines.join(" ")
}

#[test]
fn every_message_is_listed_word_for_word() {
    let reason = Errno::IO;
    let messages = [
        CallError::PathTooLong.to_string(),
        CallError::InvalidPath.to_string(),
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
        BindError::PathTooLong.to_string(),
        BindError::InvalidPath.to_string(),
        BindError::NoDirectory.to_string(),
        BindError::PermissionDenied.to_string(),
        BindError::InUse.to_string(),
        BindError::NotASocket.to_string(),
        BindError::NotOurs { uid: 4711 }.to_string(),
        BindError::BadLockFile.to_string(),
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
        AskError::<Errno>::Command(EncodeError::BufferFull).to_string(),
        AskError::<Errno>::Closed { received: 0 }.to_string(),
        AskError::<Errno>::Closed { received: 4712 }.to_string(),
        AskError::<Errno>::Malformed(DecodeError::InvalidUtf8).to_string(),
        AskError::<Errno>::TooLarge { capacity: 4712 }.to_string(),
    ];
    let chapter = chapter();
    for message in messages {
        let message = message.replace("4711", "UID").replace("4712", "N").replace(&reason.to_string(), "REASON");
        let message = message.replace(&EncodeError::BufferFull.to_string(), "REASON");
        let message = message.replace(&DecodeError::InvalidUtf8.to_string(), "REASON");
        assert!(chapter.contains(&format!("**{message}**")), "the chapter does not list: {message}");
    }
}
