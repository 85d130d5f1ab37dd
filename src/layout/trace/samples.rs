//! Which sample each request of a run is given.
//!
//! Requests are counted from the start of a run, and most are given the first sample of their kind. Where a type refuses
//! that, the run is repeated with another. The one that was given last is usually the one refused. When it has no other
//! samples, all of the container that refused are raised together, for a type may compare its parts. At last an option
//! becomes `None`, a list empty and an enum another variant.

use super::super::LayoutError;

/// Integers in the order in which they are given.
pub(super) const INTEGERS: [u8; 4] = [1, 0, 2, 100];
pub(super) const CHARACTERS: [char; 4] = ['a', 'A', '0', ' '];
pub(super) const TEXTS: [&str; 12] = [
    "a",
    "",
    "1",
    "1.0.0",
    "1970-01-01",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "00:00:00",
    "127.0.0.1",
    "a:b",
    "Mon",
    "00000000-0000-0000-0000-000000000001",
];
pub(super) const BYTES: [usize; 8] = [16, 0, 1, 4, 6, 8, 12, 32];
/// The last of these is given only where the others failed, and what they showed of the elements is known.
pub(super) const LENGTHS: [u8; 5] = [1, 2, 3, 4, 0];
/// Of lists that need not be looked into.
pub(super) const SHORT_LENGTHS: [u8; 5] = [0, 1, 2, 3, 4];

const RAISES: usize = 6;
/// How many requests around a failed one can be given something else.
const FRAMES: usize = 16;

/// What a request is given in place of its first sample.
#[derive(Clone, Copy)]
pub(super) struct Override {
    request: u16,
    choice: u8,
    /// How much of the description lies within an option or a list that stays empty from now on.
    skip: u16,
    /// The sum of that.
    sum: u32,
}

impl Override {
    pub(super) const NONE: Self = Self { request: 0, choice: 0, skip: 0, sum: 0 };
}

/// An open option, list or enum.
#[derive(Clone, Copy, Default)]
pub(super) struct Frame {
    pub(super) request: u16,
    pub(super) choices: u8,
    /// Whether the last choice leaves out what is to be described.
    pub(super) sealing: bool,
}

/// The open options, lists and enums of a run. When it fails they stay as they were.
#[derive(Clone, Copy)]
pub(super) struct Frames {
    open: [Frame; FRAMES],
    depth: u8,
}

impl Frames {
    pub(super) const NONE: Self = Self { open: [Frame { request: 0, choices: 0, sealing: false }; FRAMES], depth: 0 };

    pub(super) fn push(&mut self, frame: Frame) {
        if let Some(place) = self.open.get_mut(usize::from(self.depth)) {
            *place = frame;
        }
        self.depth += 1;
    }

    pub(super) fn close_all(&mut self) {
        self.depth = 0;
    }

    pub(super) fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn choices_of(&self, request: u16) -> u8 {
        self.open.iter().take(self.depth.into()).find(|frame| frame.request == request).map_or(0, |frame| frame.choices)
    }
}

/// Where and how a run failed.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    /// The first request of the container that refused.
    pub(super) from: u16,
    /// How many requests there were.
    pub(super) given: u16,
    /// How many choices the last one has.
    pub(super) choices: u8,
    /// The most that any has.
    pub(super) most: u8,
    /// Whether a single value was refused.
    pub(super) leaf: bool,
}

/// What to do after a failure.
pub(super) enum Next {
    Retry,
    /// Describe what is open within this request as opaque, then retry with it empty.
    Seal(u16),
    GiveUp,
}

/// Requests that are given later samples together.
#[derive(Clone, Copy, Default)]
struct Raise {
    from: u16,
    to: u16,
    choice: u8,
}

pub(super) struct Samples<'a> {
    overrides: &'a mut [Override],
    length: usize,
    raises: [Raise; RAISES],
    raised: usize,
    /// Whether the last of them is still being tried.
    is_raising: bool,
}

impl<'a> Samples<'a> {
    pub(super) fn new(overrides: &'a mut [Override]) -> Self {
        Self { overrides, length: 0, raises: [Raise::default(); RAISES], raised: 0, is_raising: false }
    }

