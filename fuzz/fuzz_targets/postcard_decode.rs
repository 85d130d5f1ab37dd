//! Any bytes, decoded as many types, by our postcard and by the postcard crate.
#![no_main]

use ipc_server::codec::Postcard;
use ipc_server_fuzz::model::{Theirs, postcards};
use ipc_server_fuzz::{Peer, decode_as_everything};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

struct TheirPostcard;

impl Peer for TheirPostcard {
    type Codec = Postcard;

    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Theirs<T> {
        postcards(bytes)
    }
}

fuzz_target!(|bytes: &[u8]| decode_as_everything::<TheirPostcard>(bytes));
