//! A hostile server: bytes, and frames that are nearly right, to a client over a transport in memory. It never panics, comes to an
//! end, shows no control characters, and takes nothing for a response that is none.
#![no_main]

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::task::Poll;

use arbitrary::Arbitrary;
use ipc_server::Request;
use ipc_server::codec::Bincode;
use ipc_server::connection::{AskError, Buffers, Connection, Step, Transport};
use ipc_server::layout::{self, Description, Fingerprint};
use ipc_server::wire::ClientSession;
use ipc_server::wire::session::{Fingerprints, Link, PREFACE};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

const CAPACITY: usize = 160;
const DESCRIPTIONS: usize = 256;

mod old {
    use super::*;

    #[derive(Serialize, Deserialize, Arbitrary, Clone, Debug, PartialEq)]
    pub enum Command {
        GetLevel,
        SetLevel(u8),
        Name { name: String, nested: Option<Box<Command>> },
    }

    #[derive(Serialize, Deserialize, Arbitrary, Clone, Debug, PartialEq)]
    pub enum Response {
        Level(u8),
        Names(Vec<String>),
    }

    impl Request for Command {
        type Response = Response;
    }
}

mod new {
    use super::*;

    #[derive(Serialize, Deserialize, Arbitrary, Clone, Debug, PartialEq)]
    pub enum Command {
        Reset,
        Name { nested: Option<Box<Command>>, note: Option<u8>, name: String },
        SetLevel(i16),
    }

    #[derive(Serialize, Deserialize, Arbitrary, Clone, Debug, PartialEq)]
    pub enum Response {
        Names(Vec<String>),
        Level(u32),
    }

    impl Request for Command {
        type Response = Response;
    }
}

type Descriptions = [Vec<u8>; 2];

static NEW: LazyLock<Descriptions> =
    LazyLock::new(|| [layout::describe::<new::Command>, layout::describe::<new::Response>].map(described));

fn described(describe: fn(usize, &mut [u8]) -> Result<usize, layout::LayoutError>) -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    let length = describe(0, &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

#[derive(Arbitrary, Clone, Debug)]
enum Arrival {
    Bytes(Vec<u8>),
    /// The hello of the same version, of the newer one, or of one that is described by these bytes.
    Same {
        capacity: u8,
        program: String,
    },
    Newer {
        capacity: u8,
        program: String,
    },
    Other {
        command: Vec<u8>,
        response: Vec<u8>,
    },
    Descriptions {
        part: u8,
        id: u8,
        lie: Option<(u16, u8)>,
    },
    OtherForm {
        id: u8,
    },
    Refusal {
        id: u8,
        content: Vec<u8>,
    },
    Response {
        id: u8,
        response: old::Response,
    },
    NewResponse {
        id: u8,
        response: new::Response,
    },
    Frame {
        kind: u8,
        id: u8,
        content: Vec<u8>,
        claimed: Option<u16>,
    },
    Nothing,
}

fn frame(kind: u8, id: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u32 | u32::from(kind) << 24).to_le_bytes().to_vec();
    bytes.extend(id.to_le_bytes());
    bytes.extend(content);
    bytes
}

fn hello(fingerprints: [Fingerprint; 2], capacity: u8, program: &str) -> Vec<u8> {
    let mut content = vec![1, 0, 0, 0, capacity, 0, 0, 0];
    content.extend(fingerprints.iter().flat_map(|fingerprint| fingerprint.to_u64().to_le_bytes()));
    content.extend(program.bytes().take(60));
    frame(0x80, 0, &content)
}

/// The fingerprints of what is described so, if it is.
fn fingerprints(descriptions: &Descriptions) -> [Fingerprint; 2] {
    descriptions.clone().map(|mut bytes| match Description::validate(&mut bytes) {
        Ok(description) => description.fingerprint("bincode"),
        Err(_) => Fingerprint::from_u64(1),
    })
}

