//! The daemon's side: [`IpcServer`].

mod admission;
mod buffers;
mod builder;
mod exchange;
mod outcome;
mod reasons;
mod replies;
mod report;
mod shutdown;
mod table;
mod tickets;
mod visit;

use core::borrow::BorrowMut;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use crate::unix::{AsFd, BorrowedFd};

pub use self::buffers::ServerBuffers;
pub use self::builder::ServerBuilder;
use self::builder::Settings;
use self::exchange::Waiting;
pub use self::outcome::{Handled, ServerError, ServerErrorKind};
use self::reasons::Reasoned;
pub use self::replies::ReplyError;
use self::report::Report;
use self::table::{Table, Token};
use self::tickets::Tickets;
use self::visit::Occasion;
use crate::codec::Bincode;
use crate::command::IpcServerCommand;
use crate::handler::{AtOnce, Decide, Handler, Lent};
use crate::request::Request;
use crate::unix::alarm::Alarm;
use crate::unix::clock::{Instant, let_others_run};
use crate::unix::readiness::{Event, Events, Interest, Readiness, has_ended, has_hung_up, token_of};
use crate::unix::{BindError, Errno, Listener, Waker};
use crate::wire::{Both, ServerWire};

/// How many ready sockets one look at epoll reports. More than that wait for the next look of the same call.
const EVENTS: usize = 16;

/// Whether more was ready when the call began than it has been shown.
#[derive(PartialEq, Eq)]
enum Unseen {
    /// What is ready now has been served in this call, or has come since.
    Nothing,
    /// Another look will tell.
    Perhaps,
}

/// How long no connection is accepted after file descriptors or memory have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that does its work inside [`handle_new_messages`](Self::handle_new_messages) and nowhere else.
///
/// `C` is the command type, `K` the [wire](crate::wire), `N` the capacity (the longest command and the longest reply, in bytes) and
/// `CONNECTIONS` how many connections may wait for the rest of a command, for room for a reply or for their next
/// command. The server owns all of its memory, about `(CONNECTIONS + 1) * 2 * N` bytes, and never allocates. The larger
/// part of it, the [`ServerBuffers`], may also be [lent](ServerBuilder::buffers) to it: `B` is what holds them.
///
/// ```
/// # use ipc_server::IpcServerCommand;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Debug)]
/// # enum Command { Increment }
/// # impl IpcServerCommand for Command {
/// #     type Response = u64;
/// #     type Context<'a> = &'a mut u64;
/// #     fn process(self, counter: &mut Self::Context<'_>) -> u64 {
/// #         **counter += 1;
/// #         **counter
/// #     }
/// # }
/// use ipc_server::IpcServer;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("counter.sock");
/// # let path = path.to_str().ok_or("UTF-8")?;
///
/// let mut server = IpcServer::<Command>::new(path)?;
/// # let client = std::thread::spawn({ let path = path.to_owned(); move || ipc_server::call(&Command::Increment, path.as_str()) });
/// let mut counter = 0;
/// while counter < 1 {
///     server.handle_new_messages(&mut counter)?;
///     // The daemon's other work goes here.
/// }
/// # assert_eq!(client.join().unwrap()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct IpcServer<
    C,
    K: ServerWire = Both<Bincode>,
    const N: usize = 1024,
    const CONNECTIONS: usize = 8,
    B = ServerBuffers<N, CONNECTIONS>,
> {
    readiness: Readiness,
    listener: Listener,
    accepting: Accepting,
    /// Part of `readiness`, so that whoever sleeps on the server's descriptor is woken for a deadline too.
    alarm: Alarm,
    /// Part of `readiness` too, once somebody has asked for one.
    waker: Option<Waker>,
    settings: Settings,
    table: Table<Waiting<C, Reasoned<K>>, CONNECTIONS>,
    tickets: Tickets,
    /// What it says of itself to those that begin a session.
    offer: K::Offer,
    buffers: B,
    report: Report,
    /// The number of this call among those that found something to do.
    call: u32,
    /// How many commands may still be executed in it.
    left: usize,
    /// Whether it serves only what has arrived and then is no more.
    ending: bool,
    command: PhantomData<fn() -> C>,
}

