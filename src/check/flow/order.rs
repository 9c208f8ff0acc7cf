//! Statements in the wrong order: `done when` below the first write or a question (B6), and what nothing can reach.
use crate::check::program::{Block, Effect, Program, StmtKind};
use crate::check::walk;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::{rollbacks, top_blocks, units};

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    units(program, &mut |unit| goal(program, unit.block, found));
    for block in top_blocks(program) {
        unreachable(block, found);
    }
    rollbacks(program, &mut |_, block, _| unreachable(block, found));
}

fn goal(program: &Program, block: &Block, found: &mut Vec<Diagnostic>) {
    let mut goals = block.stmts.iter().enumerate().filter(|(_, s)| matches!(s.kind, StmtKind::DoneWhen(_)));
    let Some((at, first)) = goals.next() else { return };
    for (_, again) in goals {
        found.push(
            Diagnostic::error(Code::MisplacedStatement, "a step has one goal", again.span, "a second `done when`")
                .label(first.span, "the first one")
                .help("join the two with `and`"),
        );
    }
    let above = block.stmts.get(..at).unwrap_or(&[]);
    let blocker = above.iter().find_map(|stmt| {
        let one = Block { stmts: vec![stmt.clone()], span: stmt.span };
        let asks = asks(&one);
        let writes = walk::effect(program, &one) == Effect::Write;
        (asks || writes).then_some((stmt.span, if writes { "this can write" } else { "this asks a person" }))
    });
    if let Some((span, label)) = blocker {
        found.push(
            Diagnostic::error(
                Code::MisplacedStatement,
                "`done when` stands above the first write and any question",
                walk::opening(first.span, 9),
                "too late here: the step has already begun",
            )
            .label(walk::opening(span, 60), label)
            .help("move `done when` up; what it reads can be read above it with `let`"),
        );
    }
}

fn asks(block: &Block) -> bool {
    let mut found = false;
    walk::statements(block, &mut |stmt| {
        found |= matches!(
            stmt.kind,
            StmtKind::Confirm { .. } | StmtKind::Ask { .. } | StmtKind::Choose { .. } | StmtKind::ChooseFrom { .. }
        );
    });
    found
}

fn unreachable(block: &Block, found: &mut Vec<Diagnostic>) {
    let end = block.stmts.iter().position(|s| matches!(s.kind, StmtKind::Fail(_)));
    if let Some(at) = end
        && let (Some(fail), Some(next)) = (block.stmts.get(at), block.stmts.get(at + 1))
    {
        let rest: Span = block.stmts.last().map_or(next.span, |last| next.span.to(last.span));
        found.push(
            Diagnostic::warning(Code::Unreachable, "this can never run", walk::opening(rest, 60), "nothing comes here")
                .label(walk::opening(fail.span, 60), "the run fails here, always")
                .help("take it away, or put the `fail` into an `if`"),
        );
    }
    for stmt in &block.stmts {
        for inner in walk::blocks(&stmt.kind) {
            unreachable(inner, found);
        }
    }
}
