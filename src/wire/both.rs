//! Both wires on one socket.

use core::fmt::Display;
use core::marker::PhantomData;

use serde::Serialize;

use super::session::hello::begins_as_a_session;
use super::session::{Code, Offer, OfferError, PREFACE, Phase, Progress, Session};
use super::{Heard, Protocol, Refused, ServerProtocol, bare};
use crate::codec::{Codec, EncodeError};
use crate::connection::Buffer;
use crate::request::Request;

/// Both wires, with the codec `K`: the client's first bytes tell which.
///
/// It is what a server speaks unless its builder says otherwise.
#[derive(Debug)]
pub struct Both<K>(PhantomData<fn() -> K>);

impl<K: Codec> Protocol for Both<K> {
    type Codec = K;
    type Local<'l> = &'l Offer;
    type Progress = Progress;
}

impl<K: Codec> ServerProtocol for Both<K> {
    const HAS_SESSIONS: bool = true;
    type Offer = Offer;
    type With<Other: Codec> = Both<Other>;
    type Unexplained = Self;

    fn offer<C: Request, const N: usize>(program: &'static str) -> Result<Offer, OfferError> {
        if is_command::<C, K>() {
            return Err(OfferError::Ambiguous);
        }
        Offer::with_capacity::<C, K, N>(program)
    }

    fn local(offer: &Offer) -> &Offer {
        offer
    }

    // Out of line, the command would go through memory.
    #[inline(always)]
    fn take<C: Request, const N: usize>(
        offer: &&Offer,
        progress: &mut Progress,
        input: &mut Buffer<N>,
        output: &mut Buffer<N>,
    ) -> Result<Option<(C, usize)>, Refused> {
        if matches!(progress.phase, Phase::Undecided | Phase::Bare) {
            if progress.phase == Phase::Undecided && !decide(progress, input) {
                return Ok(None);
            }
            if progress.phase == Phase::Bare {
                return bare::take::<C, K, N>(input);
            }
        }
        Session::<K>::take::<C, N>(offer, progress, input, output)
    }

    #[inline(always)]
    fn reply<R: Serialize>(progress: &Progress, response: &R, spare: &mut [u8]) -> Result<usize, EncodeError> {
        if progress.phase == Phase::Bare {
            return K::encode(response, spare);
        }
        Session::<K>::reply(progress, response, spare)
    }

    fn refuse<const N: usize>(
        progress: &Progress,
        output: &mut Buffer<N>,
        code: Code,
        number: usize,
        reason: &dyn Display,
    ) {
        if progress.phase != Phase::Bare {
            Session::<K>::refuse(progress, output, code, number, reason);
        }
    }

    fn takes_several(progress: &Progress) -> bool {
        progress.phase != Phase::Bare
    }

    fn item<R: Serialize>(progress: &Progress, item: &R, spare: &mut [u8]) -> Result<usize, EncodeError> {
        Session::<K>::item(progress, item, spare)
    }

    fn hear<const N: usize>(progress: &Progress, input: &mut Buffer<N>) -> Heard {
        if progress.phase == Phase::Bare { Heard::NextCommand } else { Session::<K>::hear(progress, input) }
    }

    fn break_off<const N: usize>(progress: &mut Progress, input: &Buffer<N>) -> bool {
        progress.phase != Phase::Bare && Session::<K>::break_off(progress, input)
    }
}

/// Finds out which wire the client speaks. Whether that is certain.
fn decide<const N: usize>(progress: &mut Progress, input: &mut Buffer<N>) -> bool {
    let there = input.bytes();
    if !begins_as_a_session(there) {
        progress.phase = Phase::Bare;
        return true;
    }
    if there.len() < PREFACE.len() {
        let missing = PREFACE.len() - there.len();
        if !there.is_empty() {
            input.wait_for(missing);
        }
        return false;
    }
    progress.phase = Phase::Hello;
    true
}

/// Whether the first bytes of a session might be a command, or the beginning of one.
pub(super) fn is_command<C: Request, K: Codec>() -> bool {
    use crate::codec::PrefixError;

    match K::decode_prefix::<C>(&PREFACE, u32::MAX as usize) {
        Ok(_) | Err(PrefixError::Incomplete { .. }) => true,
        Err(PrefixError::BeyondCapacity | PrefixError::NotSelfDescribing | PrefixError::Malformed) => false,
    }
}