    /// The number of the sample for `request`, which is raised with others as far as `raisable`.
    pub(super) fn choice(&self, request: u16, raisable: u8) -> u8 {
        let set = self.in_force().iter().find(|one| one.request == request).map_or(0, |one| one.choice);
        let raises = self.raises.iter().take(self.raised).filter(|raise| (raise.from..=raise.to).contains(&request));
        raises.fold(set, |choice, raise| choice.max(raise.choice.min(raisable)))
    }

    /// How much of the description `request` no longer shows, and its sum.
    pub(super) fn skip(&self, request: u16) -> (u16, u32) {
        self.in_force().iter().find(|one| one.request == request).map_or((0, 0), |one| (one.skip, one.sum))
    }

    /// Forgets what was learned of `request` and those after it.
    pub(super) fn forget_from(&mut self, request: u16) {
        let mut kept = 0;
        for index in 0..self.length {
            let Some(&one) = self.overrides.get(index) else { break };
            if one.request < request {
                if let Some(place) = self.overrides.get_mut(kept) {
                    *place = one;
                }
                kept += 1;
            }
        }
        self.length = kept;
        while self.raises.get(self.raised.wrapping_sub(1)).is_some_and(|raise| raise.to >= request) {
            self.raised -= 1;
        }
        self.is_raising = false;
    }

    /// Gives `request` the sample `choice` from now on.
    pub(super) fn set(&mut self, request: u16, choice: u8, (skip, sum): (u16, u32)) -> Result<(), LayoutError> {
        let new = Override { request, choice, skip, sum };
        if let Some(found) = self.overrides.iter_mut().take(self.length).find(|one| one.request == request) {
            *found = new;
            return Ok(());
        }
        *self.overrides.get_mut(self.length).ok_or(LayoutError::TooManySamples)? = new;
        self.length += 1;
        Ok(())
    }

    /// What to try after `failure`.
    pub(super) fn advance(&mut self, failure: &Failure, frames: &Frames) -> Result<Next, LayoutError> {
        let last = failure.given.checked_sub(1);
        let raise = self.raises.get_mut(self.raised.wrapping_sub(1)).filter(|_| self.is_raising);
        let raise = raise.filter(|raise| last.is_none_or(|last| last <= raise.to));
        if let Some(raise) = raise {
            raise.choice += 1;
            if raise.choice < failure.most {
                return Ok(Next::Retry);
            }
            self.raised -= 1;
            self.is_raising = false;
        } else if let Some(last) = last.filter(|&last| last >= failure.from) {
            // If raising others helped, it is something else that fails now.
            self.is_raising = false;
            let choice = self.choice(last, 0) + 1;
            if choice < failure.choices {
                self.set(last, choice, (0, 0))?;
                return Ok(Next::Retry);
            }
            self.forget_from(last);
            if !failure.leaf && last > failure.from {
                let raise = self.raises.get_mut(self.raised).ok_or(LayoutError::TooManySamples)?;
                *raise = Raise { from: failure.from, to: last, choice: 1 };
                self.raised += 1;
                self.is_raising = true;
                return Ok(Next::Retry);
            }
        }
        self.leave_out(frames)
    }

    /// Another choice for the innermost open frame that has one.
    pub(super) fn leave_out(&mut self, frames: &Frames) -> Result<Next, LayoutError> {
        for frame in frames.open.iter().take(frames.depth.into()).rev() {
            let choice = self.choice(frame.request, 0) + 1;
            if choice >= frame.choices {
                continue;
            }
            if frame.sealing && choice + 1 == frame.choices {
                return Ok(Next::Seal(frame.request));
            }
            self.forget_from(frame.request);
            self.set(frame.request, choice, (0, 0))?;
            return Ok(Next::Retry);
        }
        Ok(Next::GiveUp)
    }

    fn in_force(&self) -> &[Override] {
        self.overrides.get(..self.length).unwrap_or_default()
    }
}

/// A decimal number, modulo 2<sup>64</sup>.
pub(super) fn number(text: &str) -> i64 {
    let number = digits(text).fold(0_i64, |number, digit| number.wrapping_mul(10).wrapping_add(digit.into()));
    if text.starts_with('-') { number.wrapping_neg() } else { number }
}

/// The same modulo 2<sup>128</sup>.
pub(super) fn long_number(text: &str) -> i128 {
    let number = digits(text).fold(0_i128, |number, digit| number.wrapping_mul(10).wrapping_add(digit.into()));
    if text.starts_with('-') { number.wrapping_neg() } else { number }
}

fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0')
}
