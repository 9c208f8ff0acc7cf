//! Secrets that a journal without a key does not keep and that cannot be read again, where what must still be done after
//! a crash needs them: rollbacks, `finally`s, what stands after a point of no return.
use std::collections::BTreeSet;

use super::program::{Arg, Block, Expr, ExprKind, Global, NameId, Program, StmtKind, Undo};
use super::walk;
use crate::source::Span;
use crate::value::{SmolStr, Value, format_smolstr, show};

/// The first place, and the name that is needed there.
#[must_use]
pub fn needed(program: &Program) -> Option<(SmolStr, Span)> {
    let mut tainted: BTreeSet<NameId> = globals(program).filter_map(lost).collect();
    if tainted.is_empty() {
        return None;
    }
    let bodies: Vec<(&Block, &Undo)> = program.actions.iter().map(|a| (&a.body.block, &a.body.undo)).collect();
    loop {
        let before = tainted.len();
        for global in globals(program) {
            if let Global::Let { name, value } | Global::Connect { name, value } = global {
                spread(value, Some(*name), &mut tainted);
            }
        }
        for block in forward(program).chain(bodies.iter().map(|(block, _)| *block)) {
            every(block, &mut |kind| {
                let bound = walk::binds(kind);
                walk::expressions(kind, &mut |expr| spread(expr, bound, &mut tainted));
            });
        }
        if tainted.len() == before {
            break;
        }
    }
    let mut found = None;
    for (_, undo) in &bodies {
        in_undo(undo, &tainted, &mut found);
    }
    for block in forward(program).chain(bodies.iter().map(|(block, _)| *block)) {
        let mut behind = false;
        every(block, &mut |kind| match kind {
            StmtKind::Step(step) => {
                in_undo(&step.body.undo, &tainted, &mut found);
                behind |= matches!(step.body.undo, Undo::Irreversible { .. });
            }
            StmtKind::Finally(block) => in_block(block, &tainted, &mut found),
            kind if behind => walk::expressions(kind, &mut |expr| in_expr(expr, &tainted, &mut found)),
            _ => {}
        });
    }
    let (name, span) = found?;
    Some((program.names.get(name.0 as usize)?.text.clone(), span))
}

fn globals(program: &Program) -> impl Iterator<Item = &Global> {
    let typed = program.console.iter().flat_map(|console| &console.entries).flat_map(|entry| &entry.globals);
    program.globals.iter().chain(typed)
}

/// What the run itself does.
fn forward(program: &Program) -> impl Iterator<Item = &Block> {
    let typed = program.console.iter().flat_map(|console| &console.entries).map(|entry| &entry.body);
    program.book.iter().map(|book| &book.body).chain(typed)
}

/// The secrets that are made of an environment variable: their names, and the variables'.
#[must_use]
pub fn from_environment(program: &Program) -> Vec<(SmolStr, SmolStr)> {
    let mut found = Vec::new();
    for global in globals(program) {
        let Global::Secret { name, value, .. } = global else { continue };
        let Some(name) = program.names.get(name.0 as usize) else { continue };
        walk::deep(value, &mut |expr| {
            if let ExprKind::Call(call) = &expr.kind
                && call.action == "secret.env"
                && let Some((_, Arg::Value(variable))) = call.args.first()
                && let ExprKind::Value(Value::Str(variable)) = &variable.kind
            {
                found.push((name.text.clone(), SmolStr::from(&**variable)));
            }
        });
    }
    found
}

/// What a resume reads again, as its calls are shown: `env("TOKEN")`. Nothing when only a run knows what one of them reads.
#[must_use]
pub fn read_again(program: &Program) -> Option<Vec<SmolStr>> {
    let mut found = Some(Vec::new());
    for global in globals(program) {
        let (Global::Let { value, .. } | Global::Secret { value, .. } | Global::Connect { value, .. }) = global;
        walk::deep(value, &mut |expr| {
            let ExprKind::Call(call) = &expr.kind else { return };
            if !matches!(call.action.as_str(), "secret.env" | "secret.prompt") {
                return;
            }
            match call.args.first() {
                Some((_, Arg::Value(Expr { kind: ExprKind::Value(text), .. }))) => {
                    found.iter_mut().for_each(|found| {
                        found.push(format_smolstr!("{}({})", call.source, show::literal(text)));
                    });
                }
                Some(_) | None => found = None,
            }
        });
    }
    found
}

/// A secret that a resume cannot simply read again.
fn lost(global: &Global) -> Option<NameId> {
    let Global::Secret { name, value, .. } = global else { return None };
    let mut again = true;
    walk::deep(value, &mut |expr| match &expr.kind {
        ExprKind::Call(call) => again &= matches!(call.action.as_str(), "secret.env" | "secret.prompt"),
        ExprKind::Command(_) | ExprKind::Action(_) => again = false,
        _ => {}
    });
    (!again).then_some(*name)
}

/// What is made of a tainted name is tainted: the name it is bound to, the parameters it is given as.
fn spread(expr: &Expr, bound: Option<NameId>, tainted: &mut BTreeSet<NameId>) {
    let mut hit = false;
    walk::deep(expr, &mut |inner| match &inner.kind {
        ExprKind::Name(name) => hit |= tainted.contains(name),
        ExprKind::Action(call) => {
            let given = call.args.iter().filter(|(_, arg)| names(arg, tainted));
            let given: Vec<NameId> = given.map(|(name, _)| *name).collect();
            tainted.extend(given);
        }
        _ => {}
    });
    if hit && let Some(name) = bound {
        tainted.insert(name);
    }
}

fn names(expr: &Expr, tainted: &BTreeSet<NameId>) -> bool {
    let mut hit = false;
    walk::deep(expr, &mut |inner| hit |= matches!(&inner.kind, ExprKind::Name(name) if tainted.contains(name)));
    hit
}

/// Every statement of a block, those inside steps too; not those of rollbacks.
fn every<'a>(block: &'a Block, each: &mut dyn FnMut(&'a StmtKind)) {
    walk::statements(block, &mut |stmt| each(&stmt.kind));
}

type Found = Option<(NameId, Span)>;

fn in_undo(undo: &Undo, tainted: &BTreeSet<NameId>, found: &mut Found) {
    if let Undo::Rollback { block, .. } = undo {
        in_block(block, tainted, found);
    }
}

fn in_block(block: &Block, tainted: &BTreeSet<NameId>, found: &mut Found) {
    every(block, &mut |kind| walk::expressions(kind, &mut |expr| in_expr(expr, tainted, found)));
}

fn in_expr(expr: &Expr, tainted: &BTreeSet<NameId>, found: &mut Found) {
    walk::deep(expr, &mut |inner| {
        if let ExprKind::Name(name) = &inner.kind
            && tainted.contains(name)
        {
            found.get_or_insert((*name, inner.span));
        }
    });
}
