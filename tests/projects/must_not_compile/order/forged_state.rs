fn main() {
    let _ = ipc_server::connection::Replied {}; //~ E0639: cannot create non-exhaustive struct
}
