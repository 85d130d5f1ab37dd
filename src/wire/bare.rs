//! The wire of the published crate: a message is the bare encoding of one value, so that only decoding tells where it ends.

use core::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::Refused;
use crate::codec::{Codec, DecodeError, EncodeError, PrefixError};
use crate::connection::Buffer;

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

/// The codec `K`, for a server that does not learn why a message is malformed: only the log tells anyone.
#[derive(Debug)]
pub struct Unexplained<K>(PhantomData<fn() -> K>);

impl<K: Codec> Codec for Unexplained<K> {
    const NAME: &'static str = K::NAME;

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
        K::encode(value, into)
    }

    #[inline]
    fn decode<'de, T: Deserialize<'de>>(from: &'de [u8]) -> Result<(T, usize), DecodeError> {
        Self::decode_within(from, usize::MAX)
    }

    #[inline]
    fn decode_within<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), DecodeError> {
        K::decode_within(from, capacity)
    }

    #[inline]
    fn decode_prefix<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> Result<(T, usize), PrefixError> {
        K::decode_prefix(from, capacity)
    }

    fn explain<'de, T: Deserialize<'de>>(_from: &'de [u8], _capacity: usize) -> DecodeError {
        DecodeError::Unexplained
    }
}
