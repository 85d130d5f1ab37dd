//! Types that are made up at random.
//!
//! A made-up type is interpreted: it asks serde for what a derived one would ask. So there can be thousands of them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use bincode::Options;
use ipc_server::layout::Fingerprint;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleVariant, Serializer,
};

use super::support::{fingerprint, text};

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Form {
    Unit,
    Bool,
    U8,
    I8,
    U16,
    I32,
    U32,
    U64,
    I64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Option(Box<Form>),
    List(Box<Form>),
    Map(Box<(Form, Form)>),
    Tuple(Vec<Form>),
    Newtype(Box<Form>),
    /// A struct or an enum.
    Named(usize),
}

pub(crate) const LEAVES: [Form; 15] = {
    use Form::{Bool, Bytes, Char, F32, F64, I8, I32, I64, Text, U8, U16, U32, U64, U128, Unit};
    [Unit, Bool, U8, I8, U16, I32, U32, U64, I64, U128, F32, F64, Char, Text, Bytes]
};

pub(crate) type Fields = Vec<(&'static str, Form)>;

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Payload {
    Unit,
    Newtype(Form),
    Tuple(Vec<Form>),
    Struct(Fields),
}

#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) parts: Parts,
}

#[derive(Clone, Debug)]
pub(crate) enum Parts {
    Fields(Fields),
    Variants(Vec<(&'static str, Payload)>),
}

/// A type: what it is, and the structs and enums that it is made of.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) root: Form,
    pub(crate) definitions: Vec<Definition>,
}

// --- at random ------------------------------------------------------------------------------------------------------

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

pub(crate) const FIELDS: [&str; 6] = ["a", "b", "c", "rate", "ra", "tea"];
pub(crate) const VARIANTS: [&str; 6] = ["A", "B", "C", "Get", "Set", "G"];
const NAMES: [&str; 6] = ["Command", "Mode", "Tree", "Level", "Limits", "Entry"];

/// Struct `n` may have those after it as parts, and any where there is a way out.
fn form(random: &mut Random, definitions: usize, from: usize, depth: usize) -> Form {
    let kind = if depth == 0 { 0 } else { random.below(14) };
    let within = |random: &mut Random, from| Box::new(form(random, definitions, from, depth - 1));
    match kind {
        7 => Form::Option(within(random, 0)),
        8 => Form::List(within(random, 0)),
        9 => {
            let key = LEAVES[random.below(LEAVES.len())].clone();
            Form::Map(Box::new((key, *within(random, 0))))
        }
        10 => Form::Tuple((0..1 + random.below(3)).map(|_| *within(random, from)).collect()),
        11 => Form::Newtype(within(random, from)),
        12.. if from < definitions => Form::Named(from + random.below(definitions - from)),
        _ => LEAVES[random.below(LEAVES.len())].clone(),
    }
}

fn names(random: &mut Random, of: &[&'static str], count: usize) -> Vec<&'static str> {
    let mut names = of.to_vec();
    while names.len() > count {
        names.remove(random.below(names.len()));
    }
    names
}

fn payload(random: &mut Random, definitions: usize, from: usize) -> Payload {
    match random.below(5) {
        0 => Payload::Unit,
        1 | 2 => Payload::Newtype(form(random, definitions, from, 2)),
        3 => Payload::Tuple((0..2 + random.below(2)).map(|_| form(random, definitions, from, 2)).collect()),
        _ => Payload::Struct(fields(random, definitions, from)),
    }
}

fn fields(random: &mut Random, definitions: usize, from: usize) -> Fields {
    let count = 1 + random.below(4);
    names(random, &FIELDS, count).into_iter().map(|name| (name, form(random, definitions, from, 2))).collect()
}

pub(crate) fn a_type(random: &mut Random) -> Type {
    let count = 1 + random.below(NAMES.len());
    let definitions = (0..count).map(|index| {
        let parts = if random.below(2) == 0 {
            Parts::Fields(fields(random, count, index + 1))
        } else {
            let variants = 1 + random.below(4);
            let of = names(random, &VARIANTS, variants).into_iter();
            // One variant ends, so that a recursive one has values.
            Parts::Variants(
                of.enumerate()
                    .map(|(nth, name)| (name, payload(random, count, if nth == 0 { index + 1 } else { 0 })))
                    .collect(),
            )
        };
        Definition { name: NAMES[index], parts }
    });
    let definitions = definitions.collect();
    let root = if random.below(4) == 0 { form(random, count, 0, 3) } else { Form::Named(0) };
    Type { root, definitions }
}

// --- values ---------------------------------------------------------------------------------------------------------

/// A value without its names: what is on the wire.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    Number(u128),
    Text(String),
    Parts(Vec<Value>),
    Variant(u32, Vec<Value>),
}

impl Type {
    fn fields(&self, named: usize) -> Option<&Fields> {
        match &self.definitions[named].parts {
            Parts::Fields(fields) => Some(fields),
            Parts::Variants(_) => None,
        }
    }

    pub(crate) fn value(&self, random: &mut Random, form: &Form, depth: usize) -> Value {
        let mut all = |forms: &mut dyn Iterator<Item = &Form>| -> Vec<Value> {
            forms.map(|form| self.value(random, form, depth.saturating_sub(1))).collect()
        };
        match form {
            Form::Unit => Value::Parts(Vec::new()),
            Form::Bool => Value::Number(random.below(2) as u128),
            Form::Char => Value::Number('a' as u128 + random.below(26) as u128),
            Form::F32 | Form::F64 => Value::Number(random.below(100) as u128),
            Form::Text => Value::Text("x".repeat(random.below(4))),
            Form::Bytes => Value::Parts((0..random.below(4)).map(|byte| Value::Number(byte as u128)).collect()),
            Form::Option(form) | Form::List(form) => {
                let count = if depth == 0 { 0 } else { random.below(2) };
                Value::Parts((0..count).map(|_| self.value(random, form, depth - 1)).collect())
            }
            Form::Map(entry) => {
                let count = if depth == 0 { 0 } else { random.below(2) };
                let entries = (0..count).map(|_| {
                    Value::Parts(vec![self.value(random, &entry.0, depth - 1), self.value(random, &entry.1, depth - 1)])
                });
                Value::Parts(entries.collect())
            }
            Form::Tuple(forms) => Value::Parts(all(&mut forms.iter())),
            Form::Newtype(form) => self.value(random, form, depth),
            Form::Named(named) => match &self.definitions[*named].parts {
                Parts::Fields(fields) => Value::Parts(all(&mut fields.iter().map(|(_, form)| form))),
                Parts::Variants(variants) => {
                    let index = if depth == 0 { 0 } else { random.below(variants.len()) };
                    let depth = depth.saturating_sub(1);
                    let mut one = |form| self.value(random, form, depth);
                    let payload = match &variants[index].1 {
                        Payload::Unit => Vec::new(),
                        Payload::Newtype(form) => vec![one(form)],
                        Payload::Tuple(forms) => forms.iter().map(one).collect(),
                        Payload::Struct(fields) => fields.iter().map(|(_, form)| one(form)).collect(),
                    };
                    Value::Variant(index as u32, payload)
                }
            },
            // Small, so that much of it is an index, a length or a flag to another type.
            _ => Value::Number(random.below(4) as u128),
        }
    }

    /// What the value says, with all names but those of types.
    pub(crate) fn says(&self, form: &Form, value: &Value) -> String {
        let list = |forms: &mut dyn Iterator<Item = (&Form, &Value)>| -> String {
            forms.map(|(form, value)| self.says(form, value) + ",").collect()
        };
        let named = |fields: &Fields, values: &[Value]| -> String {
            fields
                .iter()
                .zip(values)
                .map(|((name, form), value)| format!("{name}: {},", self.says(form, value)))
                .collect()
        };
        match (form, value) {
            (Form::Newtype(form), value) => self.says(form, value),
            (Form::Unit, _) => "()".into(),
            (Form::Bytes, Value::Parts(bytes)) => {
                format!("[{}]", list(&mut bytes.iter().map(|byte| (&Form::U8, byte))))
            }
            (Form::List(form), Value::Parts(values)) => {
                format!("[{}]", list(&mut values.iter().map(|value| (&**form, value))))
            }
            (Form::Option(form), Value::Parts(values)) => {
                format!("Some?({})", list(&mut values.iter().map(|value| (&**form, value))))
            }
            (Form::Map(entry), Value::Parts(entries)) => {
                let entries = entries.iter().map(|pair| match pair {
                    Value::Parts(pair) => {
                        format!("{}=>{},", self.says(&entry.0, &pair[0]), self.says(&entry.1, &pair[1]))
                    }
                    _ => unreachable!("entries are pairs"),
                });
                format!("Map{{{}}}", entries.collect::<String>())
            }
            (Form::Tuple(forms), Value::Parts(values)) => format!("({})", list(&mut forms.iter().zip(values))),
            (Form::Named(index), Value::Parts(values)) => {
                format!("{{{}}}", named(self.fields(*index).expect("a struct"), values))
            }
            (Form::Named(index), Value::Variant(variant, values)) => {
                let Parts::Variants(variants) = &self.definitions[*index].parts else { unreachable!("it is an enum") };
                let (name, payload) = &variants[*variant as usize];
                let payload = match payload {
                    Payload::Unit => "()".into(),
                    Payload::Newtype(form) => self.says(form, &values[0]),
                    Payload::Tuple(forms) => format!("({})", list(&mut forms.iter().zip(values))),
                    Payload::Struct(fields) => format!("{{{}}}", named(fields, values)),
                };
                format!("{name}{payload}")
            }
            (form, value) => format!("{form:?} {value:?}"),
        }
    }
}

// --- serde ----------------------------------------------------------------------------------------------------------

/// A form, and the type that it belongs to.
#[derive(Clone, Copy)]
struct Of<'t>(&'t Type, &'t Form);

struct Written<'t>(Of<'t>, &'t Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Of(of, form), value) = *self;
        let within = |form, value| Written(Of(of, form), value);
        let values = match value {
            Value::Parts(values) | Value::Variant(_, values) => values.as_slice(),
            _ => &[],
        };
        let number = if let Value::Number(number) = value { *number } else { 0 };
        match form {
            Form::Unit => serializer.serialize_unit(),
            Form::Bool => serializer.serialize_bool(number == 1),
            Form::U8 => serializer.serialize_u8(number as u8),
            Form::I8 => serializer.serialize_i8(number as i8),
            Form::U16 => serializer.serialize_u16(number as u16),
            Form::I32 => serializer.serialize_i32(number as i32),
            Form::U32 => serializer.serialize_u32(number as u32),
            Form::U64 => serializer.serialize_u64(number as u64),
            Form::I64 => serializer.serialize_i64(number as i64),
            Form::U128 => serializer.serialize_u128(number),
            Form::F32 => serializer.serialize_f32(number as f32),
            Form::F64 => serializer.serialize_f64(number as f64),
            Form::Char => serializer.serialize_char(char::from_u32(number as u32).expect("it is one")),
            Form::Text => serializer.serialize_str(if let Value::Text(text) = value { text } else { "" }),
            Form::Bytes => {
                let bytes = values.iter().map(|byte| if let Value::Number(byte) = byte { *byte as u8 } else { 0 });
                serializer.serialize_bytes(&bytes.collect::<Vec<u8>>())
            }
            Form::Option(form) => match values.first() {
                Some(value) => serializer.serialize_some(&within(form, value)),
                None => serializer.serialize_none(),
            },
            Form::List(form) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(&within(form, value)))?;
                list.end()
            }
            Form::Map(entry) => {
                let mut map = serializer.serialize_map(Some(values.len()))?;
                for pair in values {
                    let Value::Parts(pair) = pair else { unreachable!("entries are pairs") };
                    map.serialize_entry(&within(&entry.0, &pair[0]), &within(&entry.1, &pair[1]))?;
                }
                map.end()
            }
            Form::Tuple(forms) => {
                let mut tuple = serializer.serialize_tuple(forms.len())?;
                forms.iter().zip(values).try_for_each(|(form, value)| tuple.serialize_element(&within(form, value)))?;
                tuple.end()
            }
            Form::Newtype(form) => serializer.serialize_newtype_struct("Newtype", &within(form, value)),
            Form::Named(named) => {
                let name = of.definitions[*named].name;
                match (&of.definitions[*named].parts, value) {
                    (Parts::Variants(variants), Value::Variant(index, _)) => {
                        let (variant, payload) = &variants[*index as usize];
                        match payload {
                            Payload::Unit => serializer.serialize_unit_variant(name, *index, variant),
                            Payload::Newtype(form) => {
                                serializer.serialize_newtype_variant(name, *index, variant, &within(form, &values[0]))
                            }
                            Payload::Tuple(forms) => {
                                let mut tuple =
                                    serializer.serialize_tuple_variant(name, *index, variant, forms.len())?;
                                forms
                                    .iter()
                                    .zip(values)
                                    .try_for_each(|(form, value)| tuple.serialize_field(&within(form, value)))?;
                                tuple.end()
                            }
                            Payload::Struct(fields) => {
                                let mut fields_of =
                                    serializer.serialize_struct_variant(name, *index, variant, fields.len())?;
                                let mut all = fields.iter().zip(values);
                                all.try_for_each(|((name, form), value)| {
                                    fields_of.serialize_field(name, &within(form, value))
                                })?;
                                fields_of.end()
                            }
                        }
                    }
                    (Parts::Fields(fields), _) => {
                        let mut fields_of = serializer.serialize_struct(name, fields.len())?;
                        let mut all = fields.iter().zip(values);
                        all.try_for_each(|((name, form), value)| {
                            fields_of.serialize_field(name, &within(form, value))
                        })?;
                        fields_of.end()
                    }
                    _ => unreachable!("the value is one of the form"),
                }
            }
        }
    }
}

