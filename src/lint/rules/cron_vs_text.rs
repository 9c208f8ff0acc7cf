//! A schedule, and words beside it that say something else.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::CronVsText, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let text = script.sources.get(script.file).map_or("", |f| &f.text);
    let mut found = Vec::new();
    // Days and months of every schedule that is understood.
    if !text.contains(" * * ") {
        return found;
    }
    let mut above = "";
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((start, length, period)) = schedule(line)
            && let Some((words, said)) = every(line).or_else(|| every(above))
            && period != said
        {
            let span = Span::new(script.file, at + start, at + start + length);
            found.push(
                RULE.found(format!("this runs every {}, not {words}", spoken(period)), span, "minutes come first, and nothing is finer")
                    .help("a schedule counts minutes, hours, days; `watch \"…\" for … every 30s` and timers of systemd go below a minute"),
            );
        }
        above = line;
        at += line.len();
    }
    found
}

/// Five fields of a schedule that repeats evenly within a day: where they stand, how many bytes, and its period in seconds.
fn schedule(line: &str) -> Option<(usize, usize, u64)> {
    let starts = line.char_indices().filter(|(i, c)| {
        (*c == '*' || c.is_ascii_digit())
            && line
                .get(..*i)
                .is_some_and(|before| !before.ends_with(|c: char| !c.is_whitespace() && !"\"'".contains(c)))
    });
    for (start, _) in starts {
        let rest = line.get(start..)?;
        let mut fields = rest.split(' ');
        let five: Vec<&str> = fields.by_ref().take(5).collect();
        let [minute, hour, "*", "*", last] = five.as_slice() else { continue };
        if !last.starts_with('*')
            || !five.iter().all(|f| f.chars().all(|c| c.is_ascii_digit() || "*/,-\"'".contains(c)))
        {
            continue;
        }
        let length = five.iter().map(|f| f.len() + 1).sum::<usize>() - 1;
        let step = |field: &str| field.strip_prefix("*/").and_then(|n| n.parse::<u64>().ok());
        let period = match (*minute, *hour) {
            ("*", "*") => Some(60),
            (minute, "*") if step(minute).is_some() => step(minute).map(|n| n * 60),
            (minute, "*") if minute.parse::<u64>().is_ok() => Some(3600),
            (minute, hour) if minute.parse::<u64>().is_ok() && step(hour).is_some() => step(hour).map(|n| n * 3600),
            (minute, hour) if minute.parse::<u64>().is_ok() && hour.parse::<u64>().is_ok() => Some(86_400),
            _ => None,
        };
        if let Some(period) = period {
            return Some((start, length, period));
        }
    }
    None
}

/// `every 30s`, `every 5 minutes`: as said, and in seconds.
fn every(line: &str) -> Option<(String, u64)> {
    let lower = line.to_ascii_lowercase();
    let (_, rest) = lower.split_once("every ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let unit: String = rest.get(digits.len()..)?.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let count = if digits.is_empty() { 1 } else { digits.parse::<u64>().ok()? };
    let seconds = match unit.as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" | "night" => 86_400,
        _ => return None,
    };
    Some((format!("every {digits}{unit}"), count * seconds))
}

fn spoken(seconds: u64) -> String {
    let (n, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3600 == 0 => (s / 3600, "hour"),
        s => (s / 60, "minute"),
    };
    if n == 1 { unit.to_owned() } else { format!("{n} {unit}s") }
}
