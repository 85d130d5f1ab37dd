//! Values by name, with serde_json as the judge. A received description and a message never panic; what is read as JSON is
//! written back as the same bytes, or refused; and what goes from one version to another is what JSON makes of it.
#![no_main]

use std::collections::BTreeMap;
use std::fmt::Debug;

use arbitrary::Arbitrary;
use ipc_server::codec::{Bincode, Codec, DecodeError};
use ipc_server::described;
use ipc_server::layout::{self, Description, Kind, Node};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! version {
    ($name:ident { $($item:item)* }) => {
        mod $name {
            use super::*;
            $(
                #[derive(Serialize, Deserialize, Arbitrary, Debug, PartialEq, Clone)]
                $item
            )*
        }
    };
}

version! { old {
    pub enum Command {
        Get,
        Set(u8),
        Limit { rate: u32, burst: Option<u16>, name: String },
        List(Vec<Mode>),
        Table(BTreeMap<String, i32>),
        Nested(Option<Box<Command>>),
        Pair((i8, bool)),
        Single(f32),
        Letter(char),
        Bytes(Vec<u8>),
        Inner(Inner),
    }
    pub enum Mode { Off, On(u8), Half { left: i64 } }
    pub struct Inner { pub a: u64, pub b: Option<String>, pub c: [i16; 2] }
} }

version! { new {
    pub enum Command {
        Inner(Inner),
        Reset,
        Limit { name: String, note: Option<String>, rate: u64, burst: Option<u16> },
        Nested(Option<Box<Command>>),
        Set(i16),
        Get,
        Bytes(Vec<u16>),
        List(Vec<Mode>),
        Table(BTreeMap<String, i64>),
        Pair((i16, bool)),
        Single(f32),
        Letter(char),
    }
    pub enum Mode { Half { right: Option<u8>, left: i32 }, Auto, On(i8), Off }
    pub struct Inner { pub c: [i32; 2], pub a: i64, pub b: Option<String> }
} }

#[derive(Arbitrary, Debug)]
enum Script {
    /// Any bytes as a description, any bytes as a message of it.
    Received {
        description: Vec<u8>,
        message: Vec<u8>,
    },
    /// The description of a type here, of which one byte is another.
    Nearly {
        is_new: bool,
        at: u16,
        byte: u8,
        message: Vec<u8>,
        value: old::Command,
    },
    Older(old::Command),
    Newer(new::Command),
}

fn describe<T: DeserializeOwned>() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let length = layout::describe::<T>(0, &mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

/// Whether JSON keeps all of a value of this form. It does not keep the order of a map, nor what is behind a null.
fn is_kept(node: Node<'_>, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match node.kind() {
        Kind::Map(..) | Kind::Option(_) | Kind::Float(_) | Kind::Unit | Kind::Opaque => false,
        Kind::Sequence(node) => is_kept(node, depth),
        Kind::Tuple(mut elements) => elements.all(|node| is_kept(node, depth)),
        // Of two fields of one name JSON keeps one.
        Kind::Struct(_) | Kind::Enum(_) => false,
        _ => true,
    }
}

/// Reads `message` as JSON, and writes that again.
fn there_and_back(message: &[u8], form: Node<'_>) {
    let Ok(value) = described::decode_value::<Bincode, Value>(message, form) else { return };
    let mut again = vec![0; 4 * message.len() + 4096];
    let Ok(length) = described::encode_value::<Bincode, _>(&value, form, &mut again) else { return };
    let again = &again[..length];
    if is_kept(form, 8) {
        assert_eq!(again, message, "{value} of {form:?}");
    }
    match described::decode_value::<Bincode, Value>(again, form) {
        Ok(once_more) => assert_eq!(once_more, value, "of {form:?}"),
        Err(error) => panic!("{error}: {value} of {form:?}"),
    }
}

/// What JSON makes of a value as another type. `None` if JSON can't hold the value, or if the other type does not take it.
fn by_json<A: Serialize, B: DeserializeOwned>(value: &A) -> Option<B> {
    serde_json::from_value(serde_json::to_value(value).ok()?).ok()
}

