//! A layout as Rust-like text.

use core::cell::{Cell, RefCell};
use core::fmt::{self, Write};
use core::marker::PhantomData;

use serde::Deserialize;

use super::LayoutError;
use super::format::{
    BOOL, CHAR, END, F32, F64, I8, I16, I32, I64, I128, MAP, OPTION, REFERENCE, REFUSED, SEQUENCE, SLOT, STRING,
    STRUCT, TUPLE, U8, U16, U32, U64, U128, UNIT,
};
use super::walk::{Head, MAX_NESTING, Name, Source, Walk};

/// The layout of `T` as text. It prints a line for each struct and enum, in the order in which they are met.
///
/// It is traced while it is printed, again for every few hundred bytes of the description. So it needs no memory.
pub struct Text<T> {
    of: PhantomData<fn() -> T>,
}

impl<T: Deserialize<'static>> Text<T> {
    pub(super) fn new() -> Result<Self, LayoutError> {
        super::describe::<T>(0, &mut []).map(|_| Self { of: PhantomData })
    }
}

impl<T: Deserialize<'static>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&Traced::new::<T>(), f)
    }
}

impl<T: Deserialize<'static>> fmt::Debug for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How much of a description is traced at once.
const WINDOW: usize = 512;

/// A description of which a part is traced when it is asked for.
///
/// It does not depend on the type, so that the code that reads descriptions is there once.
pub(super) struct Traced {
    window: RefCell<[u8; WINDOW]>,
    start: Cell<usize>,
    length: Cell<usize>,
    describe: fn(usize, &mut [u8]) -> Result<usize, LayoutError>,
}

impl Traced {
    pub(super) fn new<T: Deserialize<'static>>() -> Self {
        let window = RefCell::new([0; WINDOW]);
        Self { window, start: Cell::new(0), length: Cell::new(0), describe: super::describe::<T> }
    }
}

impl Source for Traced {
    fn byte(&self, at: usize) -> Option<u8> {
        let (start, length) = (self.start.get(), self.length.get());
        if at < start || at >= start + length {
            // Readers go forward, and often back a little.
            let start = at.saturating_sub(WINDOW / 4);
            let length = (self.describe)(start, &mut *self.window.try_borrow_mut().ok()?).ok()?;
            self.start.set(start);
            self.length.set(length);
        }
        let within = at - self.start.get();
        if within >= self.length.get() {
            return None;
        }
        self.window.try_borrow().ok()?.get(within).copied()
    }
}

/// Prints the description in `source`.
pub(super) fn write<S: Source + ?Sized>(source: &S, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    Printer { walk: Walk { source }, f }.description().unwrap_or(Err(fmt::Error))
}

/// Prints the node at `at`, which may be the fields of a struct variant.
pub(super) fn write_node<S: Source + ?Sized>(source: &S, at: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut printer = Printer { walk: Walk { source }, f };
    let printed = if printer.walk.is(at, STRUCT) { printer.fields(at + 1) } else { printer.node(at) };
    printed.unwrap_or(Err(fmt::Error))
}

/// Prints what can be in the place of the form at `at`: an enum's variants, a struct's fields in braces, or the form.
pub(super) fn write_known<S: Source + ?Sized>(source: &S, at: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    Printer { walk: Walk { source }, f }.known(at).unwrap_or(Err(fmt::Error))
}

struct Printer<'s, 'f, 'b, S: Source + ?Sized> {
    walk: Walk<'s, S>,
    f: &'f mut fmt::Formatter<'b>,
}

/// `None`: the source is no description.
type Printed = Option<fmt::Result>;

/// Goes on unless the formatter gave up.
macro_rules! print {
    ($result:expr) => {
        if $result.is_err() {
            return Some(Err(fmt::Error));
        }
    };
}