/// A list of names, which serde wants to live for ever. Equal lists are one, as they are where a linker merges them.
fn leaked(names: impl Iterator<Item = &'static str>) -> &'static [&'static str] {
    let names: Vec<_> = names.collect();
    LISTS.with_borrow_mut(|lists| {
        if let Some(list) = lists.get(names.as_slice()) {
            return *list;
        }
        let list: &'static [_] = names.leak();
        lists.insert(list);
        list
    })
}

impl<'de, 't> DeserializeSeed<'de> for Of<'t> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Self(of, form) = self;
        let forms: Vec<&Form> = match form {
            Form::Option(form) | Form::List(form) | Form::Newtype(form) => vec![form],
            Form::Map(entry) => vec![&entry.0, &entry.1],
            Form::Tuple(forms) => forms.iter().collect(),
            Form::Named(named) => of.fields(*named).into_iter().flatten().map(|(_, form)| form).collect(),
            _ => Vec::new(),
        };
        let count = forms.len();
        let (names, variants): (_, &[_]) = match form {
            Form::Named(named) => match &of.definitions[*named].parts {
                Parts::Fields(fields) => (leaked(fields.iter().map(|(name, _)| *name)), &[]),
                Parts::Variants(variants) => (leaked(variants.iter().map(|(name, _)| *name)), variants),
            },
            _ => (&[] as &[_], &[]),
        };
        let is_list = matches!(form, Form::List(_) | Form::Bytes);
        let visit = Visit { of, forms, is_list, names, variants };
        match form {
            Form::Unit => deserializer.deserialize_unit(visit),
            Form::Bool => deserializer.deserialize_bool(visit),
            Form::U8 => deserializer.deserialize_u8(visit),
            Form::I8 => deserializer.deserialize_i8(visit),
            Form::U16 => deserializer.deserialize_u16(visit),
            Form::I32 => deserializer.deserialize_i32(visit),
            Form::U32 => deserializer.deserialize_u32(visit),
            Form::U64 => deserializer.deserialize_u64(visit),
            Form::I64 => deserializer.deserialize_i64(visit),
            Form::U128 => deserializer.deserialize_u128(visit),
            Form::F32 => deserializer.deserialize_f32(visit),
            Form::F64 => deserializer.deserialize_f64(visit),
            Form::Char => deserializer.deserialize_char(visit),
            Form::Text => deserializer.deserialize_string(visit),
            Form::Bytes => deserializer.deserialize_byte_buf(visit),
            Form::Option(_) => deserializer.deserialize_option(visit),
            Form::List(_) => deserializer.deserialize_seq(visit),
            Form::Map(_) => deserializer.deserialize_map(visit),
            Form::Tuple(_) => deserializer.deserialize_tuple(count, visit),
            Form::Newtype(_) => deserializer.deserialize_newtype_struct("Newtype", visit),
            Form::Named(named) => {
                let Definition { name, parts } = &of.definitions[*named];
                match parts {
                    Parts::Fields(_) => deserializer.deserialize_struct(name, names, visit),
                    Parts::Variants(_) => deserializer.deserialize_enum(name, names, visit),
                }
            }
        }
    }
}

