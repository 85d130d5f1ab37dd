// Must compile, so that the others fail for their own reason.
use ipc_server::IpcServerCommand;
use ipc_server::connection::{Connection, Read, Transport};

fn f<C: IpcServerCommand<Context<'static> = ()>, T: Transport>(read: Connection<'_, Read<C>, T>) {
    if let Ok(processed) = read.process(&mut ()) {
        let _ = processed.send();
    }
}

fn main() {}
