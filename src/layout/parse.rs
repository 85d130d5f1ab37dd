//! From the text of a layout back to a description.

use super::description::Description;
use super::fingerprint::leb128;
use super::format::{
    BOOL, CHAR, END, ENUM_DEFINITION, F32, F64, I8, I16, I32, I64, I128, MAP, OPAQUE, OPTION, REFERENCE, REFUSED,
    REPEAT, SEQUENCE, SLOT, STRING, STRUCT, STRUCT_DEFINITION, TUPLE, U8, U16, U32, U64, U128, UNIT, VARIANT, VERSION,
};
use super::walk::MAX_NESTING;

/// Writes the description that prints as `text` to `into`, and returns its length. `None` if it is no such text, or longer.
pub(super) fn parse(text: &str, into: &mut [u8]) -> Option<usize> {
    let mut parser = Parser { text, rest: text, into, written: 0, writes: true };
    parser.description()?;
    Some(parser.written)
}

impl<'d> Description<'d> {
    /// Reads the text that a description prints as, and writes the description to `into`. Nothing if the text is of none, or of
    /// one that does not fit.
    ///
    /// ```
    /// use ipc_server::layout::{self, Description};
    ///
    /// let (mut old, mut new) = ([0; 64], [0; 64]);
    /// let old = Description::parse("enum Command { Set(u8) }", &mut old).ok_or("it is one")?;
    /// let new = Description::parse("enum Command { Set(u16) }", &mut new).ok_or("it is one")?;
    /// layout::changes(old, new, &mut |change| assert_eq!(change.what, "the number got wider"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn parse(text: &str, into: &'d mut [u8]) -> Option<Self> {
        let length = parse(text.trim_end(), into)?;
        Self::validate(into.get_mut(..length)?).ok()
    }
}

struct Parser<'t, 'b> {
    text: &'t str,
    rest: &'t str,
    into: &'b mut [u8],
    written: usize,
    /// Names come before the forms in the text, and after them in the description: both are read twice.
    writes: bool,
}

const LEAVES: [(&str, u8); 17] = [
    ("()", UNIT),
    ("bool", BOOL),
    ("i8", I8),
    ("i16", I16),
    ("i32", I32),
    ("i64", I64),
    ("i128", I128),
    ("u8", U8),
    ("u16", U16),
    ("u32", U32),
    ("u64", U64),
    ("u128", U128),
    ("f32", F32),
    ("f64", F64),
    ("char", CHAR),
    ("String", STRING),
    ("opaque", OPAQUE),
];

