//! One connection, as far as it goes without waiting.

use super::report::Report;
use super::tickets::Tickets;
use crate::connection::{Accepted, Buffers, Connection, ConnectionError, Decided, Owing, Parked, Processed, Step};
use crate::handler::Decide;
use crate::request::Request;
use crate::transport::Transport;
use crate::unix::readiness::Interest;
use crate::unix::{Errno, Stream};
use crate::wire::ServerWire;
use crate::wire::session::Code;

/// What an open connection waits for.
pub(super) enum Waiting<C, K: ServerWire> {
    /// The rest of a command.
    Command(Parked<Accepted, K>),
    /// Its next share of the work: the replies are out, and the next command may be in its buffers.
    Share(Parked<Accepted, K>),
    /// Room for the rest of a reply.
    Reply(Parked<Processed, K>),
    /// The daemon's answer, or the rest of it.
    Answer(Parked<Owing<C>, K>),
}

impl<C: Request, K: ServerWire> Waiting<C, K> {
    /// A connection whose replies are out.
    #[inline]
    pub(super) fn after_reply<T: Transport, const N: usize>(accepted: Connection<'_, Accepted, T, K, N>) -> Self {
        let has_more = accepted.is_worth_decoding();
        let (parked, _) = accepted.park();
        if has_more { Self::Share(parked) } else { Self::Command(parked) }
    }

    /// What to watch its socket for.
    #[inline]
    pub(super) fn interest<const N: usize>(&self, buffers: &Buffers<N>) -> Interest {
        match self {
            // A session's answers leave before more is read.
            Self::Command(_) if K::HAS_SESSIONS && !buffers.output.is_empty() => Interest::Output,
            Self::Command(_) => Interest::Input,
            // Its replies are out, so that its socket has room: the next call finds it ready.
            Self::Share(_) => Interest::Anything,
            Self::Reply(_) => Interest::Output,
            Self::Answer(parked) => match (parked.is_listening(), buffers.output.is_empty()) {
                (true, true) => Interest::Input,
                (true, false) => Interest::Anything,
                (false, false) => Interest::Output,
                // Of its end the kernel tells all the same.
                (false, true) => Interest::Nothing,
            },
        }
    }

    /// Whether it waits for the daemon.
    #[inline]
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Answer(_))
    }

    /// Whether it is between two commands.
    #[inline]
    pub(super) fn is_idle<const N: usize>(&self, buffers: &Buffers<N>) -> bool {
        matches!(self, Self::Command(_) | Self::Share(_))
            && !buffers.has_input()
            && (!K::HAS_SESSIONS || buffers.output.is_empty())
    }

    /// Ends the connection, whose client is told why if it has begun to send a command.
    #[cold]
    pub(super) fn break_off<const N: usize>(
        self,
        stream: &mut Stream,
        offer: &K::Offer,
        buffers: &mut Buffers<N>,
        code: Code,
    ) {
        match self {
            Self::Command(parked) | Self::Share(parked) => {
                parked.resume_with(stream, buffers, K::local(offer)).break_off(code);
            }
            Self::Reply(_) | Self::Answer(_) => {}
        }
    }
}

/// How many times a connection's socket is read in one call: once for what is there, once to see that there is no more.
pub(super) const RECEIVES: usize = 2;

/// Takes a connection as far as it goes now, or to where its replies are out. `waiting` says what it waits for and will say so
/// again, unless it is over.
///
/// The socket is read `receives` times at most, and not if a whole command is in the buffers already.
/// Each command but the first is taken off `left`, the work that the connection may still cause in this call. Returns whether
/// an exchange was finished, or the daemon has been given one to finish.
///
/// It is inlined because it returns just after a system call, and a return that the call has displaced is one that the
/// processor does not foresee. It makes an exchange on a kept connection 3 % shorter.
#[expect(clippy::too_many_arguments, reason = "it is one function, in parts of the server that are borrowed apart")]
#[inline(always)]
pub(super) fn exchange<C: Request, K: ServerWire, D: Decide<C>, const N: usize>(
    waiting: &mut Option<Waiting<C, K>>,
    stream: &mut Stream,
    command: &mut u64,
    offer: &K::Offer,
    buffers: &mut Buffers<N>,
    keep_open: bool,
    receives: usize,
    left: &mut usize,
    daemon: &mut D,
    tickets: &mut Tickets,
    place: usize,
    report: &mut Report,
) -> Result<bool, ConnectionError<Errno>> {
    let mut next = match waiting.take() {
        None => return Ok(false),
        // It is no exchange yet.
        kept @ Some(Waiting::Answer(..)) => {
            *waiting = kept;
            return Ok(false);
        }
        Some(Waiting::Reply(parked)) => Next::Reply(parked.resume_with(stream, buffers, K::local(offer))),
        Some(Waiting::Command(parked) | Waiting::Share(parked)) => {
            match parked.resume_with(stream, buffers, K::local(offer)).receive_times::<C>(receives)? {
                Step::Ready(read) => Next::Execute(read),
                Step::NotYet(accepted) => {
                    *waiting = Some(Waiting::Command(accepted.park().0));
                    return Ok(false);
                }
            }
        }
    };
    loop {
        let mut processed = match next {
            Next::Execute(read) => match read.ask(daemon, || tickets.issue(place))? {
                Decided::Processed(processed) => processed,
                Decided::Owing(owing) => {
                    *command = tickets.last();
                    *waiting = Some(Waiting::Answer(owing.park().0));
                    return Ok(true);
                }
                Decided::Lost(error) => {
                    *command = tickets.last();
                    return Err(error);
                }
            },
            Next::Reply(processed) => processed,
        };
        // A response without bytes is delivered by closing.
        let last = !keep_open || processed.is_reply_empty();
        if !last && *left > 0 {
            processed = match processed.read_ahead::<C>() {
                Step::Ready(read) => {
                    *left -= 1;
                    // The socket is sure to take the reply that was put off.
                    report.count_served();
                    next = Next::Execute(read);
                    continue;
                }
                Step::NotYet(processed) => processed,
            };
        }
        let replied = match processed.send()? {
            Step::Ready(replied) => replied,
            Step::NotYet(processed) => {
                *waiting = Some(Waiting::Reply(processed.park().0));
                return Ok(false);
            }
        };
        report.count_served();
        if last {
            return Ok(true);
        }
        *waiting = Some(Waiting::after_reply(replied.next()));
        return Ok(true);
    }
}

/// What comes next.
enum Next<Read, Processed> {
    Execute(Read),
    Reply(Processed),
}
