//! What checks and plans, but does not run in this release: commands on another host, commands as another user.
//! Asked before a run, about what the run can reach; a library's unused actions do not matter.
use std::collections::BTreeSet;

use crate::check::program::{ActionId, Block, Body, ContextUse, Expr, Program, Stmt, StmtKind, Undo};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Every reachable `with ssh(…)` and `with sudo(…)`, each refused at its place.
#[must_use]
pub fn unsupported(program: &Program) -> Vec<Diagnostic> {
    let mut search = Search { program, seen: BTreeSet::new(), found: Vec::new() };
    if let Some(book) = &program.book {
        search.block(&book.body);
        book.on_success.iter().chain(&book.on_failure).for_each(|handler| search.block(handler));
    }
    search.found.sort_by_key(|d| (d.span().file, d.span().start));
    search.found
}

struct Search<'p> {
    program: &'p Program,
    seen: BTreeSet<ActionId>,
    found: Vec<Diagnostic>,
}

impl<'p> Search<'p> {
    fn block(&mut self, block: &'p Block) {
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
    }

    fn body(&mut self, body: &'p Body) {
        self.block(&body.block);
        if let Undo::Rollback { block, .. } = &body.undo {
            self.block(block);
        }
    }

    fn stmt(&mut self, stmt: &'p Stmt) {
        let mut exprs: Vec<&'p Expr> = Vec::new();
        walk::expressions(&stmt.kind, &mut |e| exprs.push(e));
        match &stmt.kind {
            StmtKind::Step(step) => {
                walk::head(step, &mut |e| exprs.push(e));
                self.body(&step.body);
            }
            StmtKind::With { contexts, body } => {
                contexts.iter().for_each(|context| self.context(context, stmt.span));
                self.block(body);
            }
            other => walk::blocks(other).into_iter().for_each(|inner| self.block(inner)),
        }
        for expr in exprs {
            self.calls(expr);
        }
    }

    fn context(&mut self, context: &ContextUse, stmt: Span) {
        let (what, span) = match context {
            ContextUse::Ssh(host) => ("ssh", host.span),
            ContextUse::Sudo(user) => ("sudo", user.as_ref().map_or(walk::opening(stmt, 4), |u| u.span)),
            ContextUse::Dir(_)
            | ContextUse::Env(_)
            | ContextUse::Stdin(_)
            | ContextUse::Connection(_)
            | ContextUse::User { .. } => return,
        };
        let message = format!("`with {what}` checks and plans, but does not run in this release");
        let help = format!("a context of your own can stand in for it: `context there() = [\"{what}\", …]`");
        self.found.push(
            Diagnostic::error(Code::UnsupportedHere, message, span, "refused before the first action").help(help),
        );
    }

    fn calls(&mut self, expr: &'p Expr) {
        let mut called = Vec::new();
        walk::doings(expr, &mut |doing, _| {
            if let Doing::Action(call) = doing {
                called.push(call.action);
            }
        });
        for id in called {
            if self.seen.insert(id)
                && let Some(action) = self.program.actions.get(id.0 as usize)
            {
                self.body(&action.body);
            }
        }
    }
}
