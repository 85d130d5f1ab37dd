//! Whether a type knows two names as those of two things.

use serde::Deserialize;

use super::format::{END, SLOT, STRUCT, VARIANT};
use super::text::Traced;
use super::walk::{Head, Name, Walk};

/// Whether `one` and `other` are names of two variants of `T`'s enum `of`, or of two fields of its struct or struct variant `of`.
///
/// It says yes as well if `T` has nothing that is called so: nobody knows then.
pub(crate) fn apart<T: Deserialize<'static>>(is_enum: bool, of: &str, one: &str, other: &str) -> bool {
    let source = Traced::new::<T>();
    let question = Question { walk: Walk { source: &source }, is_enum, of, one, other };
    question.answer().unwrap_or(true)
}

struct Question<'s, 'n> {
    walk: Walk<'s, Traced>,
    is_enum: bool,
    of: &'n str,
    one: &'n str,
    other: &'n str,
}

impl Question<'_, '_> {
    fn answer(&self) -> Option<bool> {
        let walk = self.walk;
        let mut at = walk.definitions()?;
        let mut is_known = false;
        while !walk.is(at, END) {
            let head = walk.head(at)?;
            let is_it = self.is(head.name, self.of);
            if head.is_enum {
                let (names, count) = walk.names_of_variants(head.content)?;
                if self.is_enum && is_it {
                    is_known = true;
                    if self.is_apart(names, count)? {
                        return Some(true);
                    }
                }
                if !self.is_enum && self.is_apart_in_variant(head, names, &mut is_known)? {
                    return Some(true);
                }
            } else if !self.is_enum && is_it {
                is_known = true;
                let (names, count) = walk.names_of_fields(head.content)?;
                if self.is_apart(names, count)? {
                    return Some(true);
                }
            }
            at = walk.skip_definition(at)?;
        }
        Some(!is_known)
    }

    fn is_apart_in_variant(&self, head: Head, mut names: usize, is_known: &mut bool) -> Option<bool> {
        let walk = self.walk;
        let mut at = head.content;
        while walk.is(at, VARIANT) {
            let content = at + 1 + SLOT;
            if walk.is(content, STRUCT) && self.has(names, self.of)? {
                *is_known = true;
                let (names, count) = walk.names_of_fields(content + 1)?;
                if self.is_apart(names, count)? {
                    return Some(true);
                }
            }
            names = walk.skip_names(names)?;
            at = walk.skip_variant(at)?;
        }
        Some(false)
    }

    /// Whether the two are among `count` things that have their names at `names`, and not of the same.
    fn is_apart(&self, mut names: usize, count: usize) -> Option<bool> {
        let (mut ones, mut others) = (None, None);
        for index in 0..count {
            if ones.is_none() && self.has(names, self.one)? {
                ones = Some(index);
            }
            if others.is_none() && self.has(names, self.other)? {
                others = Some(index);
            }
            names = self.walk.skip_names(names)?;
        }
        Some(others.is_some() && ones != others)
    }

    fn has(&self, mut at: usize, name: &str) -> Option<bool> {
        loop {
            let one = self.walk.name(at)?;
            if self.is(one, name) {
                return Some(true);
            }
            if !one.more {
                return Some(false);
            }
            at = one.next;
        }
    }

    fn is(&self, one: Name, name: &str) -> bool {
        one.length == name.len()
            && name.bytes().enumerate().all(|(index, byte)| self.walk.byte(one.at + index) == Some(byte))
    }
}