impl<'t> Parser<'t, '_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        if self.writes {
            let end = self.written + bytes.len();
            self.into.get_mut(self.written..end)?.copy_from_slice(bytes);
            self.written = end;
        }
        Some(())
    }

    fn put_number(&mut self, number: usize) -> Option<()> {
        let (bytes, length) = leb128(number);
        self.put(bytes.get(..length)?)
    }

    fn takes(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.takes(token).then_some(())
    }

    /// Everything up to what ends a name.
    fn name(&mut self) -> Option<&'t str> {
        let end = self.rest.find([' ', ',', ':', '(', ')', '[', ']', '<', '>', ';', '\n']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(name)
    }

    fn description(&mut self) -> Option<()> {
        self.put(&[VERSION])?;
        if self.is_definition() {
            self.put(&[REFERENCE, 1])?;
        } else {
            self.node(MAX_NESTING)?;
            let _ = self.takes("\n");
        }
        while !self.rest.is_empty() {
            self.definition()?;
            if !self.takes("\n") {
                break;
            }
        }
        self.put(&[END])?;
        self.rest.is_empty().then_some(())
    }

    fn is_definition(&self) -> bool {
        self.rest.starts_with("enum ") || self.rest.starts_with("struct ")
    }

    fn definition(&mut self) -> Option<()> {
        let is_enum = self.takes("enum ");
        if !is_enum {
            self.expect("struct ")?;
        }
        let name = self.name()?;
        let name = name.split('#').next()?;
        self.put(&[if is_enum { ENUM_DEFINITION } else { STRUCT_DEFINITION }])?;
        self.put_number(name.len())?;
        self.put(name.as_bytes())?;
        self.put(&[0; 2 * SLOT])?;
        self.expect(" ")?;
        self.parts(is_enum)
    }

    /// Fields or variants in braces: first their forms, then their names.
    fn parts(&mut self, is_enum: bool) -> Option<()> {
        self.expect("{")?;
        let start = self.rest;
        let outer = self.writes;
        for is_first in [true, false] {
            self.rest = start;
            while !self.takes(" }") && !self.takes("}") {
                let _ = self.takes(",");
                self.expect(" ")?;
                self.writes = outer && !is_first;
                self.names()?;
                self.writes = outer && is_first;
                if is_enum { self.content()? } else { self.field()? }
            }
            self.writes = outer;
            if is_first {
                self.put(&[END])?;
            }
        }
        if self.takes(" opaque") { self.put(&[REFUSED]) } else { Some(()) }
    }

    fn names(&mut self) -> Option<()> {
        loop {
            let name = self.name()?;
            let more = self.takes(" | ");
            self.put_number(name.len() << 1 | usize::from(more))?;
            self.put(name.as_bytes())?;
            if !more {
                return Some(());
            }
        }
    }

    fn field(&mut self) -> Option<()> {
        self.expect(": ")?;
        self.node(MAX_NESTING)
    }

    fn content(&mut self) -> Option<()> {
        self.put(&[VARIANT])?;
        self.put(&[0; SLOT])?;
        if self.rest.starts_with(" {") {
            self.expect(" ")?;
            self.put(&[STRUCT])?;
            return self.parts(false);
        }
        if !self.rest.starts_with('(') {
            return self.put(&[UNIT]);
        }
        // One element is a newtype, unless a comma follows it.
        let (start, written, writes) = (self.rest, self.written, self.writes);
        self.expect("(")?;
        self.writes = false;
        let is_one = self.node(MAX_NESTING).is_some() && self.takes(")");
        (self.rest, self.written, self.writes) = (start, written, writes);
        if !is_one {
            return self.node(MAX_NESTING);
        }
        self.expect("(")?;
        self.node(MAX_NESTING)?;
        self.expect(")")
    }

    fn node(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if self.takes("()") {
            return self.put(&[UNIT]);
        }
        if self.takes("Option<") {
            self.put(&[OPTION])?;
            self.node(depth)?;
            return self.expect(">");
        }
        if self.takes("Map<") {
            self.put(&[MAP])?;
            self.node(depth)?;
            self.expect(", ")?;
            self.node(depth)?;
            return self.expect(">");
        }
        if self.rest.starts_with('[') {
            let Some(count) = self.count_of_array(depth) else {
                self.expect("[")?;
                self.put(&[SEQUENCE])?;
                self.node(depth)?;
                return self.expect("]");
            };
            self.put(&[TUPLE])?;
            self.repeated(count, depth)?;
            return self.put(&[END]);
        }
        if self.takes("(") {
            self.put(&[TUPLE])?;
            while !self.takes(")") {
                if self.takes("..") {
                    let count = self.count_of_array(depth)?;
                    self.repeated(count, depth)?;
                } else {
                    self.node(depth)?;
                }
                let _ = self.takes(", ") || self.takes(",");
            }
            return self.put(&[END]);
        }
        let name = self.name()?;
        if let Some(&(_, tag)) = LEAVES.iter().find(|(leaf, _)| *leaf == name) {
            return self.put(&[tag]);
        }
        let number = self.number_of(name)?;
        self.put(&[REFERENCE])?;
        self.put_number(number)
    }

    /// How many elements the array here has, if it is not a list.
    fn count_of_array(&mut self, depth: usize) -> Option<usize> {
        let (start, writes) = (self.rest, self.writes);
        self.writes = false;
        let mut count = None;
        if self.takes("[") && self.node(depth).is_some() && self.takes("; ") {
            count = self.name().and_then(|number| number.parse().ok());
        }
        (self.rest, self.writes) = (start, writes);
        count
    }

    fn repeated(&mut self, count: usize, depth: usize) -> Option<()> {
        self.put(&[REPEAT])?;
        self.put_number(count)?;
        self.expect("[")?;
        self.node(depth)?;
        self.expect("; ")?;
        self.name()?;
        self.expect("]")
    }

    /// The number of the definition that is called so.
    fn number_of(&self, name: &str) -> Option<usize> {
        let heads =
            self.text.lines().filter_map(|line| line.strip_prefix("enum ").or_else(|| line.strip_prefix("struct ")));
        heads.map(|head| head.split(' ').next()).position(|head| head == Some(name)).map(|index| index + 1)
    }
}
