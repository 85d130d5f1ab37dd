//! What the tests share: the published example's commands, sockets in temporary directories, plain clients.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "tests; each file uses a part")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::wire::ServerWire;
use ipc_server::{Handled, IpcServer, IpcServerCommand};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// The commands of the published example, and one whose reply has a chosen length.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Print { payload: String },
    Add { a: u64, b: u64 },
    Push { x: u64 },
    Repeat { length: u32 },
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub(crate) enum Response {
    PrintAck,
    Add { c: u64 },
    Push { x: u64 },
    Text(String),
}

impl Command {
    fn execute(self, stack: &mut Vec<u64>) -> Response {
        match self {
            Self::Print { .. } => Response::PrintAck,
            Self::Add { a, b } => Response::Add { c: a.wrapping_add(b) },
            Self::Push { x } => {
                stack.push(x);
                Response::Push { x }
            }
            Self::Repeat { length } => Response::Text("r".repeat(length as usize)),
        }
    }

    /// As bincode 1.3.3 encodes it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        bincode::serialize(self).unwrap()
    }
}

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Vec<u64>;

    fn process(self, context: &mut Self::Context<'_>) -> Response {
        self.execute(context)
    }
}

impl upstream::IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Vec<u64>;

    fn process(self, context: &mut Self::Context<'_>) -> Response {
        self.execute(context)
    }
}

/// A directory for one test's sockets.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

/// A plain client, which gives up after ten seconds.
pub(crate) fn connect(path: &str) -> UnixStream {
    let client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    client
}

/// A plain client that has sent `bytes`.
pub(crate) fn connect_and_send(path: &str, bytes: &[u8]) -> UnixStream {
    let mut client = connect(path);
    client.write_all(bytes).unwrap();
    client
}

/// Reads one response, with bincode 1.3.3.
pub(crate) fn response(client: &mut UnixStream) -> Response {
    bincode::deserialize_from(client).expect("a response")
}

/// What is left to read until the server has closed the connection. A reset counts as closed.
pub(crate) fn until_closed(client: &mut UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match client.read(&mut chunk) {
            Ok(0) => return bytes,
            Ok(length) => bytes.extend(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return bytes,
            Err(error) => panic!("the server has not closed the connection: {error}"),
        }
    }
}

/// Asserts that the connection is open and nothing has come.
pub(crate) fn assert_silent(client: &mut UnixStream) {
    client.set_nonblocking(true).unwrap();
    let error = client.read(&mut [0]).expect_err("neither bytes nor the end");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
}

/// Calls `handle_new_messages` until `done` says so of the sum of what was handled.
pub(crate) fn handle_until<K: ServerWire, const N: usize, const M: usize>(
    server: &mut IpcServer<Command, K, N, M>,
    stack: &mut Vec<u64>,
    done: impl Fn(&Handled) -> bool,
) -> Handled {
    let end = Instant::now() + Duration::from_secs(20);
    let mut sum = Handled::default();
    while !done(&sum) {
        assert!(Instant::now() < end, "not done in time: {sum:?}");
        server.wait(Some(Duration::from_millis(100))).unwrap();
        add(&mut sum, server.handle_new_messages(stack).unwrap());
    }
    sum
}

/// Serves while `clients` runs in a thread of its own, and says what was handled until all was.
pub(crate) fn serve_while<K: ServerWire, const N: usize, const M: usize>(
    server: &mut IpcServer<Command, K, N, M>,
    stack: &mut Vec<u64>,
    clients: impl FnOnce() + Send,
) -> Handled {
    let mut sum = Handled::default();
    thread::scope(|scope| {
        let clients = scope.spawn(clients);
        while !clients.is_finished() || server.wait(Some(Duration::ZERO)).unwrap() {
            server.wait(Some(Duration::from_millis(10))).unwrap();
            add(&mut sum, server.handle_new_messages(stack).unwrap());
        }
    });
    sum
}

/// Adds what one call did to the sum; what is pending is the last call's.
pub(crate) fn add(sum: &mut Handled, handled: Handled) {
    sum.served += handled.served;
    sum.rejected += handled.rejected;
    sum.refused += handled.refused;
    sum.expired += handled.expired;
    sum.evicted += handled.evicted;
    sum.failed += handled.failed;
    sum.closed += handled.closed;
    sum.paused += handled.paused;
    sum.pending = handled.pending;
}

/// Whether the server's descriptor says that there is something to do.
pub(crate) fn is_readable(server: &impl AsFd) -> bool {
    poll(&mut [PollFd::new(server, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
}

/// How many descriptors the kernel watches for the server (man 5 proc_pid_fdinfo).
pub(crate) fn watched(server: &impl AsFd) -> usize {
    use std::os::fd::AsRawFd;
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", server.as_fd().as_raw_fd())).unwrap();
    info.lines().filter(|line| line.starts_with("tfd:")).count()
}

/// Raises the soft limit of open files to the hard one.
pub(crate) fn allow_many_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
