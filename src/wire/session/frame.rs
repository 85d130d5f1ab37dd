//! Frames: eight bytes, then those of one value.

/// How many bytes a frame has before its content.
pub(crate) const HEAD: usize = 8;

/// What a frame is, from its fourth byte. Those of a server have the highest bit.
pub(crate) mod kind {
    /// A command. Its id is of the client's choice, and returns with what answers it.
    pub(crate) const COMMAND: u8 = 0x01;
    /// The client does not wait for the rest of an answer.
    pub(crate) const CANCEL: u8 = 0x02;
    /// The client asks for a part of a description.
    pub(crate) const DESCRIBE: u8 = 0x03;
    /// The client writes in the daemon's form from now on.
    pub(crate) const ADOPT: u8 = 0x04;

    /// The server's part of the hello.
    pub(crate) const HELLO: u8 = 0x80;
    /// The response, or the last of several.
    pub(crate) const RESPONSE: u8 = 0x81;
    /// One response of several; more follow.
    pub(crate) const ITEM: u8 = 0x82;
    /// There is no response, and why.
    pub(crate) const REFUSAL: u8 = 0x83;
    /// A part of a description.
    pub(crate) const DESCRIPTION: u8 = 0x84;
}

/// What is before a frame's content: `u24 length | u8 kind | u32 id`, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: usize,
    pub(crate) kind: u8,
    pub(crate) id: u32,
}

impl Head {
    /// The longest content that a frame can have.
    pub(crate) const LONGEST: usize = 0xff_ffff;

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "takes the parts apart")]
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let head = u64::from_le_bytes(*bytes.first_chunk()?);
        Some(Self { length: (head & 0xff_ffff) as usize, kind: (head >> 24) as u8, id: (head >> 32) as u32 })
    }

    /// The length must not exceed [`LONGEST`](Self::LONGEST).
    #[inline]
    pub(crate) fn to_bytes(self) -> [u8; HEAD] {
        (self.length as u64 | u64::from(self.kind) << 24 | u64::from(self.id) << 32).to_le_bytes()
    }

    /// Writes a frame whose content `write` puts behind its head, and returns how many bytes it takes in all.
    #[inline(always)]
    pub(crate) fn frame<E>(
        kind: u8,
        id: u32,
        spare: &mut [u8],
        too_short: E,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let Some((head, content)) = spare.split_first_chunk_mut::<HEAD>() else { return Err(too_short) };
        let longest = content.len().min(Self::LONGEST);
        let length = write(content.get_mut(..longest).unwrap_or_default())?;
        *head = Self { length, kind, id }.to_bytes();
        Ok(HEAD + length)
    }
}
