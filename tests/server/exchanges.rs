//! What a server does with its clients, well-behaved and other. Client and server take turns in one thread, so that each
//! step is certain; replies are decoded by bincode 1.3.3.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::support::{
    self, Command, Response, Scratch, assert_silent, connect, connect_and_send, handle_until, is_readable, response,
    until_closed, watched,
};
use ipc_server::{Handled, IpcServer};

#[test]
fn one_command_gets_one_reply_and_the_connection_is_closed() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap(), Handled::default());

    let mut client = connect_and_send(&path, &Command::Push { x: 69 }.bytes());
    let handled = server.handle_new_messages(&mut stack).unwrap();

    assert_eq!((handled.served, handled.pending), (1, 0));
    assert_eq!(stack, [69]);
    assert_eq!(until_closed(&mut client), b"\x02\0\0\0\x45\0\0\0\0\0\0\0");
}

#[test]
fn a_command_may_arrive_byte_by_byte() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect(&path);

    let bytes = Command::Print { payload: "slowly".to_owned() }.bytes();
    let (last, first) = bytes.split_last().unwrap();
    for byte in first {
        client.write_all(&[*byte]).unwrap();
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!((handled.served, handled.rejected, handled.pending), (0, 0, 1));
    }
    client.write_all(&[*last]).unwrap();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::PrintAck);
}

#[test]
fn a_command_may_be_split_anywhere() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Add { a: u64::MAX, b: 3 }.bytes();
    for split in 0..=bytes.len() {
        let mut client = connect(&path);
        client.write_all(&bytes[..split]).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
        client.write_all(&bytes[split..]).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
        assert_eq!(response(&mut client), Response::Add { c: 2 }, "split at {split}");
    }
}

#[test]
fn two_clients_may_interleave_their_pieces() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let (mut one, mut two) = (connect(&path), connect(&path));
    let pairs = Command::Push { x: 1 }.bytes().into_iter().zip(Command::Push { x: 2 }.bytes());
    for (byte_of_one, byte_of_two) in pairs {
        one.write_all(&[byte_of_one]).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
        two.write_all(&[byte_of_two]).unwrap();
        server.handle_new_messages(&mut stack).unwrap();
    }
    assert_eq!(response(&mut one), Response::Push { x: 1 });
    assert_eq!(response(&mut two), Response::Push { x: 2 });
    assert_eq!(stack, [1, 2]);
}

#[test]
fn a_silent_client_delays_nobody() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut silent = connect(&path);
    for x in 0..10 {
        let mut client = connect_and_send(&path, &Command::Push { x }.bytes());
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!((handled.served, handled.pending), (1, 1));
        assert_eq!(response(&mut client), Response::Push { x });
    }
    assert_silent(&mut silent);
    silent.write_all(&Command::Push { x: 10 }.bytes()).unwrap();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut silent), Response::Push { x: 10 });
}

#[test]
fn garbage_is_rejected_and_only_its_sender_is_affected() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let mut honest = connect(&path);
    let mut garbage = connect_and_send(&path, &[0xff; 64]);
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.rejected, handled.pending), (0, 1, 1));
    assert_eq!(until_closed(&mut garbage), b"");

    honest.write_all(&Command::Push { x: 1 }.bytes()).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut honest), Response::Push { x: 1 });
}

#[test]
fn a_command_that_cannot_fit_is_rejected_at_once() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    // The variant, and a text of 1,013 bytes: 1,025 in all, of which 12 have arrived.
    let mut client = connect_and_send(&path, b"\0\0\0\0\xf5\x03\0\0\0\0\0\0");
    let handled = server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!((handled.rejected, handled.pending), (1, 0));
    assert_eq!(until_closed(&mut client), b"");
}

#[test]
fn a_command_may_fill_the_capacity_to_the_last_byte() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let bytes = Command::Print { payload: "x".repeat(1012) }.bytes();
    assert_eq!(bytes.len(), 1024);
    let mut client = connect_and_send(&path, &bytes);
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::PrintAck);
}

