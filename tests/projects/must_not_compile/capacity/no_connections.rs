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

fn main() {
    let builder = IpcServer::<Push>::builder().connections::<0>();
    let _ = builder.bind("s"); //~ E0080: a server needs room for a connection that waits: at least 1
}
