//! What a client knows of its server.

mod untyped;

use core::fmt;

use heapless::String;

pub use self::untyped::{Taken, Untyped};
use self::untyped::{encode_as, is_described};

use super::frame::{HEAD, Head, kind};
use super::hello::{ServerHello, shortened, write_client};
use super::refusal::Refusal;
use super::{ClientSession, Fingerprints, OfferError, Reason, Server, cache};
use crate::codec::{Codec, DecodeError, EncodeError};
use crate::connection::Buffer;
use crate::described::{self, Format};
use crate::layout::{Description, LayoutError};
use crate::peer::PeerCredentials;
use crate::request::Request;
use crate::wire::both::is_command;
use crate::wire::{ClientProtocol, Protocol, Unanswered, Unasked};

/// What a client knows of its server, and in which form it writes and reads.
///
/// It outlives the connection. [`disconnected`](Self::disconnected) tells it of a new one.
pub struct Link<const D: usize = 1024> {
    program: &'static str,
    own: Fingerprints,
    form: Form,
    /// What the server has said that its types have, if that is not the form in which the client has written.
    announced: Option<Fingerprints>,
    server: Server,
    /// How many bytes the server takes of a command.
    capacity: usize,
    /// Whether the hello has gone out on this connection.
    is_greeted: bool,
    /// The command that was sent last.
    id: u32,
    descriptions: [u8; D],
    /// How many bytes of the descriptions of the command and of the response have come, and whether these are all.
    received: [(usize, bool); 2],
}

/// In which form the client writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Its own.
    Own,
    /// The server's, which has these fingerprints.
    Theirs(Fingerprints),
    /// Its own, and the server has said that it has another.
    Unsettled,
}

impl<const D: usize> Link<D> {
    /// The link of a client for `C`, whose program has this name and version.
    ///
    /// # Errors
    ///
    /// Any [`LayoutError`] of the command type or of its response type.
    pub fn new<C: Request, K: Codec>(program: &'static str) -> Result<Self, LayoutError> {
        Ok(Self::of(Fingerprints::of::<C, K>()?, program))
    }

    pub(crate) const fn of(own: Fingerprints, program: &'static str) -> Self {
        Self {
            program,
            own,
            form: Form::Own,
            announced: None,
            server: Server { program: String::new(), pid: None },
            capacity: usize::MAX,
            is_greeted: false,
            id: 0,
            descriptions: [0; D],
            received: [(0, false); 2],
        }
    }

    /// The connection is over: the next command begins another, with a hello.
    pub const fn disconnected(&mut self) {
        self.is_greeted = false;
    }

    /// The program at the other end, as far as it has said who it is.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The descriptions of the server's command type and of its response type, if it is of another version.
    #[must_use]
    pub fn descriptions(&self) -> Option<(Description<'_>, Description<'_>)> {
        matches!(self.form, Form::Theirs(_)).then(|| self.forms())
    }

    /// The descriptions that have been validated.
    fn forms(&self) -> (Description<'_>, Description<'_>) {
        let [(command, _), (response, _)] = self.received;
        let (commands, rest) = self.descriptions.split_at_checked(command).unwrap_or_default();
        (Description::of_validated(commands), Description::of_validated(rest.get(..response).unwrap_or_default()))
    }

    /// Takes in what the server says of itself.
    fn learn(&mut self, hello: &ServerHello<'_>, peer: Option<PeerCredentials>) {
        self.server.program.clear();
        for character in shortened(hello.program).chars() {
            // A hostile one could have a terminal do things.
            let shown = if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
            if self.server.program.push(shown).is_err() {
                break;
            }
        }
        self.server.pid = peer.and_then(|peer| peer.pid);
        self.capacity = hello.capacity;
        self.announced = (self.written() != hello.fingerprints).then_some(hello.fingerprints);
        if self.form == Form::Unsettled {
            self.form = Form::Own;
        }
        if self.announced.is_some() {
            // The server describes itself anew, in the same place.
            self.form = Form::Unsettled;
            self.received = [(0, false); 2];
        }
    }

