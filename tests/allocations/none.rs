//! From `bind` to `drop`, server and client allocate nothing.

#[cfg(feature = "log")]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::ALLOCATIONS;
use ipc_server::described::Format;
use ipc_server::{Client, IpcServer, IpcServerCommand, call};
use serde::{Deserialize, Serialize};

/// How many allocations `work` makes on this thread.
///
/// What rustix makes once in a process does not count. It looks for the kernel's vDSO when it first reads the clock. Before
/// Linux 6.4, and under qemu, there is no `PR_GET_AUXV` that says where that is, so it reads `/proc/self/auxv`: with its
/// feature `alloc`, which its feature `std` brings, into a `Vec`.
fn allocations(work: impl FnOnce()) -> usize {
    let _ = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    ALLOCATIONS.set(Some(0));
    work();
    ALLOCATIONS.take().unwrap()
}

#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Echo(heapless::String<64>),
    Sum(heapless::Vec<u32, 16>),
}

impl IpcServerCommand for Command {
    type Response = Result<heapless::String<64>, u32>;
    type Context<'a> = ();

    fn process(self, _: &mut Self::Context<'_>) -> Self::Response {
        match self {
            Self::Echo(text) => Ok(text),
            Self::Sum(numbers) => Err(numbers.iter().sum()),
        }
    }
}

fn serve<K: Format>(path: &str, keep_open: bool, exchanges: usize) {
    let mut server = IpcServer::<Command>::builder().codec::<K>().keep_open(keep_open).bind(path).unwrap();
    let mut served = 0;
    while served < exchanges {
        server.wait(None).unwrap();
        served += server.handle_new_messages(()).unwrap().served;
    }
}

fn exchange_a_thousand<K: Format>(keep_open: bool) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let path = path.to_str().unwrap();
    thread::scope(|scope| {
        let server = scope.spawn(|| allocations(|| serve::<K>(path, keep_open, 1000)));
        while !std::fs::exists(path).unwrap() {
            thread::yield_now();
        }
        let client = scope.spawn(|| {
            let echo = Command::Echo("text".try_into().unwrap());
            let sum = Command::Sum(heapless::Vec::from_slice(&[1, 2, 3]).unwrap());
            allocations(|| {
                let mut client = loop {
                    // The socket is there before anybody listens.
                    match Client::builder().codec::<K>().connect(path) {
                        Ok(client) => break client,
                        Err(ipc_server::CallError::Refused) => thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                };
                for _ in 0..500 {
                    assert!(client.call(&echo).unwrap().is_ok());
                    assert_eq!(client.call(&sum).unwrap(), Err(6));
                }
            })
        });
        assert_eq!(client.join().unwrap(), 0, "allocations of the client");
        assert_eq!(server.join().unwrap(), 0, "allocations of the server");
    });
}

#[test]
fn nothing_is_allocated() {
    assert_eq!(allocations(|| drop(Box::new(1_u8))), 1, "the counter counts");
    exchange_a_thousand::<ipc_server::codec::Bincode>(false);
    exchange_a_thousand::<ipc_server::codec::Bincode>(true);
    #[cfg(feature = "postcard")]
    exchange_a_thousand::<ipc_server::codec::Postcard>(false);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let path = path.to_str().unwrap();
    let failed = allocations(|| assert!(call(&Command::Sum(heapless::Vec::new()), path).is_err()));
    assert_eq!(failed, 0, "errors neither");
}

/// Formats each line into nothing.
#[cfg(feature = "log")]
struct Sink;

#[cfg(feature = "log")]
static LINES: AtomicUsize = AtomicUsize::new(0);

#[cfg(feature = "log")]
impl log::Log for Sink {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        struct Nowhere;
        impl std::fmt::Write for Nowhere {
            fn write_str(&mut self, _: &str) -> std::fmt::Result {
                Ok(())
            }
        }
        std::fmt::write(&mut Nowhere, *record.args()).unwrap();
        LINES.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

#[cfg(feature = "log")]
#[test]
fn a_log_line_is_not_allocated() {
    use std::io::Write;
    log::set_logger(&Sink).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let mut server = IpcServer::<Command>::builder().bind(&path).unwrap();
    let mut client = std::os::unix::net::UnixStream::connect(&path).unwrap();
    client.write_all(&[0xff; 64]).unwrap();
    assert_eq!(allocations(|| assert_eq!(server.handle_new_messages(()).unwrap().rejected, 1)), 0);
    assert_eq!(LINES.load(Ordering::Relaxed), 1);
}
