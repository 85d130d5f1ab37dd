//! The transport: two queues of bytes, as a UART has one for each direction.

use core::convert::Infallible;
use core::task::Poll;

use heapless::spsc::{Consumer, Producer, Queue};
use ipc_server::connection::Transport;

/// How many bytes a queue holds, and one: the depth of a 16550's.
const DEPTH: usize = 17;

/// The two queues.
pub struct Line {
    there: Queue<u8, DEPTH>,
    back: Queue<u8, DEPTH>,
}

impl Line {
    pub const fn new() -> Self {
        Self { there: Queue::new(), back: Queue::new() }
    }

    /// The client's end and the server's. An interrupt or another core could hold one of them.
    pub fn split(&mut self) -> (End<'_>, End<'_>) {
        let (to_server, from_client) = self.there.split();
        let (to_client, from_server) = self.back.split();
        (End { to: to_server, from: from_server }, End { to: to_client, from: from_client })
    }
}

/// One end: what it sends, the other receives.
pub struct End<'l> {
    to: Producer<'l, u8>,
    from: Consumer<'l, u8>,
}

impl Transport for End<'_> {
    type Error = Infallible;

    fn receive(&mut self, into: &mut [u8]) -> Poll<Result<usize, Infallible>> {
        // A queue has no end of stream, so it never says that it has received none.
        moved(into.iter_mut().zip(core::iter::from_fn(|| self.from.dequeue())).map(|(room, byte)| *room = byte).count())
    }

    fn send(&mut self, from: &[u8]) -> Poll<Result<usize, Infallible>> {
        moved(from.iter().take_while(|byte| self.to.enqueue(**byte).is_ok()).count())
    }
}

fn moved(bytes: usize) -> Poll<Result<usize, Infallible>> {
    if bytes == 0 { Poll::Pending } else { Poll::Ready(Ok(bytes)) }
}
