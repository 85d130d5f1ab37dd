//! What a client makes of its server, live or dead, honest or not. The servers here are std's sockets and the published
//! crate's format, by bincode 1.3.3.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Command, Response, Scratch, handle_until};
use ipc_server::codec::DecodeError;
use ipc_server::{CallError, Client, IpcServer};

const ADD: Command = Command::Add { a: 2, b: 3 };
const SUM: Response = Response::Add { c: 5 };

/// One call on the bare wire, which the servers here speak.
fn call<C: ipc_server::Request>(command: &C, path: &str) -> Result<C::Response, CallError> {
    Client::builder().bare().connect(path)?.call(command)
}

/// A server that lets `serve` have each of its first connections.
fn plain_server(path: &str, connections: usize, serve: impl Fn(UnixStream, usize) + Send + 'static) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for number in 0..connections {
            serve(listener.accept().unwrap().0, number);
        }
    });
}

fn read_add(stream: &mut UnixStream) {
    let mut command = [0; 20];
    stream.read_exact(&mut command).unwrap();
    assert_eq!(command[..], ADD.bytes());
}

fn sum_bytes() -> Vec<u8> {
    bincode::serialize(&SUM).unwrap()
}

#[test]
fn no_server_is_told_from_a_dead_one() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    assert_eq!(call(&ADD, path.as_str()), Err(CallError::NoServer));
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!(call(&ADD, path.as_str()), Err(CallError::Refused));
    let file = scratch.path("file");
    std::fs::write(&file, "precious").unwrap();
    assert_eq!(call(&ADD, file.as_str()), Err(CallError::Refused));
    assert_eq!(call(&ADD, scratch.path("missing/s").as_str()), Err(CallError::NoServer));
}

#[test]
fn impossible_paths_are_errors() {
    let scratch = Scratch::new();
    let long = scratch.path(&"x".repeat(108));
    assert_eq!(call(&ADD, long.as_str()), Err(CallError::PathTooLong));
    assert_eq!(call(&ADD, "x".repeat(5000).as_str()), Err(CallError::PathTooLong));
    assert_eq!(call(&ADD, ""), Err(CallError::InvalidPath));
    assert_eq!(call(&ADD, "a\0b"), Err(CallError::InvalidPath));
}

#[test]
fn a_server_that_does_not_answer_times_out() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let _silent = UnixListener::bind(&path).unwrap();
    let limit = Duration::from_millis(50);
    let start = Instant::now();
    let mut client = Client::builder().bare().deadline(limit).connect(path.as_str()).unwrap();
    assert_eq!(client.call(&ADD), Err(CallError::TimedOut));
    assert!(start.elapsed() >= limit);
}

#[test]
fn a_full_backlog_times_out() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let socket = rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new(path.as_str()).unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let builder = || Client::builder().bare().deadline(Duration::from_millis(50));
    let _first = builder().connect(path.as_str()).unwrap();
    assert_eq!(builder().connect(path.as_str()).unwrap_err(), CallError::TimedOut);
}

#[test]
fn a_trickle_of_bytes_does_not_prolong_the_deadline() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        read_add(&mut stream);
        // Never a whole response, until the client is gone.
        let mut byte = [2];
        while stream.write_all(&byte).is_ok() {
            byte = [0];
            thread::sleep(Duration::from_millis(20));
        }
    });
    let start = Instant::now();
    let mut client = Client::builder().bare().deadline(Duration::from_millis(100)).connect(path.as_str()).unwrap();
    assert_eq!(client.call(&ADD), Err(CallError::TimedOut));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_response_may_arrive_byte_by_byte_and_its_connection_may_stay_open() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        for _ in 0..3 {
            read_add(&mut stream);
            for byte in sum_bytes() {
                stream.write_all(&[byte]).unwrap();
                thread::yield_now();
            }
        }
        // Until the client closes.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    });
    let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
    for _ in 0..3 {
        assert_eq!(client.call(&ADD), Ok(SUM));
    }
}

#[test]
fn a_server_that_closes_without_a_whole_reply_is_an_error() {
    for length in 0..12 {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        plain_server(&path, 1, move |mut stream, _| {
            read_add(&mut stream);
            stream.write_all(&sum_bytes()[..length]).unwrap();
        });
        assert_eq!(call(&ADD, path.as_str()), Err(CallError::Closed { received: length }));
    }
}

#[test]
fn a_server_that_closes_without_reading_is_an_error() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |stream, _| drop(stream));
    assert_eq!(ipc_server::call(&ADD, path.as_str()), Err(CallError::Closed { received: 0 }));
}

#[test]
fn what_is_not_a_response_is_an_error() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        read_add(&mut stream);
        stream.write_all(&[9; 40]).unwrap();
    });
    assert_eq!(call(&ADD, path.as_str()), Err(CallError::Malformed(DecodeError::UnknownVariant(0x0909_0909))));
}

