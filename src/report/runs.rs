//! The runs of a journal: a table for people, JSON for programs.
use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::event::End;
use crate::journal::{Row, State};
use crate::report::events::encoded;
use crate::report::past::Stands;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::value::{Nanos, SmolStr, Timestamp};

/// How a run stands, in one word.
#[must_use]
pub fn standing(row: &Row) -> &'static str {
    if row.damaged {
        return "damaged";
    }
    let going_on = match (&row.held, row.state) {
        (Some(_), _) => "running",
        (None, State::Ended(End::Stopped)) => "stopped",
        (None, _) => "interrupted",
    };
    row.state.outcome().unwrap_or(going_on)
}

fn tone(standing: &str) -> Tone {
    match standing {
        "running" => Tone::Doing,
        "interrupted" | "stopped" | "incomplete" | "failed" | "damaged" => Tone::Bad,
        "succeeded" => Tone::Good,
        "undone" => Tone::Warn,
        _ => Tone::Dim,
    }
}

/// Columns that a run takes in one line with a short title.
const ONE_LINE: usize = 72;

/// One line a run, under a heading; in a narrow terminal several. `stands`: where those that are not over stand.
#[must_use]
pub fn table(rows: &[Row], stands: &BTreeMap<SmolStr, Stands>, now: Timestamp, width: usize) -> Vec<Line> {
    if rows.is_empty() {
        return vec![Line::new(0).put(Tone::Dim, "no runs")];
    }
    let wide = width >= ONE_LINE;
    let column = |of: fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let (run, user) = (column(|row| row.run.len(), 3), column(|row| row.user.chars().count(), 2));
    let heading = format!("{:run$}  {:11}  {:>9}  {:user$}  runbook", "run", "state", "ago", "by");
    let mut lines = if wide { vec![Line::new(0).put(Tone::Dim, heading)] } else { Vec::new() };
    for row in rows {
        let word = standing(row);
        let ago = ago(now, row.started);
        let held = row.held.as_ref().map(|held| format!("(pid {} on {})", held.pid, held.host_name));
        let locks = (!row.locks.is_empty()).then(|| format!("holds {}", row.locks.join(", ")));
        let stands = stands.get(&row.run).map(|stands| stands.words.clone());
        let damaged = row.damaged.then(|| format!("`rbk show {}` tells what is known of it", row.run));
        let more: Vec<String> = stands.into_iter().chain(damaged).chain(held).chain(locks).collect();
        if wide {
            let line = Line::new(0)
                .put(Tone::Plain, format!("{:run$}  ", row.run))
                .put(tone(word), format!("{word:11}"))
                .put(Tone::Plain, format!("  {ago:>9}  {:user$}  {}", row.user, known(&row.book)));
            lines.push(more.iter().fold(line, |line, text| line.put(Tone::Dim, format!("  {text}"))));
        } else {
            lines.push(Line::new(0).put(Tone::Plain, format!("{}  ", row.run)).put(tone(word), word));
            lines.push(Line::new(1).put(Tone::Plain, known(&row.book)));
            lines.push(Line::new(1).put(Tone::Dim, format!("{ago} ago by {}", row.user)));
            lines.extend(more.into_iter().map(|text| Line::new(1).put(Tone::Dim, text)));
        }
    }
    lines
}

/// To the second: how long ago is not measured in less.
fn ago(now: Timestamp, then: Timestamp) -> String {
    if then == Timestamp::UNIX_EPOCH {
        return "?".to_owned();
    }
    let ago = i64::try_from(now.duration_since(then).as_nanos()).unwrap_or(i64::MAX);
    time::limit(Nanos(ago.max(0) / 1_000_000_000 * 1_000_000_000))
}

#[derive(Serialize)]
struct Listed<'a> {
    v: u32,
    runs: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    run: &'a str,
    book: &'a str,
    file: &'a str,
    state: &'static str,
    host: &'a str,
    user: &'a str,
    started: Option<String>,
    last: Option<String>,
    wrote: bool,
    pid: Option<i32>,
    locks: &'a [String],
    /// Of the newest that are not over.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'a [serde_json::Value]>,
}

fn known(text: &str) -> &str {
    if text.is_empty() { "?" } else { text }
}

fn time_of(time: Timestamp) -> Option<String> {
    (time != Timestamp::UNIX_EPOCH).then(|| time.to_string())
}

/// One object: `{"v": 1, "runs": […]}`.
#[must_use]
pub fn json(rows: &[Row], stands: &BTreeMap<SmolStr, Stands>) -> String {
    let runs = rows
        .iter()
        .map(|row| One {
            run: &row.run,
            book: &row.book,
            file: &row.file,
            state: standing(row),
            host: &row.host_name,
            user: &row.user,
            started: time_of(row.started),
            last: time_of(row.last),
            wrote: row.wrote,
            pid: row.held.as_ref().map(|held| held.pid),
            locks: &row.locks,
            waits_for: stands.get(&row.run).map(|stands| stands.waits_for.as_slice()),
        })
        .collect();
    // Strings and lists of them: this cannot fail.
    encoded(&serde_json::to_value(Listed { v: 1, runs }).unwrap_or_default()) + "\n"
}