#[test]
fn connecting_and_closing_executes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    drop(connect(&path));
    let handled = server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!((handled.served, handled.closed, handled.pending), (0, 1, 0));
}

#[test]
fn a_truncated_command_is_never_executed() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 0x0101_0101_0101_0101 }.bytes();
    for length in 1..bytes.len() {
        drop(connect_and_send(&path, &bytes[..length]));
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!((handled.served, handled.rejected, handled.pending), (0, 1, 0), "after {length} bytes");
    }
    assert!(stack.is_empty());
}

#[test]
fn what_follows_a_command_is_ignored_where_connections_are_not_kept() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let two = [Command::Push { x: 1 }.bytes(), Command::Push { x: 2 }.bytes()].concat();
    let mut client = connect_and_send(&path, &two);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(stack, [1]);
    assert_eq!(until_closed(&mut client).len(), 12);
}

#[test]
fn a_client_may_close_its_sending_side_after_the_command() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut client = connect_and_send(&path, &Command::Add { a: 1, b: 1 }.bytes());
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::Add { c: 2 });
}

#[test]
fn a_client_that_is_gone_before_its_reply_affects_nobody() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    drop(connect_and_send(&path, &Command::Push { x: 1 }.bytes()));
    let mut client = connect_and_send(&path, &Command::Push { x: 2 }.bytes());
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.rejected), (1, 1));
    assert_eq!(response(&mut client), Response::Push { x: 2 });
    assert_eq!(stack, [1, 2]);
}

#[test]
fn a_response_beyond_the_capacity_closes_the_connection() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    // The variant and the length take 12 bytes.
    let mut fits = connect_and_send(&path, &Command::Repeat { length: 1012 }.bytes());
    let mut too_long = connect_and_send(&path, &Command::Repeat { length: 1013 }.bytes());
    let handled = server.handle_new_messages(&mut Vec::new()).unwrap();
    assert_eq!((handled.served, handled.failed), (1, 1));
    assert_eq!(response(&mut fits), Response::Text("r".repeat(1012)));
    assert_eq!(until_closed(&mut too_long), b"");
}

#[test]
fn a_reply_that_the_socket_does_not_take_is_continued_later() {
    const LENGTH: u32 = 60_000;
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server =
        IpcServer::<Command>::builder().capacity::<65536>().connections::<2>().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    // More than a socket's buffer holds (212,992 bytes), asked for in one go by a client that does not read yet.
    let commands = Command::Repeat { length: LENGTH }.bytes().repeat(20);
    let mut client = connect_and_send(&path, &commands);
    let before = server.handle_new_messages(&mut stack).unwrap();
    assert!((1..20).contains(&before.served), "{before:?}");
    assert_eq!(before.pending, 1);
    assert!(!is_readable(&server), "nothing can be done before the client reads");

    let mut other = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut other), Response::Push { x: 1 });

    for _ in 0..20 {
        let mut reply = vec![0; LENGTH as usize + 12];
        let mut filled = 0;
        while filled < reply.len() {
            server.handle_new_messages(&mut stack).unwrap();
            filled += client.read(&mut reply[filled..]).unwrap();
        }
        assert_eq!(bincode::deserialize::<Response>(&reply).unwrap(), Response::Text("r".repeat(LENGTH as usize)));
    }
}

#[test]
fn a_thousand_queued_clients_are_all_served_in_one_call() {
    support::allow_many_descriptors();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut stack = Vec::new();
    let clients: Vec<_> = (0..1000).map(|x| connect_and_send(&path, &Command::Push { x }.bytes())).collect();
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.pending), (1000, 0));
    assert_eq!(stack, (0..1000).collect::<Vec<_>>());
    for (mut client, x) in clients.into_iter().zip(0..) {
        assert_eq!(response(&mut client), Response::Push { x });
    }
}

