//! Descriptors run out and come back. The server is a process of its own, since the limit is the process's.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::process::{Process, patience, say, socket};
use crate::support::{Scratch, assert_silent, connect_and_send, until_closed};
use ipc_server::{Client, IpcServer, IpcServerCommand};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
enum Ask {
    /// How often the daemon has been woken.
    Wakes,
    /// From now on no descriptor is left.
    Exhaust,
    /// Descriptors are left again.
    Recover,
}

impl IpcServerCommand for Ask {
    type Response = u64;
    type Context<'a> = &'a mut u64;

    fn process(self, wakes: &mut Self::Context<'_>) -> u64 {
        let limit = getrlimit(Resource::Nofile);
        let set = |current| setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit }).unwrap();
        match self {
            Self::Wakes => {}
            // Those that are open are beyond it and stay open.
            Self::Exhaust => set(3),
            Self::Recover => set(256),
        }
        **wakes
    }
}

/// A host that does nothing but sleep on the server's descriptor, without a timeout.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_host() {
    let builder = IpcServer::<Ask>::builder().keep_open(true).deadline(Duration::from_secs(60));
    let mut server = builder.bind(socket()).unwrap();
    let mut wakes = 0;
    say("ready");
    let go_on = patience();
    while go_on() {
        poll(&mut [PollFd::new(&server, PollFlags::IN)], None).unwrap();
        wakes += 1;
        server.handle_new_messages(&mut wakes).unwrap();
    }
}

#[test]
fn accepting_pauses_without_a_spin_and_goes_on_when_descriptors_are_back() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let host = Process::start(part_host, &path);
    assert_eq!(host.hear(), "ready");
    let mut open = Client::connect(path.as_str()).unwrap();
    let mut half = connect_and_send(&path, b"\0\0");
    for _ in 0..3 {
        let before = open.call(&Ask::Exhaust).unwrap();
        let start = Instant::now();
        let mut waiting: Vec<_> = (0..5).map(|_| connect_and_send(&path, b"\0\0\0\0")).collect();
        // Those that are open are served meanwhile, each with a wake-up or two.
        let mut calls = 0;
        while start.elapsed() < Duration::from_millis(400) {
            open.call(&Ask::Wakes).unwrap();
            calls += 1;
            std::thread::sleep(Duration::from_millis(10));
        }
        waiting.iter_mut().for_each(assert_silent);
        let wakes = open.call(&Ask::Wakes).unwrap() - before;
        // Twenty pauses in a second.
        let pauses = u64::try_from(start.elapsed().as_millis() / 50).unwrap();
        assert!(wakes <= 2 * (calls + pauses + 2), "{wakes} wake-ups for {calls} calls and {pauses} pauses");

        // Whoever waits is served without anybody else doing anything.
        open.call(&Ask::Recover).unwrap();
        for client in &mut waiting {
            let mut reply = [0; 8];
            std::io::Read::read_exact(client, &mut reply).unwrap();
            assert!(u64::from_le_bytes(reply) > wakes);
        }
    }
    half.write_all(&[0; 2]).unwrap();
    half.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(until_closed(&mut half).len(), 8);
}

/// A server whose `ppoll` fails for want of memory at first, and which then can't watch a connection.
#[test]
#[ignore = "a part, in a process of its own"]
fn part_host_without_memory() {
    let mut server = IpcServer::<Ask>::new(&socket()).unwrap();
    let mut half = connect_and_send(&socket(), b"\0");
    // Not the last time, but a signal handler can do that too.
    say(format_args!("{:?}", server.wait(None)));
    say(format_args!("{:?}", server.wait(None)));
    let handled = server.handle_new_messages(&mut 0).unwrap();
    say(format_args!("{} failed, {} evicted, {} pending", handled.failed, handled.evicted, handled.pending));
    assert_eq!(until_closed(&mut half), b"");
}

#[test]
fn a_want_of_memory_breaks_no_server_and_evicts_nobody() {
    // The first two that are watched are the timer and the listening socket.
    let faults = ["-e", "inject=ppoll:error=ENOMEM:when=1", "-e", "inject=epoll_ctl:error=ENOMEM:when=3"];
    let tool = [&["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=ppoll,epoll_ctl"][..], &faults].concat();
    if !Process::can_start_under(&tool, "a_want_of_memory_breaks_no_server_and_evicts_nobody") {
        return;
    }
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let program = std::env::current_exe().unwrap();
    let part = Process::spawn(&mut Process::command_under(&tool, &program, part_host_without_memory, &path));
    assert_eq!([part.hear(), part.hear()], ["Ok(false)", "Ok(true)"]);
    assert_eq!(part.hear(), "1 failed, 0 evicted, 0 pending");
    assert!(part.end().success());
}
