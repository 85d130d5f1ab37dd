//! The hello of both sides.

use super::frame::HEAD;
use super::{Fingerprints, PREFACE, VERSION};

/// How many bytes of a program's name and version are told.
pub const LONGEST_PROGRAM: usize = 48;

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
    if bytes.iter().zip(&PREFACE).any(|(there, preface)| there != preface) {
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
    let [c, r] = fingerprints.to_bytes();
    let capacity = u32::try_from(capacity).unwrap_or(u32::MAX).to_le_bytes();
    #[expect(clippy::cast_possible_truncation, reason = "a hello is shorter than 256 bytes")]
    let following = ((length - 12) as u16).to_le_bytes();
    let parts: [&[u8]; 6] = [&PREFACE, &[VERSION, 0], &following, &capacity, &c, &r];
    for (to, from) in head.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
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
        let [c, r] = self.fingerprints.to_bytes();
        let capacity = u32::try_from(self.capacity).unwrap_or(u32::MAX).to_le_bytes();
        let parts: [&[u8]; 4] = [&[VERSION, 0, 0, 0], &capacity, &c, &r];
        for (to, from) in head.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        rest.copy_from_slice(program.as_bytes());
        Some(SERVER + program.len())
    }
}

/// The beginning of `text` that is told.
pub(crate) fn shortened(text: &str) -> &str {
    let end = text.char_indices().map(|(at, character)| at + character.len_utf8());
    let end = end.take_while(|end| *end <= LONGEST_PROGRAM).last().unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
