//! Clients that pipeline, dawdle and leave, in any order, on a real `IpcServer` with few slots and little work a call, whose
//! handlers panic and whose responses can't always be encoded. Each client gets exactly the replies to its whole commands, in
//! order, until its connection ends for a reason that the model knows; the server's numbers add up; and it ends by settling, by a
//! shutdown or with a successor.
#![no_main]

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use ipc_server::codec::Bincode;
use ipc_server::wire::Both;
use ipc_server::{Caller, Handled, Handler, IpcServer, Request};
use ipc_server_fuzz::commands::{Command, Next, Response, next, unless_it_panics};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

const CAPACITY: usize = 128;
/// How many clients are connected at once, and how many there are in all.
const AT_ONCE: usize = 6;
const MOST: usize = 40;
/// What a session begins with, and no command.
const PREFACE: u8 = 0xff;
/// So many replies certainly fit the buffer of a socket.
const FEW: usize = 40;

type Server<const CONNECTIONS: usize> = IpcServer<Sent, Both<Bincode>, CAPACITY, CONNECTIONS>;

#[derive(Arbitrary, Debug)]
enum Act {
    Bytes(Vec<u8>),
    Command(Command),
    /// As many commands as fit into one piece.
    Commands(Vec<Command>),
    Repeat(Command, u8),
    /// The first bytes of a command. Those that are left come before what is sent next.
    Start(Command, u8),
    /// No more is sent, but replies are still read.
    EndSending,
    Leave,
    /// Another client takes the place of this one, which reads on.
    Another,
    Receive,
    Serve,
}

#[derive(Arbitrary, Debug)]
enum Ending {
    Settle,
    Shutdown,
    HandOver,
}

#[derive(Arbitrary, Debug)]
struct Script {
    keep_open: bool,
    connections: u8,
    /// 0 is the default.
    work_per_call: u8,
    /// Which clients read their replies only when they are told to.
    slow: u8,
    ending: Ending,
    acts: Vec<(u8, Act)>,
}

/// A command, and which client sends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sent {
    client: u8,
    command: Command,
}

impl Request for Sent {
    type Response = Response;
}

impl Sent {
    /// Whether its reply, if there is one, is the last.
    fn reply(&self) -> Option<Response> {
        if matches!(self.command, Command::Panic | Command::Forbidden) {
            return None;
        }
        let response = self.command.clone().respond(0);
        let length = bincode::serialized_size(&response).ok()?;
        (length <= CAPACITY as u64).then_some(response)
    }
}

/// What was executed, or refused, of each client.
struct Daemon {
    executed: Vec<Vec<(Command, Response)>>,
    forbidden: Vec<usize>,
    panics: usize,
    commands: usize,
}

impl Handler<Sent> for Daemon {
    fn authorize(&mut self, sent: &Sent, _: Caller) -> bool {
        let is_forbidden = sent.command == Command::Forbidden;
        self.forbidden[usize::from(sent.client)] += usize::from(is_forbidden);
        !is_forbidden
    }

    fn handle(&mut self, sent: Sent, _: Caller) -> Response {
        self.commands += 1;
        let executed = &mut self.executed[usize::from(sent.client)];
        if sent.command == Command::Panic {
            self.panics += 1;
            executed.push((sent.command.clone(), Response::Done));
        }
        let response = sent.command.clone().respond(executed.len() + 1);
        executed.push((sent.command, response.clone()));
        response
    }
}

impl Daemon {
    fn progress(&self, client: usize) -> usize {
        self.executed[client].len() + self.forbidden[client]
    }
}

/// A client as the model sees it.
struct Client {
    number: u8,
    stream: UnixStream,
    is_slow: bool,
    keep_open: bool,
    /// What is sent before anything else.
    rest: Vec<u8>,
    sent: Vec<u8>,
    /// The whole commands of what was sent, with where they end, as far as the connection lasts.
    commands: Vec<(Sent, usize)>,
    /// The last of them ends the connection.
    is_last: bool,
    is_hopeless: bool,
    can_send: bool,
    has_ended_sending: bool,
    left: bool,
    received: Vec<u8>,
    /// The server has closed the connection.
    ended: bool,
    /// For how many calls a whole command has been waiting.
    waited: usize,
}