/// A list of units takes no bytes, however long it is.
const MOST: usize = 4096;

struct Visit<'t> {
    of: &'t Type,
    forms: Vec<&'t Form>,
    is_list: bool,
    names: &'static [&'static str],
    variants: &'t [(&'static str, Payload)],
}

impl<'de, 't> Visitor<'de> for Visit<'t> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was made up")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Parts(Vec::new()))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as u128))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value as u128))
    }
    fn visit_char<E>(self, value: char) -> Result<Value, E> {
        Ok(Value::Number(u128::from(u32::from(value))))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }
    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Parts(value.iter().map(|&byte| Value::Number(byte.into())).collect()))
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Parts(Vec::new()))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Ok(Value::Parts(vec![Of(self.of, self.forms[0]).deserialize(deserializer)?]))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Of(self.of, self.forms[0]).deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        if self.is_list {
            while let Some(value) = seq.next_element_seed(Of(self.of, self.forms[0]))? {
                values.push(value);
                if values.len() > MOST {
                    return Err(de::Error::custom("units without end"));
                }
            }
        } else {
            for form in &self.forms {
                let value = seq.next_element_seed(Of(self.of, form))?;
                values.push(value.ok_or_else(|| de::Error::invalid_length(values.len(), &"more"))?);
            }
        }
        Ok(Value::Parts(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        if !self.names.is_empty() {
            map.next_key_seed(Name(self.names))?;
            return Err(de::Error::custom("by name only the tracer asks"));
        }
        while let Some(key) = map.next_key_seed(Of(self.of, self.forms[0]))? {
            entries.push(Value::Parts(vec![key, map.next_value_seed(Of(self.of, self.forms[1]))?]));
            if entries.len() > MOST {
                return Err(de::Error::custom("units without end"));
            }
        }
        Ok(Value::Parts(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (nth, content) = access.variant_seed(Name(self.names))?;
        let within = |forms, names| Visit { of: self.of, forms, is_list: false, names, variants: &[] };
        let payload = match &self.variants[nth as usize].1 {
            Payload::Unit => content.unit_variant().map(|()| Value::Parts(Vec::new())),
            Payload::Newtype(form) => {
                content.newtype_variant_seed(Of(self.of, form)).map(|value| Value::Parts(vec![value]))
            }
            Payload::Tuple(forms) => content.tuple_variant(forms.len(), within(forms.iter().collect(), &[])),
            Payload::Struct(fields) => {
                let names = leaked(fields.iter().map(|(name, _)| *name));
                content.struct_variant(names, within(fields.iter().map(|(_, form)| form).collect(), names))
            }
        };
        let Value::Parts(values) = payload? else { unreachable!("a payload is made of parts") };
        Ok(Value::Variant(nth as u32, values))
    }
}

/// Which variant or field an identifier is.
#[derive(Clone, Copy)]
enum Nth {
    N0,
    N1,
    N2,
    N3,
    N4,
    N5,
}

struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Nth;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Nth, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Nth;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier")
    }
    fn visit_u64<E: de::Error>(self, index: u64) -> Result<Nth, E> {
        const ALL: [Nth; 6] = [Nth::N0, Nth::N1, Nth::N2, Nth::N3, Nth::N4, Nth::N5];
        let all = &ALL[..self.0.len()];
        all.get(index as usize).copied().ok_or_else(|| E::custom("no such variant"))
    }
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Nth, E> {
        let index = self.0.iter().position(|one| *one == name).ok_or_else(|| E::custom("no such name"))?;
        self.visit_u64(index as u64)
    }
}

thread_local! {
    static TRACED: RefCell<Option<Rc<Type>>> = const { RefCell::new(None) };
    static LISTS: RefCell<BTreeSet<&'static [&'static str]>> = const { RefCell::new(BTreeSet::new()) };
}

/// The type that is traced.
struct Traced;
impl<'de> de::Deserialize<'de> for Traced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let of = TRACED.with_borrow(Option::clone).expect("it was set");
        Of(&of, &of.root).deserialize(deserializer).map(|_| Self)
    }
}

impl Type {
    fn traced<R>(&self, look: impl FnOnce() -> R) -> R {
        TRACED.set(Some(Rc::new(self.clone())));
        look()
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.traced(fingerprint::<Traced>)
    }

    pub(crate) fn text(&self) -> String {
        self.traced(text::<Traced>)
    }

    pub(crate) fn write(&self, value: &Value) -> Vec<u8> {
        bincode::serialize(&Written(Of(self, &self.root), value)).expect("real bincode writes it")
    }

    /// Of what was made up, a value that uses all of `bytes`.
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<Value> {
        let options = bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes();
        options.with_limit(4096).deserialize_seed(Of(self, &self.root), bytes).ok()
    }
}
