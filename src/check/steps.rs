//! Bodies of steps and actions: the one undo is taken out, everything else keeps its order.
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast;
use crate::value::Type;

use super::elab::{Elab, Stance, Zone};
use super::program::{Ask, Block, Body, Retry, Step, Undo};

/// Whose direct body a block is; undo and goal stand there and nowhere deeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyOf {
    Book,
    Step,
    Action,
    /// An input at a console.
    Console,
    /// A block inside one of them.
    Inner,
}

impl Elab<'_> {
    pub(super) fn step(&mut self, step: &ast::Step) -> Step {
        let name = self.label(&step.name, "a step's name");
        let when = step.when.as_ref().map(|c| Box::new(self.condition(c)));
        let timeout = step.timeout.as_ref().map(|d| Box::new(self.duration(d, "a timeout")));
        let retry = step.retry.as_ref().map(|r| {
            Box::new(Retry {
                times: self.expect(&r.times, &Type::Int, "the number of attempts"),
                every: r.every.as_ref().map(|d| self.duration(d, "the delay")),
                backoff_to: r.backoff_to.as_ref().map(|d| self.duration(d, "the longest delay")),
            })
        });
        let (wrote, readonly) = (self.here.wrote, self.here.readonly);
        self.here.wrote = false;
        self.here.readonly |= step.readonly;
        let body = self.body(&step.body, BodyOf::Step);
        self.here.wrote = wrote;
        self.here.readonly = readonly;
        Step {
            name,
            source: self.written(&step.name),
            readonly: step.readonly,
            when,
            timeout,
            retry,
            body,
            head: step.head,
        }
    }

    /// The undo is elaborated last: it may read everything that the body sets.
    pub(super) fn body(&mut self, written: &ast::Block, of: BodyOf) -> Body {
        let own = written.stmts.iter().any(|s| is_undo(&s.kind));
        let (in_body, undone) = (self.here.in_body, self.here.undone);
        (self.here.in_body, self.here.undone) = (true, own);
        let block = self.block(written, of);
        (self.here.in_body, self.here.undone) = (in_body, undone);
        let mut undos = written.stmts.iter().filter(|s| is_undo(&s.kind));
        let Some(first) = undos.next() else { return Body { block, undo: Undo::Nothing } };
        for again in undos {
            self.report(
                Diagnostic::error(Code::MixedStep, "one step has two undos", first_line(again, self), "a second one")
                    .label(first_line(first, self), "the first one")
                    .help("a step is undone in one way: keep one, or make two steps"),
            );
        }
        let undo = self.undo(first);
        Body { block, undo }
    }

    fn undo(&mut self, written: &ast::Stmt) -> Undo {
        let span = written.span;
        match &written.kind {
            ast::StmtKind::Rollback { timeout, body } => {
                self.undoes = true;
                let timeout = timeout.as_ref().map(|d| Box::new(self.duration(d, "a timeout")));
                let block = self.zone(Zone::Rollback, body);
                Undo::Rollback { block, timeout, span }
            }
            ast::StmtKind::RollbackNone(why) => Undo::None { why: Box::new(self.text(why)), span },
            ast::StmtKind::RollbackManual(what) => Undo::Manual { what: Box::new(self.text(what)), span },
            ast::StmtKind::Irreversible(why) => {
                Undo::Irreversible { why: Box::new(self.text(why)), span, ask: Ask::ByName }
            }
            _ => Undo::Nothing,
        }
    }

    /// A block that something else than the way forward runs, as a scope of its own.
    pub(super) fn zone(&mut self, zone: Zone, body: &ast::Block) -> Block {
        let before = self.here.clone();
        self.here.zone = zone;
        self.here.stance = Stance::Plain;
        if matches!(zone, Zone::Rollback | Zone::Finally | Zone::Handler) {
            self.here.readonly = false;
            self.here.transaction = None;
            self.here.known.clear();
        }
        // A rollback has no "before its first write": an unknown command writes there, unless it says that it reads.
        self.here.wrote = zone != Zone::Watch;
        self.scopes.enter();
        let block = self.block(body, BodyOf::Inner);
        self.scopes.leave();
        self.here = before;
        block
    }
}

pub(super) fn is_undo(kind: &ast::StmtKind) -> bool {
    matches!(
        kind,
        ast::StmtKind::Rollback { .. }
            | ast::StmtKind::RollbackNone(_)
            | ast::StmtKind::RollbackManual(_)
            | ast::StmtKind::Irreversible(_)
    )
}

/// A statement's first line: enough to point at a block.
pub(super) fn first_line(stmt: &ast::Stmt, elab: &Elab<'_>) -> crate::source::Span {
    let text = elab.sources.text(stmt.span);
    let line = text.lines().next().unwrap_or(text).trim_end();
    crate::source::Span {
        end: stmt.span.start.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX)).min(stmt.span.end),
        ..stmt.span
    }
}
