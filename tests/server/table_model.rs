//! The server's table against a model of it: clients that connect, send parts of commands, leave and make handlers panic,
//! in any order, on servers of few places. Client and server take turns in one thread.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::cases::cases;
use crate::support::{Scratch, add, connect, is_readable, watched};
use ipc_server::codec::Bincode;
use ipc_server::{Handled, IpcServer, IpcServerCommand, ServerBuffers};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

/// How many ready sockets the server sees at once.
const EVENTS: usize = 16;

#[derive(Serialize, Deserialize, Debug)]
enum Fuse {
    Double(u8),
    Panic,
}

impl IpcServerCommand for Fuse {
    type Response = u8;
    type Context<'a> = ();

    fn process(self, (): &mut ()) -> u8 {
        match self {
            Self::Double(number) => number.wrapping_mul(2),
            // Without the message on the standard error.
            Self::Panic => std::panic::resume_unwind(Box::new("as told")),
        }
    }
}

/// What the next bytes of a client are a part of.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Double(u8),
    Panic,
    Garbage,
}

impl Sent {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Double(number) => vec![0, 0, 0, 0, number],
            Self::Panic => vec![1, 0, 0, 0],
            Self::Garbage => vec![0xff; 4],
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A new client, which sends that many bytes of the commands.
    Connect(Vec<Sent>, usize),
    /// One of the clients (modulo their number) sends that many bytes of what it has not sent, and of the commands.
    Send(usize, Vec<Sent>, usize),
    Leave(usize),
    /// The daemon looks after its socket.
    Turn,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sent = || {
        let one = prop_oneof![
            8 => any::<u8>().prop_map(Sent::Double),
            2 => Just(Sent::Panic),
            1 => Just(Sent::Garbage),
        ];
        prop::collection::vec(one, 1..3)
    };
    let step = prop_oneof![
        4 => (sent(), 0..11_usize).prop_map(|(sent, length)| Step::Connect(sent, length)),
        6 => (0..64_usize, sent(), 1..11_usize).prop_map(|(client, sent, length)| Step::Send(client, sent, length)),
        1 => (0..64_usize).prop_map(Step::Leave),
        6 => Just(Step::Turn),
    ];
    prop::collection::vec(step, 1..80)
}

/// A client, and what the server must have made of it.
struct Client {
    socket: Option<UnixStream>,
    /// What it means to send next.
    to_send: VecDeque<u8>,
    /// What the server has not received.
    unread: Vec<u8>,
    /// What the server has received and not used.
    input: Vec<u8>,
    replies: Vec<u8>,
    received: Vec<u8>,
    closed: bool,
    /// Whether no command of its has begun to arrive.
    idle: bool,
    /// Whether the next command may be in `input`, so that the next call has to look.
    has_more: bool,
    /// The last call that served it.
    call: usize,
}

impl Client {
    fn has_left(&self) -> bool {
        self.socket.is_none()
    }

    fn is_ready(&self) -> bool {
        !self.closed && (self.has_left() || self.has_more || !self.unread.is_empty())
    }

    /// What `input` begins with.
    fn next(&self) -> Next {
        match *self.input.as_slice() {
            [0, 0, 0, 0, number, ..] => Next::Double(number),
            [1, 0, 0, 0, ..] => Next::Panic,
            [0xff, _, _, _, ..] => Next::Garbage,
            _ => Next::Part,
        }
    }

    fn send(&mut self, sent: &[Sent], length: usize) {
        self.to_send.extend(sent.iter().flat_map(|sent| sent.bytes()));
        let length = length.min(self.to_send.len());
        let bytes: Vec<u8> = self.to_send.drain(..length).collect();
        self.socket.as_mut().unwrap().write_all(&bytes).unwrap();
        self.unread.extend(bytes);
    }

