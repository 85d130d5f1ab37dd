//! What a server and a client weigh, and where a server's buffers may lie.

use std::sync::Mutex;
use std::thread;

use crate::support::Scratch;
#[cfg(target_pointer_width = "64")]
use ipc_server::codec::Bincode;
use ipc_server::wire::Both;
use ipc_server::{Client, IpcServer, IpcServerCommand, ServerBuffers};
use serde::{Deserialize, Serialize};

/// A text and its length.
#[derive(Serialize, Deserialize, Debug)]
struct Measure(String);

impl IpcServerCommand for Measure {
    type Response = (String, usize);
    type Context<'a> = ();

    fn process(self, (): &mut Self::Context<'_>) -> (String, usize) {
        let length = self.0.len();
        (self.0, length)
    }
}

/// The formula of the guide's chapter on capacities, for targets of 64 bits.
#[cfg(target_pointer_width = "64")]
const fn server(capacity: usize, connections: usize) -> usize {
    let log = if cfg!(feature = "log") { 32 } else { 0 };
    552 + log + 80 * connections + (connections + 1) * (2 * capacity + 48)
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_size_of_a_server_is_known_at_compile_time() {
    macro_rules! sizes {
        ($($capacity:literal $connections:literal),*) => {$(
            assert_eq!(size_of::<IpcServer<Measure, Bincode, $capacity, $connections>>(), server($capacity, $connections));
            assert_eq!(
                size_of::<IpcServer<Measure, Bincode, $capacity, $connections, &mut ServerBuffers<$capacity, $connections>>>(),
                server($capacity, $connections) - size_of::<ServerBuffers<$capacity, $connections>>() + 8
            );
        )*};
    }
    macro_rules! sizes_with_sessions {
        ($($capacity:literal $connections:literal),*) => {$(
            assert_eq!(
                size_of::<IpcServer<Measure, Both<Bincode>, $capacity, $connections>>(),
                server($capacity, $connections) + 48 + 8 * $connections
            );
        )*};
    }
    sizes_with_sessions!(256 1, 1024 8, 65536 8);
    sizes!(256 1, 256 8, 256 64, 1024 1, 1024 8, 1024 64, 4096 1, 4096 8, 4096 64, 65536 8);
    assert_eq!(size_of::<Client<Bincode>>(), 200 + 2 * 1024 + 48);
    assert_eq!(size_of::<Client>(), 200 + 2 * 1024 + 48 + 1024 + 192);
}

#[test]
fn messages_of_64_kib_work_from_a_static() {
    static BUFFERS: Mutex<ServerBuffers<65_536, 31>> = Mutex::new(ServerBuffers::new());

    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut buffers = BUFFERS.lock().unwrap();
    let mut server =
        IpcServer::<Measure>::builder().bare().buffers(&mut *buffers).keep_open(true).bind(path.as_str()).unwrap();
    // The text's length in the command; in the response the text's and its number.
    let text = "x".repeat(65_536 - 8 - 8);
    let client = thread::spawn({
        let path = path.clone();
        move || {
            let mut client = Client::builder().bare().capacity::<65_536>().connect(path.as_str()).unwrap();
            for _ in 0..3 {
                assert_eq!(client.call(&Measure(text.clone())).unwrap(), (text.clone(), text.len()));
            }
        }
    });
    while !client.is_finished() {
        server.handle_new_messages(()).unwrap();
    }
    client.join().unwrap();
}

#[test]
fn lent_buffers_serve_one_server_after_another() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut buffers = Box::new(ServerBuffers::<64, 2>::new());
    for round in 0..3 {
        let mut server =
            IpcServer::<Measure>::builder().bare().buffers(&mut *buffers).keep_open(true).bind(path.as_str()).unwrap();
        // More connections than places, so that places and buffers change hands.
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let path = path.clone();
                thread::spawn(move || {
                    for length in 0..20 {
                        let text = number.to_string().repeat(length);
                        let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
                        assert_eq!(client.call(&Measure(text.clone())).unwrap(), (text, length), "round {round}");
                    }
                })
            })
            .collect();
        while !clients.iter().all(thread::JoinHandle::is_finished) {
            server.handle_new_messages(()).unwrap();
        }
        clients.into_iter().for_each(|client| client.join().unwrap());
    }
    // Or for good.
    let server = IpcServer::<Measure>::builder().bare().buffers(buffers).bind(path.as_str()).unwrap();
    assert!(size_of_val(&server) < 1024);
}

/// A stack much smaller than one message, whether the compiler optimizes or not.
#[test]
fn the_first_byte_of_a_connection_needs_no_stack_for_its_buffers() {
    static BUFFERS: Mutex<ServerBuffers<{ 1 << 20 }, 1>> = Mutex::new(ServerBuffers::new());

    let scratch = Scratch::new();
    let path = scratch.path("s");
    let daemon = thread::Builder::new().stack_size(256 << 10).spawn(move || {
        let mut buffers = BUFFERS.lock().unwrap();
        let mut server = IpcServer::<Measure>::builder().buffers(&mut *buffers).bind(path.as_str()).unwrap();
        let client = thread::spawn(move || ipc_server::call(&Measure("four".into()), path.as_str()));
        while server.totals().served == 0 {
            server.wait(None).unwrap();
            server.handle_new_messages(()).unwrap();
        }
        assert_eq!(client.join().unwrap(), Ok(("four".into(), 4)));
    });
    daemon.unwrap().join().unwrap();
}
