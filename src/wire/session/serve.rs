//! A server's side of sessions.

use core::fmt::{Display, Write};

use serde::Serialize;

use super::frame::{HEAD, Head, kind};
use super::hello::{ClientHello, ServerHello, parse_client};
use super::refusal::{CONTENT, Code, Cut, LONGEST_TEXT};
use super::{LEAST_CAPACITY, Offer, OfferError, Phase, Progress, Session};
use crate::codec::{Codec, EncodeError};
use crate::connection::Buffer;
use crate::layout;
use crate::request::Request;
use crate::wire::{Heard, Protocol, Refused, ServerProtocol};

const _: () = assert!(LONGEST_ANSWER <= LEAST_CAPACITY, "a refusal fits");

/// The head and the longest content of what is answered without the daemon, apart from descriptions.
const LONGEST_ANSWER: usize = HEAD + CONTENT + LONGEST_TEXT;

impl<K: Codec> Protocol for Session<K> {
    type Codec = K;
    type Local<'l> = &'l Offer;
    type Progress = Progress;
}

impl<K: Codec> ServerProtocol for Session<K> {
    const HAS_SESSIONS: bool = true;
    type Offer = Offer;
    type With<Other: Codec> = Session<Other>;
    type Unexplained = Self;

    fn offer<C: Request, const N: usize>(program: &'static str) -> Result<Offer, OfferError> {
        Offer::with_capacity::<C, K, N>(program)
    }

    fn local(offer: &Offer) -> &Offer {
        offer
    }

