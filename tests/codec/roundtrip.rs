//! Round trips of generated values, with both codecs: each property is one function, applied to every type of the model.
//! Then the same values through a real connection, in any pieces.

use crate::strategies;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Debug;
use std::task::Poll;

use crate::cases::cases;
use crate::model::{Borrowed, Containers, Fixed, Integers, Record, Shape, Standard, Tree, Wide, encoded};
use ipc_server::IpcServerCommand;
use ipc_server::codec::{Codec, DecodeError, EncodeError};
use ipc_server::connection::{Accepted, Buffers, Connection, Step, Transport};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::{Deserialize, Serialize};

/// What every property asks of a value's type. It may borrow from the message.
trait Model<'de>: Serialize + Deserialize<'de> + PartialEq + Debug {}
impl<'de, T: Serialize + Deserialize<'de> + PartialEq + Debug> Model<'de> for T {}

fn comes_back_from_exactly_its_bytes<'de, K: Codec, T: Model<'de>>(value: &T, memory: &'de mut Vec<u8>) {
    *memory = encoded::<K, _>(value);
    let (decoded, used) = K::decode::<T>(memory).unwrap();
    assert_eq!((&decoded, used), (value, memory.len()));
    assert_eq!(&K::decode_within::<T>(memory, used).unwrap().0, value);
}

fn every_strict_prefix_is_incomplete<'de, K: Codec, T: Model<'de>>(value: &T, memory: &'de mut Vec<u8>) {
    *memory = encoded::<K, _>(value);
    let message: &'de [u8] = memory;
    for length in 0..message.len() {
        let prefix = &message[..length];
        assert_eq!(K::decode::<T>(prefix), Err(DecodeError::Incomplete), "{length} bytes of {message:02x?}");
        let within = K::decode_within::<T>(prefix, message.len());
        assert_eq!(within, Err(DecodeError::Incomplete), "{length} bytes of {message:02x?}");
    }
}

fn bytes_behind_it_change_nothing<'de, K: Codec, T: Model<'de>>(value: &T, memory: &'de mut Vec<u8>) {
    *memory = encoded::<K, _>(value);
    let length = memory.len();
    memory.extend([0xff, 0, 1, 0x80, 0x7f, 2, 0, 0, 0, 0, 0]);
    let (decoded, used) = K::decode::<T>(memory).unwrap();
    assert_eq!((&decoded, used), (value, length));
}

fn only_a_buffer_of_its_length_or_more_holds_it<'de, K: Codec, T: Model<'de>>(value: &T, memory: &'de mut Vec<u8>) {
    let length = encoded::<K, _>(value).len();
    memory.resize(length, 0xaa);
    assert_eq!(K::encode(value, memory), Ok(length));
    for length in [length.saturating_sub(1), length / 2, 0] {
        if length < memory.len() {
            assert_eq!(K::encode(value, &mut memory[..length]), Err(EncodeError::BufferFull), "{length} bytes");
        }
    }
}

fn is_always_encoded_the_same<'de, K: Codec, T: Model<'de>>(value: &T, memory: &'de mut Vec<u8>) {
    *memory = encoded::<K, _>(value);
    assert_eq!(*memory, encoded::<K, _>(value));
    let (decoded, _) = K::decode::<T>(memory).unwrap();
    assert_eq!(encoded::<K, _>(&decoded), *memory);
}

/// Tests each property for each type.
macro_rules! round_trips {
    ($codec:ty; $($type:ident: $strategy:expr),* $(,)?) => {
        $(round_trips!(@type $codec, $type, value in $strategy, &value);)*
        round_trips!(@type $codec, borrowed, lent in strategies::borrowed(), &Borrowed {
            text: &lent.0,
            raw: &lent.1,
            maybe: lent.2.as_deref(),
        });
    };
    (@type $codec:ty, $type:ident, $name:ident in $strategy:expr, $value:expr) => {
        mod $type {
            use super::super::*;
            round_trips!(@property $codec, $name in $strategy, $value;
                comes_back_from_exactly_its_bytes
                every_strict_prefix_is_incomplete
                bytes_behind_it_change_nothing
                only_a_buffer_of_its_length_or_more_holds_it
                is_always_encoded_the_same
            );
        }
    };
    (@property $codec:ty, $name:ident in $strategy:expr, $value:expr; $($property:ident)*) => {
        proptest! {
            #![proptest_config(cases(96))]
            $(
                #[test]
                fn $property($name in $strategy) {
                    let mut memory = Vec::new();
                    super::super::$property::<$codec, _>($value, &mut memory);
                }
            )*
        }
    };
}

macro_rules! all_round_trips {
    ($codec:ty) => {
        round_trips! {
            $codec;
            integers: strategies::integers(),
            floats: strategies::floats(),
            record: strategies::record(),
            shape: strategies::shape(),
            wide_enum: strategies::wide(),
            containers: strategies::containers(),
            fixed_capacity: strategies::fixed(),
            standard_library: strategies::standard(),
            bytes: strategies::bytes(),
            tree: strategies::tree(),
            chain: strategies::chain(),
        }
    };
}

/// Any of the model's values, as a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Command {
    Integers(Integers),
    Record(Record),
    Shape(Shape),
    Wide(Vec<Wide>),
    Containers(Box<Containers>),
    Fixed(Box<Fixed>),
    Standard(Standard),
    Tree(Tree),
}

