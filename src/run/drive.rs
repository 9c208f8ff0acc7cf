//! The loop.
mod again;
mod locks;
mod turns;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::clock::Clock;
use super::connected::Connected;
use super::crash;
use super::journal::{self, Journal};
use super::lost;
use super::resume::Past;
use super::runs;
use super::signals::{Heard, Signals, suspend};
use super::{Answers, Operator, Watcher};
use crate::effects::{Cancel, Canceller, Chunk, Effects, Output, Proof};
use crate::engine::event::{Account, End, SIGNALLED};
use crate::engine::{
    Call, CallId, Command, Ending, Engine, Event, Failure, FailureKind, Finish, Input, Outcome, Progress, QuestionId,
    Record, Replayed, TimerClock, TimerId, What,
};
use crate::journal::{Entry, Kind, Room, Trouble};
use crate::value::{Nanos, Timestamp, Value};
use turns::Waits;

/// Chunks of output on their way to the watcher: a slow watcher slows the commands down.
const CHUNKS: usize = 64;
/// How often the watcher hears the clock.
const TICK: Duration = Duration::from_millis(200);
/// How long the end of a call may wait for something else to share its flush.
const UNKEPT: Duration = Duration::from_millis(20);
/// After a second signal: KILL, and a little more than a call takes to give up.
const LAST: Duration = Duration::from_secs(7);

/// What a call of this process, or what is known of one of an earlier process, has come to.
enum Seen {
    Ended(Arc<Call>, Outcome),
    Settled(Option<Outcome>),
    /// It failed as an earlier process stopped, and nobody knows more.
    Failed(Outcome),
    /// What a dead run with a lock that is taken over had left running was ended.
    Freed(Box<locks::Freed>),
}

type Running<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (CallId, Seen)> + 'a>>>;

/// What a run needs to be driven, beside its engine.
pub struct Around<'a> {
    pub effects: &'a dyn Effects,
    pub watcher: &'a mut dyn Watcher,
    pub answers: &'a mut dyn Answers,
    pub on_question: OnQuestion,
    /// None: nothing is kept of the run.
    pub journal: Option<&'a mut Journal>,
    /// Of a console.
    pub operator: Option<&'a mut dyn Operator>,
}

/// What becomes of a run when nobody can answer its question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnQuestion {
    /// It unwinds.
    #[default]
    Refuse,
    /// It stops where it is, and can be resumed with an answer.
    Stop,
}

/// Another process has the run.
struct Gone {
    why: String,
    /// It was on its way back when that was found out.
    back: bool,
}

struct Driver<'a> {
    engine: Engine,
    around: Around<'a>,
    clock: Clock,
    /// What the engine has asked for and is not done yet, in order: done once what it follows from is kept.
    asked: VecDeque<(Nanos, Command)>,
    running: Running<'a>,
    cancellers: BTreeMap<CallId, Canceller>,
    /// Locks that are being taken.
    locks: BTreeMap<CallId, Arc<Call>>,
    /// Those that the last input has taken.
    taken: Vec<Arc<Call>>,
    /// Of those that are being taken, the ones whose runs were asked to end.
    asked_for: BTreeMap<CallId, (Arc<Call>, Outcome)>,
    timers: BTreeMap<TimerId, Nanos>,
    questions: BTreeSet<QuestionId>,
    waits: Waits,
    output: mpsc::Sender<Chunk>,
    /// The run is another process's by now: nothing starts any more.
    gone: Option<Gone>,
    /// For whom it was ended, when another run has taken a lock of this one.
    gave_way: Option<String>,
    connected: Connected,
    /// By when the last ends of calls are kept.
    keep_by: Option<Instant>,
    /// It was told that something is not kept.
    unkept: bool,
    finish: Option<Finish>,
}

