//! Operators on values. `==` and order need equal types; numbers compare by value; nothing is rounded silently:
//! only a quotient (28 digits) and a part of a nanosecond or of a byte are.
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use bigdecimal::BigDecimal;
use regex::Regex;

use super::number::{decimal, divide, exact, whole};
use super::show::kind;
use super::{Nanos, Secret, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Matches,
    Add,
    Sub,
    Mul,
    Div,
}

impl BinaryOp {
    /// As written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::In => "in",
            BinaryOp::Matches => "matches",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
        }
    }
}

/// `a op b`. What comes from a secret is a secret, but for `==` and `!=`.
///
/// # Errors
/// Types that do not go together, overflow, division by zero: one line for a person.
pub fn binary(op: BinaryOp, a: &Value, b: &Value) -> Result<Value, String> {
    let (left, name) = a.expose();
    let (right, other) = b.expose();
    let name = name.or(other).cloned();
    let value = match op {
        BinaryOp::Eq => return Ok(Value::Bool(equal(left, right)?)),
        BinaryOp::Ne => return Ok(Value::Bool(!equal(left, right)?)),
        BinaryOp::Lt => Value::Bool(compare(left, right)?.is_lt()),
        BinaryOp::Le => Value::Bool(compare(left, right)?.is_le()),
        BinaryOp::Gt => Value::Bool(compare(left, right)?.is_gt()),
        BinaryOp::Ge => Value::Bool(compare(left, right)?.is_ge()),
        BinaryOp::In => Value::Bool(is_in(left, right)?),
        BinaryOp::Matches => Value::Bool(matches(left, right)?),
        BinaryOp::Add => add(left, right)?,
        BinaryOp::Sub => sub(left, right)?,
        BinaryOp::Mul => mul(left, right)?,
        BinaryOp::Div => div(left, right)?,
    };
    Ok(match name {
        Some(name) => Secret::hide(name, value),
        None => value,
    })
}

/// # Errors
/// Anything but a bool.
pub fn not(value: &Value) -> Result<Value, String> {
    map_secret(value, |v| match v {
        Value::Bool(b) => Ok(Value::Bool(!b)),
        other => Err(format!("`not` needs a bool, not {}", kind(other))),
    })
}

/// # Errors
/// What has no sign, or overflow.
pub fn neg(value: &Value) -> Result<Value, String> {
    map_secret(value, |v| match v {
        Value::Int(n) => n.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Decimal(n) => decimal(-(**n).clone()),
        Value::Duration(d) => d.0.checked_neg().map(|n| Value::Duration(Nanos(n))).ok_or_else(overflow),
        Value::Size(n) => n.checked_neg().map(Value::Size).ok_or_else(overflow),
        other => Err(format!("`-` needs a number, a duration or a size, not {}", kind(other))),
    })
}

/// The function of a value without its secrecy, which the result gets back.
pub fn map_secret(value: &Value, f: impl FnOnce(&Value) -> Result<Value, String>) -> Result<Value, String> {
    let (inner, name) = value.expose();
    let result = f(inner)?;
    Ok(match name {
        Some(name) => Secret::hide(name.clone(), result),
        None => result,
    })
}

/// Deep equality; secrets compare by their value.
///
/// # Errors
/// Two different types, neither of them null; what has no equality.
pub fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    let (a, b) = (a.expose().0, b.expose().0);
    match (a, b) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Null, _) | (_, Value::Null) => Ok(false),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(a == b),
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            all(a.iter().zip(b.iter()).map(|(a, b)| equal(a, b)))
        }
        (Value::Record(a), Value::Record(b)) => {
            if a.0.len() != b.0.len() {
                return Ok(false);
            }
            all(a.0.iter().map(|(k, v)| b.get(k).map_or(Ok(false), |w| equal(v, w))))
        }
        _ => match order(a, b) {
            Some(order) => Ok(order.is_eq()),
            None => Err(format!("{} cannot be compared with {}", kind(a), kind(b))),
        },
    }
}

