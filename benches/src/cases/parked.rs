//! Many connections that are open and say nothing: they must cost the others nothing, and no memory but the table's.

use std::hint::black_box;
use std::mem::size_of;
use std::thread;
use std::time::{Duration, Instant};

use ipc_server::IpcServer;
use ipc_server::codec::Bincode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

use crate::Outcome;
use crate::bare::Client;
use crate::command::{Command, Daemon};
use crate::measure::{Contender, Figures, named, rounds};
use crate::options::Options;
use crate::peers::Connection;
use crate::report::{Goal, Section, Table};
use crate::scratch::Scratch;

/// A command, as it is on the wire.
const ADD: [u8; 20] = [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];

/// A server on the stack is moved a few times while it is made. The greatest is 17 MB; the system gives only what is used.
const STACK: usize = 256 << 20;

/// A server, and clients that are parked at it. What differs between tables of different lengths is behind this.
trait Parked {
    fn handle(&mut self) -> Outcome;
    /// Connects one more client, which makes one exchange.
    fn park(&mut self, path: &str) -> Outcome;
    /// An exchange of a client that stays.
    fn kept(&mut self) -> Outcome;
    /// An exchange of a client that comes and goes.
    fn one_shot(&mut self) -> Outcome;
    fn size(&self) -> usize;
}

struct Crowd<const CONNECTIONS: usize> {
    server: Box<IpcServer<Command, Bincode, 1024, CONNECTIONS>>,
    daemon: Daemon,
    parked: Vec<Client>,
    kept: Client,
    one_shot: Client,
}

/// Two places more than are parked: for the client that stays and the one that comes and goes.
fn crowd<const CONNECTIONS: usize>(path: &str) -> Outcome<Box<dyn Parked>> {
    let server = IpcServer::builder().bare().connections::<CONNECTIONS>().keep_open(true).bind(path)?;
    let crowd: Crowd<CONNECTIONS> = Crowd {
        server: Box::new(server),
        daemon: Daemon::default(),
        parked: Vec::with_capacity(CONNECTIONS),
        kept: Client::new(path, Connection::Kept)?,
        one_shot: Client::new(path, Connection::OneShot)?,
    };
    Ok(Box::new(crowd))
}

impl<const CONNECTIONS: usize> Crowd<CONNECTIONS> {
    fn exchange(&mut self, client: fn(&mut Self) -> Option<&mut Client>) -> Outcome {
        client(self).ok_or("nobody")?.send(&ADD)?;
        self.handle()?;
        let mut buffer = [0; 64];
        match client(self).ok_or("nobody")?.receive(&mut buffer)? {
            reply if reply.len() == 12 => Ok(()),
            reply => Err(format!("{} bytes of reply", reply.len()).into()),
        }
    }
}

impl<const CONNECTIONS: usize> Parked for Crowd<CONNECTIONS> {
    #[inline]
    fn handle(&mut self) -> Outcome {
        black_box(self.server.handle_new_messages(&mut self.daemon)?);
        Ok(())
    }

    fn park(&mut self, path: &str) -> Outcome {
        self.parked.push(Client::new(path, Connection::Kept)?);
        self.exchange(|crowd| crowd.parked.last_mut())
    }

    fn kept(&mut self) -> Outcome {
        self.exchange(|crowd| Some(&mut crowd.kept))
    }

    fn one_shot(&mut self) -> Outcome {
        self.exchange(|crowd| Some(&mut crowd.one_shot))
    }

    fn size(&self) -> usize {
        size_of::<IpcServer<Command, Bincode, 1024, CONNECTIONS>>()
    }
}

pub(crate) fn section(options: &Options) -> Outcome<Section> {
    // On a stack of its own, see `STACK`.
    thread::scope(|scope| {
        let measured = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || measure(options).map_err(|error| error.to_string()))?;
        Ok(measured.join().map_err(|_| "it panicked")??)
    })
}

fn measure(options: &Options) -> Outcome<Section> {
    let scratch = Scratch::new()?;
    let path = |name: &str| scratch.path(name);
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    // Both ends of each connection are in this process.
    let allowed = limit.maximum.unwrap_or(u64::MAX).saturating_sub(100) / 2;

    let mut crowds = vec![("none", 0, crowd::<8>(&path("0"))?), ("64", 64, crowd::<66>(&path("64"))?)];
    crowds.push(("1,024", 1024, crowd::<1026>(&path("1024"))?));
    crowds.push(("8,192", 8192, crowd::<8194>(&path("8192"))?));
    let mut connections = 0;
    crowds.retain(|(name, parked, _)| {
        connections += *parked as u64;
        if connections > allowed {
            println!("left out: {name} parked connections; the limit of open files allows {allowed} (ulimit -Hn)");
        }
        connections <= allowed
    });

    let mut memory =
        Table::new("Parked connections: memory", &["the server's size, bytes", "bytes per place", "allocations"]);
    for (name, parked, crowd) in &mut crowds {
        crowd.kept()?;
        crowd.one_shot()?;
        let path = path(&parked.to_string());
        let region = Region::new(MEMORY);
        for _ in 0..*parked {
            crowd.park(&path)?;
        }
        let allocations = region.change().allocations;
        let size = crowd.size();
        let places = if *parked == 0 { 8 } else { *parked + 2 };
        memory.row(*name, vec![size.to_string(), (size / places).to_string(), allocations.to_string()]);
    }

    let base = &["none"];
    let idle = each(&mut crowds, options, 100_000, |crowd| crowd.handle())?;
    let kept = each(&mut crowds, options, 5000, |crowd| crowd.kept())?;
    let one_shot = each(&mut crowds, options, 2000, |crowd| crowd.one_shot())?;
    let measured = [
        ("a poll with nothing to do", idle),
        ("an exchange of one that is kept", kept),
        ("a client connects, makes an exchange and goes", one_shot),
    ];
    let mut section = Section::default();
    for (what, figures) in measured {
        section.tables.push(Table::of_figures(format!("Parked connections: {what}"), &figures, base));
        let none = named(&figures, "none")?;
        for each in figures.iter().filter(|each| each.name != none.name) {
            section.goals.push(Goal::new(format!("{} parked: {what}, x none", each.name), each.ratio(none), 1.1));
        }
    }
    section.tables.push(memory);
    Ok(section)
}

static MEMORY: &stats_alloc::StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn each(
    crowds: &mut [(&'static str, usize, Box<dyn Parked>)],
    options: &Options,
    times: usize,
    work: fn(&mut dyn Parked) -> Outcome,
) -> Outcome<Vec<Figures>> {
    let repeat = |crowd: &mut dyn Parked, times| -> Outcome<Duration> {
        let start = Instant::now();
        for _ in 0..times {
            work(crowd)?;
        }
        Ok(start.elapsed())
    };
    let mut contenders: Vec<_> = crowds
        .iter_mut()
        .map(|(name, _, crowd)| Contender {
            name,
            exchanges: options.exchanges(times),
            run: Box::new(move |times| repeat(&mut **crowd, times)),
        })
        .collect();
    rounds(&mut contenders, options.rounds)
}
