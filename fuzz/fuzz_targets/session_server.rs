//! Arbitrary bytes, and frames that are nearly right, in any segmentation to a server of both wires or of sessions only. A model that
//! knows nothing of connections predicts what is executed and each frame that is answered.
#![no_main]

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::task::Poll;

use arbitrary::Arbitrary;
use bincode::Options;
use ipc_server::codec::Bincode;
use ipc_server::connection::{Buffers, Connection, Step, Transport};
use ipc_server::wire::session::{Fingerprints, LONGEST_PROGRAM, Offer, PREFACE};
use ipc_server::wire::{Both, ServerWire, Session};
use ipc_server::{Caller, Handler, Request, layout};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// Small, so that the fuzzer finds its edges.
const CAPACITY: usize = 160;
const HEAD: usize = 8;
const PROGRAM: &str = "fuzzed 1.0";

#[derive(Serialize, Deserialize, Arbitrary, Clone, Debug, PartialEq)]
enum Command {
    Ping,
    Echo(String),
    Repeat(u8),
    Forbidden,
}

impl Request for Command {
    type Response = String;
}

static OFFER: LazyLock<Offer> = LazyLock::new(|| Offer::new::<Command, Bincode, CAPACITY>(PROGRAM).unwrap());
static FINGERPRINTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let Fingerprints { command, response } = OFFER.fingerprints();
    [command.to_u64().to_le_bytes(), response.to_u64().to_le_bytes()].concat()
});
static DESCRIPTIONS: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [layout::describe::<Command>, layout::describe::<String>].map(described));

fn described(describe: fn(usize, &mut [u8]) -> Result<usize, layout::LayoutError>) -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    let length = describe(0, &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

#[derive(Arbitrary, Clone, Debug)]
enum Arrival {
    Bytes(Vec<u8>),
    Hello { is_right: bool, version: Option<u8>, claimed: Option<u16>, program: u8 },
    Frame { kind: u8, id: u32, content: Vec<u8>, claimed: Option<u16> },
    Command { id: u32, command: Command, trailing: u8 },
    Bare(Command),
    Adopt { is_right: bool },
    Describe { which: u8, offset: u8 },
    Nothing,
}

impl Arrival {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Hello { is_right, version, claimed, program } => {
                let program = "p".repeat(usize::from(program % 64));
                let length = claimed.unwrap_or(20 + program.len() as u16).to_le_bytes();
                let head = [version.unwrap_or(1), 0, length[0], length[1], 0, 1, 0, 0];
                [&PREFACE, &head, fingerprints(*is_right).as_slice(), program.as_bytes()].concat()
            }
            Self::Frame { kind, id, content, claimed } => {
                let mut bytes = frame(*kind, *id, content);
                if let Some(claimed) = claimed {
                    bytes[..2].copy_from_slice(&claimed.to_le_bytes());
                }
                bytes
            }
            Self::Command { id, command, trailing } => {
                let mut content = bincode::serialize(command).unwrap();
                if trailing % 8 == 7 {
                    content.push(*trailing);
                }
                frame(1, *id, &content)
            }
            Self::Bare(command) => bincode::serialize(command).unwrap(),
            Self::Adopt { is_right } => frame(4, 77, &fingerprints(*is_right)),
            Self::Describe { which, offset } => frame(3, 78, &[which % 3, 0, *offset, 0]),
            Self::Nothing => Vec::new(),
        }
    }
}

fn fingerprints(is_right: bool) -> Vec<u8> {
    if is_right { FINGERPRINTS.clone() } else { vec![7; 16] }
}

fn frame(kind: u8, id: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u32 | u32::from(kind) << 24).to_le_bytes().to_vec();
    bytes.extend(id.to_le_bytes());
    bytes.extend(content);
    bytes
}

#[derive(Arbitrary, Debug)]
struct Script {
    has_bare: bool,
    arrivals: Vec<Arrival>,
    /// The longest pieces in which they come, one after another.
    pieces: Vec<u8>,
    /// How much the transport takes at once, one after another; 0 is not now.
    departures: VecDeque<u8>,
}

struct Scripted {
    arrivals: VecDeque<u8>,
    pieces: VecDeque<u8>,
    departures: VecDeque<u8>,
    sent: Vec<u8>,
    calls: usize,
}

impl Transport for Scripted {
    type Error = std::convert::Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Self::Error>> {
        assert!(!into.is_empty(), "asked to receive nothing");
        self.calls += 1;
        let piece = usize::from(self.pieces.pop_front().unwrap_or(u8::MAX));
        let length = piece.min(into.len()).min(self.arrivals.len());
        if length == 0 {
            return Poll::Pending;
        }
        for (to, from) in into.iter_mut().zip(self.arrivals.drain(..length)) {
            *to = from;
        }
        Poll::Ready(Ok(length))
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Self::Error>> {
        assert!(!from.is_empty(), "asked to send nothing");
        self.calls += 1;
        let most = usize::from(self.departures.pop_front().unwrap_or(u8::MAX));
        if most == 0 {
            return Poll::Pending;
        }
        let taken = from.len().min(most);
        self.sent.extend(&from[..taken]);
        Poll::Ready(Ok(taken))
    }
}

struct Daemon(Vec<Command>);

impl Handler<Command> for Daemon {
    fn handle(&mut self, command: Command, _: Caller) -> String {
        let response = response(&command);
        self.0.push(command);
        response
    }

