//! The bytes of a description.
//!
//! ```text
//! description = VERSION node definition* END
//! definition  = STRUCT_DEFINITION name slots fields
//!             | ENUM_DEFINITION name slots variant* END names REFUSED?
//! variant     = VARIANT length (node | STRUCT fields)
//! fields      = node* END names REFUSED?
//! node        = (leaf | OPTION node | SEQUENCE node | MAP node node | TUPLE node* END
//!             | REPEAT number (leaf | REFERENCE) | REFERENCE number | OPAQUE) REFUSED?
//! slots       = length names
//! names       = for each variant or field, one or more of: (bytes << 1 | another follows) UTF-8
//! ```
//!
//! A definition is the flat form of one struct or enum, and a node within it names other definitions by their number,
//! counted from 1 in the order in which they are first named. So a description is written as it is traced, and needs no
//! memory. `length` and the offset of `names`, two bytes each, are not known by then: they are sent as zeros, and the
//! receiver fills them in when it validates. `number` and the lengths of names are LEB128.

/// Of this form of description.
pub(super) const VERSION: u8 = 1;

pub(super) const END: u8 = 0x00;
pub(super) const UNIT: u8 = 0x01;
pub(super) const BOOL: u8 = 0x02;
pub(super) const I8: u8 = 0x03;
pub(super) const I16: u8 = 0x04;
pub(super) const I32: u8 = 0x05;
pub(super) const I64: u8 = 0x06;
pub(super) const I128: u8 = 0x07;
pub(super) const U8: u8 = 0x08;
pub(super) const U16: u8 = 0x09;
pub(super) const U32: u8 = 0x0a;
pub(super) const U64: u8 = 0x0b;
pub(super) const U128: u8 = 0x0c;
pub(super) const F32: u8 = 0x0d;
pub(super) const F64: u8 = 0x0e;
pub(super) const CHAR: u8 = 0x0f;
pub(super) const STRING: u8 = 0x10;

pub(super) const OPTION: u8 = 0x20;
pub(super) const SEQUENCE: u8 = 0x21;
pub(super) const MAP: u8 = 0x22;
pub(super) const TUPLE: u8 = 0x23;
pub(super) const STRUCT: u8 = 0x24;
pub(super) const REFERENCE: u8 = 0x25;
pub(super) const REPEAT: u8 = 0x26;

/// What follows it on the wire is not known.
pub(super) const OPAQUE: u8 = 0x30;
/// The type of the node before it refused every sample.
pub(super) const REFUSED: u8 = 0x31;

pub(super) const VARIANT: u8 = 0x40;
pub(super) const STRUCT_DEFINITION: u8 = 0x41;
pub(super) const ENUM_DEFINITION: u8 = 0x42;

/// The bytes of a length or an offset that the receiver fills in.
pub(super) const SLOT: usize = 2;

/// Whether `tag` is a node without others within it.
pub(super) const fn is_leaf(tag: u8) -> bool {
    matches!(tag, UNIT..=STRING)
}
