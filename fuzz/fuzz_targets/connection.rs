//! A script of byte pieces, waits, short sends and errors drives typed connections over a transport in memory. A model
//! that knows nothing of connections, and decodes with bincode 1.3.3, predicts what is executed, what is replied and how
//! it ends.
#![no_main]

use std::collections::VecDeque;
use std::task::Poll;

use arbitrary::Arbitrary;
use ipc_server::IpcServerCommand;
use ipc_server::codec::{Bincode, Codec, DecodeError, EncodeError};
use ipc_server::connection::{Accepted, Buffers, Connection, ConnectionError, Processed, Step, Transport};
use ipc_server_fuzz::commands::{Command, Log};
use ipc_server_fuzz::model::{Refusal, bincodes};
use libfuzzer_sys::fuzz_target;

/// Small, so that the fuzzer finds its edges.
const CAPACITY: usize = 48;

#[derive(Arbitrary, Clone, Debug)]
enum Arrival {
    Bytes(Vec<u8>),
    Command(Command),
    /// As many commands as fit into one piece.
    Commands(Vec<Command>),
    /// The first bytes of a command.
    Start(Command, u8),
    Nothing,
    End,
    Failure,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Departure {
    /// The transport takes up to this many bytes, and at least one.
    Some(u8),
    Busy,
    Gone,
    Failure,
}

#[derive(Arbitrary, Debug)]
struct Script {
    arrivals: Vec<Arrival>,
    departures: VecDeque<Departure>,
    /// Whether to park and resume at the waits, in turn.
    parking: u8,
}

#[derive(Debug, PartialEq)]
enum Event {
    Bytes(Vec<u8>),
    Nothing,
    End,
    Failure,
}

#[derive(Debug, PartialEq)]
struct Failure;

#[derive(Debug)]
struct Scripted {
    arrivals: VecDeque<Event>,
    departures: VecDeque<Departure>,
    sent: Vec<u8>,
    /// How often it was asked, to bound the work.
    calls: usize,
}

impl Transport for Scripted {
    type Error = Failure;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Failure>> {
        assert!(!into.is_empty(), "asked to receive nothing");
        self.calls += 1;
        match self.arrivals.pop_front() {
            Some(Event::Bytes(mut bytes)) => {
                let length = bytes.len().min(into.len());
                into[..length].copy_from_slice(&bytes[..length]);
                if length < bytes.len() {
                    self.arrivals.push_front(Event::Bytes(bytes.split_off(length)));
                }
                Poll::Ready(Ok(length))
            }
            Some(Event::End) => Poll::Ready(Ok(0)),
            Some(Event::Failure) => Poll::Ready(Err(Failure)),
            Some(Event::Nothing) | None => Poll::Pending,
        }
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Failure>> {
        assert!(!from.is_empty(), "asked to send nothing");
        self.calls += 1;
        let taken = match self.departures.pop_front() {
            Some(Departure::Some(most)) => from.len().min(usize::from(most).max(1)),
            Some(Departure::Busy) => return Poll::Pending,
            Some(Departure::Gone) => return Poll::Ready(Ok(0)),
            Some(Departure::Failure) => return Poll::Ready(Err(Failure)),
            None => from.len(),
        };
        self.sent.extend(&from[..taken]);
        Poll::Ready(Ok(taken))
    }
}

/// How a script ends.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// Everything has arrived, and a whole command has not.
    Waiting,
    Closed {
        received: usize,
    },
    /// By what was received: malformed or too large. Which of the two depends on how much of it had come.
    Refused,
    Unanswerable,
    Failed,
}

#[derive(Debug, PartialEq)]
struct History {
    executed: Vec<Command>,
    sent: Vec<u8>,
    outcome: Outcome,
}

fuzz_target!(|script: Script| {
    let arrivals = events(&script.arrivals);
    let expected = predict(&arrivals, script.departures.clone());
    let pieces = arrivals.len() + script.departures.len() + expected.executed.len();
    let bytes: usize = arrivals.iter().map(|event| if let Event::Bytes(bytes) = event { bytes.len() } else { 0 }).sum();

    let transport = Scripted { arrivals, departures: script.departures, sent: Vec::new(), calls: 0 };
    let (history, calls) = drive(transport, script.parking);
    assert_eq!(history, expected);
    // Each call moves bytes or takes something off the script.
    assert!(calls <= pieces + bytes + 2, "{calls} calls for {pieces} pieces and {bytes} bytes");
});

fn events(arrivals: &[Arrival]) -> VecDeque<Event> {
    let encode = |command: &Command| bincode::serialize(command).unwrap();
    let mut events = VecDeque::new();
    for arrival in arrivals {
        let event = match arrival {
            Arrival::Bytes(bytes) => Event::Bytes(bytes.clone()),
            Arrival::Command(command) => Event::Bytes(encode(command)),
            Arrival::Commands(commands) => Event::Bytes(commands.iter().flat_map(encode).collect()),
            Arrival::Start(command, length) => {
                let mut bytes = encode(command);
                bytes.truncate((*length).into());
                Event::Bytes(bytes)
            }
            Arrival::Nothing => Event::Nothing,
            Arrival::End => Event::End,
            Arrival::Failure => Event::Failure,
        };
        if event != Event::Bytes(Vec::new()) {
            events.push_back(event);
        }
    }
    events
}

/// The model: all bytes up to the stream's end, decoded one command after the other.
fn predict(arrivals: &VecDeque<Event>, mut departures: VecDeque<Departure>) -> History {
    let mut stream = Vec::new();
    let mut end = Outcome::Waiting;
    for event in arrivals {
        match event {
            Event::Bytes(bytes) => stream.extend(bytes),
            Event::Nothing => {}
            Event::End => {
                end = Outcome::Closed { received: 0 };
                break;
            }
            Event::Failure => {
                end = Outcome::Failed;
                break;
            }
        }
    }

    let mut log = Log::default();
    let mut sent = Vec::new();
    let mut rest = stream.as_slice();
    let outcome = loop {
        let (command, used) = match bincodes::<Command>(rest) {
            Ok((_, used)) if used > CAPACITY => break Outcome::Refused,
            Ok(decoded) => decoded,
            // A length that can't be true is found out before the bytes have ended.
            Err(Refusal::End | Refusal::Char) if rest.len() >= CAPACITY || hopeless(rest) => break Outcome::Refused,
            Err(Refusal::End | Refusal::Char) => {
                break match end {
                    Outcome::Closed { .. } => Outcome::Closed { received: rest.len() },
                    end => end,
                };
            }
            Err(Refusal::Other) => break Outcome::Refused,
        };
        rest = &rest[used..];
        let reply = bincode::serialize(&command.process(&mut &mut log)).unwrap();
        if reply.len() > CAPACITY {
            break Outcome::Unanswerable;
        }
        if let Err(outcome) = predict_sending(&reply, &mut departures, &mut sent) {
            break outcome;
        }
    };
    History { executed: log.executed, sent, outcome }
}

/// Whether our codec refuses the start of a command that bincode 1.3.3 waits for more of: see its list of differences.
fn hopeless(start: &[u8]) -> bool {
    match Bincode::decode_within::<Command>(start, CAPACITY) {
        Err(
            DecodeError::ImpossibleLength(_)
            | DecodeError::BeyondCapacity(_)
            | DecodeError::InvalidUtf8
            | DecodeError::InvalidChar,
        ) => true,
        Err(DecodeError::Incomplete) => false,
        other => panic!("{other:?}"),
    }
}

fn predict_sending(reply: &[u8], departures: &mut VecDeque<Departure>, sent: &mut Vec<u8>) -> Result<(), Outcome> {
    let mut unsent = reply;
    while !unsent.is_empty() {
        let taken = match departures.pop_front() {
            Some(Departure::Some(most)) => unsent.len().min(usize::from(most).max(1)),
            Some(Departure::Busy) => 0,
            Some(Departure::Gone) => return Err(Outcome::Closed { received: 0 }),
            Some(Departure::Failure) => return Err(Outcome::Failed),
            None => unsent.len(),
        };
        sent.extend(&unsent[..taken]);
        unsent = &unsent[taken..];
    }
    Ok(())
}

/// The real thing, to the end of the script.
fn drive(mut transport: Scripted, mut parking: u8) -> (History, usize) {
    let mut log = Log::default();
    let mut buffers = Buffers::<CAPACITY>::new();
    let error = exchange(&mut transport, &mut buffers, &mut log, &mut parking).err();
    let outcome = match error {
        None => Outcome::Waiting,
        Some(ConnectionError::Closed { received }) => Outcome::Closed { received },
        Some(ConnectionError::Malformed(_) | ConnectionError::TooLarge { capacity: CAPACITY }) => Outcome::Refused,
        Some(ConnectionError::Response(EncodeError::BufferFull)) => Outcome::Unanswerable,
        Some(ConnectionError::Transport(Failure)) => Outcome::Failed,
        Some(error) => panic!("{error:?}"),
    };
    (History { executed: log.executed, sent: transport.sent, outcome }, transport.calls)
}

fn exchange(
    transport: &mut Scripted,
    buffers: &mut Buffers<CAPACITY>,
    mut log: &mut Log,
    parking: &mut u8,
) -> Result<(), ConnectionError<Failure>> {
    let mut parks = || {
        *parking = parking.rotate_left(1);
        *parking & 1 == 1
    };
    let mut accepted: Connection<'_, Accepted, _, Bincode, CAPACITY> = Connection::new(transport, &mut *buffers);
    loop {
        let read = match accepted.receive::<Command>()? {
            Step::Ready(read) => read,
            Step::NotYet(same) if same.transport().arrivals.is_empty() => return Ok(()),
            Step::NotYet(same) if parks() => {
                let (parked, transport) = same.park();
                accepted = parked.resume(transport, &mut *buffers);
                continue;
            }
            Step::NotYet(same) => {
                accepted = same;
                continue;
            }
        };
        let mut processed: Connection<'_, Processed, _, Bincode, CAPACITY> = read.process(&mut log)?;
        accepted = loop {
            processed = match processed.send()? {
                Step::Ready(replied) => break replied.next(),
                Step::NotYet(same) if parks() => {
                    let (parked, transport) = same.park();
                    parked.resume(transport, &mut *buffers)
                }
                Step::NotYet(same) => same,
            };
        };
    }
}
