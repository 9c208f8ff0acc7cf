//! The run: what it does when all goes well, and what it does when not.
#[path = "engine/build.rs"]
mod build;
#[path = "engine/crash.rs"]
mod crash;
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
use rbk::engine::{
    Answer, CallId, Command, Engine, Event, Input, Inputs, OnFailure, QuestionId, Record, Replayed, TimerClock,
    TimerId, replay,
};
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
        let mut replayed = Replayed::new(Engine::new(program.clone(), inputs.clone()));
        let heard = played.inputs[..cut].iter().map(|input| replayed.hear(input.clone()));
        let mut commands: Vec<_> = heard.collect::<Result<_, _>>().unwrap_or_else(|misfit| panic!("{misfit:?}"));
        let mut engine = replayed.engine;
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
    tried.retry = Some(Box::new(Retry { times: value(Value::Int(1)), every: None, backoff_to: None }));
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

/// E14: a call that is repeated because its end was lost keeps its key; a new attempt after an undo has another.
#[test]
fn e14_keys_after_a_crash() {
    let mut tried = leaf("a");
    tried.retry = Some(Box::new(Retry { times: value(Value::Int(1)), every: None, backoff_to: None }));
    let program = Arc::new(program(vec![StmtKind::Step(Box::new(tried))], header(60, 30), Vec::new()));
    let keys = |words: &str| {
        let world = format!("$ do a -> never times 1\nanswer \"*did it happen?\" -> \"{words}\"\nat 5s crash");
        let played = play(Engine::new(program.clone(), inputs()), &Script::read(&world).unwrap());
        let keys = commands(&played).filter_map(|c| match c {
            Command::Call(call) => Some(format!("{} {}", call.text, call.key)),
            _ => None,
        });
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys("it did not happen"), ["$ do a r1/0/0/1/0", "$ do a r1/0/0/1/0"]);
    assert_eq!(keys("undo it"), ["$ do a r1/0/0/1/0", "$ undo a r1/0.1/0/1/0", "$ do a r1/0/0/2/0"]);
}

/// What the recorded events wait for is known after a replay, and one that nobody waits for is refused.
#[test]
fn a_replay_knows_what_is_under_way_and_what_does_not_fit() {
    let wait = StmtKind::Wait(seconds(20));
    let program = Arc::new(program(vec![wait, StmtKind::Step(Box::new(leaf("a")))], header(60, 30), Vec::new()));
    let script = Script::read("$ do a -> never").unwrap();
    let played = play(Engine::new(program.clone(), inputs()), &script);
    let told = |events: &[Input]| replay(program.clone(), inputs(), events.to_vec());
    let Ok(first) = told(&played.inputs[..1]) else { panic!() };
    let timers: Vec<_> = first.pending.timers.iter().map(|t| (t.input, t.set, t.after, t.clock)).collect();
    let (deadline, wait) = (Nanos(60 * SECOND), Nanos(20 * SECOND));
    assert_eq!(timers, [(0, Nanos(0), deadline, TimerClock::Running), (0, Nanos(0), wait, TimerClock::Wall)]);
    let Ok(second) = told(&played.inputs[..2]) else { panic!() };
    let calls: Vec<_> = second.pending.calls.iter().map(|c| (c.call.text.as_str(), c.cancelled)).collect();
    assert_eq!(calls, [("$ do a", false)]);
    assert_eq!(second.pending.timers.len(), 1);
    let Ok(third) = told(&played.inputs[..3]) else { panic!() };
    assert!(third.pending.calls[0].cancelled && third.pending.timers.is_empty());

    let odd = |event: Event| {
        let mut events = played.inputs[..2].to_vec();
        events.push(Input { at: Nanos(20 * SECOND), event });
        told(&events).err().map(|misfit| (misfit.index, misfit.why))
    };
    assert_eq!(odd(Event::Doubted(CallId(77))), Some((2, "no call 77 is under way".to_owned())));
    assert_eq!(odd(Event::Fired(TimerId(77))), Some((2, "no timer 77 is set".to_owned())));
    let answer = Answer { value: Value::Bool(true), who: SmolStr::new("me") };
    assert_eq!(odd(Event::Answered(QuestionId(77), answer)), Some((2, "no question 77 is open".to_owned())));
    assert_eq!(odd(Event::Start), Some((2, "it starts twice".to_owned())));
    assert_eq!(odd(Event::Stop), None);
    let mut late = played.inputs.clone();
    late.push(Input { at: Nanos(90 * SECOND), event: Event::Stop });
    let misfit = told(&late).err().unwrap();
    assert_eq!((misfit.index, misfit.why.as_str()), (played.inputs.len(), "the run has ended before it"));
}

/// `now()` goes on from what the new process says, not from the start.
#[test]
fn now_is_the_wall_clock_of_the_process() {
    let read = StmtKind::Let { name: NameId(2), value: shell("cat V", Effect::Read, Want::Value), fallback: None };
    let now = StmtKind::Note { key: Box::new(text("now")), value: Box::new(expr(ExprKind::Now)) };
    let program = Arc::new(program(vec![read, now], header(60, 30), vec![name("v")]));
    let script = Script::read("$ cat V -> \"v\" after 10s\nat 5s crash for 1h").unwrap();
    let finish = play(Engine::new(program, inputs()), &script).finish.unwrap();
    let now = Timestamp::UNIX_EPOCH.checked_add(jiff::SignedDuration::from_secs(3600 + 10)).unwrap();
    assert_eq!(finish.notes, [("now".to_owned(), Value::Time(now))]);
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
    let list = Box::new(value(Value::list(vec![Value::str("same"), Value::str("same")])));
    let body = block(vec![StmtKind::Step(Box::new(leaf("x")))]);
    let each = StmtKind::For { name: NameId(2), list, parallel: Some(Box::new(value(Value::Int(2)))), body };
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
