//! The loop inside this process: what it keeps is enough to have the run again.
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use rbk::check::Program;
use rbk::effects::Chunk;
use rbk::effects::world::World;
use rbk::engine::event::End;
use rbk::engine::{
    Answer, Engine, Finish, Input, Inputs, OnFailure, Progress, QuestionAsked, QuestionId, Replayed, replay,
};
use rbk::journal::{Entry, Store};
use rbk::run::journal::Journal;
use rbk::run::{Answers, Around, Given, OnQuestion, Shown, Watcher, drive};
use rbk::session::{Disk, open_text};
use rbk::value::{Nanos, Value};

use super::*;
use crate::journal::made;

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

pub fn program(text: &str) -> Arc<Program> {
    let opened = open_text("test.rbk", text, &Disk);
    opened.program.unwrap_or_else(|| panic!("{:#?}", opened.diagnostics))
}

pub fn inputs() -> Inputs {
    Inputs {
        run: "20261121-1854-test".into(),
        started: "2026-11-21T18:54:00Z".parse().unwrap(),
        params: Vec::new(),
        on_failure: OnFailure::Rollback,
    }
}

/// In the real world, and what its journal holds then.
fn driven(text: &str) -> (Option<Finish>, Vec<Entry>, Seen) {
    let (_dir, path) = made::room();
    let open = || made::open_with(&path, "a-passphrase-for-this");
    let inputs = inputs();
    let (mut seen, mut nobody) = (Seen::default(), Nobody);
    let world = World::new(inputs.run.clone()).unwrap();
    let mut store = open();
    store.begin(&made::head(&inputs.run), &made::holder(1), &[], made::at(0)).unwrap();
    let mut journal = Journal::new(Box::new(store), inputs.run.clone(), made::holder(1), BTreeSet::new());
    let around = Around {
        effects: &world,
        watcher: &mut seen,
        answers: &mut nobody,
        on_question: OnQuestion::Refuse,
        journal: Some(&mut journal),
        operator: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = Replayed::new(Engine::new(program(text), inputs.clone()));
    let finish = runtime.block_on(drive(run, around, None)).unwrap();
    let entries = open().load(&inputs.run).unwrap().1;
    (finish, entries, seen)
}

#[test]
fn e16_a_run_replays_from_what_the_loop_kept() {
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
    let (finish, entries, seen) = driven(&text);
    let finish = finish.unwrap();
    assert_eq!(finish.end, End::RolledBack);
    assert!(!dir.path().join("1").exists() && !dir.path().join("3").exists());
    assert_eq!((seen.finished, seen.late), (1, 0), "told once that it is over, and nothing after it");
    assert!(seen.secrets.iter().any(|s| s.expose().0 == &Value::str("a-secret-of-some-length")));
    let heard = |entry: Entry| if let Entry::Heard { input, .. } = entry { Some(input) } else { None };
    let mut events: Vec<Input> = entries.into_iter().filter_map(heard).collect();
    let again = replay(program(&text), inputs(), events.clone()).unwrap_or_else(|misfit| panic!("{misfit:?}"));
    assert_eq!(again.pending.finish, Some(finish));
    // One that it did not hear is noticed, at its place.
    let last = events.len() - 1;
    events.insert(last, events[last].clone());
    assert_eq!(replay(program(&text), inputs(), events).err().map(|misfit| misfit.index), Some(last + 1));
}

#[test]
fn the_watcher_hears_the_clock_while_nothing_happens() {
    let (finish, _, seen) = driven("runbook \"Test\" {\n  deadline 1m\n  rollback within 1m\n  wait 1100ms\n}\n");
    assert_eq!(finish.unwrap().end, End::Succeeded);
    assert!(seen.ticks >= 3, "{} ticks", seen.ticks);
    assert!(*seen.last.borrow() >= Nanos::from(Duration::from_millis(1100)));
}
