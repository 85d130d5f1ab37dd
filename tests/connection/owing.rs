//! A command that is answered later, or several times, over a transport in memory that takes what it has room for.

use std::convert::Infallible;
use std::task::Poll;

use ipc_server::Request;
use ipc_server::codec::Bincode;
use ipc_server::connection::{Buffers, Connection, ConnectionError, Owing, Step, Transport};
use ipc_server::wire::session::{Fingerprints, Offer, PREFACE};
use ipc_server::wire::{Both, Session};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Command {
    Watch,
}

impl Request for Command {
    type Response = Value;
}

/// Brings what has arrived, and takes as many bytes as it has room for.
#[derive(Debug, Default)]
struct Line {
    arrivals: Vec<u8>,
    room: usize,
    sent: Vec<u8>,
}

impl Transport for Line {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        let length = into.len().min(self.arrivals.len());
        into[..length].copy_from_slice(&self.arrivals[..length]);
        self.arrivals.drain(..length);
        if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        let length = from.len().min(self.room);
        self.room -= length;
        self.sent.extend(&from[..length]);
        if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
    }
}

fn hello() -> Vec<u8> {
    let Fingerprints { command, response } = Fingerprints::of::<Command, Bincode>().unwrap();
    let fingerprints = [command.to_u64().to_le_bytes(), response.to_u64().to_le_bytes()].concat();
    [&PREFACE[..], b"\x01\0\x14\0\0\x01\0\0", &fingerprints].concat()
}

/// What an item carries.
type Value = (u8, u16);

/// The items of a session, then its last response, behind the hello of 32 bytes.
fn items(sent: &[u8]) -> (Vec<Value>, Option<Value>) {
    let mut rest = &sent[32..];
    let mut items = Vec::new();
    while let Some((frame, after)) = rest.split_at_checked(11) {
        let value = bincode::deserialize(&frame[8..]).unwrap();
        match &frame[..8] {
            b"\x03\0\0\x82\x09\0\0\0" => items.push(value),
            b"\x03\0\0\x81\x09\0\0\0" => return (items, Some(value)),
            other => panic!("{other:?}"),
        }
        rest = after;
    }
    (items, None)
}

#[derive(Clone, Debug)]
enum Act {
    Event,
    Value,
    Room(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(
        prop_oneof![3 => Just(Act::Event), 3 => Just(Act::Value), 2 => (1..40_usize).prop_map(Act::Room)],
        1..80,
    )
}

proptest! {
    #![proptest_config(crate::cases::cases(500))]

    #[test]
    fn no_event_is_lost_or_doubled_and_values_skip_to_the_newest(acts in acts()) {
        let offer = Offer::new::<Command, Bincode, 128>("").unwrap();
        let mut buffers = Buffers::<128>::new();
        let line = Line { arrivals: [&hello()[..], b"\x04\0\0\x01\x09\0\0\0\0\0\0\0"].concat(), room: 32, sent: Vec::new() };
        let accepted = Connection::<_, _, Both<Bincode>, 128>::in_session(line, &mut buffers, &offer);
        let Ok(Step::Ready(read)) = accepted.receive::<Command>() else { panic!("it is whole") };
        let (Command::Watch, mut owing) = read.keep();
        let (mut events, mut newest) = (Vec::new(), None);
        for (number, act) in (1_u16..).zip(acts) {
            owing = match act {
                Act::Event => match owing.send_item(&(1, number)).unwrap() {
                    Step::Ready(owing) => {
                        events.push((1, number));
                        owing
                    }
                    Step::NotYet(owing) => owing,
                },
                Act::Value => match owing.send_latest(&(2, number)).unwrap() {
                    Step::Ready(owing) => {
                        newest = Some((2, number));
                        owing
                    }
                    Step::NotYet(owing) => owing,
                },
                Act::Room(room) => {
                    owing.transport_mut().room += room;
                    owing.send().unwrap()
                }
            };
        }
        owing.transport_mut().room = usize::MAX;
        let Ok(Step::Ready(processed)) = owing.answer(&(3, 0)) else { panic!("there is room") };
        let Ok(Step::Ready(replied)) = processed.send() else { panic!("there is room") };
        let (sent, last) = items(&replied.close().sent);
        prop_assert_eq!(last, Some((3, 0)));
        let sent_events: Vec<_> = sent.iter().copied().filter(|item| item.0 == 1).collect();
        prop_assert_eq!(sent_events, events);
        let values: Vec<_> = sent.iter().copied().filter(|item| item.0 == 2).collect();
        prop_assert!(values.is_sorted());
        prop_assert_eq!(values.last().copied(), newest);
    }
}

#[test]
fn a_peer_that_cancels_may_give_its_next_command() {
    let offer = Offer::new::<Command, Bincode, 128>("").unwrap();
    let mut buffers = Buffers::<128>::new();
    let line =
        Line { arrivals: [&hello()[..], b"\x04\0\0\x01\x09\0\0\0\0\0\0\0"].concat(), room: 200, sent: Vec::new() };
    let accepted = Connection::<_, _, Session<Bincode>, 128>::in_session(line, &mut buffers, &offer);
    let Ok(Step::Ready(read)) = accepted.receive::<Command>() else { panic!("it is whole") };
    let (_, owing) = read.keep();
    assert!(owing.takes_several());
    // In pieces.
    let Ok(Step::NotYet(mut owing)) = owing.listen() else { panic!("nothing has come") };
    owing.transport_mut().arrivals.extend(b"\0\0\0\x02\x09");
    let Ok(Step::NotYet(mut owing)) = owing.listen() else { panic!("not all has come") };
    owing.transport_mut().arrivals.extend(b"\0\0\0\x04\0\0\x01\x0a\0\0\0\0\0\0\0");
    let Ok(Step::Ready(accepted)) = owing.listen() else { panic!("it is cancelled") };
    assert!(matches!(accepted.receive::<Command>(), Ok(Step::Ready(_))));
}

/// A command on the bare wire.
fn bare(buffers: &mut Buffers<16>) -> Connection<'_, Owing<Command>, Line, Bincode, 16> {
    let line = Line { arrivals: vec![0; 4], room: 200, sent: Vec::new() };
    let Ok(Step::Ready(read)) = Connection::with_codec(line, buffers).receive::<Command>() else {
        panic!("it is whole")
    };
    read.keep().1
}

#[test]
fn the_bare_wire_carries_one_late_response_and_nothing_else() {
    let mut buffers = Buffers::<16>::new();
    let Ok(Step::Ready(processed)) = bare(&mut buffers).answer(&(1, 2)) else { panic!("there is room") };
    assert_eq!(processed.unsent(), b"\x01\x02\0");
    assert!(!bare(&mut buffers).takes_several());
    assert!(matches!(bare(&mut buffers).send_item(&(1, 2)), Err(ConnectionError::OneResponse)));
    assert!(matches!(bare(&mut buffers).end("done"), Err(ConnectionError::OneResponse)));
}
