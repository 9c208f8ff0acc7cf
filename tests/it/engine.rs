//! The run: what it does when all goes well, and what it does when not.
#[path = "engine/build.rs"]
mod build;
#[path = "engine/laws.rs"]
mod laws;
#[path = "engine/random.rs"]
mod random;
#[path = "engine/trace.rs"]
mod trace;

use std::sync::Arc;

use build::*;
use rbk::check::program::*;
use rbk::effects::fake::{Played, Script, play};
use rbk::engine::{Engine, Inputs, OnFailure, replay};
use rbk::value::{SmolStr, Timestamp};

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
        let (mut engine, mut commands) = replay(program.clone(), inputs.clone(), &played.inputs[..cut]);
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
