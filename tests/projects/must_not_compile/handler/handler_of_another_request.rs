use ipc_server::{Caller, Handler, IpcServer};

#[derive(serde::Serialize, serde::Deserialize)]
struct Get;

impl ipc_server::Request for Get {
    type Response = u8;
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Set(u8);

impl ipc_server::Request for Set {
    type Response = ();
}

struct Daemon;

impl Handler<Set> for Daemon {
    fn handle(&mut self, _: Set, _: Caller) {}
}

fn f(server: &mut IpcServer<Get>) {
    let _ = server.serve(&mut Daemon); //~ E0277: the trait bound `Daemon: Handler<Get>` is not satisfied
}

fn main() {}
