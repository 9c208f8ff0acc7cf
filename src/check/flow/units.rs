//! Leaf or branch (B1, B2): a step has writes of its own and one undo, or it contains what undoes itself.
use crate::check::program::{Block, Class, Effect, Program, StmtKind, Undo};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::{Unit, inverse, undo_span, units};

/// What a body does itself, and what in it undoes itself.
#[derive(Default)]
pub struct Own<'a> {
    pub writes: Vec<(Doing<'a>, Span)>,
    pub holds: Vec<(String, Span)>,
}

/// Of a block, what stands in nested steps, in `finally` and in conditions left out.
pub fn own<'a>(program: &'a Program, block: &'a Block) -> Own<'a> {
    let mut out = Own::default();
    collect(program, block, &mut out);
    out
}

fn collect<'a>(program: &'a Program, block: &'a Block, out: &mut Own<'a>) {
    for stmt in &block.stmts {
        match &stmt.kind {
            StmtKind::Finally(_)
            | StmtKind::Watch { .. }
            | StmtKind::Guards(_)
            | StmtKind::Warn(_)
            | StmtKind::DoneWhen(_)
            | StmtKind::Invariant { .. }
            | StmtKind::WaitUntil { .. } => continue,
            StmtKind::Step(step) => {
                if walk::effect(program, &step.body.block) == Effect::Write {
                    out.holds.push((format!("step \"{}\"", step.source), step.head));
                }
                continue;
            }
            StmtKind::Try { .. } => {
                let mut inner = Own::default();
                for block in walk::blocks(&stmt.kind) {
                    collect(program, block, &mut inner);
                }
                if !inner.writes.is_empty() || !inner.holds.is_empty() {
                    out.holds.push(("a `try`".to_owned(), walk::opening(stmt.span, 3)));
                }
                out.writes.extend(inner.writes);
                continue;
            }
            StmtKind::If { .. } => {}
            kind => walk::expressions(kind, &mut |e| {
                let mut judged = false;
                walk::conditions(kind, &mut |_, cond| judged |= std::ptr::eq(cond, e));
                if judged {
                    return;
                }
                walk::doings(e, &mut |doing, span| {
                    if doing.effect(program) != Effect::Write {
                        return;
                    }
                    match doing {
                        Doing::Action(_) => out.holds.push((format!("`{}`", doing.name(program)), span)),
                        Doing::Command(_) | Doing::Call(_) => out.writes.push((doing, span)),
                    }
                });
            }),
        }
        for inner in walk::blocks(&stmt.kind) {
            collect(program, inner, out);
        }
    }
}

pub fn check(program: &Program, unread: &[Span], found: &mut Vec<Diagnostic>) {
    if let Some(book) = &program.book {
        outside(program, &book.body, unread, found);
    }
    for entry in program.console.iter().flat_map(|console| &console.entries) {
        outside(program, &entry.body, unread, found);
    }
    units(program, &mut |unit| match (unit.step, unit.action) {
        // A runbook that is used as an action is the only one with a deadline.
        (_, Some(action)) if action.timeout.is_some() => outside(program, unit.block, unread, found),
        _ if unread.iter().any(|bad| unit.block.span.contains(*bad)) => {}
        (Some(step), _) if step.readonly => readonly(program, unit, found),
        _ => found.extend(one(program, unit)),
    });
}

fn outside(program: &Program, block: &Block, unread: &[Span], found: &mut Vec<Diagnostic>) {
    // What stands in a block that nobody could read may stand in a step.
    let writes = own(program, block).writes.into_iter();
    for (doing, span) in writes.filter(|(_, span)| unread.iter().all(|bad| !bad.contains(*span))) {
        let name = doing.name(program);
        found.push(
            Diagnostic::error(
                Code::WriteOutsideStep,
                format!("`{name}` writes outside any step: nothing would undo it"),
                span,
                counts_as(&doing),
            )
            .help(format!(
                "put it into a step that says how it is undone:\n{}{}",
                inverse::step(program, &doing),
                or_reads(&doing, "\n")
            )),
        );
    }
}

fn readonly(program: &Program, unit: &Unit<'_>, found: &mut Vec<Diagnostic>) {
    let own = own(program, unit.block);
    let writes = own.writes.iter().map(|(d, s)| (format!("`{}`", d.name(program)), *s));
    for (what, span) in writes.chain(own.holds.iter().filter(|(w, _)| w != "a `try`").cloned()) {
        found.push(
            Diagnostic::error(Code::WriteInReadonly, format!("{what} writes in a readonly step"), span, "this writes")
                .label(unit.head, "this step only reads")
                .help("take `readonly` away and say how the step is undone, or move the write into a step of its own"),
        );
    }
}