    // Out of line, the command would go through memory.
    #[inline(always)]
    fn take<C: Request, const N: usize>(
        offer: &&Offer,
        progress: &mut Progress,
        input: &mut Buffer<N>,
        output: &mut Buffer<N>,
    ) -> Result<Option<(C, usize)>, Refused> {
        while input.is_worth_decoding() {
            if progress.phase == Phase::Agreed
                && let Some(head) = Head::parse(input.bytes())
                && head.kind == kind::COMMAND
            {
                progress.id = head.id;
                let Some(content) = content_of(head, input) else { return not_all(head, input) };
                return match K::decode_prefix::<C>(content, content.len()) {
                    Ok((command, used)) if used == head.length => {
                        input.consume(HEAD + head.length);
                        Ok(Some((command, HEAD + head.length)))
                    }
                    _ => Err(malformed::<C, K>(content)),
                };
            }
            if !answer::<C, N>(offer, progress, input, output)? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    #[inline(always)]
    fn reply<R: Serialize>(progress: &Progress, response: &R, spare: &mut [u8]) -> Result<usize, EncodeError> {
        Head::frame(kind::RESPONSE, progress.id, spare, EncodeError::BufferFull, |spare| K::encode(response, spare))
    }

    #[cold]
    fn refuse<const N: usize>(
        progress: &Progress,
        output: &mut Buffer<N>,
        code: Code,
        number: usize,
        reason: &dyn Display,
    ) {
        if progress.phase == Phase::Undecided {
            return;
        }
        let written = write_refusal(progress.id, output.spare(), code, number, reason);
        output.fill(written);
    }

    fn takes_several(_: &Progress) -> bool {
        true
    }

    fn item<R: Serialize>(progress: &Progress, item: &R, spare: &mut [u8]) -> Result<usize, EncodeError> {
        Head::frame(kind::ITEM, progress.id, spare, EncodeError::BufferFull, |spare| K::encode(item, spare))
    }

    fn hear<const N: usize>(progress: &Progress, input: &mut Buffer<N>) -> Heard {
        while let Some(head) = Head::parse(input.bytes()) {
            if head.kind != kind::CANCEL {
                return Heard::NextCommand;
            }
            if content_of(head, input).is_none() {
                // It has no content that anybody reads, but it may be there.
                return if HEAD + head.length > N { Heard::NextCommand } else { Heard::Nothing };
            }
            input.consume(HEAD + head.length);
            if head.id == progress.id {
                return Heard::Cancelled;
            }
        }
        Heard::Nothing
    }

    #[cold]
    fn break_off<const N: usize>(progress: &mut Progress, input: &Buffer<N>) -> bool {
        // Before all of its head has come, it is the client's only one.
        progress.id = Head::parse(input.bytes()).map_or(0, |head| head.id);
        progress.phase != Phase::Undecided && !input.is_empty()
    }
}

/// Writes a refusal, and returns how many bytes it takes; none if there is no room.
fn write_refusal(id: u32, spare: &mut [u8], code: Code, number: usize, reason: &dyn Display) -> usize {
    let written = Head::frame(kind::REFUSAL, id, spare, (), |content| {
        let (head, text) = content.split_first_chunk_mut::<CONTENT>().ok_or(())?;
        let [a, b, c, d] = u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        *head = [code.number(), code.was_executed().into(), 0, 0, a, b, c, d];
        let longest = text.len().min(LONGEST_TEXT);
        let mut text = Cut { into: text.get_mut(..longest).unwrap_or_default(), length: 0 };
        // An error is the text's end.
        let _ = write!(text, "{reason}");
        Ok(CONTENT + text.length)
    });
    written.unwrap_or(0)
}

/// The content of the frame at the front of `input`, if it has all arrived.
#[inline]
fn content_of<const N: usize>(head: Head, input: &Buffer<N>) -> Option<&[u8]> {
    input.bytes().get(HEAD..HEAD + head.length)
}

/// The frame at the front of `input` has not all arrived.
#[cold]
fn not_all<C, const N: usize>(head: Head, input: &mut Buffer<N>) -> Result<Option<(C, usize)>, Refused> {
    let length = HEAD + head.length;
    if length > N {
        return Err(Refused::TooLarge);
    }
    input.wait_for(length - input.len());
    Ok(None)
}

#[cold]
fn malformed<C: Request, K: Codec>(content: &[u8]) -> Refused {
    use crate::codec::DecodeError;

    match K::decode_within::<C>(content, content.len()) {
        Err(error) => Refused::Malformed(error),
        Ok((_, used)) => Refused::Malformed(DecodeError::TrailingBytes(content.len() - used)),
    }
}

/// Answers the hello or the frame at the front of `input`, which is no command to be executed. Whether to go on: if not, what is in
/// `output` has to leave first, so that there is room for a response. A hello may leave with the first response.
#[cold]
fn answer<C: Request, const N: usize>(
    offer: &Offer,
    progress: &mut Progress,
    input: &mut Buffer<N>,
    output: &mut Buffer<N>,
) -> Result<bool, Refused> {
    if !output.is_empty() && output.spare().len() < LONGEST_ANSWER {
        return Ok(false);
    }
    if matches!(progress.phase, Phase::Undecided | Phase::Hello) {
        return greet::<C, N>(offer, progress, input, output).map(|()| true);
    }
    let Some(head) = Head::parse(input.bytes()) else {
        input.wait_for(HEAD - input.len());
        return Ok(true);
    };
    progress.id = head.id;
    let Some(content) = content_of(head, input) else { return not_all::<(), N>(head, input).map(|_| true) };
    let mut refusal = None;
    match (head.kind, content) {
        (kind::COMMAND, _) => refusal = Some(Code::OtherForm),
        // What it was about is answered already.
        (kind::CANCEL, _) => {}
        (kind::DESCRIBE, &[which, _, low, high, ..]) => {
            describe::<C, N>(head.id, which, u16::from_le_bytes([low, high]), 0, output);
        }
        (kind::ADOPT, wanted) => {
            if wanted == offer.fingerprints.to_bytes().as_flattened() {
                progress.phase = Phase::Agreed;
            } else {
                refusal = Some(Code::OtherForm);
            }
        }
        _ => refusal = Some(Code::UnknownKind),
    }
    if let Some(code) = refusal {
        let written = write_refusal(head.id, output.spare(), code, 0, &"");
        output.fill(written);
    }
    input.consume(HEAD + head.length);
    Ok(output.is_empty())
}

/// Answers a client's hello: with the server's, and if their forms differ with as much of the descriptions as there is room for.
fn greet<C: Request, const N: usize>(
    offer: &Offer,
    progress: &mut Progress,
    input: &mut Buffer<N>,
    output: &mut Buffer<N>,
) -> Result<(), Refused> {
    let (wants, length) = match parse_client(input.bytes()) {
        ClientHello::Missing(missing) if missing <= N - input.len() => {
            input.wait_for(missing);
            return Ok(());
        }
        ClientHello::Missing(_) => return Err(Refused::TooLarge),
        ClientHello::None => return Err(Refused::OtherWire),
        ClientHello::Version => {
            let written = write_refusal(0, output.spare(), Code::Version, super::VERSION.into(), &"");
            output.fill(written);
            return Err(Refused::OtherWire);
        }
        ClientHello::Whole { wants, length } => (wants, length),
    };
    input.consume(length);
    let Offer { fingerprints, capacity, program } = *offer;
    let hello = ServerHello { fingerprints, capacity, program };
    let written = Head::frame(kind::HELLO, 0, output.spare(), (), |content| hello.write(content).ok_or(()));
    // There is room: a server's hello is shorter than the least capacity.
    output.fill(written.unwrap_or(0));
    if wants == fingerprints {
        progress.phase = Phase::Agreed;
        return Ok(());
    }
    progress.phase = Phase::Differs;
    if describe::<C, N>(0, 0, 0, LONGEST_ANSWER, output) {
        describe::<C, N>(0, 1, 0, LONGEST_ANSWER, output);
    }
    Ok(())
}

/// Writes a part of the description of the command type (0) or of the response type (1), from `offset` on, and leaves `reserve` bytes.
/// Whether that is all of it.
///
/// | content of the frame | |
/// |---|---|
/// | 1 byte | which description |
/// | 1 byte | 1 if this is its end, else 0 |
/// | 2 bytes | where in it this part begins |
/// | the rest | the part |
fn describe<C: Request, const N: usize>(
    id: u32,
    which: u8,
    offset: u16,
    reserve: usize,
    output: &mut Buffer<N>,
) -> bool {
    const PART: usize = 4;

    let spare = output.spare();
    let usable = spare.len().saturating_sub(reserve);
    let mut is_all = false;
    let written = Head::frame(kind::DESCRIPTION, id, spare.get_mut(..usable).unwrap_or_default(), (), |content| {
        let (head, part) = content.split_first_chunk_mut::<PART>().ok_or(())?;
        let describe = if which == 0 { layout::describe::<C> } else { layout::describe::<C::Response> };
        // The type has a layout, or there would be no offer.
        let length = describe(offset.into(), part).map_err(|_| ())?;
        is_all = length < part.len();
        let [low, high] = offset.to_le_bytes();
        *head = [which, is_all.into(), low, high];
        Ok(PART + length)
    });
    output.fill(written.unwrap_or(0));
    is_all
}
