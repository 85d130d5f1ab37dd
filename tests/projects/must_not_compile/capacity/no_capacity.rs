fn main() {
    let _ = ipc_server::connection::Buffers::<0>::new(); //~ E0080: a capacity of 0 bytes can hold no message
}