    /// Reads what has come. Whether the server has closed the connection.
    fn read(&mut self) -> bool {
        let socket = self.socket.as_mut().unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut chunk = [0; 256];
        let closed = loop {
            match socket.read(&mut chunk) {
                Ok(0) => break true,
                Ok(length) => self.received.extend(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(error) => panic!("{error}"),
            }
        };
        socket.set_nonblocking(false).unwrap();
        closed
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Next {
    Double(u8),
    Panic,
    Garbage,
    /// Of a command, or nothing.
    Part,
}

/// That the handler has panicked.
struct Panicked;

/// What one visit makes of a connection.
enum Visited {
    Closed,
    /// It goes on waiting; whether it has finished an exchange.
    Waits(bool),
}

const LISTENER: usize = usize::MAX;

/// What a server of `places` places must do.
struct Model {
    places: usize,
    keep_open: bool,
    work_per_call: usize,
    /// What the current call has done, and how many commands it may still execute.
    handled: Handled,
    left: usize,
    calls: usize,
    totals: Handled,
    clients: Vec<Client>,
    backlog: VecDeque<usize>,
    /// The clients that wait, those first that have waited longest.
    waiting: Vec<usize>,
    /// epoll's list of what has become ready, which it goes through in turn (man 7 epoll).
    ready: VecDeque<usize>,
}

impl Model {
    /// Something has happened to it.
    fn wake(&mut self, who: usize) {
        if !self.ready.contains(&who) {
            self.ready.push_back(who);
        }
    }

    fn wake_client(&mut self, client: usize) {
        if self.waiting.contains(&client) {
            self.wake(client);
        }
    }

    fn connect(&mut self, path: &str, sent: &[Sent], length: usize) {
        let mut client = Client {
            socket: Some(connect(path)),
            to_send: VecDeque::new(),
            unread: Vec::new(),
            input: Vec::new(),
            replies: Vec::new(),
            received: Vec::new(),
            closed: false,
            idle: false,
            has_more: false,
            call: 0,
        };
        client.send(sent, length);
        self.backlog.push_back(self.clients.len());
        self.clients.push(client);
        self.wake(LISTENER);
    }

    fn send(&mut self, number: usize, sent: &[Sent], length: usize) {
        let client = &mut self.clients[number];
        // Never more than fits the server's buffer.
        if !client.closed && !client.has_left() && client.unread.len() < 32 {
            client.send(sent, length);
            self.wake_client(number);
        }
    }

    fn leave(&mut self, number: usize) {
        self.clients[number].socket = None;
        self.wake_client(number);
    }

    /// What one look at epoll reports.
    fn events(&mut self, most: usize) -> Vec<usize> {
        let mut events = Vec::new();
        let mut later = VecDeque::new();
        while events.len() < most {
            let Some(who) = self.ready.pop_front() else { break };
            let ready = if who == LISTENER {
                !self.backlog.is_empty()
            } else {
                self.waiting.contains(&who) && self.clients[who].is_ready()
            };
            if ready {
                events.push(who);
                later.push_back(who);
            }
        }
        self.ready.append(&mut later);
        events
    }

    fn call(&mut self) -> Result<Handled, Panicked> {
        self.handled = Handled::default();
        let outcome = self.handle();
        let pending = self.totals.pending;
        add(&mut self.totals, self.handled);
        match outcome {
            Ok(()) => {
                self.handled.pending = self.waiting.len();
                self.totals.pending = self.waiting.len();
            }
            Err(Panicked) => self.totals.pending = pending,
        }
        outcome.map(|()| self.handled)
    }

    fn handle(&mut self) -> Result<(), Panicked> {
        self.calls += 1;
        self.left = self.work_per_call;
        while self.left > 0 {
            let left_before = self.left;
            let most = self.left.min(EVENTS);
            let events = self.events(most);
            let is_alone = events.len() == 1;
            let mut accepts = false;
            let mut others = events.len();
            for &who in &events {
                if who == LISTENER {
                    accepts = true;
                } else {
                    let share = if is_alone { self.left } else { self.left / others };
                    others -= 1;
                    self.serve_ready(share, who)?;
                }
            }
            if accepts {
                self.accept()?;
            } else if is_alone || events.len() < most || self.left == left_before {
                break;
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<(), Panicked> {
        let newcomer = self.backlog.pop_front().unwrap();
        let Visited::Waits(finished) = self.visit(newcomer)? else { return Ok(()) };
        let client = &mut self.clients[newcomer];
        client.idle = finished && client.input.is_empty();
        // Whatever becomes of the others, the newcomer is admitted.
        let made = self.make_room();
        self.waiting.push(newcomer);
        if self.clients[newcomer].is_ready() {
            self.wake(newcomer);
        }
        made
    }

    fn make_room(&mut self) -> Result<(), Panicked> {
        for _ in 0..self.places {
            if self.waiting.len() < self.places {
                return Ok(());
            }
            let oldest = self.oldest();
            self.serve_waiting(1, oldest)?;
            if self.oldest() == oldest {
                break;
            }
        }
        if self.waiting.len() == self.places {
            let oldest = self.oldest();
            self.end(oldest);
            self.handled.evicted += 1;
        }
        Ok(())
    }

    /// The one that has owed something longest; if none does, the one that has been idle longest. All are of one process.
    fn oldest(&self) -> usize {
        let owing = self.waiting.iter().find(|&&client| !self.clients[client].idle);
        owing.or_else(|| self.waiting.first()).copied().unwrap_or(usize::MAX)
    }

    /// Serves a connection that is ready, unless this call has served it.
    fn serve_ready(&mut self, share: usize, client: usize) -> Result<(), Panicked> {
        if !self.waiting.contains(&client) || self.clients[client].call == self.calls {
            return Ok(());
        }
        self.serve_waiting(share, client)
    }

    /// Serves a connection that waits with so much of the work that is left.
    fn serve_waiting(&mut self, share: usize, client: usize) -> Result<(), Panicked> {
        let others = self.left.saturating_sub(share);
        self.left = share;
        let visited = self.visit(client)?;
        self.left += others;
        let Visited::Waits(finished) = visited else { return Ok(()) };
        let state = &mut self.clients[client];
        let was_idle = state.idle;
        state.idle = (finished || was_idle) && state.input.is_empty();
        if finished || state.idle != was_idle {
            self.waiting.retain(|&other| other != client);
            self.waiting.push(client);
        }
        if self.clients[client].is_ready() {
            self.wake(client);
        }
        Ok(())
    }

    fn end(&mut self, client: usize) {
        self.clients[client].closed = true;
        self.waiting.retain(|&other| other != client);
        self.ready.retain(|&other| other != client);
    }

    fn reject(&mut self, client: usize) -> Visited {
        self.handled.rejected += 1;
        self.end(client);
        Visited::Closed
    }

    /// Takes a connection as far as it goes with the work that is left.
    fn visit(&mut self, client: usize) -> Result<Visited, Panicked> {
        let state = &mut self.clients[client];
        state.call = self.calls;
        state.has_more = false;
        self.left = self.left.saturating_sub(1);
        if state.next() == Next::Part {
            let unread = std::mem::take(&mut state.unread);
            state.input.extend(unread);
        }
        match state.next() {
            Next::Double(_) | Next::Panic => {}
            Next::Garbage => return Ok(self.reject(client)),
            Next::Part if !state.has_left() => return Ok(Visited::Waits(false)),
            Next::Part if state.input.is_empty() => {
                self.handled.closed += 1;
                self.end(client);
                return Ok(Visited::Closed);
            }
            Next::Part => return Ok(self.reject(client)),
        }
        let mut replies = Vec::new();
        loop {
            match state.next() {
                Next::Double(number) => {
                    state.input.drain(..5);
                    replies.push(number.wrapping_mul(2));
                }
                Next::Panic => {
                    // Those before it were executed.
                    state.replies.extend(replies);
                    self.end(client);
                    return Err(Panicked);
                }
                Next::Garbage | Next::Part => unreachable!("this is a command"),
            }
            if !self.keep_open || self.left == 0 || !matches!(state.next(), Next::Double(_) | Next::Panic) {
                break;
            }
            self.left -= 1;
            self.handled.served += 1;
        }
        if state.has_left() {
            return Ok(self.reject(client));
        }
        state.replies.extend(replies);
        self.handled.served += 1;
        if !self.keep_open {
            self.end(client);
            return Ok(Visited::Closed);
        }
        state.has_more = !state.input.is_empty() && (self.left == 0 || state.next() == Next::Garbage);
        if state.has_more && self.left > 0 {
            self.left -= 1;
            return Ok(self.reject(client));
        }
        Ok(Visited::Waits(true))
    }
}

/// Lets server and model take the same steps, and compares them after each turn.
fn follow<const PLACES: usize>(steps: &[Step], keep_open: bool, work_per_call: usize) {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server: IpcServer<Fuse, Bincode, 64, PLACES, _> = IpcServer::<Fuse>::builder()
        .bare()
        .buffers(Box::new(ServerBuffers::<64, PLACES>::new()))
        .keep_open(keep_open)
        .work_per_call(work_per_call)
        .deadline(Duration::from_secs(3600))
        .bind(&path)
        .unwrap();
    let mut model = Model {
        places: PLACES,
        keep_open,
        work_per_call,
        handled: Handled::default(),
        left: 0,
        calls: 0,
        totals: Handled::default(),
        clients: Vec::new(),
        backlog: VecDeque::new(),
        waiting: Vec::new(),
        ready: VecDeque::new(),
    };
    let turn = |model: &mut Model, server: &mut IpcServer<_, _, 64, PLACES, _>| {
        let handled = catch_unwind(AssertUnwindSafe(|| server.handle_new_messages(()).unwrap())).ok();
        let expected = model.call().ok();
        assert_eq!(handled, expected);
        assert_eq!(*server.totals(), model.totals);
        assert_eq!(watched(server), model.waiting.len() + 2, "beside the connections the listener and the alarm");
        for (number, client) in model.clients.iter_mut().enumerate() {
            if client.has_left() {
                continue;
            }
            assert_eq!(client.read(), client.closed, "whether client {number} is closed");
            assert_eq!(client.received, client.replies, "the replies to client {number}");
        }
        handled
    };
    for step in steps {
        match step {
            Step::Connect(sent, length) => model.connect(&path, sent, *length),
            Step::Send(client, sent, length) => {
                if let Some(client) = client.checked_rem(model.clients.len()) {
                    model.send(client, sent, *length);
                }
            }
            Step::Leave(client) => {
                if let Some(client) = client.checked_rem(model.clients.len()) {
                    model.leave(client);
                }
            }
            Step::Turn => {
                turn(&mut model, &mut server);
            }
        }
    }

    // In the end whoever waits is served, nobody else is waited for, and every place can be taken.
    let settle = |model: &mut Model, server: &mut IpcServer<_, _, 64, PLACES, _>| {
        while turn(model, server).is_none() || !model.ready.is_empty() {}
        assert!(!is_readable(server));
    };
    settle(&mut model, &mut server);
    for index in 0..model.clients.len() {
        model.leave(index);
    }
    settle(&mut model, &mut server);
    assert!(model.waiting.is_empty());
    for number in 1..=PLACES {
        model.connect(&path, &[Sent::Panic], 1);
        settle(&mut model, &mut server);
        assert_eq!(model.waiting.len(), number);
    }
}

/// The same cases in every run.
fn follow_any<const PLACES: usize>(keep_open: bool, work_per_call: usize) {
    let config = Config { failure_persistence: None, ..cases(60) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&steps(), |steps| {
            follow::<PLACES>(&steps, keep_open, work_per_call);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_server_does_what_its_model_does() {
    for keep_open in [false, true] {
        for work_per_call in [2048, 3, 1] {
            follow_any::<1>(keep_open, work_per_call);
            follow_any::<2>(keep_open, work_per_call);
            follow_any::<5>(keep_open, work_per_call);
        }
    }
}
