//! An incident report for a ticket: summary, timeline, root cause, resolution, what is left, action items. What only a person knows
//! stands as a marked gap.
use std::fmt::Write;

use super::Past;
use super::bars::{Bar, Kind};
use super::incident::{Incident, Part, Said, incident};

#[must_use]
pub fn markdown(past: &Past) -> String {
    let bars = past.bars();
    let Incident { title, summary, timeline, cause, resolution, left, actions, gaps } = incident(past, &bars);
    let mut out = String::new();
    let _ = writeln!(out, "# Incident report: {}\n\n## Summary\n", escape(&title));
    for (name, said) in &summary {
        let _ = writeln!(out, "- {name}: {}", sentence(said));
    }
    let _ = writeln!(out, "\n## Timeline\n\nTimes are UTC.\n");
    let mut day = summary.first().map(|(_, said)| sentence(said)).unwrap_or_default();
    for row in &timeline {
        let today = escape(&row.wall.strftime("%F").to_string());
        if today != day {
            let _ = writeln!(out, "\n{today}:\n");
            day = today;
        }
        let _ = writeln!(out, "- {}: {}", row.wall.strftime("%T"), sentence(&row.said));
    }
    list(&mut out, "Root cause", "- ", &cause);
    list(&mut out, "Resolution", "- ", &resolution);
    if !left.is_empty() {
        list(&mut out, "Left in place", "- ", &left);
    }
    list(&mut out, "Action items", "- [ ] ", &actions);
    steps(&mut out, past, &bars);
    if !gaps.is_empty() {
        let _ = writeln!(out, "\n## What this report does not know\n");
        for gap in &gaps {
            let _ = writeln!(out, "- {}", escape(gap));
        }
    }
    out
}

fn list(out: &mut String, title: &str, mark: &str, lines: &[Said]) {
    let _ = writeln!(out, "\n## {title}\n");
    for said in lines {
        let _ = writeln!(out, "{mark}{}", sentence(said));
    }
}

fn steps(out: &mut String, past: &Past, bars: &[Bar]) {
    let steps: Vec<&Bar> =
        bars.iter().filter(|bar| matches!(bar.kind, Kind::Step | Kind::Undo | Kind::Aside)).collect();
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## Steps\n\n| step | came to | started | took |\n|---|---|---|---|");
    for bar in steps {
        let undo = if bar.kind == Kind::Undo { "undo of " } else { "" };
        let attempt = if bar.attempt > 1 { format!(" (attempt {})", bar.attempt) } else { String::new() };
        let _ = writeln!(
            out,
            "| {}{undo}{}{attempt} | {} | {} | {} |",
            "&ensp;".repeat(bar.depth),
            escape(&super::incident::cleaned(past, &bar.name)),
            bar.how.words(),
            bar.start.strftime("%T"),
            bar.lasted()
        );
    }
}

fn sentence(said: &[Part]) -> String {
    said.iter()
        .map(|part| match part {
            Part::Text(text) => escape(text),
            Part::Code(text) => code(text),
            Part::Gap(what) => format!("**\\[to be filled in by a person: {what}\\]**"),
        })
        .collect()
}

/// Nothing in it is markup, a link or HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// As it is, however many backquotes stand in it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match text {
        "" => "*nothing*".to_owned(),
        text if longest > 0 || text.starts_with(' ') => format!("{fence} {text} {fence}"),
        text => format!("{fence}{text}{fence}"),
    }
}
