use ipc_server::IpcServerCommand;
use ipc_server::connection::{Asking, Connection, Transport};

fn f<C: IpcServerCommand, T: Transport>(asking: Connection<'_, Asking<C>, T>) {
    let _ = asking.receive_response(); //~ E0599: no method named `receive_response`
}

fn main() {}