    /// The fingerprints of the form in which commands are written.
    const fn written(&self) -> Fingerprints {
        match self.form {
            Form::Own | Form::Unsettled => self.own,
            Form::Theirs(theirs) => theirs,
        }
    }

    /// Takes in a part of a description.
    fn describe(&mut self, content: &[u8]) -> Result<(), Unanswered> {
        let Some((&[which, is_last, low, high], part)) = content.split_first_chunk() else {
            return Err(Unanswered::OtherWire);
        };
        let offset = usize::from(u16::from_le_bytes([low, high]));
        let [(command, has_command), (response, has_response)] = &mut self.received;
        // The response's comes behind the command's.
        let (before, length, has) = match which {
            0 => (0, command, has_command),
            1 if *has_command => (*command, response, has_response),
            _ => return Err(Unanswered::OtherWire),
        };
        if offset != *length || *has {
            return Err(Unanswered::OtherWire);
        }
        let place = self.descriptions.get_mut(before + offset..).unwrap_or_default();
        let Some(place) = place.get_mut(..part.len()) else {
            return Err(Unanswered::DescriptionTooLong { capacity: D });
        };
        place.copy_from_slice(part);
        *length += part.len();
        *has = is_last != 0;
        Ok(())
    }

    /// What is to be asked for, so that both descriptions are there: which, and from where on.
    fn missing_part(&self) -> Option<(u8, usize)> {
        match self.received {
            [(length, false), _] => Some((0, length)),
            [_, (length, false)] => Some((1, length)),
            _ => None,
        }
    }
}

impl<const D: usize> fmt::Debug for Link<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("program", &self.program)
            .field("fingerprints", &self.own)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl<K: Format, const D: usize> Protocol for ClientSession<K, D> {
    type Codec = K;
    type Local<'l> = &'l mut Link<D>;
    type Progress = ();
}

/// A link, and of which contract it is.
#[derive(Debug)]
pub struct Linked<const D: usize> {
    contract: usize,
    link: Link<D>,
}

/// Tells one contract from another, without finding out their form: where two share an address, they share the code that
/// finds it out.
fn contract<C: Request, K: Codec>() -> usize {
    Fingerprints::of::<C, K> as fn() -> Result<Fingerprints, LayoutError> as usize
}

impl<K: Format, const D: usize> ClientProtocol for ClientSession<K, D> {
    const HAS_SESSIONS: bool = true;
    type Memory = Option<Linked<D>>;

