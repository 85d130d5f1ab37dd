//! One-shot, kept, idle, pipelined: in one thread.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Instant;

use ipc_server::IpcServer;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

use crate::Outcome;
use crate::command::{Command, Daemon};
use crate::measure::{Contender, Figures, named, rounds};
use crate::one_thread::{exchange, serve};
use crate::options::Options;
use crate::peers::floor::{Floor, NO_TIME};
use crate::peers::ours::Ours;
use crate::peers::published::Published;
use crate::peers::{Connection, OneThread};
use crate::pipelined::{BATCH, PipelinedFloor, PipelinedOurs};
use crate::report::{Goal, Highlight, Panel, Section, Table};
use crate::scratch::Scratch;

pub(crate) fn one_shot(options: &Options) -> Outcome<Section> {
    let scratch = Scratch::new()?;
    let exchanges = options.exchanges(4000);
    let mut contenders = [
        contender("floor", exchanges, Floor::new(&scratch.path("floor"), Connection::OneShot)?),
        contender("ours", exchanges, Ours::new(&scratch.path("ours"), Connection::OneShot)?),
        contender("published 0.3.2", exchanges, Published::new(&scratch.path("published"))?),
    ];
    let figures = rounds(&mut contenders, options.rounds)?;
    let table = Table::of_figures("One-shot exchange, in one thread", &figures, &["floor", "published 0.3.2"]);
    let goals = goals("one-shot exchange", &figures, &[("floor", 1.05), ("published 0.3.2", 0.8)])?;
    Ok(with_panel("One-shot exchange, in one thread", &figures, table, goals))
}

pub(crate) fn kept(options: &Options) -> Outcome<Section> {
    let scratch = Scratch::new()?;
    let exchanges = options.exchanges(10_000);
    let mut contenders = [
        contender("floor", exchanges, Floor::new(&scratch.path("floor"), Connection::Kept)?),
        contender("ours", exchanges, Ours::new(&scratch.path("ours"), Connection::Kept)?),
    ];
    let figures = rounds(&mut contenders, options.rounds)?;
    let table = Table::of_figures("Exchange on a kept connection, in one thread", &figures, &["floor"]);
    let goals = goals("exchange on a kept connection", &figures, &[("floor", 1.05)])?;
    Ok(with_panel("Exchange on a kept connection, in one thread", &figures, table, goals))
}

/// How many times as long as the others ours is to take at most.
fn goals(what: &str, figures: &[Figures], others: &[(&str, f64)]) -> Outcome<Vec<Goal>> {
    let ours = named(figures, "ours")?;
    let goal = |&(name, most)| Ok(Goal::new(format!("{what}, x {name}"), ours.ratio(named(figures, name)?), most));
    others.iter().map(goal).collect()
}

fn with_panel(title: &'static str, figures: &[Figures], table: Table, goals: Vec<Goal>) -> Section {
    let bars = figures.iter().map(|each| (each.name, each.median())).collect();
    let highlights = vec![Highlight::of_figures(title, figures)];
    Section { tables: vec![table], panel: Some(Panel { title, bars }), goals, highlights }
}

fn contender<'a, T: OneThread + 'a>(name: &'static str, exchanges: usize, mut subject: T) -> Contender<'a> {
    Contender { name, exchanges, run: Box::new(move |exchanges| exchange(&mut subject, exchanges)) }
}

/// A poll with nothing to do.
pub(crate) fn idle(options: &Options) -> Outcome<Section> {
    let scratch = Scratch::new()?;
    let exchanges = options.exchanges(200_000);

    let listener = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK, None)?;
    bind(&listener, &SocketAddrUnix::new(scratch.path("bare"))?)?;
    listen(&listener, 1024)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(0), EventFlags::IN)?;
    let bare = move |polls| {
        let start = Instant::now();
        for _ in 0..polls {
            let mut events = [MaybeUninit::<Event>::uninit(); 32];
            black_box(epoll::wait(&epoll, &mut events, Some(&NO_TIME))?);
        }
        Ok(start.elapsed())
    };

    let mut ours = IpcServer::<Command>::new(&scratch.path("ours"))?;
    let ours = move |polls| {
        let mut daemon = Daemon::default();
        let start = Instant::now();
        for _ in 0..polls {
            black_box(ours.handle_new_messages(&mut daemon)?);
        }
        Ok(start.elapsed())
    };

    let mut published = upstream::IpcServer::<Command>::new(&scratch.path("published"))?;
    let published = move |polls| {
        let mut daemon = Daemon::default();
        let start = Instant::now();
        for _ in 0..polls {
            published.handle_new_messages(&mut daemon)?;
        }
        Ok(start.elapsed())
    };

    let mut contenders = [
        Contender { name: "epoll_wait(0)", exchanges, run: Box::new(bare) },
        Contender { name: "ours", exchanges, run: Box::new(ours) },
        // It sleeps.
        Contender { name: "published 0.3.2", exchanges: 20, run: Box::new(published) },
    ];
    let figures = rounds(&mut contenders, options.rounds)?;
    let table = Table::of_figures("A poll with nothing to do", &figures, &["epoll_wait(0)"]);
    let goals = goals("poll with nothing to do", &figures, &[("epoll_wait(0)", 1.25)])?;
    let highlights = vec![Highlight::of_figures("A poll with nothing to do", &figures)];
    Ok(Section { tables: vec![table], goals, highlights, ..Section::default() })
}

/// Many commands in one `send`, on a kept connection: per command, both sides and the server's part alone.
pub(crate) fn pipelined(options: &Options) -> Outcome<Section> {
    let scratch = Scratch::new()?;
    let (mut floor, mut ours) = (PipelinedFloor::new(&scratch.path("f"))?, PipelinedOurs::new(&scratch.path("o"))?);
    // A round's figure is per command.
    let commands = options.exchanges(2000) * BATCH;
    let mut both = [
        Contender { name: "floor", exchanges: commands, run: Box::new(|n| exchange(&mut floor, n / BATCH)) },
        Contender { name: "ours", exchanges: commands, run: Box::new(|n| exchange(&mut ours, n / BATCH)) },
    ];
    let both_sides = rounds(&mut both, options.rounds)?;
    drop(both);
    let mut server = [
        Contender { name: "floor", exchanges: commands, run: Box::new(|n| serve(&mut floor, n / BATCH)) },
        Contender { name: "ours", exchanges: commands, run: Box::new(|n| serve(&mut ours, n / BATCH)) },
    ];
    let server = rounds(&mut server, options.rounds)?;
    let tables = vec![
        Table::of_figures("32 commands in one send, in one thread; per command", &both_sides, &["floor"]),
        Table::of_figures("32 commands in one send, the server's part alone; per command", &server, &["floor"]),
    ];
    let goals = vec![Goal::new("one of 32 commands in one send, µs", named(&both_sides, "ours")?.median(), 0.2)];
    let highlights = vec![Highlight::of_figures("32 commands in one send, in one thread; each", &both_sides)];
    Ok(Section { tables, goals, highlights, ..Section::default() })
}