/// Drive a run to its end, a new one or one as it was left. None when the engine waits for nothing
/// and has not finished: a bug of rbk.
///
/// # Errors
/// One line for a person, when a signal would not be heard; nothing has started then.
pub async fn drive(run: Replayed, around: Around<'_>, past: Option<Past>) -> Result<Option<Finish>, String> {
    let Replayed { engine, pending, .. } = run;
    let (output, mut chunks) = mpsc::channel(CHUNKS);
    let (proofs, mut proven) = mpsc::channel(1);
    let mut signals = Signals::listen()?;
    around.effects.prove_to(around.journal.is_some().then_some(proofs));
    let mut driver = Driver {
        engine,
        around,
        clock: Clock::start(past.as_ref().map_or(Nanos(0), |past| past.at)),
        asked: VecDeque::new(),
        running: FuturesUnordered::new(),
        cancellers: BTreeMap::new(),
        locks: BTreeMap::new(),
        taken: Vec::new(),
        asked_for: BTreeMap::new(),
        timers: BTreeMap::new(),
        questions: BTreeSet::new(),
        waits: Waits::default(),
        output,
        gone: None,
        gave_way: None,
        connected: past.as_ref().map(|past| Connected::since(&past.places)).unwrap_or_default(),
        keep_by: None,
        unkept: false,
        finish: None,
    };
    match past {
        None => driver.hear(Event::Start),
        Some(past) => driver.go_on(pending, past).await,
    }
    driver.obey_all();
    driver.run(&mut signals, &mut chunks, &mut proven).await;
    let at = driver.clock.now();
    let unkept = driver.around.journal.as_mut().and_then(|journal| journal.end(driver.finish.as_ref(), now()).err());
    if let Some(finish) = &mut driver.finish {
        finish.warnings.extend(unkept.map(|unkept| format!("its end is not in the journal: {}", unkept.message)));
        finish.account = driver.around.journal.as_ref().map(|journal| journal.account()).unwrap_or_default();
        told_by(finish);
        if let (Some(why), Some(failed)) = (driver.gave_way, &mut finish.failure)
            && failed.failure.message == SIGNALLED
        {
            failed.failure.message = why;
        }
        match (driver.gone, &mut finish.failure) {
            // What went wrong before stays what went wrong.
            (Some(Gone { why, back: true }), _) | (Some(Gone { why, back: false }), None) => finish.warnings.push(why),
            (Some(Gone { why, back: false }), Some(failed)) => failed.failure.message = why,
            (None, _) => {}
        }
    }
    if let Some(finish) = &driver.finish {
        if finish.end != End::Stopped {
            driver.around.effects.prove_to(None);
        }
        driver.around.watcher.finished(at, finish);
    }
    Ok(driver.finish)
}

/// A run whose journal does not tell the truth about it needs a person, and of one that another process has only that can be said.
fn told_by(finish: &mut Finish) {
    match finish.account {
        Account::Whole => {}
        Account::Elsewhere => finish.left.clear(),
        Account::Behind => {
            finish.end = match finish.end {
                End::RolledBack | End::Undone | End::UndoneInPart | End::Incomplete => End::Incomplete,
                end @ (End::Succeeded | End::Failed | End::Refused | End::Stopped) => end,
            };
            let text = "the journal does not know what was undone: the run must not be resumed or rolled back by it";
            finish.warnings.push(text.to_owned());
        }
    }
}

