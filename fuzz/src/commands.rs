//! The commands of the targets `connection` and `server`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use arbitrary::Arbitrary;
use ipc_server::codec::{Bincode, Codec, DecodeError};
use ipc_server::{Caller, Handler, Request};
use serde::{Deserialize, Serialize, Serializer};

use crate::model::{Refusal, bincodes};

#[derive(Arbitrary, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    Count,
    Add {
        left: u8,
        right: u8,
    },
    Echo(String),
    Maybe(Option<bool>),
    Letters(Vec<char>),
    /// Asks for a response of this many bytes and a few.
    Fill(u8),
    /// Its handler panics.
    Panic,
    /// It is not authorized.
    Forbidden,
    /// Asks for a response that can't be encoded.
    Unencodable,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Response {
    Counted(u32),
    Sum(u8),
    Text(String),
    Done,
    Unencodable(#[serde(serialize_with = "refuse")] ()),
}

fn refuse<S: Serializer>((): &(), _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom("as told"))
}

impl Request for Command {
    type Response = Response;
}

impl Command {
    /// The response of a handler that has executed `number` commands, this one among them.
    pub fn respond(self, number: usize) -> Response {
        match self {
            Self::Count => Response::Counted(number as u32),
            Self::Add { left, right } => Response::Sum(left.wrapping_add(right)),
            Self::Echo(text) => Response::Text(text),
            Self::Maybe(_) | Self::Forbidden => Response::Done,
            Self::Letters(letters) => Response::Text(letters.into_iter().rev().collect()),
            Self::Fill(length) => Response::Text("x".repeat(length.into())),
            Self::Unencodable => Response::Unencodable(()),
            // Not `panic!`, whose hook ends the fuzzer.
            Self::Panic => resume_unwind(Box::new(AsTold)),
        }
    }
}

/// What a handler panics with.
struct AsTold;

/// Whether `run` went to its end, and not to a handler's panic.
pub fn unless_it_panics<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(expect_as_told).ok()
}

fn expect_as_told(payload: Box<dyn Any + Send>) {
    assert!(payload.is::<AsTold>(), "another panic than the handler's");
}

/// What was executed, in order.
#[derive(Debug, Default)]
pub struct Log {
    pub executed: Vec<Command>,
}

impl Handler<Command> for Log {
    fn authorize(&mut self, command: &Command, _: Caller) -> bool {
        *command != Command::Forbidden
    }

    fn handle(&mut self, command: Command, _: Caller) -> Response {
        self.executed.push(command.clone());
        command.respond(self.executed.len())
    }
}

/// What the next bytes of a stream are, for a server of this capacity.
pub enum Next<C> {
    /// A command, and how many bytes it takes.
    Whole(C, usize),
    /// The start of one.
    Part,
    /// Never a command.
    Hopeless,
}

/// What `bytes` begin with, by bincode 1.3.3.
pub fn next<C: for<'a> Deserialize<'a>>(bytes: &[u8], capacity: usize) -> Next<C> {
    // No command takes more, and what follows is counted at each of them.
    let bytes = &bytes[..bytes.len().min(capacity)];
    match bincodes::<C>(bytes) {
        Ok((command, used)) => Next::Whole(command, used),
        // A length that can't be true is found out before the bytes have ended.
        Err(Refusal::End | Refusal::Char) if bytes.len() < capacity && !is_hopeless::<C>(bytes, capacity) => Next::Part,
        Err(_) => Next::Hopeless,
    }
}

/// Whether our codec refuses the start of a command that bincode 1.3.3 waits for more of: see its list of differences.
fn is_hopeless<C: for<'a> Deserialize<'a>>(start: &[u8], capacity: usize) -> bool {
    match Bincode::decode_within::<C>(start, capacity) {
        Err(
            DecodeError::ImpossibleLength(_)
            | DecodeError::BeyondCapacity(_)
            | DecodeError::InvalidUtf8
            | DecodeError::InvalidChar,
        ) => true,
        Err(DecodeError::Incomplete) => false,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("a value of the start of one"),
    }
}
