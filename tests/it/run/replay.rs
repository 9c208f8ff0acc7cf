//! The loop inside this process: what it keeps is enough to have the run again.
use std::cell::RefCell;

use rbk::effects::Chunk;
use rbk::effects::world::World;
use rbk::engine::event::End;
use rbk::engine::{Answer, Engine, Finish, Inputs, OnFailure, Progress, QuestionAsked, QuestionId};
use rbk::run::{Answers, Around, Given, OnQuestion, Recording, Shown, Watcher, drive, replay};
use rbk::session::{Disk, open_text};
use rbk::value::{Nanos, Value};

use super::*;

/// Counts, so that what it was told can be compared with what was kept.
#[derive(Default)]
pub struct Seen {
    secrets: Vec<Value>,
    finished: usize,
    late: usize,
    last: RefCell<Nanos>,
    ticks: usize,
    /// As the end said them.
    pub warnings: Vec<String>,
}

impl Seen {
    fn at(&mut self, at: Nanos) {
        assert!(at >= *self.last.borrow(), "time went back");
        self.last.replace(at);
        self.late += self.finished;
    }
}

impl Watcher for Seen {
    fn tell(&mut self, at: Nanos, _: &Progress) {
        self.at(at);
    }
    fn output(&mut self, at: Nanos, _: &Chunk) {
        self.at(at);
    }
    fn tick(&mut self, at: Nanos) {
        self.at(at);
        self.ticks += 1;
    }
    fn finished(&mut self, at: Nanos, finish: &Finish) {
        self.at(at);
        self.finished += 1;
        self.warnings.clone_from(&finish.warnings);
    }
    fn show(&mut self, _: Shown) {}
    fn secret(&mut self, value: &Value) {
        self.secrets.push(value.clone());
    }
}

pub struct Nobody;

impl Answers for Nobody {
    fn ask(&mut self, _: QuestionId, _: &QuestionAsked) {}
    fn withdraw(&mut self, _: QuestionId) {}
    fn poll(&mut self) -> Given<'_> {
        Box::pin(std::future::pending::<(QuestionId, Result<Answer, String>)>())
    }
}

pub fn engine(text: &str) -> Engine {
    let opened = open_text("test.rbk", text, &Disk);
    let program = opened.program.unwrap_or_else(|| panic!("{:#?}", opened.diagnostics));
    let inputs = Inputs {
        run: "20261121-1854-test".into(),
        started: "2026-11-21T18:54:00Z".parse().unwrap(),
        params: Vec::new(),
        on_failure: OnFailure::Rollback,
    };
    Engine::new(program, inputs)
}

fn driven(text: &str) -> (Option<Finish>, Recording, Seen) {
    let mut seen = Seen::default();
    let world = World::new("20261121-1854-test".into()).unwrap();
    let engine = engine(text);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut recording = Recording::default();
    let mut nobody = Nobody;
    let around = Around {
        effects: &world,
        watcher: &mut seen,
        answers: &mut nobody,
        on_question: OnQuestion::Refuse,
        journal: None,
        recording: Some(&mut recording),
    };
    let driven = drive(engine, around, None);
    let finish = runtime.block_on(driven).unwrap();
    (finish, recording, seen)
}

#[test]
fn a_run_replays_from_what_the_loop_kept() {
    let dir = stage::dir();
    let at = dir.path().display();
    let text = format!(
        r#"runbook "Test" {{
  deadline        1m
  rollback within 1m
  secret token = $ printf a-secret-of-some-length
  for n in [1, 2, 3] parallel 3 {{
    step "n #{{n}}" retry 1 every 100ms {{
      let before = $ echo #{{n}}
      $ touch {at}/#{{n}}
      guard "not the second": n != 2
      rollback {{ $ rm {at}/#{{before}} }}
    }}
  }}
}}
"#
    );
    let (finish, mut recording, seen) = driven(&text);
    assert_eq!(finish.unwrap().end, End::RolledBack);
    assert!(!dir.path().join("1").exists() && !dir.path().join("3").exists());
    assert_eq!((seen.finished, seen.late), (1, 0), "told once that it is over, and nothing after it");
    assert!(seen.secrets.iter().any(|s| s.expose().0 == &Value::str("a-secret-of-some-length")));
    assert_eq!(replay::replay(engine(&text), &recording), Ok(()));
    // A recording that says otherwise is noticed, at its place.
    let last = recording.inputs.len() - 1;
    recording.digests[last] ^= 1;
    assert_eq!(replay::replay(engine(&text), &recording), Err(last));
}

#[test]
fn the_watcher_hears_the_clock_while_nothing_happens() {
    let (finish, _, seen) = driven("runbook \"Test\" {\n  deadline 1m\n  rollback within 1m\n  wait 1100ms\n}\n");
    assert_eq!(finish.unwrap().end, End::Succeeded);
    assert!(seen.ticks >= 3, "{} ticks", seen.ticks);
    assert!(*seen.last.borrow() >= Nanos::from(Duration::from_millis(1100)));
}
