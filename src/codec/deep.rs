//! A limit of levels that is not the default.

use core::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::carried::Unwritten;
use super::layout::{Input, Integer, Layout, Output, Unread};
use super::{Bincode, Codec, DecodeError, EncodeError, PrefixError, de, ser};

/// The codec `K`, [`Bincode`] or `Postcard`, for values that nest up to `LEVELS` levels in place of
/// [`MAX_DEPTH`](super::MAX_DEPTH). The bytes are the same.
///
/// Each level takes stack on both sides, which [the chapter on capacities](crate::guide::capacities#the-depth) gives the rule
/// for. A peer whose limit is lower refuses what nests deeper, so give it to the server and to its clients.
///
/// ```
/// use ipc_server::codec::{Bincode, Codec, DecodeError, Deep};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// enum Filter {
///     All,
///     Not(Box<Filter>),
/// }
///
/// let deep = (0..200).fold(Filter::All, |filter, _| Filter::Not(Box::new(filter)));
/// let mut buffer = [0; 1024];
/// let length = Deep::<Bincode, 200>::encode(&deep, &mut buffer)?;
/// assert_eq!(Bincode::decode::<Filter>(&buffer), Err(DecodeError::TooDeep));
/// assert_eq!(Deep::<Bincode, 200>::decode(&buffer)?, (deep, length));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Deep<K, const LEVELS: usize>(PhantomData<fn() -> K>);

impl<K: Layout, const LEVELS: usize> Layout for Deep<K, LEVELS> {
    const MAX_DEPTH: usize = LEVELS;

    #[inline]
    fn put_integer<T: Integer>(value: T, output: &mut Output<'_>) -> Result<(), Unwritten> {
        K::put_integer(value, output)
    }

    #[inline]
    fn take_integer<T: Integer>(input: &mut Input<'_>) -> Result<T, Unread> {
        K::take_integer(input)
    }

    #[inline]
    fn put_char(value: char, output: &mut Output<'_>) -> Result<(), Unwritten> {
        K::put_char(value, output)
    }

    #[inline]
    fn take_char(input: &mut Input<'_>) -> Result<char, Unread> {
        K::take_char(input)
    }
}

macro_rules! deep_codecs {
    ($($(#[$attribute:meta])* $codec:ty)*) => {$(
        $(#[$attribute])*
        impl<const LEVELS: usize> Codec for Deep<$codec, LEVELS> {
            const NAME: &'static str = <$codec as Codec>::NAME;

            #[inline]
            fn encode<T: Serialize + ?Sized>(value: &T, into: &mut [u8]) -> Result<usize, EncodeError> {
                ser::encode::<Self, T>(value, into)
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
                de::decode::<Self, T>(from, capacity)
            }

            #[inline]
            fn decode_prefix<'de, T: Deserialize<'de>>(
                from: &'de [u8],
                capacity: usize,
            ) -> Result<(T, usize), PrefixError> {
                de::decode_prefix::<Self, T>(from, capacity)
            }

            fn explain<'de, T: Deserialize<'de>>(from: &'de [u8], capacity: usize) -> DecodeError {
                de::explain::<Self, T>(from, capacity)
            }
        }
    )*};
}

deep_codecs! {
    Bincode
    #[cfg(feature = "postcard")]
    super::Postcard
}