/// Whether connections are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepting {
    Now,
    /// Not until then: file descriptors or memory have run out.
    From(Instant),
    /// Never again: another process does, or this server is shutting down.
    Never,
}

impl<C: Request> IpcServer<C> {
    /// A server with the default settings that listens at `path`, which only the current user may open.
    ///
    /// For other settings see [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// See [`BindError`]. Nothing that lies at `path` is touched, unless it is a socket of ours that no server listens at
    /// any more.
    pub fn new(path: &str) -> Result<Self, BindError> {
        Self::builder().bind(path)
    }

    /// A builder for a server with other settings.
    pub fn builder() -> ServerBuilder<C> {
        ServerBuilder::new()
    }
}

impl<C, K, const N: usize, const CONNECTIONS: usize, B> IpcServer<C, K, N, CONNECTIONS, B>
where
    C: Request,
    K: ServerWire,
    B: BorrowMut<ServerBuffers<N, CONNECTIONS>>,
{
    fn listen(settings: Settings, listener: Listener, offer: K::Offer, buffers: B) -> Result<Self, BindError> {
        let readiness = Readiness::new()?;
        let alarm = Alarm::new()?;
        readiness.add(&alarm, Token::ALARM, Interest::Input)?;
        readiness.add(&listener, Token::LISTENER, Interest::Input)?;
        Ok(Self {
            readiness,
            listener,
            accepting: Accepting::Now,
            alarm,
            settings,
            table: Table::new(),
            tickets: Tickets::new(),
            waker: None,
            offer,
            buffers,
            report: Report::new(),
            call: 0,
            left: 0,
            ending: false,
            command: PhantomData,
        })
    }

    /// Serves every command that has arrived, and never blocks.
    ///
    /// Whatever was outstanding when it was called is served, up to the [work per call](ServerBuilder::work_per_call): of each
    /// connection what one buffer holds. What arrives meanwhile waits for the next call.
    /// A command of which only a part has arrived, and a reply that its client doesn't take, wait for a later call
    /// without holding anyone up. With nothing to do it is one system call.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if the server itself is broken. No client can cause that: what clients do wrong is counted in
    /// [`Handled`].
    #[inline]
    pub fn handle_new_messages(&mut self, mut context: C::Context<'_>) -> Result<Handled, ServerError>
    where
        C: IpcServerCommand,
    {
        self.serve(&mut Lent::<C>(&mut context))
    }

    /// Like [`handle_new_messages`](Self::handle_new_messages), for requests that a [`Handler`] executes.
    ///
    /// # Errors
    ///
    /// As [`handle_new_messages`](Self::handle_new_messages).
    #[inline]
    pub fn serve<H: Handler<C> + ?Sized>(&mut self, handler: &mut H) -> Result<Handled, ServerError> {
        self.serve_by(&mut AtOnce(handler))
    }

    #[inline]
    fn serve_by<D: Decide<C>>(&mut self, daemon: &mut D) -> Result<Handled, ServerError> {
        self.report.begin_call();
        self.handle(daemon)?;
        Ok(self.report.call())
    }

    /// The sums of what every [`handle_new_messages`](Self::handle_new_messages) has done since the server was made.
    /// Reading them costs nothing.
    ///
    /// The numbers wrap around at `usize::MAX`. [`pending`](Handled::pending) is no sum but what was open when the last call
    /// returned.
    #[must_use]
    pub fn totals(&self) -> &Handled {
        self.report.totals()
    }

    /// The first look, apart from the rest so that a call with nothing to do is little more than its system call: it takes 1.02
    /// times as long, and 1.33 times with one function more, since a processor does not foresee where a function that has
    /// made a system call returns to.
    #[inline]
    fn handle<D: Decide<C>>(&mut self, daemon: &mut D) -> Result<(), ServerError> {
        let mut events = Events::new();
        let ready = look(&self.readiness, &mut events, self.settings.work_per_call)?;
        let outcome = if ready.is_empty() { Ok(()) } else { self.serve_ready(ready, daemon) };
        self.report.end_call(self.table.len());
        outcome
    }

    /// Serves those that are `ready` and, as far as there is work left, those that later looks show.
    #[inline(never)]
    fn serve_ready<D: Decide<C>>(&mut self, ready: &[Event], daemon: &mut D) -> Result<(), ServerError> {
        self.left = self.settings.work_per_call;
        self.call = self.call.wrapping_add(1);
        let mut events = Events::new();
        let mut ready = ready;
        loop {
            match ready {
                [] => return Ok(()),
                &[event] if token_of(&event) == Token::LISTENER => self.serve_newcomer(has_hung_up(event), daemon)?,
                [event] if token_of(event) < Token::FIRST_SPECIAL => {
                    // Nothing else was there.
                    self.serve_connection(Token::from_u64(token_of(event)), occasion_of(event), daemon);
                    return Ok(());
                }
                several => {
                    if self.serve_each(several, daemon)? == Unseen::Nothing {
                        return Ok(());
                    }
                }
            }
            if self.left == 0 {
                return Ok(());
            }
            ready = look(&self.readiness, &mut events, self.left)?;
        }
    }

    /// Serves each that is `ready`, once in this call, with an equal share of the work that is left.
    ///
    /// There are at most as many as commands are left, so that each has a share. Those for which nothing is left come first
    /// in the next call, for epoll puts what it has shown behind what it has not.
    fn serve_each<D: Decide<C>>(&mut self, ready: &[Event], daemon: &mut D) -> Result<Unseen, ServerError> {
        let left_before = self.left;
        let mut is_due = false;
        let mut newcomer = None;
        let mut others = ready.len();
        for event in ready {
            match token_of(event) {
                Token::LISTENER => {
                    newcomer = Some(has_hung_up(*event));
                    // Its share is what the others leave.
                    continue;
                }
                Token::ALARM => is_due = true,
                Token::WAKER => {
                    if let Some(waker) = &self.waker {
                        waker.reset();
                    }
                }
                token => {
                    let share = self.left.checked_div(others).unwrap_or_default();
                    self.serve_share(share, Token::from_u64(token), occasion_of(event), daemon);
                }
            }
            others -= 1;
        }
        if is_due {
            self.end_what_is_due(daemon)?;
        }
        // Last, so that it does not take the slot of a connection whose command is there.
        if let Some(hung_up) = newcomer {
            self.serve_newcomer(hung_up, daemon)?;
            return Ok(Unseen::Perhaps);
        }
        let all_shown = ready.len() < left_before.min(EVENTS);
        Ok(if all_shown || self.left == left_before { Unseen::Nothing } else { Unseen::Perhaps })
    }

    /// Serves a connection with a part of the work that is left.
    fn serve_share<D: Decide<C>>(&mut self, share: usize, token: Token, occasion: Occasion, daemon: &mut D) {
        let others = self.left.saturating_sub(share);
        self.left = share;
        self.serve_connection(token, occasion, daemon);
        self.left += others;
    }

    /// Sleeps until there is something to do or `timeout` has passed; `None` sleeps for as long as it takes.
    ///
    /// Returns whether [`handle_new_messages`](Self::handle_new_messages) has something to do. It may return `false`
    /// early: it does when a signal handler has run, so that a loop around it can look at what the daemon changed.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if the server itself is broken.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, ServerError> {
        let spin = timeout.map_or(self.settings.spin, |timeout| timeout.min(self.settings.spin));
        if spin.is_zero() || self.report.call().served == 0 {
            return self.readiness.wait(timeout).map_err(ServerError::epoll);
        }
        if self.spin(spin).map_err(ServerError::epoll)? {
            return Ok(true);
        }
        self.readiness.wait(timeout.map(|timeout| timeout.saturating_sub(spin))).map_err(ServerError::epoll)
    }

    /// Looks for something to do, and lets others run, for a while.
    fn spin(&self, limit: Duration) -> Result<bool, Errno> {
        let end = self.alarm.now().plus(limit);
        while self.alarm.now() < end {
            if self.readiness.wait(Some(Duration::ZERO))? {
                return Ok(true);
            }
            let_others_run();
        }
        Ok(false)
    }

    /// How long until [`handle_new_messages`](Self::handle_new_messages) has a connection to expire, or to accept again
    /// after a shortage. `None`: no time is set.
    ///
    /// The server's descriptor ([`AsFd`]) becomes readable then, so only a loop that does not watch it needs to know.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.alarm.at().map(|at| self.alarm.now().until(at))
    }

    /// Ends what the alarm went off for: exchanges, and a pause of accepting.
    ///
    /// An exchange is ended after a last look for what it waits for: the daemon may itself have slept past the deadline.
    #[cold]
    fn end_what_is_due<D: Decide<C>>(&mut self, daemon: &mut D) -> Result<(), ServerError> {
        let now = self.alarm.now();
        // Put off rather than stopped: if a daemon panics before the end of this call, it goes off again.
        self.alarm.set(Some(now.plus(PAUSE))).map_err(ServerError::timer)?;
        for index in 0..=CONNECTIONS {
            if let Some(token) = self.table.due(index, now) {
                self.serve_connection(token, Occasion::Due, daemon);
            }
        }
        let mut next = self.table.next_deadline();
        match self.accepting {
            Accepting::From(moment) if moment <= now => {
                self.readiness.modify(&self.listener, Token::LISTENER, Interest::Input).map_err(ServerError::epoll)?;
                self.accepting = Accepting::Now;
            }
            Accepting::From(moment) => next = Some(next.map_or(moment, |next| next.min(moment))),
            Accepting::Now | Accepting::Never => {}
        }
        self.alarm.set(next).map_err(ServerError::timer)
    }
}

