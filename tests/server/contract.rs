//! What two programs exchange, apart from what the daemon does about it.

use std::time::Duration;

use crate::support::{Scratch, connect_and_send, until_closed};
use ipc_server::connection::{Buffers, Connection, ConnectionError, Fault, Step, Transport};
use ipc_server::{Caller, Handler, IpcServer, PeerCredentials, Request};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Setting {
    Get,
    Set(u8),
}

impl Request for Setting {
    type Response = u8;
}

/// Anybody may look; whoever is of the group may change.
struct Daemon {
    level: u8,
    group: u32,
}

impl Handler<Setting> for Daemon {
    fn handle(&mut self, setting: Setting, _: Caller) -> u8 {
        if let Setting::Set(level) = setting {
            self.level = level;
        }
        self.level
    }

    fn authorize(&mut self, setting: &Setting, caller: Caller) -> bool {
        matches!(setting, Setting::Get) || caller.peer().is_some_and(|peer| peer.gid == self.group)
    }
}

fn own_group() -> u32 {
    rustix::process::getegid().as_raw()
}

#[test]
fn a_daemons_own_state_handles_the_requests() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Setting>::new(&path).unwrap();
    let mut daemon = Daemon { level: 3, group: own_group() };
    let mut client = connect_and_send(&path, b"\x01\0\0\0\x05");
    assert_eq!(server.serve(&mut daemon).unwrap().served, 1);
    assert_eq!((until_closed(&mut client), daemon.level), (vec![5], 5));
}

#[test]
fn a_closure_handles_the_requests_and_learns_who_makes_them() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Setting>::new(&path).unwrap();
    let mut callers = Vec::new();
    let mut client = connect_and_send(&path, b"\0\0\0\0");
    server
        .serve(&mut |setting, caller: Caller| {
            callers.push(caller.peer().unwrap().pid);
            if let Setting::Set(level) = setting { level } else { 7 }
        })
        .unwrap();
    assert_eq!((until_closed(&mut client), callers), (vec![7], vec![Some(std::process::id())]));
}

#[test]
fn a_request_that_is_not_authorized_is_not_executed_and_costs_no_other_its_reply() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Setting>::builder().keep_open(true).bind(&path).unwrap();
    let mut daemon = Daemon { level: 3, group: own_group() + 1 };
    let mut client = connect_and_send(&path, b"\0\0\0\0\0\0\0\0\x01\0\0\0\x05\0\0\0\0");
    let handled = server.serve(&mut daemon).unwrap();
    assert_eq!((handled.served, handled.refused, handled.pending), (2, 1, 0));
    assert_eq!((until_closed(&mut client), daemon.level), (vec![3, 3], 3));
}

#[test]
fn shutting_down_serves_what_has_come() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let server = IpcServer::<Setting>::new(&path).unwrap();
    let mut client = connect_and_send(&path, b"\0\0\0\0");
    let mut daemon = Daemon { level: 3, group: own_group() };
    assert_eq!(server.shutdown_with(&mut daemon, Duration::from_secs(5)).unwrap().served, 1);
    assert_eq!(until_closed(&mut client), [3]);
}

/// Three bytes of a command at a time, and replies to look at.
#[derive(Debug)]
struct Line(&'static [u8], Vec<u8>);

impl Transport for Line {
    type Error = std::convert::Infallible;

    fn receive(&mut self, into: &mut [u8]) -> std::task::Poll<Result<usize, Self::Error>> {
        let (first, rest) = self.0.split_at(self.0.len().min(3));
        into[..first.len()].copy_from_slice(first);
        self.0 = rest;
        std::task::Poll::Ready(Ok(first.len()))
    }

    fn send(&mut self, from: &[u8]) -> std::task::Poll<Result<usize, Self::Error>> {
        self.1.extend(from);
        std::task::Poll::Ready(Ok(from.len()))
    }

    fn peer(&self) -> Option<PeerCredentials> {
        None
    }
}

#[test]
fn a_handler_works_by_hand_over_any_transport() {
    let mut daemon = Daemon { level: 3, group: 0 };
    let mut buffers = Buffers::<16>::new();
    let accepted = Connection::new(Line(b"\0\0\0\0", Vec::new()), &mut buffers);
    let Step::Ready(read) = accepted.receive::<Setting>().unwrap() else { panic!("all is there") };
    let Step::Ready(replied) = read.handle(&mut daemon).unwrap().send().unwrap() else { panic!("it takes all") };
    assert_eq!(replied.close().1, [3]);

    let accepted = Connection::new(Line(b"\x01\0\0\0\x05", Vec::new()), &mut buffers);
    let Step::Ready(read) = accepted.receive::<Setting>().unwrap() else { panic!("all is there") };
    let error = read.handle(&mut daemon).unwrap_err();
    assert_eq!((&error, error.fault(), daemon.level), (&ConnectionError::NotAuthorized, Fault::Peer, 3));
}
