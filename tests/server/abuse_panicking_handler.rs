//! A handler that panics costs its own client the reply, and nobody else anything, if the daemon catches the panic and
//! goes on.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::support::{Scratch, connect, connect_and_send, is_readable, until_closed};
use ipc_server::{Handled, IpcServer, IpcServerCommand};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
enum Fuse {
    Double(u8),
    Panic,
}

const DOUBLE_FOUR: &[u8] = b"\0\0\0\0\x04";
const PANIC: &[u8] = b"\x01\0\0\0";

impl IpcServerCommand for Fuse {
    type Response = u8;
    type Context<'a> = ();

    fn process(self, _: &mut Self::Context<'_>) -> u8 {
        match self {
            Self::Double(number) => number * 2,
            // Without the message on the standard error.
            Self::Panic => std::panic::resume_unwind(Box::new("as told")),
        }
    }
}

/// One turn of a daemon that catches panics: what was handled, if nothing panicked.
fn turn<const M: usize>(
    server: &mut IpcServer<Fuse, ipc_server::wire::Both<ipc_server::codec::Bincode>, 1024, M>,
) -> Option<Handled> {
    catch_unwind(AssertUnwindSafe(|| server.handle_new_messages(()).unwrap())).ok()
}

fn finish(client: &mut UnixStream) {
    client.write_all(&DOUBLE_FOUR[2..]).unwrap();
}

#[test]
fn other_connections_are_intact_and_the_next_call_works() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Fuse>::new(&path).unwrap();
    let mut before = connect_and_send(&path, &DOUBLE_FOUR[..2]);
    let mut parked = connect_and_send(&path, &PANIC[..2]);
    let mut after = connect_and_send(&path, &DOUBLE_FOUR[..2]);
    assert_eq!(turn(&mut server).unwrap().pending, 3);

    // A newcomer, and one that has waited.
    let mut newcomer = connect_and_send(&path, PANIC);
    assert_eq!(turn(&mut server), None);
    parked.write_all(&PANIC[2..]).unwrap();
    assert_eq!(turn(&mut server), None);
    assert_eq!(until_closed(&mut newcomer), b"");
    assert_eq!(until_closed(&mut parked), b"");

    finish(&mut before);
    finish(&mut after);
    let mut honest = connect_and_send(&path, DOUBLE_FOUR);
    let handled = turn(&mut server).unwrap();
    assert_eq!((handled.served, handled.pending), (3, 0));
    for client in [&mut before, &mut after, &mut honest] {
        assert_eq!(until_closed(client), [8]);
    }
    assert!(!is_readable(&server));
}

#[test]
fn what_was_done_before_a_panic_is_counted() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Fuse>::builder().connections::<20>().bind(&path).unwrap();
    let mut clients: Vec<_> = (0..10).map(|_| connect_and_send(&path, &DOUBLE_FOUR[..2])).collect();
    let mut fuse = connect_and_send(&path, &PANIC[..2]);
    assert_eq!(turn(&mut server).unwrap().pending, 11);
    clients.iter_mut().for_each(finish);
    fuse.write_all(&PANIC[2..]).unwrap();

    assert_eq!(turn(&mut server), None);
    let totals = *server.totals();
    let answered = clients.iter().filter(|client| is_readable(*client)).count();
    assert_eq!(totals.served, answered);
    assert!(answered > 0, "the panic came first: nothing is shown");

    let rest = turn(&mut server).unwrap();
    assert_eq!((totals.served + rest.served, rest.pending), (10, 0));
    assert_eq!(server.totals().served, 10);
}

/// A newcomer makes a server with one place look at the one that waits, whose command has just come.
#[test]
fn a_newcomer_outlives_the_panic_of_whoever_makes_room() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    // One turn a call: that of the listener comes first at times.
    let builder = IpcServer::<Fuse>::builder().connections::<1>().work_per_call(1);
    let mut server = builder.deadline(Duration::from_secs(60)).bind(&path).unwrap();
    for _ in 0..50 {
        let mut fuse = connect_and_send(&path, &PANIC[..2]);
        assert_eq!(turn(&mut server).unwrap().pending, 1);
        let mut newcomer = connect_and_send(&path, &DOUBLE_FOUR[..2]);
        fuse.write_all(&PANIC[2..]).unwrap();
        let mut panics = 0;
        while is_readable(&server) {
            panics += usize::from(turn(&mut server).is_none());
        }
        assert_eq!(panics, 1);
        assert_eq!(until_closed(&mut fuse), b"");

        assert!(server.next_deadline().is_some());
        finish(&mut newcomer);
        let handled = turn(&mut server).unwrap();
        assert_eq!((handled.served, handled.pending), (1, 0));
        assert_eq!(until_closed(&mut newcomer), [8]);
    }
}

#[test]
fn panics_again_and_again_use_nothing_up() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Fuse>::builder().connections::<2>().bind(&path).unwrap();
    for _ in 0..100 {
        let mut client = connect_and_send(&path, &PANIC[..1]);
        assert_eq!(turn(&mut server).unwrap().pending, 1);
        client.write_all(&PANIC[1..]).unwrap();
        assert_eq!(turn(&mut server), None);
        let mut honest = connect_and_send(&path, DOUBLE_FOUR);
        let handled = turn(&mut server).unwrap();
        assert_eq!((handled.served, handled.pending, handled.evicted), (1, 0, 0));
        assert_eq!(until_closed(&mut honest), [8]);
    }
}

#[test]
fn a_panic_at_a_deadline_does_not_stop_the_clock() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let limit = Duration::from_millis(50);
    let mut server = IpcServer::<Fuse>::builder().deadline(limit).bind(&path).unwrap();
    // The deadlines of a silent client and of one whose command panics pass while the daemon is busy elsewhere.
    let mut silent = connect(&path);
    let mut fuse = connect_and_send(&path, &PANIC[..1]);
    assert_eq!(turn(&mut server).unwrap().pending, 2);
    while server.next_deadline() != Some(Duration::ZERO) {
        std::thread::yield_now();
    }
    fuse.write_all(&PANIC[1..]).unwrap();
    assert_eq!(turn(&mut server), None);

    // Whoever sleeps on the server's descriptor is woken for the silent one.
    let end = Instant::now() + Duration::from_secs(10);
    let mut expired = 0;
    while expired == 0 {
        assert!(Instant::now() < end, "the silent client is never closed");
        server.wait(Some(Duration::from_secs(10))).unwrap();
        expired += turn(&mut server).unwrap().expired;
    }
    assert_eq!(until_closed(&mut silent), b"");
    assert_eq!(server.next_deadline(), None);
    let mut honest = connect_and_send(&path, DOUBLE_FOUR);
    assert_eq!(turn(&mut server).unwrap().served, 1);
    assert_eq!(until_closed(&mut honest), [8]);
}
