use ipc_server::IpcServerCommand;
use ipc_server::connection::{Accepted, Connection, Transport};

fn f<C: IpcServerCommand, T: Transport>(accepted: Connection<'_, Accepted, T>) {
    let _ = (accepted.receive::<C>(), accepted.receive::<C>()); //~ E0382: use of moved value: `accepted`
}

fn main() {}