impl Arrival {
    fn write(&self, descriptions: &mut Descriptions, bytes: &mut Vec<u8>) {
        match self {
            Self::Bytes(some) => bytes.extend(some),
            Self::Same { capacity, program } => {
                let Fingerprints { command, response } = Fingerprints::of::<old::Command, Bincode>().unwrap();
                bytes.extend(hello([command, response], *capacity, program));
            }
            Self::Newer { capacity, program } => {
                descriptions.clone_from(&NEW);
                bytes.extend(hello(fingerprints(descriptions), *capacity, program));
            }
            Self::Other { command, response } => {
                *descriptions = [command.clone(), response.clone()];
                bytes.extend(hello(fingerprints(descriptions), 100, ""));
            }
            Self::Descriptions { part, id, lie } => {
                let part = usize::from(*part).clamp(4, 100);
                for (which, description) in descriptions.iter().enumerate() {
                    let last = description.len().saturating_sub(1) / part;
                    for (number, piece) in description.chunks(part).enumerate() {
                        let [low, high] = ((number * part) as u16).to_le_bytes();
                        let mut content = vec![which as u8, u8::from(number == last), low, high];
                        content.extend(piece);
                        if let Some((at, byte)) = lie {
                            let at = usize::from(*at) % content.len();
                            content[at] = *byte;
                        }
                        bytes.extend(frame(0x84, u32::from(id % 4), &content));
                    }
                }
            }
            Self::OtherForm { id } => bytes.extend(frame(0x83, u32::from(id % 4), &[1, 0, 0, 0, 0, 0, 0, 0])),
            Self::Refusal { id, content } => bytes.extend(frame(0x83, u32::from(id % 4), content)),
            Self::Response { id, response } => {
                bytes.extend(frame(0x81, u32::from(id % 4), &bincode::serialize(response).unwrap()));
            }
            Self::NewResponse { id, response } => {
                bytes.extend(frame(0x81, u32::from(id % 4), &bincode::serialize(response).unwrap()));
            }
            Self::Frame { kind, id, content, claimed } => {
                let mut frame = frame(*kind, u32::from(id % 4), content);
                if let Some(claimed) = claimed {
                    frame[..2].copy_from_slice(&claimed.to_le_bytes());
                }
                bytes.extend(frame);
            }
            Self::Nothing => {}
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Script {
    /// For each command what the server says, over a connection of its own if the last one ended.
    exchanges: Vec<(old::Command, Vec<Arrival>)>,
    pieces: Vec<u8>,
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

/// The frames that a client has sent on one connection: a hello first, then commands and requests for descriptions.
fn check_sent(mut sent: &[u8]) {
    if sent.is_empty() {
        return;
    }
    assert_eq!(sent[..8], PREFACE);
    let length = 12 + usize::from(u16::from_le_bytes([sent[10], sent[11]]));
    assert_eq!((sent[8], sent[9], &sent[32..length]), (1, 0, &b"fuzz"[..]));
    sent = &sent[length..];
    while let Some(head) = sent.get(..8) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
        assert!(matches!((head[3], length), (1, _) | (3, 4)), "{head:x?}");
        let Some(rest) = sent.get(8 + length..) else { return };
        sent = rest;
    }
}

fn shown(text: &str) {
    assert!(!text.chars().any(|character| character.is_control()), "{text:?}");
}

fuzz_target!(|script: Script| {
    let mut link = Link::<DESCRIPTIONS>::new::<old::Command, Bincode>("fuzz").unwrap();
    let mut descriptions = NEW.clone();
    let mut transport: Option<Scripted> = None;
    let mut departures = script.departures.clone();
    let mut pieces = VecDeque::from(script.pieces);
    for (command, arrivals) in script.exchanges.iter().take(6) {
        let mut bytes = Vec::new();
        arrivals.iter().for_each(|arrival| arrival.write(&mut descriptions, &mut bytes));
        let mut end = transport.take().unwrap_or_else(|| {
            link.disconnected();
            Scripted {
                arrivals: VecDeque::new(),
                pieces: std::mem::take(&mut pieces),
                departures: std::mem::take(&mut departures),
                sent: Vec::new(),
                calls: 0,
            }
        });
        end.arrivals.extend(&bytes);
        let received: Vec<u8> = end.arrivals.iter().copied().collect();
        end.calls = 0;
        let bound = 8 * (end.arrivals.len() + end.pieces.len() + end.departures.len() + CAPACITY);
        let mut buffers = Buffers::<CAPACITY>::new();
        let asking: Result<Connection<'_, _, _, ClientSession<Bincode, DESCRIPTIONS>, CAPACITY>, _> =
            Connection::ask_in_session(&mut end, &mut buffers, &mut link, command);
        let outcome = asking.and_then(|mut asking| {
            let mut asked = loop {
                match asking.send_command()? {
                    Step::Ready(asked) => break asked,
                    Step::NotYet(again) => asking = again,
                }
            };
            loop {
                match asked.receive_response()? {
                    Step::Ready((response, _)) => return Ok(Some(response)),
                    Step::NotYet(again) => {
                        let transport = again.transport();
                        if transport.arrivals.is_empty() && transport.pieces.is_empty() {
                            return Ok(None);
                        }
                        asked = again;
                    }
                }
            }
        });
        assert!(end.calls <= bound, "{} calls", end.calls);
        check_sent(&end.sent);
        assert!(link.server().program().len() <= 40);
        shown(&link.server().to_string());
        if let Some((command, response)) = link.descriptions() {
            assert!(!command.to_string().is_empty() && !response.to_string().is_empty());
        }
        match outcome {
            Ok(Some(response)) => {
                if link.descriptions().is_none() {
                    let content = frame(0x81, 0, &bincode::serialize(&response).unwrap());
                    let is = |part: &[u8]| part[..4] == content[..4] && part[8..] == content[8..];
                    assert!(received.windows(content.len()).any(is), "nobody has sent {response:?}");
                }
                transport = Some(end);
            }
            Ok(None) => {}
            Err(error) => {
                let text = error.to_string();
                assert!(!text.is_empty());
                if let AskError::Refused(refusal) = error {
                    shown(&refusal.to_string());
                }
            }
        }
    }
});
