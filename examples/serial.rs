//! A daemon and its client at the two ends of a serial line, which is no socket: it brings a few bytes at a time, and it
//! never closes.
//!
//! ```text
//! cargo run --example serial                          both, over a pseudoterminal as slow as a line of 115,200 baud
//! cargo run --example serial -- daemon /dev/ttyUSB0   one of them, at a real line
//! cargo run --example serial -- client /dev/ttyUSB0
//! ```
//!
//! Both sides are the states of `ipc_server::connection`, as `IpcServer` and `Client` drive them over Unix sockets. What a
//! socket would offer and the line does not are clients that come and go, so a silence takes their place: it ends what
//! was unfinished.

use std::error::Error;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::IpcServerCommand;
use ipc_server::connection::{AskError, Buffers, Connection, ConnectionError, Fault, Step, Transport};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, speed, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};

/// What the daemon, a logbook, understands. Every response takes some bytes: one of none would be delivered by closing.
#[derive(Serialize, Deserialize, Debug)]
enum Command {
    Note(String),
    Read { number: usize },
    Stop,
}

#[derive(Serialize, Deserialize, Debug)]
enum Response {
    Noted { number: usize },
    Text(Option<String>),
    Stopping,
}

#[derive(Default)]
struct Logbook {
    notes: Vec<String>,
    stopping: bool,
}

impl IpcServerCommand for Command {
    type Response = Response;
    type Context<'a> = &'a mut Logbook;

    fn process(self, book: &mut Self::Context<'_>) -> Response {
        match self {
            Self::Note(text) => {
                book.notes.push(text);
                Response::Noted { number: book.notes.len() - 1 }
            }
            Self::Read { number } => Response::Text(book.notes.get(number).cloned()),
            Self::Stop => {
                book.stopping = true;
                Response::Stopping
            }
        }
    }
}

/// The longest message, in bytes.
const CAPACITY: usize = 512;

/// How long a byte takes at 115,200 baud: ten bits, of which eight are data.
const BYTE: Duration = Duration::from_nanos(10 * 1_000_000_000 / 115_200);

/// How many bytes the hardware of either end holds in each direction.
const FIFO: usize = 16;

/// A silence that no message has in its middle, however busy the machine is.
const SILENCE: Duration = Duration::from_millis(200);

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// One end of a serial line.
struct Serial {
    port: OwnedFd,
    /// When the last byte that was sent has left the FIFO. A pseudoterminal knows no speed, so it is kept here.
    busy_until: Instant,
    /// How often bytes were received.
    pieces: usize,
}

impl Serial {
    fn new(port: OwnedFd) -> Self {
        Self { port, busy_until: Instant::now(), pieces: 0 }
    }

    /// Opens a terminal as nothing but a line: eight bits, no echo, no signals.
    fn open(path: &str) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let port = rustix::fs::open(path, flags, Mode::empty())?;
        let mut settings = tcgetattr(&port)?;
        settings.make_raw();
        settings.set_speed(speed::B115200)?;
        tcsetattr(&port, OptionalActions::Flush, &settings)?;
        Ok(Self::new(port))
    }

    /// Waits until bytes have arrived (`true`) or `limit` has passed.
    fn wait_for_input(&self, limit: Duration) -> Result<bool, Errno> {
        let limit = limit.try_into().map_err(|_| Errno::INVAL)?;
        retry_on_intr(|| poll(&mut [PollFd::new(&self.port, PollFlags::IN)], Some(&limit))).map(|ready| ready > 0)
    }

    /// Waits until half of the FIFO has left.
    fn wait_for_room(&self) {
        thread::sleep(BYTE * (FIFO as u32 / 2));
    }

    /// Throws away what arrives, until nothing has for so long.
    fn wait_for_silence(&mut self, length: Duration) -> Result<(), Errno> {
        while self.wait_for_input(length)? {
            if let Poll::Ready(received) = self.receive(&mut [0; FIFO]) {
                received?;
            }
        }
        Ok(())
    }
}

