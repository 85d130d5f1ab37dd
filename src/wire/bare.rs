//! The wire of the published crate: a message is the bare encoding of one value, so that only decoding tells where it ends.

use serde::Deserialize;

use crate::codec::{Codec, DecodeError, PrefixError};
use crate::connection::Buffer;

/// Why what has arrived will never be a message.
pub(crate) enum Refused {
    /// It is longer than the buffer.
    TooLarge,
    Malformed(DecodeError),
}

/// Takes the message at the front of `input`, and says how many bytes it took. `None` if it has not all arrived: then `input`
/// knows how many bytes must come before it is looked at again.
// Out of line, the message would go through memory.
#[inline(always)]
pub(crate) fn take<T: for<'a> Deserialize<'a>, K: Codec, const N: usize>(
    input: &mut Buffer<N>,
) -> Result<Option<(T, usize)>, Refused> {
    if !input.is_worth_decoding() {
        return Ok(None);
    }
    match K::decode_prefix(input.bytes(), N) {
        Ok((value, length)) => {
            input.consume(length);
            Ok(Some((value, length)))
        }
        Err(PrefixError::Incomplete { missing }) if missing <= N - input.len() => {
            input.wait_for(missing);
            Ok(None)
        }
        Err(PrefixError::Incomplete { .. } | PrefixError::BeyondCapacity) => Err(Refused::TooLarge),
        Err(PrefixError::NotSelfDescribing) => Err(Refused::Malformed(DecodeError::NotSelfDescribing)),
        Err(PrefixError::Malformed) => Err(Refused::Malformed(K::explain::<T>(input.bytes(), N))),
    }
}
