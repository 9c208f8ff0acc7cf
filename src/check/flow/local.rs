//! Native actions that work on this machine, or go out from it, under a context that puts commands somewhere else.
use std::collections::BTreeMap;

use crate::check::program::{ActionId, Arg, Block, Call, ContextUse, Expr, ExprKind, Program, StmtKind, Undo};
use crate::check::walk;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::value::{SmolStr, Type};

use super::{rollbacks, top_blocks};

/// The contexts around, as a person reads them.
#[derive(Clone, Default)]
struct Away {
    /// Another host or user: other files.
    files: Option<(String, Span)>,
    /// Another host: another network.
    network: Option<(String, Span)>,
}

/// What stays on this machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stays {
    Files,
    Network,
}

/// The first of each kind that an action uses.
type Used = Vec<(Stays, String, Span)>;

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    let mut local = BTreeMap::new();
    for block in top_blocks(program) {
        in_block(program, block, &Away::default(), &mut local, found);
    }
    rollbacks(program, &mut |_, block, _| in_block(program, block, &Away::default(), &mut local, found));
}

type Local = BTreeMap<ActionId, Used>;

fn in_block(program: &Program, block: &Block, away: &Away, local: &mut Local, found: &mut Vec<Diagnostic>) {
    for stmt in &block.stmts {
        if away.files.is_some() {
            let with = matches!(stmt.kind, StmtKind::With { .. });
            let mut head = |e| here(program, e, with, away, local, found);
            walk::expressions(&stmt.kind, &mut head);
            if let StmtKind::Step(step) = &stmt.kind {
                walk::head(step, &mut head);
            }
        }
        if let StmtKind::With { contexts, body } = &stmt.kind {
            let mut inner = away.clone();
            for context in contexts {
                enter(program, context, stmt.span, &mut inner);
            }
            in_block(program, body, &inner, local, found);
            continue;
        }
        for inner in walk::blocks(&stmt.kind) {
            in_block(program, inner, away, local, found);
        }
        if let StmtKind::Step(step) = &stmt.kind
            && let (Some(_), Undo::Rollback { block, .. }) = (&away.files, &step.body.undo)
        {
            in_block(program, block, away, local, found);
        }
    }
}

fn enter(program: &Program, context: &ContextUse, stmt: Span, away: &mut Away) {
    match context {
        ContextUse::Ssh(host) => {
            away.files = Some(("ssh".to_owned(), host.span));
            away.network = away.files.clone();
        }
        ContextUse::Sudo(user) => {
            away.files = Some(("sudo".to_owned(), user.as_ref().map_or(walk::opening(stmt, 4), |u| u.span)));
        }
        ContextUse::User { context, args } => {
            let name = program.contexts.get(context.0 as usize).map_or("context", |c| c.name.as_str());
            away.files = Some((name.to_owned(), args.first().map_or(walk::opening(stmt, 4), |(_, e)| e.span)));
            away.network = away.files.clone();
        }
        ContextUse::Dir(_)
        | ContextUse::Env(_)
        | ContextUse::Stdin(_)
        | ContextUse::Connection(_)
        | ContextUse::Running(_) => {}
    }
}

/// `with`: the expression is that of a context, where a connection leads from wherever its commands run.
fn here(program: &Program, expr: &Expr, with: bool, away: &Away, local: &mut Local, found: &mut Vec<Diagnostic>) {
    let mut used = Vec::new();
    uses(program, expr, with, local, &mut |stays, name, span, inside| used.push((stays, name, span, inside)));
    for (stays, name, span, inside) in used {
        let around = match stays {
            Stays::Files => &away.files,
            Stays::Network => &away.network,
        };
        let Some((what, at)) = around else { continue };
        let (label, help) = match stays {
            Stays::Files => (
                format!("reads and writes this machine, not where `{what}` leads"),
                "use a command (`$ stat …`, `$ cat …`), which follows the context, or move it out of the `with`",
            ),
            Stays::Network => (
                format!("goes out from this machine, not from where `{what}` leads"),
                "use a command (`$ curl -fsS …`), which follows the context, or move it out of the `with`; a connection that is declared (`connect site = http(…)`) always goes out from here",
            ),
        };
        let mut one =
            Diagnostic::error(Code::LocalInContext, format!("`{name}` cannot follow `with {what}`"), span, label)
                .label(*at, "commands inside run elsewhere");
        if let Some(inside) = inside {
            one = one.label(inside, "used here");
        }
        found.push(one.help(help));
    }
}

/// What in an expression stays here; of an action that is called, where in it.
fn uses(
    program: &Program,
    expr: &Expr,
    with: bool,
    local: &mut Local,
    each: &mut dyn FnMut(Stays, String, Span, Option<Span>),
) {
    walk::deep(expr, &mut |e| match &e.kind {
        ExprKind::Call(call) => {
            if let Some(stays) = stays(call) {
                each(stays, call.source.to_string(), e.span, None);
            }
        }
        ExprKind::Connection(made) if !with => each(Stays::Network, format!("{}(…)", made.name), e.span, None),
        ExprKind::Action(call) => {
            for (stays, name, at) in used_by(program, call.action, local) {
                each(stays, name, e.span, Some(at));
            }
        }
        _ => {}
    });
}

fn stays(call: &Call) -> Option<Stays> {
    if is_local(call) {
        return Some(Stays::Files);
    }
    // A message is sent by whoever runs the book.
    (call.on.is_none() && call.action.starts_with("http.") && call.action != "http.notify").then_some(Stays::Network)
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

/// The first of each kind that an action uses.
fn used_by(program: &Program, id: ActionId, local: &mut Local) -> Used {
    if let Some(known) = local.get(&id) {
        return known.clone();
    }
    local.insert(id, Vec::new());
    let Some(action) = program.actions.get(id.0 as usize) else { return Vec::new() };
    let mut first: Used = Vec::new();
    walk::statements(&action.body.block, &mut |stmt| {
        let with = matches!(stmt.kind, StmtKind::With { .. });
        walk::expressions(&stmt.kind, &mut |e| {
            uses(program, e, with, local, &mut |stays, name, span, inside| {
                if first.iter().all(|(known, ..)| *known != stays) {
                    first.push((stays, name, inside.unwrap_or(span)));
                }
            });
        });
    });
    local.insert(id, first.clone());
    first
}
