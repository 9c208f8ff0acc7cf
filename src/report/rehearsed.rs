//! A run that never happened, told to a watcher: what each view makes of it.
use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::check::program::{Effect, Want};
use crate::effects::{Chunk, Stream};
use crate::engine::call::{CallId, Path, Segment};
use crate::engine::event::{
    Account, ConditionKind, End, Ending, Extent, Failure, FailureKind, Finish, Left, LeftWhy, Progress, StepFailure,
    StepStatus, Verdict,
};
use crate::report::opening::Opening;
use crate::report::outside::{Look, Outside};
use crate::run::Watcher;
use crate::source::Span;
use crate::value::{Nanos, Secret, SmolStr, Value};

pub const LOOK: Look = Look { terminal: false, colour: false, moves: false, width: 60, height: 12 };

/// What was written, once the writer is gone.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn outside(&self, look: Look) -> Outside {
        Outside::to(self.clone(), look)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn opening() -> Opening {
    Opening {
        run: "20261121-0300-k3f9".into(),
        started: "2026-11-21T03:00:07Z".parse().unwrap(),
        deadline: Some(Nanos(3_600_000_000_000)),
        rollback_within: Some(Nanos(180_000_000_000)),
        again: None,
    }
}

fn ms(ms: i64) -> Nanos {
    Nanos(ms * 1_000_000)
}

fn at(position: u32) -> Path {
    Path::default().join(Segment::At(position))
}

fn failure(kind: FailureKind, message: &str) -> Failure {
    Failure::new(kind, message)
}

fn step(watcher: &mut dyn Watcher, now: i64, position: u32, name: &str) {
    let limit = Some(ms(600_000));
    let path = at(position);
    watcher.tell(ms(now), &Progress::StepStarted { path, name: name.into(), attempt: 1, limit, span: Span::default() });
}

fn command(watcher: &mut dyn Watcher, now: i64, call: u64, path: &Path, text: &str, output: &str) {
    let call = CallId(call);
    let (text, path) = (text.into(), path.clone());
    let started = Progress::ActionStarted {
        call,
        path: path.clone(),
        text,
        effect: Effect::Write,
        want: Want::Nothing,
        asks: false,
    };
    watcher.tell(ms(now), &started);
    watcher.output(ms(now + 5), &Chunk { call, stream: Stream::Out, bytes: output.as_bytes().to_vec() });
    let finished = Progress::ActionFinished { call, path, ending: Ending::Done, failure: None };
    watcher.tell(ms(now + 40), &finished);
}

fn ended(watcher: &mut dyn Watcher, now: i64, position: u32, name: &str, failure: Option<Failure>) {
    let status = if failure.is_some() { StepStatus::Failed } else { StepStatus::Ok };
    watcher.tell(
        ms(now),
        &Progress::StepFinished { path: at(position), name: name.into(), status, failure: failure.map(Box::new) },
    );
}

/// Two steps are done, a check fails, one is undone and the other cannot be.
pub fn tell(watcher: &mut dyn Watcher) {
    watcher.secret(&Secret::hide("token".into(), Value::str("s3cr3t-token")));
    watcher.tell(ms(0), &Progress::RunStarted { title: "Blue-green switch".into() });
    step(watcher, 1, 0, "Deploy v2 to green");
    let output = "copying\r\n\x1b[32mgreen\x1b[0m text \x1b[2Jerased, token s3cr3t-token\nno newline";
    command(watcher, 2, 1, &at(0).join(Segment::At(1)), "$ ./deploy.sh green v2", output);
    ended(watcher, 1234, 0, "Deploy v2 to green", None);
    step(watcher, 1240, 1, "Send traffic to green");
    command(watcher, 1250, 2, &at(1).join(Segment::At(0)), "$ ./switch.sh green", "");
    ended(watcher, 1400, 1, "Send traffic to green", None);
    step(watcher, 1410, 2, "Check");
    let inside = at(2).join(Segment::At(0));
    let waiting = Progress::Waiting { path: inside.clone(), what: "until".into(), span: None, limit: ms(30_000) };
    watcher.tell(ms(1411), &waiting);
    let condition =
        |kind, label: &str, verdict| Progress::Condition { path: inside.clone(), kind, label: label.into(), verdict };
    let refused = failure(FailureKind::Connection, "connection to green:8000 refused");
    for _ in 0..3 {
        watcher
            .tell(ms(1500), &condition(ConditionKind::Until, "", Verdict::Error { failure: refused.clone().into() }));
    }
    watcher.tell(ms(2500), &condition(ConditionKind::Until, "", Verdict::Holds));
    watcher.tell(ms(2510), &condition(ConditionKind::Guard, "health", Verdict::Holds));
    let reason = "0.031 < 0.01".to_owned();
    watcher.tell(ms(2520), &condition(ConditionKind::Guard, "error rate", Verdict::Not { reason }));
    let broken = failure(FailureKind::Guard, "`error rate` does not hold: 0.031 < 0.01");
    ended(watcher, 2530, 2, "Check", Some(broken.clone()));
    let why = Some(broken.clone().into());
    watcher.tell(ms(2531), &Progress::Unwinding { failure: why, budget: Some(ms(180_000)), what: Extent::All });
    let traffic = SmolStr::new_static("Send traffic to green");
    let deploy = SmolStr::new_static("Deploy v2 to green");
    watcher.tell(ms(2532), &Progress::RollbackStarted { path: at(1), name: traffic.clone() });
    command(watcher, 2533, 3, &at(1).join(Segment::Branch(1)), "$ ./switch.sh blue", "");
    watcher.tell(ms(2600), &Progress::RollbackFinished { path: at(1), name: traffic.clone(), failure: None });
    watcher.tell(ms(2601), &Progress::RollbackStarted { path: at(0), name: deploy.clone() });
    let mut exit = failure(FailureKind::Failed, "`./deploy.sh green v1` ended with exit code 7");
    exit.notes.push("tar: releases/v1.tar.gz: Cannot open".to_owned());
    let failed = Progress::RollbackFinished { path: at(0), name: deploy.clone(), failure: Some(exit.clone().into()) };
    watcher.tell(ms(9700), &failed);
    let finish = Finish {
        end: End::Incomplete,
        failure: Some(StepFailure { step: "Check".into(), path: at(2), failure: broken }),
        taken_back: false,
        wrote: true,
        undone: vec![(at(1), traffic)],
        left: vec![Left { path: at(0), step: deploy, span: None, why: LeftWhy::Failed(exit) }],
        notes: vec![("error rate".into(), Value::str("0.031"))],
        warnings: vec!["`disk` does not hold: 91% < 90%".into()],
        account: Account::Whole,
    };
    watcher.finished(ms(9800), &finish);
}
