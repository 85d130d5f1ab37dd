//! The fingerprint of a description that was received.

use super::fingerprint::{Fingerprint, ROUNDS, with_reference};
use super::format::{END, MAP, OPTION, REFERENCE, REFUSED, SEQUENCE, SLOT, STRUCT, TUPLE, VARIANT};
use super::validate::MAX_RECEIVED_DEFINITIONS;
use super::walk::{MAX_NESTING, Walk};

/// What the description in `bytes`, which was validated, has for a fingerprint as `codec` writes it.
pub(super) fn fingerprint(bytes: &[u8], codec: &str) -> Fingerprint {
    let mut before = [0; MAX_RECEIVED_DEFINITIONS + 1];
    for _ in 0..=ROUNDS {
        let mut now = [0; MAX_RECEIVED_DEFINITIONS + 1];
        // A description that was validated has everything that is looked for here.
        let _ = round(bytes, &before, &mut now);
        before = now;
    }
    Fingerprint::of_type(codec, before.first().copied().unwrap_or(0))
}

/// The fingerprints of the root and of each definition, if those of what they refer to are `before`.
fn round(bytes: &[u8], before: &[u64], now: &mut [u64]) -> Option<()> {
    let walk = Walk { source: bytes };
    let mut start = 0;
    for fingerprint in now {
        let mut own = Fingerprint::NONE;
        let mut pieces = Pieces { bytes, walk, each: &mut |piece| own.add(piece), references: false };
        let end = pieces.definition(start)?;
        let mut all = own.to_u64();
        let mut fold = |number: &[u8]| {
            let reference = number.first().and_then(|&number| before.get(usize::from(number)));
            all = with_reference(all, reference.copied().unwrap_or(0));
        };
        Pieces { bytes, walk, each: &mut fold, references: true }.definition(start)?;
        *fingerprint = all;
        start = end;
        if walk.is(start, END) {
            break;
        }
    }
    Some(())
}

/// Goes over one definition: over what counts in itself, or over the numbers that it refers to.
struct Pieces<'d, 'e> {
    bytes: &'d [u8],
    walk: Walk<'d, [u8]>,
    each: &'e mut dyn FnMut(&[u8]),
    references: bool,
}

impl Pieces<'_, '_> {
    fn own(&mut self, piece: &[u8]) {
        if !self.references {
            (self.each)(piece);
        }
    }

    /// The definition at `at`, or the root at 0. Returns where it ends.
    fn definition(&mut self, at: usize) -> Option<usize> {
        if at == 0 {
            self.own(self.bytes.get(..1)?);
            return self.node(1, MAX_NESTING);
        }
        let head = self.walk.head(at)?;
        self.own(self.bytes.get(at..=at)?);
        if !head.is_enum {
            return self.fields(head.content);
        }
        let mut variant = head.content;
        while self.walk.is(variant, VARIANT) {
            self.own(&[VARIANT]);
            let content = variant + 1 + SLOT;
            variant = if self.walk.is(content, STRUCT) {
                self.own(&[STRUCT]);
                self.fields(content + 1)?
            } else {
                self.node(content, MAX_NESTING)?
            };
        }
        let end = self.walk.end_of_variants(head.content)?;
        self.own(self.bytes.get(variant..end)?);
        Some(self.mark(end))
    }

    fn fields(&mut self, at: usize) -> Option<usize> {
        let mut node = at;
        while !self.walk.is(node, END) {
            node = self.node(node, MAX_NESTING)?;
        }
        let end = self.walk.end_of_fields(at)?;
        self.own(self.bytes.get(node..end)?);
        Some(self.mark(end))
    }

    fn mark(&mut self, at: usize) -> usize {
        if self.walk.is(at, REFUSED) {
            self.own(&[REFUSED]);
        }
        self.walk.skip_mark(at)
    }

    fn node(&mut self, at: usize, depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let tag = self.walk.byte(at)?;
        self.own(&[tag]);
        let end = match tag {
            OPTION | SEQUENCE => self.node(at + 1, depth)?,
            MAP => {
                let value = self.node(at + 1, depth)?;
                self.node(value, depth)?
            }
            TUPLE => {
                let mut at = at + 1;
                while !self.walk.is(at, END) {
                    let (count, node) = self.walk.repeat(at)?;
                    if self.walk.is(node, REFERENCE) {
                        for _ in 1..count {
                            self.own(&[REFERENCE]);
                            self.reference(node)?;
                        }
                    } else {
                        self.own(self.bytes.get(at..node)?);
                    }
                    at = self.node(node, depth)?;
                }
                self.own(&[END]);
                at + 1
            }
            REFERENCE => {
                self.reference(at)?;
                self.walk.number(at + 1)?.1
            }
            _ => at + 1,
        };
        Some(self.mark(end))
    }

    fn reference(&mut self, at: usize) -> Option<()> {
        let number = self.bytes.get(at + 1..at + 2)?;
        if self.references {
            (self.each)(number);
        }
        Some(())
    }
}
