//! What a connection asks of its wire. Public, so that signatures can name it; out of reach, so that it can change.

use core::fmt::{Debug, Display};

use super::bare;
use super::session::{Code, OfferError, Refusal, Server};
use crate::codec::{Codec, DecodeError, EncodeError};
use crate::connection::Buffer;
use crate::described;
use crate::peer::PeerCredentials;
use crate::request::Request;

/// What every wire has.
pub trait Protocol {
    /// The format of the values.
    type Codec: Codec;
    /// What this end says of itself and knows of the other, outside of the connection.
    type Local<'l>;
    /// How far the connection has got.
    type Progress: Copy + Debug + Default;
}

/// A server's side.
pub trait ServerProtocol: Protocol {
    /// Whether a client can begin a session.
    const HAS_SESSIONS: bool;
    /// What a server keeps to tell its clients.
    type Offer: Copy + Debug;
    /// The same wire with another codec.
    type With<K: Codec>: ServerProtocol;
    /// The same wire, which does not find out why a bare message is malformed.
    type Unexplained: ServerProtocol<Offer = Self::Offer>;

    fn offer<C: Request, const N: usize>(program: &'static str) -> Result<Self::Offer, OfferError>;
    fn local(offer: &Self::Offer) -> Self::Local<'_>;

    /// Takes the command at the front of `input`, and says how many bytes it took. `None` if it has not all arrived, or if
    /// `output` has to leave first: what is answered without the daemon is put there.
    fn take<C: Request, const N: usize>(
        local: &Self::Local<'_>,
        progress: &mut Self::Progress,
        input: &mut Buffer<N>,
        output: &mut Buffer<N>,
    ) -> Result<Option<(C, usize)>, Refused>;

    /// Encodes the response to the command that was taken last.
    fn reply<R: serde::Serialize>(
        progress: &Self::Progress,
        response: &R,
        spare: &mut [u8],
    ) -> Result<usize, EncodeError>;

    /// Tells the peer why the command that was taken last, or what has arrived, is not answered. Where the wire has no
    /// way to say so, or no room, it does nothing.
    fn refuse<const N: usize>(
        progress: &Self::Progress,
        output: &mut Buffer<N>,
        code: Code,
        number: usize,
        reason: &dyn Display,
    );

    /// Whether the peer can be sent several responses to the command that was taken last.
    fn takes_several(progress: &Self::Progress) -> bool;

    /// Encodes a response to the command that was taken last, which more follow. Only a peer that [takes
    /// several](Self::takes_several) can be sent one.
    fn item<R: serde::Serialize>(progress: &Self::Progress, item: &R, spare: &mut [u8]) -> Result<usize, EncodeError>;

    /// Looks at the front of `input` for what concerns the command that was taken last, while it is not answered.
    fn hear<const N: usize>(progress: &Self::Progress, input: &mut Buffer<N>) -> Heard;

    /// Which command has begun to arrive in `input` and will never be whole: a refusal names it from now on. Whether there is
    /// one, and the peer can be told.
    fn break_off<const N: usize>(progress: &mut Self::Progress, input: &Buffer<N>) -> bool;
}

/// A client's side.
pub trait ClientProtocol: Protocol {
    /// Whether responses tell to which command they belong.
    const HAS_SESSIONS: bool;
    /// What a client knows of its server, whatever it asks next.
    type Memory: Default;

