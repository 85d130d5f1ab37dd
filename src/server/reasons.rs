//! Whether the server learns why a message is malformed. Only the log tells anyone.

/// The codec `K`, with reasons.
#[cfg(feature = "log")]
pub(super) type Reasoned<K> = K;

/// The codec `K`, without reasons.
#[cfg(not(feature = "log"))]
pub(super) use unexplained::Unexplained as Reasoned;

#[cfg(not(feature = "log"))]
mod unexplained {
    use core::marker::PhantomData;

    use serde::{Deserialize, Serialize};

    use crate::codec::{Codec, DecodeError, EncodeError, PrefixError};

    pub(in crate::server) struct Unexplained<K>(PhantomData<fn() -> K>);

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
        fn decode_within<'de, T: Deserialize<'de>>(
            from: &'de [u8],
            capacity: usize,
        ) -> Result<(T, usize), DecodeError> {
            K::decode_within(from, capacity)
        }

        #[inline]
        fn decode_prefix<'de, T: Deserialize<'de>>(
            from: &'de [u8],
            capacity: usize,
        ) -> Result<(T, usize), PrefixError> {
            K::decode_prefix(from, capacity)
        }

        fn explain<'de, T: Deserialize<'de>>(_from: &'de [u8], _capacity: usize) -> DecodeError {
            DecodeError::Unexplained
        }
    }
}
