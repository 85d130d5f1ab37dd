//! The typestate by itself, over a scripted transport in memory: every step of an exchange is made to wait, to come in
//! single bytes, to end and to fail.

use std::collections::VecDeque;
use std::task::Poll;

use crate::support::{self, Command, Response};
use ipc_server::PeerCredentials;
use ipc_server::codec::{DecodeError, EncodeError};
use ipc_server::connection::{Buffers, Connection, ConnectionError, Fault, Step, Transport};

/// What the transport does when it is next asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// Moves at most so many bytes.
    Move(usize),
    Wait,
    End,
    Fail,
}

#[derive(Debug, PartialEq)]
struct Broken;

/// Follows its script, and after that moves all it can.
#[derive(Debug, Default)]
struct Scripted {
    script: VecDeque<Act>,
    arriving: Vec<u8>,
    sent: Vec<u8>,
    calls: usize,
    sends: usize,
    has_room: bool,
    peer: Option<PeerCredentials>,
}

impl Scripted {
    fn new(arriving: &[u8], script: &[Act]) -> Self {
        Self { script: script.iter().copied().collect(), arriving: arriving.to_vec(), ..Self::default() }
    }

    fn act(&mut self) -> Act {
        self.calls += 1;
        self.script.pop_front().unwrap_or(Act::Move(usize::MAX))
    }
}

