use ipc_server::connection::{Connection, Processed, Transport};

fn f<T: Transport>(processed: Connection<'_, Processed, T>) {
    let _ = processed.process(&mut ()); //~ E0599: no method named `process`
}

fn main() {}
