//! Any bytes, decoded as many types, by our bincode and by bincode 1.3.3.
#![no_main]

use ipc_server::codec::Bincode;
use ipc_server_fuzz::model::{Theirs, bincodes};
use ipc_server_fuzz::{Peer, decode_as_everything};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

struct TheirBincode;

impl Peer for TheirBincode {
    type Codec = Bincode;

    fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Theirs<T> {
        bincodes(bytes)
    }
}

fuzz_target!(|bytes: &[u8]| decode_as_everything::<TheirBincode>(bytes));