impl<'a> Driver<'a> {
    async fn run(
        &mut self,
        signals: &mut Signals,
        chunks: &mut mpsc::Receiver<Chunk>,
        proven: &mut mpsc::Receiver<Proof>,
    ) {
        let mut ticks = interval_at(far(TICK), TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stopping = false;
        let mut end: Option<Instant> = None;
        loop {
            let idle = self.running.is_empty();
            let over = self.finish.is_some();
            if over && end.is_none() {
                // What still runs now is ended, never left behind.
                self.cancellers.values().for_each(Canceller::kill);
                end = Some(far(LAST));
            }
            let waits = !self.timers.is_empty()
                || !self.questions.is_empty()
                || !self.asked_for.is_empty()
                || self.waits == Waits::ForTurn;
            if idle && (over || !waits) {
                return;
            }
            let next = self.timers.iter().map(|(id, at)| (*at, *id)).min();
            let due = next.map_or_else(|| far(Duration::from_secs(3600)), |(at, _)| self.clock.instant(at));
            let last = end.unwrap_or_else(|| far(Duration::from_secs(3600)));
            let keep = self.keep_by.unwrap_or_else(|| far(Duration::from_secs(3600)));
            tokio::select! {
                biased;
                heard = signals.next() => match heard {
                    Heard::Child => crate::effects::shell::reap(),
                    Heard::Suspend => self.clock.without(suspend),
                    heard if self.around.operator.is_some() => match self.claimed(&heard) {
                        Some(wanted) => self.give_way(&wanted, &mut end),
                        None => self.signalled(heard, &mut end),
                    },
                    Heard::Hangup if stopping => {}
                    Heard::Hangup | Heard::Stop | Heard::Interrupt if !stopping => {
                        stopping = true;
                        match self.claimed(&heard) {
                            Some(wanted) => self.give_way(&wanted, &mut end),
                            None => self.stop(),
                        }
                    }
                    Heard::Hangup | Heard::Stop | Heard::Interrupt => {
                        self.hear(Event::Kill);
                        self.cancellers.values().for_each(Canceller::kill);
                        end = end.or_else(|| Some(far(LAST)));
                    }
                },
                // A call that nothing ends is not waited for.
                () = sleep_until(last), if end.is_some() => {
                    self.hear(Event::Kill);
                    self.obey_all();
                    return;
                }
                Some(proof) = proven.recv() => self.prove(proof),
                Some((call, seen)) = self.running.next(), if !idle => {
                    self.seen(call, seen, chunks);
                    // Whatever else has ended by now shares its flush.
                    while let Some(Some((call, seen))) = self.running.next().now_or_never() {
                        self.seen(call, seen, chunks);
                    }
                }
                () = sleep_until(due), if next.is_some() && !over => {
                    if let Some((at, id)) = next && self.clock.now() >= at {
                        self.timers.remove(&id);
                        self.hear(Event::Fired(id));
                    }
                }
                (id, answer) = self.around.answers.poll(), if !self.questions.is_empty() && !over => {
                    if self.questions.remove(&id) {
                        match answer {
                            Ok(answer) => self.hear(Event::Answered(id, answer)),
                            Err(why) if self.around.on_question == OnQuestion::Stop => {
                                self.hear(Event::Parked(id, why));
                                self.cancellers.values().for_each(Canceller::kill);
                                end = end.or_else(|| Some(far(LAST)));
                            }
                            // No signal: the next one is the first.
                            Err(why) => self.hear(Event::Unanswered(id, why)),
                        }
                    }
                }
                turn = turns::next(&mut self.around.operator), if self.waits == Waits::ForTurn && !over => self.turn(turn),
                () = sleep_until(keep), if self.keep_by.is_some() => self.keep_by = self.kept_late(),
                _ = ticks.tick() => {
                    signals.shrug();
                    crate::effects::shell::reap_all();
                    let at = self.clock.now();
                    self.around.watcher.tick(at);
                    if let Some(journal) = self.around.journal.as_mut().filter(|_| !over) {
                        journal.lives(at);
                    }
                    let taken = self.around.journal.as_ref().and_then(|journal| journal.taken());
                    if let Some(taken) = taken.filter(|_| !over) {
                        self.lose(taken);
                    }
                    let wanted = self.around.journal.as_ref().and_then(|journal| journal.wanted());
                    if let Some(wanted) = wanted.filter(|_| !over && !stopping) {
                        stopping = true;
                        self.give_way(&wanted, &mut end);
                    }
                    self.ask_again();
                }
                Some(chunk) = chunks.recv() => self.show(&chunk),
            }
            self.obey_all();
        }
    }

    /// A call has ended, or what became of an earlier one is known.
    fn seen(&mut self, call: CallId, seen: Seen, chunks: &mut mpsc::Receiver<Chunk>) {
        crash::point();
        match seen {
            Seen::Ended(of, outcome) => {
                // What a call wrote is seen before its end.
                while let Ok(chunk) = chunks.try_recv() {
                    self.show(&chunk);
                }
                self.cancellers.remove(&call);
                if let Some(operator) = &mut self.around.operator {
                    operator.ended(&of, &outcome);
                }
                if let Some(outcome) = self.locked(call, outcome) {
                    self.hear(Event::Ended(call, Box::new(outcome)));
                }
            }
            Seen::Settled(Some(outcome)) if outcome.ending == Ending::Done => {
                self.hear(Event::Ended(call, Box::new(outcome)));
            }
            Seen::Settled(Some(_)) => self.hear(Event::Unstarted(call)),
            Seen::Failed(outcome) => self.hear(Event::Failed(call, Box::new(outcome))),
            Seen::Settled(None) => self.hear(Event::Doubted(call)),
            Seen::Freed(freed) => {
                if let Some(outcome) = self.freed(*freed) {
                    self.hear(Event::Ended(call, Box::new(outcome)));
                }
            }
        }
    }

    /// What still waits is kept now. When it cannot be, whatever needs it says so.
    fn kept_late(&mut self) -> Option<Instant> {
        let journal = self.around.journal.as_mut()?;
        journal.flush().err().map(|_| far(Duration::from_secs(1)))
    }

    /// Let the engine hear of it. What it asks for waits for [`Driver::obey_all`].
    fn hear(&mut self, event: Event) {
        if self.finish.is_some() {
            return;
        }
        let at = self.clock.now();
        let heard = self.around.journal.is_some().then(|| event.clone());
        let commands = self.engine.on(Input { at, event });
        for command in &commands {
            // Hidden before it can be shown or kept.
            if let Command::Record(Record::Bound { value, .. }) = command {
                self.hide(value);
            }
        }
        if let (Some(journal), Some(event)) = (&mut self.around.journal, heard) {
            let wall = now();
            for command in &commands {
                if let Command::Call(call) = command {
                    journal.note(self.connected.used(call, self.around.effects, wall));
                }
            }
            if let Event::Ended(..) = &event {
                journal.note(self.connected.answered(self.around.effects, wall));
            }
            journal.heard(Input { at, event }, &commands, now());
            if self.keep_by.is_none() && journal.owes() {
                self.keep_by = Some(far(UNKEPT));
            }
        }
        self.asked.extend(commands.into_iter().map(|command| (at, command)));
    }

    fn hide(&mut self, value: &Value) {
        lost::secrets(value, &mut |secret| {
            self.around.watcher.secret(secret);
            self.around.effects.secret(secret);
            if let Some(journal) = &mut self.around.journal {
                journal.hide(secret);
            }
        });
    }

    /// Do all that was asked for, once what it follows from is kept.
    fn obey_all(&mut self) {
        while !self.asked.is_empty() {
            let must = self.asked.iter().any(|(_, command)| must_be_kept(command));
            let trouble = match &mut self.around.journal {
                Some(journal) if must => {
                    self.keep_by = None;
                    unkept(journal.flush())
                }
                _ => None,
            };
            let asked = std::mem::take(&mut self.asked);
            let mut intended = BTreeSet::new();
            for (at, command) in asked {
                match command {
                    Command::Record(Record::Intent { call, .. }) => drop(intended.insert(call)),
                    Command::Call(call) if intended.contains(&call.id) => self.start_intended(call, trouble.clone()),
                    command => self.obey(at, command),
                }
            }
        }
    }

    /// A call whose intent is kept, or could not be, starts only while the run is this process's.
    fn start_intended(&mut self, call: Arc<Call>, unkept: Option<Trouble>) {
        crash::point();
        let mine = match &mut self.around.journal {
            Some(journal) if self.gone.is_none() => journal.ready(),
            Some(_) | None => Ok(()),
        };
        match (mine, unkept) {
            (Err(lost), _) | (_, Some(lost)) if lost.kind == Kind::Lost => {
                self.lose(lost);
                self.start(call);
            }
            (_, Some(trouble)) | (Err(trouble), None) => self.start_unkept(call, &trouble),
            (Ok(()), None) => self.start(call),
        }
    }

    /// The run is another process's by now: what runs is ended, and nothing more starts, not even an undo.
    fn lose(&mut self, lost: Trouble) {
        if self.gone.is_some() {
            return;
        }
        self.gone = Some(Gone { why: lost.message, back: self.engine.goes_back() });
        if let Some(journal) = &mut self.around.journal {
            journal.let_go();
        }
        self.hear(Event::Kill);
        self.cancellers.values().for_each(Canceller::kill);
    }

    /// A call whose intent could not be kept does not start; on the way back there is nothing better than to go on.
    fn start_unkept(&mut self, call: Arc<Call>, trouble: &Trouble) {
        if self.engine.goes_back() {
            if let Some(journal) = &mut self.around.journal {
                journal.goes_back();
            }
            if trouble.kind != Kind::Full && !std::mem::replace(&mut self.unkept, true) {
                let text = format!("{}: the way back goes on without being kept", trouble.message);
                let at = self.clock.now();
                self.around.watcher.tell(at, &Progress::Warning { path: call.path.clone(), text });
            }
            return self.start(call);
        }
        let failure = journal::failure(trouble);
        self.hear(Event::Ended(call.id, Box::new(Outcome::failed(Ending::None, failure))));
    }

    fn obey(&mut self, at: Nanos, command: Command) {
        match command {
            Command::Call(call) => {
                crash::point();
                self.start(call);
            }
            Command::Cancel(id) => {
                if let Some(canceller) = self.cancellers.get(&id) {
                    canceller.cancel();
                }
                self.ask_no_more(id);
            }
            Command::Timer(id, after, _) => {
                self.timers.insert(id, Nanos(at.0.saturating_add(after.0.max(0))));
            }
            Command::Clear(id) => {
                self.timers.remove(&id);
            }
            Command::Ask(..) if self.gone.is_some() => {}
            Command::Ask(id, question) => {
                self.questions.insert(id);
                self.around.answers.ask(id, &question);
            }
            Command::Withdraw(id) => {
                self.questions.remove(&id);
                self.around.answers.withdraw(id);
            }
            Command::Record(_) => {}
            Command::Tell(mut progress) => {
                if let Progress::Unwinding { failure: Some(failure), .. } = &mut progress
                    && let Some(why) = self.gave_way.as_ref().filter(|_| failure.message == SIGNALLED)
                {
                    failure.message.clone_from(why);
                }
                self.around.watcher.tell(at, &progress);
            }
            Command::Ready(reached) => self.is_ready(&reached),
            Command::Finish(finish) => self.finish = Some(*finish),
        }
    }

    fn start(&mut self, call: Arc<Call>) {
        let id = call.id;
        if self.gone.is_some() {
            let failure = Failure::new(FailureKind::Cancelled, "the run is another process's by now");
            return self.hear(Event::Ended(id, Box::new(Outcome::failed(Ending::None, failure))));
        }
        let (canceller, cancel) = Cancel::new();
        self.cancellers.insert(id, canceller);
        let output = Output { call: id, to: self.output.clone() };
        let effects = self.around.effects;
        if let What::Lock { .. } = &call.what {
            self.locks.insert(id, call.clone());
        }
        let known = lost::refused(&call).or_else(|| runs::answer(&call, self.around.journal.as_deref_mut(), now()));
        if let Some(outcome) = known {
            return self.running.push(Box::pin(std::future::ready((id, Seen::Ended(call, outcome)))));
        }
        let ending = effects.call(call.clone(), cancel, output);
        self.running.push(Box::pin(async move { (id, Seen::Ended(call, ending.await)) }));
    }

    /// Keep what a provider needs later; it waits for that.
    fn prove(&mut self, proof: Proof) {
        let Some(journal) = &mut self.around.journal else { return };
        let entry = Entry::Proof { call: proof.call, proof: proof.value };
        if journal.keep(entry).is_ok() {
            // A provider that gave up meanwhile needs it no more.
            let _ = proof.kept.send(());
        }
    }

    fn show(&mut self, chunk: &Chunk) {
        let at = self.clock.now();
        self.around.watcher.output(at, chunk);
    }
}

/// What nobody may see before the events that led to it are kept. The end is kept with the standing that it leads to, when
/// nothing runs any more.
fn must_be_kept(command: &Command) -> bool {
    matches!(
        command,
        Command::Record(Record::Intent { .. })
            | Command::Ask(..)
            | Command::Timer(_, _, TimerClock::Wall)
            | Command::Tell(Progress::Waiting { .. })
    )
}

/// Why nothing forward may start.
fn unkept(kept: Result<Room, Trouble>) -> Option<Trouble> {
    match kept {
        Ok(Room::Enough) => None,
        Ok(Room::Reserve) => Some(Trouble {
            kind: Kind::Full,
            ..Trouble::new("the disk of the journal is full: what is left of it is for undoing")
        }),
        Err(trouble) => Some(trouble),
    }
}

#[allow(clippy::disallowed_methods, reason = "the driver's own timers")]
fn far(after: Duration) -> Instant {
    Instant::now() + after
}

/// The wall clock, for what is kept.
#[allow(clippy::disallowed_methods, reason = "the driver reads the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