#[test]
fn the_work_of_one_call_is_bounded_and_the_rest_stays_readable() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().work_per_call(10).bind(&path).unwrap();
    let mut stack = Vec::new();
    let _clients: Vec<_> = (0..25).map(|x| connect_and_send(&path, &Command::Push { x }.bytes())).collect();
    for expected in [10, 10, 5] {
        assert!(is_readable(&server));
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, expected);
    }
    assert!(!is_readable(&server));
}

/// One look at epoll shows 16.
#[test]
fn any_number_may_be_ready_at_once() {
    for work in [1, 15, 16, 17, 31, 33, 2048] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let builder = IpcServer::<Command>::builder().connections::<100>().keep_open(true).work_per_call(work);
        let mut server = builder.bind(&path).unwrap();
        let mut stack = Vec::new();
        let bytes = Command::Push { x: 1 }.bytes();
        let mut clients: Vec<_> = (0..100).map(|_| connect_and_send(&path, &bytes[..5])).collect();
        let mut calls = 0;
        while is_readable(&server) {
            server.handle_new_messages(&mut stack).unwrap();
            calls += 1;
        }
        assert_eq!((server.totals().pending, calls), (100, 100_usize.div_ceil(work)));
        assert_eq!(watched(&server), 102, "the listener and the alarm too");

        clients.iter_mut().for_each(|client| client.write_all(&bytes[5..]).unwrap());
        let mut calls = 0;
        while is_readable(&server) {
            assert!(server.handle_new_messages(&mut stack).unwrap().served <= work);
            calls += 1;
        }
        assert_eq!((server.totals().served, calls), (100, 100_usize.div_ceil(work)));

        // Those that are idle make room for as many.
        let newcomers: Vec<_> = (0..50).map(|_| connect_and_send(&path, &bytes)).collect();
        while is_readable(&server) {
            server.handle_new_messages(&mut stack).unwrap();
        }
        assert_eq!((server.totals().evicted, server.totals().pending), (50, 100));
        assert_eq!(watched(&server), 102);
        for mut client in newcomers.into_iter().chain(clients.split_off(50)) {
            assert_eq!(response(&mut client), Response::Push { x: 1 });
        }
        let last = server.shutdown(&mut stack, Duration::from_secs(10)).unwrap();
        assert_eq!((last.closed, last.pending), (100, 0));
    }
}

#[test]
fn a_client_that_never_pauses_does_not_hold_up_the_others() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).work_per_call(2).bind(&path).unwrap();
    let mut stack = Vec::new();
    // Ten buffers full of commands, and behind them a newcomer.
    let mut greedy = connect_and_send(&path, &Command::Push { x: 0 }.bytes().repeat(10 * 1024 / 12));
    let mut honest = connect_and_send(&path, &Command::Push { x: 7 }.bytes());
    server.handle_new_messages(&mut stack).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut honest), Response::Push { x: 7 });
    assert!(stack.len() < 5 * 1024 / 12, "{}", stack.len());
    handle_until(&mut server, &mut stack, |_| true);
    assert_eq!(response(&mut greedy), Response::Push { x: 0 });
}

#[test]
fn a_kept_connection_answers_pipelined_commands_in_order() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes: Vec<u8> = (0..200).flat_map(|x| Command::Push { x }.bytes()).collect();
    let mut client = connect(&path);
    let mut served = 0;
    for piece in bytes.chunks(17) {
        client.write_all(piece).unwrap();
        let handled = server.handle_new_messages(&mut stack).unwrap();
        served += handled.served;
        assert_eq!(handled.pending, 1);
    }
    assert_eq!(served, 200);
    for x in 0..200 {
        assert_eq!(response(&mut client), Response::Push { x });
    }
    drop(client);
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.closed, handled.rejected, handled.pending), (1, 0, 0));
}

