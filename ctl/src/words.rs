//! The words of a command line to the value of a form.

use std::time::Duration;

use ipc_server::layout::{Fields, Kind, Node};

use crate::failure::Failure;
use crate::scalar::{bytes, scalar};
use crate::value::Value;
use crate::wanted::{COMMAND, missing, no_field, structure, unfit, variant, within};
use crate::{json, seconds};

/// What the operator wants beside the command. It may stand before the command and behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) json: bool,
    pub(crate) follow: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) help: bool,
}

/// The words that are still to be read.
struct Words<'w, 'd> {
    words: &'w [String],
    /// Whether a `--` has come, behind which nothing is an option.
    is_literal: bool,
    options: Options,
    /// What the next word may be, where the words end first.
    expected: Option<Vec<String>>,
    /// The structs that are being read, and where. Their fields come before our own options.
    open: Vec<(String, Fields<'d>)>,
}

/// The value of `form` that all of `words` say, and what is wanted beside it.
pub(crate) fn read(form: Node<'_>, words: &[String], options: Options) -> Result<(Option<Value>, Options), Failure> {
    let mut reader = Words { words, is_literal: false, options, expected: None, open: Vec::new() };
    let read = reader.value(COMMAND, form);
    // Our options may be the last words.
    let rest = if read.is_ok() { reader.peek() } else { Ok(None) };
    if reader.options.help {
        return Ok((None, reader.options));
    }
    let read = read?;
    match rest? {
        None => Ok((Some(read), reader.options)),
        Some(word) => Err(Failure::usage(format!("there is a word too many: {word}"))),
    }
}

/// What may follow `words`.
pub(crate) fn following(form: Node<'_>, words: &[String]) -> Vec<String> {
    let mut reader = Words { words, is_literal: false, options: Options::default(), expected: None, open: Vec::new() };
    let _ = reader.value(COMMAND, form);
    // Where a word does not fit, the words have no end.
    if reader.words.is_empty() { reader.expected.unwrap_or_default() } else { Vec::new() }
}

impl<'w, 'd> Words<'w, 'd> {
    /// Notes what the next word may be, if there is none and nothing was expected before.
    fn expect(&mut self, names: impl FnOnce() -> Vec<String>) {
        if self.words.is_empty() && self.expected.is_none() {
            self.expected = Some(names());
        }
    }

    /// The next word, if it is none of our options and no field's name.
    fn peek(&mut self) -> Result<Option<&'w str>, Failure> {
        loop {
            let Some(word) = self.words.first() else { return Ok(None) };
            if self.is_literal {
                return Ok(Some(word));
            }
            if word == "--" {
                self.is_literal = true;
                self.words = self.words.get(1..).unwrap_or_default();
                continue;
            }
            let Some((name, value)) = option(word) else { return Ok(Some(word)) };
            if self.open.iter().any(|(_, fields)| field(*fields, name).is_some()) {
                return Ok(None);
            }
            self.words = self.words.get(1..).unwrap_or_default();
            match (name, value) {
                ("json", None) => self.options.json = true,
                ("follow", None) => self.options.follow = true,
                ("help", None) => self.options.help = true,
                ("timeout", value) => {
                    let text = match value {
                        Some(value) => value,
                        None => self.next("--timeout")?,
                    };
                    self.options.timeout =
                        Some(seconds(text).map_err(|error| Failure::usage(format!("--timeout: {error}")))?);
                }
                _ => {
                    return Err(match self.open.last() {
                        Some((place, fields)) => no_field(place, *fields, name),
                        None => Failure::usage(format!("there is no option --{name}: text like this goes behind --")),
                    });
                }
            }
        }
    }