#[test]
fn a_command_beyond_the_capacity_is_not_sent() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "nothing but the end");
    });
    let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
    let too_large = Command::Print { payload: "x".repeat(1013) };
    assert_eq!(client.call(&too_large), Err(CallError::CommandTooLarge { capacity: 1024 }));
}

#[test]
fn a_response_beyond_the_capacity_is_an_error_and_a_larger_capacity_takes_it() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let text = Response::Text("y".repeat(2000));
    let bytes = bincode::serialize(&text).unwrap();
    plain_server(&path, 2, move |mut stream, _| {
        read_add(&mut stream);
        let _ = stream.write_all(&bytes);
    });
    assert_eq!(call(&ADD, path.as_str()), Err(CallError::ResponseTooLarge { capacity: 1024 }));
    let mut client = Client::builder().bare().capacity::<4096>().connect(path.as_str()).unwrap();
    assert_eq!(client.call(&ADD), Ok(text));
}

#[test]
fn one_message_leaves_in_one_send() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        // As the published server: one read, then the reply.
        let mut command = [0; 1024];
        let length = stream.read(&mut command).unwrap();
        assert_eq!(command[..length], Command::Print { payload: "z".repeat(1012) }.bytes());
        stream.write_all(&bincode::serialize(&Response::PrintAck).unwrap()).unwrap();
    });
    assert_eq!(call(&Command::Print { payload: "z".repeat(1012) }, path.as_str()), Ok(Response::PrintAck));
}

#[test]
fn a_client_connects_anew_where_connections_are_not_kept_and_after_a_restart() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut stack = Vec::new();
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let calls = |count: u64| {
        let path = path.clone();
        move || {
            let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
            (0..count).for_each(|x| assert_eq!(client.call(&Command::Push { x }), Ok(Response::Push { x })));
            client
        }
    };
    let caller = thread::spawn(calls(500));
    handle_until(&mut server, &mut stack, |sum| sum.served == 500);
    assert_eq!(stack, (0..500).collect::<Vec<_>>(), "each once and in order");
    let mut client = caller.join().unwrap();

    drop(server);
    assert_eq!(client.call(&ADD), Err(CallError::NoServer));
    let mut server = IpcServer::<Command>::builder().keep_open(true).bind(&path).unwrap();
    let caller = thread::spawn(move || {
        assert_eq!(client.call(&ADD), Ok(SUM));
        assert_eq!(client.call(&ADD), Ok(SUM));
        client
    });
    let handled = handle_until(&mut server, &mut stack, |sum| sum.served == 2);
    assert_eq!(handled.pending, 1, "both calls used one connection");
    let mut client = caller.join().unwrap();

    drop(server);
    let mut server = IpcServer::<Command>::new(&path).unwrap();
    let caller = thread::spawn(move || assert_eq!(client.call(&ADD), Ok(SUM)));
    handle_until(&mut server, &mut stack, |sum| sum.served == 1);
    caller.join().unwrap();
}

#[test]
fn a_command_that_the_server_may_have_executed_is_not_sent_again() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 2, |mut stream, number| {
        assert_eq!(number, 0, "connected anew");
        read_add(&mut stream);
        stream.write_all(&sum_bytes()).unwrap();
        read_add(&mut stream);
        // Has read the command, and closes without a reply.
    });
    let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
    assert_eq!(client.call(&ADD), Ok(SUM));
    assert_eq!(client.call(&ADD), Err(CallError::Closed { received: 0 }));
}

#[test]
fn a_late_response_is_not_taken_for_the_next() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let (timed_out, has_timed_out) = std::sync::mpsc::channel::<()>();
    let has_timed_out = std::sync::Mutex::new(has_timed_out);
    plain_server(&path, 2, move |mut stream, number| {
        if number == 0 {
            read_add(&mut stream);
            has_timed_out.lock().unwrap().recv().unwrap();
            let _ = stream.write_all(&sum_bytes());
        } else {
            let mut command = [0; 12];
            stream.read_exact(&mut command).unwrap();
            stream.write_all(&bincode::serialize(&Response::Push { x: 1 }).unwrap()).unwrap();
        }
    });
    let mut client = Client::builder().bare().deadline(Duration::from_millis(50)).connect(path.as_str()).unwrap();
    assert_eq!(client.call(&ADD), Err(CallError::TimedOut));
    timed_out.send(()).unwrap();
    let second = client.call(&Command::Push { x: 1 });
    assert!(matches!(second, Ok(Response::Push { x: 1 }) | Err(CallError::TimedOut)), "{second:?}");
}

#[test]
fn a_server_of_a_foreign_user_gets_no_command() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "nothing but the end");
    });
    let uid = rustix::process::geteuid().as_raw();
    let error = Client::builder().bare().trust(|_| false).connect(path.as_str()).unwrap_err();
    assert_eq!(error, CallError::Untrusted { uid });
}

