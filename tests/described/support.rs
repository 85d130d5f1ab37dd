//! One version's values to the other's, both ways.

use std::fmt::Debug;

use ipc_server::codec::Bincode;
use ipc_server::described::{self, DecodeError, EncodeError, Reason};
use ipc_server::layout::{self, Description, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn description<T: DeserializeOwned>() -> Vec<u8> {
    let mut bytes = vec![0; 65_535];
    let length = layout::describe::<T>(0, &mut bytes).unwrap();
    bytes.truncate(length);
    Description::validate(&mut bytes).unwrap();
    bytes
}

pub(crate) fn with_form<R>(mut description: Vec<u8>, then: impl FnOnce(Node<'_>) -> R) -> R {
    then(Description::validate(&mut description).unwrap().root())
}

pub(crate) fn refused<T: Debug>(result: Result<T, EncodeError>) -> Reason {
    match result.unwrap_err() {
        EncodeError::Refused(refusal) => refusal.reason(),
        error => panic!("{error:?}"),
    }
}

pub(crate) fn unreadable<T: Debug>(result: Result<T, DecodeError>) -> Reason {
    match result.unwrap_err() {
        DecodeError::Refused(refusal) => refusal.reason(),
        error => panic!("{error:?}"),
    }
}

fn read_by_bincode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> T {
    let value: T = bincode::deserialize(bytes).unwrap();
    assert_eq!(bincode::serialized_size(&value).unwrap(), bytes.len() as u64, "not all of it was read");
    value
}

/// What a program with `B` reads of an `A` that was written in its form.
pub(crate) fn carry<A: Serialize + DeserializeOwned, B: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &A,
) -> Result<B, EncodeError> {
    with_form(description::<B>(), |form| {
        let mut bytes = vec![0xee; 4096];
        let written = described::encode::<Bincode, A>(value, form, &mut bytes);
        let read = written.map(|length| read_by_bincode::<B>(&bytes[..length]));
        #[cfg(feature = "postcard")]
        {
            use ipc_server::codec::Postcard;
            let mut bytes = vec![0xee; 4096];
            let written = described::encode::<Postcard, A>(value, form, &mut bytes);
            let other = written.map(|length| {
                let (value, rest) = postcard::take_from_bytes::<B>(&bytes[..length]).unwrap();
                assert!(rest.is_empty(), "not all of it was read");
                value
            });
            assert_eq!(read, other, "postcard");
        }
        read
    })
}

/// What a program with `B` makes of an `A` that its writer wrote in its own form.
pub(crate) fn read<A: Serialize + DeserializeOwned, B: DeserializeOwned + PartialEq + Debug>(
    value: &A,
) -> Result<B, DecodeError> {
    with_form(description::<A>(), |form| {
        let bytes = bincode::serialize(value).unwrap();
        let read = described::decode::<Bincode, B>(&bytes, form);
        for end in 0..bytes.len() {
            described::decode::<Bincode, B>(&bytes[..end], form).expect_err("a part is no value");
        }
        #[cfg(feature = "postcard")]
        {
            use ipc_server::codec::Postcard;
            let bytes = postcard::to_stdvec(value).unwrap();
            assert_eq!(read, described::decode::<Postcard, B>(&bytes, form), "postcard");
        }
        if read.is_ok() {
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(described::decode::<Bincode, B>(&longer, form), Err(DecodeError::TrailingBytes(1)));
        }
        read
    })
}

/// `value` in the form of `B`, as a value without a type.
pub(crate) fn carry_json<B: Serialize + DeserializeOwned>(value: &serde_json::Value) -> Result<B, EncodeError> {
    with_form(description::<B>(), |form| {
        let mut bytes = vec![0xee; 4096];
        let length = described::encode_value::<Bincode, _>(value, form, &mut bytes)?;
        Ok(read_by_bincode(&bytes[..length]))
    })
}
