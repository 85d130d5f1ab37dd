//! What the server says through the log crate, and how little of it a hostile client can cause.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::cell::RefCell;
use std::process;
use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use ipc_server::{Handled, IpcServer, IpcServerCommand};
use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use support::{Command, Response, Scratch, connect, connect_and_send, handle_until, response};

thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps each line for the thread whose server wrote it.
struct Keeper;

impl Log for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        assert_eq!(record.target(), "ipc_server");
        LINES.with_borrow_mut(|lines| lines.push((record.level(), record.args().to_string())));
    }

    fn flush(&self) {}
}

/// Held for reading by every test, and for writing by the one that changes the process.
static PROCESS: RwLock<()> = RwLock::new(());

fn keep_lines() -> RwLockReadGuard<'static, ()> {
    install_keeper();
    PROCESS.read().unwrap_or_else(PoisonError::into_inner)
}

fn install_keeper() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Keeper).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

fn lines() -> Vec<(Level, String)> {
    LINES.take()
}

/// How this process is named as a client.
fn us() -> String {
    format!("the client of user {} (process {})", geteuid().as_raw(), process::id())
}

#[test]
fn what_goes_well_is_not_logged() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());
    drop(connect(&path));
    let handled = handle_until(&mut server, &mut Vec::new(), |sum| (sum.served, sum.closed) == (1, 1));
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    assert_eq!(handled, *server.totals());
    assert_eq!(lines(), []);
}

#[test]
fn a_refused_client_is_named() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().authorize(|_| false).bind(&path).unwrap();
    let _client = connect(&path);
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().refused, 1);
    assert_eq!(lines(), [(Level::Warn, format!("refused {}: it is not authorized", us()))]);
}

#[test]
fn a_rejected_client_is_named_with_what_it_sent() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let _malformed = connect_and_send(&path, b"\x09\0\0\0");
    let _too_large = connect_and_send(&path, b"\0\0\0\0\xf5\x03\0\0\0\0\0\0");
    drop(connect_and_send(&path, b"\x02\0\0\0\x45"));
    handle_until(&mut server, &mut Vec::new(), |sum| sum.rejected == 3);
    let us = us();
    assert_eq!(
        lines(),
        [
            (
                Level::Warn,
                format!(
                    "closed the connection of {us}: the peer sent what is not a command: an enum has no variant of \
                     index 9"
                )
            ),
            (Level::Warn, format!("closed the connection of {us}: the peer's command is longer than 1024 bytes")),
            (
                Level::Info,
                format!(
                    "closed the connection of {us}: the peer closed the connection after 5 bytes of an unfinished \
                     command"
                )
            ),
        ]
    );
}

#[test]
fn an_expired_and_an_evicted_client_are_named() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let builder = IpcServer::<Command>::builder().connections::<1>().deadline(Duration::from_millis(20));
    let mut server = builder.bind(&path).unwrap();
    let _first = connect(&path);
    let _second = connect(&path);
    handle_until(&mut server, &mut Vec::new(), |sum| (sum.evicted, sum.expired) == (1, 1));
    let us = us();
    assert_eq!(
        lines(),
        [
            (
                Level::Warn,
                format!(
                    "closed the connection of {us}: a newer one needs its place; more connections may wait if the \
                     server is built with `connections`"
                )
            ),
            (Level::Info, format!("closed the connection of {us}: its exchange was not finished within the deadline")),
        ]
    );
}

#[test]
fn a_response_that_does_not_fit_is_an_error() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let _client = connect_and_send(&path, &Command::Repeat { length: 2000 }.bytes());
    assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().failed, 1);
    let reason = "the response could not be encoded: the encoding is longer than the buffer";
    assert_eq!(lines(), [(Level::Error, format!("closed the connection of {}: {reason}", us()))]);
}

#[test]
fn a_hostile_client_cannot_flood_the_log() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let start = Instant::now();
    for _ in 0..500 {
        let _hostile = connect_and_send(&path, &[0xff; 64]);
        assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap().rejected, 1);
    }
    let mut written = lines();
    // Ten lines and one about those left out in each second that has begun.
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
    assert!(written.len() <= 11 * seconds, "{} lines in {seconds} s", written.len());

    // What was left out is told without another fault.
    let mut named = 0;
    let mut left_out = 0;
    while named + left_out < 500 {
        assert!(start.elapsed() < Duration::from_secs(20), "{named} lines, {left_out} left out");
        server.wait(Some(Duration::from_millis(20))).unwrap();
        assert_eq!(server.handle_new_messages(&mut Vec::new()).unwrap(), Handled::default());
        written.extend(lines());
        for (_, line) in written.drain(..) {
            match line.strip_suffix(" more lines like these were left out") {
                Some(number) => left_out += number.parse::<usize>().unwrap(),
                None => named += 1,
            }
        }
    }
    assert_eq!(named + left_out, 500);
    assert_eq!(server.totals().rejected, 500);
}

/// Refuses everything, quoting what came.
#[derive(Serialize, Debug)]
struct Quoting;

impl<'de> Deserialize<'de> for Quoting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(D::Error::custom(format_args!("not a name: \"{text}\"")))
    }
}

impl IpcServerCommand for Quoting {
    type Response = u8;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> u8 {
        0
    }
}

#[test]
fn a_hostile_client_cannot_forge_a_line() {
    let _guard = keep_lines();
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Quoting>::new(&path).unwrap();
    let _hostile = connect_and_send(&path, b"\x0b\0\0\0\0\0\0\0x\nroot\x1b[2Jo");
    assert_eq!(server.handle_new_messages(()).unwrap().rejected, 1);
    let [(_, line)] = lines().try_into().unwrap();
    assert!(line.ends_with(r#"the type refused the message: not a name: "x\nroot\u{1b}[2Jo""#), "{line}");
}

#[test]
fn a_pause_is_logged_and_counted() {
    install_keeper();
    let _alone = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let mut client = connect_and_send(&path, &Command::Push { x: 1 }.bytes());

    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit }).unwrap();
    let handled = server.handle_new_messages(&mut Vec::new());
    setrlimit(Resource::Nofile, limit).unwrap();

    assert_eq!(handled.unwrap().paused, 1);
    let [(level, line)] = lines().try_into().unwrap();
    assert_eq!(level, Level::Warn);
    assert!(line.starts_with("no connection is accepted for a while: no file descriptor or memory is left"), "{line}");
    handle_until(&mut server, &mut Vec::new(), |sum| sum.served == 1);
    assert_eq!(response(&mut client), Response::Push { x: 1 });
    assert_eq!(server.totals().paused, 1);
}
