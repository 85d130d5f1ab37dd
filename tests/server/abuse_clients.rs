//! Clients that do their worst: they flood, drip, hang, lie and vanish. In each test an honest client gets its replies in
//! time meanwhile.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Command, Response, Scratch, assert_silent, connect, connect_and_send, is_readable, response, serve_while,
    until_closed,
};
use ipc_server::{IpcServer, IpcServerCommand, call};
use serde::{Deserialize, Serialize};

/// What honest clients see, each of which has five seconds for its call.
fn assert_honest_clients_are_served(path: &str, calls: u64) {
    for a in 0..calls {
        let mut client = ipc_server::Client::connect(path).unwrap();
        assert_eq!(client.call(&Command::Add { a, b: 1 }), Ok(Response::Add { c: a + 1 }));
    }
}

#[test]
fn idle_connections_fill_the_table_and_keep_nobody_out() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        let idle: Vec<_> = (0..100).map(|_| connect(&path)).collect();
        assert_honest_clients_are_served(&path, 50);
        drop(idle);
    });
    assert_eq!(handled.served, 50);
    assert_eq!(handled.evicted + handled.closed, 100, "{handled:?}");
    assert_eq!(handled.pending, 0);
}

#[test]
fn a_drip_is_cut_at_the_deadline_while_others_are_served() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(300);
    let mut server = IpcServer::<Command>::builder().deadline(limit).bind(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        let bytes = Command::Print { payload: "x".repeat(1000) }.bytes();
        let start = Instant::now();
        let mut slow = connect(&path);
        // A byte each time that an honest client was served, until the server has had enough.
        let dripped = bytes.iter().take_while(|byte| slow.write_all(&[**byte]).is_ok()).map(|_| {
            assert_honest_clients_are_served(&path, 1);
            thread::sleep(Duration::from_millis(5));
        });
        assert!(dripped.count() < bytes.len());
        assert!(start.elapsed() >= limit);
        assert_eq!(until_closed(&mut slow), b"");
    });
    assert_eq!(handled.expired, 1);
}

#[test]
fn a_client_that_never_stops_sending_holds_nobody_up() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        thread::scope(|scope| {
            let mut flood = connect(&path);
            let mut replies = flood.try_clone().unwrap();
            scope.spawn(move || assert_eq!(until_closed(&mut replies).len() % 12, 0, "whole replies"));
            let honest = scope.spawn(|| assert_honest_clients_are_served(&path, 200));
            let commands = Command::Add { a: 0, b: 0 }.bytes().repeat(1000);
            while !honest.is_finished() {
                flood.write_all(&commands).unwrap();
            }
            flood.shutdown(Shutdown::Write).unwrap();
        });
    });
    assert!(handled.served > 1000, "{handled:?}");
    assert_eq!(handled.served % 1000, 200);
    assert_eq!((handled.rejected, handled.expired, handled.evicted, handled.failed), (0, 0, 0, 0));
}

#[test]
fn ten_thousand_clients_that_connect_and_close_execute_nothing() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let handled = serve_while(&mut server, &mut stack, || {
        thread::scope(|scope| {
            scope.spawn(|| (0..10_000).for_each(|_| drop(UnixStream::connect(&path).unwrap())));
            assert_honest_clients_are_served(&path, 100);
        });
    });
    assert_eq!(handled.served, 100);
    assert_eq!(handled.closed + handled.evicted, 10_000, "{handled:?}");
    assert!(stack.is_empty());
}

#[test]
fn garbage_of_every_length_is_rejected() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let handled = serve_while(&mut server, &mut stack, || {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for length in 1..=2000_usize {
            let garbage: Vec<u8> = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .take(length)
            .collect();
            // The server may close before it has all.
            let _ = connect(&path).write_all(&garbage);
            if length % 20 == 0 {
                assert_honest_clients_are_served(&path, 1);
            }
        }
    });
    assert_eq!(handled.served, 100);
    assert_eq!(handled.rejected + handled.evicted + handled.closed, 2000, "{handled:?}");
    assert!(stack.is_empty());
}

#[test]
fn a_command_without_an_end_is_rejected_when_the_capacity_is_full() {
    #[derive(Serialize, Deserialize, Debug)]
    struct List(Vec<String>);
    impl IpcServerCommand for List {
        type Response = u64;
        type Context<'a> = ();
        fn process(self, _: &mut Self::Context<'_>) -> u64 {
            self.0.len() as u64
        }
    }
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<List>::new(&path).unwrap();
    // A hundred texts of twenty bytes: no length by itself says that it can't fit.
    let bytes = bincode::serialize(&List(vec!["x".repeat(20); 100])).unwrap();
    let mut endless = connect(&path);
    endless.write_all(&bytes[..1023]).unwrap();
    assert_eq!(server.handle_new_messages(()).unwrap().pending, 1);
    endless.write_all(&bytes[1023..1025]).unwrap();
    let handled = server.handle_new_messages(()).unwrap();
    assert_eq!((handled.rejected, handled.pending), (1, 0));
    assert_eq!(until_closed(&mut endless), b"");

    let caller = thread::spawn(move || call(&List(vec![String::new(); 3]), path.as_str()));
    while !caller.is_finished() {
        server.handle_new_messages(()).unwrap();
    }
    assert_eq!(caller.join().unwrap(), Ok(3));
}

