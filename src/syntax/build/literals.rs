//! Numbers and what has a unit: `1_000`, `0.5`, `1%`, `1h30m`, `512KiB`, `2026-11-01`.
use super::super::ast::{Expr, ExprKind};
use super::super::tree::Node;
use super::Build;
use crate::diag::did_you_mean;
use crate::value::Timestamp;
use crate::value::units::{SIZES, TIMES};

impl Build {
    pub(super) fn number(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        match read(node.text()) {
            Ok(kind) => Expr { kind, span },
            Err((message, help)) => {
                self.error(message, span, "not a number, duration, size or time", help);
                super::bad(span)
            }
        }
    }
}

/// The value of a literal, or what is wrong and what to do.
pub(super) fn read(text: &str) -> Result<ExprKind, (String, String)> {
    if text.get(4..5) == Some("-") {
        return time(text).map(ExprKind::Time);
    }
    let plain: std::borrow::Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Some(number) = plain.strip_suffix('%') {
        return percent(number).ok_or_else(|| (format!("`{text}` is not a percentage"), "write `1%` or `0.5%`".into()));
    }
    if plain.bytes().all(|b| b.is_ascii_digit()) {
        return plain.parse().map(ExprKind::Int).map_err(|_| {
            (
                format!("`{text}` is too large for a whole number"),
                "an int has 64 bits: at most 9223372036854775807".into(),
            )
        });
    }
    if plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') && plain.bytes().filter(|b| *b == b'.').count() == 1 {
        return Ok(ExprKind::Decimal(plain.as_ref().into()));
    }
    with_unit(text, &plain)
}

fn time(text: &str) -> Result<Timestamp, (String, String)> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    whole.parse().map_err(|_| {
        let zone = "write the zone: `2026-11-01T08:00:00Z` or `2026-11-01T08:00:00+02:00`";
        (format!("`{text}` is not a date or time"), zone.into())
    })
}

/// The point moves two digits to the left.
fn percent(number: &str) -> Option<ExprKind> {
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    if !(whole.bytes().chain(rest.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{whole:0>3}");
    let (front, back) = padded.split_at_checked(padded.len() - 2)?;
    let front = front.trim_start_matches('0');
    let digits = format!("{}.{back}{rest}", if front.is_empty() { "0" } else { front });
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    Some(ExprKind::Decimal(digits.into()))
}

/// `1h30m`: each number with its unit; all of one kind.
fn with_unit(text: &str, plain: &str) -> Result<ExprKind, (String, String)> {
    let too_large = || (format!("`{text}` is too large"), "use a smaller number".to_owned());
    let mut rest = plain;
    let mut total: i128 = 0;
    let mut size = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at_checked(digits).unwrap_or((rest, ""));
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters).unwrap_or((tail, ""));
        let time = TIMES.iter().find(|(name, _)| *name == unit);
        let bytes = SIZES.iter().find(|(name, _)| *name == unit);
        let (Some((_, factor)), false) = (time.or(bytes), size.is_some_and(|s| s != bytes.is_some())) else {
            return Err(unknown_unit(text, unit));
        };
        size = Some(bytes.is_some());
        let part = scaled(number, i128::from(*factor)).ok_or_else(|| {
            (format!("`{text}` is not a whole number of the smallest unit"), "use a smaller unit".into())
        })?;
        total = total.checked_add(part).ok_or_else(too_large)?;
        rest = tail;
    }
    let total = i64::try_from(total).map_err(|_| too_large())?;
    Ok(if size == Some(true) { ExprKind::Size(total) } else { ExprKind::Duration(total) })
}

/// `1.5` times a factor, when that is a whole number.
fn scaled(number: &str, factor: i128) -> Option<i128> {
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<i64>().ok().map(i128::from)?.checked_mul(factor)?;
    if rest.is_empty() {
        return Some(whole);
    }
    let scale = 10_i128.checked_pow(u32::try_from(rest.len()).ok()?)?;
    let part = i128::from(rest.parse::<i64>().ok()?).checked_mul(factor)?;
    (part % scale == 0).then_some(whole + part / scale)
}

fn unknown_unit(text: &str, unit: &str) -> (String, String) {
    let all = TIMES.iter().chain(&SIZES).map(|(name, _)| *name);
    let near = match unit.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "min" | "mins" | "minute" | "minutes" => Some("m"),
        "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "day" | "days" => Some("d"),
        "week" | "weeks" => Some("w"),
        "k" | "kb" => Some("KB"),
        "mb" => Some("MB"),
        "g" | "gb" => Some("GB"),
        "tb" => Some("TB"),
        "pb" => Some("PB"),
        "kib" => Some("KiB"),
        "mib" => Some("MiB"),
        "gib" => Some("GiB"),
        "x" | "" => None,
        _ => did_you_mean(unit, all),
    };
    let units =
        "durations end in `ns`, `us`, `ms`, `s`, `m`, `h`, `d` or `w`; sizes in `B`, `KB` to `PB`, or `KiB` to `PiB`";
    let help = match near {
        Some(near) if !unit.is_empty() => format!("did you mean the unit `{near}`? {units}"),
        _ => units.to_owned(),
    };
    (format!("`{text}` has no known unit"), help)
}
