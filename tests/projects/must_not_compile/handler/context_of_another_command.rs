use ipc_server::connection::{Connection, Read, Transport};
use ipc_server::{IpcServer, IpcServerCommand};

#[derive(serde::Serialize, serde::Deserialize, Debug)]
struct Push(u8);

impl IpcServerCommand for Push {
    type Response = ();
    type Context<'a> = &'a mut Vec<u8>;

    fn process(self, stack: &mut Self::Context<'_>) {
        stack.push(self.0);
    }
}

fn f(server: &mut IpcServer<Push>, mut stack: Vec<u16>) {
    let _ = server.handle_new_messages(&mut stack); //~ E0308: expected `&mut Vec<u8>`, found `&mut Vec<u16>`
}

fn g<T: Transport>(read: Connection<'_, Read<Push>, T>, mut stack: Vec<u16>) {
    let _ = read.process(&mut &mut stack); //~ E0308: expected `&mut &mut Vec<u8>`, found `&mut &mut Vec<u16>`
}

fn main() {}
