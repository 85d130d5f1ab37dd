//! When a server looks for newcomers again after a shortage of descriptors. It is a process of its own, since their limit is the
//! process's.

use std::time::{Duration, Instant};

use crate::process::{Process, say, socket};
use crate::support::{Command, Scratch, add, connect_and_send};
use ipc_server::{Handled, IpcServer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Has no descriptor left while one connection after the other expires.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_that_expires_many() {
    let limit = Duration::from_millis(40);
    let mut server = IpcServer::<Command>::builder().deadline(limit).bind(socket()).unwrap();
    let mut sum = Handled::default();
    let mut halves = Vec::new();
    for _ in 0..6 {
        halves.push(connect_and_send(&socket(), b"\0"));
        add(&mut sum, server.handle_new_messages(&mut Vec::new()).unwrap());
        let begin = Instant::now();
        // So that no two expire together.
        while begin.elapsed() < Duration::from_millis(3) {}
    }
    let _waiting = connect_and_send(&socket(), b"\0");
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) }).unwrap();
    let begin = Instant::now();
    while sum.expired < halves.len() {
        server.wait(Some(limit)).unwrap();
        add(&mut sum, server.handle_new_messages(&mut Vec::new()).unwrap());
    }
    let pauses = usize::try_from(begin.elapsed().as_millis() / 50).unwrap() + 1;
    say(format_args!("{}", (1..=pauses).contains(&sum.paused)));
}

#[test]
fn a_pause_of_accepting_is_not_cut_short_by_a_connection_that_expires() {
    let scratch = Scratch::new();
    let part = Process::start(part_that_expires_many, &scratch.path("s"));
    assert_eq!(part.hear(), "true");
    assert!(part.end().success());
}
