//! The client's side by itself, over a line in memory: what `Client` does on a socket, step by step and with no operating
//! system.

use std::collections::VecDeque;
use std::task::Poll;

use crate::support::{Command, Response};
use ipc_server::IpcServerCommand;
use ipc_server::codec::{DecodeError, EncodeError};
use ipc_server::connection::{AskError, Buffers, Connection, Step, Transport};
use serde::{Deserialize, Serialize};

/// What the line does when it is next asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// Moves at most so many bytes.
    Move(usize),
    Wait,
    End,
    Fail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Broken;

/// Follows its script, and after that moves all it can.
#[derive(Debug, Default)]
struct Line {
    script: VecDeque<Act>,
    arriving: VecDeque<u8>,
    sent: Vec<Vec<u8>>,
    calls: usize,
}

impl Line {
    fn new(arriving: &[u8], script: &[Act]) -> Self {
        Self { script: script.to_vec().into(), arriving: arriving.to_vec().into(), ..Self::default() }
    }

    fn act(&mut self, available: usize) -> Poll<Result<usize, Broken>> {
        self.calls += 1;
        assert!(self.calls < 1000, "spins");
        match self.script.pop_front().unwrap_or(Act::Move(usize::MAX)) {
            Act::Move(most) if most.min(available) > 0 => Poll::Ready(Ok(most.min(available))),
            Act::Move(_) | Act::Wait => Poll::Pending,
            Act::End => Poll::Ready(Ok(0)),
            Act::Fail => Poll::Ready(Err(Broken)),
        }
    }
}

impl Transport for Line {
    type Error = Broken;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Broken>> {
        let moved = self.act(into.len().min(self.arriving.len()));
        if let Poll::Ready(Ok(length)) = moved {
            into.iter_mut().zip(self.arriving.drain(..length)).for_each(|(room, byte)| *room = byte);
        }
        moved
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Broken>> {
        let moved = self.act(from.len());
        if let Poll::Ready(Ok(length)) = moved {
            self.sent.push(from[..length].to_vec());
        }
        moved
    }
}

/// Asks for `command`, again whenever the connection comes back. With the response comes whether the line is of use.
fn ask<C: IpcServerCommand>(line: &mut Line, command: &C) -> Result<(C::Response, bool), AskError<Broken>> {
    let mut buffers = Buffers::<64>::new();
    let mut asking = Connection::ask(line, &mut buffers, command)?;
    let mut asked = loop {
        asking = match asking.send_command()? {
            Step::Ready(asked) => break asked,
            Step::NotYet(asking) => asking,
        };
    };
    loop {
        asked = match asked.receive_response()? {
            Step::Ready((response, line)) => return Ok((response, line.is_some())),
            Step::NotYet(asked) => asked,
        };
    }
}

const PUSH: Command = Command::Push { x: 7 };
const PUSHED: Response = Response::Push { x: 7 };
const BYTES: [u8; 12] = *b"\x02\0\0\0\x07\0\0\0\0\0\0\0";

#[test]
fn a_command_leaves_in_one_send_and_its_response_comes_back() {
    let mut line = Line::new(&BYTES, &[]);
    assert_eq!(ask(&mut line, &PUSH), Ok((PUSHED, true)));
    assert_eq!(line.sent, [BYTES]);
    assert_eq!(line.calls, 2);
}

#[test]
fn waiting_and_single_bytes_at_any_step_change_nothing() {
    for step in 0..24 {
        for act in [Act::Wait, Act::Move(1), Act::Move(5)] {
            let mut script = vec![Act::Move(1); 24];
            script.insert(step, act);
            let mut line = Line::new(&BYTES, &script);
            assert_eq!(ask(&mut line, &PUSH), Ok((PUSHED, true)), "{act:?} at {step}");
            assert_eq!(line.sent.concat(), BYTES, "{act:?} at {step}");
        }
    }
}

#[test]
fn what_cannot_be_sent_is_not() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Nothing;
    impl IpcServerCommand for Nothing {
        type Response = u8;
        type Context<'a> = ();
        fn process(self, (): &mut ()) -> u8 {
            1
        }
    }
    let mut line = Line::new(&BYTES, &[]);
    assert_eq!(ask(&mut line, &Nothing), Err(AskError::EmptyCommand));
    let too_long = Command::Print { payload: "x".repeat(53) };
    assert_eq!(ask(&mut line, &too_long), Err(AskError::Command(EncodeError::BufferFull)));
    assert_eq!(line.calls, 0);
}

#[test]
fn a_peer_that_ends_or_breaks_is_an_error_that_says_how_far_it_came() {
    for step in 0..24 {
        let received = step.max(12) - 12;
        for (act, expected) in [(Act::End, AskError::Closed { received }), (Act::Fail, AskError::Transport(Broken))] {
            let mut script = vec![Act::Move(1); 24];
            script[step] = act;
            assert_eq!(ask(&mut Line::new(&BYTES, &script), &PUSH), Err(expected), "{act:?} at {step}");
        }
    }
}

