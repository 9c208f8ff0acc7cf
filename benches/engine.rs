//! How many simulated steps a second the engine does: fake effects, a clock that jumps.
//! `cargo bench --bench engine -- --once` runs 1,000 steps one time, for an instruction count (callgrind repeats exactly);
//! `--once-undone` lets them fail at the end and be undone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#[path = "engine/steps.rs"]
mod steps;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use rbk::check::program::Program;
use rbk::effects::fake::{Fake, Script};
use rbk::engine::{Engine, Inputs, OnFailure};
use rbk::value::{SmolStr, Timestamp};
use steps::{Ends, program};

const STEPS: u32 = 1000;

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
            "--once" => return run(&program(STEPS, Ends::Well), 0),
            "--once-undone" => return run(&program(STEPS, Ends::Failed), 1),
            _ => {}
        }
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(STEPS)));
    let (good, bad) = (program(STEPS, Ends::Well), program(STEPS, Ends::Failed));
    group.bench_function("1000 steps", |b| b.iter(|| run(&good, 0)));
    group.bench_function("1000 steps, all undone", |b| b.iter(|| run(&bad, 1)));
    group.finish();
    criterion.final_summary();
}