impl Transport for Scripted {
    type Error = Broken;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Broken>> {
        assert!(!into.is_empty());
        match self.act() {
            Act::Move(most) => {
                let length = most.min(into.len()).min(self.arriving.len());
                if length == 0 {
                    return Poll::Pending;
                }
                into[..length].copy_from_slice(&self.arriving[..length]);
                self.arriving.drain(..length);
                Poll::Ready(Ok(length))
            }
            Act::Wait => Poll::Pending,
            Act::End => Poll::Ready(Ok(0)),
            Act::Fail => Poll::Ready(Err(Broken)),
        }
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Broken>> {
        assert!(!from.is_empty());
        self.sends += 1;
        match self.act() {
            Act::Move(most) => {
                let length = most.min(from.len());
                self.sent.extend(&from[..length]);
                Poll::Ready(Ok(length))
            }
            Act::Wait => Poll::Pending,
            Act::End => Poll::Ready(Ok(0)),
            Act::Fail => Poll::Ready(Err(Broken)),
        }
    }

    fn has_room(&mut self, length: usize) -> bool {
        assert_eq!(length, 64, "the capacity");
        self.has_room
    }

    fn peer(&self) -> Option<PeerCredentials> {
        self.peer
    }
}

/// Plays one exchange, asking again whenever the connection comes back.
fn exchange(transport: &mut Scripted, stack: &mut Vec<u64>) -> Result<(), ConnectionError<Broken>> {
    let mut buffers = Buffers::<64>::new();
    let mut context = stack;
    let mut accepted = Connection::new(transport, &mut buffers);
    let read = loop {
        accepted = match accepted.receive::<Command>()? {
            Step::Ready(read) => break read,
            Step::NotYet(accepted) => accepted,
        };
        assert!(accepted.transport().calls < 1000, "spins");
    };
    let mut processed = read.process(&mut context)?;
    let replied = loop {
        processed = match processed.send()? {
            Step::Ready(replied) => break replied,
            Step::NotYet(processed) => processed,
        };
        assert!(processed.transport().calls < 1000, "spins");
    };
    replied.close();
    Ok(())
}

const PUSH: Command = Command::Push { x: 7 };
const REPLY: [u8; 12] = *b"\x02\0\0\0\x07\0\0\0\0\0\0\0";

#[test]
fn waiting_and_single_bytes_at_any_step_change_nothing() {
    let mut undisturbed = Scripted::new(&PUSH.bytes(), &[Act::Move(1); 24]);
    exchange(&mut undisturbed, &mut Vec::new()).unwrap();
    let steps = undisturbed.calls;
    assert_eq!(steps, 24, "twelve bytes each way");
    for step in 0..steps {
        for act in [Act::Wait, Act::Move(1), Act::Move(5)] {
            let mut script = vec![Act::Move(1); steps];
            script.insert(step, act);
            let mut transport = Scripted::new(&PUSH.bytes(), &script);
            let mut stack = Vec::new();
            exchange(&mut transport, &mut stack).unwrap();
            assert_eq!((stack.as_slice(), transport.sent.as_slice()), (&[7][..], &REPLY[..]), "{act:?} at {step}");
        }
    }
}

#[test]
fn an_end_or_a_failure_at_any_step_executes_the_command_once_or_not_at_all() {
    for step in 0..24 {
        for act in [Act::End, Act::Fail] {
            let mut script = vec![Act::Move(1); step];
            script.push(act);
            let mut transport = Scripted::new(&PUSH.bytes(), &script);
            let mut stack = Vec::new();
            let error = exchange(&mut transport, &mut stack).unwrap_err();
            let received_all = step >= 12;
            assert_eq!(stack, if received_all { vec![7] } else { vec![] }, "{act:?} at {step}");
            assert_eq!(transport.sent, REPLY[..step.saturating_sub(12)]);
            let expected = match act {
                Act::Fail => ConnectionError::Transport(Broken),
                _ => ConnectionError::Closed { received: if received_all { 0 } else { step } },
            };
            assert_eq!(error, expected, "{act:?} at {step}");
        }
    }
}

#[test]
fn bytes_behind_a_command_are_kept_for_the_next() {
    let stream: Vec<u8> = (0..10).flat_map(|x| Command::Push { x }.bytes()).collect();
    for piece in 1..=64 {
        let mut transport = Scripted::new(&stream, &vec![Act::Move(piece); 300]);
        let mut buffers = Buffers::<64>::new();
        let mut stack = Vec::new();
        let mut context = &mut stack;
        let mut accepted = Connection::new(&mut transport, &mut buffers);
        for _ in 0..10 {
            let Step::Ready(read) = accepted.receive::<Command>().unwrap() else { panic!("all has arrived") };
            let Step::Ready(replied) = read.process(&mut context).unwrap().send().unwrap() else {
                panic!("it is taken")
            };
            accepted = replied.next();
        }
        let Ok(Step::NotYet(_)) = accepted.receive::<Command>() else { panic!("nothing is left") };
        assert_eq!(stack, (0..10).collect::<Vec<_>>(), "in pieces of {piece}");
        assert_eq!(transport.sent.len(), 120);
    }
}

/// Serves what has arrived as a server does that keeps connections, and returns how it ended.
fn serve_together(transport: &mut Scripted, stack: &mut Vec<u64>) -> ConnectionError<Broken> {
    let mut buffers = Buffers::<64>::new();
    let mut context = stack;
    let mut accepted = Connection::new(transport, &mut buffers);
    let mut replies = 0;
    loop {
        let mut read = match accepted.receive::<Command>() {
            Ok(Step::Ready(read)) => read,
            Ok(Step::NotYet(_)) => return ConnectionError::Closed { received: replies },
            Err(error) => return error,
        };
        let processed = loop {
            match read.process(&mut context).unwrap().read_ahead::<Command>() {
                Step::Ready(ahead) => read = ahead,
                Step::NotYet(processed) => break processed,
            }
        };
        replies += processed.replies();
        let Ok(Step::Ready(replied)) = processed.send() else { panic!("it is taken") };
        accepted = replied.next();
    }
}

#[test]
fn replies_to_commands_that_arrived_together_leave_together() {
    let commands: Vec<u8> = (0..5).flat_map(|x| Command::Push { x }.bytes()).collect();
    let replies: Vec<u8> = (0..5).flat_map(|x| bincode::serialize(&Response::Push { x }).unwrap()).collect();
    for (has_room, sends) in [(true, 1), (false, 5)] {
        let mut transport = Scripted { has_room, ..Scripted::new(&commands, &[]) };
        let mut stack = Vec::new();
        assert_eq!(serve_together(&mut transport, &mut stack), ConnectionError::Closed { received: 5 });
        assert_eq!(stack, [0, 1, 2, 3, 4]);
        assert_eq!(transport.sent, replies);
        assert_eq!(transport.sends, sends);
    }
}

#[test]
fn replies_that_do_not_fit_together_are_sent_in_as_few_parts_as_it_takes() {
    // Replies of 12, 32, 62, 12 and 52 bytes; 64 fit.
    let lengths = [0, 20, 50, 0, 40];
    let commands: Vec<u8> = lengths.iter().flat_map(|&length| Command::Repeat { length }.bytes()).collect();
    let mut transport = Scripted { has_room: true, ..Scripted::new(&commands, &[]) };
    serve_together(&mut transport, &mut Vec::new());
    let replies = lengths.iter().map(|&length| Response::Text("r".repeat(length as usize)));
    let expected: Vec<u8> = replies.flat_map(|reply| bincode::serialize(&reply).unwrap()).collect();
    assert_eq!(transport.sent, expected);
    assert_eq!(transport.sends, 3);
}

#[test]
fn garbage_behind_a_command_does_not_cost_its_reply() {
    let commands = [PUSH.bytes(), vec![0xff; 4]].concat();
    let mut transport = Scripted { has_room: true, ..Scripted::new(&commands, &[]) };
    let mut stack = Vec::new();
    let end = serve_together(&mut transport, &mut stack);
    assert_eq!(end, ConnectionError::Malformed(DecodeError::UnknownVariant(u32::MAX)));
    assert_eq!(transport.sent, REPLY);
}

#[test]
fn decoding_what_has_arrived_does_not_ask_the_transport() {
    let two = [PUSH.bytes(), PUSH.bytes()[..5].to_vec()].concat();
    let mut transport = Scripted::new(&two, &[]);
    let mut buffers = Buffers::<64>::new();
    let mut stack = Vec::new();
    let accepted = Connection::new(&mut transport, &mut buffers);
    let Step::NotYet(accepted) = accepted.decode::<Command>().unwrap() else { panic!("nothing has arrived") };
    assert_eq!(accepted.transport().calls, 0);
    let Step::Ready(read) = accepted.receive::<Command>().unwrap() else { panic!("one is there") };
    let Step::Ready(replied) = read.process(&mut &mut stack).unwrap().send().unwrap() else { panic!("it is taken") };
    let Step::NotYet(accepted) = replied.next().decode::<Command>().unwrap() else { panic!("the second is cut off") };
    assert_eq!(accepted.transport().calls, 2);
}

#[test]
fn a_parked_connection_goes_on_where_it_was() {
    let mut buffers = Buffers::<64>::new();
    let mut stack = Vec::new();
    let bytes = PUSH.bytes();
    let (first, rest) = bytes.split_at(5);
    let mut transport = Scripted::new(first, &[]);
    let accepted = Connection::new(&mut transport, &mut buffers);
    let Step::NotYet(accepted) = accepted.receive::<Command>().unwrap() else { panic!("five bytes are no command") };
    let (parked, _) = accepted.park();
    transport.arriving.extend(rest);
    transport.script.extend([Act::Move(7), Act::Move(3), Act::Wait]);
    let read = match parked.resume(&mut transport, &mut buffers).receive::<Command>().unwrap() {
        Step::Ready(read) => read,
        Step::NotYet(_) => panic!("the rest is there"),
    };
    let Step::NotYet(processed) = read.process(&mut &mut stack).unwrap().send().unwrap() else { panic!("must wait") };
    assert_eq!(processed.unsent(), &REPLY[3..]);
    let (parked, _) = processed.park();
    let Step::Ready(_) = parked.resume(&mut transport, &mut buffers).send().unwrap() else { panic!("must go through") };
    assert_eq!(transport.sent, REPLY);
}

#[test]
fn buffers_start_each_connection_cleared() {
    let mut buffers = Buffers::<64>::new();
    let mut first = Scripted::new(&PUSH.bytes()[..11], &[]);
    let Ok(Step::NotYet(_)) = Connection::new(&mut first, &mut buffers).receive::<Command>() else { panic!() };
    let mut second = Scripted::new(&PUSH.bytes()[11..], &[]);
    let Ok(Step::NotYet(_)) = Connection::new(&mut second, &mut buffers).receive::<Command>() else {
        panic!("one byte is no command")
    };
}

#[test]
fn the_capacity_is_the_longest_command() {
    // The variant, the length and the text: 12 bytes more than the text.
    let fits = Command::Print { payload: "x".repeat(52) };
    exchange(&mut Scripted::new(&fits.bytes(), &[]), &mut Vec::new()).unwrap();
    let too_long = Command::Print { payload: "x".repeat(53) };
    let error = exchange(&mut Scripted::new(&too_long.bytes(), &[]), &mut Vec::new()).unwrap_err();
    assert_eq!((error.fault(), error), (Fault::Peer, ConnectionError::TooLarge { capacity: 64 }));
    // Without a declared length, at the last byte of the capacity.
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Wide([u128; 5]);
    impl ipc_server::IpcServerCommand for Wide {
        type Response = u8;
        type Context<'a> = ();
        fn process(self, _: &mut Self::Context<'_>) -> u8 {
            0
        }
    }
    let mut transport = Scripted::new(&[0; 80], &[Act::Move(63)]);
    let mut buffers = Buffers::<64>::new();
    let error = Connection::new(&mut transport, &mut buffers).receive::<Wide>().unwrap_err();
    assert_eq!(error, ConnectionError::TooLarge { capacity: 64 });
    assert_eq!(transport.calls, 2);
}

#[test]
fn faults_are_told_apart() {
    let garbage = exchange(&mut Scripted::new(&[0xff; 4], &[]), &mut Vec::new()).unwrap_err();
    assert_eq!(garbage, ConnectionError::Malformed(DecodeError::UnknownVariant(u32::MAX)));
    assert_eq!(garbage.fault(), Fault::Peer);
    let long = Command::Repeat { length: 53 };
    let response = exchange(&mut Scripted::new(&long.bytes(), &[]), &mut Vec::new()).unwrap_err();
    assert_eq!(response, ConnectionError::Response(EncodeError::BufferFull));
    assert_eq!(response.fault(), Fault::Local);
    let broken = exchange(&mut Scripted::new(&[], &[Act::Fail]), &mut Vec::new()).unwrap_err();
    assert_eq!(broken.fault(), Fault::Transport);
    assert_eq!(
        ConnectionError::Closed::<std::io::Error> { received: 3 }.to_string(),
        "the peer closed the connection after 3 bytes of an unfinished command"
    );
}

#[test]
fn a_command_can_be_looked_at_and_answered_by_hand_and_knows_its_peer() {
    let peer = PeerCredentials::new(1, 2, Some(3));
    let mut transport = Scripted { peer: Some(peer), ..Scripted::new(&PUSH.bytes(), &[]) };
    let mut buffers = Buffers::<64>::new();
    let accepted = Connection::new(&mut transport, &mut buffers);
    assert_eq!(accepted.peer(), Some(peer));
    let Step::Ready(read) = accepted.receive::<Command>().unwrap() else { panic!("it is there") };
    assert_eq!(*read.command(), PUSH);
    let processed = read
        .answer(|command, from| {
            assert_eq!((command, from), (PUSH, Some(peer)));
            Response::PrintAck
        })
        .unwrap();
    assert_eq!(processed.unsent(), [0; 4]);
}

#[test]
fn a_command_may_be_processed_by_sender() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct WhoAmI(u8);
    impl ipc_server::IpcServerCommand for WhoAmI {
        type Response = Option<u32>;
        type Context<'a> = ();
        fn process(self, _: &mut Self::Context<'_>) -> Option<u32> {
            None
        }
        fn process_from(self, peer: &PeerCredentials, _: &mut Self::Context<'_>) -> Option<u32> {
            Some(peer.uid)
        }
    }
    for (peer, reply) in [(None, &b"\0"[..]), (Some(PeerCredentials::new(9, 0, None)), b"\x01\x09\0\0\0")] {
        let mut transport = Scripted { peer, ..Scripted::new(&[0], &[]) };
        let mut buffers = Buffers::<64>::new();
        let Step::Ready(read) = Connection::new(&mut transport, &mut buffers).receive::<WhoAmI>().unwrap() else {
            panic!("it is there")
        };
        assert_eq!(read.process(&mut ()).unwrap().unsent(), reply);
    }
}