/// Like `Iterator::all`, but an error anywhere is an error: whether two lists can be compared does not depend on their values.
fn all(items: impl Iterator<Item = Result<bool, String>>) -> Result<bool, String> {
    items.collect::<Result<Vec<_>, _>>().map(|found| found.into_iter().all(|same| same))
}

/// Which comes first: numbers by value, strings by their characters, durations, sizes and times among themselves.
///
/// # Errors
/// Two different types, or one without order.
pub fn compare(a: &Value, b: &Value) -> Result<Ordering, String> {
    let (a, b) = (a.expose().0, b.expose().0);
    order(a, b).ok_or_else(|| match (a, b) {
        (Value::Null, _) | (_, Value::Null) => "null has no order: the value is absent".to_owned(),
        _ if kind(a) == kind(b) => format!("{} has no order", kind(a)),
        _ => format!("{} cannot be compared with {}", kind(a), kind(b)),
    })
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Int(_) | Value::Decimal(_), Value::Int(_) | Value::Decimal(_)) => Some(exact(a)?.cmp(&exact(b)?)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Size(a), Value::Size(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Element of a list, part of a string, field of a record.
fn is_in(item: &Value, of: &Value) -> Result<bool, String> {
    match (item, of) {
        (item, Value::List(list)) => {
            for element in list.iter() {
                if equal(item, element)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Str(part), Value::Str(text)) => Ok(text.contains(&**part)),
        (Value::Str(key), Value::Record(record)) => Ok(record.get(key).is_some()),
        _ => Err(format!("`in` cannot look for {} in {}", kind(item), kind(of))),
    }
}

fn matches(text: &Value, pattern: &Value) -> Result<bool, String> {
    let (Value::Str(text), Value::Str(pattern)) = (text, pattern) else {
        return Err(format!("`matches` needs a string and a pattern, not {} and {}", kind(text), kind(pattern)));
    };
    Ok(whole_regex(pattern)?.is_match(text))
}

/// The pattern, matching whole strings only.
///
/// # Errors
/// A pattern that does not compile.
pub fn whole_regex(pattern: &str) -> Result<Regex, String> {
    thread_local! {
        static SEEN: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    if let Some(found) = SEEN.with_borrow(|seen| seen.get(pattern).cloned()) {
        return Ok(found);
    }
    let wrong = |e: regex::Error| {
        let text = e.to_string();
        let last = text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
        format!("the pattern `{pattern}` does not compile: {last}")
    };
    // Alone first: `a)|(b` must not become a pattern by being wrapped.
    Regex::new(pattern).map_err(wrong)?;
    let regex = Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(wrong)?;
    SEEN.with_borrow_mut(|seen| {
        if seen.len() > 200 {
            seen.clear();
        }
        seen.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// Where in a pattern of one line the engine stopped: bytes from and to.
#[must_use]
pub fn regex_fault(pattern: &str) -> Option<(usize, usize)> {
    let told = Regex::new(pattern).err()?.to_string();
    // It shows the pattern, and signs below the place.
    let mut lines = told.lines().skip_while(|line| line.trim_start() != pattern);
    let margin = lines.next()?.len().checked_sub(pattern.len())?;
    let signs = lines.next().filter(|line| line.trim().chars().all(|c| c == '^'))?;
    let column = |at: usize| pattern.char_indices().nth(at).map_or(pattern.len(), |(byte, _)| byte);
    let from = signs.find('^')?.checked_sub(margin)?;
    let (start, end) = (column(from), column(from + signs.trim().len()));
    (start < end).then_some((start, end))
}

fn overflow() -> String {
    "the result does not fit 64 bits".to_owned()
}

fn mismatch(op: &str, a: &Value, b: &Value) -> String {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => format!("`{op}` with null: the value is absent"),
        _ => format!("`{op}` does not go with {} and {}", kind(a), kind(b)),
    }
}

fn int(n: Option<i64>) -> Result<Value, String> {
    n.map(Value::Int).ok_or_else(overflow)
}

fn nanos(n: Option<i64>) -> Result<Value, String> {
    n.map(|n| Value::Duration(Nanos(n))).ok_or_else(overflow)
}

fn size(n: Option<i64>) -> Result<Value, String> {
    n.map(Value::Size).ok_or_else(overflow)
}

fn shift(at: jiff::Timestamp, by: Option<i64>) -> Result<Value, String> {
    by.and_then(|n| at.checked_add(jiff::SignedDuration::from_nanos(n)).ok())
        .map(Value::Time)
        .ok_or_else(|| "the result is outside the years -9999 to 9999".to_owned())
}

fn add(a: &Value, b: &Value) -> Result<Value, String> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_add(*b)),
        (Value::Duration(a), Value::Duration(b)) => nanos(a.0.checked_add(b.0)),
        (Value::Size(a), Value::Size(b)) => size(a.checked_add(*b)),
        (Value::Time(t), Value::Duration(d)) | (Value::Duration(d), Value::Time(t)) => shift(*t, Some(d.0)),
        (Value::Str(a), Value::Str(b)) => Ok(Value::str(format!("{a}{b}"))),
        (Value::List(a), Value::List(b)) => Ok(Value::list(a.iter().chain(b.iter()).cloned().collect())),
        _ => match (exact(a), exact(b)) {
            (Some(a), Some(b)) => decimal(a + b),
            _ => Err(mismatch("+", a, b)),
        },
    }
}

fn sub(a: &Value, b: &Value) -> Result<Value, String> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_sub(*b)),
        (Value::Duration(a), Value::Duration(b)) => nanos(a.0.checked_sub(b.0)),
        (Value::Size(a), Value::Size(b)) => size(a.checked_sub(*b)),
        (Value::Time(t), Value::Duration(d)) => shift(*t, d.0.checked_neg()),
        (Value::Time(a), Value::Time(b)) => nanos(i64::try_from(a.duration_since(*b).as_nanos()).ok()),
        _ => match (exact(a), exact(b)) {
            (Some(a), Some(b)) => decimal(a - b),
            _ => Err(mismatch("-", a, b)),
        },
    }
}

