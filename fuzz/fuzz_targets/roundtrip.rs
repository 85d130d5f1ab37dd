//! Any value comes back from both codecs, and from nothing less than all its bytes.
#![no_main]

use ipc_server::codec::{Bincode, Codec, DecodeError, Deep, EncodeError, Postcard};
use ipc_server_fuzz::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: Value| {
    // Deeper than the fuzzer's longest input can nest.
    comes_back::<Deep<Bincode, 1024>>(&value, &bincode::serialize(&value).unwrap());
    comes_back::<Deep<Postcard, 1024>>(&value, &postcard::to_stdvec(&value).unwrap());
});

fn comes_back<K: Codec>(value: &Value, expected: &[u8]) {
    let mut buffer = vec![0xaa; expected.len() + 3];
    assert_eq!(K::encode(value, &mut buffer), Ok(expected.len()));
    assert_eq!(&buffer[..expected.len()], expected);
    assert_eq!(buffer[expected.len()..], [0xaa; 3], "nothing is written behind the value");
    assert_eq!(K::decode::<Value>(&buffer).as_ref(), Ok(&(value.clone(), expected.len())));
    assert_eq!(K::decode_within::<Value>(expected, expected.len()).as_ref(), Ok(&(value.clone(), expected.len())));
    // A few prefixes: the proptest suite tries all.
    for cut in (0..expected.len()).step_by(1 + expected.len() / 8) {
        assert_eq!(K::decode::<Value>(&expected[..cut]), Err(DecodeError::Incomplete), "{cut} bytes");
        assert_eq!(K::encode(value, &mut buffer[..cut]), Err(EncodeError::BufferFull), "{cut} bytes");
    }
}
