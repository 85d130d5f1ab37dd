use ipc_server::IpcServerCommand;
use ipc_server::connection::{Connection, Read, Transport};

fn f<C: IpcServerCommand, T: Transport>(read: Connection<'_, Read<C>, T>) {
    let _ = read.send(); //~ E0599: no method named `send`
}

fn main() {}
