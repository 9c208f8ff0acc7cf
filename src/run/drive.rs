//! The loop.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::clock::Clock;
use super::signals::{Heard, Signals, suspend};
use super::{Answers, Recording, Watcher};
use crate::effects::{Cancel, Canceller, Chunk, Effects, Output};
use crate::engine::{CallId, Command, Engine, Event, Finish, Input, Outcome, Progress, QuestionId, Record, TimerId};
use crate::value::{Nanos, Value};

/// Chunks of output on their way to the watcher: a slow watcher slows the commands down.
const CHUNKS: usize = 64;
/// After a second signal: KILL, and a little more than a call takes to give up.
const LAST: Duration = Duration::from_secs(7);

type Running<'a> = FuturesUnordered<std::pin::Pin<Box<dyn Future<Output = (CallId, Outcome)> + 'a>>>;

struct Driver<'a> {
    engine: Engine,
    effects: &'a dyn Effects,
    watcher: &'a mut dyn Watcher,
    answers: &'a mut dyn Answers,
    clock: Clock,
    recording: Option<&'a mut Recording>,
    running: Running<'a>,
    cancellers: BTreeMap<CallId, Canceller>,
    timers: BTreeMap<TimerId, Nanos>,
    questions: BTreeSet<QuestionId>,
    output: mpsc::Sender<Chunk>,
    finish: Option<Finish>,
}

/// Drive a run to its end; what it was told is kept where somebody will read it. None when the engine waits for nothing
/// and has not finished: a bug of rbk.
///
/// # Errors
/// One line for a person, when a signal would not be heard; nothing has started then.
pub async fn drive(
    engine: Engine,
    effects: &dyn Effects,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
    recording: Option<&mut Recording>,
) -> Result<Option<Finish>, String> {
    let (output, mut chunks) = mpsc::channel(CHUNKS);
    let mut signals = Signals::listen()?;
    let mut driver = Driver {
        engine,
        effects,
        watcher,
        answers,
        clock: Clock::start(),
        recording,
        running: FuturesUnordered::new(),
        cancellers: BTreeMap::new(),
        timers: BTreeMap::new(),
        questions: BTreeSet::new(),
        output,
        finish: None,
    };
    driver.run(&mut signals, &mut chunks).await;
    let at = driver.clock.now();
    if let Some(finish) = &driver.finish {
        driver.watcher.finished(at, finish);
    }
    Ok(driver.finish)
}

