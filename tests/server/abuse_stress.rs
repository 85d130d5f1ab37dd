//! Clients that do anything in any order, on servers of few places: they pipeline commands and read no reply, stop in
//! the middle of a command, send garbage, make handlers panic, leave. No reply is lost or doubled, no more of them wait
//! than may, and whatever ends is counted once. Clients and server take turns in one thread; what is asserted holds
//! whenever a deadline passes.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::cases::cases;
use crate::support::{Scratch, add, connect, is_readable, watched};
use ipc_server::codec::Bincode;
use ipc_server::wire::Both;
use ipc_server::{IpcServer, IpcServerCommand, ServerBuffers};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

/// The bytes of a [`Command::Fill`].
const COMMAND: usize = 5;

/// The bytes of its reply. A socket that nobody reads takes some dozens of them.
const REPLY: usize = 4000;

/// The capacity: one reply, and the next does not fit beside it.
const CAPACITY: usize = 4096;

/// More turns than these clients can ask for.
const PLENTY: usize = 2048;

/// A deadline that passes all the time, and one that never does.
const SHORT: Duration = Duration::from_millis(4);
const LONG: Duration = Duration::from_secs(3600);

/// How long the server may have something to do without a client that sends.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    /// Asks for [`REPLY`] such bytes.
    Fill(u8),
    Panic,
    /// Asks for a reply without bytes.
    Nothing,
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
enum Reply {
    Filled(Box<[[u128; 25]; REPLY / 400]>),
    Empty,
}

/// How many commands were executed of those that end a connection and that the server need not count.
#[derive(Default)]
struct Executed {
    panics: usize,
    empty_replies: usize,
}

impl IpcServerCommand for Command {
    type Response = Reply;
    type Context<'a> = &'a mut Executed;

    fn process(self, executed: &mut Self::Context<'_>) -> Reply {
        match self {
            Self::Fill(byte) => Reply::Filled(Box::new([[u128::from_ne_bytes([byte; 16]); 25]; REPLY / 400])),
            Self::Panic => {
                executed.panics += 1;
                // Without the message on the standard error.
                std::panic::resume_unwind(Box::new("as told"))
            }
            Self::Nothing => {
                executed.empty_replies += 1;
                Reply::Empty
            }
        }
    }
}

/// What a client sends last.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Last {
    Panic,
    Nothing,
    Garbage,
}

