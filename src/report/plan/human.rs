//! For a terminal: the tree, then the way back, then what to know before.
use std::fmt::Write;

use super::{NO_LIMITS, NO_TIMEOUTS, budget, facts, undo};
use crate::plan::{AskedKind, Kind, Node, Plan, Remark, Unwind, UnwindKind};
use crate::value::show;

pub fn render(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", plan.title);
    if let Some(doc) = &plan.doc {
        for line in doc.lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    for (name, value) in &plan.params {
        let _ = writeln!(out, "  {name} = {}", value.as_deref().unwrap_or("(not given)"));
    }
    let _ = writeln!(out, "  deadline         {}", budget(&plan.forward, NO_LIMITS));
    let _ = writeln!(out, "  rollback within  {}", budget(&plan.back, NO_TIMEOUTS));
    for lock in &plan.locks {
        let _ = writeln!(out, "  lock             {lock}");
    }
    out.push('\n');
    nodes(&plan.nodes, 1, &mut out);
    section("on success", &plan.on_success, &mut out);
    section("on failure", &plan.on_failure, &mut out);
    let _ = writeln!(out, "\nIf it fails, what has run is undone in this order:");
    if plan.unwinding.is_empty() {
        let _ = writeln!(out, "  nothing: it changes nothing");
    }
    unwinding(&plan.unwinding, 1, &mut out);
    if !plan.questions.is_empty() || !plan.prompts.is_empty() {
        let _ = writeln!(out, "\nA person is asked:");
        for prompt in &plan.prompts {
            let _ = writeln!(out, "  first  {} (secret {}, typed unseen)", prompt.text, prompt.secret);
        }
        for asked in &plan.questions {
            let kind = match &asked.kind {
                AskedKind::Confirm => "yes or no".to_owned(),
                AskedKind::Irreversible => "point of no return, by the step's name".to_owned(),
                AskedKind::Text(ty) => crate::value::read::name(ty),
                AskedKind::Choose(options) if options.is_empty() => "a choice".to_owned(),
                AskedKind::Choose(options) => options.join(" | "),
            };
            let _ = writeln!(out, "  {}  {} ({kind})", asked.path, asked.text);
        }
    }
    remarks(
        "Not known to only read; taken as the author's word (`reads \"…\"` says it once):",
        &plan.trusted,
        &mut out,
    );
    remarks("Not exact: after a crash in the middle nobody can prove whether it happened:", &plan.inexact, &mut out);
    out
}

pub fn input(all: &[Node], back: &[Unwind]) -> String {
    let mut out = String::new();
    nodes(all, 0, &mut out);
    if !back.is_empty() {
        out.push_str("\nIf it fails, what has run is undone in this order:\n");
        unwinding(back, 1, &mut out);
    }
    out
}

fn section(title: &str, inner: &[Node], out: &mut String) {
    if !inner.is_empty() {
        let _ = writeln!(out, "  {title}");
        nodes(inner, 2, out);
    }
}

fn remarks(title: &str, remarks: &[Remark], out: &mut String) {
    if remarks.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for remark in remarks {
        let _ = writeln!(out, "  {}  {}", remark.path, remark.text);
    }
}

fn nodes(all: &[Node], depth: usize, out: &mut String) {
    for node in all {
        let indent = "  ".repeat(depth);
        let title = line(node);
        let facts = facts(node);
        let facts = if facts.is_empty() || node.kind == Kind::Watch { String::new() } else { format!("   ({facts})") };
        let _ = writeln!(out, "{indent}{title}{facts}");
        nodes(&node.children, depth + 1, out);
        if let Some(how) = &node.undo {
            let _ = writeln!(out, "{indent}  ↩ {}", undo(how));
        }
    }
}

/// A node in one line of text.
pub fn line(node: &Node) -> String {
    let text = &node.text;
    match node.kind {
        Kind::Step => format!("step \"{text}\""),
        Kind::Let => format!("let {text}"),
        Kind::Action | Kind::Do | Kind::Element => text.clone(),
        Kind::DoneWhen => format!("done when {text}"),
        Kind::Guard => format!("guard {text}"),
        Kind::Warn => format!("warn {text}"),
        Kind::Invariant => format!("invariant {text}"),
        Kind::Wait | Kind::WaitUntil => format!("wait {text}"),
        Kind::Watch => format!("watch {text}"),
        Kind::If => format!("if {text}"),
        Kind::Else if text.is_empty() => "else".to_owned(),
        Kind::Else => format!("else, {text}"),
        Kind::For => format!("for {text}"),
        Kind::Parallel => "at once".to_owned(),
        Kind::Transaction => format!("transaction {text}"),
        Kind::With => format!("with {text}"),
        Kind::Confirm => format!("confirm \"{text}\""),
        Kind::Ask => format!("ask \"{text}\""),
        Kind::Choose => format!("choose \"{text}\""),
        Kind::Choice => format!("option \"{text}\""),
        Kind::Try => "try".to_owned(),
        Kind::Commit => format!("commit {text}"),
        Kind::Finally => "finally, at the end in every case".to_owned(),
        Kind::Fail => format!("fail {text}"),
        Kind::Log => format!("log {text}"),
        Kind::Note => format!("note {text}"),
        Kind::Return => format!("return {text}"),
    }
}

fn unwinding(all: &[Unwind], depth: usize, out: &mut String) {
    for entry in all {
        let _ = writeln!(out, "{}{}", "  ".repeat(depth), unwound(entry));
        unwinding(&entry.inside, depth + 1, out);
    }
}

/// An entry of the way back in one line.
pub fn unwound(entry: &Unwind) -> String {
    let text = &entry.text;
    // A call is shown as one, a step by its name.
    let name = if entry.name.ends_with(')') { entry.name.clone() } else { format!("\"{}\"", entry.name) };
    let limit = entry.timeout.map(|t| format!(" (at most {})", show::duration(t))).unwrap_or_default();
    match entry.kind {
        UnwindKind::Rollback => format!("{name}: {text}{limit}"),
        UnwindKind::None => format!("{name}: nothing to undo: {text}"),
        UnwindKind::Manual => format!("{name}: a person must: {text}"),
        UnwindKind::Wall => format!("{name}: POINT OF NO RETURN, once reached nothing below is undone: {text}"),
        UnwindKind::Commit => format!("once reached, what its block did before it stays: {text}"),
        UnwindKind::Together => format!("{}, undone at once:", entry.name),
        UnwindKind::IfTaken => format!("{}:", entry.name),
        UnwindKind::Finally => format!("finally: {text}"),
    }
}