#[test]
fn a_small_socket_buffer_takes_a_large_reply_in_parts() {
    use ipc_server::unix::Listener;
    use std::io::Read;
    let scratch = support::Scratch::new();
    let path = scratch.path("s");
    let listener = Listener::bind(path.as_str()).unwrap();
    assert!(listener.accept().unwrap().is_pending());
    let mut client = support::connect_and_send(&path, &Command::Repeat { length: 60_000 }.bytes());
    let Poll::Ready(stream) = listener.accept().unwrap() else { panic!("the client has connected") };
    assert_eq!(stream.peer().uid, rustix::process::geteuid().as_raw());
    assert_eq!(stream.peer().pid, Some(std::process::id()));
    // The kernel doubles it and has a minimum of its own (man 7 socket).
    rustix::net::sockopt::set_socket_send_buffer_size(&stream, 2048).unwrap();
    let mut buffers = Box::new(Buffers::<65536>::new());
    let mut stack = Vec::new();
    let Step::Ready(read) = Connection::new(stream, &mut *buffers).receive::<Command>().unwrap() else {
        panic!("the command is there")
    };
    let mut processed = read.process(&mut &mut stack).unwrap();
    let mut reply = Vec::new();
    let mut waits = 0;
    loop {
        processed = match processed.send().unwrap() {
            Step::Ready(replied) => break drop(replied.close()),
            Step::NotYet(processed) => processed,
        };
        waits += 1;
        let mut part = [0; 1000];
        let length = client.read(&mut part).unwrap();
        reply.extend(&part[..length]);
    }
    client.read_to_end(&mut reply).unwrap();
    assert!(waits > 5, "{waits}");
    assert_eq!(bincode::deserialize::<Response>(&reply).unwrap(), Response::Text("r".repeat(60_000)));
}

