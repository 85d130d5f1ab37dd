struct Mine;

impl ipc_server::connection::State for Mine {} //~ E0277: the trait bound `Mine: ipc_server::connection::

fn main() {}
