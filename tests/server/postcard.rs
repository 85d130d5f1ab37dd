//! `IpcServer` and `Client` over postcard: what they do over bincode they do here, and where one side speaks bincode and
//! the other postcard, both end in errors with a type, within the deadline.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::codec::{Bincode, Codec, Postcard};
use ipc_server::wire::Both;
use ipc_server::{CallError, Client, Handled, IpcServer, IpcServerCommand};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Command {
    Add { left: u32, right: u32 },
    Echo(String),
    Stretch(u16),
    Total,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Response {
    Sum(u32),
    Text(String),
    Total(u64),
}

/// What the daemon keeps: the sum of all sums.
type State = u64;

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut State;

    fn process<'a, 'b>(self, total: &'b mut Self::Context<'a>) -> Response {
        match self {
            Self::Add { left, right } => {
                let sum = left.wrapping_add(right);
                **total += u64::from(sum);
                Response::Sum(sum)
            }
            Self::Echo(text) => Response::Text(text),
            Self::Stretch(length) => Response::Text("x".repeat(length.into())),
            Self::Total => Response::Total(**total),
        }
    }
}

type Server<K> = IpcServer<Command, Both<K>>;

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server with its socket in a directory of its own.
struct Daemon<K: Codec> {
    server: Server<K>,
    total: State,
    path: PathBuf,
    _directory: TempDir,
}

impl<K: Codec> Daemon<K> {
    fn new() -> Self {
        Self::with(false, PATIENCE)
    }

    fn with(keep_open: bool, deadline: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("postcard.sock");
        let server =
            IpcServer::<Command>::builder().codec::<K>().keep_open(keep_open).deadline(deadline).bind(&path).unwrap();
        Self { server, total: 0, path, _directory: directory }
    }

    fn handle(&mut self) -> Handled {
        self.server.handle_new_messages(&mut self.total).unwrap()
    }

    /// Serves until `client` has done its work on another thread, and returns what it did and what was handled.
    fn serve_while<T: Send>(&mut self, client: impl FnOnce(&Path) -> T + Send) -> (T, Handled) {
        let path = self.path.clone();
        let mut all = Handled::default();
        let start = Instant::now();
        thread::scope(|scope| {
            let client = scope.spawn(move || client(&path));
            while !client.is_finished() {
                assert!(start.elapsed() < 2 * PATIENCE, "the client hangs");
                self.server.wait(Some(Duration::from_millis(5))).unwrap();
                add(&mut all, self.handle());
            }
            add(&mut all, self.handle());
            (client.join().unwrap(), all)
        })
    }
}

fn add(all: &mut Handled, one: Handled) {
    all.served += one.served;
    all.rejected += one.rejected;
    all.failed += one.failed;
    all.expired += one.expired;
    all.closed += one.closed;
    all.pending = one.pending;
}

fn client(path: &Path) -> Client<Postcard> {
    Client::builder().bare().codec::<Postcard>().deadline(PATIENCE).connect(path).unwrap()
}

