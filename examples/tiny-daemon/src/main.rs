//! A whole daemon: the commands of `examples/simple`, served without std, libc and a heap.
//!
//! `tiny-daemon PATH` serves until it gets the command `Stop`.

#![no_std]
#![no_main]

mod start;

use core::ffi::CStr;

use ipc_server::{IpcServer, IpcServerCommand, ServerBuffers};
use serde::{Deserialize, Serialize};
use start::Output;

/// The first three are those of `examples/simple`, in the same order and with the same fields, so its client can send them.
#[derive(Serialize, Deserialize, Debug)]
#[expect(clippy::large_enum_variant, reason = "without a heap a text lies in its command")]
enum Command {
    Print { payload: heapless::String<255> },
    Add { a: u64, b: u64 },
    Push { x: u64 },
    Stop,
}

#[derive(Serialize, Deserialize, Debug)]
enum Response {
    PrintAck,
    Add { c: u64 },
    Push { x: u64 },
    Stopping,
}

struct Daemon {
    stack: heapless::Vec<u64, 16>,
    stopping: bool,
}

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Daemon;

    fn process(self, daemon: &mut Self::Context<'_>) -> Response {
        match self {
            Self::Print { payload } => {
                Output.line(&["Print command received: ", &payload]);
                Response::PrintAck
            }
            Self::Add { a, b } => Response::Add { c: a.wrapping_add(b) },
            Self::Push { x } => {
                // A full stack forgets its oldest number.
                if daemon.stack.is_full() {
                    daemon.stack.remove(0);
                }
                let _ = daemon.stack.push(x);
                Response::Push { x }
            }
            Self::Stop => {
                daemon.stopping = true;
                Response::Stopping
            }
        }
    }
}

/// What the start code calls, once. Returns the program's exit status.
fn main(path: &CStr, buffers: &mut ServerBuffers) -> u8 {
    let Ok(mut server) = IpcServer::<Command>::builder().bare().buffers(buffers).bind(path) else {
        Output.line(&["cannot listen at the path"]);
        return 1;
    };
    let mut daemon = Daemon { stack: heapless::Vec::new(), stopping: false };
    while !daemon.stopping {
        if server.wait(None).is_err() || server.handle_new_messages(&mut daemon).is_err() {
            return 2;
        }
    }
    0
}
