//! A program of so many equal steps.
use std::sync::Arc;

use rbk::check::program::*;
use rbk::source::Span;
use rbk::value::{Nanos, SmolStr, Type, Value};

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, ty: Type::Any, span: Span::default() }
}

fn shell(code: &str, effect: Effect, want: Want) -> Expr {
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

fn block(stmts: Vec<StmtKind>) -> Block {
    let stmts = stmts.into_iter().zip(0..);
    Block { stmts: stmts.map(|(kind, pos)| Stmt { pos, kind, span: Span::default() }).collect(), span: Span::default() }
}

/// A capture, a write, a proof, an undo, a timeout.
fn step(n: u32) -> StmtKind {
    let text = |text: String| expr(ExprKind::Value(Value::str(text)));
    let name = NameId(n + 2);
    let capture = StmtKind::Let { name, value: shell("cat VERSION", Effect::Read, Want::Value), fallback: None };
    let guard = Guard {
        label: text("it answers".to_owned()),
        tolerate: None,
        cond: shell("curl -f localhost", Effect::Read, Want::Condition),
        span: Span::default(),
    };
    let work = vec![
        capture,
        StmtKind::Eval(shell("./deploy.sh", Effect::Write, Want::Nothing)),
        StmtKind::Guards(vec![guard]),
    ];
    let undo = block(vec![StmtKind::Eval(shell("./undo.sh", Effect::Write, Want::Nothing))]);
    StmtKind::Step(Box::new(Step {
        name: text(format!("step {n}")),
        source: SmolStr::new("step"),
        readonly: false,
        when: None,
        timeout: Some(Box::new(expr(ExprKind::Value(Value::Duration(Nanos(60_000_000_000)))))),
        retry: None,
        body: Body { block: block(work), undo: Undo::Rollback { block: undo, timeout: None, span: Span::default() } },
        head: Span::default(),
    }))
}

/// How the run ends.
#[allow(dead_code)]
#[derive(Clone, Copy, PartialEq)]
pub enum Ends {
    Well,
    Failed,
}

pub fn program(steps: u32, ends: Ends) -> Arc<Program> {
    let name =
        |text: String| NameInfo { text: SmolStr::new(text), span: Span::default(), ty: Type::Any, kind: NameKind::Let };
    let mut stmts: Vec<_> = (0..steps).map(step).collect();
    if ends == Ends::Failed {
        stmts.push(StmtKind::Fail(expr(ExprKind::Value(Value::str("now")))));
    }
    let book = Book {
        title: SmolStr::new("bench"),
        doc: None,
        header: Header::default(),
        params: Vec::new(),
        body: block(stmts),
        on_success: None,
        on_failure: None,
        run: NameId(0),
        failure: NameId(1),
        span: Span::default(),
    };
    let names = (0..steps + 2).map(|n| Arc::new(name(format!("n{n}")))).collect();
    Arc::new(Program { names, book: Some(book), ..Program::default() })
}
