//! The loop and its journal: how many commits a run takes, and what is said of an end that cannot be kept.
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use rbk::effects::{Cancel, Effects, Output};
use rbk::engine::event::End;
use rbk::engine::{Call, CallId, Engine, Finish, Outcome, Replayed};
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Entry, Filter, Head, Holder, Lock, Room, Row, Standing, State, Store, Trouble};
use rbk::run::journal::Journal;
use rbk::run::{Around, OnQuestion, drive};
use rbk::value::redact::Redactor;
use rbk::value::{SmolStr, Timestamp, Value};

use super::replay::{Nobody, Seen, inputs, program};
use crate::journal::made;

/// Every call goes well at once.
struct Ready;

impl Effects for Ready {
    fn call<'a>(&'a self, _: Arc<Call>, _: Cancel, _: Output) -> std::pin::Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(std::future::ready(Outcome::done(Value::Null)))
    }
}

/// Says how many entries each commit had, and can refuse the last one.
struct Counted {
    store: Sqlite,
    commits: Rc<RefCell<Vec<usize>>>,
    ends: bool,
}

impl Store for Counted {
    fn place(&self) -> String {
        self.store.place()
    }
    fn begin(&mut self, head: &Head, holder: &Holder, first: &[Entry], wall: Timestamp) -> Result<(), Trouble> {
        self.commits.borrow_mut().push(first.len());
        self.store.begin(head, holder, first, wall)
    }
    fn take(&mut self, run: &str, holder: &Holder) -> Result<(), Trouble> {
        self.store.take(run, holder)
    }
    fn append(
        &mut self,
        run: &str,
        entries: &[Entry],
        secrets: &Redactor,
        standing: Option<Standing>,
    ) -> Result<Room, Trouble> {
        if standing.is_some() && !self.ends {
            return Err(Trouble::new("the cable is out"));
        }
        self.commits.borrow_mut().push(entries.len());
        self.store.append(run, entries, secrets, standing)
    }
    fn release(&mut self, run: &str) {
        self.store.release(run);
    }
    fn load(&mut self, run: &str) -> Result<(Head, Vec<Entry>), Trouble> {
        self.store.load(run)
    }
    fn look(&mut self, run: &str) -> Result<rbk::journal::Kept, Trouble> {
        self.store.look(run)
    }
    fn verify(&mut self, run: &str) -> Result<rbk::journal::Verified, Trouble> {
        self.store.verify(run)
    }
    fn same(&self, run: &str, call: CallId, value: &Value) -> Option<bool> {
        self.store.same(run, call, value)
    }
    fn keeps_secrets(&self) -> bool {
        self.store.keeps_secrets()
    }
    fn runs(&mut self, filter: &Filter) -> Result<Vec<Row>, Trouble> {
        self.store.runs(filter)
    }
    fn whole(&mut self) -> Result<(), Trouble> {
        self.store.whole()
    }
    fn gone(&mut self) -> Result<Vec<(SmolStr, Trouble)>, Trouble> {
        self.store.gone()
    }
    fn put_down(&mut self, run: &str, holder: &Holder, closed: &Entry, wall: Timestamp) -> Result<(), Trouble> {
        self.store.put_down(run, holder, closed, wall)
    }
    fn give_up(&mut self, run: &str) {
        self.store.give_up(run);
    }
    fn lock(&mut self, name: &str, run: &str, takeover: bool, wall: Timestamp) -> Result<Option<Lock>, Trouble> {
        self.store.lock(name, run, takeover, wall)
    }
    fn unlock(&mut self, name: &str, run: &str) -> Result<(), Trouble> {
        self.store.unlock(name, run)
    }
    fn prune(&mut self, before: Timestamp) -> Result<usize, Trouble> {
        self.store.prune(before)
    }
}

struct Kept {
    finish: Finish,
    seen: Seen,
    commits: Vec<usize>,
    state: State,
}

fn kept(body: &str, ends: bool) -> Kept {
    let (_dir, path) = made::room();
    let commits = Rc::new(RefCell::new(Vec::new()));
    let mut store = Counted { store: made::open(&path), commits: commits.clone(), ends };
    store.begin(&made::head("r1"), &made::holder(1), &made::entries()[..1], made::at(0)).unwrap();
    let mut journal = Journal::new(Box::new(store), "r1".into(), made::holder(1), BTreeSet::new());
    let (mut seen, mut nobody) = (Seen::default(), Nobody);
    let around = Around {
        effects: &Ready,
        watcher: &mut seen,
        answers: &mut nobody,
        on_question: OnQuestion::Refuse,
        journal: Some(&mut journal),
        operator: None,
    };
    let text = format!("runbook \"Test\" {{\n  deadline 1m\n  rollback within 1m\n{body}\n}}\n");
    let run = Replayed::new(Engine::new(program(&text), inputs()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let finish = runtime.block_on(drive(run, around, None)).unwrap().unwrap();
    let state = made::open(&path).runs(&Filter::default()).unwrap().remove(0).state;
    Kept { finish, seen, commits: commits.take(), state }
}

const STEP: &str = "step \"s\" {\n $ touch a\n rollback { $ rm a }\n}\n";

#[test]
fn a_run_of_one_step_takes_three_commits() {
    let run = kept(STEP, true);
    assert_eq!(run.finish.end, End::Succeeded);
    assert_eq!(run.state, State::Ended(End::Succeeded));
    // Its head and who took it; its start and that the command starts; the command's end and its own.
    assert_eq!(run.commits, [1, 2, 1]);
}

#[test]
fn what_is_ready_together_is_kept_together() {
    let list = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let together = kept(&format!("for n in [{list}] parallel 100 {{\n{STEP}}}"), true);
    assert_eq!(together.state, State::Ended(End::Succeeded));
    let after = kept(&STEP.replace("\"s\"", "\"#\"").repeat(3).replacen('#', "a", 1).replacen('#', "b", 1), true);
    assert_eq!(after.commits, [1, 2, 2, 2, 1]);
    assert!(together.commits.len() < after.commits.len(), "{:?}", together.commits);
    assert_eq!(together.commits.iter().sum::<usize>(), 1 + 1 + 200, "each intent and each end is there");
}

#[test]
fn an_end_that_cannot_be_kept_is_told_with_the_end() {
    let run = kept(STEP, false);
    assert_eq!(run.finish.end, End::Succeeded);
    assert_eq!(run.seen.warnings, ["its end is not in the journal: the cable is out"]);
    assert_eq!(run.finish.warnings, run.seen.warnings);
    assert_eq!(run.state, State::Open);
}
