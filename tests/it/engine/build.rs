//! Programs made by hand, without text.
use std::sync::Arc;

use rbk::check::program::*;
use rbk::source::Span;
use rbk::value::{Nanos, SmolStr, Type, Value};

pub const SECOND: i64 = 1_000_000_000;

pub fn expr(kind: ExprKind) -> Expr {
    Expr { kind, ty: Type::Any, span: Span::default() }
}

pub fn value(value: Value) -> Expr {
    expr(ExprKind::Value(value))
}

pub fn text(text: &str) -> Expr {
    value(Value::str(text))
}

pub fn seconds(n: i64) -> Expr {
    value(Value::Duration(Nanos(n * SECOND)))
}

pub fn shell(code: &str, effect: Effect, want: Want) -> Expr {
    expr(ExprKind::Command(Box::new(Command {
        code: vec![CodePart::Text { text: Arc::from(code), span: Span::default() }],
        direct: true,
        shell: Shell::Bash,
        class: Class::Unknown,
        effect,
        want,
        source: SmolStr::new(code),
    })))
}

pub fn write(code: &str) -> StmtKind {
    StmtKind::Eval(shell(code, Effect::Write, Want::Nothing))
}

pub fn holds(code: &str) -> Expr {
    shell(code, Effect::Read, Want::Condition)
}

pub fn block(stmts: Vec<StmtKind>) -> Block {
    let stmts = stmts.into_iter().enumerate();
    Block {
        stmts: stmts.map(|(i, kind)| Stmt { pos: u32::try_from(i).unwrap(), kind, span: Span::default() }).collect(),
        span: Span::default(),
    }
}

pub fn rollback(stmts: Vec<StmtKind>) -> Undo {
    Undo::Rollback { block: block(stmts), timeout: None, span: Span::default() }
}

pub fn step(name: &str, stmts: Vec<StmtKind>, undo: Undo) -> Step {
    Step {
        name: text(name),
        source: SmolStr::new(name),
        readonly: false,
        when: None,
        timeout: None,
        retry: None,
        body: Body { block: block(stmts), undo },
        head: Span::default(),
    }
}

pub fn guard(label: &str, cond: Expr) -> Guard {
    Guard { label: text(label), tolerate: None, cond, span: Span::default() }
}

pub fn name(text: &str) -> NameInfo {
    NameInfo { text: SmolStr::new(text), span: Span::default(), ty: Type::Any, kind: NameKind::Let }
}

/// Names 0 and 1 are `run` and `failure`.
pub fn program(body: Vec<StmtKind>, header: Header, names: Vec<NameInfo>) -> Program {
    let mut all = vec![name("run"), name("failure")];
    all.extend(names);
    Program {
        names: all.into_iter().map(Arc::new).collect(),
        book: Some(Book {
            title: SmolStr::new("test"),
            doc: None,
            header,
            params: Vec::new(),
            body: block(body),
            on_success: None,
            on_failure: None,
            run: NameId(0),
            failure: NameId(1),
            span: Span::default(),
        }),
        ..Program::default()
    }
}

pub fn header(deadline: i64, within: i64) -> Header {
    Header { deadline: Some(seconds(deadline)), rollback_within: Some(seconds(within)), ..Header::default() }
}
