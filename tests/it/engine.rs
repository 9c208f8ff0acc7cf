//! The run: what it does when all goes well, and what it does when not.
#[path = "engine/build.rs"]
mod build;
#[path = "engine/laws.rs"]
mod laws;
#[path = "engine/random.rs"]
mod random;
#[path = "engine/suites.rs"]
mod suites;
#[path = "engine/trace.rs"]
mod trace;

use std::sync::Arc;

use build::*;
use rbk::check::program::*;
use rbk::effects::fake::{Played, Script, Signal, play};
use rbk::engine::{Command, Engine, Inputs, OnFailure, Record, Replayed, replay};
use rbk::value::{Nanos, SmolStr, Timestamp, Value};

pub fn inputs() -> Inputs {
    Inputs {
        run: SmolStr::new("r1"),
        started: Timestamp::from_second(1_793_491_200).unwrap(),
        params: Vec::new(),
        on_failure: OnFailure::Rollback,
    }
}

/// Straight through; then again from its events, whole and from every prefix: identical commands.
fn run(program: Program, inputs: Inputs, script: &Script) -> Played {
    let program = Arc::new(program);
    let played = play(Engine::new(program.clone(), inputs.clone()), script);
    check_replay(&program, &inputs, &played);
    played
}

fn check_replay(program: &Arc<Program>, inputs: &Inputs, played: &Played) {
    for cut in 0..=played.inputs.len() {
        let replayed = replay(program.clone(), inputs.clone(), &played.inputs[..cut]);
        let Replayed { mut engine, mut commands, .. } = replayed.unwrap_or_else(|misfit| panic!("{misfit:?}"));
        commands.extend(played.inputs[cut..].iter().map(|input| engine.on(input.clone())));
        assert_eq!(commands, played.commands, "replayed from event {cut}");
    }
}

#[test]
fn steps_are_undone_last_first() {
    let leaf = |name: &str| {
        StmtKind::Step(Box::new(step(
            name,
            vec![write(&format!("do {name}"))],
            rollback(vec![write(&format!("undo {name}"))]),
        )))
    };
    let broken = StmtKind::Guards(vec![guard("all is well", holds("check"))]);
    let program = program(vec![leaf("a"), leaf("b"), broken], header(60, 30), Vec::new());
    let script = Script::read("$ check -> false").unwrap();
    let played = run(program, inputs(), &script);
    let undone: Vec<_> =
        trace::trace(&played).lines().filter(|l| l.contains("call $ undo")).map(str::to_owned).collect();
    assert_eq!(undone, ["    0s  call $ undo b", "    0s  call $ undo a"], "{}", trace::trace(&played));
    assert_eq!(played.finish.unwrap().end.exit_code(), 1);
}

fn leaf(name: &str) -> Step {
    step(name, vec![write(&format!("do {name}"))], rollback(vec![write(&format!("undo {name}"))]))
}

fn commands(played: &Played) -> impl Iterator<Item = &Command> {
    played.commands.iter().flatten()
}

/// E14: a key is run, path, attempt and ordinal: new after an undo, the same in a replay.
#[test]
fn e14_keys() {
    let mut tried = leaf("a");
    tried.retry = Some(Retry { times: value(Value::Int(1)), every: None, backoff_to: None });
    let outer =
        Step { retry: tried.retry.clone(), ..step("outer", vec![StmtKind::Step(Box::new(tried))], Undo::Nothing) };
    let program = program(vec![StmtKind::Step(Box::new(outer))], header(60, 30), Vec::new());
    let played = run(program, inputs(), &Script::read("$ do a -> some \"no\" times 3").unwrap());
    let keys = commands(&played).filter_map(|c| match c {
        Command::Call(call) => Some(call.key.to_string()),
        _ => None,
    });
    assert_eq!(
        keys.collect::<Vec<_>>(),
        [
            "r1/0/0/0/1.1/0",
            "r1/0/0.1/0/1.1/0",
            "r1/0/0/0/1.2/0",
            "r1/0/0.1/0/1.2/0",
            "r1/0/0/0/2.1/0",
            "r1/0/0.1/0/2.1/0",
            "r1/0/0/0/2.2/0",
        ]
    );
}