/// Whether a connection is served although it may have been in this call: what has hung up sends nothing more, and its slot may
/// be needed.
#[inline]
fn occasion_of(event: &Event) -> Occasion {
    if has_hung_up(*event) {
        Occasion::HungUp
    } else if has_ended(*event) {
        Occasion::Ended
    } else {
        Occasion::Ready
    }
}

/// What is ready, but no more than there is work left, so that each has a share.
#[inline]
fn look<'e>(readiness: &Readiness, events: &'e mut Events<EVENTS>, work: usize) -> Result<&'e [Event], ServerError> {
    readiness.ready(events, work).map_err(ServerError::epoll)
}

impl<C, K: ServerWire, const N: usize, const CONNECTIONS: usize, B> AsFd for IpcServer<C, K, N, CONNECTIONS, B> {
    /// One descriptor that is readable when [`handle_new_messages`](Self::handle_new_messages) has something to do: an
    /// epoll instance (on macOS and FreeBSD a kqueue) over the listening socket, all connections and their deadlines. Watch it,
    /// and never read from it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readiness.as_fd()
    }
}

/// The same descriptor as [`AsFd`], for libraries that ask for its number (tokio's `AsyncFd`, mio's `SourceFd`).
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
impl<C, K: ServerWire, const N: usize, const CONNECTIONS: usize, B> std::os::fd::AsRawFd
    for IpcServer<C, K, N, CONNECTIONS, B>
{
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<C, K: ServerWire, const N: usize, const CONNECTIONS: usize, B> fmt::Debug for IpcServer<C, K, N, CONNECTIONS, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IpcServer")
            .field("listener", &self.listener)
            .field("settings", &self.settings)
            .field("capacity", &N)
            .field("connections", &CONNECTIONS)
            .field("pending", &self.table.len())
            .finish_non_exhaustive()
    }
}
