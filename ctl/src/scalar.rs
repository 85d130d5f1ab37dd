//! Numbers, truth values and characters from text.

use ipc_server::layout::Kind;

use crate::value::Value;

/// The value that `text` says, if it fits. Nothing for a form that is no scalar.
pub(crate) fn scalar(kind: Kind<'_>, text: &str) -> Option<Value> {
    match kind {
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Signed(bits) => {
            let number = signed(text)?;
            let greatest = i128::MAX >> (128 - u32::from(bits));
            (-greatest - 1..=greatest).contains(&number).then_some(Value::Signed(number))
        }
        Kind::Unsigned(bits) => {
            let number = unsigned(text)?;
            (number <= u128::MAX >> (128 - u32::from(bits))).then_some(Value::Unsigned(number))
        }
        Kind::Float(32) => {
            let number: f32 = text.parse().ok()?;
            // What is too great becomes infinite.
            (number.is_finite() || is_no_number(text)).then_some(Value::F32(number))
        }
        Kind::Float(_) => {
            let number: f64 = text.parse().ok()?;
            (number.is_finite() || is_no_number(text)).then_some(Value::F64(number))
        }
        Kind::Char => {
            let mut characters = text.chars();
            let character = characters.next()?;
            characters.next().is_none().then_some(Value::Char(character))
        }
        _ => None,
    }
}

fn unsigned(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u128::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

fn signed(text: &str) -> Option<i128> {
    text.parse().ok().or_else(|| i128::try_from(unsigned(text)?).ok())
}

fn is_no_number(text: &str) -> bool {
    !text.contains(|character: char| character.is_ascii_digit())
}

/// The bytes that hexadecimal digits behind `0x` stand for.
pub(crate) fn bytes(text: &str) -> Option<Value> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let bytes = digits.chunks_exact(2).map(|pair| match *pair {
        [high, low] => Some(Value::Unsigned((digit(high)? * 16 + digit(low)?).into())),
        _ => None,
    });
    bytes.collect::<Option<Vec<Value>>>().map(Value::List)
}