#[test]
fn the_rest_of_a_second_command_is_waited_for_wherever_it_lies_in_the_buffer() {
    // 20 bytes and the first 24 of 32: the second begins at 20 and ends at 44, which are 64 together.
    let mut arriving = b"\x01\0\0\0\x05\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0".to_vec();
    arriving.extend(b"\0\0\0\0\x14\0\0\0\0\0\0\0twelve bytes");
    let mut transport = Scripted::new(&arriving, &[]);
    let (mut buffers, mut stack) = (Buffers::<64>::new(), Vec::new());
    let accepted = Connection::new(&mut transport, &mut buffers);
    let Step::Ready(read) = accepted.receive::<Command>().unwrap() else { panic!("a whole command") };
    let Step::Ready(replied) = read.process(&mut &mut stack).unwrap().send().unwrap() else { panic!("room") };
    let Step::NotYet(mut accepted) = replied.next().decode::<Command>().unwrap() else { panic!("half a command") };
    accepted.transport_mut().arriving.extend(b" and eig");
    let Step::Ready(read) = accepted.receive::<Command>().unwrap() else { panic!("a whole command") };
    assert!(matches!(read.command(), Command::Print { payload } if payload == "twelve bytes and eig"));
}

#[test]
fn only_a_response_without_bytes_is_empty() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Quiet(u8);

    impl ipc_server::IpcServerCommand for Quiet {
        type Response = ();
        type Context<'a> = ();

        fn process(self, (): &mut ()) {}
    }

    let mut buffers = Buffers::<64>::new();
    let Step::Ready(read) = Connection::new(Scripted::new(&[7], &[]), &mut buffers).receive::<Quiet>().unwrap() else {
        panic!("a whole command")
    };
    let processed = read.process(&mut ()).unwrap();
    assert!(processed.is_reply_empty());
    assert_eq!(processed.unsent(), b"");

    let push = b"\x02\0\0\0\x07\0\0\0\0\0\0\0";
    let Step::Ready(read) = Connection::new(Scripted::new(push, &[]), &mut buffers).receive::<Command>().unwrap()
    else {
        panic!("a whole command")
    };
    assert!(!read.process(&mut &mut Vec::new()).unwrap().is_reply_empty());
}

