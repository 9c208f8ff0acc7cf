//! How many simulated steps a second the engine does: fake effects, a clock that jumps.
//! `cargo bench --bench engine -- --once` runs 1,000 steps one time, for an instruction count (callgrind repeats exactly);
//! `--once-undone` lets them fail at the end and be undone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use rbk::check::program::*;
use rbk::effects::fake::{Fake, Script};
use rbk::engine::{Engine, Inputs, OnFailure};
use rbk::source::Span;
use rbk::value::{Nanos, SmolStr, Timestamp, Type, Value};

const STEPS: u32 = 1000;

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
        timeout: Some(expr(ExprKind::Value(Value::Duration(Nanos(60_000_000_000))))),
        retry: None,
        body: Body { block: block(work), undo: Undo::Rollback { block: undo, timeout: None, span: Span::default() } },
        head: Span::default(),
    }))
}

fn program(fails: bool) -> Arc<Program> {
    let name =
        |text: String| NameInfo { text: SmolStr::new(text), span: Span::default(), ty: Type::Any, kind: NameKind::Let };
    let mut stmts: Vec<_> = (0..STEPS).map(step).collect();
    if fails {
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
    let names = (0..STEPS + 2).map(|n| name(format!("n{n}"))).collect();
    Arc::new(Program { names, book: Some(book), ..Program::default() })
}

fn run(program: &Arc<Program>, exit: u8) {
    let inputs = Inputs {
        run: SmolStr::new("bench"),
        started: Timestamp::UNIX_EPOCH,
        params: Vec::new(),
        on_failure: OnFailure::Rollback,
    };
    let mut world = Fake::new(&Script::default());
    let mut engine = Engine::new(program.clone(), inputs);
    let mut end = None;
    while let Some(input) = world.happen() {
        for command in black_box(engine.on(input)) {
            world.take(&command);
            if let rbk::engine::Command::Finish(finish) = command {
                end = Some(finish.end);
            }
        }
    }
    assert_eq!(end.expect("the run ends").exit_code(), exit);
}

fn main() {
    for arg in std::env::args() {
        match arg.as_str() {
            "--once" => return run(&program(false), 0),
            "--once-undone" => return run(&program(true), 1),
            _ => {}
        }
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(STEPS)));
    let (good, bad) = (program(false), program(true));
    group.bench_function("1000 steps", |b| b.iter(|| run(&good, 0)));
    group.bench_function("1000 steps, all undone", |b| b.iter(|| run(&bad, 1)));
    group.finish();
    criterion.final_summary();
}