fn mul(a: &Value, b: &Value) -> Result<Value, String> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => int(a.checked_mul(*b)),
        (Value::Duration(d), n) | (n, Value::Duration(d)) => match exact(n) {
            Some(n) => nanos(whole(&(BigDecimal::from(d.0) * n))),
            None => Err(mismatch("*", a, b)),
        },
        (Value::Size(s), n) | (n, Value::Size(s)) => match exact(n) {
            Some(n) => size(whole(&(BigDecimal::from(*s) * n))),
            None => Err(mismatch("*", a, b)),
        },
        _ => match (exact(a), exact(b)) {
            (Some(a), Some(b)) => decimal(a * b),
            _ => Err(mismatch("*", a, b)),
        },
    }
}

fn div(a: &Value, b: &Value) -> Result<Value, String> {
    let ratio = |a: i64, b: i64| divide(&BigDecimal::from(a), &BigDecimal::from(b));
    let part = |a: i64, n: &BigDecimal| match divide(&BigDecimal::from(a), n)? {
        Value::Decimal(n) => whole(&n).ok_or_else(overflow),
        other => Err(mismatch("/", &other, b)),
    };
    match (a, b) {
        (Value::Duration(a), Value::Duration(b)) => ratio(a.0, b.0),
        (Value::Size(a), Value::Size(b)) => ratio(*a, *b),
        (Value::Duration(d), n) => match exact(n) {
            Some(n) => Ok(Value::Duration(Nanos(part(d.0, &n)?))),
            None => Err(mismatch("/", a, b)),
        },
        (Value::Size(s), n) => match exact(n) {
            Some(n) => Ok(Value::Size(part(*s, &n)?)),
            None => Err(mismatch("/", a, b)),
        },
        _ => match (exact(a), exact(b)) {
            (Some(a), Some(b)) => divide(&a, &b),
            _ => Err(mismatch("/", a, b)),
        },
    }
}