#[test]
fn what_is_not_a_response_is_an_error() {
    let ask = |arriving: &[u8]| ask(&mut Line::new(arriving, &[]), &PUSH);
    assert_eq!(ask(&[9; 4]), Err(AskError::Malformed(DecodeError::UnknownVariant(0x0909_0909))));
    let text = bincode::serialize(&Response::Text("x".repeat(52))).unwrap();
    assert_eq!(ask(&text), Ok((Response::Text("x".repeat(52)), true)), "as long as the capacity");
    let too_long = bincode::serialize(&Response::Text("x".repeat(53))).unwrap();
    assert_eq!(ask(&too_long[..12]), Err(AskError::TooLarge { capacity: 64 }), "as soon as its length is there");
}

#[test]
fn a_line_on_which_more_came_than_the_response_does_not_come_back() {
    let mut line = Line::new(&[&BYTES[..], b"\0"].concat(), &[]);
    assert_eq!(ask(&mut line, &PUSH), Ok((PUSHED, false)));
}

#[test]
fn a_response_without_bytes_is_the_end_and_never_comes_on_a_line_that_has_none() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Ping(u8);
    impl IpcServerCommand for Ping {
        type Response = ();
        type Context<'a> = ();
        fn process(self, (): &mut ()) {}
    }
    assert_eq!(ask(&mut Line::new(&[], &[Act::Move(1), Act::End]), &Ping(1)), Ok(((), false)));

    let mut line = Line::new(&[], &[]);
    let mut buffers = Buffers::<64>::new();
    let Ok(Step::Ready(asked)) = Connection::ask(&mut line, &mut buffers, &Ping(1)).unwrap().send_command() else {
        panic!("the line takes it")
    };
    assert!(matches!(asked.receive_response(), Ok(Step::NotYet(_))));
}

#[test]
fn a_call_can_be_parked_between_its_steps() {
    let mut line = Line::new(&BYTES, &[Act::Move(5), Act::Wait, Act::Move(7), Act::Move(3), Act::Wait]);
    let mut buffers = Buffers::<64>::new();
    let Ok(Step::NotYet(asking)) = Connection::ask(&mut line, &mut buffers, &PUSH).unwrap().send_command() else {
        panic!("it must wait")
    };
    let (parked, _) = asking.park();
    assert!(format!("{parked:?}").contains("sent: 5"), "{parked:?}");
    let Ok(Step::Ready(asked)) = parked.resume(&mut line, &mut buffers).send_command() else { panic!("it need not") };
    let Ok(Step::NotYet(asked)) = asked.receive_response() else { panic!("it must wait") };
    let (parked, _) = asked.park();
    let Ok(Step::Ready((response, Some(line)))) = parked.resume(&mut line, &mut buffers).receive_response() else {
        panic!("it need not")
    };
    assert_eq!((response, line.sent.concat()), (PUSHED, BYTES.to_vec()));
}

#[cfg(feature = "postcard")]
#[test]
fn another_codec_can_be_chosen() {
    use ipc_server::codec::Postcard;
    let mut line = Line::new(b"\x02\x07", &[]);
    let mut buffers = Buffers::<64>::new();
    let asking = Connection::<_, _, Postcard, 64>::ask_with_codec(&mut line, &mut buffers, &PUSH).unwrap();
    let Ok(Step::Ready(asked)) = asking.send_command() else { panic!("the line takes it") };
    let Ok(Step::Ready((response, Some(line)))) = asked.receive_response() else { panic!("it is there") };
    assert_eq!((response, line.sent.concat()), (PUSHED, b"\x02\x07".to_vec()));
}

#[test]
fn every_error_has_a_text_and_its_source() {
    let errors: [(AskError<std::fmt::Error>, &str, bool); 7] = [
        (AskError::EmptyCommand, "the command type takes no bytes on the wire: give it a variant or a field", false),
        (
            AskError::Command(EncodeError::BufferFull),
            "the command could not be encoded: the encoding is longer than the buffer",
            true,
        ),
        (AskError::Closed { received: 0 }, "the peer closed the connection without a reply", false),
        (
            AskError::Closed { received: 3 },
            "the peer closed the connection after 3 bytes of an unfinished response",
            false,
        ),
        (
            AskError::Malformed(DecodeError::UnknownVariant(9)),
            "the peer sent what is not a response: an enum has no variant of index 9",
            true,
        ),
        (AskError::TooLarge { capacity: 64 }, "the peer's response is longer than 64 bytes", false),
        (
            AskError::Transport(std::fmt::Error),
            "the transport failed: an error occurred when formatting an argument",
            true,
        ),
    ];
    for (error, text, has_source) in errors {
        assert_eq!(error.to_string(), text);
        assert_eq!(std::error::Error::source(&error).is_some(), has_source, "{text}");
    }
}

#[test]
fn a_response_that_is_longer_than_the_capacity_only_by_its_fields_is_too_large() {
    /// 72 bytes, where no length says so beforehand.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Nine([u64; 9]);

    #[derive(Serialize, Deserialize, Debug)]
    struct Ask(u8);

    impl IpcServerCommand for Ask {
        type Response = Nine;
        type Context<'a> = ();

        fn process(self, (): &mut ()) -> Nine {
            Nine([self.0.into(); 9])
        }
    }

    let mut line = Line::new(&[1; 72], &[]);
    assert_eq!(ask(&mut line, &Ask(1)), Err(AskError::TooLarge { capacity: 64 }));
}
