//! Both sides of a connection where there is no operating system: `codec` and `connection` over two queues of bytes.
//!
//! `.ci/portable` builds and runs it. It links with no library but this crate, heapless, serde and core, so that a symbol
//! of an operating system would be missing. Its exit status says whether every response was right.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod fifo;
#[allow(unsafe_code, reason = "what starts and ends the program, and the compiler's memory routines")]
mod start;

use core::convert::Infallible;

use heapless::{String, Vec};
use ipc_server::IpcServerCommand;
use ipc_server::connection::{
    Accepted, AskError, Asked, Asking, Buffers, Connection, ConnectionError, Parked, Processed, Step,
};
use serde::{Deserialize, Serialize};

use crate::fifo::{End, Line};

/// What the device understands.
#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Rename(String<40>),
    Record(i16),
    Mean,
    Samples,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Response {
    Name(String<40>),
    Recorded,
    Full,
    Mean(Option<i16>),
    Samples(Vec<i16, 8>),
}

struct Device {
    name: String<40>,
    samples: Vec<i16, 8>,
}

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Device;

    fn process(self, device: &mut Self::Context<'_>) -> Response {
        match self {
            Self::Rename(name) => {
                device.name = name;
                Response::Name(device.name.clone())
            }
            Self::Record(sample) => match device.samples.push(sample) {
                Ok(()) => Response::Recorded,
                Err(_) => Response::Full,
            },
            Self::Mean => {
                let sum: i32 = device.samples.iter().copied().map(i32::from).sum();
                let count = i32::try_from(device.samples.len()).unwrap_or(1);
                Response::Mean(sum.checked_div(count).and_then(|mean| mean.try_into().ok()))
            }
            Self::Samples => Response::Samples(device.samples.clone()),
        }
    }
}

/// The longest message, in bytes. More than the line holds, so that every long one has to wait.
const CAPACITY: usize = 64;

/// The server's side, between two turns of the device's loop.
enum Serving {
    Receiving(Parked<Accepted>),
    Replying(Parked<Processed>),
}

impl Serving {
    /// One turn: as far as it goes without waiting.
    fn advance(
        self,
        end: &mut End<'_>,
        buffers: &mut Buffers<CAPACITY>,
        mut device: &mut Device,
    ) -> Result<Self, ConnectionError<Infallible>> {
        let processed = match self {
            Self::Replying(parked) => parked.resume(end, buffers),
            Self::Receiving(parked) => match parked.resume(end, buffers).receive::<Command>()? {
                Step::Ready(read) => read.process(&mut device)?,
                Step::NotYet(accepted) => return Ok(Self::Receiving(accepted.park().0)),
            },
        };
        Ok(match processed.send()? {
            // The line never closes, so the connection waits for the next command.
            Step::Ready(replied) => Self::Receiving(replied.next().park().0),
            Step::NotYet(processed) => Self::Replying(processed.park().0),
        })
    }
}

/// The client's side, between two turns.
enum Calling {
    Sending(Parked<Asking<Command>>),
    Receiving(Parked<Asked<Command>>),
    Done(Response),
}

impl Calling {
    fn begin(
        end: &mut End<'_>,
        buffers: &mut Buffers<CAPACITY>,
        command: &Command,
    ) -> Result<Self, AskError<Infallible>> {
        Ok(Self::Sending(Connection::ask(end, buffers, command)?.park().0))
    }

    fn advance(self, end: &mut End<'_>, buffers: &mut Buffers<CAPACITY>) -> Result<Self, AskError<Infallible>> {
        let asked = match self {
            Self::Done(response) => return Ok(Self::Done(response)),
            Self::Receiving(parked) => parked.resume(end, buffers),
            Self::Sending(parked) => match parked.resume(end, buffers).send_command()? {
                Step::Ready(asked) => asked,
                Step::NotYet(asking) => return Ok(Self::Sending(asking.park().0)),
            },
        };
        Ok(match asked.receive_response()? {
            Step::Ready((response, _)) => Self::Done(response),
            Step::NotYet(asked) => Self::Receiving(asked.park().0),
        })
    }
}

/// Whether each command brings the response that it should, and whether any had to wait, since the line holds 16 bytes.
fn main() -> bool {
    let name = || String::try_from("the thermometer beside the boiler").unwrap_or_default();
    let samples = [-40, 21, 22, 85, 0, 0, 0, 0];
    let session = [
        (Command::Rename(name()), Response::Name(name())),
        (Command::Mean, Response::Mean(None)),
        (Command::Record(-40), Response::Recorded),
        (Command::Record(21), Response::Recorded),
        (Command::Record(22), Response::Recorded),
        (Command::Record(85), Response::Recorded),
        (Command::Mean, Response::Mean(Some(22))),
        (Command::Record(0), Response::Recorded),
        (Command::Record(0), Response::Recorded),
        (Command::Record(0), Response::Recorded),
        (Command::Record(0), Response::Recorded),
        (Command::Record(0), Response::Full),
        (Command::Samples, Response::Samples(Vec::from_array(samples))),
    ];
    run(&session).is_ok_and(|waits| waits > 0)
}

/// What was wrong.
#[derive(Debug)]
enum Failure {
    Server,
    Client,
    Response,
}

/// Plays the session on one line and returns how many turns a call had to wait.
fn run(session: &[(Command, Response)]) -> Result<usize, Failure> {
    let mut line = Line::new();
    let (mut client, mut server) = line.split();
    let (mut client_buffers, mut server_buffers) = (Buffers::new(), Buffers::new());
    let mut device = Device { name: String::new(), samples: Vec::new() };
    let mut serving = Serving::Receiving(Connection::new(&mut server, &mut server_buffers).park().0);
    let mut waits = 0;
    for (command, expected) in session {
        let mut calling = Calling::begin(&mut client, &mut client_buffers, command).map_err(|_| Failure::Client)?;
        loop {
            calling = calling.advance(&mut client, &mut client_buffers).map_err(|_| Failure::Client)?;
            if let Calling::Done(response) = &calling {
                if response != expected {
                    return Err(Failure::Response);
                }
                break;
            }
            serving = serving.advance(&mut server, &mut server_buffers, &mut device).map_err(|_| Failure::Server)?;
            waits += 1;
        }
    }
    Ok(waits)
}
