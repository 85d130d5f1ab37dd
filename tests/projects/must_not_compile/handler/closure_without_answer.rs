use ipc_server::{Caller, IpcServer};

#[derive(serde::Serialize, serde::Deserialize)]
struct Get;

impl ipc_server::Request for Get {
    type Response = u8;
}

fn f(server: &mut IpcServer<Get>) {
    let _ = server.serve(&mut |_: Get, _: Caller| {}); //~ E0271: to return `u8`, but it returns `()`
}

fn main() {}