#[test]
fn an_error_knows_its_source() {
    use std::error::Error;

    let source = |error: &ConnectionError<std::io::Error>| error.source().map(ToString::to_string);
    let malformed = DecodeError::InvalidBool(7);
    assert_eq!(source(&ConnectionError::Malformed(malformed.clone())), Some(malformed.to_string()));
    let unsent = EncodeError::BufferFull;
    assert_eq!(source(&ConnectionError::Response(unsent.clone())), Some(unsent.to_string()));
    assert_eq!(source(&ConnectionError::Transport(std::io::Error::other("line"))), Some("line".to_owned()));
    assert_eq!(source(&ConnectionError::EmptyCommand), None);
}

/// What was executed is answered, whatever becomes of the command behind it.
mod failing {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use ipc_server::IpcServerCommand;
    use ipc_server::codec::EncodeError;
    use ipc_server::connection::{Buffers, Connection, ConnectionError, Step};
    use serde::{Deserialize, Serialize, Serializer};

    use super::{Act, Broken, Scripted};

    #[derive(Serialize, Deserialize, Debug)]
    enum Command {
        Answer(u8),
        Panic,
        Refuse,
        Long,
    }

    #[derive(Deserialize, Debug)]
    enum Response {
        Answer(u8),
        Refused,
        Long,
    }