impl Transport for Serial {
    type Error = Errno;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Errno>> {
        let most = into.len().min(FIFO);
        match retry_on_intr(|| rustix::io::read(&self.port, &mut into[..most])) {
            Err(Errno::AGAIN) => Poll::Pending,
            // A line has no end. That of a terminal is an adapter that was unplugged.
            Ok(0) => Poll::Ready(Err(Errno::IO)),
            received => {
                self.pieces += 1;
                Poll::Ready(received)
            }
        }
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Errno>> {
        let now = Instant::now();
        let left = self.busy_until.saturating_duration_since(now);
        let room = FIFO.saturating_sub(left.as_nanos().div_ceil(BYTE.as_nanos()) as usize);
        if room == 0 {
            return Poll::Pending;
        }
        match retry_on_intr(|| rustix::io::write(&self.port, &from[..from.len().min(room)])) {
            Err(Errno::AGAIN) => Poll::Pending,
            sent => {
                self.busy_until = self.busy_until.max(now) + BYTE * sent.unwrap_or(0) as u32;
                Poll::Ready(sent)
            }
        }
    }
}

/// The daemon: serves until a client says stop.
fn serve(line: &mut Serial) -> Result<(), ConnectionError<Errno>> {
    let mut book = Logbook::default();
    let mut buffers = Buffers::new();
    while !book.stopping {
        match serve_connection(line, &mut buffers, &mut book) {
            Err(error) if error.fault() == Fault::Peer => {
                println!("daemon: {error}");
                // Where the next command begins is not known before the client has paused.
                line.wait_for_silence(SILENCE).map_err(ConnectionError::Transport)?;
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// One command after another, over a connection that its client does not close.
fn serve_connection(
    line: &mut Serial,
    buffers: &mut Buffers<CAPACITY>,
    mut book: &mut Logbook,
) -> Result<(), ConnectionError<Errno>> {
    let mut accepted = Connection::new(line, buffers);
    loop {
        let read = loop {
            accepted = match accepted.receive::<Command>()? {
                Step::Ready(read) => break read,
                Step::NotYet(accepted) => accepted,
            };
            // A daemon with other work does it here, and looks at the line now and then.
            if !accepted.transport().wait_for_input(SILENCE).map_err(ConnectionError::Transport)? {
                // If a command has begun, nobody is going to finish it.
                accepted = Connection::new(accepted.close(), buffers);
            }
        };
        println!("daemon: {:?}", read.command());
        let mut processed = read.process(&mut book)?;
        let replied = loop {
            processed = match processed.send()? {
                Step::Ready(replied) => break replied,
                Step::NotYet(processed) => processed,
            };
            processed.transport().wait_for_room();
        };
        if book.stopping {
            return Ok(());
        }
        accepted = replied.next();
    }
}

/// The client: sends one command and returns its response.
fn call(line: &mut Serial, command: &Command) -> Result<Response, AskError<Errno>> {
    let end = Instant::now() + PATIENCE;
    let mut buffers = Buffers::<CAPACITY>::new();
    let mut asking = Connection::ask(line, &mut buffers, command)?;
    let mut asked = loop {
        asking = match asking.send_command()? {
            Step::Ready(asked) => break asked,
            Step::NotYet(asking) => asking,
        };
        asking.transport().wait_for_room();
    };
    loop {
        asked = match asked.receive_response()? {
            Step::Ready((response, _)) => return Ok(response),
            Step::NotYet(asked) => asked,
        };
        let left = end.saturating_duration_since(Instant::now());
        if !asked.transport().wait_for_input(left).map_err(AskError::Transport)? {
            return Err(AskError::Transport(Errno::TIMEDOUT));
        }
    }
}

/// What the client has to say.
fn talk(line: &mut Serial) -> Result<(), AskError<Errno>> {
    // Whoever used the line before may have left something on it. The daemon, too, waits until nothing comes, and is to have
    // seen the end of that before the first command.
    line.wait_for_silence(SILENCE * 3).map_err(AskError::Transport)?;
    let note = "Relay 4 sticks in the cold. ".repeat(8).trim_end().to_owned();
    for command in [Command::Note(note), Command::Read { number: 0 }, Command::Read { number: 1 }, Command::Stop] {
        let (begin, before) = (Instant::now(), line.pieces);
        // After an error, too, the line must be silent before the next call. This client gives up.
        let response = call(line, &command)?;
        println!("client: {response:?}, in {} pieces after {:?}", line.pieces - before, begin.elapsed());
    }
    Ok(())
}

/// A pseudoterminal: one end of a line, and the name of the other.
fn pseudoterminal() -> Result<(Serial, String), Box<dyn Error>> {
    let port = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&port)?;
    unlockpt(&port)?;
    rustix::io::ioctl_fionbio(&port, true)?;
    let name = ptsname(&port, Vec::new())?.into_string()?;
    Ok((Serial::new(port), name))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let (mut near, name) = pseudoterminal()?;
            let mut far = Serial::open(&name)?;
            // What comes out of a cable that is plugged in.
            let _ = near.send(b"\xff\xff\xff\xffnoise");
            // It gives its end back, so that what it has sent last is not lost.
            let daemon = thread::spawn(move || (serve(&mut far), far));
            talk(&mut near)?;
            let (outcome, _far) = daemon.join().map_err(|_| "the daemon panicked")?;
            Ok(outcome?)
        }
        ["daemon", device] => Ok(serve(&mut Serial::open(device)?)?),
        ["client", device] => Ok(talk(&mut Serial::open(device)?)?),
        _ => Err("usage: serial [daemon DEVICE | client DEVICE]".into()),
    }
}
