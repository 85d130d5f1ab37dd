use ipc_server::IpcServerCommand;
use ipc_server::connection::{Asked, Connection, Transport};

fn f<C: IpcServerCommand, T: Transport>(asked: Connection<'_, Asked<C>, T>) {
    let _ = asked.send_command(); //~ E0599: no method named `send_command`
}

fn main() {}