    impl Serialize for Response {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Answer(byte) => serializer.serialize_u8(*byte),
                Self::Refused => Err(serde::ser::Error::custom("refused")),
                Self::Long => [[0_u8; 5]; 13].serialize(serializer),
            }
        }
    }

    impl IpcServerCommand for Command {
        type Response = Response;
        type Context<'a> = ();

        fn process(self, (): &mut ()) -> Response {
            match self {
                Self::Answer(byte) => Response::Answer(byte),
                Self::Panic => resume_unwind(Box::new("as told")),
                Self::Refuse => Response::Refused,
                Self::Long => Response::Long,
            }
        }
    }

    /// Three commands and a fourth, whose replies leave together; the transport does so with them after it has received.
    fn serve(transport: &mut Scripted, fourth: u8) -> ConnectionError<Broken> {
        for byte in 1..=3 {
            transport.arriving.extend([0, 0, 0, 0, byte]);
        }
        transport.arriving.extend([fourth, 0, 0, 0]);
        transport.has_room = true;
        let mut buffers = Buffers::<64>::new();
        let Ok(Step::Ready(mut read)) = Connection::new(transport, &mut buffers).receive::<Command>() else {
            panic!("all has arrived")
        };
        loop {
            let processed = match read.process(&mut ()) {
                Ok(processed) => processed,
                Err(error) => return error,
            };
            let Step::Ready(next) = processed.read_ahead::<Command>() else { panic!("the transport has room") };
            read = next;
        }
    }

    #[test]
    fn replies_that_were_put_off_leave_before_a_response_that_cannot_be_encoded() {
        for (fourth, error) in [(2, None), (3, Some(EncodeError::BufferFull))] {
            let mut transport = Scripted::default();
            let ConnectionError::Response(end) = serve(&mut transport, fourth) else { panic!("it can't be encoded") };
            assert!(error.is_none_or(|error| error == end));
            assert_eq!((&transport.sent[..], transport.sends), (&[1, 2, 3][..], 1));
        }
    }

    #[test]
    fn replies_that_were_put_off_leave_before_a_panic() {
        let mut transport = Scripted::default();
        assert!(catch_unwind(AssertUnwindSafe(|| serve(&mut transport, 1))).is_err());
        assert_eq!((&transport.sent[..], transport.sends), (&[1, 2, 3][..], 1));
    }

    #[test]
    fn where_they_do_not_leave_it_is_their_failure_or_the_responses() {
        let mut transport = Scripted { script: [Act::Move(64), Act::Fail].into(), ..Scripted::default() };
        assert_eq!(serve(&mut transport, 2), ConnectionError::Transport(Broken));
        let mut transport = Scripted { script: [Act::Move(64), Act::Move(2), Act::Wait].into(), ..Scripted::default() };
        assert!(matches!(serve(&mut transport, 3), ConnectionError::Response(_)));
        assert_eq!(transport.sent, [1, 2]);
    }
}

/// A message that comes in pieces is not decoded anew at each.
mod in_pieces {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::task::Poll;

    use ipc_server::IpcServerCommand;
    use ipc_server::codec::{Bincode, Codec, DecodeError, EncodeError, PrefixError};
    use ipc_server::connection::{Buffers, Connection, Step, Transport};
    use serde::{Deserialize, Deserializer, Serialize};

    const CAPACITY: usize = 64 * 1024;