    /// What a client for `C` knows of its server, and whether it can go on over the same connection as the last one. It `is_certain`
    /// that the server serves no bare messages.
    fn local<'l, C: Request>(
        memory: &'l mut Self::Memory,
        program: &'static str,
        is_certain: bool,
    ) -> Result<(Self::Local<'l>, bool), OfferError>;

    /// The connection is over.
    fn disconnected(memory: &mut Self::Memory);

    /// The program at the other end.
    fn server(memory: &Self::Memory) -> Option<&Server>;

    /// Encodes a command.
    fn ask<C: Request>(local: &mut Self::Local<'_>, command: &C, spare: &mut [u8]) -> Result<usize, Unasked>;

    /// Takes the response at the front of `input`. `None` if it has not all arrived. `send` sends a few bytes at once, and
    /// says whether it could.
    fn take_response<C: Request, const N: usize>(
        local: &mut Self::Local<'_>,
        input: &mut Buffer<N>,
        peer: Option<PeerCredentials>,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<C::Response>, Unanswered>;

    /// Like [`take_response`](Self::take_response), where several responses may come: also says whether it is the last one.
    fn take_item<C: Request, const N: usize>(
        local: &mut Self::Local<'_>,
        input: &mut Buffer<N>,
        peer: Option<PeerCredentials>,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<(C::Response, bool)>, Unanswered>;

    /// Writes that the client does not wait for the rest of the answer to its last command, and returns how many bytes that takes; none
    /// where there is no way to say so.
    fn cancel(local: &Self::Local<'_>, into: &mut [u8]) -> usize;

    /// What the peer's end means, which has sent what is in `input`.
    fn end<C: Request, const N: usize>(input: &Buffer<N>) -> Option<C::Response>;
}

impl<K: Codec> Protocol for K {
    type Codec = K;
    type Local<'l> = ();
    type Progress = ();
}

impl<K: Codec> ServerProtocol for K {
    const HAS_SESSIONS: bool = false;
    type Offer = ();
    type With<Other: Codec> = Other;
    type Unexplained = bare::Unexplained<K>;

    fn offer<C: Request, const N: usize>(_: &'static str) -> Result<(), OfferError> {
        Ok(())
    }

    fn local((): &()) {}

    #[inline(always)]
    fn take<C: Request, const N: usize>(
        (): &(),
        (): &mut (),
        input: &mut Buffer<N>,
        _: &mut Buffer<N>,
    ) -> Result<Option<(C, usize)>, Refused> {
        bare::take::<C, K, N>(input)
    }

    #[inline]
    fn reply<R: serde::Serialize>((): &(), response: &R, spare: &mut [u8]) -> Result<usize, EncodeError> {
        K::encode(response, spare)
    }

    #[inline]
    fn refuse<const N: usize>((): &(), _: &mut Buffer<N>, _: Code, _: usize, _: &dyn Display) {}

    fn takes_several((): &()) -> bool {
        false
    }

    fn item<R: serde::Serialize>((): &(), _: &R, _: &mut [u8]) -> Result<usize, EncodeError> {
        Err(EncodeError::BufferFull)
    }

    fn hear<const N: usize>((): &(), _: &mut Buffer<N>) -> Heard {
        Heard::NextCommand
    }

    fn break_off<const N: usize>((): &mut (), _: &Buffer<N>) -> bool {
        false
    }
}

impl<K: Codec> ClientProtocol for K {
    const HAS_SESSIONS: bool = false;
    type Memory = ();

    #[inline]
    fn local<C: Request>((): &mut (), _: &'static str, _: bool) -> Result<((), bool), OfferError> {
        Ok(((), true))
    }

    #[inline]
    fn disconnected((): &mut ()) {}

    fn server((): &()) -> Option<&Server> {
        None
    }

    #[inline]
    fn ask<C: Request>((): &mut (), command: &C, spare: &mut [u8]) -> Result<usize, Unasked> {
        match K::encode(command, spare) {
            Ok(0) => Err(Unasked::Empty),
            Ok(written) => Ok(written),
            Err(error) => Err(Unasked::NotEncoded(error)),
        }
    }

    #[inline]
    fn take_response<C: Request, const N: usize>(
        (): &mut (),
        input: &mut Buffer<N>,
        _: Option<PeerCredentials>,
        _: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<C::Response>, Unanswered> {
        match bare::take::<C::Response, K, N>(input) {
            Ok(response) => Ok(response.map(|(response, _)| response)),
            Err(Refused::TooLarge | Refused::OtherWire) => Err(Unanswered::TooLarge { capacity: N }),
            Err(Refused::Malformed(error)) => Err(Unanswered::Malformed(error)),
        }
    }

    #[inline]
    fn take_item<C: Request, const N: usize>(
        local: &mut (),
        input: &mut Buffer<N>,
        peer: Option<PeerCredentials>,
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<(C::Response, bool)>, Unanswered> {
        Ok(Self::take_response::<C, N>(local, input, peer, send)?.map(|response| (response, true)))
    }

    fn cancel((): &(), _: &mut [u8]) -> usize {
        0
    }

    /// Only a response without bytes: any other has been looked for when its last byte came.
    fn end<C: Request, const N: usize>(input: &Buffer<N>) -> Option<C::Response> {
        K::decode(input.bytes()).ok().map(|(response, _)| response)
    }
}

/// Why what has arrived will never be a message.
#[derive(Debug)]
pub enum Refused {
    /// It is longer than the buffer.
    TooLarge,
    Malformed(DecodeError),
    /// It belongs to the other wire.
    OtherWire,
}

/// What a client has sent while its command is not answered.
#[derive(Debug)]
pub enum Heard {
    /// Nothing that is whole.
    Nothing,
    /// It does not wait any more.
    Cancelled,
    /// Its next command, or the beginning of it.
    NextCommand,
}

/// Why a command is not sent.
#[derive(Debug)]
pub enum Unasked {
    /// It takes no bytes.
    Empty,
    NotEncoded(EncodeError),
    /// The server does not take so long a command.
    TooLong {
        capacity: usize,
    },
    /// The server's types are of another version, in which it can't be said.
    NotCarried(described::Refusal),
}

/// Why there is no response.
#[derive(Debug)]
pub enum Unanswered {
    /// It is longer than the buffer.
    TooLarge {
        capacity: usize,
    },
    Malformed(DecodeError),
    Refused(Refusal),
    /// The server's types have another form, which the client knows now.
    OtherForm,
    /// What has arrived belongs to the other wire, or breaks the rules of this one.
    OtherWire,
    /// The descriptions of the server's types are longer than there is room for.
    DescriptionTooLong {
        capacity: usize,
    },
    /// The server's types are of another version, whose responses can't be read, whatever they are.
    NeverReadable(described::DecodeError),
    /// It is of another version, and can't be read.
    Unreadable(described::DecodeError),
    /// The server has another codec.
    OtherCodec,
    /// The server answers several times, and one response was asked for.
    MoreFollow,
}