fn is_finite(value: &Value) -> bool {
    match value {
        // A float that is not finite becomes a null.
        Value::Object(fields) => {
            !fields.iter().any(|(name, value)| (name == "Single" && value.is_null()) || !is_finite(value))
        }
        Value::Array(elements) => elements.iter().all(is_finite),
        _ => true,
    }
}

fn across<A, B>(value: &A)
where
    A: Serialize + DeserializeOwned + PartialEq + Debug,
    B: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let json = serde_json::to_value(value).unwrap();
    if !is_finite(&json) {
        return;
    }
    let bytes = bincode::serialize(value).unwrap();
    // It may nest deeper than is allowed.
    if Bincode::decode::<A>(&bytes).is_err() {
        return;
    }
    let (mut ours, mut theirs) = (describe::<A>(), describe::<B>());
    let ours = Description::validate(&mut ours).unwrap().root();
    let theirs = Description::validate(&mut theirs).unwrap().root();

    // In its own form.
    let read = described::decode_value::<Bincode, Value>(&bytes, ours);
    // To a reader without a type, a variant's fields are a level of their own.
    if let Err(described::DecodeError::Malformed(DecodeError::TooDeep)) = read {
        return;
    }
    assert_eq!(read.as_ref(), Ok(&json));
    assert_eq!(described::decode::<Bincode, A>(&bytes, ours).as_ref(), Ok(value));
    let mut buffer = vec![0; 2 * bytes.len() + 4096];
    let length = described::encode::<Bincode, A>(value, ours, &mut buffer).unwrap();
    assert_eq!(buffer[..length], bytes);
    let length = described::encode_value::<Bincode, _>(&json, ours, &mut buffer).unwrap();
    assert_eq!(buffer[..length], bytes);

    // Read by the other version.
    if let Ok(read) = described::decode::<Bincode, B>(&bytes, ours) {
        assert_eq!(by_json::<A, B>(value), Some(read));
    }
    // Written for the other version.
    if let Ok(length) = described::encode::<Bincode, A>(value, theirs, &mut buffer) {
        let (read, used) = Bincode::decode::<B>(&buffer[..length]).unwrap();
        assert_eq!((by_json::<A, B>(value), used), (Some(read), length));
        let length_of_json = described::encode_value::<Bincode, _>(&json, theirs, &mut vec![0; buffer.len()]);
        assert_eq!(length_of_json, Ok(length));
    }
}

fuzz_target!(|script: Script| {
    match script {
        Script::Received { mut description, message } => {
            if let Ok(description) = Description::validate(&mut description) {
                there_and_back(&message, description.root());
                let _ = described::decode::<Bincode, new::Command>(&message, description.root());
                let _ = described::unreadable::<new::Command>(description.root(), &mut [0; 128]);
            }
        }
        Script::Nearly { is_new, at, byte, message, value } => {
            let mut description = if is_new { describe::<new::Command>() } else { describe::<old::Command>() };
            let at = usize::from(at) % description.len();
            description[at] = byte;
            if let Ok(description) = Description::validate(&mut description) {
                let form = description.root();
                there_and_back(&message, form);
                there_and_back(&bincode::serialize(&value).unwrap(), form);
                let mut buffer = [0; 1024];
                let _ = described::unreadable::<new::Command>(form, &mut [0; 128]);
                if let Ok(length) = described::encode::<Bincode, _>(&value, form, &mut buffer) {
                    let read = described::decode_value::<Bincode, Value>(&buffer[..length], form);
                    // See `across`.
                    let is_too_deep = matches!(read, Err(described::DecodeError::Malformed(DecodeError::TooDeep)));
                    assert!(read.is_ok() || is_too_deep, "{read:?}: {value:?} of {form:?}");
                }
            }
        }
        Script::Older(value) => across::<old::Command, new::Command>(&value),
        Script::Newer(value) => across::<new::Command, old::Command>(&value),
    }
});