impl Last {
    fn bytes(self) -> [u8; 4] {
        match self {
            Self::Panic => [1, 0, 0, 0],
            Self::Nothing => [2, 0, 0, 0],
            Self::Garbage => [0xff; 4],
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Connect,
    /// One of the newest clients has so many more commands to send, perhaps its last, and sends `most` bytes at most.
    Send {
        who: usize,
        commands: usize,
        last: Option<Last>,
        most: usize,
    },
    /// Every client reads so many bytes at most.
    Read(usize),
    /// One of the newest clients closes its connection.
    Leave {
        who: usize,
    },
    /// A part of the short deadline passes.
    Sleep,
    /// The daemon looks after its socket.
    Turn,
}

fn step() -> impl Strategy<Value = Step> {
    let commands = prop_oneof![5 => 0..5_usize, 1 => 0..90_usize];
    let last = prop::option::weighted(0.1, select(&[Last::Panic, Last::Nothing, Last::Garbage]));
    let most = prop_oneof![4 => Just(usize::MAX), 1 => 0..20_usize, 1 => 0..300_usize];
    let send = (0..100_usize, commands, last, most);
    prop_oneof![
        10 => Just(Step::Connect),
        14 => send.prop_map(|(who, commands, last, most)| Step::Send { who, commands, last, most }),
        4 => (0..30_000_usize).prop_map(Step::Read),
        2 => (0..100_usize).prop_map(|who| Step::Leave { who }),
        1 => Just(Step::Sleep),
        9 => Just(Step::Turn),
    ]
}

#[derive(Clone, Debug)]
struct Case {
    places: usize,
    keep_open: bool,
    work_per_call: usize,
    deadline: Duration,
    steps: Vec<Step>,
}

fn case() -> impl Strategy<Value = Case> {
    let places = select(&[1, 2, 4, 40]);
    let work_per_call = select(&[1, 3, PLENTY]);
    let deadline = select(&[SHORT, LONG]);
    let steps = prop::collection::vec(step(), 1..200);
    (places, any::<bool>(), work_per_call, deadline, steps).prop_map(
        |(places, keep_open, work_per_call, deadline, steps)| Case {
            places,
            keep_open,
            work_per_call,
            deadline,
            steps,
        },
    )
}

/// A client that knows which bytes the server owes it.
struct Client {
    /// None once it has left.
    socket: Option<UnixStream>,
    number: usize,
    keep_open: bool,
    /// How many commands with a reply it has sent or means to send, and what comes after them.
    commands: usize,
    last: Option<Last>,
    unsent: Vec<u8>,
    sent: usize,
    received: usize,
    /// Whether it has seen the end of the connection.
    closed: bool,
}

impl Client {
    fn new(number: usize, path: &str, keep_open: bool) -> Self {
        let socket = connect(path);
        socket.set_nonblocking(true).unwrap();
        Self {
            socket: Some(socket),
            number,
            keep_open,
            commands: 0,
            last: None,
            unsent: Vec::new(),
            sent: 0,
            received: 0,
            closed: false,
        }
    }

    fn is_open(&self) -> bool {
        self.socket.is_some() && !self.closed
    }

    /// Whether the server, which has read all, waits for its next command and not for the rest of one.
    fn is_idle(&self) -> bool {
        self.sent > 0 && self.sent.is_multiple_of(COMMAND)
    }

    /// What fills one of its replies: not the same as the replies before and after it, or another client's.
    #[expect(clippy::cast_possible_truncation, reason = "any byte will do")]
    fn filling(&self, reply: usize) -> u8 {
        (self.number * 37 + reply) as u8
    }

    /// How many replies there are to so many commands.
    fn replies_to(&self, commands: usize) -> usize {
        if self.keep_open { commands } else { commands.min(1) }
    }

    fn plan(&mut self, commands: usize, last: Option<Last>) {
        if self.last.is_some() {
            return;
        }
        for _ in 0..commands {
            self.unsent.extend([0, 0, 0, 0, self.filling(self.commands)]);
            self.commands += 1;
        }
        self.unsent.extend(last.iter().flat_map(|last| last.bytes()));
        self.last = last;
    }

    fn send(&mut self, most: usize) {
        let Some(socket) = &mut self.socket else { return };
        let length = self.unsent.len().min(most);
        // The server may have closed the connection, or not have read for so long that the socket takes no more.
        if let Ok(sent) = socket.write(&self.unsent[..length]) {
            self.unsent.drain(..sent);
            self.sent += sent;
        }
    }

    fn read(&mut self, most: usize) {
        let Some(socket) = self.socket.as_mut().filter(|_| !self.closed) else { return };
        let mut bytes = Vec::new();
        match socket.take(most as u64).read_to_end(&mut bytes) {
            Ok(_) => self.closed = bytes.len() < most,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.closed = true,
            Err(error) => panic!("{error}"),
        }
        self.receive(&bytes);
    }

    /// Asserts that these bytes continue the replies to the commands that are sent.
    fn receive(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (reply, offset) = (self.received / REPLY, self.received % REPLY);
            let replies = self.replies_to((self.sent / COMMAND).min(self.commands));
            assert!(reply < replies, "client {} has more than its {replies} replies", self.number);
            let (part, rest) = bytes.split_at(bytes.len().min(REPLY - offset));
            assert!(
                part == &[self.filling(reply); REPLY][..part.len()],
                "client {} has something else than its reply {reply} from byte {offset} on",
                self.number
            );
            self.received += part.len();
            bytes = rest;
        }
    }

    /// Asserts that it, which has sent everything and was not cut off, has all of its replies.
    fn assert_answered(&self) {
        assert_eq!(self.received, self.replies_to(self.commands) * REPLY, "the replies to client {}", self.number);
    }
}

type Server<const PLACES: usize> =
    IpcServer<Command, Both<Bincode>, CAPACITY, PLACES, Box<ServerBuffers<CAPACITY, PLACES>>>;

/// A server, its clients, and what its handlers did.
struct Scene<'c, const PLACES: usize> {
    case: &'c Case,
    scratch: Scratch,
    server: Server<PLACES>,
    clients: Vec<Client>,
    executed: Executed,
}

