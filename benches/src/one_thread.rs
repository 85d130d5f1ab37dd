//! Exchanges in one thread: a client connects and sends, `handle_new_messages` serves, the client receives. No scheduler
//! takes part, so these are the figures that come out alike each time.

use std::time::{Duration, Instant};

use rustix::process::getppid;

use crate::Outcome;
use crate::peers::OneThread;

/// Makes that many exchanges.
pub(crate) fn exchange<T: OneThread>(subject: &mut T, exchanges: usize) -> Outcome<Duration> {
    let start = Instant::now();
    for _ in 0..exchanges {
        client_sends(subject)?;
        server_serves(subject)?;
        client_receives(subject)?;
    }
    Ok(start.elapsed())
}

/// Makes that many exchanges and says how long the server's part of them took.
pub(crate) fn serve<T: OneThread>(subject: &mut T, exchanges: usize) -> Outcome<Duration> {
    let mut took = Duration::ZERO;
    for _ in 0..exchanges {
        client_sends(subject)?;
        let start = Instant::now();
        server_serves(subject)?;
        took += start.elapsed();
        client_receives(subject)?;
    }
    Ok(took)
}

/// Makes that many exchanges, with a system call that nothing else makes between their parts.
pub(crate) fn marked<T: OneThread>(subject: &mut T, exchanges: usize) -> Outcome {
    for _ in 0..exchanges {
        mark();
        client_sends(subject)?;
        mark();
        server_serves(subject)?;
        mark();
        client_receives(subject)?;
        mark();
    }
    Ok(())
}

// Functions of their own, which callgrind can tell apart by name.

#[inline(never)]
fn client_sends<T: OneThread>(subject: &mut T) -> Outcome {
    subject.send()
}

#[inline(never)]
fn server_serves<T: OneThread>(subject: &mut T) -> Outcome {
    subject.serve()
}

#[inline(never)]
fn client_receives<T: OneThread>(subject: &mut T) -> Outcome {
    subject.receive()
}

fn mark() {
    let _ = getppid();
}
