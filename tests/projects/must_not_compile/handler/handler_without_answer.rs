use ipc_server::{Caller, Handler};

#[derive(serde::Serialize, serde::Deserialize)]
struct Get;

impl ipc_server::Request for Get {
    type Response = u8;
}

struct Daemon;

impl Handler<Get> for Daemon {
    fn handle(&mut self, _: Get, _: Caller) -> u8 {} //~ E0308: mismatched types
}

fn main() {}