#[test]
fn an_exchange_ends_at_its_deadline_whatever_trickles_in() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(200);
    let mut server = IpcServer::<Command>::builder().deadline(limit).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut silent = connect(&path);
    let mut slow = connect(&path);
    let bytes = Command::Print { payload: "x".repeat(1000) }.bytes();
    let start = Instant::now();
    let mut trickle = bytes.iter();
    let mut expired = 0;
    while expired < 2 {
        let _ = slow.write_all(&[*trickle.next().unwrap()]);
        expired += server.handle_new_messages(&mut stack).unwrap().expired;
        assert!(
            !server.wait(Some(Duration::from_millis(2))).unwrap() || server.next_deadline() == Some(Duration::ZERO)
        );
    }
    assert!(start.elapsed() >= limit, "{:?}", start.elapsed());
    assert_eq!(until_closed(&mut silent), b"");
    assert_eq!(until_closed(&mut slow), b"");
    assert_eq!(server.next_deadline(), None);
}

#[test]
fn each_deadline_wakes_who_waits_for_the_server() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(60);
    let mut server = IpcServer::<Command>::builder().deadline(limit).bind(&path).unwrap();
    let mut stack = Vec::new();
    let _early = connect(&path);
    server.handle_new_messages(&mut stack).unwrap();
    while server.next_deadline().unwrap() > limit / 2 {
        std::thread::yield_now();
    }
    let _late = connect(&path);
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 2);
    for left in [1, 0] {
        let mut handled = Handled::default();
        while handled.expired == 0 {
            assert!(server.wait(Some(Duration::from_secs(10))).unwrap(), "nobody is woken for the deadline");
            handled = server.handle_new_messages(&mut stack).unwrap();
        }
        assert_eq!(handled.pending, left);
    }
    assert_eq!(server.next_deadline(), None);
}

#[test]
fn a_deadline_outlives_one_that_is_needed_no_more() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(60);
    let mut server = IpcServer::<Command>::builder().deadline(limit).work_per_call(1).bind(&path).unwrap();
    let mut stack = Vec::new();
    let early = connect(&path);
    server.handle_new_messages(&mut stack).unwrap();
    while server.next_deadline().unwrap() > limit / 2 {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    let mut late = connect(&path);
    server.handle_new_messages(&mut stack).unwrap();
    drop(early);
    let handled = handle_until(&mut server, &mut stack, |sum| sum.expired + sum.closed == 2);
    assert_eq!((handled.expired, handled.closed, handled.pending), (1, 1, 0));
    assert!(begun.elapsed() >= limit, "{:?}", begun.elapsed());
    assert_eq!(until_closed(&mut late), b"");
    assert_eq!(server.next_deadline(), None);
    assert!(!is_readable(&server));
}

#[test]
fn a_deadline_may_be_at_once_or_never() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();

    let mut server = IpcServer::<Command>::builder().deadline(Duration::ZERO).bind(&path).unwrap();
    let mut whole = connect_and_send(&path, &bytes);
    let mut part = connect_and_send(&path, &bytes[..5]);
    let handled = handle_until(&mut server, &mut stack, |sum| sum.expired == 1);
    assert_eq!((handled.served, handled.pending), (1, 0));
    assert_eq!(response(&mut whole), Response::Push { x: 1 });
    assert_eq!(until_closed(&mut part), b"");
    assert_eq!(server.next_deadline(), None);
    drop(server);

    for never in [Duration::MAX, Duration::from_secs(u64::from(u32::MAX))] {
        let mut server = IpcServer::<Command>::builder().deadline(never).bind(&path).unwrap();
        let mut client = connect_and_send(&path, &bytes[..5]);
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 1);
        assert!(!server.wait(Some(Duration::from_millis(5))).unwrap());
        assert_eq!(server.next_deadline(), None);
        client.write_all(&bytes[5..]).unwrap();
        assert!(server.wait(Some(Duration::MAX)).unwrap());
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
        assert_eq!(response(&mut client), Response::Push { x: 1 });
    }
}

