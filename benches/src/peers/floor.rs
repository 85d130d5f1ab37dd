//! The floor: the same exchange by hand, with the system calls that ours makes and nothing else.
//!
//! It learns who the client is, it never blocks on a socket, and it looks at epoll until nothing is left, as a server must
//! that serves others too. It has no deadlines, no table, no bound on what a client may ask of it, and expects each command
//! to come in one piece.

use std::mem::MaybeUninit;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, recv,
    send, socket_with,
};
use rustix::process::geteuid;

use super::{Caller, Connection, OneThread, Peer};
use crate::Outcome;
use crate::bare::Client;
use crate::command::{ADD, Command, Daemon, Response, SUM};

const LISTENER: u64 = u64::MAX;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

pub(crate) struct Server {
    epoll: OwnedFd,
    listener: OwnedFd,
    connection: Connection,
    open: Vec<Option<OwnedFd>>,
    user: u32,
    output: [u8; 1024],
}

impl Server {
    pub(crate) fn new(path: &str, connection: Connection) -> Outcome<Self> {
        let listener = socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None)?;
        bind(&listener, &SocketAddrUnix::new(path)?)?;
        listen(&listener, 1024)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self { epoll, listener, connection, open: Vec::new(), user: geteuid().as_raw(), output: [0; 1024] })
    }

    /// Serves what is there, after waiting for it if `timeout` says so.
    #[inline]
    pub(crate) fn serve(&mut self, daemon: &mut Daemon, timeout: Option<&Timespec>) -> Outcome {
        let mut timeout = timeout;
        loop {
            let mut events = [MaybeUninit::<Event>::uninit(); 32];
            let (ready, _) = epoll::wait(&self.epoll, &mut events, timeout)?;
            if ready.is_empty() {
                return Ok(());
            }
            for event in ready {
                match event.data.u64() {
                    LISTENER => self.accept(daemon)?,
                    place => self.exchange_open(place.try_into()?, daemon)?,
                }
            }
            timeout = Some(&NO_TIME);
        }
    }

    #[inline]
    fn accept(&mut self, daemon: &mut Daemon) -> Outcome {
        let socket = accept_with(&self.listener, FLAGS)?;
        if socket_peercred(&socket)?.uid.as_raw() != self.user {
            return Ok(());
        }
        if !self.connection.is_kept() && exchange(&socket, daemon, &mut self.output)? != Exchanged::NotYet {
            return Ok(());
        }
        let place = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
        epoll::add(&self.epoll, &socket, EventData::new_u64(place.try_into()?), EventFlags::IN)?;
        match self.open.get_mut(place) {
            Some(free) => *free = Some(socket),
            None => self.open.push(Some(socket)),
        }
        Ok(())
    }

    #[inline]
    fn exchange_open(&mut self, place: usize, daemon: &mut Daemon) -> Outcome {
        let Some(open) = self.open.get_mut(place) else { return Ok(()) };
        let Some(socket) = open.as_ref() else { return Ok(()) };
        match exchange(socket, daemon, &mut self.output)? {
            Exchanged::NotYet => {}
            Exchanged::Done if self.connection.is_kept() => {}
            Exchanged::Done | Exchanged::Closed => *open = None,
        }
        Ok(())
    }
}

/// What one look at a connection comes to.
#[derive(PartialEq, Eq)]
enum Exchanged {
    Done,
    NotYet,
    Closed,
}

pub(crate) const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Answers what one `recv` brings.
#[inline]
fn exchange(socket: &OwnedFd, daemon: &mut Daemon, output: &mut [u8; 1024]) -> Outcome<Exchanged> {
    let mut input = [MaybeUninit::<u8>::uninit(); 1024];
    let received = match recv(socket, &mut input, RecvFlags::empty()) {
        Ok(((received, _), _)) => received,
        Err(Errno::AGAIN) => return Ok(Exchanged::NotYet),
        Err(errno) => return Err(errno.into()),
    };
    let mut unread: &[u8] = received;
    if unread.is_empty() {
        return Ok(Exchanged::Closed);
    }
    let mut unwritten = output.as_mut_slice();
    while !unread.is_empty() {
        let command: Command = bincode::deserialize_from(&mut unread)?;
        bincode::serialize_into(&mut unwritten, &daemon.execute(command))?;
    }
    let written = 1024 - unwritten.len();
    send(socket, output.get(..written).unwrap_or_default(), SendFlags::NOSIGNAL)?;
    Ok(Exchanged::Done)
}

pub(crate) struct Floor {
    server: Server,
    daemon: Daemon,
    client: Client,
}

impl Floor {
    pub(crate) fn new(path: &str, connection: Connection) -> Outcome<Self> {
        let server = Server::new(path, connection)?;
        Ok(Self { server, daemon: Daemon::default(), client: Client::new(path, connection)? })
    }
}

impl OneThread for Floor {
    fn send(&mut self) -> Outcome {
        let mut buffer = [0; 64];
        let mut unwritten = buffer.as_mut_slice();
        bincode::serialize_into(&mut unwritten, &ADD)?;
        let length = 64 - unwritten.len();
        Ok(self.client.send(buffer.get(..length).unwrap_or_default())?)
    }

    fn serve(&mut self) -> Outcome {
        self.server.serve(&mut self.daemon, Some(&NO_TIME))
    }

    fn receive(&mut self) -> Outcome {
        let mut buffer = [0; 64];
        let response: Response = bincode::deserialize(self.client.receive(&mut buffer)?)?;
        if response == SUM { Ok(()) } else { Err("not the response".into()) }
    }
}

pub(crate) const ONE_SHOT: Peer = Peer {
    name: "floor, one-shot",
    serve: |path| serve(path, Connection::OneShot),
    connect: |path| connect(path, Connection::OneShot),
};

pub(crate) const KEPT: Peer = Peer {
    name: "floor, kept",
    serve: |path| serve(path, Connection::Kept),
    connect: |path| connect(path, Connection::Kept),
};

fn serve(path: &str, connection: Connection) -> Outcome {
    let mut server = Server::new(path, connection)?;
    let mut daemon = Daemon::default();
    while !daemon.stopping {
        server.serve(&mut daemon, None)?;
    }
    Ok(())
}

fn connect(path: &str, connection: Connection) -> Outcome<Box<dyn Caller>> {
    let mut client = Client::new(path, connection)?;
    client.call(ADD)?;
    Ok(Box::new(client))
}

impl Caller for Client {
    fn call(&mut self, command: Command) -> Outcome<Response> {
        let mut buffer = [0; 64];
        let mut unwritten = buffer.as_mut_slice();
        bincode::serialize_into(&mut unwritten, &command)?;
        let length = 64 - unwritten.len();
        self.send(buffer.get(..length).unwrap_or_default())?;
        Ok(bincode::deserialize(self.receive(&mut buffer)?)?)
    }
}
