use ipc_server::connection::{Accepted, Connection, Transport};

fn f<T: Transport>(accepted: Connection<'_, Accepted, T>) {
    let _ = accepted.process(&mut ()); //~ E0599: no method named `process`
}

fn main() {}