#[test]
fn a_daemon_that_slept_past_the_deadline_still_serves_what_has_come() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(50);
    let mut server = IpcServer::<Command>::builder().deadline(limit).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect(&path);
    server.handle_new_messages(&mut stack).unwrap();
    assert!(server.next_deadline().unwrap() <= limit);
    client.write_all(&Command::Push { x: 1 }.bytes()).unwrap();
    while server.next_deadline() != Some(Duration::ZERO) {
        std::thread::yield_now();
    }
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.expired), (1, 0));
    assert_eq!(response(&mut client), Response::Push { x: 1 });
}

#[test]
fn waiting_ends_at_a_deadline_and_says_that_there_is_something_to_do() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().deadline(Duration::from_millis(30)).bind(&path).unwrap();
    assert!(!server.wait(Some(Duration::from_millis(1))).unwrap());
    let _silent = connect(&path);
    assert!(server.wait(None).unwrap(), "a connection to accept");
    server.handle_new_messages(&mut Vec::new()).unwrap();
    while !server.wait(None).unwrap() {}
    handle_until(&mut server, &mut Vec::new(), |sum| sum.expired == 1);
}

#[test]
fn an_idle_kept_connection_does_not_expire() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(30);
    let mut server = IpcServer::<Command>::builder().keep_open(true).deadline(limit).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(server.next_deadline(), None);
    // The deadline starts with the first byte of a further command.
    client.write_all(&Command::Push { x: 2 }.bytes()[..1]).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert!(server.next_deadline().is_some());
    handle_until(&mut server, &mut stack, |sum| sum.expired == 1);
}

#[test]
fn a_kept_connection_has_a_deadline_for_each_exchange_and_none_between_them() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(300);
    let mut server = IpcServer::<Command>::builder().keep_open(true).deadline(limit).bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut client = connect_and_send(&path, &bytes[..5]);
    server.handle_new_messages(&mut stack).unwrap();
    let begun = Instant::now();
    // Late in the first exchange the second begins.
    handle_for(&mut server, &mut stack, limit * 2 / 3);
    client.write_all(&[&bytes[5..], &bytes[..5]].concat()).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    let handled = handle_for(&mut server, &mut stack, (limit + limit / 3).saturating_sub(begun.elapsed()));
    assert_eq!((handled.expired, handled.pending), (0, 1), "the first one's deadline is not the second's");
    client.write_all(&bytes[5..]).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    let handled = handle_for(&mut server, &mut stack, limit + limit / 3);
    assert_eq!((handled.expired, handled.pending), (0, 1), "no exchange has begun");
}

/// Handles whatever comes in that time.
fn handle_for(server: &mut IpcServer<Command>, stack: &mut Vec<u64>, time: Duration) -> Handled {
    let start = Instant::now();
    let mut sum = Handled::default();
    while let Some(remaining) = time.checked_sub(start.elapsed()).filter(|remaining| !remaining.is_zero()) {
        server.wait(Some(remaining)).unwrap();
        let handled = server.handle_new_messages(stack).unwrap();
        sum.expired += handled.expired;
        sum.pending = handled.pending;
    }
    sum
}

#[test]
fn a_kept_connection_whose_replies_are_not_taken_waits_for_room_and_then_for_commands() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server =
        IpcServer::<Command>::builder().capacity::<65536>().connections::<1>().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    for _ in 0..2 {
        client.write_all(&Command::Repeat { length: 60_000 }.bytes().repeat(10)).unwrap();
        let mut served = server.handle_new_messages(&mut stack).unwrap().served;
        assert!(served < 10, "more than the socket's buffer holds");
        assert!(!is_readable(&server), "it waits for room");
        let mut bytes = vec![0; 10 * 60_012];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += client.read(&mut bytes[filled..]).unwrap();
            served += server.handle_new_messages(&mut stack).unwrap().served;
        }
        assert_eq!(served, 10);
        assert!(!is_readable(&server), "it waits for a command");
    }
}

