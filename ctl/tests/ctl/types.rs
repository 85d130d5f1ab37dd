//! What the daemons of these tests understand.

use std::collections::BTreeMap;

use ipc_server::codec::Postcard;
use ipc_server::{Caller, IpcServer, Request};
use serde::{Deserialize, Serialize};

use crate::support::Daemon;

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub(crate) enum Command {
    GetLevel,
    SetLevel(u8),
    Set(Setting),
    Limit { rate: u32, burst: Option<u64>, name: String },
    Paused { paused: bool, json: bool },
    Pair(i8, char),
    Numbers(Vec<i64>),
    Bytes(Vec<u8>),
    Table(BTreeMap<String, f32>),
    Ports(BTreeMap<u16, Setting>),
    Tagged { tags: Vec<String>, limits: Limits, note: Option<String> },
    Wide { small: i128, great: u128, long: u64 },
    Float(f64),
    Tree(Tree),
    Fail(String),
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub(crate) enum Setting {
    Step(u32),
    Label(String),
    Range { from: i16, to: i16 },
    Off,
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub(crate) struct Limits {
    pub(crate) soft: u16,
    pub(crate) hard: Option<u16>,
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    Leaf,
    Node(Box<Self>, Box<Self>),
}

/// The command that was understood, in Rust's own words, and the command itself.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub(crate) struct Echo {
    debug: String,
    command: Command,
}

impl Request for Command {
    type Response = Result<Echo, String>;
}

fn answer(command: Command, _: Caller) -> Result<Echo, String> {
    match command {
        Command::Fail(reason) => Err(reason),
        command => Ok(Echo { debug: format!("{command:?}"), command }),
    }
}

/// A daemon that says what it has understood.
pub(crate) fn echo() -> Daemon {
    Daemon::start(|path| IpcServer::<Command>::builder().program("echod 1.2.3").bind(path).unwrap(), answer)
}

/// The same with the other codec, and buffers that a description does not fit.
pub(crate) fn small_echo() -> Daemon {
    Daemon::start(
        |path| IpcServer::<Command>::builder().codec::<Postcard>().capacity::<256>().bind(path).unwrap(),
        answer,
    )
}

/// What is answered as it came.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Simple {
    GetLevel,
    SetLevel(u8),
}

impl Request for Simple {
    type Response = u8;
}

pub(crate) fn simple() -> Daemon {
    let mut level = 3;
    Daemon::start(
        |path| IpcServer::<Simple>::builder().program("fand 1.1.0").bind(path).unwrap(),
        move |command, _: Caller| {
            if let Simple::SetLevel(new) = command {
                level = new;
            }
            level
        },
    )
}