    #[inline]
    fn local<'l, C: Request>(
        memory: &'l mut Option<Linked<D>>,
        program: &'static str,
        is_certain: bool,
    ) -> Result<(&'l mut Link<D>, bool), OfferError> {
        let is_same = memory.as_ref().is_some_and(|linked| linked.contract == contract::<C, K>());
        if !is_same {
            let is_first = memory.is_none();
            return begin::<C, K, D>(memory, program, is_certain).map(|link| (link, is_first));
        }
        // There is one, or it were not the same.
        memory.as_mut().map(|Linked { link, .. }| (link, true)).ok_or(OfferError::Ambiguous)
    }

    fn disconnected(memory: &mut Option<Linked<D>>) {
        if let Some(Linked { link, .. }) = memory {
            link.disconnected();
        }
    }

    fn server(memory: &Option<Linked<D>>) -> Option<&Server> {
        memory.as_ref().map(|Linked { link, .. }| link.server())
    }

    #[inline]
    fn ask<C: Request>(link: &mut &mut Link<D>, command: &C, spare: &mut [u8]) -> Result<usize, Unasked> {
        let greeting = if link.is_greeted { 0 } else { greet(link, spare.len().saturating_sub(HEAD), spare)? };
        link.id = link.id.wrapping_add(1);
        let spare = spare.get_mut(greeting..).unwrap_or_default();
        let too_short = Unasked::NotEncoded(EncodeError::BufferFull);
        let written = Head::frame(kind::COMMAND, link.id, spare, too_short, |content| match link.form {
            Form::Own | Form::Unsettled => K::encode(command, content).map_err(Unasked::NotEncoded),
            Form::Theirs(_) => encode_by_name::<C, K>(command, link.forms().0, content),
        })?;
        if written - HEAD > link.capacity {
            return Err(Unasked::TooLong { capacity: link.capacity });
        }
        link.is_greeted = true;
        Ok(greeting + written)
    }

    #[inline]
    fn take_response<C: Request, const N: usize>(
        link: &mut &mut Link<D>,
        input: &mut Buffer<N>,
        peer: Option<PeerCredentials>,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<C::Response>, Unanswered> {
        Ok(take::<C, K, D, N, false>(link, input, peer, send)?.map(|(response, _)| response))
    }

    fn take_item<C: Request, const N: usize>(
        link: &mut &mut Link<D>,
        input: &mut Buffer<N>,
        peer: Option<PeerCredentials>,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<(C::Response, bool)>, Unanswered> {
        take::<C, K, D, N, true>(link, input, peer, send)
    }

    fn cancel(link: &&mut Link<D>, into: &mut [u8]) -> usize {
        Head::frame(kind::CANCEL, link.id, into, (), |_| Ok(0)).unwrap_or_default()
    }

    fn end<C: Request, const N: usize>(_: &Buffer<N>) -> Option<C::Response> {
        None
    }
}

/// Takes the response at the front of `input`, or with `ITEMS` one of several, and says whether it is the last one.
#[inline(always)]
fn take<C: Request, K: Format, const D: usize, const N: usize, const ITEMS: bool>(
    link: &mut Link<D>,
    input: &mut Buffer<N>,
    peer: Option<PeerCredentials>,
    send: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Option<(C::Response, bool)>, Unanswered> {
    while input.is_worth_decoding() {
        let Some(head) = Head::parse(input.bytes()) else {
            input.wait_for(HEAD - input.len());
            return Ok(None);
        };
        let whole = HEAD + head.length;
        let Some(content) = input.bytes().get(HEAD..whole) else {
            if whole > N {
                return Err(too_large(head, N));
            }
            input.wait_for(whole - input.len());
            return Ok(None);
        };
        let is_last = head.kind == kind::RESPONSE;
        if (is_last || (ITEMS && head.kind == kind::ITEM)) && head.id == link.id {
            let response = match link.form {
                Form::Own => read::<C::Response, K>(content)?,
                // It has said that its types are others.
                Form::Unsettled => return Err(Unanswered::OtherWire),
                Form::Theirs(_) => {
                    described::decode::<K, _>(content, link.forms().1.root()).map_err(Unanswered::Unreadable)?
                }
            };
            input.consume(whole);
            return Ok(Some((response, is_last)));
        }
        if other_frame(link, head, content, peer, send)? {
            return Err(adapt::<C, K, D>(link));
        }
        input.consume(whole);
    }
    Ok(None)
}

/// Makes a client's memory that of a link for `C`.
#[cold]
fn begin<'l, C: Request, K: Codec, const D: usize>(
    memory: &'l mut Option<Linked<D>>,
    program: &'static str,
    is_certain: bool,
) -> Result<&'l mut Link<D>, OfferError> {
    if !is_certain && is_command::<C, K>() {
        return Err(OfferError::Ambiguous);
    }
    let contract = contract::<C, K>();
    let own = match cache::get(contract) {
        Some(known) => known,
        None => {
            let own = Fingerprints::of::<C, K>().map_err(OfferError::Layout)?;
            cache::put(contract, own);
            own
        }
    };
    Ok(&mut memory.insert(Linked { contract, link: Link::of(own, program) }).link)
}

/// Writes the hello, and returns how many bytes it takes.
#[cold]
fn greet<const D: usize>(link: &Link<D>, capacity: usize, spare: &mut [u8]) -> Result<usize, Unasked> {
    write_client(capacity, link.written(), link.program, spare).ok_or(Unasked::NotEncoded(EncodeError::BufferFull))
}