#[test]
fn a_response_without_bytes_is_the_end_of_the_connection() {
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Ping(u8);
    impl ipc_server::IpcServerCommand for Ping {
        type Response = ();
        type Context<'a> = &'a mut u32;
        fn process(self, executed: &mut Self::Context<'_>) {
            **executed += 1;
        }
    }
    let scratch = Scratch::new();
    let path = scratch.path("s");
    let mut server = IpcServer::<Ping>::builder().bare().bind(&path).unwrap();
    let caller = thread::spawn({
        let path = path.clone();
        move || call(&Ping(1), path.as_str())
    });
    let mut executed = 0;
    while executed == 0 {
        assert!(!caller.is_finished(), "answered before it was executed");
        server.handle_new_messages(&mut executed).unwrap();
    }
    assert_eq!(caller.join().unwrap(), Ok(()));
}

#[test]
fn client_send_never_panics() {
    let scratch = Scratch::new();
    ipc_server::client_send(&ADD, &scratch.path("nobody"));
    let path = scratch.path("s");
    plain_server(&path, 1, |mut stream, _| {
        read_add(&mut stream);
        stream.write_all(b"garbage!").unwrap();
    });
    ipc_server::client_send(&ADD, &path);
}

#[test]
fn every_error_says_what_to_do() {
    let errors = [
        CallError::NoServer,
        CallError::Refused,
        CallError::PermissionDenied,
        CallError::Untrusted { uid: 1 },
        CallError::TimedOut,
        CallError::Closed { received: 0 },
        CallError::Closed { received: 3 },
        CallError::CommandTooLarge { capacity: 1 },
        CallError::ResponseTooLarge { capacity: 1 },
        CallError::Malformed(DecodeError::InvalidUtf8),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.contains(": "), "{text}");
        let _: std::io::Error = error.into();
    }
}

/// So that the client learns that the server has closed the connection, not that its own time is over.
#[test]
fn a_client_waits_longer_than_a_server_by_default() {
    let defaults = (format!("{:?}", Client::builder().bare()), format!("{:?}", IpcServer::<Command>::builder()));
    assert!(defaults.0.contains("deadline: 10s"), "{}", defaults.0);
    assert!(defaults.1.contains("deadline: 5s"), "{}", defaults.1);
}

/// Sends what belongs to no call once the client has its response, or with it.
#[test]
fn what_comes_between_two_calls_is_not_the_response_to_the_second() {
    let wrong = bincode::serialize(&Response::Add { c: 666 }).unwrap();
    // A byte, a response, and the end alone.
    for late in [&wrong[..1], &wrong[..], &[]] {
        let scratch = Scratch::new();
        let path = scratch.path("s");
        let (say, is_late) = std::sync::mpsc::channel();
        let sent = late.to_vec();
        plain_server(&path, 2, move |mut stream, number| {
            read_add(&mut stream);
            stream.write_all(&sum_bytes()).unwrap();
            if number == 0 {
                // The client need not have it yet: it is behind the response in the same socket.
                stream.write_all(&sent).unwrap();
                if sent.is_empty() {
                    stream.shutdown(std::net::Shutdown::Write).unwrap();
                }
                say.send(stream).unwrap();
            }
        });
        let mut client = Client::builder().bare().connect(path.as_str()).unwrap();
        assert_eq!(client.call(&ADD), Ok(SUM));
        let _kept = is_late.recv().unwrap();
        assert_eq!(client.call(&ADD), Ok(SUM), "{late:02x?} came late");
    }
}

#[test]
fn what_lies_behind_a_response_that_fills_the_capacity_is_not_the_next() {
    let scratch = Scratch::new();
    let path = scratch.path("s");
    plain_server(&path, 2, |mut stream, number| {
        stream.read_exact(&mut [0; 12]).unwrap();
        let wrong = bincode::serialize(&Response::Add { c: 666 }).unwrap();
        // In one piece, of which the client has room for the first message.
        stream.write_all(&if number == 0 { [sum_bytes(), wrong].concat() } else { sum_bytes() }).unwrap();
        // Until the client has left.
        let _ = stream.read(&mut [0; 64]);
    });
    #[derive(serde::Serialize, serde::Deserialize, Debug)]
    struct Short(u32, u64);
    impl ipc_server::IpcServerCommand for Short {
        type Response = Response;
        type Context<'a> = ();
        fn process(self, (): &mut ()) -> Response {
            SUM
        }
    }
    let mut client = Client::builder().bare().capacity::<12>().connect(path.as_str()).unwrap();
    assert_eq!(client.call(&Short(2, 3)), Ok(SUM));
    assert_eq!(client.call(&Short(2, 3)), Ok(SUM));
}
