//! A `Deserialize` that does what a script says, against the rules too, never hangs or panics the tracer. What it describes
//! is a description, and prints. Other bytes are refused, or are harmless.
#![no_main]

use std::cell::RefCell;
use std::fmt;

use ipc_server::layout::{self, Description, DescriptionError, Kind, Node};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde::de::{Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

thread_local! {
    static SCRIPT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Where the script is, and how much of it may still be done in one run.
    static AT: RefCell<(usize, usize)> = const { RefCell::new((0, 0)) };
}

/// What the script says next. Within one run it goes around, a few hundred times at most.
fn next() -> u8 {
    SCRIPT.with_borrow(|script| {
        AT.with_borrow_mut(|(at, left)| {
            if *left == 0 || script.is_empty() {
                return 0;
            }
            *left -= 1;
            *at += 1;
            script[(*at - 1) % script.len()]
        })
    })
}

struct Root;
impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AT.set((0, 300));
        Scripted::deserialize(deserializer).map(|_| Self)
    }
}

struct Scripted;
impl<'de> Deserialize<'de> for Scripted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: [&[&str]; 4] = [&[], &["a"], &["a", "b"], &["c", "b", "a", "é"]];
        let names = NAMES[usize::from(next() % 4)];
        let result = match next() % 24 {
            0 => deserializer.deserialize_u8(Follows),
            1 => deserializer.deserialize_i128(Follows),
            2 => deserializer.deserialize_f32(Follows),
            3 => deserializer.deserialize_bool(Follows),
            4 => deserializer.deserialize_char(Follows),
            5 => deserializer.deserialize_str(Follows),
            6 => deserializer.deserialize_byte_buf(Follows),
            7 | 8 => deserializer.deserialize_option(Follows),
            9 => deserializer.deserialize_unit(Follows),
            10 => deserializer.deserialize_newtype_struct("N", Follows),
            11 => deserializer.deserialize_newtype_struct("ipc_server::sample=-7", Follows),
            12 | 13 => deserializer.deserialize_seq(Follows),
            14 | 15 => deserializer.deserialize_tuple(usize::from(next() % 9), Follows),
            16 => deserializer.deserialize_map(Follows),
            17 | 18 => deserializer.deserialize_struct("S", names, Follows),
            19..=21 => deserializer.deserialize_enum("E", names, Follows),
            22 => deserializer.deserialize_any(Follows),
            _ => return Ok(Self),
        };
        // It may swallow an error, or raise one of its own.
        match next() % 16 {
            0 => Ok(Self),
            1 => Err(D::Error::custom("the script says so")),
            _ => result,
        }
    }
}

struct Follows;

impl Follows {
    fn leaf<E: Error>(self, nth: u8) -> Result<Scripted, E> {
        if next() % 8 == nth { Err(E::custom("not this one")) } else { Ok(Scripted) }
    }
}

impl<'de> Visitor<'de> for Follows {
    type Value = Scripted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the script says")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scripted, E> {
        self.leaf(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scripted, E> {
        self.leaf(value as u8)
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Scripted, E> {
        self.leaf(value as u8)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scripted, E> {
        self.leaf(value as u8)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Scripted, E> {
        self.leaf(value.len() as u8)
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Scripted, E> {
        self.leaf(value.len() as u8)
    }

    fn visit_unit<E: Error>(self) -> Result<Scripted, E> {
        self.leaf(1)
    }

    fn visit_none<E: Error>(self) -> Result<Scripted, E> {
        self.leaf(1)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scripted, D::Error> {
        if next() % 8 == 0 { Ok(Scripted) } else { Scripted::deserialize(deserializer) }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scripted, D::Error> {
        self.visit_some(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scripted, A::Error> {
        for _ in 0..next() % 8 {
            match seq.next_element::<Scripted>() {
                Err(error) if next() % 4 > 0 => return Err(error),
                _ => {}
            }
        }
        self.leaf(3)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scripted, A::Error> {
        for _ in 0..next() % 8 {
            let result = if next() % 2 == 0 {
                map.next_key::<Scripted>().map(|_| ())
            } else {
                map.next_value::<Scripted>().map(|_| ())
            };
            match result {
                Err(error) if next() % 4 > 0 => return Err(error),
                _ => {}
            }
        }
        self.leaf(3)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Scripted, A::Error> {
        let variant = if next() % 4 == 0 {
            access.variant::<Scripted>()?.1
        } else {
            let (index, variant) = access.variant::<u32>()?;
            if index >= 3 {
                return Err(A::Error::custom("no such variant"));
            }
            variant
        };
        match next() % 8 {
            0 | 1 => variant.unit_variant().map(|()| Scripted),
            2 | 3 => variant.newtype_variant(),
            4 => variant.tuple_variant(usize::from(next() % 4), self),
            5 | 6 => variant.struct_variant(&["x", "y"], self),
            _ => Ok(Scripted),
        }
    }
}

fn walk(node: Node<'_>, depth: usize) {
    if depth == 0 {
        return;
    }
    match node.kind() {
        Kind::Option(node) | Kind::Sequence(node) => walk(node, depth - 1),
        Kind::Map(key, value) => {
            walk(key, depth - 1);
            walk(value, depth - 1);
        }
        Kind::Tuple(elements) => elements.take(4).for_each(|node| walk(node, depth - 1)),
        Kind::Struct(fields) => fields.take(4).for_each(|(_, node)| walk(node, depth - 1)),
        Kind::Enum(variants) => variants.take(4).for_each(|variant| {
            let _ = variant.content();
        }),
        _ => {}
    }
}

fuzz_target!(|script: &[u8]| {
    let mut bytes = script.to_vec();
    if let Ok(description) = Description::validate(&mut bytes) {
        let _ = description.to_string();
        let _ = description.fingerprint("bincode");
        walk(description.root(), 5);
        layout::changes(description, description, &mut |change| panic!("{change}"));
    }

    SCRIPT.set(script.to_vec());
    let mut bytes = vec![0; 65_535];
    let Ok(length) = layout::describe::<Root>(0, &mut bytes) else { return };
    if length == bytes.len() {
        return;
    }
    let fingerprint = layout::fingerprint::<Root>("bincode").expect("it had a layout before");
    let sent = bytes.clone();
    let description = match Description::validate(&mut bytes[..length]) {
        // Of a type that is another each time that it is asked.
        Err(DescriptionError::Endless) => return,
        Err(error) => panic!("the tracer describes whatever it sees: {error}: {:02x?}", &sent[..length]),
        Ok(description) => description,
    };
    assert_eq!(description.fingerprint("bincode"), fingerprint);
    assert!(!description.to_string().is_empty());
});