#[cold]
fn too_large(head: Head, capacity: usize) -> Unanswered {
    match head.kind {
        kind::RESPONSE | kind::ITEM => Unanswered::TooLarge { capacity: capacity - HEAD },
        // A server that speaks sessions sends no other frame that is longer.
        _ => Unanswered::OtherWire,
    }
}

#[inline]
fn read<R: serde::de::DeserializeOwned, K: Codec>(content: &[u8]) -> Result<R, Unanswered> {
    match K::decode_prefix::<R>(content, content.len()) {
        Ok((response, used)) if used == content.len() => Ok(response),
        Ok((_, used)) => Err(Unanswered::Malformed(DecodeError::TrailingBytes(content.len() - used))),
        Err(_) => Err(Unanswered::Malformed(K::explain::<R>(content, content.len()))),
    }
}

/// The server executes nothing, and has described its types. Why there is no response, and perhaps never one.
#[cold]
fn adapt<C: Request, K: Format, const D: usize>(link: &mut Link<D>) -> Unanswered {
    /// How many bytes a sample of a response may take.
    const SAMPLE: usize = 512;

    let Some(theirs) = link.announced else { return Unanswered::OtherWire };
    if theirs == link.own {
        link.form = Form::Own;
        return Unanswered::OtherForm;
    }
    match is_described(link, K::NAME) {
        Ok(true) => {}
        Ok(false) => return Unanswered::OtherCodec,
        Err(unanswered) => return unanswered,
    }
    match described::unreadable::<C::Response>(link.forms().1.root(), &mut [0; SAMPLE]) {
        Some(error) => Unanswered::NeverReadable(error),
        None => {
            link.form = Form::Theirs(theirs);
            Unanswered::OtherForm
        }
    }
}

#[cold]
fn encode_by_name<C: Request, K: Format>(
    command: &C,
    form: Description<'_>,
    into: &mut [u8],
) -> Result<usize, Unasked> {
    encode_as(|| described::encode::<K, C>(command, form.root(), into))
}

/// Takes in a frame that is no response to what was asked. Whether the server has said that it executes nothing and has described
/// its types.
#[cold]
fn other_frame<const D: usize>(
    link: &mut Link<D>,
    head: Head,
    content: &[u8],
    peer: Option<PeerCredentials>,
    send: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<bool, Unanswered> {
    match head.kind {
        kind::HELLO => {
            let hello = ServerHello::parse(content).ok_or(Unanswered::OtherWire)?;
            link.learn(&hello, peer);
        }
        kind::DESCRIPTION => {
            link.describe(content)?;
            // The server sends parts unasked behind its hello; a part that was asked for has the command's id.
            if head.id == link.id {
                return go_on(link, send);
            }
        }
        kind::ITEM if head.id == link.id => return Err(Unanswered::MoreFollow),
        kind::REFUSAL if head.id == link.id || head.id == 0 => {
            let refusal = Refusal::parse(content, &link.server).ok_or(Unanswered::OtherWire)?;
            if refusal.reason() == Reason::OtherForm && link.announced.is_some() {
                return go_on(link, send);
            }
            return Err(Unanswered::Refused(refusal));
        }
        // An answer to a command that is not waited for any more, or what later versions say unasked.
        _ => {}
    }
    Ok(false)
}

/// The server does not execute what was sent: asks for the rest of its descriptions, or says that they are there.
fn go_on<const D: usize>(link: &Link<D>, send: &mut dyn FnMut(&[u8]) -> bool) -> Result<bool, Unanswered> {
    let Some((which, offset)) = link.missing_part() else { return Ok(true) };
    let mut request = [0; HEAD + 4];
    let written = Head::frame(kind::DESCRIBE, link.id, &mut request, (), |content| {
        let offset = u16::try_from(offset).map_err(|_| ())?;
        let [low, high] = offset.to_le_bytes();
        content.copy_from_slice(&[which, 0, low, high]);
        Ok(4)
    });
    // A description is shorter than 64 KiB, and so few bytes find room in any transport that has just brought an answer.
    if written.is_ok() && send(&request) { Ok(false) } else { Err(Unanswered::OtherWire) }
}
