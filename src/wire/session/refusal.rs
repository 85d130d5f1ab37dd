//! Why there is no response.

use core::fmt::{self, Write};

use heapless::String;

use super::Server;

/// What a refusal says on the wire: why, and whether the command was executed.
///
/// | content of the frame | |
/// |---|---|
/// | 1 byte | the code |
/// | 1 byte | 1 if the command was executed, else 0 |
/// | 2 bytes | 0 |
/// | 4 bytes | a capacity in bytes, where one is the reason |
/// | the rest | more about it, UTF-8 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    OtherForm = 1,
    Malformed = 2,
    TooLong = 3,
    NotAuthorized = 4,
    ResponseTooLong = 5,
    ResponseNotEncodable = 6,
    Busy = 7,
    Expired = 8,
    Evicted = 9,
    Ending = 10,
    UnknownKind = 11,
    Version = 12,
    Dropped = 13,
    Ended = 14,
    Declined = 15,
    /// [`Busy`](Self::Busy), of a command that the daemon has been given.
    BusyAfterwards = 7 | AFTERWARDS,
    /// [`Ending`](Self::Ending), of a command that the daemon has been given.
    EndingAfterwards = 10 | AFTERWARDS,
}

/// Tells the codes of commands that the daemon has been given from others of the same number.
const AFTERWARDS: u8 = 0x80;

/// How many bytes a refusal's content has before its text.
pub(super) const CONTENT: usize = 8;

/// How many bytes of a refusal's text are told.
pub(super) const LONGEST_TEXT: usize = 48;

impl Code {
    /// The same reason, where the daemon has been given the command.
    #[cfg(feature = "unix")]
    pub(crate) const fn afterwards(self) -> Self {
        match self {
            Self::Busy => Self::BusyAfterwards,
            Self::Ending => Self::EndingAfterwards,
            other => other,
        }
    }

    /// As on the wire.
    pub(super) const fn number(self) -> u8 {
        self as u8 & !AFTERWARDS
    }

    pub(super) const fn was_executed(self) -> bool {
        matches!(self, Self::ResponseTooLong | Self::ResponseNotEncodable | Self::Dropped | Self::Ended)
            || self as u8 & AFTERWARDS != 0
    }
}

/// A text of bounded length, cut at the end of a character.
pub(super) struct Cut<'a> {
    pub(super) into: &'a mut [u8],
    pub(super) length: usize,
}

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            let end = self.length + bytes.len();
            self.into.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(bytes);
            self.length = end;
        }
        Ok(())
    }
}

/// A server's refusal to answer a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    server: Server,
    was_executed: bool,
    text: String<LONGEST_TEXT, u8>,
}

/// Why a server does not answer a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is in another form than the server's.
    OtherForm,
    /// Its bytes are not a command, though they should be.
    Malformed,
    /// It is longer than the server takes.
    TooLong {
        /// How long the bytes of a command may be.
        capacity: u32,
    },
    /// This caller may not give it.
    NotAuthorized,
    /// The response is longer than the server's capacity.
    ResponseTooLong {
        /// How long the bytes of a response may be.
        capacity: u32,
    },
    /// The response can't be encoded.
    ResponseNotEncodable,
    /// The server has no room for another client that waits.
    Busy,
    /// The command, or the taking of its response, was not finished within the server's deadline.
    Expired,
    /// Another client needed the slot.
    Evicted,
    /// The server ends.
    Ending,
    /// The server does not know this kind of frame.
    UnknownKind,
    /// The server speaks another version of the protocol.
    Version,
    /// The daemon let go of the caller without an answer, or without the rest of it.
    Dropped,
    /// All responses have come: the daemon has ended the stream, and the text says why.
    Ended,
    /// The daemon does not execute this command now, and the text says why.
    Declined,
    /// A reason that this version of the crate does not know.
    Other {
        /// Its code.
        code: u8,
    },
}

impl Refusal {
    /// Reads the content of a refusal's frame. `None` if it is shorter than one can be.
    pub(super) fn parse(content: &[u8], server: &Server) -> Option<Self> {
        let [code, executed, _, _, a, b, c, d] = *content.first_chunk()?;
        let capacity = u32::from_le_bytes([a, b, c, d]);
        let reason = match code {
            1 => Reason::OtherForm,
            2 => Reason::Malformed,
            3 => Reason::TooLong { capacity },
            4 => Reason::NotAuthorized,
            5 => Reason::ResponseTooLong { capacity },
            6 => Reason::ResponseNotEncodable,
            7 => Reason::Busy,
            8 => Reason::Expired,
            9 => Reason::Evicted,
            10 => Reason::Ending,
            11 => Reason::UnknownKind,
            12 => Reason::Version,
            13 => Reason::Dropped,
            14 => Reason::Ended,
            15 => Reason::Declined,
            code => Reason::Other { code },
        };
        let mut text = String::new();
        for character in core::str::from_utf8(content.get(CONTENT..)?).unwrap_or_default().chars() {
            if text.push(if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).is_err() {
                break;
            }
        }
        Some(Self { reason, server: server.clone(), was_executed: executed != 0, text })
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether the command was executed.
    #[must_use]
    pub const fn was_executed(&self) -> bool {
        self.was_executed
    }

    /// The program that refuses.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// What the server says beside the reason: of a malformed command, where it is wrong. Empty if it says nothing.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refuses: {}", self.server, self.reason)?;
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        f.write_str(if self.was_executed { "; the command was executed" } else { "; the command was not executed" })
    }
}

impl core::error::Error for Refusal {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherForm => f.write_str("its types have another form"),
            Self::Malformed => f.write_str("the bytes are not a command"),
            Self::TooLong { capacity } => write!(f, "a command has at most {capacity} bytes"),
            Self::NotAuthorized => f.write_str("this user may not give the command"),
            Self::ResponseTooLong { capacity } => write!(f, "the response is longer than {capacity} bytes"),
            Self::ResponseNotEncodable => f.write_str("the response can't be encoded"),
            Self::Busy => f.write_str("too many clients are waiting"),
            Self::Expired => f.write_str("the exchange took longer than the server's deadline"),
            Self::Evicted => f.write_str("another client needed the slot"),
            Self::Ending => f.write_str("the server ends"),
            Self::UnknownKind => f.write_str("it does not know this kind of frame"),
            Self::Version => f.write_str("it speaks another version of the protocol"),
            Self::Dropped => f.write_str("the daemon dropped the caller"),
            Self::Ended => f.write_str("the stream of responses has ended"),
            Self::Declined => f.write_str("the daemon declines"),
            Self::Other { code } => write!(f, "for a reason unknown here, number {code}"),
        }
    }
}
