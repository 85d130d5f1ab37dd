//! What a server says of itself.

use std::os::fd::{AsFd, AsRawFd};

use crate::support::{Command, Scratch, connect_and_send};
use ipc_server::IpcServer;

#[test]
fn the_number_of_the_descriptor_is_that_of_the_descriptor() {
    let scratch = Scratch::new();
    let server = IpcServer::<Command>::new(&scratch.path("s")).unwrap();
    assert_eq!(server.as_raw_fd(), server.as_fd().as_raw_fd());
}

#[test]
fn a_server_is_shown_with_its_sizes_and_how_many_wait() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().capacity::<320>().connections::<5>().bind(&path).unwrap();
    let _half = connect_and_send(&path, b"\0");
    server.handle_new_messages(&mut Vec::new()).unwrap();
    let shown = format!("{server:?}");
    for part in ["IpcServer {", "capacity: 320", "connections: 5", "pending: 1"] {
        assert!(shown.contains(part), "{shown}");
    }
}