impl<'c, const PLACES: usize> Scene<'c, PLACES> {
    fn new(case: &'c Case) -> Self {
        let scratch = Scratch::new();
        let server = IpcServer::<Command>::builder()
            .buffers(Box::new(ServerBuffers::new()))
            .keep_open(case.keep_open)
            .work_per_call(case.work_per_call)
            .deadline(case.deadline)
            .bind(scratch.path("s"))
            .unwrap();
        Self { case, scratch, server, clients: Vec::new(), executed: Executed::default() }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Connect => {
                let path = self.scratch.path("s");
                self.clients.push(Client::new(self.clients.len(), &path, self.case.keep_open));
            }
            Step::Send { who, commands, last, most } => {
                if let Some(client) = self.one_of_the_newest(who) {
                    client.plan(commands, last);
                    client.send(most);
                }
            }
            Step::Read(most) => self.clients.iter_mut().for_each(|client| client.read(most)),
            Step::Leave { who } => {
                if let Some(client) = self.one_of_the_newest(who) {
                    client.socket = None;
                }
            }
            Step::Sleep if self.case.deadline == SHORT => std::thread::sleep(SHORT / 4),
            Step::Sleep => {}
            Step::Turn => {
                self.turn();
            }
        }
    }

    /// One of those that still have a place, or may get one: `who` modulo their number.
    fn one_of_the_newest(&mut self, who: usize) -> Option<&mut Client> {
        let back = who % (2 * PLACES + 2).min(self.clients.len()).max(1);
        self.clients.iter_mut().nth_back(back)
    }

    /// One turn of a daemon that catches panics, and what is true after every turn. Whether nothing panicked.
    fn turn(&mut self) -> bool {
        let before = *self.server.totals();
        let panics_before = self.executed.panics;
        let call = || self.server.handle_new_messages(&mut self.executed).unwrap();
        let handled = catch_unwind(AssertUnwindSafe(call)).ok();
        let panics = self.executed.panics - panics_before;
        assert_eq!(panics, usize::from(handled.is_none()));
        // Beside the connections the listener and the alarm.
        let connections = watched(&self.server) - 2;
        assert!(connections <= PLACES, "{connections} connections wait in {PLACES} places");
        let Some(handled) = handled else { return false };
        assert_eq!(handled.pending, connections);
        let mut sum = before;
        add(&mut sum, handled);
        assert_eq!(*self.server.totals(), sum);
        true
    }

    /// The daemon takes turns, and whoever is there reads, until there is nothing to do. It does not take more turns than there
    /// are things to do: to accept, to answer, to close.
    fn settle(&mut self) {
        let end = Instant::now() + PATIENCE;
        let to_do: usize = self.clients.iter().map(|client| 2 + client.sent / COMMAND).sum();
        let mut turns = 0;
        loop {
            // What is pending is known from a call that returned.
            let returned = self.turn();
            self.take(&Step::Read(usize::MAX));
            if returned && !is_readable(&self.server) {
                return;
            }
            turns += 1;
            // A deadline wakes the server too.
            assert!(turns <= 2 * to_do || self.case.deadline == SHORT, "{turns} turns for {to_do} things to do");
            assert!(Instant::now() < end, "there is always something to do");
        }
    }

    fn open(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().filter(|client| client.is_open())
    }

    /// Whoever owes the rest of a command is not waited for any more; whoever is between two commands is.
    fn outlast_the_deadlines(&mut self) {
        let idle: Vec<_> = self.open().filter(|client| client.is_idle()).map(|client| client.number).collect();
        let end = Instant::now() + PATIENCE;
        while self.server.next_deadline().is_some() {
            assert!(self.server.wait(Some(PATIENCE)).unwrap(), "the deadline wakes nobody");
            self.settle();
            assert!(Instant::now() < end, "there is always a deadline");
        }
        let open: Vec<_> = self.open().map(|client| client.number).collect();
        assert_eq!(open, idle);
    }

    /// Those that are open as they see it are what the server waits for, and they get the rest of their replies.
    fn finish(&mut self) {
        let open: Vec<_> = self.open().map(|client| client.number).collect();
        let before = *self.server.totals();
        assert_eq!(open.len(), before.pending);
        for &number in &open {
            let client = &mut self.clients[number];
            client.send(usize::MAX);
            assert!(client.unsent.is_empty());
        }
        self.settle();
        // The short deadline may pass before a client has had its turn to read.
        if self.server.totals().expired == before.expired {
            open.into_iter().for_each(|number| self.clients[number].assert_answered());
        }
    }

    fn everyone_leaves(&mut self) {
        self.clients.iter_mut().for_each(|client| client.socket = None);
        self.settle();
        assert_eq!(self.server.totals().pending, 0);
    }

    /// Newcomers find all places free.
    fn fill_the_places(&mut self) {
        let evicted = self.server.totals().evicted;
        (0..PLACES).for_each(|_| self.take(&Step::Connect));
        self.settle();
        assert_eq!(self.server.totals().evicted, evicted);
    }

    /// Every connection has ended, for one reason.
    fn assert_counted(&self) {
        let totals = self.server.totals();
        assert_eq!((totals.refused, totals.failed, totals.paused), (0, 0, 0));
        let ended = totals.rejected + totals.expired + totals.evicted + totals.closed + self.executed.panics;
        let connections = self.clients.len();
        if self.case.keep_open {
            // An empty reply ends a connection too, unless something else does while those before it are unsent.
            let possible = ended..=ended + self.executed.empty_replies;
            assert!(possible.contains(&connections), "{connections} connections, {possible:?} ends: {totals:?}");
        } else {
            assert_eq!(ended + totals.served, connections, "{totals:?}");
        }
    }
}

fn play<const PLACES: usize>(case: &Case) {
    let mut scene = Scene::<PLACES>::new(case);
    case.steps.iter().for_each(|step| scene.take(step));
    scene.settle();
    if case.deadline == SHORT {
        scene.outlast_the_deadlines();
    }
    scene.finish();
    scene.everyone_leaves();
    scene.fill_the_places();
    scene.everyone_leaves();
    scene.assert_counted();
}

/// The same cases in every run.
#[test]
fn nothing_is_lost_doubled_or_left_behind() {
    let config = Config { failure_persistence: None, max_shrink_time: 10_000, ..cases(200) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&case(), |case| {
            match case.places {
                1 => play::<1>(&case),
                2 => play::<2>(&case),
                4 => play::<4>(&case),
                _ => play::<40>(&case),
            }
            Ok(())
        })
        .unwrap();
}
