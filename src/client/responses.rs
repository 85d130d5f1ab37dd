//! Several responses to one command.

use core::fmt;
use core::task::Poll;
use core::time::Duration;

use super::connect::Deadline;
use super::{CallError, Client, Exchange};
use crate::connection::{AskError, Asked, Rest, Step};
use crate::request::Request;
use crate::unix::{AsFd, BorrowedFd, Errno, readiness};
use crate::wire::ClientWire;
use crate::wire::session::{Reason, Refusal};

/// The responses to one command, as they come: an iterator, made by [`Client::stream`].
///
/// It ends when the daemon ends it, and then [`reason`](Self::reason) has what the daemon says to that; after an error it ends too.
/// Dropped before, it tells the daemon so, and the client can be used for the next call.
#[must_use = "responses are received by iterating"]
pub struct Responses<'c, C: Request, K: ClientWire, const N: usize> {
    client: &'c mut Client<K, N>,
    command: &'c C,
    /// Nothing if it is over.
    exchange: Option<Exchange<Asked<C>, K>>,
    timeout: Option<Duration>,
    /// How often the command may still be asked anew, since the daemon is of another version.
    adaptations: u32,
    end: Option<Refusal>,
}

impl<K: ClientWire, const N: usize> Client<K, N> {
    /// Sends `command` and returns the responses to it, of which there may be several, and which may take their time.
    ///
    /// Sending takes at most the client's [deadline](crate::ClientBuilder::deadline). For responses there is
    /// [none](Responses::timeout) by default.
    ///
    /// On the bare wire there is one response.
    ///
    /// ```
    /// use ipc_server::{Answer, Caller, Client, IpcServer, Request, Ticket};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// enum Command { WatchLevel }
    /// impl Request for Command { type Response = u8; }
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("fand.sock");
    /// # let mut server = IpcServer::<Command>::builder().bind(&path)?;
    /// # let daemon = std::thread::spawn(move || {
    /// #     let mut waiting = None;
    /// #     while waiting.is_none() {
    /// #         server.wait(None).unwrap();
    /// #         server.serve_with_tickets(&mut |_, _: Caller, ticket: Ticket| { waiting = Some(ticket); Answer::More(3) }).unwrap();
    /// #     }
    /// #     server.send(waiting.unwrap(), &4).unwrap();
    /// #     server.end(waiting.unwrap(), "the fan is off").unwrap();
    /// # });
    /// let mut client = Client::connect(&path)?;
    /// let mut levels = client.stream(&Command::WatchLevel)?;
    /// assert_eq!(levels.next(), Some(Ok(3)));
    /// assert_eq!(levels.next(), Some(Ok(4)));
    /// assert_eq!(levels.next(), None);
    /// assert_eq!(levels.reason(), Some("the fan is off"));
    /// # drop(levels);
    /// # daemon.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`CallError`]; those that happen before a response.
    pub fn stream<'c, C: Request>(&'c mut self, command: &'c C) -> Result<Responses<'c, C, K, N>, CallError> {
        let mut responses =
            Responses { client: self, command, exchange: None, timeout: None, adaptations: 2, end: None };
        responses.ask()?;
        Ok(responses)
    }
}