    fn authorize(&mut self, command: &Command, _: Caller) -> bool {
        *command != Command::Forbidden
    }
}

fn response(command: &Command) -> String {
    match command {
        Command::Ping | Command::Forbidden => String::new(),
        Command::Echo(text) => text.clone(),
        Command::Repeat(length) => "r".repeat((*length).into()),
    }
}

/// Drives a server until nothing more comes. Whether it is still open, and what it has executed.
fn drive<W: for<'l> ServerWire<Local<'l> = &'l Offer>>(transport: &mut Scripted) -> (bool, Vec<Command>) {
    let mut buffers = Buffers::<CAPACITY>::new();
    let mut daemon = Daemon(Vec::new());
    let mut departures = usize::MAX;
    let mut accepted = Connection::<_, _, W, CAPACITY>::in_session(transport, &mut buffers, &OFFER);
    loop {
        let read = match accepted.receive::<Command>() {
            Ok(Step::Ready(read)) => read,
            Ok(Step::NotYet(waiting)) => {
                let transport = waiting.transport();
                // Nothing is to come, and nothing was to be sent.
                if transport.arrivals.is_empty() && transport.departures.len() == departures {
                    return (true, daemon.0);
                }
                departures = transport.departures.len();
                accepted = waiting;
                continue;
            }
            Err(_) => return (false, daemon.0),
        };
        let Ok(mut processed) = read.handle(&mut daemon) else { return (false, daemon.0) };
        accepted = loop {
            match processed.send() {
                Ok(Step::Ready(replied)) => break replied.next(),
                Ok(Step::NotYet(waiting)) => processed = waiting,
                Err(_) => return (false, daemon.0),
            }
        };
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Hello,
    Response { id: u32, response: String },
    Refusal { id: u32, code: u8, was_executed: bool, number: u32 },
    Description { id: u32, which: u8, offset: usize },
}

fn decode(bytes: &mut &[u8]) -> bincode::Result<Command> {
    // A text may claim to be of any length.
    bincode::options().with_fixint_encoding().allow_trailing_bytes().with_limit(4096).deserialize_from(bytes)
}

/// What a server does with all of `bytes`.
#[derive(Default)]
struct Model {
    executed: Vec<Command>,
    answers: Vec<Answer>,
    is_over: bool,
}

impl Model {
    fn refuse(&mut self, id: u32, code: u8, number: usize) {
        self.answers.push(Answer::Refusal { id, code, was_executed: matches!(code, 5 | 6), number: number as u32 });
        self.is_over = !matches!(code, 1 | 11);
    }

    fn of_session(mut bytes: &[u8], has_bare: bool) -> Self {
        let mut model = Self::default();
        let Some(head) = bytes.get(..12) else { return model };
        if head[8] != 1 {
            model.refuse(0, 12, 1);
            return model;
        }
        let length = 12 + usize::from(u16::from_le_bytes([head[10], head[11]]));
        if length > CAPACITY {
            model.is_over = true;
            if has_bare {
                model.refuse(0, 3, CAPACITY - HEAD);
            }
            return model;
        }
        let Some(hello) = bytes.get(..length) else { return model };
        if length < 32 {
            model.is_over = true;
            return model;
        }
        bytes = &bytes[length..];
        model.answers.push(Answer::Hello);
        let mut is_agreed = hello[16..32] == **FINGERPRINTS;
        if !is_agreed {
            model.answers.push(Answer::Description { id: 0, which: 0, offset: 0 });
        }
        while let (false, Some(head)) = (model.is_over, bytes.get(..HEAD)) {
            let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
            let id = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            if HEAD + length > CAPACITY {
                model.refuse(id, 3, CAPACITY - HEAD);
                break;
            }
            let Some(content) = bytes.get(HEAD..HEAD + length) else { break };
            match (head[3], content) {
                (1, _) if is_agreed => model.execute(id, content),
                (1, _) => model.refuse(id, 1, 0),
                (2, _) => {}
                (3, &[which, _, low, high, ..]) => {
                    let offset = u16::from_le_bytes([low, high]).into();
                    model.answers.push(Answer::Description { id, which, offset });
                }
                (4, wanted) if wanted == &**FINGERPRINTS => is_agreed = true,
                (4, _) => model.refuse(id, 1, 0),
                _ => model.refuse(id, 11, 0),
            }
            bytes = &bytes[HEAD + length..];
        }
        model
    }

