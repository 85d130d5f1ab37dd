//! Out-of-band bytes (`MSG_OOB`, man 7 unix), wherever they come: they are no part of a command, and they do not keep the
//! server busy.

use std::io::Write;
use std::os::unix::net::UnixStream;

use crate::support::{Command, Response, Scratch, connect, connect_and_send, is_readable, response};
use ipc_server::{Handled, IpcServer};
use rustix::net::{SendFlags, send};

fn send_out_of_band(client: &UnixStream) {
    assert_eq!(send(client, b"!", SendFlags::OOB).unwrap(), 1);
}

/// Lets the server work until it has nothing to do, which takes it a turn or two and not for ever.
fn settle(server: &mut IpcServer<Command>, stack: &mut Vec<u64>) -> Handled {
    let mut sum = Handled::default();
    for _ in 0..3 {
        let handled = server.handle_new_messages(stack).unwrap();
        sum.served += handled.served;
        sum.rejected += handled.rejected;
        sum.pending = handled.pending;
        if !is_readable(server) {
            return sum;
        }
    }
    panic!("readable for ever: {sum:?}");
}

#[test]
fn a_byte_alone_is_not_a_command_and_does_not_keep_the_server_busy() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect(&path);
    send_out_of_band(&client);
    let handled = settle(&mut server, &mut stack);
    assert_eq!((handled.served, handled.rejected, handled.pending), (0, 0, 1));
    client.write_all(&Command::Push { x: 1 }.bytes()).unwrap();
    assert_eq!(settle(&mut server, &mut stack).served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

#[test]
fn a_byte_anywhere_in_a_command_is_skipped() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 7 }.bytes();
    for split in 0..bytes.len() {
        for parked in [false, true] {
            let mut client = connect_and_send(&path, &bytes[..split]);
            if parked {
                assert_eq!(settle(&mut server, &mut stack).pending, 1);
            }
            send_out_of_band(&client);
            if parked {
                assert_eq!(settle(&mut server, &mut stack).pending, 1);
            }
            client.write_all(&bytes[split..]).unwrap();
            assert_eq!(settle(&mut server, &mut stack).served, 1, "after {split} bytes, parked: {parked}");
            assert_eq!(response(&mut client), Response::Push { x: 7 });
        }
    }
}

#[test]
fn a_byte_behind_a_command_does_not_cost_its_reply() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    send_out_of_band(&client);
    assert_eq!(settle(&mut server, &mut stack).served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

#[test]
fn byte_after_byte_wakes_the_server_once_each_and_delays_nobody() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut kept = connect_and_send(&path, &Command::Push { x: 0 }.bytes());
    let half = connect_and_send(&path, &Command::Push { x: 0 }.bytes()[..6]);
    assert_eq!(settle(&mut server, &mut stack).pending, 2);
    assert_eq!(response(&mut kept), Response::Push { x: 0 });
    for x in 1..1000 {
        send_out_of_band(&kept);
        send_out_of_band(&half);
        if x % 10 == 0 {
            let mut honest = connect_and_send(&path, &Command::Push { x }.bytes());
            assert_eq!(settle(&mut server, &mut stack).served, 1);
            assert_eq!(response(&mut honest), Response::Push { x });
        }
        assert_eq!(settle(&mut server, &mut stack).served, 0);
    }
}

#[test]
fn a_byte_and_then_the_end_is_the_end() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    for parked in [false, true] {
        let client = connect(&path);
        if parked {
            assert_eq!(settle(&mut server, &mut stack).pending, 1);
        }
        send_out_of_band(&client);
        drop(client);
        assert_eq!(settle(&mut server, &mut stack).pending, 0);
    }
    let mut honest = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    assert_eq!(settle(&mut server, &mut stack).served, 1);
    assert_eq!(response(&mut honest), Response::Push { x: 1 });
}
