//! Proptest strategies for the types of `model.rs`.
#![allow(dead_code, unreachable_pub)]

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::model::{
    Bytes, Chain, Containers, Fixed, Floats, Integers, Newtype, Record, Shape, Standard, Tree, Tuple, Unit, Wide,
};

/// Texts with characters of every width.
pub fn text(most: usize) -> impl Strategy<Value = String> {
    vec(letter(), 0..=most).prop_map(String::from_iter)
}

pub fn letter() -> impl Strategy<Value = char> {
    prop_oneof![
        proptest::char::range('\0', '\x7f'),
        proptest::char::range('\u{80}', '\u{7ff}'),
        any::<char>(),
        Just('€'),
        Just('🦀'),
        Just(char::MAX),
    ]
}

pub fn integers() -> impl Strategy<Value = Integers> {
    let unsigned = (number(), number(), number(), number(), number());
    let signed = (number(), number(), number(), number(), number());
    (unsigned, signed).prop_map(|((u8, u16, u32, u64, u128), (i8, i16, i32, i64, i128))| Integers {
        u8,
        u16,
        u32,
        u64,
        u128,
        i8,
        i16,
        i32,
        i64,
        i128,
    })
}

/// Numbers of every magnitude, so that integers of variable length have every length.
fn number<T: num::Truncate + core::fmt::Debug>() -> impl Strategy<Value = T> {
    (any::<i128>(), 0..128_u32).prop_map(|(bits, shift)| T::truncate(bits >> shift))
}

mod num {
    pub trait Truncate {
        fn truncate(bits: i128) -> Self;
    }

    macro_rules! truncate {
        ($($type:ty)*) => {$(
            impl Truncate for $type {
                fn truncate(bits: i128) -> Self {
                    bits as Self
                }
            }
        )*};
    }

    truncate!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);
}

pub fn floats() -> impl Strategy<Value = Floats> {
    let single = prop_oneof![
        any::<u32>().prop_map(f32::from_bits),
        Just(-0.0),
        Just(f32::from_bits(0x7f80_0001)),
        Just(f32::from_bits(0xffff_ffff)),
    ];
    let double = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        Just(-0.0),
        Just(f64::from_bits(0x7ff0_0000_0000_0001)),
        Just(f64::from_bits(u64::MAX)),
    ];
    (single, double).prop_map(|(single, double)| Floats { single, double })
}

pub fn record() -> impl Strategy<Value = Record> {
    let tuple = (any::<i8>(), text(6)).prop_map(|(number, text)| Tuple(number, text, Unit));
    let maybe = option::of(option::of(letter()));
    let present = option::of(Just(()));
    (any::<bool>(), letter(), any::<u16>(), tuple, maybe, present).prop_map(
        |(flag, letter, number, tuple, maybe, present)| Record {
            flag,
            letter,
            nothing: (),
            marker: Unit,
            number: Newtype(number),
            tuple,
            maybe,
            present,
        },
    )
}

pub fn shape() -> impl Strategy<Value = Shape> {
    let flat = prop_oneof![
        Just(Shape::Unit),
        number().prop_map(Shape::Newtype),
        (any::<u8>(), option::of(any::<bool>()), letter()).prop_map(|(a, b, c)| Shape::Tuple(a, b, c)),
        (number(), text(8)).prop_map(|(x, text)| Shape::Struct { x, text }),
        Just(Shape::NoFields()),
        Just(Shape::NoNames {}),
        prop::result::maybe_err(any::<u8>(), text(5)).prop_map(Shape::Outcome),
    ];
    flat.prop_recursive(4, 4, 1, |inner| inner.prop_map(|inner| Shape::Nested(Box::new(inner))))
}

pub fn wide() -> impl Strategy<Value = Vec<Wide>> {
    vec(prop_oneof![0..Wide::VARIANTS, 120..136_u32, 250..262_u32].prop_map(Wide::nth), 0..6)
}

