//! A client without types of its own.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Link, greet, other_frame, too_large};
#[cfg(feature = "postcard")]
use crate::codec::Postcard;
use crate::codec::{Bincode, Codec, EncodeError};
use crate::connection::AskError;
use crate::described;
use crate::layout::Description;
use crate::peer::PeerCredentials;
use crate::wire::session::frame::{HEAD, Head, kind};
use crate::wire::session::{Fingerprints, Server};
use crate::wire::{Unanswered, Unasked};

/// A client's side of a session without types of its own: it asks the server to describe its types, and then writes any
/// command and reads any response [by name](crate::described).
///
/// It has no buffers and no transport. [`UntypedClient`](crate::UntypedClient) is one over a Unix socket. It has room for `D`
/// bytes of descriptions, and serves for one connection.
///
/// | step | |
/// |---|---|
/// | [`begin`](Self::begin) | writes the first bytes of the connection |
/// | [`take`](Self::take) until [`Taken::Described`] | learns the server's types and [codec](Self::codec) |
/// | [`ask`](Self::ask) | writes a command |
/// | [`take`](Self::take) until [`Taken::Response`] | finds what answers it, which [`read`](Self::read) reads |
pub struct Untyped<const D: usize = 1024> {
    link: Link<D>,
    codec: Option<Known>,
    has_adopted: bool,
}

/// The codecs that a server can have.
#[derive(Clone, Copy)]
enum Known {
    Bincode,
    #[cfg(feature = "postcard")]
    Postcard,
}

impl Known {
    #[cfg(feature = "postcard")]
    const ALL: [Self; 2] = [Self::Bincode, Self::Postcard];
    #[cfg(not(feature = "postcard"))]
    const ALL: [Self; 1] = [Self::Bincode];

    const fn name(self) -> &'static str {
        match self {
            Self::Bincode => Bincode::NAME,
            #[cfg(feature = "postcard")]
            Self::Postcard => Postcard::NAME,
        }
    }
}

/// What was at the front of the bytes that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken<'r> {
    /// Not a whole frame: at least so many bytes are missing.
    Missing(usize),
    /// Nothing that concerns the caller.
    Nothing,
    /// The last part of the server's descriptions. Commands can be written now.
    Described,
    /// One response of several to the command. More follow.
    Item(&'r [u8]),
    /// The response to the command, or the last of several.
    Response(&'r [u8]),
}

impl<const D: usize> Untyped<D> {
    /// A client whose program has this name and version.
    #[must_use]
    pub const fn new(program: &'static str) -> Self {
        // No types have these fingerprints, so the server describes its own.
        let own = Fingerprints::from_u64(0, 0);
        Self { link: Link::of(own, program), codec: None, has_adopted: false }
    }

    /// The program at the other end, as far as it has said who it is.
    #[must_use]
    pub const fn server(&self) -> &Server {
        self.link.server()
    }

    /// The descriptions of the server's command type and of its response type, once both are there.
    #[must_use]
    pub fn descriptions(&self) -> Option<(Description<'_>, Description<'_>)> {
        self.codec.map(|_| self.link.forms())
    }

    /// The descriptions, which have no parts before they are complete.
    #[cfg(feature = "unix")]
    pub(crate) fn forms(&self) -> (Description<'_>, Description<'_>) {
        self.link.forms()
    }

    /// The name of the server's codec, once its types are described.
    #[must_use]
    pub fn codec(&self) -> Option<&'static str> {
        self.codec.map(Known::name)
    }

    /// How long the bytes of a command may be, as the server says.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.link.capacity
    }

    /// Writes the first bytes of the connection, and returns how many they are: fewer than 128. The caller can take frames of
    /// `capacity` bytes.
    ///
    /// # Errors
    ///
    /// [`Command`](AskError::Command) if they do not fit.
    pub fn begin<E>(&mut self, capacity: usize, into: &mut [u8]) -> Result<usize, AskError<E>> {
        let greeting = greet(&self.link, capacity, into)?;
        self.link.is_greeted = true;
        self.link.id = 1;
        // It is refused. The refusal tells that all has come which the server describes unasked.
        let spare = into.get_mut(greeting..).unwrap_or_default();
        Ok(greeting + adopt(self.link.own, self.link.id, spare)?)
    }

    /// Takes the frame at the front of `received`, and says how many bytes it took. `send` sends a few bytes at once, and says
    /// whether it could: requests for what is missing of the descriptions.
    ///
    /// # Errors
    ///
    /// [`Refused`](AskError::Refused), which says whether the command was executed, [`OtherWire`](AskError::OtherWire),
    /// [`OtherCodec`](AskError::OtherCodec), and [`DescriptionTooLong`](AskError::DescriptionTooLong). The last is by this
    /// program, the others are by the server.
    pub fn take<'r, E>(
        &mut self,
        received: &'r [u8],
        peer: Option<PeerCredentials>,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(usize, Taken<'r>), AskError<E>> {
        let Some(head) = Head::parse(received) else { return Ok((0, Taken::Missing(HEAD - received.len()))) };
        let whole = HEAD + head.length;
        let Some(content) = received.get(HEAD..whole) else {
            return Ok((0, Taken::Missing(whole - received.len())));
        };
        let is_answer = self.has_adopted && head.id == self.link.id;
        let taken = match head.kind {
            kind::RESPONSE if is_answer => Taken::Response(content),
            kind::ITEM if is_answer => Taken::Item(content),
            // The server speaks of other types than it has described.
            kind::HELLO if self.link.announced.is_some() => return Err(AskError::OtherWire),
            _ if other_frame(&mut self.link, head, content, peer, send)? => {
                self.learn()?;
                Taken::Described
            }
            _ => Taken::Nothing,
        };
        Ok((whole, taken))
    }

    /// The error of a frame that begins at the front of `received` and is longer than the caller's `capacity`.
    #[must_use]
    pub fn too_long<E>(received: &[u8], capacity: usize) -> AskError<E> {
        Head::parse(received).map_or(Unanswered::OtherWire, |head| too_large(head, capacity)).into()
    }

    /// Checks the descriptions, and finds out which codec they belong to.
    fn learn(&mut self) -> Result<(), Unanswered> {
        for codec in Known::ALL {
            if is_described(&mut self.link, codec.name())? {
                self.codec = Some(codec);
                return Ok(());
            }
        }
        Err(Unanswered::OtherCodec)
    }

    /// Writes a command, and returns how many bytes are to be sent. Whatever serde can write is possible, such as a
    /// `serde_json::Value`; see [`described::encode_value`].
    ///
    /// # Errors
    ///
    /// [`NotCarried`](AskError::NotCarried) if it is no command of the server, [`TooLong`](AskError::TooLong),
    /// [`Command`](AskError::Command). Before the server's types are known, [`OtherForm`](AskError::OtherForm).
    pub fn ask<E, T: Serialize + ?Sized>(&mut self, command: &T, into: &mut [u8]) -> Result<usize, AskError<E>> {
        let (Some(codec), Some(theirs)) = (self.codec, self.link.announced) else { return Err(AskError::OtherForm) };
        let id = self.link.id.wrapping_add(1);
        let adopting = if self.has_adopted { 0 } else { adopt(theirs, id, into)? };
        let spare = into.get_mut(adopting..).unwrap_or_default();
        let form = self.link.forms().0.root();
        let too_short = Unasked::NotEncoded(EncodeError::BufferFull);
        let written = Head::frame(kind::COMMAND, id, spare, too_short, |content| match codec {
            Known::Bincode => encode_as(|| described::encode_value::<Bincode, T>(command, form, content)),
            #[cfg(feature = "postcard")]
            Known::Postcard => encode_as(|| described::encode_value::<Postcard, T>(command, form, content)),
        })?;
        if written - HEAD > self.link.capacity {
            return Err(AskError::TooLong { capacity: self.link.capacity });
        }
        self.link.id = id;
        self.has_adopted = true;
        Ok(adopting + written)
    }

    /// Reads a response: the bytes of [`Taken::Item`] or [`Taken::Response`].
    ///
    /// # Errors
    ///
    /// [`Unreadable`](AskError::Unreadable). Before the server's types are known, [`OtherForm`](AskError::OtherForm).
    pub fn read<'de, E, R: Deserialize<'de>>(&self, response: &'de [u8]) -> Result<R, AskError<E>> {
        let form = self.link.forms().1.root();
        let read = match self.codec.ok_or(AskError::OtherForm)? {
            Known::Bincode => described::decode_value::<Bincode, R>(response, form),
            #[cfg(feature = "postcard")]
            Known::Postcard => described::decode_value::<Postcard, R>(response, form),
        };
        read.map_err(AskError::Unreadable)
    }
}