/// A client that speaks bytes.
fn raw(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server sends until it closes.
fn read_to_end(mut stream: &UnixStream) -> Vec<u8> {
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        Ok(_) => {}
        // It had not read all that was sent.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    received
}

const ADD_2_300: &[u8] = b"\x00\x02\xac\x02";
const SUM_302: &[u8] = b"\x00\xae\x02";

#[test]
fn one_command_gets_one_response() {
    let mut daemon = Daemon::<Postcard>::new();
    let (response, handled) = daemon.serve_while(|path| client(path).call(&Command::Add { left: 2, right: 300 }));
    assert_eq!(response, Ok(Response::Sum(302)));
    assert_eq!((handled.served, handled.pending, daemon.total), (1, 0, 302));
}

#[test]
fn the_bytes_on_the_socket_are_those_of_the_postcard_crate() {
    let mut daemon = Daemon::<Postcard>::new();
    assert_eq!(postcard::to_stdvec(&Command::Add { left: 2, right: 300 }).unwrap(), ADD_2_300);
    let mut stream = raw(&daemon.path);
    stream.write_all(ADD_2_300).unwrap();
    assert_eq!(daemon.handle().served, 1);
    assert_eq!(read_to_end(&stream), SUM_302);
    assert_eq!(postcard::from_bytes::<Response>(SUM_302), Ok(Response::Sum(302)));
}

#[test]
fn a_command_that_arrives_byte_by_byte_is_executed_once_whole() {
    let mut daemon = Daemon::<Postcard>::new();
    let mut stream = raw(&daemon.path);
    let (last, first) = ADD_2_300.split_last().unwrap();
    for byte in first {
        stream.write_all(&[*byte]).unwrap();
        let handled = daemon.handle();
        assert_eq!((handled.served, handled.pending, daemon.total), (0, 1, 0));
    }
    stream.write_all(&[*last]).unwrap();
    assert_eq!(daemon.handle().served, 1);
    assert_eq!(read_to_end(&stream), SUM_302);
    assert_eq!(daemon.total, 302);
}

#[test]
fn a_truncated_command_is_not_executed() {
    let mut daemon = Daemon::<Postcard>::new();
    for length in 1..ADD_2_300.len() {
        let mut stream = raw(&daemon.path);
        stream.write_all(&ADD_2_300[..length]).unwrap();
        drop(stream);
        let handled = daemon.handle();
        assert_eq!((handled.served, handled.rejected, handled.pending), (0, 1, 0), "{length} bytes");
    }
    assert_eq!(daemon.total, 0);
}

#[test]
fn a_kept_connection_serves_several_calls() {
    let mut daemon = Daemon::<Postcard>::with(true, PATIENCE);
    let (responses, handled) = daemon.serve_while(|path| {
        let mut client = client(path);
        [1, 20, 300].map(|right| client.call(&Command::Add { left: 0, right }))
    });
    assert_eq!(responses, [1, 20, 300].map(|sum| Ok(Response::Sum(sum))));
    assert_eq!((handled.served, handled.closed), (3, 1));
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let mut daemon = Daemon::<Postcard>::with(true, PATIENCE);
    let mut stream = raw(&daemon.path);
    let commands = [ADD_2_300, b"\x01\x02hi", b"\x03", ADD_2_300, b"\x03"].concat();
    // Cut in the middle of a command.
    stream.write_all(&commands[..6]).unwrap();
    assert_eq!(daemon.handle().served, 1);
    stream.write_all(&commands[6..]).unwrap();
    assert_eq!(daemon.handle().served, 4);
    let expected = [SUM_302, b"\x01\x02hi", b"\x02\xae\x02", SUM_302, b"\x02\xdc\x04"].concat();
    let mut received = vec![0; expected.len()];
    stream.read_exact(&mut received).unwrap();
    assert_eq!(received, expected);
    assert_eq!(daemon.handle().pending, 1);
}

#[test]
fn a_command_that_is_too_large_is_an_error_before_it_is_sent() {
    let mut daemon = Daemon::<Postcard>::new();
    let (result, handled) = daemon.serve_while(|path| client(path).call(&Command::Echo("x".repeat(1024))));
    assert_eq!(result, Err(CallError::CommandTooLarge { capacity: 1024 }));
    assert_eq!(handled.served, 0);
    // A variant, two bytes of length and 1,021 of text fill the capacity.
    let longest = "x".repeat(1021);
    let (result, _) = daemon.serve_while(|path| client(path).call(&Command::Echo(longest.clone())));
    assert_eq!(result, Ok(Response::Text(longest)));
}

#[test]
fn a_command_that_is_too_large_for_the_server_is_rejected() {
    let mut daemon = Daemon::<Postcard>::new();
    let (result, handled) = daemon.serve_while(|path| {
        let mut client =
            Client::builder().bare().codec::<Postcard>().capacity::<4096>().deadline(PATIENCE).connect(path).unwrap();
        client.call(&Command::Echo("x".repeat(1022)))
    });
    assert_eq!(result, Err(CallError::Closed { received: 0 }));
    // The server has not read all of it, so the client may try once more on another connection.
    assert_eq!(handled.served, 0);
    assert!((1..=2).contains(&handled.rejected), "{handled:?}");
}

#[test]
fn a_response_that_is_too_large_is_the_servers_failure() {
    let mut daemon = Daemon::<Postcard>::new();
    let (result, handled) = daemon.serve_while(|path| client(path).call(&Command::Stretch(2000)));
    assert_eq!(result, Err(CallError::Closed { received: 0 }));
    assert_eq!((handled.served, handled.failed), (0, 1));
}

#[test]
fn garbage_is_rejected_and_the_next_client_is_served() {
    let mut daemon = Daemon::<Postcard>::new();
    for garbage in [b"\x04".as_slice(), &[0xff; 16], b"\x01\x02\xff\xff", b"\x00\xff\xff\xff\xff\x10"] {
        let mut stream = raw(&daemon.path);
        stream.write_all(garbage).unwrap();
        let handled = daemon.handle();
        assert_eq!((handled.served, handled.rejected, handled.pending), (0, 1, 0), "{garbage:02x?}");
        assert_eq!(read_to_end(&stream), b"");
    }
    let (response, _) = daemon.serve_while(|path| client(path).call(&Command::Total));
    assert_eq!(response, Ok(Response::Total(0)));
}

/// Calls each command with one codec where the server speaks the other. The bytes of one may begin a command of the
/// other, so it is not said what the server makes of them; but no call gets a response that was not meant for it, and
/// each ends in time, even where both sides wait for more.
fn a_mismatch_ends_in_typed_errors<Servers: Codec, Clients: Codec>(keep_open: bool) {
    const DEADLINE: Duration = Duration::from_millis(100);

    let commands = [
        Command::Add { left: 2, right: 300 },
        Command::Add { left: u32::MAX, right: 0 },
        Command::Echo("stop".into()),
        Command::Echo("x".repeat(900)),
        Command::Stretch(3),
        Command::Total,
    ];
    for command in commands {
        let mut daemon = Daemon::<Servers>::with(keep_open, DEADLINE);
        let ((result, elapsed), _) = daemon.serve_while(|path| {
            let mut client = Client::builder().bare().codec::<Clients>().deadline(DEADLINE).connect(path).unwrap();
            let start = Instant::now();
            (client.call(&command), start.elapsed())
        });
        let typed = matches!(result, Err(CallError::Closed { .. } | CallError::Malformed(_) | CallError::TimedOut));
        assert!(typed, "{result:?} for {command:?}");
        // Generously, for a busy machine: the alternative is for ever.
        assert!(elapsed < DEADLINE + Duration::from_secs(5), "{elapsed:?} for {command:?}");
    }
}

#[test]
fn a_bincode_client_of_a_postcard_server_gets_typed_errors_in_time() {
    a_mismatch_ends_in_typed_errors::<Postcard, Bincode>(false);
    a_mismatch_ends_in_typed_errors::<Postcard, Bincode>(true);
}

#[test]
fn a_postcard_client_of_a_bincode_server_gets_typed_errors_in_time() {
    a_mismatch_ends_in_typed_errors::<Bincode, Postcard>(false);
    a_mismatch_ends_in_typed_errors::<Bincode, Postcard>(true);
}