#[test]
fn a_flood_behind_a_command_does_not_cost_its_reply() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect_and_send(&path, &[Command::Push { x: 1 }.bytes(), vec![0xff; 100_000]].concat());
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.pending), (1, 0));
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    assert_eq!(until_closed(&mut client), b"");
}

#[test]
fn garbage_behind_a_command_on_a_kept_connection_does_not_cost_its_reply() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut client = connect_and_send(&path, &[Command::Push { x: 1 }.bytes(), vec![0xff; 8]].concat());
    let handled = server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!((handled.served, handled.rejected, handled.pending), (1, 1, 0));
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    assert_eq!(until_closed(&mut client), b"");
}

#[test]
fn a_client_that_never_reads_its_replies_is_closed_at_the_deadline() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(200);
    let builder = IpcServer::<Command>::builder().capacity::<16384>();
    let mut server = builder.keep_open(true).deadline(limit).bind(&path).unwrap();
    let handled = serve_while(&mut server, &mut Vec::new(), || {
        // More replies than a socket's buffer holds.
        let mut greedy = connect_and_send(&path, &Command::Repeat { length: 15_000 }.bytes().repeat(40));
        let start = Instant::now();
        let mut calls = 0;
        while start.elapsed() < limit * 2 {
            assert_honest_clients_are_served(&path, 1);
            calls += 1;
        }
        assert!(calls > 1);
        assert!(until_closed(&mut greedy).len() < 40 * 15_012);
    });
    assert_eq!(handled.expired, 1, "{handled:?}");
}

#[test]
fn a_client_that_stops_one_direction_affects_nobody() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    for (how, whole) in [Shutdown::Read, Shutdown::Both, Shutdown::Write].into_iter().zip([true, true, false]) {
        let bytes = Command::Push { x: 1 }.bytes();
        let client = connect_and_send(&path, if whole { &bytes } else { &bytes[1..4] });
        client.shutdown(how).unwrap();
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!((handled.served, handled.rejected, handled.pending), (0, 1, 0), "{how:?}");
        assert!(!is_readable(&server));
    }
    let mut honest = connect_and_send(&path, &Command::Push { x: 2 }.bytes());
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut honest), Response::Push { x: 2 });
}

#[test]
fn a_command_that_is_there_is_served_before_a_newcomer_can_take_its_place() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<2>().bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = |x| Command::Push { x }.bytes();
    let mut waiting: Vec<_> = (0..2).map(|x| connect_and_send(&path, &bytes(x)[..5])).collect();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 2);

    // The newcomers are reported first, for they came first.
    let mut newcomers: Vec<_> = (2..4).map(|x| connect_and_send(&path, &bytes(x)[..5])).collect();
    for (client, x) in waiting.iter_mut().zip(0..) {
        client.write_all(&bytes(x)[5..]).unwrap();
    }
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.evicted, handled.pending), (2, 0, 2), "{handled:?}");
    for (client, x) in newcomers.iter_mut().zip(2..) {
        client.write_all(&bytes(x)[5..]).unwrap();
    }
    server.handle_new_messages(&mut stack).unwrap();
    for (client, x) in waiting.iter_mut().chain(&mut newcomers).zip(0..) {
        assert_eq!(response(client), Response::Push { x });
    }
}

#[test]
fn the_connection_that_has_been_incomplete_longest_makes_room() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<2>().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    // The one has a place first, but finishes one exchange and begins another; the other does nothing.
    let mut busy = connect_and_send(&path, &bytes[..1]);
    server.handle_new_messages(&mut stack).unwrap();
    let mut silent = connect(&path);
    server.handle_new_messages(&mut stack).unwrap();
    busy.write_all(&[&bytes[1..], &bytes[..1]].concat()).unwrap();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut busy), Response::Push { x: 1 });

    let mut newcomer = connect(&path);
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.evicted, handled.pending), (1, 2));
    assert_eq!(until_closed(&mut silent), b"");
    assert_silent(&mut newcomer);
    busy.write_all(&bytes[1..]).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut busy), Response::Push { x: 1 });
}

#[test]
fn a_reader_of_single_bytes_gets_its_whole_reply() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut client = connect_and_send(&path, &Command::Repeat { length: 1012 }.bytes());
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    let mut reply = Vec::new();
    let mut byte = [0];
    while client.read(&mut byte).unwrap() == 1 {
        reply.push(byte[0]);
    }
    assert_eq!(bincode::deserialize::<Response>(&reply).unwrap(), Response::Text("r".repeat(1012)));
}
