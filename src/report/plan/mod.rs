//! A [`Plan`] for people and programs: one renderer a format. In: plain data. Out: text that ends in a newline.
mod human;
mod json;
mod markdown;
mod mermaid;

use crate::plan::{Node, Plan, Undo, UndoKind, Unwind};
use crate::value::{Nanos, show};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Human,
    Json,
    Markdown,
    Mermaid,
}

#[must_use]
pub fn render(plan: &Plan, format: Format) -> String {
    match format {
        Format::Human => human::render(plan),
        Format::Json => json::render(plan),
        Format::Markdown => markdown::render(plan),
        Format::Mermaid => mermaid::render(plan),
    }
}

/// For a person at a console: what an input would do, and the way back from it.
#[must_use]
pub fn input(nodes: &[Node], unwinding: &[Unwind]) -> String {
    human::input(nodes, unwinding)
}

/// How a step or an action would be undone, in one line.
#[must_use]
pub fn way_back(how: &Undo) -> String {
    undo(how)
}

/// What stands beside a step's name: `readonly · at most 30s · retry 2 every 5s`.
fn facts(node: &Node) -> String {
    let mut facts = Vec::new();
    if node.readonly {
        facts.push("readonly".to_owned());
    }
    if let Some(when) = &node.when {
        facts.push(format!("when {when}"));
    }
    if let Some(timeout) = node.timeout {
        facts.push(format!("at most {}", show::duration(timeout)));
    }
    if let Some(retry) = &node.retry {
        facts.push(format!("retry {retry}"));
    }
    if let Some(worst) = node.worst.filter(|_| node.retry.is_some() || node.timeout.is_none()) {
        facts.push(format!("{} in all", show::duration(worst)));
    }
    facts.join(" · ")
}

/// `undone by $ rm -rf x (at most 10s)`
fn undo(undo: &Undo) -> String {
    let limit = undo.timeout.map(|t| format!(" (at most {})", show::duration(t))).unwrap_or_default();
    match undo.kind {
        UndoKind::Rollback => format!("undone by {}{limit}", undo.text),
        UndoKind::None => format!("nothing to undo: {}", undo.text),
        UndoKind::Manual => format!("undone by a person: {}", undo.text),
        UndoKind::Irreversible => format!("cannot be undone: {}", undo.text),
    }
}

const NO_LIMITS: &str = "no step and no wait has a limit of its own";
const NO_TIMEOUTS: &str = "no rollback names a timeout";

/// `1h (at most 12m)`, and what has no bound; `nothing` where no limits add up.
fn budget(budget: &crate::plan::Budget, nothing: &str) -> String {
    let worst = match (budget.worst, unlimited(&budget.unlimited)) {
        (Nanos(0), _) => nothing.to_owned(),
        (worst, None) => format!("at most {}", show::duration(worst)),
        (worst, Some(names)) => {
            format!("at most {}, and what has no limit of its own: {names}", show::duration(worst))
        }
    };
    let mut text = match budget.limit {
        Some(limit) => format!("{} ({worst})", show::duration(limit)),
        None => worst,
    };
    for why in &budget.unbounded {
        text = format!("{text}; unbounded: {why}");
    }
    text
}

/// More names than these are counted.
const NAMED: usize = 5;

fn unlimited(names: &[String]) -> Option<String> {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("\"{name}\"")).collect();
    let shown = (!shown.is_empty()).then(|| shown.join(", "))?;
    Some(match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    })
}
