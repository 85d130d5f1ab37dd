//! Codecs alone: ours, bincode 1.3.3 and wincode, on what commands are made of.
//!
//! wincode has its own derive in place of serde's, and writes the same bytes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ipc_server::codec::{Bincode, Codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wincode::{SchemaRead, SchemaWrite};

use crate::Outcome;
use crate::measure::{Contender, Figures, rounds};
use crate::options::Options;
use crate::report::{Goal, Section, Table};

/// What is to be encoded four times as fast as by bincode 1.3.3.
const BATCH: &str = "16 mixed structs";

/// Two measurements of the same differ by as much; it is allowed to ours, which is to be no slower than bincode 1.3.3.
const NOISE: f64 = 0.05;

/// As much as a message may be long.
const CAPACITY: usize = 1024;

#[derive(Serialize, Deserialize, SchemaWrite, SchemaRead, Debug, PartialEq)]
enum Small {
    Get,
    Add { a: u64, b: u64 },
    Set(u8),
}

#[derive(Serialize, Deserialize, SchemaWrite, SchemaRead, Debug, PartialEq)]
struct Mixed {
    number: u32,
    name: String,
    flag: bool,
    ratio: f64,
    small: Small,
}

type Nested = Option<Option<Option<(u16, Option<bool>)>>>;

/// Measures one value: encoding, then decoding.
fn value<T>(name: &str, value: &T, options: &Options) -> Outcome<[(Table, Vec<Goal>); 2]>
where
    T: Serialize + DeserializeOwned + PartialEq + SchemaWrite<wincode::config::DefaultConfig, Src = T>,
    T: for<'de> SchemaRead<'de, wincode::config::DefaultConfig, Dst = T>,
{
    let bytes = bincode::serialize(value)?;
    let mut buffer = [0; CAPACITY];
    let written = Bincode::encode(value, &mut buffer)?;
    let same = buffer.get(..written) == Some(&*bytes) && wincode::serialize(value)? == bytes;
    let back = Bincode::decode::<T>(&bytes)?.0 == *value && wincode::deserialize::<T>(&bytes)? == *value;
    if !same || !back {
        return Err(format!("the codecs disagree about {name}").into());
    }

    let exchanges = options.exchanges(20_000);
    let buffer = RefCell::new(buffer);
    let mut encode = [
        Contender {
            name: "bincode 1.3.3",
            exchanges,
            run: encoding(&buffer, |buffer| {
                let mut rest = &mut *buffer;
                bincode::serialize_into(&mut rest, black_box(value))?;
                Ok(CAPACITY - rest.len())
            }),
        },
        Contender {
            name: "ours",
            exchanges,
            run: encoding(&buffer, |buffer| Ok(Bincode::encode(black_box(value), buffer)?)),
        },
        Contender {
            name: "wincode 0.6",
            exchanges,
            run: encoding(&buffer, |buffer| {
                let mut rest = &mut *buffer;
                wincode::serialize_into(&mut rest, black_box(value))?;
                Ok(CAPACITY - rest.len())
            }),
        },
    ];
    let encoding = rounds(&mut encode, options.rounds)?;
    let mut decode = [
        Contender {
            name: "bincode 1.3.3",
            exchanges,
            run: repeat(|| {
                black_box(bincode::deserialize::<T>(black_box(&bytes))?);
                Ok(())
            }),
        },
        Contender {
            name: "ours",
            exchanges,
            run: repeat(|| {
                black_box(Bincode::decode::<T>(black_box(&bytes))?);
                Ok(())
            }),
        },
        Contender {
            name: "wincode 0.6",
            exchanges,
            run: repeat(|| {
                black_box(wincode::deserialize::<T>(black_box(&bytes))?);
                Ok(())
            }),
        },
    ];
    let decoding = rounds(&mut decode, options.rounds)?;
    Ok([section_of("encode", name, bytes.len(), &encoding), section_of("decode", name, bytes.len(), &decoding)])
}

/// One table, and how ours compares.
fn section_of(what: &str, name: &str, length: usize, figures: &[Figures]) -> (Table, Vec<Goal>) {
    let table =
        Table::in_ns(format!("Codec: {what} {name}, {length} bytes"), figures, &["bincode 1.3.3", "wincode 0.6"]);
    let [bincode, ours, wincode] = figures else {
        return (table, Vec::new());
    };
    let than_bincode = if (what, name) == ("encode", BATCH) { 0.25 } else { 1.0 + NOISE };
    let goals = [(bincode, than_bincode), (wincode, 1.2)]
        .map(|(other, most)| Goal::new(format!("{what} {name}, x {}", other.name), ours.ratio(other), most));
    (table, goals.into())
}

/// `once` says how many bytes it has written, which whoever sends them must know.
///
/// All write to the same `buffer`: how far apart source and destination lie modulo 4,096 can make a copy five times slower.
fn encoding<'a>(
    buffer: &'a RefCell<[u8; CAPACITY]>,
    mut once: impl FnMut(&mut [u8]) -> Outcome<usize> + 'a,
) -> Box<dyn FnMut(usize) -> Outcome<Duration> + 'a> {
    Box::new(move |times| {
        let buffer = &mut *buffer.borrow_mut();
        let start = Instant::now();
        for _ in 0..times {
            black_box(once(black_box(buffer))?);
        }
        Ok(start.elapsed())
    })
}

fn repeat<'a>(mut once: impl FnMut() -> Outcome + 'a) -> Box<dyn FnMut(usize) -> Outcome<Duration> + 'a> {
    Box::new(move |times| {
        let start = Instant::now();
        for _ in 0..times {
            once()?;
        }
        Ok(start.elapsed())
    })
}

pub(crate) fn section(options: &Options) -> Outcome<Section> {
    let batch: Vec<_> = (0..16)
        .map(|number| Mixed {
            number,
            name: format!("name {number}"),
            flag: number % 2 == 0,
            ratio: f64::from(number) / 3.0,
            small: if number % 3 == 0 { Small::Get } else { Small::Set(7) },
        })
        .collect();
    let map: BTreeMap<String, u32> = (0..16).map(|number| (format!("key {number}"), number)).collect();
    let nested: Nested = Some(Some(Some((7, Some(true)))));
    let values = [
        value("a small enum", &Small::Add { a: 5, b: 3 }, options)?,
        value("a text", &"x".repeat(200), options)?,
        value(BATCH, &batch, options)?,
        value("a map of 16", &map, options)?,
        value("nested options", &nested, options)?,
    ];
    let (tables, goals): (_, Vec<_>) = values.into_iter().flatten().unzip();
    Ok(Section { tables, goals: goals.concat(), ..Section::default() })
}
