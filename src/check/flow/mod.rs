//! What the finished program must keep: every write has its undo, conditions only read, names are set where they are read,
//! points of no return stand where one can be. In: a [`Program`]. Out: diagnostics. One rule a file.
pub mod bounds;
mod conditions;
mod inverse;
mod local;
mod maybe;
mod order;
mod retry;
mod units;
mod unset;
mod walls;

pub(super) use maybe::Unset;
pub(super) use units::own;

use super::program::{Action, Block, Program, Step, StmtKind, Undo};
use super::walk;
use crate::diag::Diagnostic;
use crate::source::Span;

/// All findings, by place. `unread` are statements that could not be read: what has one in it gets no finding about its undo.
#[must_use]
pub fn check(program: &Program, unread: &[Span]) -> Vec<Diagnostic> {
    behind(program, unread, &mut Unset::default())
}

/// The same of an input of a console: `program` has no other. `unset`: what those before it may not have set; it is added to.
pub fn behind(program: &Program, unread: &[Span], unset: &mut Unset) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    bounds::check(program, &mut found);
    units::check(program, unread, &mut found);
    conditions::check(program, &mut found);
    maybe::check(program, unset, &mut found);
    unset::check(program, &mut found);
    walls::check(program, &mut found);
    retry::check(program, &mut found);
    order::check(program, &mut found);
    local::check(program, &mut found);
    found.sort_by_key(Diagnostic::span);
    found.dedup();
    found
}

/// A body with the undo that belongs to it.
struct Unit<'a> {
    head: Span,
    block: &'a Block,
    undo: &'a Undo,
    step: Option<&'a Step>,
    action: Option<&'a Action>,
}

impl<'a> Unit<'a> {
    fn of_step(step: &'a Step) -> Unit<'a> {
        Unit { head: step.head, block: &step.body.block, undo: &step.body.undo, step: Some(step), action: None }
    }

    fn of_action(action: &'a Action) -> Unit<'a> {
        Unit {
            head: walk::opening(action.span, u32::try_from("action ".len() + action.name.len()).unwrap_or(7)),
            block: &action.body.block,
            undo: &action.body.undo,
            step: None,
            action: Some(action),
        }
    }

    /// How a person names it.
    fn what(&self) -> String {
        match (self.step, self.action) {
            (Some(step), _) => format!("step \"{}\"", step.source),
            (None, Some(action)) => format!("action `{}`", action.name),
            (None, None) => String::new(),
        }
    }
}

/// Every step and every action, each once.
fn units<'a>(program: &'a Program, each: &mut dyn FnMut(&Unit<'a>)) {
    let mut steps = |block: &'a Block| {
        walk::statements(block, &mut |stmt| {
            if let StmtKind::Step(step) = &stmt.kind {
                each(&Unit::of_step(step));
            }
        });
    };
    for block in top_blocks(program) {
        steps(block);
    }
    for action in &program.actions {
        each(&Unit::of_action(action));
    }
}

/// The runbook's body and handlers, what was typed, and the bodies of actions.
fn top_blocks(program: &Program) -> impl Iterator<Item = &Block> {
    let book = program.book.iter().flat_map(|b| [&b.body].into_iter().chain(&b.on_success).chain(&b.on_failure));
    let console = program.console.iter().flat_map(|console| &console.entries);
    let console = console.flat_map(|entry| std::iter::once(&entry.body).chain(entry.role.handlers()));
    book.chain(console).chain(program.actions.iter().map(|a| &a.body.block))
}

/// The rollback blocks of steps and actions.
fn rollbacks<'a>(program: &'a Program, each: &mut dyn FnMut(&Unit<'a>, &'a Block, Span)) {
    units(program, &mut |unit| {
        if let Undo::Rollback { block, span, .. } = unit.undo {
            each(unit, block, *span);
        }
    });
}

fn undo_span(undo: &Undo) -> Option<(Span, &'static str)> {
    match undo {
        Undo::Nothing => None,
        Undo::Rollback { span, .. } => Some((walk::opening(*span, 8), "rollback")),
        Undo::None { span, .. } => Some((*span, "rollback none")),
        Undo::Manual { span, .. } => Some((*span, "rollback manual")),
        Undo::Irreversible { span, .. } => Some((*span, "irreversible")),
    }
}