impl IpcServerCommand for Command {
    type Response = Self;
    type Context<'a> = &'a mut Vec<Self>;

    /// Notes the command and sends it back.
    fn process(self, arrived: &mut &mut Vec<Self>) -> Self {
        arrived.push(self.clone());
        self
    }
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        strategies::integers().prop_map(Command::Integers),
        strategies::record().prop_map(Command::Record),
        strategies::shape().prop_map(Command::Shape),
        strategies::wide().prop_map(Command::Wide),
        strategies::containers().prop_map(|containers| Command::Containers(Box::new(containers))),
        strategies::fixed().prop_map(|fixed| Command::Fixed(Box::new(fixed))),
        strategies::standard().prop_map(Command::Standard),
        strategies::tree().prop_map(Command::Tree),
    ]
}

/// Pieces that arrive one by one with a wait before each, and what was sent, of which a few bytes are taken at a time.
#[derive(Debug)]
struct Pieces {
    arriving: VecDeque<Vec<u8>>,
    waited: bool,
    most: usize,
    sent: Vec<u8>,
}

impl Transport for Pieces {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        self.waited = !self.waited;
        let Some(piece) = self.arriving.front_mut().filter(|_| !self.waited) else {
            return Poll::Pending;
        };
        let length = piece.len().min(into.len());
        into[..length].copy_from_slice(&piece[..length]);
        piece.drain(..length);
        if piece.is_empty() {
            self.arriving.pop_front();
        }
        Poll::Ready(Ok(length))
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        self.waited = !self.waited;
        if self.waited {
            return Poll::Pending;
        }
        let length = from.len().min(self.most);
        self.sent.extend(&from[..length]);
        Poll::Ready(Ok(length))
    }
}

/// Where the stream is cut, and how many bytes of a reply are taken at a time.
fn cuts() -> impl Strategy<Value = (Vec<Index>, usize)> {
    (vec(any::<Index>(), 0..12), 1..200_usize)
}

const CAPACITY: usize = 4096;

/// Sends `commands` in one stream that is cut into pieces, and expects each to arrive and to come back, in order.
fn arrive_whole_and_in_order<K: Codec>(commands: &[Command], cuts: &[Index], most: usize) {
    let stream: Vec<u8> = commands.iter().flat_map(encoded::<K, _>).collect();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).filter(|cut| *cut > 0).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([stream.len()]);
    let arriving = starts.zip(ends).map(|(start, end)| stream[start..end].to_vec()).collect();

    let mut arrived = Vec::new();
    let mut context = &mut arrived;
    let mut buffers = Buffers::<CAPACITY>::new();
    let transport = Pieces { arriving, waited: false, most, sent: Vec::new() };
    let mut accepted: Connection<'_, Accepted, _, K, CAPACITY> = Connection::with_codec(transport, &mut buffers);
    for _ in commands {
        let read = loop {
            match accepted.receive::<Command>().unwrap() {
                Step::Ready(read) => break read,
                Step::NotYet(same) => {
                    assert!(!same.transport().arriving.is_empty(), "everything has arrived and no command with it");
                    accepted = same;
                }
            }
        };
        let mut processed = read.process(&mut context).unwrap();
        accepted = loop {
            match processed.send().unwrap() {
                Step::Ready(replied) => break replied.next(),
                Step::NotYet(same) => processed = same,
            }
        };
    }
    assert_eq!(accepted.close().sent, stream);
    assert_eq!(arrived, commands);
}

macro_rules! through_a_connection {
    ($codec:ty) => {
        mod through_a_connection {
            use super::super::*;

            proptest! {
                #![proptest_config(cases(256))]

                #[test]
                fn a_command_in_any_pieces_arrives_whole(command in command(), (cuts, most) in cuts()) {
                    arrive_whole_and_in_order::<$codec>(&[command], &cuts, most);
                }

                #[test]
                fn pipelined_commands_in_any_pieces_arrive_in_order(
                    commands in vec(command(), 2..6),
                    (cuts, most) in cuts(),
                ) {
                    arrive_whole_and_in_order::<$codec>(&commands, &cuts, most);
                }
            }

            #[test]
            fn a_command_arrives_byte_by_byte() {
                let command = Command::Shape(Shape::Struct { x: -1, text: "å🦀".into() });
                let length = encoded::<$codec, _>(&command).len();
                let mut transport = Pieces { arriving: VecDeque::new(), waited: false, most: 1, sent: Vec::new() };
                transport.arriving.extend(encoded::<$codec, _>(&command).into_iter().map(|byte| vec![byte]));
                let mut buffers = Buffers::<CAPACITY>::new();
                let mut accepted = Connection::<'_, Accepted, _, $codec, CAPACITY>::with_codec(transport, &mut buffers);
                for byte in 0..length {
                    // A wait, then one byte and another wait.
                    let Step::NotYet(same) = accepted.receive::<Command>().unwrap() else { panic!("{byte} bytes") };
                    accepted = same;
                }
                let Step::Ready(read) = accepted.receive::<Command>().unwrap() else { panic!("it is all there") };
                assert_eq!(read.command(), &command);
            }
        }
    };
}

mod bincode {
    all_round_trips!(ipc_server::codec::Bincode);
    through_a_connection!(ipc_server::codec::Bincode);
}

#[cfg(feature = "postcard")]
mod postcard {
    all_round_trips!(ipc_server::codec::Postcard);
    through_a_connection!(ipc_server::codec::Postcard);
}