/// E4, E16: what is bound is recorded before the next intent, an intent before its call, its outcome after; the undo is
/// recorded before it starts and after it has ended; the end before the handlers.
#[test]
fn e4_records() {
    let read = StmtKind::Let { name: NameId(2), value: shell("cat V", Effect::Read, Want::Value), fallback: None };
    let undo = rollback(vec![write("undo")]);
    let step = step("a", vec![read, write("do")], undo);
    let mut program =
        program(vec![StmtKind::Step(Box::new(step)), StmtKind::Fail(text("x"))], header(60, 30), vec![name("v")]);
    program.book.as_mut().unwrap().on_failure = Some(block(vec![write("tell")]));
    let played = run(program, inputs(), &Script::read("$ cat* -> \"v1\"").unwrap());
    let order = commands(&played).filter_map(|c| match c {
        Command::Call(call) => Some(call.text.to_string()),
        Command::Record(record) => Some(match record {
            Record::Intent { unit, .. } => format!("intent {unit:?}"),
            Record::Outcome { ending, .. } => format!("outcome {ending:?}"),
            Record::Bound { name, .. } => format!("bound {name}"),
            Record::StepStarted { attempt, .. } => format!("step {attempt}"),
            Record::StepEnded { .. } => "step ended".to_owned(),
            other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_lowercase(),
        }),
        _ => None,
    });
    let expected = "step 1|$ cat V|outcome Done|bound v|intent Some(Rollback)|$ do|outcome Done|step ended|back|undoing\
        |intent None|$ undo|outcome Done|undone|finished|intent None|$ tell|outcome Done";
    assert_eq!(order.collect::<Vec<_>>().join("|"), expected);
}

/// E9: a path is positions and indexes, never names.
#[test]
fn e9_paths() {
    let list = value(Value::list(vec![Value::str("same"), Value::str("same")]));
    let body = block(vec![StmtKind::Step(Box::new(leaf("x")))]);
    let each = StmtKind::For { name: NameId(2), list, parallel: Some(value(Value::Int(2))), body };
    let program = program(vec![StmtKind::Log(text("hi")), each], header(60, 30), vec![name("n")]);
    let played = run(program, inputs(), &Script::default());
    let paths = commands(&played).filter_map(|c| match c {
        Command::Call(call) => Some(call.path.to_string()),
        _ => None,
    });
    assert_eq!(paths.collect::<Vec<_>>(), ["1[0]/0/0", "1[1]/0/0"]);
}

/// E10: what one parallel element binds is not seen by the others, and is gone after it.
#[test]
fn e10_names_of_parallel_elements() {
    let read = |name| StmtKind::Let { name, value: shell("cat V", Effect::Read, Want::Value), fallback: None };
    let after = StmtKind::Log(expr(ExprKind::Text(vec![TextPart::Value(expr(ExprKind::Name(NameId(2))))])));
    let program = program(
        vec![StmtKind::Parallel(block(vec![read(NameId(2)), read(NameId(3))])), after],
        header(60, 30),
        vec![name("a"), name("b")],
    );
    let failure = run(program, inputs(), &Script::default()).finish.unwrap().failure.unwrap();
    assert_eq!(failure.failure.message, "`a` is not set");
}

/// `--on-failure stop`: nothing is undone, everything is named.
#[test]
fn on_failure_stop() {
    let steps = ["a", "b"].map(|name| StmtKind::Step(Box::new(leaf(name))));
    let program = program(steps.into_iter().chain([StmtKind::Fail(text("x"))]).collect(), header(60, 30), Vec::new());
    let finish = run(program, Inputs { on_failure: OnFailure::Stop, ..inputs() }, &Script::default()).finish.unwrap();
    assert_eq!(finish.end.exit_code(), 4);
    assert_eq!(finish.left.iter().map(|left| left.step.as_str()).collect::<Vec<_>>(), ["b", "a"]);
}

/// A third signal waits for nothing.
#[test]
fn a_call_that_never_ends_cannot_hold_the_end() {
    let program = program(vec![StmtKind::Step(Box::new(leaf("a")))], header(60, 30), Vec::new());
    let mut script = Script::read("$ do a -> never, cancel some \"killed\" after 20m").unwrap();
    script.signals =
        vec![(Nanos(SECOND), Signal::Stop), (Nanos(2 * SECOND), Signal::Kill), (Nanos(3 * SECOND), Signal::Kill)];
    let played = run(program, inputs(), &script);
    assert_eq!(played.finish.unwrap().end.exit_code(), 4);
    assert_eq!(played.inputs.last().unwrap().at, Nanos(3 * SECOND));
}