/// Writes that commands come in the form with these fingerprints.
fn adopt(form: Fingerprints, id: u32, into: &mut [u8]) -> Result<usize, Unasked> {
    let bytes = form.to_bytes();
    Head::frame(kind::ADOPT, id, into, Unasked::NotEncoded(EncodeError::BufferFull), |content| {
        let bytes = bytes.as_flattened();
        content.get_mut(..bytes.len()).ok_or(Unasked::NotEncoded(EncodeError::BufferFull))?.copy_from_slice(bytes);
        Ok(bytes.len())
    })
}

/// Checks the descriptions that have come, and says whether the server writes these types by `codec`.
#[cold]
pub(super) fn is_described<const D: usize>(link: &mut Link<D>, codec: &str) -> Result<bool, Unanswered> {
    let theirs = link.announced.ok_or(Unanswered::OtherWire)?;
    let [(command, _), (response, _)] = link.received;
    let (commands, rest) = link.descriptions.split_at_mut_checked(command).unwrap_or_default();
    let responses = rest.get_mut(..response).unwrap_or_default();
    let (Ok(command), Ok(response)) = (Description::validate(commands), Description::validate(responses)) else {
        return Err(Unanswered::OtherWire);
    };
    Ok(command.fingerprint(codec) == theirs.command && response.fingerprint(codec) == theirs.response)
}

/// What can go wrong when a command is written by name is told as what can go wrong with any.
pub(super) fn encode_as(encode: impl FnOnce() -> Result<usize, described::EncodeError>) -> Result<usize, Unasked> {
    use described::EncodeError as Error;

    encode().map_err(|error| match error {
        Error::Refused(refusal) => Unasked::NotCarried(refusal),
        Error::BufferFull => Unasked::NotEncoded(EncodeError::BufferFull),
        Error::LengthUnknown => Unasked::NotEncoded(EncodeError::LengthUnknown),
        Error::LengthMismatch => Unasked::NotEncoded(EncodeError::LengthMismatch),
        Error::TooManyZeroSized => Unasked::NotEncoded(EncodeError::TooManyZeroSized),
        Error::TooDeep => Unasked::NotEncoded(EncodeError::TooDeep),
        Error::Custom(message) => Unasked::NotEncoded(EncodeError::Custom(message)),
    })
}

impl<const D: usize> fmt::Debug for Untyped<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Untyped").field("link", &self.link).field("codec", &self.codec()).finish_non_exhaustive()
    }
}
