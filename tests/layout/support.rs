//! What a layout is held against.

use std::fmt::{Display, Write};

use ipc_server::layout::{self, Description, Fingerprint, LayoutError};
use serde::Deserialize;

/// The text of `T`, after its description was found to say the same however it is streamed.
#[track_caller]
pub(crate) fn text<T: Deserialize<'static>>() -> String {
    text_of(layout::describe::<T>, &layout::text::<T>().unwrap(), fingerprint::<T>())
}

// Compiled once, and not for each type.
#[track_caller]
fn text_of(describe: Describe, shown: &dyn Display, fingerprint: Fingerprint) -> String {
    let mut bytes = streamed(describe, 65_535);
    let mut text = String::new();
    write!(text, "{shown}").unwrap_or_else(|_| panic!("after {text}: {bytes:02x?}"));
    for window in [1, 7, 64] {
        assert_eq!(streamed(describe, window), bytes, "{window} bytes at a time");
    }
    let sent = bytes.clone();
    let description = Description::validate(&mut bytes).unwrap_or_else(|error| panic!("{error}: {sent:02x?}"));
    assert_eq!(description.to_string(), text, "the description prints as the type does");
    assert_eq!(description.fingerprint("bincode"), fingerprint);
    let mut again = bytes.clone();
    assert_eq!(Description::validate(&mut again).unwrap().to_string(), text);
    assert_eq!(again, bytes, "a description that was validated is one");
    for end in 0..sent.len() {
        Description::validate(&mut sent[..end].to_vec()).expect_err("a part is none");
    }
    text
}

#[track_caller]
pub(crate) fn shows<T: Deserialize<'static>>(expected: &str) {
    assert_eq!(text::<T>(), expected);
}

pub(crate) fn described<T: Deserialize<'static>>(window: usize) -> Vec<u8> {
    streamed(layout::describe::<T>, window)
}

type Describe = fn(usize, &mut [u8]) -> Result<usize, LayoutError>;

fn streamed(describe: Describe, window: usize) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), vec![0; window]);
    loop {
        let written = describe(all.len(), &mut part).unwrap();
        all.extend_from_slice(&part[..written]);
        if written < window {
            return all;
        }
    }
}

#[track_caller]
pub(crate) fn fingerprint<T: Deserialize<'static>>() -> Fingerprint {
    layout::fingerprint::<T>("bincode").unwrap()
}

#[track_caller]
pub(crate) fn same<A: Deserialize<'static>, B: Deserialize<'static>>() {
    assert_eq!(fingerprint::<A>(), fingerprint::<B>(), "{} and {}", text::<A>(), text::<B>());
}

#[track_caller]
pub(crate) fn different<A: Deserialize<'static>, B: Deserialize<'static>>() {
    assert_ne!(fingerprint::<A>(), fingerprint::<B>(), "{}", text::<A>());
}