    fn next(&mut self, place: &str) -> Result<&'w str, Failure> {
        let Some((word, rest)) = self.words.split_first() else {
            return Err(Failure::usage(format!("{place} is missing")));
        };
        self.words = rest;
        Ok(word)
    }

    /// One value.
    fn value(&mut self, place: &str, form: Node<'d>) -> Result<Value, Failure> {
        let kind = form.kind();
        if let Kind::Struct(fields) = kind {
            // Names of its own fields are not our options.
            self.open.push((place.to_owned(), fields));
            let read = self.structure(place, form, fields);
            self.open.pop();
            return read;
        }
        if let Kind::Unit = kind {
            return Ok(Value::Unit);
        }
        let Some(word) = self.peek()? else {
            self.expect(|| choices(kind));
            return if let Kind::Option(_) = kind { Ok(Value::None) } else { Err(missing(place, form)) };
        };
        match kind {
            Kind::Option(inner) => {
                match word {
                    "none" => {
                        self.next(place)?;
                        return Ok(Value::None);
                    }
                    "some" => {
                        self.next(place)?;
                    }
                    // It is for what comes behind.
                    _ if matches!(inner.kind(), Kind::Unit) => return Ok(Value::None),
                    _ => {}
                }
                self.value(place, inner).map(|value| Value::Some(Box::new(value)))
            }
            Kind::String => self.next(place).map(|word| Value::Text(word.to_owned())),
            Kind::Sequence(_) | Kind::Tuple(_) if word.starts_with('[') => self.json(place, form),
            Kind::Map(..) if word.starts_with(['{', '[']) => self.json(place, form),
            Kind::Enum(_) if word.starts_with('{') => self.json(place, form),
            Kind::Sequence(element) => {
                if let (Kind::Unsigned(8), Some(bytes)) = (element.kind(), bytes(word)) {
                    self.next(place)?;
                    return Ok(bytes);
                }
                let mut list = Vec::new();
                while self.peek()?.is_some() {
                    let before = self.words.len();
                    list.push(self.value(&format!("{place}[{}]", list.len()), element)?);
                    if self.words.len() == before {
                        return Err(unfit(place, form, word));
                    }
                }
                Ok(Value::List(list))
            }
            Kind::Tuple(elements) => {
                let elements = elements.enumerate();
                let list = elements.map(|(index, element)| self.value(&format!("{place}[{index}]"), element));
                Ok(Value::List(list.collect::<Result<_, _>>()?))
            }
            Kind::Map(key, element) => {
                let mut map = Vec::new();
                while let Some(word) = self.peek()? {
                    let (name, text) = word.split_once('=').ok_or_else(|| unfit(place, form, word))?;
                    self.next(place)?;
                    let key = json::key(place, key, name)?;
                    map.push((key, self.of_one_word(&within(place, name), element, text)?));
                }
                Ok(Value::Map(map))
            }
            Kind::Enum(variants) => {
                let variant = variant(place, variants, self.next(place)?)?;
                let name = variant.names().find(|name| *name == word).unwrap_or_default();
                let place = within(place, name);
                let content = match (self.words, variant.content()) {
                    // One value for all that it carries.
                    ([word], Kind::Struct(_)) if word.starts_with('{') => self.json(&place, variant.form())?,
                    _ => self.value(&place, variant.form())?,
                };
                Ok(Value::variant(name, content))
            }
            Kind::Opaque => Err(unfit(place, form, word)),
            kind => {
                let value = scalar(kind, word).ok_or_else(|| unfit(place, form, word))?;
                self.next(place)?;
                Ok(value)
            }
        }
    }

    /// A value that is one word, or JSON.
    fn of_one_word(&mut self, place: &str, form: Node<'d>, word: &str) -> Result<Value, Failure> {
        let words = [word.to_owned()];
        let mut reader =
            Words { words: &words, is_literal: true, options: self.options, expected: None, open: Vec::new() };
        let value = reader.value(place, form)?;
        if reader.words.is_empty() { Ok(value) } else { Err(unfit(place, form, word)) }
    }

    fn json(&mut self, place: &str, form: Node<'d>) -> Result<Value, Failure> {
        let word = self.next(place)?;
        json::value(place, form, &json::parse(place, word)?)
    }

    /// Whether the next word names one of these fields.
    fn field_here(&self, fields: Fields<'d>) -> bool {
        let word = self.words.first().filter(|_| !self.is_literal);
        word.and_then(|word| option(word)).is_some_and(|(name, _)| field(fields, name).is_some())
    }

    /// Whether the next word names a field of the struct that is the field at `index`.
    fn is_field_within(&self, mut fields: Fields<'d>, index: usize) -> bool {
        match fields.nth(index).map(|(_, field)| field.kind()) {
            Some(Kind::Struct(inner)) => self.field_here(inner),
            _ => false,
        }
    }

    /// Fields by their names, and in their order.
    fn structure(&mut self, place: &str, form: Node<'d>, fields: Fields<'d>) -> Result<Value, Failure> {
        if let Some(word) = self.peek()? {
            if word.starts_with('{') {
                return self.json(place, form);
            }
        }
        let mut values: Vec<Option<Value>> = fields.map(|_| None).collect();
        loop {
            if let Some((name, value)) = self.words.first().filter(|_| !self.is_literal).and_then(|word| option(word)) {
                if let Some((index, field)) = field(fields, name) {
                    self.next(place)?;
                    let place = within(place, name);
                    let read = match (value, field.kind()) {
                        (Some(text), _) => self.of_one_word(&place, field, text)?,
                        // The name alone is enough.
                        (None, Kind::Bool) if !matches!(self.peek()?, Some("true" | "false")) => Value::Bool(true),
                        (None, _) => self.value(&place, field)?,
                    };
                    match values.get_mut(index) {
                        Some(slot @ None) => *slot = Some(read),
                        _ => return Err(Failure::usage(format!("{place}: it is given twice"))),
                    }
                    continue;
                }
            }
            let Some(index) = values.iter().position(Option::is_none) else { break };
            if !self.is_field_within(fields, index) && self.peek()?.is_none() {
                // An option of ours may have stood before a field.
                if self.field_here(fields) {
                    continue;
                }
                self.expect(|| names(fields, &values, index));
                break;
            }
            let Some((mut names, field)) = fields.into_iter().nth(index) else { break };
            let read = self.value(&within(place, names.next().unwrap_or_default()), field)?;
            if let Some(slot) = values.get_mut(index) {
                *slot = Some(read);
            }
        }
        structure(place, fields, values)
    }
}

