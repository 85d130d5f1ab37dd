//! Sessions over a transport in memory that is slow, or never silent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::task::Poll;

use ipc_server::codec::Bincode;
use ipc_server::connection::{Buffers, Connection, Step, Transport};
use ipc_server::wire::session::{Fingerprints, Link, Offer, PREFACE};
use ipc_server::wire::{Both, ClientSession};
use ipc_server::{Caller, Request};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Command {
    Repeat(u8),
}

impl Request for Command {
    type Response = String;
}

fn hello() -> Vec<u8> {
    let Fingerprints { command, response } = Fingerprints::of::<Command, Bincode>().unwrap();
    let fingerprints = [command.to_u64().to_le_bytes(), response.to_u64().to_le_bytes()].concat();
    [&PREFACE[..], b"\x01\0\x14\0\0\x01\0\0", &fingerprints].concat()
}

/// It says the same again and again.
#[derive(Debug)]
struct Endless<'a> {
    frame: &'a [u8],
    received: usize,
}

impl Transport for Endless<'_> {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        self.received += 1;
        assert!(self.received < 1_000_000, "the caller has no turn");
        let length = into.len() - into.len() % self.frame.len();
        for frame in into[..length].chunks_mut(self.frame.len()) {
            frame.copy_from_slice(self.frame);
        }
        Poll::Ready(Ok(length))
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        Poll::Ready(Ok(from.len()))
    }
}

#[test]
fn a_server_that_is_never_silent_leaves_the_caller_its_turns() {
    // A kind that nobody knows.
    let endless = Endless { frame: b"\x08\0\0\x7f\x01\0\0\0whatever", received: 0 };
    let mut link = Link::<64>::new::<Command, Bincode>("").unwrap();
    let mut buffers = Buffers::<128>::new();
    let asking: Connection<'_, _, _, ClientSession<Bincode, 64>, 128> =
        Connection::ask_in_session(endless, &mut buffers, &mut link, &Command::Repeat(1)).unwrap();
    let Ok(Step::Ready(mut asked)) = asking.send_command() else { panic!("it is sent") };
    for _ in 0..10 {
        asked = match asked.receive_response() {
            Ok(Step::NotYet(asked)) => asked,
            other => panic!("{other:?}"),
        };
    }
}

/// It brings everything at once, and takes nothing `busy` times.
#[derive(Debug)]
struct Slow {
    arrivals: VecDeque<u8>,
    busy: usize,
    sent: Vec<u8>,
}

impl Transport for Slow {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        let length = into.len().min(self.arrivals.len());
        for (to, from) in into.iter_mut().zip(self.arrivals.drain(..length)) {
            *to = from;
        }
        if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        if self.busy > 0 {
            self.busy -= 1;
            return Poll::Pending;
        }
        self.sent.extend(from);
        Poll::Ready(Ok(from.len()))
    }
}

#[test]
fn what_is_answered_without_the_daemon_leaves_before_the_next_command_is_executed() {
    // Two frames of a kind that nobody knows, and a command whose response fills the buffer.
    let unknown = b"\0\0\0\x7f\x05\0\0\0";
    let command = b"\x05\0\0\x01\x06\0\0\0\0\0\0\0\x70";
    let sent = [&hello()[..], unknown, unknown, command].concat();
    for busy in 0..5 {
        let offer = Offer::new::<Command, Bincode, 128>("d").unwrap();
        let mut buffers = Buffers::<128>::new();
        let slow = Slow { arrivals: sent.iter().copied().collect(), busy, sent: Vec::new() };
        let mut accepted = Connection::<_, _, Both<Bincode>, 128>::in_session(slow, &mut buffers, &offer);
        let read = loop {
            match accepted.receive::<Command>().unwrap() {
                Step::Ready(read) => break read,
                Step::NotYet(again) => accepted = again,
            }
        };
        let processed =
            read.handle(&mut |Command::Repeat(length): Command, _: Caller| "r".repeat(length.into())).unwrap();
        let Ok(Step::Ready(replied)) = processed.send() else { panic!("it is busy no more") };
        let sent = replied.close().sent;
        let refusal = b"\x08\0\0\x83\x05\0\0\0\x0b\0\0\0\0\0\0\0";
        let response = [&b"\x78\0\0\x81\x06\0\0\0\x70\0\0\0\0\0\0\0"[..], &[b'r'; 0x70]].concat();
        assert!(sent.ends_with(&[&refusal[..], refusal, &response].concat()), "busy {busy} times: {sent:x?}");
    }
}