    fn execute(&mut self, id: u32, content: &[u8]) {
        let mut rest = content;
        match decode(&mut rest) {
            Ok(command) if rest.is_empty() => {
                if command == Command::Forbidden {
                    return self.refuse(id, 4, 0);
                }
                let response = response(&command);
                self.executed.push(command);
                if HEAD + 8 + response.len() > CAPACITY {
                    return self.refuse(id, 5, CAPACITY - HEAD);
                }
                self.answers.push(Answer::Response { id, response });
            }
            _ => self.refuse(id, 2, 0),
        }
    }

    /// On the bare wire: what may be executed at most.
    fn of_bare(mut bytes: &[u8]) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Ok(command) = decode(&mut bytes) {
            commands.push(command);
        }
        commands
    }
}

/// The frames that were sent, all but one that is not whole.
fn answers(mut sent: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut unasked = 0;
    while let Some(head) = sent.get(..HEAD) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
        assert!(HEAD + length <= CAPACITY, "longer than the capacity");
        let id = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let Some(content) = sent.get(HEAD..HEAD + length) else { break };
        match head[3] {
            0x80 => {
                assert_eq!(id, 0);
                assert_eq!(content[..8], [1, 0, 0, 0, (CAPACITY - HEAD) as u8, 0, 0, 0]);
                assert_eq!(content[8..24], **FINGERPRINTS);
                assert_eq!(content[24..], *PROGRAM.as_bytes());
                assert!(PROGRAM.len() <= LONGEST_PROGRAM);
                answers.push(Answer::Hello);
            }
            0x81 => answers.push(Answer::Response { id, response: bincode::deserialize(content).unwrap() }),
            0x83 => {
                let &[code, executed @ 0..=1, 0, 0, a, b, c, d, ref text @ ..] = content else { panic!("{content:?}") };
                assert!(str::from_utf8(text).unwrap().len() <= 48);
                let number = u32::from_le_bytes([a, b, c, d]);
                answers.push(Answer::Refusal { id, code, was_executed: executed == 1, number });
            }
            0x84 => {
                let &[which, is_last @ 0..=1, low, high, ref part @ ..] = content else { panic!("{content:?}") };
                let offset = usize::from(u16::from_le_bytes([low, high]));
                let whole = &DESCRIPTIONS[usize::from(which != 0)];
                let rest = whole.get(offset..).unwrap_or_default();
                assert!(rest.starts_with(part));
                assert!(is_last == 0 || rest == part, "there is more");
                // The response's description, if there is room, comes with the command's.
                let is_first = answers.last() == Some(&Answer::Hello);
                if is_first && id == 0 {
                    unasked = is_last;
                }
                if is_first || unasked == 0 || id != 0 {
                    assert!(is_first || !part.is_empty() || is_last == 1, "it would be asked for again and again");
                    answers.push(Answer::Description { id, which, offset });
                } else {
                    unasked = 0;
                    assert_eq!((which, offset), (1, 0));
                }
            }
            kind => panic!("a server sends no frame of kind {kind:#x}"),
        }
        sent = &sent[HEAD + length..];
    }
    answers
}

fuzz_target!(|script: Script| {
    let bytes: Vec<u8> = script.arrivals.iter().flat_map(Arrival::bytes).collect();
    let mut transport = Scripted {
        arrivals: bytes.iter().copied().collect(),
        pieces: script.pieces.iter().copied().collect(),
        departures: script.departures.clone(),
        sent: Vec::new(),
        calls: 0,
    };
    let (is_open, executed) = if script.has_bare {
        drive::<Both<Bincode>>(&mut transport)
    } else {
        drive::<Session<Bincode>>(&mut transport)
    };
    let bound = 8 * (bytes.len() + script.pieces.len() + script.departures.len() + 8);
    assert!(transport.calls <= bound, "{} calls", transport.calls);

    if bytes.iter().zip(&PREFACE).any(|(there, preface)| there != preface) {
        if script.has_bare {
            assert!(Model::of_bare(&bytes).starts_with(&executed), "{executed:?}");
        } else {
            assert!(executed.is_empty() && transport.sent.is_empty(), "{executed:?}");
        }
        return;
    }
    let model = Model::of_session(&bytes, script.has_bare);
    // The hello waits for the first response. On a transport that is busy by then, both must fit.
    if !is_open && !script.departures.is_empty() && executed.len() == 1 {
        let both = 2 * HEAD + 24 + PROGRAM.len() + 8 + response(&executed[0]).len();
        if both > CAPACITY && model.executed.starts_with(&executed) {
            return;
        }
    }
    assert_eq!((is_open, &executed), (!model.is_over, &model.executed));
    let answers = answers(&transport.sent);
    assert!(model.answers.starts_with(&answers), "{answers:?} in place of {:?}", model.answers);
    // A transport that takes little at the end loses the last answer.
    assert!(!script.departures.is_empty() || answers == model.answers, "{answers:?} in place of {:?}", model.answers);
});
