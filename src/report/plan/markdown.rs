//! For a ticket or a review: headings, a nested list, a table of what undoes what.
use std::fmt::Write;

use super::human::{line, unwound};
use super::{NO_LIMITS, NO_TIMEOUTS, budget, facts, undo};
use crate::plan::{Node, Plan, Remark, Unwind};

pub fn render(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", plan.title);
    if let Some(doc) = &plan.doc {
        let _ = writeln!(out, "{doc}\n");
    }
    let _ = writeln!(out, "| | |\n|---|---|");
    for (name, value) in &plan.params {
        let _ = writeln!(out, "| {} | {} |", code(name), value.as_deref().map_or("not given".to_owned(), code));
    }
    let _ = writeln!(out, "| deadline | {} |", cell(&budget(&plan.forward, NO_LIMITS)));
    let _ = writeln!(out, "| rollback within | {} |", cell(&budget(&plan.back, NO_TIMEOUTS)));
    for lock in &plan.locks {
        let _ = writeln!(out, "| lock | {} |", code(lock));
    }
    let _ = writeln!(out, "\n## What runs\n");
    nodes(&plan.nodes, 0, &mut out);
    for (title, inner) in [("On success", &plan.on_success), ("On failure", &plan.on_failure)] {
        if !inner.is_empty() {
            let _ = writeln!(out, "\n## {title}\n");
            nodes(inner, 0, &mut out);
        }
    }
    let _ = writeln!(out, "\n## If it fails\n");
    if plan.unwinding.is_empty() {
        let _ = writeln!(out, "It changes nothing: there is nothing to undo.");
    } else {
        let _ = writeln!(out, "What has run is undone in this order:\n");
        unwinding(&plan.unwinding, 0, &mut out);
    }
    if !plan.questions.is_empty() || !plan.prompts.is_empty() {
        let _ = writeln!(out, "\n## A person is asked\n");
        for prompt in &plan.prompts {
            let _ = writeln!(out, "- {} (secret {}, typed unseen)", code(&prompt.text), code(&prompt.secret));
        }
        for asked in &plan.questions {
            let _ = writeln!(out, "- {}", code(&asked.text));
        }
    }
    remarks(
        "Taken as the author's word",
        "Commands not known to only read, in places that only read:",
        &plan.trusted,
        &mut out,
    );
    remarks(
        "Not exact",
        "After a crash in the middle nobody can prove whether these happened:",
        &plan.inexact,
        &mut out,
    );
    out
}

fn remarks(title: &str, text: &str, remarks: &[Remark], out: &mut String) {
    if remarks.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n\n{text}\n");
    for remark in remarks {
        let _ = writeln!(out, "- {}", code(&remark.text));
    }
}

fn nodes(all: &[Node], depth: usize, out: &mut String) {
    for node in all {
        let indent = "  ".repeat(depth);
        let facts = facts(node);
        let facts = if facts.is_empty() { String::new() } else { format!(" ({})", plain(&facts)) };
        let _ = writeln!(out, "{indent}- {}{facts}", code(&line(node)));
        nodes(&node.children, depth + 1, out);
        if let Some(how) = &node.undo {
            let _ = writeln!(out, "{indent}  - ↩ {}", code(&undo(how)));
        }
    }
}

fn unwinding(all: &[Unwind], depth: usize, out: &mut String) {
    for entry in all {
        let _ = writeln!(out, "{}1. {}", "   ".repeat(depth), code(&unwound(entry)));
        unwinding(&entry.inside, depth + 1, out);
    }
}

/// As code, whatever the text: the fence is longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text = text.replace('\n', " ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

fn plain(text: &str) -> String {
    text.replace(['\n', '|'], " ").replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}

fn cell(text: &str) -> String {
    plain(text)
}
