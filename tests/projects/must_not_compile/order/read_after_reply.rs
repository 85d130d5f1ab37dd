use ipc_server::IpcServerCommand;
use ipc_server::connection::{Connection, Replied, Transport};

fn f<C: IpcServerCommand, T: Transport>(replied: Connection<'_, Replied, T>) {
    let _ = replied.receive::<C>(); //~ E0599: no method named `receive`
}

fn main() {}