impl<S: Source + ?Sized> Printer<'_, '_, '_, S> {
    fn description(&mut self) -> Printed {
        let end = self.walk.end_of_node(1, MAX_NESTING)?;
        let mut at = self.walk.skip_mark(end);
        let is_definition = self.walk.is(1, REFERENCE) && at == end;
        if !is_definition {
            print!(self.node(1)?);
        }
        let mut is_first = is_definition;
        while !self.walk.is(at, END) {
            if !is_first {
                print!(self.f.write_char('\n'));
            }
            is_first = false;
            print!(self.definition(at)?);
            at = self.walk.skip_definition(at)?;
        }
        Some(Ok(()))
    }

    fn definition(&mut self, at: usize) -> Printed {
        let head = self.walk.head(at)?;
        print!(self.f.write_str(if head.is_enum { "enum " } else { "struct " }));
        print!(self.type_name(at, head)?);
        print!(self.f.write_char(' '));
        print!(if head.is_enum { self.variants(head.content)? } else { self.fields(head.content)? });
        let end = self.walk.end_of_definition(head)?;
        Some(if self.walk.is(end, REFUSED) { self.f.write_str(" opaque") } else { Ok(()) })
    }

    fn known(&mut self, at: usize) -> Printed {
        if self.walk.is(at, STRUCT) {
            return self.fields(at + 1);
        }
        if !self.walk.is(at, REFERENCE) {
            return self.node(at);
        }
        let (number, _) = self.walk.number(at + 1)?;
        let head = self.walk.head(self.walk.definition(number)?)?;
        if head.is_enum { self.list_of_variants(head.content) } else { self.fields(head.content) }
    }

    fn variants(&mut self, at: usize) -> Printed {
        let is_empty = self.walk.is(at, END);
        print!(self.f.write_str(if is_empty { "{" } else { "{ " }));
        print!(self.list_of_variants(at)?);
        Some(self.f.write_str(if is_empty { "}" } else { " }" }))
    }

    fn list_of_variants(&mut self, mut at: usize) -> Printed {
        let (mut names, count) = self.walk.names_of_variants(at)?;
        for index in 0..count {
            print!(self.f.write_str(if index == 0 { "" } else { ", " }));
            print!(self.names(names)?);
            names = self.walk.skip_names(names)?;
            print!(self.content(at + 1 + SLOT)?);
            at = self.walk.skip_variant(at)?;
        }
        Some(Ok(()))
    }

    /// What a variant carries.
    fn content(&mut self, at: usize) -> Printed {
        let is_refused = self.walk.is(self.walk.end_of_content(at)?, REFUSED);
        if is_refused && !self.walk.is(at, STRUCT) {
            return Some(self.f.write_str("(opaque)"));
        }
        match self.walk.byte(at)? {
            UNIT => Some(Ok(())),
            STRUCT => {
                print!(self.f.write_char(' '));
                print!(self.fields(at + 1)?);
                Some(if is_refused { self.f.write_str(" opaque") } else { Ok(()) })
            }
            TUPLE if !self.is_array(at) => self.node(at),
            _ => {
                print!(self.f.write_char('('));
                print!(self.node(at)?);
                Some(self.f.write_char(')'))
            }
        }
    }

    fn fields(&mut self, mut at: usize) -> Printed {
        let (mut names, count) = self.walk.names_of_fields(at)?;
        print!(self.f.write_char('{'));
        for index in 0..count {
            print!(self.f.write_str(if index == 0 { " " } else { ", " }));
            print!(self.names(names)?);
            names = self.walk.skip_names(names)?;
            print!(self.f.write_str(": "));
            print!(self.node(at)?);
            at = self.walk.skip_node(at, MAX_NESTING)?;
        }
        Some(self.f.write_str(if count == 0 { "}" } else { " }" }))
    }

    /// Whether the tuple at `at` prints as an array.
    fn is_array(&self, at: usize) -> bool {
        let walk = self.walk;
        let array = walk.repeat(at + 1).filter(|&(count, _)| count > 3);
        array.and_then(|(_, node)| walk.skip_node(node, MAX_NESTING)).is_some_and(|end| walk.is(end, END))
    }

    fn node(&mut self, at: usize) -> Printed {
        if self.walk.is(self.walk.end_of_node(at, MAX_NESTING)?, REFUSED) {
            return Some(self.f.write_str("opaque"));
        }
        let text = match self.walk.byte(at)? {
            UNIT => "()",
            BOOL => "bool",
            I8 => "i8",
            I16 => "i16",
            I32 => "i32",
            I64 => "i64",
            I128 => "i128",
            U8 => "u8",
            U16 => "u16",
            U32 => "u32",
            U64 => "u64",
            U128 => "u128",
            F32 => "f32",
            F64 => "f64",
            CHAR => "char",
            STRING => "String",
            OPTION => return self.around("Option<", at + 1, ">"),
            SEQUENCE => return self.around("[", at + 1, "]"),
            MAP => {
                print!(self.around("Map<", at + 1, ", ")?);
                let value = self.walk.skip_node(at + 1, MAX_NESTING)?;
                return self.around("", value, ">");
            }
            TUPLE => return self.tuple(at),
            REFERENCE => {
                let (number, _) = self.walk.number(at + 1)?;
                let at = self.walk.definition(number)?;
                return self.type_name(at, self.walk.head(at)?);
            }
            _ => "opaque",
        };
        Some(self.f.write_str(text))
    }

    fn around(&mut self, before: &str, node: usize, after: &str) -> Printed {
        print!(self.f.write_str(before));
        print!(self.node(node)?);
        Some(self.f.write_str(after))
    }

    fn tuple(&mut self, at: usize) -> Printed {
        let is_array = self.is_array(at);
        let mut at = at + 1;
        let mut elements = 0;
        if !is_array {
            print!(self.f.write_char('('));
        }
        while !self.walk.is(at, END) {
            let (count, node) = self.walk.repeat(at)?;
            let shown = if count > 3 { 1 } else { count };
            for _ in 0..shown {
                if elements > 0 {
                    print!(self.f.write_str(", "));
                }
                elements += 1;
                if count > 3 {
                    print!(self.f.write_str(if is_array { "[" } else { "..[" }));
                    print!(self.node(node)?);
                    print!(write!(self.f, "; {count}]"));
                } else {
                    print!(self.node(node)?);
                }
            }
            at = self.walk.skip_node(node, MAX_NESTING)?;
        }
        Some(match (is_array, elements) {
            (true, _) => Ok(()),
            (false, 1) => self.f.write_str(",)"),
            (false, _) => self.f.write_char(')'),
        })
    }

    /// The names of one field or variant.
    fn names(&mut self, mut at: usize) -> Printed {
        loop {
            let name = self.walk.name(at)?;
            print!(self.name(name)?);
            if !name.more {
                return Some(Ok(()));
            }
            print!(self.f.write_str(" | "));
            at = name.next;
        }
    }

    fn name(&mut self, name: Name) -> Printed {
        let mut at = name.at;
        while at < name.next {
            let mut bytes = [0; 4];
            let first = self.walk.byte(at)?;
            let length = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            for (index, byte) in bytes.iter_mut().take(length).enumerate() {
                *byte = self.walk.byte(at + index)?;
            }
            print!(self.f.write_str(core::str::from_utf8(bytes.get(..length)?).ok()?));
            at += length;
        }
        Some(Ok(()))
    }

    /// The name of the definition at `at`, with a number if others before it have the same name.
    fn type_name(&mut self, at: usize, head: Head) -> Printed {
        if head.name.length == 0 {
            print!(self.f.write_char('_'));
        }
        print!(self.name(head.name)?);
        let mut same = 1;
        let mut other = self.walk.definitions()?;
        while other < at {
            same += usize::from(self.is_same_name(self.walk.head(other)?.name, head.name));
            other = self.walk.skip_definition(other)?;
        }
        Some(if same > 1 { write!(self.f, "#{same}") } else { Ok(()) })
    }

    fn is_same_name(&self, one: Name, other: Name) -> bool {
        one.length == other.length
            && (0..one.length).all(|index| self.walk.byte(one.at + index) == self.walk.byte(other.at + index))
    }
}