static DIRECTORY: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    // Each script makes a socket's file and removes it, which takes long on a disk.
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = directory.path().join("fuzz.sock");
    (directory, path)
});

fuzz_target!(|script: Script| {
    match script.connections % 4 {
        0 => World::<1>::new(&script).run(&script),
        1 => World::<2>::new(&script).run(&script),
        2 => World::<3>::new(&script).run(&script),
        _ => World::<4>::new(&script).run(&script),
    }
});

struct World<const CONNECTIONS: usize> {
    server: Option<Server<CONNECTIONS>>,
    /// Of the servers before it.
    earlier: Option<Handled>,
    work_per_call: usize,
    keep_open: bool,
    daemon: Daemon,
    clients: Vec<Client>,
}

impl<const CONNECTIONS: usize> World<CONNECTIONS> {
    fn new(script: &Script) -> Self {
        let work_per_call = match script.work_per_call {
            0 => 2048,
            few => usize::from(few % 8) + 1,
        };
        let server = IpcServer::<Sent>::builder()
            .capacity::<CAPACITY>()
            .connections::<CONNECTIONS>()
            .deadline(Duration::from_secs(3600))
            .keep_open(script.keep_open)
            .work_per_call(work_per_call)
            .bind(DIRECTORY.1.as_path())
            .unwrap();
        let daemon = Daemon { executed: vec![Vec::new(); MOST], forbidden: vec![0; MOST], panics: 0, commands: 0 };
        let (keep_open, clients, earlier) = (script.keep_open, Vec::new(), None);
        Self { server: Some(server), earlier, work_per_call, keep_open, daemon, clients }
    }

    fn run(mut self, script: &Script) {
        let mut at_once: [Option<usize>; AT_ONCE] = [None; AT_ONCE];
        for (slot, act) in &script.acts {
            let slot = usize::from(*slot) % AT_ONCE;
            if matches!(act, Act::Serve) {
                self.serve();
                continue;
            }
            let (clients, keep_open) = (&mut self.clients, self.keep_open);
            if matches!(act, Act::Another) && clients.len() < MOST {
                at_once[slot] = None;
            }
            let number = *at_once[slot].get_or_insert_with(|| {
                clients.push(Client::connect(&DIRECTORY.1, clients.len(), script.slow >> slot & 1 == 1, keep_open));
                clients.len() - 1
            });
            if clients.len() == MOST {
                break;
            }
            self.clients[number].act(act);
        }
        match script.ending {
            Ending::Settle => {}
            Ending::Shutdown => {
                self.prepare();
                self.shut_down();
                self.check(true);
                return;
            }
            Ending::HandOver => {
                self.prepare();
                let socket = self.server.as_mut().unwrap().hand_over().unwrap();
                self.shut_down();
                let successor = IpcServer::<Sent>::builder()
                    .capacity::<CAPACITY>()
                    .connections::<CONNECTIONS>()
                    .deadline(Duration::from_secs(3600))
                    .keep_open(script.keep_open)
                    .work_per_call(self.work_per_call)
                    .adopt(socket)
                    .unwrap();
                self.server = Some(successor);
            }
        }
        self.settle();
        self.check(false);
    }

