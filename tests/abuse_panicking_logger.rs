//! A logger that panics, as one does that prints to a pipe which nobody reads, costs nobody but the client that it was to
//! tell of, if the daemon catches the panic and goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use ipc_server::IpcServer;
use log::{LevelFilter, Log, Metadata, Record};
use support::{Command, Response, Scratch, connect_and_send, response, until_closed, watched};

/// Panics at the next line.
struct Fuse(AtomicBool);

static FUSE: Fuse = Fuse(AtomicBool::new(false));

impl Log for Fuse {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {
        if self.0.swap(false, Ordering::Relaxed) {
            // Without the message on the standard error.
            resume_unwind(Box::new("as told"));
        }
    }

    fn flush(&self) {}
}

#[test]
fn no_place_and_no_byte_is_lost() {
    log::set_logger(&FUSE).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Command>::builder().connections::<2>().bind(&path).unwrap();
    let mut stack = Vec::new();
    let bytes = Command::Push { x: 1 }.bytes();
    // The log is bounded to ten lines a second.
    for _ in 0..4 {
        let mut evicted = connect_and_send(&path, &bytes[..5]);
        let mut waiting = connect_and_send(&path, &bytes[..5]);
        assert_eq!(server.handle_new_messages(&mut stack).unwrap().pending, 2);
        FUSE.0.store(true, Ordering::Relaxed);
        let mut garbage = connect_and_send(&path, &[0xff; 8]);
        catch_unwind(AssertUnwindSafe(|| server.handle_new_messages(&mut stack).unwrap())).unwrap_err();
        assert_eq!(until_closed(&mut garbage), b"");

        FUSE.0.store(true, Ordering::Relaxed);
        let mut newcomer = connect_and_send(&path, &bytes[..5]);
        catch_unwind(AssertUnwindSafe(|| server.handle_new_messages(&mut stack).unwrap())).unwrap_err();
        assert_eq!(until_closed(&mut evicted), b"");
        assert_eq!(watched(&server), 4, "two connections, the listener and the alarm");

        let mut honest = connect_and_send(&path, &bytes);
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!((handled.served, handled.evicted, handled.pending), (1, 0, 2));
        waiting.write_all(&bytes[5..]).unwrap();
        newcomer.write_all(&bytes[5..]).unwrap();
        let handled = server.handle_new_messages(&mut stack).unwrap();
        assert_eq!((handled.served, handled.pending), (2, 0));
        for client in [&mut honest, &mut waiting, &mut newcomer] {
            assert_eq!(response(client), Response::Push { x: 1 });
        }
    }
}