impl Driver<'_> {
    async fn run(&mut self, signals: &mut Signals, chunks: &mut mpsc::Receiver<Chunk>) {
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stopping = false;
        let mut end: Option<Instant> = None;
        self.feed(Event::Start);
        loop {
            let idle = self.running.is_empty();
            let over = self.finish.is_some();
            if over && end.is_none() {
                // What still runs now is ended, never left behind.
                self.cancellers.values().for_each(Canceller::kill);
                end = Some(far(LAST));
            }
            if idle && (over || (self.timers.is_empty() && self.questions.is_empty())) {
                return;
            }
            let next = self.timers.iter().map(|(id, at)| (*at, *id)).min();
            let due = next.map_or_else(|| far(Duration::from_secs(3600)), |(at, _)| self.clock.instant(at));
            let last = end.unwrap_or_else(|| far(Duration::from_secs(3600)));
            tokio::select! {
                biased;
                heard = signals.next() => match heard {
                    Heard::Child => crate::effects::shell::reap(),
                    Heard::Suspend => self.clock.without(suspend),
                    Heard::Hangup if stopping => {}
                    Heard::Hangup | Heard::Stop if !stopping => {
                        stopping = true;
                        let at = self.clock.now();
                        self.watcher.tell(at, &Progress::Stopping);
                        self.feed(Event::Stop);
                    }
                    Heard::Hangup | Heard::Stop => {
                        self.feed(Event::Kill);
                        self.cancellers.values().for_each(Canceller::kill);
                        end = end.or_else(|| Some(far(LAST)));
                    }
                },
                // A call that nothing ends is not waited for.
                () = sleep_until(last), if end.is_some() => {
                    self.feed(Event::Kill);
                    return;
                }
                Some((call, outcome)) = self.running.next(), if !idle => {
                    // What a call wrote is seen before its end.
                    while let Ok(chunk) = chunks.try_recv() {
                        self.show(&chunk);
                    }
                    self.cancellers.remove(&call);
                    self.feed(Event::Ended(call, Box::new(outcome)));
                }
                () = sleep_until(due), if next.is_some() && !over => {
                    if let Some((at, id)) = next && self.clock.now() >= at {
                        self.timers.remove(&id);
                        self.feed(Event::Fired(id));
                    }
                }
                (id, answer) = self.answers.poll(), if !self.questions.is_empty() && !over => {
                    if self.questions.remove(&id) {
                        match answer {
                            Ok(answer) => self.feed(Event::Answered(id, answer)),
                            // No signal: the next one is the first.
                            Err(why) => self.feed(Event::Unanswered(id, why)),
                        }
                    }
                }
                _ = ticks.tick() => {
                    let at = self.clock.now();
                    self.watcher.tick(at);
                }
                Some(chunk) = chunks.recv() => self.show(&chunk),
            }
        }
    }

    fn feed(&mut self, event: Event) {
        if self.finish.is_some() {
            return;
        }
        let input = Input { at: self.clock.now(), event };
        let at = input.at;
        let commands = match &mut self.recording {
            None => self.engine.on(input),
            Some(recording) => {
                let commands = self.engine.on(input.clone());
                recording.keep(input, &commands);
                commands
            }
        };
        for command in commands {
            self.obey(at, command);
        }
    }

    fn obey(&mut self, at: Nanos, command: Command) {
        match command {
            Command::Call(call) => {
                let id = call.id;
                let (canceller, cancel) = Cancel::new();
                self.cancellers.insert(id, canceller);
                let ending = self.effects.call(*call, cancel, Output { call: id, to: self.output.clone() });
                self.running.push(Box::pin(async move { (id, ending.await) }));
            }
            Command::Cancel(id) => {
                if let Some(canceller) = self.cancellers.get(&id) {
                    canceller.cancel();
                }
            }
            Command::Timer(id, after, _) => {
                self.timers.insert(id, Nanos(at.0.saturating_add(after.0.max(0))));
            }
            Command::Clear(id) => {
                self.timers.remove(&id);
            }
            Command::Ask(id, question) => {
                self.questions.insert(id);
                self.answers.ask(id, &question);
            }
            Command::Withdraw(id) => {
                self.questions.remove(&id);
                self.answers.withdraw(id);
            }
            Command::Record(record) => self.record(&record),
            Command::Tell(progress) => self.watcher.tell(at, &progress),
            Command::Finish(finish) => self.finish = Some(*finish),
        }
    }

    /// Where a journal will be told. Here only secrets matter: they are hidden before they can be shown.
    fn record(&mut self, record: &Record) {
        if let Record::Bound { value, .. } = record {
            secrets(value, &mut |secret| {
                self.watcher.secret(secret);
                self.effects.secret(secret);
            });
        }
    }

    fn show(&mut self, chunk: &Chunk) {
        let at = self.clock.now();
        self.watcher.output(at, chunk);
    }
}

#[allow(clippy::disallowed_methods, reason = "the driver's own timers")]
fn far(after: Duration) -> Instant {
    Instant::now() + after
}

/// Every secret in a value. What is secret in a connection's address was told when the connection was made.
fn secrets(value: &Value, found: &mut dyn FnMut(&Value)) {
    match value {
        Value::Secret(_) => found(value),
        Value::List(items) => items.iter().for_each(|v| secrets(v, found)),
        Value::Record(record) => record.0.iter().for_each(|(_, v)| secrets(v, found)),
        Value::Connection(recipe) => recipe.args.0.iter().skip(1).for_each(|(_, v)| secrets(v, found)),
        Value::Response(response) => response.headers.0.iter().for_each(|(_, v)| secrets(v, found)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::Duration(_)
        | Value::Size(_)
        | Value::Time(_) => {}
    }
}
