//! A script of byte pieces, waits, short sends and errors drives typed connections over a transport in memory. A model
//! that knows nothing of connections, and decodes with bincode 1.3.3, predicts what is executed, what is replied and how
//! it ends: with replies that leave together, handlers that panic and responses that can't be encoded among them.
#![no_main]

use std::cell::Cell;
use std::collections::VecDeque;
use std::task::Poll;

use arbitrary::Arbitrary;
use ipc_server::codec::{Bincode, Codec, DecodeError, EncodeError, PrefixError};
use ipc_server::connection::{Accepted, Buffers, Connection, ConnectionError, Processed, Step, Transport};
use ipc_server::{Caller, Handler};
use ipc_server_fuzz::commands::{Command, Log, Next, next, unless_it_panics};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

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
    /// Whether the transport is sure to have room for the replies that are put off, in turn.
    rooms: u8,
    /// Whether all bytes arrive one by one.
    in_single_bytes: bool,
    /// Whether the handler is asked by `answer` and not by `handle`.
    by_hand: bool,
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
    rooms: u8,
    /// So many bytes it has promised to take.
    room: usize,
    in_single_bytes: bool,
}

impl Transport for Scripted {
    type Error = Failure;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Failure>> {
        assert!(!into.is_empty(), "asked to receive nothing");
        self.calls += 1;
        match self.arrivals.pop_front() {
            Some(Event::Bytes(mut bytes)) => {
                let length = if self.in_single_bytes { 1 } else { bytes.len().min(into.len()) };
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
        let room = std::mem::take(&mut self.room);
        assert!(room == 0 || from.len() <= room, "more than it was asked about");
        let taken = match self.departures.pop_front() {
            Some(Departure::Some(_) | Departure::Busy) if room > 0 => from.len(),
            Some(Departure::Some(most)) => from.len().min(usize::from(most).max(1)),
            Some(Departure::Busy) => return Poll::Pending,
            Some(Departure::Gone) => return Poll::Ready(Ok(0)),
            Some(Departure::Failure) => return Poll::Ready(Err(Failure)),
            None => from.len(),
        };
        self.sent.extend(&from[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn has_room(&mut self, length: usize) -> bool {
        self.rooms = self.rooms.rotate_left(1);
        self.room = if self.rooms & 1 == 1 { length } else { 0 };
        self.room > 0
    }
}

thread_local! {
    /// Of the message that is being decoded: how many bytes there were the last time, and how many of them are missing at least.
    static TRIED: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    /// How many times messages were decoded in vain.
    static IN_VAIN: Cell<usize> = const { Cell::new(0) };
}

/// Decodes with bincode's layout, and not in vain: again only when what was missing has come, or when what was there has doubled.
struct Counting;

impl Codec for Counting {
    const NAME: &'static str = "counting";

    fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
        Bincode::encode(value, into)
    }

    fn decode<'de, T: Deserialize<'de>>(from: &'de [u8]) -> Result<(T, usize), DecodeError> {
        Bincode::decode(from)
    }

    fn decode_within<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), DecodeError> {
        Bincode::decode_within(from, capacity)
    }

    fn decode_prefix<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), PrefixError> {
        assert!(!from.is_empty(), "there is nothing to decode");
        let tried = TRIED.get();
        if let Some((length, missing)) = tried {
            assert!(
                from.len() >= length + missing.min(length),
                "decoded in vain: {length} + {missing} of {}",
                from.len()
            );
        }
        let decoded = Bincode::decode_prefix::<T>(from, capacity);
        TRIED.set(match &decoded {
            Err(PrefixError::Incomplete { missing }) => {
                IN_VAIN.set(IN_VAIN.get() + 1);
                Some((from.len(), *missing))
            }
            _ => None,
        });
        if let (Ok((_, used)), Some((length, missing))) = (&decoded, tried) {
            assert!(*used >= length + missing, "{used} bytes are enough, not {length} + {missing}");
        }
        decoded
    }

    fn explain<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> DecodeError {
        Bincode::explain::<T>(from, capacity)
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
    Panicked,
    NotAuthorized,
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
    let is_cut_off =
        script.departures.iter().any(|departure| matches!(departure, Departure::Gone | Departure::Failure));
    let departures = if script.rooms == 0 { script.departures.clone() } else { VecDeque::new() };
    let (mut expected, delayed) = predict(&arrivals, departures);
    let pieces = arrivals.len() + script.departures.len() + expected.executed.len();
    let bytes: usize = arrivals.iter().map(|event| if let Event::Bytes(bytes) = event { bytes.len() } else { 0 }).sum();

    let transport = Scripted {
        arrivals,
        departures: script.departures,
        sent: Vec::new(),
        calls: 0,
        rooms: script.rooms,
        room: 0,
        in_single_bytes: script.in_single_bytes,
    };
    TRIED.set(None);
    IN_VAIN.set(0);
    let (history, calls, replied) = drive(transport, script.parking, script.by_hand);
    // What is hopeless is found out when the bytes have come that seemed to be missing.
    if let (Some((length, missing)), Some((there, outcome))) = (TRIED.get(), delayed)
        && there < length + missing.min(length)
        && history.outcome != Outcome::Refused
    {
        expected.outcome = outcome;
    }
    if is_cut_off && script.rooms != 0 {
        // How many sends there are, so when it is cut off, depends on which replies leave together.
        assert!(expected.executed.starts_with(&history.executed), "{history:?}, not {expected:?}");
        assert!(expected.sent.starts_with(&history.sent), "{history:?}, not {expected:?}");
        assert!([Outcome::Failed, Outcome::Closed { received: 0 }, expected.outcome].contains(&history.outcome));
    } else {
        assert_eq!(history, expected);
    }
    match history.outcome {
        Outcome::Waiting | Outcome::Refused => assert_eq!(replied, history.executed.len()),
        _ => assert!(replied <= history.executed.len()),
    }
    // Each call moves bytes or takes something off the script.
    assert!(calls <= pieces + bytes + 2, "{calls} calls for {pieces} pieces and {bytes} bytes");
    // Each field of a command may be waited for.
    assert!(IN_VAIN.get() <= bytes, "decoded {} times in vain of {bytes} bytes", IN_VAIN.get());
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

/// The model: all bytes up to the stream's end, decoded one command after the other; and if the last ones are hopeless, how many
/// there are and how it ends where that is not found out.
fn predict(arrivals: &VecDeque<Event>, mut departures: VecDeque<Departure>) -> (History, Option<(usize, Outcome)>) {
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

    let with = |end, received| if let Outcome::Closed { .. } = end { Outcome::Closed { received } } else { end };
    let mut delayed = None;
    let mut executed = Vec::new();
    let mut sent = Vec::new();
    let mut rest = stream.as_slice();
    let outcome = loop {
        let (command, used) = match next::<Command>(rest, CAPACITY) {
            Next::Whole(command, used) => (command, used),
            Next::Part => break with(end, rest.len()),
            Next::Hopeless => {
                delayed = Some((rest.len(), with(end, rest.len())));
                break Outcome::Refused;
            }
        };
        rest = &rest[used..];
        if command == Command::Forbidden {
            break Outcome::NotAuthorized;
        }
        executed.push(command.clone());
        if command == Command::Panic {
            break Outcome::Panicked;
        }
        let reply = match bincode::serialize(&command.respond(executed.len())) {
            Ok(reply) if reply.len() <= CAPACITY => reply,
            _ => break Outcome::Unanswerable,
        };
        if let Err(outcome) = predict_sending(&reply, &mut departures, &mut sent) {
            break outcome;
        }
    };
    (History { executed, sent, outcome }, delayed)
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

/// The real thing, to the end of the script; how often the transport was asked; how many replies it took.
fn drive(mut transport: Scripted, mut parking: u8, by_hand: bool) -> (History, usize, usize) {
    let mut log = Log::default();
    let mut buffers = Buffers::<CAPACITY>::new();
    let mut replied = 0;
    let ended =
        unless_it_panics(|| exchange(&mut transport, &mut buffers, &mut log, &mut parking, by_hand, &mut replied));
    let outcome = match ended {
        None => Outcome::Panicked,
        Some(Ok(())) => Outcome::Waiting,
        Some(Err(ConnectionError::Closed { received })) => Outcome::Closed { received },
        Some(Err(ConnectionError::Malformed(_) | ConnectionError::TooLarge { capacity: CAPACITY })) => Outcome::Refused,
        Some(Err(ConnectionError::Response(EncodeError::BufferFull | EncodeError::Custom(_)))) => Outcome::Unanswerable,
        Some(Err(ConnectionError::NotAuthorized)) => Outcome::NotAuthorized,
        Some(Err(ConnectionError::Transport(Failure))) => Outcome::Failed,
        Some(Err(error)) => panic!("{error:?}"),
    };
    (History { executed: log.executed, sent: transport.sent, outcome }, transport.calls, replied)
}

fn exchange(
    transport: &mut Scripted,
    buffers: &mut Buffers<CAPACITY>,
    log: &mut Log,
    parking: &mut u8,
    by_hand: bool,
    replied: &mut usize,
) -> Result<(), ConnectionError<Failure>> {
    let mut parks = || {
        *parking = parking.rotate_left(1);
        *parking & 1 == 1
    };
    let mut accepted: Connection<'_, Accepted, _, Counting, CAPACITY> =
        Connection::with_codec(transport, &mut *buffers);
    loop {
        let mut read = match accepted.receive::<Command>()? {
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
        accepted = loop {
            let handled = if by_hand && *read.command() != Command::Forbidden {
                read.answer(|command, peer| log.handle(command, Caller::new(peer)))
            } else {
                read.handle(log)
            };
            let mut processed: Connection<'_, Processed, _, Counting, CAPACITY> = handled?;
            let next = loop {
                processed = match processed.read_ahead::<Command>() {
                    Step::Ready(next) => break Err(next),
                    Step::NotYet(same) => same,
                };
                let replies = processed.replies();
                processed = match processed.send()? {
                    Step::Ready(replied_to) => {
                        *replied += replies;
                        break Ok(replied_to.next());
                    }
                    Step::NotYet(same) if parks() => {
                        let (parked, transport) = same.park();
                        parked.resume(transport, &mut *buffers)
                    }
                    Step::NotYet(same) => same,
                };
            };
            match next {
                Ok(next) => break next,
                Err(next) => read = next,
            }
        };
    }
}