/// The words that a value may begin with, if they are few.
fn choices(kind: Kind<'_>) -> Vec<String> {
    match kind {
        Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
        Kind::Enum(variants) => variants.flat_map(|variant| variant.names()).map(str::to_owned).collect(),
        Kind::Option(inner) => [vec!["none".to_owned()], choices(inner.kind())].concat(),
        _ => Vec::new(),
    }
}

/// What may come next in a struct: the value at `index`, or the name of a field.
fn names(fields: Fields<'_>, values: &[Option<Value>], index: usize) -> Vec<String> {
    let next = fields.into_iter().nth(index).map(|(_, field)| choices(field.kind()));
    let missing = fields.zip(values).filter(|(_, value)| value.is_none());
    let names = missing.flat_map(|((names, _), _)| names).map(|name| format!("--{name}"));
    next.unwrap_or_default().into_iter().chain(names).collect()
}

/// The name behind `--`, and the value behind `=`.
fn option(word: &str) -> Option<(&str, Option<&str>)> {
    if word == "-h" {
        return Some(("help", None));
    }
    let name =
        word.strip_prefix("--").filter(|name| name.starts_with(|first: char| first.is_alphabetic() || first == '_'))?;
    Some(name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value))))
}

/// The field that is called so, with `-` for `_` as well.
fn field<'d>(fields: Fields<'d>, name: &str) -> Option<(usize, Node<'d>)> {
    fields.field(name).or_else(|| fields.field(&name.replace('-', "_")))
}