#[test]
fn a_full_table_still_serves_what_is_there_and_makes_room_for_what_must_wait() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<2>().bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut first = connect_and_send(&path, b"\0");
    server.handle_new_messages(&mut stack).unwrap();
    let bytes = Command::Push { x: 2 }.bytes();
    let mut second = connect_and_send(&path, &bytes[..5]);
    server.handle_new_messages(&mut stack).unwrap();

    let mut ready = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.evicted, handled.pending), (1, 0, 2));
    assert_eq!(response(&mut ready), Response::Push { x: 1 });

    let third_bytes = Command::Push { x: 3 }.bytes();
    let mut third = connect_and_send(&path, &third_bytes[..7]);
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.evicted, handled.pending), (0, 1, 2));
    assert_eq!(until_closed(&mut first), b"");

    second.write_all(&bytes[5..]).unwrap();
    third.write_all(&third_bytes[7..]).unwrap();
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 2);
    assert_eq!(response(&mut second), Response::Push { x: 2 });
    assert_eq!(response(&mut third), Response::Push { x: 3 });
}

#[test]
fn silent_newcomers_displace_each_other_and_not_a_client_that_is_between_two_commands() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<3>().keep_open(true).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut kept = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut kept), Response::Push { x: 1 });

    let silent: Vec<_> = (0..10).map(|_| connect(&path)).collect();
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.evicted, handled.pending), (8, 3));

    kept.write_all(&Command::Push { x: 2 }.bytes()).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut kept), Response::Push { x: 2 });

    // Where all are between two commands, the one that has been longest goes.
    drop(silent);
    server.handle_new_messages(&mut stack).unwrap();
    let mut others: Vec<_> = (0..3).map(|x| connect_and_send(&path, &Command::Push { x }.bytes())).collect();
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.evicted, handled.pending), (3, 1, 3));
    assert_eq!(until_closed(&mut kept), b"");
    for (x, other) in (0..).zip(&mut others) {
        assert_eq!(response(other), Response::Push { x });
    }
}

#[test]
fn a_byte_now_and_then_does_not_make_a_connection_younger() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<2>().bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut first = connect_and_send(&path, &bytes[..1]);
    server.handle_new_messages(&mut stack).unwrap();
    let mut second = connect_and_send(&path, &bytes[..1]);
    server.handle_new_messages(&mut stack).unwrap();
    first.write_all(&bytes[1..2]).unwrap();
    server.handle_new_messages(&mut stack).unwrap();

    let _newcomer = connect_and_send(&path, &bytes[..1]);
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.evicted, handled.pending), (1, 2));
    assert_eq!(until_closed(&mut first), b"");
    second.write_all(&bytes[1..]).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut second), Response::Push { x: 1 });
}

#[test]
fn a_connection_whose_command_is_there_is_not_displaced_before_its_turn() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<1>().work_per_call(1).bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    let mut first = connect_and_send(&path, &bytes[..5]);
    server.handle_new_messages(&mut stack).unwrap();
    // The newcomer's event comes before that of the rest, and a call has one turn.
    let mut newcomer = connect_and_send(&path, &bytes[..7]);
    first.write_all(&bytes[5..]).unwrap();
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.served, handled.evicted, handled.pending), (1, 0, 1));
    assert_eq!(response(&mut first), Response::Push { x: 1 });
    newcomer.write_all(&bytes[7..]).unwrap();
    server.handle_new_messages(&mut stack).unwrap();
    assert_eq!(response(&mut newcomer), Response::Push { x: 1 });
}

#[test]
fn a_peer_that_is_not_authorized_is_closed_unheard() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().authorize(|peer| peer.uid == u32::MAX).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    let handled = server.handle_new_messages(&mut stack).unwrap();
    assert_eq!((handled.refused, handled.served), (1, 0));
    assert_eq!(until_closed(&mut client), b"");
    assert!(stack.is_empty());
}

