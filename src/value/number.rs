//! Exact numbers: text → int or decimal, and the limits that every decimal keeps (38 digits, a sane exponent).
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};

use super::{Nanos, Value};

/// What a decimal can hold.
pub const MAX_DIGITS: u64 = 38;
/// Digits of a quotient.
const QUOTIENT_DIGITS: NonZeroU64 = match NonZeroU64::new(28) {
    Some(n) => n,
    None => NonZeroU64::MIN,
};
/// Beyond it, adding two numbers could fill the memory with zeros.
const MAX_EXPONENT: i64 = 1000;

/// A decimal, when its digits can be kept.
///
/// # Errors
/// More than 38 significant digits, or an exponent beyond ±1000.
pub fn decimal(n: BigDecimal) -> Result<Value, String> {
    if n.is_zero() {
        return Ok(Value::Decimal(Arc::new(
            n.with_scale(n.fractional_digit_count().clamp(0, MAX_DIGITS.cast_signed())),
        )));
    }
    if n.fractional_digit_count().abs() > MAX_EXPONENT {
        return Err("a decimal has an exponent of at most ±1000".to_owned());
    }
    if n.digits() > MAX_DIGITS && n.normalized().digits() > MAX_DIGITS {
        return Err(format!("a decimal has at most {MAX_DIGITS} digits, and this one has {}", n.normalized().digits()));
    }
    Ok(Value::Decimal(Arc::new(n)))
}

/// `42` is an int, `0.5`, `1e3` and what does not fit 64 bits a decimal.
///
/// # Errors
/// Not a number, or more digits than a decimal keeps.
pub fn parse(text: &str) -> Result<Value, String> {
    if let Ok(n) = text.parse::<i64>() {
        return Ok(Value::Int(n));
    }
    parse_decimal(text)
}

/// # Errors
/// Not a number, or more digits than a decimal keeps.
pub fn parse_decimal(text: &str) -> Result<Value, String> {
    // An exponent is checked before it is believed: `1e999999999` must not become a billion zeros.
    let plain = |b: u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if text.is_empty() || text.len() > 2000 || !text.bytes().all(plain) {
        return Err(format!("`{}` is not a number", super::show::brief(text)));
    }
    let n = BigDecimal::from_str(text).map_err(|_| format!("`{}` is not a number", super::show::brief(text)))?;
    decimal(n)
}

/// An int or a decimal as a decimal.
#[must_use]
pub fn exact(value: &Value) -> Option<BigDecimal> {
    match value {
        Value::Int(n) => Some(BigDecimal::from(*n)),
        Value::Decimal(n) => Some((**n).clone()),
        _ => None,
    }
}

/// # Errors
/// Division by zero.
pub fn divide(a: &BigDecimal, b: &BigDecimal) -> Result<Value, String> {
    if b.is_zero() {
        return Err("division by zero".to_owned());
    }
    let quotient = (a / b).with_precision_round(QUOTIENT_DIGITS, RoundingMode::HalfEven).normalized();
    decimal(unscaled(quotient))
}

/// Without trailing zeros, and without a negative scale (`2e1` is `20`).
fn unscaled(n: BigDecimal) -> BigDecimal {
    if n.fractional_digit_count() < 0 { n.with_scale(0) } else { n }
}

/// The nearest whole number that 64 bits hold; a half goes to the even one.
#[must_use]
pub fn whole(n: &BigDecimal) -> Option<i64> {
    n.with_scale_round(0, RoundingMode::HalfEven).to_i64()
}

/// A duration in seconds, as an exact number.
#[must_use]
pub fn seconds(d: Nanos) -> BigDecimal {
    let n = BigDecimal::new(d.0.into(), 9).normalized();
    unscaled(n)
}

/// A number of seconds as a duration; beyond nanoseconds it is rounded.
///
/// # Errors
/// More than 292 years.
pub fn from_seconds(n: &BigDecimal) -> Result<Value, String> {
    let nanos = n * BigDecimal::from(1_000_000_000);
    whole(&nanos).map(|n| Value::Duration(Nanos(n))).ok_or_else(|| "a duration is at most 292 years".to_owned())
}
