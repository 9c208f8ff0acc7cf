//! Native actions that work on this machine only, under a context that puts commands somewhere else.
use std::collections::BTreeMap;

use crate::check::program::{ActionId, Arg, Block, Call, ContextUse, ExprKind, Program, StmtKind};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::value::{SmolStr, Type};

use super::{rollbacks, top_blocks};

/// The context around, as a person reads it.
#[derive(Clone)]
struct Away {
    what: String,
    span: Span,
}

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    let mut local = BTreeMap::new();
    for block in top_blocks(program) {
        in_block(program, block, None, &mut local, found);
    }
    rollbacks(program, &mut |_, block, _| in_block(program, block, None, &mut local, found));
}

type Local = BTreeMap<ActionId, Option<(String, Span)>>;

fn in_block(program: &Program, block: &Block, away: Option<&Away>, local: &mut Local, found: &mut Vec<Diagnostic>) {
    for stmt in &block.stmts {
        if let Some(away) = away {
            let mut head = |e| here(program, e, away, local, found);
            walk::expressions(&stmt.kind, &mut head);
            if let StmtKind::Step(step) = &stmt.kind {
                walk::head(step, &mut head);
            }
        }
        if let StmtKind::With { contexts, body } = &stmt.kind {
            let inner = contexts.iter().rev().find_map(|c| elsewhere(program, c, stmt.span)).or_else(|| away.cloned());
            in_block(program, body, inner.as_ref(), local, found);
            continue;
        }
        for inner in walk::blocks(&stmt.kind) {
            in_block(program, inner, away, local, found);
        }
        if let StmtKind::Step(step) = &stmt.kind
            && let (Some(away), crate::check::program::Undo::Rollback { block, .. }) = (away, &step.body.undo)
        {
            in_block(program, block, Some(away), local, found);
        }
    }
}

fn elsewhere(program: &Program, context: &ContextUse, stmt: Span) -> Option<Away> {
    let (what, span) = match context {
        ContextUse::Ssh(host) => ("ssh".to_owned(), host.span),
        ContextUse::Sudo(user) => ("sudo".to_owned(), user.as_ref().map_or(walk::opening(stmt, 4), |u| u.span)),
        ContextUse::User { context, args } => {
            let name = program.contexts.get(context.0 as usize).map_or("context", |c| c.name.as_str());
            (name.to_owned(), args.first().map_or(walk::opening(stmt, 4), |(_, e)| e.span))
        }
        ContextUse::Dir(_)
        | ContextUse::Env(_)
        | ContextUse::Stdin(_)
        | ContextUse::Connection(_)
        | ContextUse::Running(_) => return None,
    };
    Some(Away { what, span })
}

fn here(
    program: &Program,
    expr: &crate::check::program::Expr,
    away: &Away,
    local: &mut Local,
    found: &mut Vec<Diagnostic>,
) {
    walk::doings(expr, &mut |doing, span| {
        let (name, inside) = match doing {
            Doing::Call(call) if is_local(call) => (call.source.to_string(), None),
            Doing::Action(call) => match uses_local(program, call.action, local) {
                Some((name, at)) => (name, Some(at)),
                None => return,
            },
            Doing::Call(_) | Doing::Command(_) => return,
        };
        let label = format!("reads and writes this machine, not where `{}` leads", away.what);
        let mut one = Diagnostic::error(
            Code::LocalInContext,
            format!("`{name}` cannot follow `with {}`", away.what),
            span,
            label,
        )
        .label(away.span, "commands inside run elsewhere");
        if let Some(at) = inside {
            one = one.label(at, "used here");
        }
        found.push(
            one.help("use a command (`$ stat …`, `$ cat …`), which follows the context, or move it out of the `with`"),
        );
    });
}

/// Whether it reads or writes files of this machine.
fn is_local(call: &Call) -> bool {
    let sends_file = |(name, arg): &(SmolStr, Arg)| {
        let Arg::Value(value) = arg else { return false };
        match name.as_str() {
            "file" => value.ty != Type::Null,
            "multipart" => match &value.kind {
                ExprKind::Record(parts) => parts.iter().any(|(_, part)| matches!(part.kind, ExprKind::Record(_))),
                _ => false,
            },
            _ => false,
        }
    };
    call.action.starts_with("file.")
        || matches!(call.action.as_str(), "postgres.copy_in" | "postgres.copy_out")
        || call.action.starts_with("http.") && call.args.iter().any(sends_file)
}

/// The first local native that an action uses outside any `with` of its own.
fn uses_local(program: &Program, id: ActionId, local: &mut Local) -> Option<(String, Span)> {
    if let Some(known) = local.get(&id) {
        return known.clone();
    }
    local.insert(id, None);
    let action = program.actions.get(id.0 as usize)?;
    let mut first = None;
    walk::statements(&action.body.block, &mut |stmt| {
        walk::expressions(&stmt.kind, &mut |e| {
            walk::doings(e, &mut |doing, span| {
                if first.is_some() {
                    return;
                }
                first = match doing {
                    Doing::Call(call) if is_local(call) => Some((call.source.to_string(), span)),
                    Doing::Action(call) => uses_local(program, call.action, local),
                    Doing::Call(_) | Doing::Command(_) => None,
                };
            });
        });
    });
    local.insert(id, first.clone());
    first
}
