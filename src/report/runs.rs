//! The runs of a journal: a table for people, JSON for programs.
use serde::Serialize;

use crate::journal::Row;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::value::{Nanos, Timestamp};

/// How a run stands, in one word.
#[must_use]
pub fn standing(row: &Row) -> &'static str {
    if row.damaged {
        return "damaged";
    }
    let going_on = if row.held.is_some() { "running" } else { "interrupted" };
    row.state.outcome().unwrap_or(going_on)
}

fn tone(standing: &str) -> Tone {
    match standing {
        "running" => Tone::Doing,
        "interrupted" | "incomplete" | "damaged" => Tone::Bad,
        "succeeded" => Tone::Good,
        "undone" => Tone::Warn,
        _ => Tone::Dim,
    }
}

/// One line a run, under a heading.
#[must_use]
pub fn table(rows: &[Row], now: Timestamp) -> Vec<Line> {
    if rows.is_empty() {
        return vec![Line::new(0).put(Tone::Dim, "no runs")];
    }
    let width = |of: fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let (run, user) = (width(|row| row.run.len(), 3), width(|row| row.user.chars().count(), 2));
    let heading = format!("{:run$}  {:11}  {:>9}  {:user$}  runbook", "run", "state", "ago", "by");
    let mut lines = vec![Line::new(0).put(Tone::Dim, heading)];
    for row in rows {
        let word = standing(row);
        let ago = i64::try_from(now.duration_since(row.started).as_nanos()).unwrap_or(i64::MAX);
        // To the second: how long ago is not measured in less.
        let ago = time::limit(Nanos(ago.max(0) / 1_000_000_000 * 1_000_000_000));
        let held = row.held.as_ref().map(|held| format!("  (pid {} on {})", held.pid, held.host_name));
        let locks = (!row.locks.is_empty()).then(|| format!("  holds {}", row.locks.join(", ")));
        lines.push(
            Line::new(0)
                .put(Tone::Plain, format!("{:run$}  ", row.run))
                .put(tone(word), format!("{word:11}"))
                .put(Tone::Plain, format!("  {ago:>9}  {:user$}  {}", row.user, row.book))
                .put(Tone::Dim, held.into_iter().chain(locks).collect::<String>()),
        );
    }
    lines
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
    started: String,
    last: String,
    wrote: bool,
    pid: Option<i32>,
    locks: &'a [String],
}

/// One object: `{"v": 1, "runs": […]}`.
#[must_use]
pub fn json(rows: &[Row]) -> String {
    let runs = rows
        .iter()
        .map(|row| One {
            run: &row.run,
            book: &row.book,
            file: &row.file,
            state: standing(row),
            host: &row.host_name,
            user: &row.user,
            started: row.started.to_string(),
            last: row.last.to_string(),
            wrote: row.wrote,
            pid: row.held.as_ref().map(|held| held.pid),
            locks: &row.locks,
        })
        .collect();
    serde_json::to_string(&Listed { v: 1, runs }).unwrap_or_default()
}