    /// One call. What it must do, and may do at most, is known.
    fn serve(&mut self) {
        let server = self.server.as_mut().unwrap();
        let before: Vec<usize> = (0..self.clients.len()).map(|client| self.daemon.progress(client)).collect();
        let (commands, evicted) = (self.daemon.commands, server.totals().evicted);
        let is_awaited = self.clients.iter().zip(&before).any(|(client, progress)| client.is_awaited(*progress));
        if is_awaited {
            assert!(server.wait(Some(Duration::ZERO)).unwrap(), "the descriptor does not tell of a command that waits");
        }

        let handled = unless_it_panics(|| server.serve(&mut self.daemon).expect("no client breaks the server"));

        let executed = self.daemon.commands - commands;
        // The last newcomer, and those that it may take the slot of.
        let most = self.work_per_call + 1 + CONNECTIONS;
        assert!(executed <= most, "{executed} commands in a call of {}", self.work_per_call);
        let evicted = server.totals().evicted - evicted;
        let connected = self.clients.len();
        for client in self.clients.iter_mut().filter(|client| !client.is_slow) {
            client.receive();
        }
        let mut unexplained = 0;
        for (client, before) in self.clients.iter_mut().zip(before) {
            let progress = self.daemon.progress(client.number.into());
            client.check_executed(&self.daemon, before);
            let start = before.checked_sub(1).map_or(0, |last| client.commands[last].1);
            let end = progress.checked_sub(1).map_or(0, |last| client.commands[last].1);
            // What a client that has left leaves is served as long as there is work.
            if connected <= CONNECTIONS && !client.left {
                assert!(end - start <= CAPACITY, "more than a buffer of one client in a call");
            }
            if client.is_slow || client.left {
                continue;
            }
            let was_awaited = before < client.commands.len();
            if client.ended && !client.is_over(progress) {
                unexplained += 1;
                // It was given a last look.
                assert!(!was_awaited || progress > before || client.was_evicted(), "evicted with a command");
                client.waited = usize::MAX;
            }
            if handled.is_none() || client.ended {
                continue;
            }
            if self.work_per_call > 1000 && connected <= CONNECTIONS {
                let outstanding = client.commands.get(progress).map(|(_, end)| end - start);
                assert!(outstanding.is_none_or(|length| length > CAPACITY), "what was outstanding is not served");
            }
            client.waited = if was_awaited && progress == before { client.waited + 1 } else { 0 };
            let longest = (connected + 2) * (CONNECTIONS + 3);
            assert!(client.waited <= longest, "a command has waited for {} calls", client.waited);
        }
        let _ = (unexplained, evicted);
        if let Some(handled) = handled {
            assert_eq!((handled.expired, handled.paused), (0, 0));
            assert!(handled.pending <= CONNECTIONS, "{} in {CONNECTIONS} slots", handled.pending);
            assert_eq!(handled.pending, server.totals().pending);
        }
    }

    /// Serves and reads until nothing happens any more.
    fn settle(&mut self) {
        for _ in 0..20_000 {
            let before = (self.daemon.commands, *self.server.as_ref().unwrap().totals());
            let received: usize = self.clients.iter_mut().map(Client::receive).sum();
            self.serve();
            let after = (self.daemon.commands, *self.server.as_ref().unwrap().totals());
            let is_ready = self.server.as_ref().unwrap().wait(Some(Duration::ZERO)).unwrap();
            if received == 0 && before == after && !is_ready {
                return;
            }
        }
        panic!("it never settles");
    }

    /// Leaves nothing that would keep a shutdown from coming to its end.
    fn prepare(&mut self) {
        let many = self.clients.iter().any(|client| {
            let outstanding = &client.commands[self.daemon.progress(client.number.into())..];
            outstanding.len() > FEW || outstanding.iter().any(|(sent, _)| sent.command == Command::Panic)
        });
        // Its replies could not all be sent while nobody reads, or it would end by a panic.
        if many {
            self.settle();
        }
        for client in &mut self.clients {
            client.receive();
            let end = client.commands.last().map_or(0, |(_, end)| *end);
            // It would be waited for.
            if !client.left && !client.is_last && (end < client.sent.len() || end == 0 || !self.keep_open) {
                client.end_sending();
            }
        }
    }

    fn shut_down(&mut self) {
        let server = self.server.take().unwrap();
        let totals = *server.totals();
        let begin = Instant::now();
        let limit = Duration::from_secs(20);
        let handled = server.shutdown_with(&mut self.daemon, limit).unwrap();
        assert!(begin.elapsed() < limit / 3, "the shutdown waits for nobody");
        assert_eq!(handled.pending, 0);
        self.earlier = Some(sum(totals, handled));
    }

