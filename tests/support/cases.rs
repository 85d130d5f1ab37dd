//! How many cases of a property are tried.
#![allow(clippy::std_instead_of_core, unreachable_pub)]

use proptest::prelude::ProptestConfig;

/// `cases` of a property, or as many as proptest's variable `PROPTEST_CASES` says: an emulator is slow.
pub fn cases(cases: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { ProptestConfig { cases, ..config } }
}