#[test]
fn the_socket_is_its_owners_unless_the_builder_says_otherwise() {
    let scratch = Scratch::new();
    let mode = |path: &str| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let path = scratch.path("owner");
    let _server = IpcServer::<Command>::new(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&format!("{path}.lock")), 0o600);
    let path = scratch.path("group");
    let _server = IpcServer::<Command>::builder().mode(0o660).bind(&path).unwrap();
    assert_eq!(mode(&path), 0o660);
}

#[test]
fn a_response_without_bytes_is_delivered_by_closing() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Ping(u8);
    impl ipc_server::IpcServerCommand for Ping {
        type Response = ();
        type Context<'a> = ();
        fn process(self, _: &mut Self::Context<'_>) {}
    }
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Ping>::builder().bare().keep_open(true).bind(&path).unwrap();
    let mut client = connect_and_send(&path, &[1]);
    let handled = server.handle_new_messages(()).unwrap();
    assert_eq!((handled.served, handled.pending), (1, 0));
    assert_eq!(until_closed(&mut client), b"");
}

#[test]
fn a_command_type_without_bytes_is_refused() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Nothing;
    impl ipc_server::IpcServerCommand for Nothing {
        type Response = u8;
        type Context<'a> = &'a mut u32;
        fn process(self, executed: &mut Self::Context<'_>) -> u8 {
            **executed += 1;
            0
        }
    }
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Nothing>::builder().bare().bind(&path).unwrap();
    let mut executed = 0;
    drop(connect(&path));
    let _client = connect_and_send(&path, b"x");
    let handled = server.handle_new_messages(&mut executed).unwrap();
    assert_eq!((handled.served, handled.closed, handled.failed), (0, 1, 1));
    assert_eq!(executed, 0);
    let mut client = ipc_server::Client::builder().bare().connect(path.as_str()).unwrap();
    assert_eq!(client.call(&Nothing), Err(ipc_server::CallError::EmptyCommand));
}

/// An even number, which counts how often it is decoded.
#[derive(serde::Serialize, Debug)]
struct Counted(u8);

std::thread_local! {
    static DECODED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl<'de> serde::Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.set(DECODED.get() + 1);
        match u8::deserialize(deserializer)? {
            even if even % 2 == 0 => Ok(Self(even)),
            _ => Err(serde::de::Error::custom("odd")),
        }
    }
}

impl ipc_server::IpcServerCommand for Counted {
    type Response = u8;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> u8 {
        self.0
    }
}

#[test]
fn a_malformed_command_is_decoded_a_second_time_only_for_the_log() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Counted>::builder().bare().bind(&path).unwrap();

    let mut client = connect_and_send(&path, &[7]);
    assert_eq!(server.handle_new_messages(()).unwrap().rejected, 1);
    assert_eq!(until_closed(&mut client), b"");
    assert_eq!(DECODED.get(), if cfg!(feature = "log") { 2 } else { 1 });

    let mut client = connect_and_send(&path, &[8]);
    assert_eq!(server.handle_new_messages(()).unwrap().served, 1);
    assert_eq!(until_closed(&mut client), [8]);
}

#[test]
fn a_server_that_spins_finds_the_next_command_and_sleeps_when_none_comes() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let spin = Duration::from_millis(200);
    let mut server = IpcServer::<Command>::builder().keep_open(true).spin(spin).bind(&path).unwrap();
    let mut stack = Vec::new();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    assert!(server.wait(None).unwrap());
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });

    // It looks for as long as it may, and no longer than the caller wants to wait.
    let start = Instant::now();
    assert!(!server.wait(Some(Duration::from_millis(20))).unwrap());
    assert!(start.elapsed() >= Duration::from_millis(20) && start.elapsed() < spin);
    client.write_all(&Command::Push { x: 2 }.bytes()).unwrap();
    assert!(server.wait(None).unwrap());
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 1);
    assert_eq!(stack, [1, 2]);

    // After a call that has served nobody it sleeps at once.
    assert_eq!(server.handle_new_messages(&mut stack).unwrap().served, 0);
    assert!(!server.wait(Some(Duration::from_millis(1))).unwrap());
}
