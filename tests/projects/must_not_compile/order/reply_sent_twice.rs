use ipc_server::connection::{Connection, Processed, Transport};

fn f<T: Transport>(processed: Connection<'_, Processed, T>) {
    let _ = (processed.send(), processed.send()); //~ E0382: use of moved value: `processed`
}

fn main() {}
