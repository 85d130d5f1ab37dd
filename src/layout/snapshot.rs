//! A layout held against the text that its author keeps.

use core::fmt::{self, Write};
use core::marker::PhantomData;

use serde::Deserialize;

use super::changes::changes;
use super::description::Description;
use super::parse::parse;
use super::{describe, text};

/// How long a description may be of which the changes are listed.
const LONGEST: usize = 8192;

/// The layout of `T` is not the stored one. Printed, it lists the changes, and the new text.
pub struct SnapshotError<'s, T> {
    stored: &'s str,
    of: PhantomData<fn() -> T>,
}

/// Whether the layout of `T` is the `stored` one.
pub(super) fn snapshot<T: Deserialize<'static>>(stored: &str) -> Result<(), SnapshotError<'_, T>> {
    let stored = stored.trim_end();
    let mut expected = Expected { rest: stored };
    let is_same = text::<T>().is_ok_and(|text| write!(expected, "{text}").is_ok()) && expected.rest.is_empty();
    if is_same { Ok(()) } else { Err(SnapshotError { stored, of: PhantomData }) }
}

/// Takes only what is expected.
struct Expected<'s> {
    rest: &'s str,
}

impl Write for Expected<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars() {
            // Git may have stored the file with other ends of lines.
            self.rest = if character == '\n' { self.rest.strip_prefix('\r').unwrap_or(self.rest) } else { self.rest };
            self.rest = self.rest.strip_prefix(character).ok_or(fmt::Error)?;
        }
        Ok(())
    }
}

impl<T: Deserialize<'static>> SnapshotError<'_, T> {
    fn write_changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut old, mut new) = ([0; LONGEST], [0; LONGEST]);
        let old = parse(self.stored, &mut old).and_then(|length| Description::validate(old.get_mut(..length)?).ok());
        let new = match describe::<T>(0, &mut new) {
            Ok(length) if length < LONGEST => new.get_mut(..length).and_then(|new| Description::validate(new).ok()),
            Ok(_) => None,
            Err(error) => return write!(f, "the type has no layout: {error}"),
        };
        let (Some(old), Some(new)) = (old, new) else {
            return f.write_str("the stored text is no layout, or one of the two is too long to compare\n");
        };
        let mut result = Ok(());
        let mut is_any = false;
        changes(old, new, &mut |change| {
            is_any = true;
            result = result.and_then(|()| writeln!(f, "- {change}"));
        });
        if !is_any {
            result = result.and_then(|()| f.write_str("- only names of types or aliases\n"));
        }
        result
    }
}

impl<T: Deserialize<'static>> fmt::Display for SnapshotError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the layout is not the stored one:\n")?;
        self.write_changes(f)?;
        match text::<T>() {
            Ok(text) => write!(f, "If that is meant, store this:\n{text}"),
            Err(_) => Ok(()),
        }
    }
}

impl<T: Deserialize<'static>> fmt::Debug for SnapshotError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Deserialize<'static>> core::error::Error for SnapshotError<'_, T> {}
