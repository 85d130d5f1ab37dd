//! Descriptors that a client sends along (`SCM_RIGHTS`, man 7 unix) never enter the daemon.

use std::fs;
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use crate::support::{Command, Response, Scratch, connect, connect_and_send, response};
use ipc_server::IpcServer;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// The most that one message takes (`SCM_MAX_FD`).
const MOST: usize = 253;

fn send_along(client: &UnixStream, bytes: &[u8], descriptor: BorrowedFd<'_>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor; MOST];
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let sent = sendmsg(client, &[IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
    assert_eq!(sent, bytes.len());
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn descriptors_sent_along_are_closed_and_the_command_is_served() {
    let _alone = crate::alone();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let before = open_descriptors();
    for split in [0, 1, 5, bytes.len() - 1] {
        // Whoever holds the writing end keeps the reading end from its end.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut client = connect(&path);
        if split > 0 {
            send_along(&client, &bytes[..split], writer.as_fd());
            assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 1);
        }
        send_along(&client, &bytes[split..], writer.as_fd());
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
        assert_eq!(response(&mut client), Response::Push { x: 1 });
        drop(writer);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "somebody still holds the descriptor that was sent along");
        drop((reader, client));
        assert_eq!(open_descriptors(), before);
    }

    // Sent and not read: with garbage, behind a command, and by a client that leaves.
    let garbage = [0xff; 32];
    for (first, second) in [(&garbage[..], &garbage[..]), (&bytes, &garbage), (&bytes[..5], b"\0")] {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let client = connect(&path);
        send_along(&client, first, writer.as_fd());
        send_along(&client, second, writer.as_fd());
        server.handle_new_messages(&mut stack).unwrap();
        drop((client, writer));
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 0);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        drop(reader);
        assert_eq!(open_descriptors(), before);
    }
    let mut honest = connect_and_send(&path, &bytes);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut honest), Response::Push { x: 1 });
}