impl<C: Request, K: ClientWire, const N: usize> Responses<'_, C, K, N> {
    /// How long each response may take from now on; `None` is any time.
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Why the daemon has ended the responses, once it has: empty if it says nothing.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.end.as_ref().map(Refusal::text)
    }

    /// The connection's socket, which is readable when a response may have come; none when it is over. Watch it, and never read from it.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.exchange.as_ref().map(|exchange| exchange.stream.as_fd())
    }

    /// Takes the next response without waiting. `Pending` if it has not come: the [descriptor](Self::descriptor) is readable when it has.
    ///
    /// A daemon of another version is asked anew, in its own form, and that may wait for the connection.
    ///
    /// # Errors
    ///
    /// See [`CallError`], which says of each whether the command may have been executed. It is over then.
    pub fn poll(&mut self) -> Poll<Option<Result<C::Response, CallError>>> {
        loop {
            let Some(Exchange { parked, stream, reused }) = self.exchange.take() else { return Poll::Ready(None) };
            let Client { settings, memory, buffers, .. } = &mut *self.client;
            let local = match K::local::<C>(memory, settings.program, settings.is_certain) {
                Ok((local, _)) => local,
                Err(error) => return Poll::Ready(Some(Err(CallError::Session(error)))),
            };
            let received = parked.resume_with(stream, buffers, local).receive_item().map(|step| match step {
                Step::NotYet(asked) => (None, Some(asked.park()), None),
                Step::Ready((response, Rest::More(asked))) => (Some(response), Some(asked.park()), None),
                Step::Ready((response, Rest::End(stream))) => (Some(response), None, stream),
            });
            let error = match received {
                Ok((response, Some((parked, stream)), _)) => {
                    let reused = reused && response.is_none();
                    self.exchange = Some(Exchange { parked, stream, reused });
                    return response.map_or(Poll::Pending, |response| Poll::Ready(Some(Ok(response))));
                }
                Ok((response, None, stream)) => {
                    if stream.is_none() {
                        K::disconnected(&mut self.client.memory);
                    }
                    self.client.stream = stream;
                    return Poll::Ready(response.map(Ok));
                }
                Err(error) => error,
            };
            if let Some(outcome) = self.end_of(error, reused) {
                return Poll::Ready(outcome);
            }
        }
    }

    /// What an error means. Nothing if the command has been asked anew.
    #[cold]
    fn end_of(&mut self, error: AskError<Errno>, reused: bool) -> Option<Option<Result<C::Response, CallError>>> {
        if let AskError::Refused(refusal) = error {
            K::disconnected(&mut self.client.memory);
            if refusal.reason() == Reason::Ended {
                self.end = Some(refusal);
                return Some(None);
            }
            return Some(Some(Err(CallError::Refusal(refusal))));
        }
        let failed = self.client.failed(error, reused);
        match self.client.end(failed, &mut self.adaptations).and_then(|()| self.ask()) {
            Ok(()) => None,
            Err(error) => Some(Some(Err(error))),
        }
    }

    /// Sends the command.
    fn ask(&mut self) -> Result<(), CallError> {
        let mut deadline = Deadline::new(self.client.settings.deadline);
        loop {
            let asked = self
                .client
                .begin(self.command, &mut deadline)
                .and_then(|asking| self.client.send(asking, &mut deadline));
            match asked {
                Ok(exchange) => {
                    self.exchange = Some(exchange);
                    return Ok(());
                }
                Err(failed) => self.client.end(failed, &mut self.adaptations)?,
            }
        }
    }

    fn wait(&mut self, deadline: &mut Option<Deadline>) -> Result<(), CallError> {
        let Some(Exchange { stream, .. }) = &self.exchange else { return Ok(()) };
        let remaining = match deadline {
            Some(deadline) => deadline.remaining()?,
            None => Duration::MAX,
        };
        readiness::wait_for_input(stream, remaining)?;
        Ok(())
    }
}

impl<C: Request, K: ClientWire, const N: usize> Iterator for Responses<'_, C, K, N> {
    type Item = Result<C::Response, CallError>;

    /// Waits for the next response. `None` when the daemon has ended them, and after the last one and after an error.
    fn next(&mut self) -> Option<Self::Item> {
        let mut deadline = self.timeout.map(Deadline::new);
        loop {
            if let Poll::Ready(outcome) = self.poll() {
                return outcome;
            }
            if let Err(error) = self.wait(&mut deadline) {
                // A response that comes late is nobody's.
                self.exchange = None;
                K::disconnected(&mut self.client.memory);
                return Some(Err(error));
            }
        }
    }
}

impl<C: Request, K: ClientWire, const N: usize> Drop for Responses<'_, C, K, N> {
    fn drop(&mut self) {
        let Some(Exchange { parked, stream, .. }) = self.exchange.take() else { return };
        let Client { settings, memory, buffers, .. } = &mut *self.client;
        let usable = match K::local::<C>(memory, settings.program, settings.is_certain) {
            Ok((local, _)) => parked.resume_with(stream, buffers, local).cancel(),
            Err(_) => None,
        };
        if usable.is_none() {
            K::disconnected(&mut self.client.memory);
        }
        self.client.stream = usable;
    }
}

impl<C: Request, K: ClientWire, const N: usize> fmt::Debug for Responses<'_, C, K, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responses")
            .field("client", &self.client)
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}