    /// What has come of it all.
    fn check(&mut self, is_shut_down: bool) {
        for client in &mut self.clients {
            client.receive();
        }
        let handled = self.server.as_ref().map_or_else(Handled::default, |server| *server.totals());
        let pending = handled.pending;
        let handled = sum(handled, self.earlier.unwrap_or_default());
        let (mut unexplained, mut replies, mut unread, mut unencodable) = (0, 0, 0, 0);
        for client in &self.clients {
            client.check_executed(&self.daemon, 0);
            let progress = self.daemon.progress(client.number.into());
            let (whole, executed) = client.check_replies(&self.daemon);
            unencodable += client.commands[..progress]
                .iter()
                .filter(|(sent, _)| {
                    sent.reply().is_none() && !matches!(sent.command, Command::Panic | Command::Forbidden)
                })
                .count();
            if client.left {
                unread += executed;
                continue;
            }
            replies += whole;
            if client.ended {
                unexplained += usize::from(
                    !client.is_over(progress) && self.earlier.is_none() || client.commands.len() > progress,
                );
                assert!(client.is_slow || whole == executed, "a reply is lost");
            } else {
                assert!(!is_shut_down, "a connection outlives the server");
                assert_eq!((progress, whole), (client.commands.len(), executed), "outstanding: {:?}", client.commands);
                assert!(!client.is_last && !client.has_ended_sending, "the connection should have ended");
            }
        }
        let has_left = self.clients.iter().any(|client| client.left);
        assert!(unexplained <= handled.evicted, "{unexplained} connections ended without a reason: {handled:?}");
        assert!((replies..=replies + unread).contains(&handled.served), "{replies} + {unread}: {handled:?}");
        let forbidden: usize = self.daemon.forbidden.iter().sum();
        if has_left {
            assert!(handled.failed <= unencodable && handled.refused <= forbidden);
        } else {
            assert_eq!((handled.failed, handled.refused), (unencodable, forbidden));
        }
        let open = self.clients.iter().filter(|client| !client.left && !client.ended).count();
        if !is_shut_down {
            assert_eq!(pending, open, "open connections");
        }
        if self.earlier.is_none() {
            let ended = handled.rejected + handled.refused + handled.closed + handled.failed + handled.evicted;
            let done = if self.keep_open { 0 } else { handled.served };
            assert_eq!(self.clients.len(), ended + done + self.daemon.panics + open, "{handled:?}");
        }
    }
}

/// What two servers have done, as far as it matters.
fn sum(mut one: Handled, other: Handled) -> Handled {
    one.served += other.served;
    one.evicted += other.evicted;
    one.failed += other.failed;
    one.refused += other.refused;
    one
}