pub fn containers() -> impl Strategy<Value = Containers> {
    let lists = (vec(number(), 0..6), vec(vec(any::<bool>(), 0..4), 0..4), vec(Just(()), 0..300));
    let fixed = (any::<[i16; 3]>(), (any::<u8>(), (letter(), number())));
    let maps = (btree_map(any::<u8>(), shape(), 0..3), btree_map(text(4), option::of(number()), 0..3));
    (lists, fixed, maps, btree_set(number(), 0..4)).prop_map(
        |((list, nested, units), (array, tuple), (map, texts), set)| Containers {
            list,
            nested,
            units,
            array,
            tuple,
            map,
            texts,
            set,
        },
    )
}

pub fn fixed() -> impl Strategy<Value = Fixed> {
    (text(3), vec(number(), 0..=6), vec(text(1), 0..=3)).prop_map(|(name, samples, names)| Fixed {
        name: name.as_str().try_into().unwrap_or_default(),
        samples: heapless::Vec::from_iter(samples),
        names: names.iter().map(|name| name.as_str().try_into().unwrap_or_default()).collect(),
    })
}

pub fn standard() -> impl Strategy<Value = Standard> {
    (
        any::<core::time::Duration>(),
        any::<[u8; 4]>(),
        1..=u16::MAX,
        any::<core::ops::Range<u8>>(),
        text(5),
        vec(number(), 0..4),
    )
        .prop_map(|(duration, address, not_zero, range, boxed, slice)| Standard {
            duration,
            address: address.into(),
            not_zero: not_zero.try_into().unwrap_or(core::num::NonZeroU16::MIN),
            range,
            boxed: boxed.into(),
            slice: slice.into(),
        })
}

pub fn bytes() -> impl Strategy<Value = (Bytes, u8)> {
    // Longer than what one byte of a varint counts.
    (prop_oneof![vec(any::<u8>(), 0..8), vec(any::<u8>(), 120..136)].prop_map(Bytes), any::<u8>())
}

pub fn tree() -> impl Strategy<Value = Tree> {
    number().prop_map(Tree::Leaf).prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Boxed(Box::new(tree))),
            vec(inner.clone(), 0..4).prop_map(Tree::Branches),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| Tree::Pair(Box::new(left), Box::new(right))),
            option::of(inner.clone()).prop_map(|tree| Tree::Maybe(tree.map(Box::new))),
            (text(4), btree_map(any::<u8>(), inner, 0..3)).prop_map(|(name, children)| Tree::Named { name, children }),
        ]
    })
}

pub fn chain() -> impl Strategy<Value = Chain> {
    (0..60_usize).prop_map(|levels| (0..levels).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain)))))
}

/// What is lent to a `Borrowed`.
pub fn borrowed() -> impl Strategy<Value = (String, Vec<u8>, Option<String>)> {
    (text(8), vec(any::<u8>(), 0..8), option::of(text(3)))
}

/// Bytes of which many make sense: small numbers, and those that texts are made of.
pub fn anything() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => Just(0), 4 => 0..4_u8, 2 => any::<u8>(), 1 => Just(0xff), 1 => 0xc0..=0xf5_u8];
    vec(byte, 0..96)
}

/// A change of a message: at a place, a byte more, less or other.
#[derive(Clone, Debug)]
pub enum Mutation {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
}

pub fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let byte = prop_oneof![any::<u8>(), 0..3_u8, Just(0xff), Just(0x80)];
    let mutation = prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(place, byte)| Mutation::Set(place, byte)),
        (any::<Index>(), 0..8_u32).prop_map(|(place, bit)| Mutation::Flip(place, 1 << bit)),
        (any::<Index>(), byte).prop_map(|(place, byte)| Mutation::Insert(place, byte)),
        any::<Index>().prop_map(Mutation::Remove),
        any::<Index>().prop_map(Mutation::Cut),
    ];
    vec(mutation, 0..4)
}

pub fn mutate(message: &mut Vec<u8>, mutations: &[Mutation]) {
    for mutation in mutations {
        if message.is_empty() {
            return;
        }
        let at = |place: &Index| place.index(message.len());
        match mutation {
            Mutation::Set(place, byte) => {
                let at = at(place);
                message[at] = *byte;
            }
            Mutation::Flip(place, bit) => {
                let at = at(place);
                message[at] ^= bit;
            }
            Mutation::Insert(place, byte) => message.insert(at(place), *byte),
            Mutation::Remove(place) => drop(message.remove(at(place))),
            Mutation::Cut(place) => message.truncate(at(place)),
        }
    }
}