fn one(program: &Program, unit: &Unit<'_>) -> Option<Diagnostic> {
    let own = own(program, unit.block);
    let undo = undo_span(unit.undo);
    match (own.writes.first(), own.holds.first(), undo) {
        (Some((doing, span)), Some((inner, at)), _) => Some(
            Diagnostic::error(
                Code::MixedStep,
                format!("{} writes itself and contains {inner}, which undoes itself", unit.what()),
                *span,
                counts_as(doing),
            )
            .label(*at, "and this undoes itself: in which order would they be undone?")
            .help(format!(
                "give the write a step of its own inside this one:\n{}{}",
                inverse::step(program, doing),
                or_reads(doing, "\n")
            )),
        ),
        (None, Some((inner, at)), Some((span, word))) => Some(
            Diagnostic::error(
                Code::MixedStep,
                format!("{} contains {inner}, which undoes itself, and has an undo of its own", unit.what()),
                span,
                format!("this `{word}` has nothing to undo"),
            )
            .label(*at, "this undoes itself")
            .help(format!("take `{word}` away, or move it into the step whose writes it is about")),
        ),
        (Some((doing, span)), None, None) => Some(missing(unit, doing, *span, own.writes.len())),
        (None, None, Some((span, word))) => Some(idle(program, unit, span, word)),
        (Some(_), None, Some(_)) | (None, _, None) => None,
    }
}

/// Nothing that an undo could be about.
fn idle(program: &Program, unit: &Unit<'_>, span: Span, word: &str) -> Diagnostic {
    let message = format!("{} is known to write nothing: its `{word}` never runs", unit.what());
    let found = Diagnostic::warning(Code::IdleUndo, message, span, "nothing to undo");
    let mut capture: Option<(String, Span)> = None;
    walk::statements(unit.block, &mut |stmt| {
        if let StmtKind::Let { value, .. } = &stmt.kind {
            walk::doings(value, &mut |doing, span| {
                if matches!(doing, Doing::Command(c) if c.class == Class::Unknown) {
                    capture.get_or_insert_with(|| (doing.name(program), span));
                }
            });
        }
    });
    match capture {
        Some((name, at)) => found.label(at, "above the first write this counts as a read").help(format!(
            "if `{name}` writes, make it a statement (`$ … > file`) and read the file; else take `{word}` away"
        )),
        None => found.help(format!("take `{word}` away")),
    }
}

fn missing(unit: &Unit<'_>, doing: &Doing<'_>, span: Span, writes: usize) -> Diagnostic {
    let message = match writes {
        1 => format!("{} changes something, and nothing says how that is undone", unit.what()),
        n => format!("{} changes something in {n} places, and nothing says how that is undone", unit.what()),
    };
    // `;` is the shell's.
    if let Doing::Command(c) = doing
        && let Some(word) = ["rollback", "irreversible"].iter().find(|w| c.source.contains(&format!("; {w}")))
    {
        return Diagnostic::error(Code::MissingRollback, message, span, format!("`{word}` is part of this command"))
            .label(unit.head, "has no `rollback`")
            .help(format!("a command goes to the end of its line: put `{word}` on a line of its own"));
    }
    Diagnostic::error(Code::MissingRollback, message, span, counts_as(doing))
        .label(unit.head, "has no `rollback`")
        .help(format!("{}{}", inverse::advice(doing), or_reads(doing, "; ")))
}

/// The way out for a command that counts as a write only because nobody knows it.
fn or_reads(doing: &Doing<'_>, between: &str) -> String {
    match doing {
        Doing::Command(c) if c.class == Class::Unknown => {
            format!("{between}if it only reads, write `readonly` before its `$`, or declare it with `reads \"…\"`")
        }
        Doing::Command(_) | Doing::Call(_) | Doing::Action(_) => String::new(),
    }
}

pub fn counts_as(doing: &Doing<'_>) -> &'static str {
    match doing {
        Doing::Command(c) if c.class == Class::Unknown => "not known to only read, so it counts as a write",
        Doing::Command(_) | Doing::Call(_) | Doing::Action(_) => "this writes",
    }
}

/// Whether a body's own writes may be repeated without harm.
pub fn idempotent(doing: &Doing<'_>) -> bool {
    matches!(doing, Doing::Call(call) if call.idempotent)
}

/// A body's own undo leaves what was written in place.
pub fn keeps(undo: &Undo) -> bool {
    matches!(undo, Undo::None { .. } | Undo::Manual { .. })
}