impl Client {
    fn connect(path: &Path, number: usize, is_slow: bool, keep_open: bool) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self {
            number: number as u8,
            stream,
            is_slow,
            keep_open,
            rest: Vec::new(),
            sent: Vec::new(),
            commands: Vec::new(),
            is_last: false,
            is_hopeless: false,
            can_send: true,
            has_ended_sending: false,
            left: false,
            received: Vec::new(),
            ended: false,
            waited: 0,
        }
    }

    fn act(&mut self, act: &Act) {
        let client = self.number;
        let encode = |command: &Command| bincode::serialize(&Sent { client, command: command.clone() }).unwrap();
        match act {
            Act::Bytes(bytes) => self.send(bytes.clone()),
            Act::Command(command) => self.send(encode(command)),
            Act::Commands(commands) => self.send(commands.iter().flat_map(encode).collect()),
            Act::Repeat(command, times) => self.send(encode(command).repeat((*times).into())),
            Act::Start(command, length) => {
                let mut bytes = encode(command);
                let rest = bytes.split_off(bytes.len().min((*length).into()));
                self.send(bytes);
                self.rest.extend(rest);
            }
            Act::EndSending => self.end_sending(),
            Act::Leave => self.leave(),
            Act::Receive => {
                self.receive();
            }
            Act::Another | Act::Serve => {}
        }
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.rest.extend(bytes);
        if !self.can_send || self.rest.is_empty() {
            return;
        }
        let known = self.sent.len();
        if known == 0 && self.rest.starts_with(&[PREFACE]) {
            // The model knows no sessions.
            self.rest.clear();
            return;
        }
        self.sent.extend(&self.rest);
        let (commands, is_last, is_hopeless) = (self.commands.len(), self.is_last, self.is_hopeless);
        self.parse();
        let mine = self.commands[commands..].iter().all(|(sent, _)| sent.client == self.number);
        self.sent.truncate(known);
        self.commands.truncate(commands);
        (self.is_last, self.is_hopeless) = (is_last, is_hopeless);
        if !mine {
            // It would be taken for another's.
            self.rest.clear();
            return;
        }
        match self.stream.write(&self.rest) {
            Ok(sent) => self.sent.extend(self.rest.drain(..sent)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // The server has closed the connection.
            Err(_) => self.can_send = false,
        }
        self.parse();
    }

    /// The model: the commands that were sent, up to the one that ends the connection, or the first that is not one.
    fn parse(&mut self) {
        while !self.is_last && !self.is_hopeless {
            let start = self.commands.last().map_or(0, |(_, end)| *end);
            match next::<Sent>(&self.sent[start..], CAPACITY) {
                Next::Whole(sent, used) => {
                    self.is_last = !self.keep_open || sent.reply().is_none();
                    self.commands.push((sent, start + used));
                }
                Next::Part => return,
                Next::Hopeless => self.is_hopeless = true,
            }
        }
    }

    fn end_sending(&mut self) {
        self.can_send = false;
        self.has_ended_sending = true;
        // It fails if the server has closed the connection.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes both directions. What was sent may still be executed.
    fn leave(&mut self) {
        self.can_send = false;
        self.left = true;
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Reads every byte of the server's that is there; how many there are.
    fn receive(&mut self) -> usize {
        if self.left || self.ended {
            return 0;
        }
        let before = self.received.len();
        match self.stream.read_to_end(&mut self.received) {
            Ok(_) => self.ended = true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
            Err(error) => panic!("{error}"),
        }
        self.received.len() - before
    }

    /// Whether a whole command of its waits to be executed, and nothing hinders that.
    fn is_awaited(&self, progress: usize) -> bool {
        !self.is_slow && !self.left && !self.ended && progress < self.commands.len()
    }

    /// Whether its connection has ended for a reason other than those of other clients.
    fn is_over(&self, progress: usize) -> bool {
        progress == self.commands.len() && (self.is_last || self.is_hopeless || self.has_ended_sending)
    }

    /// Whether that was noticed in an earlier call.
    fn was_evicted(&self) -> bool {
        self.waited == usize::MAX
    }

    /// What was executed after the `known` first commands is what was sent, in order.
    fn check_executed(&self, daemon: &Daemon, known: usize) {
        let executed = &daemon.executed[usize::from(self.number)];
        let forbidden = daemon.forbidden[usize::from(self.number)];
        assert!(executed.len() + forbidden <= self.commands.len(), "executed, but never sent: {executed:?}");
        for ((command, _), (sent, _)) in executed.iter().zip(&self.commands).skip(known) {
            assert_eq!(*command, sent.command, "another was executed than was sent");
        }
        if forbidden > 0 {
            assert_eq!((forbidden, &self.commands[executed.len()].0.command), (1, &Command::Forbidden));
        }
    }

    /// What was received are the replies to what was executed, in order. How many there are, and how many there may be.
    fn check_replies(&self, daemon: &Daemon) -> (usize, usize) {
        let executed = &daemon.executed[usize::from(self.number)];
        let replies: Vec<Vec<u8>> = executed
            .iter()
            .zip(&self.commands)
            .filter(|(_, (sent, _))| sent.reply().is_some())
            .map(|((_, response), _)| bincode::serialize(response).unwrap())
            .collect();
        let all = replies.concat();
        assert!(all.starts_with(&self.received), "{:02x?} is not a part of {all:02x?}", self.received);
        let mut length = 0;
        let whole = replies.iter().take_while(|reply| {
            length += reply.len();
            length <= self.received.len()
        });
        (whole.count(), replies.len())
    }
}
