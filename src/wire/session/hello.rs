//! The hello of both sides.

use super::frame::HEAD;
use super::{Fingerprints, PREFACE, VERSION};

/// How many bytes of a program's name and version are told.
pub const LONGEST_PROGRAM: usize = 40;

/// How many bytes a client's hello has before the name of its program.
const CLIENT: usize = 32;

/// How many bytes a server's hello has before the name of its program.
const SERVER: usize = 24;

/// The least capacity of an end of a session. Every hello and every refusal fits.
pub(crate) const LEAST_CAPACITY: usize = 128;

const _: () = assert!(HEAD + SERVER + LONGEST_PROGRAM <= LEAST_CAPACITY, "a server's hello fits");
const _: () = assert!(CLIENT + LONGEST_PROGRAM <= LEAST_CAPACITY, "a client's hello fits");

/// A client's hello, or why there is none.
#[derive(Debug)]
pub(crate) enum ClientHello {
    /// So many bytes are missing at least.
    Missing(usize),
    /// The client does not begin a session.
    None,
    /// Of another version of the protocol.
    Version,
    Whole {
        wants: Fingerprints,
        length: usize,
    },
}

/// The client's first bytes:
///
/// ```text
///  0  8  FF FF FF FF FF 69 70 63
///  8  1  version of the protocol
///  9  1  flags, 0
/// 10  2  how many bytes follow the first 12
/// 12  4  how long the content of a frame may be that the client takes
/// 16  8  fingerprint of the command type
/// 24  8  fingerprint of the response type
/// 32     name and version of the client's program, UTF-8
/// ```
pub(crate) fn parse_client(bytes: &[u8]) -> ClientHello {
    if !begins_as_a_session(bytes) {
        return ClientHello::None;
    }
    let Some(&[version, _flags, low, high]) = bytes.get(8..).and_then(|bytes| bytes.first_chunk()) else {
        return ClientHello::Missing(12_usize.saturating_sub(bytes.len()));
    };
    if version != VERSION {
        return ClientHello::Version;
    }
    let length = 12 + usize::from(u16::from_le_bytes([low, high]));
    let Some(hello) = bytes.get(..length) else { return ClientHello::Missing(length - bytes.len()) };
    match (number(hello, 16), number(hello, 24)) {
        (Some(command), Some(response)) => {
            ClientHello::Whole { wants: Fingerprints::from_u64(command, response), length }
        }
        // It is shorter than one can be.
        _ => ClientHello::None,
    }
}

/// Whether these bytes, or as many of them as have come, are a session's first.
#[inline]
pub(crate) fn begins_as_a_session(bytes: &[u8]) -> bool {
    match bytes.first_chunk() {
        Some(first) => *first == PREFACE,
        None => PREFACE.starts_with(bytes),
    }
}

/// Writes a client's hello, and returns how many bytes it takes. `None` if it does not fit.
pub(crate) fn write_client(
    capacity: usize,
    fingerprints: Fingerprints,
    program: &str,
    into: &mut [u8],
) -> Option<usize> {
    let program = shortened(program);
    let length = CLIENT + program.len();
    let into = into.get_mut(..length)?;
    let (head, rest) = into.split_first_chunk_mut::<CLIENT>()?;
    #[expect(clippy::cast_possible_truncation, reason = "a hello is shorter than 256 bytes")]
    let following = (length - 12) as u16;
    put(head, 0, PREFACE);
    put(head, 8, [VERSION, 0]);
    put(head, 10, following.to_le_bytes());
    put_capacity_and_fingerprints(head, 12, capacity, fingerprints);
    rest.copy_from_slice(program.as_bytes());
    Some(length)
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerHello<'a> {
    pub(crate) capacity: usize,
    pub(crate) fingerprints: Fingerprints,
    pub(crate) program: &'a str,
}

impl<'a> ServerHello<'a> {
    /// The content of a server's hello:
    ///
    /// ```text
    ///  0  1  version of the protocol
    ///  1  3  flags, 0
    ///  4  4  how long the content of a frame may be that the server takes
    ///  8  8  fingerprint of the command type
    /// 16  8  fingerprint of the response type
    /// 24     name and version of the server's program, UTF-8
    /// ```
    pub(crate) fn parse(content: &'a [u8]) -> Option<Self> {
        let [version, _, _, _, a, b, c, d] = *content.first_chunk()?;
        if version != VERSION {
            return None;
        }
        let program = content.get(SERVER..)?;
        Some(Self {
            capacity: u32::from_le_bytes([a, b, c, d]) as usize,
            fingerprints: Fingerprints::from_u64(number(content, 8)?, number(content, 16)?),
            program: shortened(core::str::from_utf8(program).unwrap_or_default()),
        })
    }

    pub(crate) fn write(&self, into: &mut [u8]) -> Option<usize> {
        let program = shortened(self.program);
        let into = into.get_mut(..SERVER + program.len())?;
        let (head, rest) = into.split_first_chunk_mut::<SERVER>()?;
        put(head, 0, [VERSION, 0, 0, 0]);
        put_capacity_and_fingerprints(head, 4, self.capacity, self.fingerprints);
        rest.copy_from_slice(program.as_bytes());
        Some(SERVER + program.len())
    }
}

#[inline]
fn put<const LENGTH: usize>(into: &mut [u8], at: usize, bytes: [u8; LENGTH]) {
    if let Some(place) = into.get_mut(at..at + LENGTH) {
        place.copy_from_slice(&bytes);
    }
}

#[inline]
fn put_capacity_and_fingerprints(into: &mut [u8], at: usize, capacity: usize, fingerprints: Fingerprints) {
    let [command, response] = fingerprints.to_bytes();
    put(into, at, u32::try_from(capacity).unwrap_or(u32::MAX).to_le_bytes());
    put(into, at + 4, command);
    put(into, at + 12, response);
}

/// The beginning of `text` that is told.
pub(crate) fn shortened(text: &str) -> &str {
    if text.len() <= LONGEST_PROGRAM {
        return text;
    }
    let end = text.char_indices().map(|(at, character)| at + character.len_utf8());
    let end = end.take_while(|end| *end <= LONGEST_PROGRAM).last().unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