    thread_local! {
        /// How many texts, and elements of lists, were begun to be decoded.
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    fn step() {
        STEPS.set(STEPS.get() + 1);
    }

    #[derive(Serialize, Debug, PartialEq)]
    struct Text(String);

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            step();
            String::deserialize(deserializer).map(Self)
        }
    }

    #[derive(Serialize, Debug, PartialEq)]
    struct Byte(u8);

    impl<'de> Deserialize<'de> for Byte {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            step();
            u8::deserialize(deserializer).map(Self)
        }
    }

    /// Both a command and a response.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    enum Message {
        Text(Text),
        List(Vec<Byte>),
    }

    impl IpcServerCommand for Message {
        type Response = Self;
        type Context<'a> = ();

        fn process(self, (): &mut ()) -> Self {
            self
        }
    }

    /// Delivers single bytes and takes all that is sent.
    struct Drip(std::vec::IntoIter<u8>);

    impl Transport for Drip {
        type Error = Infallible;

        fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
            self.0.next().map_or(Poll::Pending, |byte| {
                into[0] = byte;
                Poll::Ready(Ok(1))
            })
        }

        fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
            Poll::Ready(Ok(from.len()))
        }
    }

    fn encoded<K: Codec>(message: &Message) -> std::vec::IntoIter<u8> {
        let mut bytes = vec![0; CAPACITY];
        let length = K::encode(message, &mut bytes).unwrap();
        bytes.truncate(length);
        bytes.into_iter()
    }

    /// How many steps each side takes for a message in single bytes.
    fn steps<K: Codec>(message: &Message) -> [usize; 2] {
        let mut buffers = Box::new(Buffers::<CAPACITY>::new());
        let both = [false, true];
        both.map(|is_client| {
            STEPS.set(0);
            let drip = Drip(encoded::<K>(message));
            if is_client {
                let asking = Connection::<_, _, K, CAPACITY>::ask_with_codec(drip, &mut buffers, message).unwrap();
                let Ok(Step::Ready(asked)) = asking.send_command() else { panic!("it is taken") };
                let Ok(Step::Ready((response, _))) = asked.receive_response() else { panic!("all has arrived") };
                assert_eq!(response, *message);
            } else {
                let accepted = Connection::<_, _, K, CAPACITY>::with_codec(drip, &mut buffers);
                let Ok(Step::Ready(read)) = accepted.receive::<Message>() else { panic!("all has arrived") };
                assert_eq!(read.command(), message);
            }
            STEPS.get()
        })
    }

    fn text(length: usize) -> Message {
        Message::Text(Text("x".repeat(length)))
    }

    fn list(length: usize) -> Message {
        Message::List((0..length).map(|_| Byte(1)).collect())
    }

    fn texts<K: Codec>() {
        for length in [2 << 10, 32 << 10] {
            for steps in steps::<K>(&text(length)) {
                assert!(steps <= 40, "{steps} for a text of {length} bytes");
            }
        }
    }

    fn lists<K: Codec>() {
        for length in [2 << 10, 32 << 10] {
            for steps in steps::<K>(&list(length)) {
                assert!(steps <= 3 * length, "{steps} for {length} elements");
            }
        }
    }

    /// Bincode's texts, with what is missing counted as well as it can be.
    struct Counting;

    impl Codec for Counting {
        const NAME: &'static str = "counting";

        fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
            Bincode::encode(value, into)
        }

        fn decode<'de, T: Deserialize<'de>>(from: &'de [u8]) -> Result<(T, usize), DecodeError> {
            Bincode::decode(from)
        }

        fn decode_prefix<'de, T: Deserialize<'de>>(from: &'de [u8], _: usize) -> Result<(T, usize), PrefixError> {
            Bincode::decode(from).map_err(|error| match error {
                DecodeError::Incomplete => {
                    let text = from.get(4..12).map_or(0, |length| u64::from_le_bytes(length.try_into().unwrap()));
                    PrefixError::Incomplete { missing: 12 + usize::try_from(text).unwrap() - from.len() }
                }
                _ => PrefixError::Malformed,
            })
        }
    }

    #[test]
    fn what_is_missing_is_waited_for() {
        texts::<Counting>();
    }

    #[test]
    fn a_text_in_single_bytes_is_decoded_few_times() {
        texts::<Bincode>();
        #[cfg(feature = "postcard")]
        texts::<ipc_server::codec::Postcard>();
    }

    #[test]
    fn a_list_in_single_bytes_costs_at_most_three_times_what_it_costs_whole() {
        lists::<Bincode>();
        #[cfg(feature = "postcard")]
        lists::<ipc_server::codec::Postcard>();
    }
}
