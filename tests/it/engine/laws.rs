//! Laws of every run, held against random programs in random worlds; and proof that they would notice a mistake.
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rbk::check::program::Want;
use rbk::effects::fake::{Crash, Fake, Played, Proof, Reply, Rule, Script, Signal, Then, play_in, well};
use rbk::engine::call::{Context, Path, Segment};
use rbk::engine::event::{End, LeftWhy, QuestionKind};
use rbk::engine::record::UnitKind;
use rbk::engine::{
    Bug, Call, CallId, Command, Ending, Engine, Event, Extent, Failure, FailureKind, Input, Outcome, QuestionId,
    Record, What, replay,
};
use rbk::value::{Nanos, Value};

use super::build::SECOND;
use super::random::{self, Made};

/// A world of this seed: how often things go wrong, how long they take.
fn script(seed: u64) -> Script {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5eed);
    let mut script = Script::default();
    let mut answer = |pattern: &str, value: Value| {
        let after = Nanos(rng.i64(0..20) * SECOND);
        script.answers.push(Reply { pattern: pattern.to_owned(), times: None, after, value: Some(value) });
    };
    match seed % 4 {
        0 => answer("*did it happen?", Value::str("it happened")),
        1 => answer("*did it happen?", Value::str("it did not happen")),
        _ => answer("*did it happen?", Value::str("undo it")),
    }
    answer("*undo it all the same?", Value::Bool(seed.is_multiple_of(3)));
    if seed.is_multiple_of(9) {
        answer("confirm *3", Value::Bool(false));
    }
    answer("choose*", Value::str(if seed.is_multiple_of(2) { "yes" } else { "no" }));
    answer("from*", Value::str("no"));
    answer("ask*", Value::str("said"));
    answer("*", Value::Bool(true));
    let at = Nanos(rng.i64(0..60) * SECOND);
    match seed % 20 {
        3 | 7 => script.signals.push((at, Signal::Stop)),
        11 => script.signals.extend([(at, Signal::Stop), (Nanos(at.0 + 5 * SECOND), Signal::Kill)]),
        _ => {}
    }
    script
}

fn failed(ending: Ending) -> Outcome {
    Outcome::failed(ending, Failure::new(FailureKind::Failed, "by chance"))
}

fn decide(rng: &mut fastrand::Rng, faults: u32, call: &Call) -> Rule {
    let text = call.text.as_str();
    let wrong = rng.u32(..100) < faults;
    let kind = rng.u32(..10);
    let outcome = match text {
        _ if !wrong => match call.want {
            Want::Condition if text.contains("goal") => Outcome::done(Value::Bool(rng.bool())),
            Want::Condition if text.contains("unless") => Outcome::done(Value::Bool(false)),
            want => well(want),
        },
        _ if call.want == Want::Condition && kind < 7 => Outcome::done(Value::Bool(false)),
        _ if call.want == Want::Condition || kind < 3 => failed(Ending::None),
        _ if kind < 7 => failed(Ending::Some),
        _ if kind < 9 || text.contains("undo") => failed(Ending::Unknown),
        _ => Outcome { running: Some("pid 7".to_owned()), ..failed(Ending::Unknown) },
    };
    let cancel = match rng.u32(..10) {
        0 => well(call.want),
        1 => Outcome { running: Some("pid 8".to_owned()), ..failed(Ending::Unknown) },
        2 => failed(Ending::None),
        _ => failed(Ending::Some),
    };
    let after = Nanos(rng.i64(0..12) * SECOND / 2);
    let proof = match rng.u32(..6) {
        0 => Some(Proof::Done),
        1 => Some(Proof::None),
        _ => None,
    };
    Rule { after, cancel: (cancel, Nanos(rng.i64(0..4) * SECOND)), proof, ..Rule::new("", outcome) }
}

pub fn played(seed: u64, made: &Made, bug: Option<Bug>) -> Played {
    crashed(seed, made, bug, Vec::new(), Vec::new())
}

/// With crashes, and rollbacks of the run that has ended.
fn crashed(seed: u64, made: &Made, bug: Option<Bug>, crashes: Vec<(usize, Crash)>, rollbacks: Vec<Extent>) -> Played {
    let program = Arc::new(made.program.clone());
    let engine = match bug {
        Some(bug) => Engine::with_bug(program, super::inputs(), bug),
        None => Engine::new(program, super::inputs()),
    };
    let rng = RefCell::new(fastrand::Rng::with_seed(seed));
    let faults = [0, 4, 10, 25][usize::try_from(seed % 4).unwrap()];
    let script = Script { crashes, rollbacks, ..script(seed) };
    play_in(engine, Fake::deciding(&script, |call| decide(&mut rng.borrow_mut(), faults, call)))
}

/// An attempt of a leaf: its path, and the attempts of all around it.
type Instance = (Vec<Segment>, String);

#[derive(Default)]
struct Leaf {
    first: usize,
    ended: usize,
    pending: BTreeSet<CallId>,
    /// It has a rollback.
    unit: bool,
    /// Its writes that may have had one.
    effects: BTreeSet<CallId>,
    running: bool,
    undo_started: Option<usize>,
    undone: Vec<usize>,
    chain: Vec<(u32, String)>,
    committed: bool,
}

/// In which elements of which `parallel`s.
fn chain(call: &Call) -> Vec<(u32, String)> {
    let dirs = call.contexts.iter().filter_map(|context| match context {
        Context::Dir(dir) => dir.split_once('.').map(|(id, element)| (id.parse().unwrap(), element.to_owned())),
        _ => None,
    });
    dirs.collect()
}

fn sequential(a: &[(u32, String)], b: &[(u32, String)]) -> bool {
    a.iter().zip(b).find(|(a, b)| a != b).is_none_or(|(a, b)| a.0 != b.0)
}

/// The first law that this run breaks.
#[allow(clippy::too_many_lines)]
fn broken(made: &Made, played: &Played) -> Result<(), String> {
    let finish = played.finish.as_ref().ok_or("every run ends")?;
    let mut leaves: BTreeMap<Instance, Leaf> = BTreeMap::new();
    let mut calls: BTreeMap<CallId, (Call, Option<Instance>)> = BTreeMap::new();
    let (mut back, mut killed, mut ended, mut unit) = (false, false, false, false);
    let mut doubts: BTreeMap<QuestionId, Path> = BTreeMap::new();
    let mut lost: BTreeMap<Path, (CallId, Instance)> = BTreeMap::new();
    // A step was to be undone whatever came after it.
    let mut alone = false;
    let mut time = 0;
    for (input, commands) in played.inputs.iter().zip(&played.commands) {
        time += 1;
        match &input.event {
            Event::Kill => killed = true,
            Event::Rollback { what, .. } => {
                ended = false;
                alone |= matches!(what, Extent::Only(_));
            }
            Event::Resumed { .. } => ended = false,
            Event::Unstarted(id) => {
                let (_, instance) = calls.remove(id).ok_or("an end belongs to a call")?;
                if let Some(leaf) = instance.and_then(|instance| leaves.get_mut(&instance)) {
                    leaf.pending.remove(id);
                }
            }
            Event::Doubted(id) => {
                let (call, instance) = calls.remove(id).ok_or("an end belongs to a call")?;
                let forward = call.text.starts_with("$ do ") || matches!(call.what, What::Commit { .. });
                if let Some(instance) = instance
                    && let Some(leaf) = leaves.get_mut(&instance)
                {
                    leaf.pending.remove(id);
                    if forward {
                        leaf.ended = time;
                        leaf.effects.insert(*id);
                        lost.insert(call.path.clone(), (*id, instance));
                    }
                }
            }
            Event::Answered(id, answer) if answer.value == Value::str("it did not happen") => {
                let call = doubts.remove(id).and_then(|path| lost.remove(&path));
                if let Some((call, instance)) = call {
                    leaves.entry(instance).and_modify(|leaf| leaf.effects.retain(|other| *other != call));
                }
            }
            _ => {}
        }
        if let Event::Ended(id, outcome) = &input.event {
            let (call, instance) = calls.remove(id).ok_or("an end belongs to a call")?;
            let undo = call.text.contains("undo");
            if let Some(leaf) = instance.and_then(|instance| leaves.get_mut(&instance)) {
                leaf.pending.remove(id);
                if undo && call.text.contains("last") && outcome.ending == Ending::Done && outcome.result.is_ok() {
                    leaf.undone.push(time);
                } else if !undo {
                    leaf.ended = time;
                    let begun =
                        matches!(call.what, What::Begin { .. } | What::Abort { .. }) || call.text.starts_with("sql");
                    let unsure = matches!(call.what, What::Abort { .. })
                        && !matches!(outcome.ending, Ending::Done | Ending::None);
                    if unsure || (outcome.ending != Ending::None && !begun) {
                        leaf.effects.insert(*id);
                    }
                }
                leaf.running |= outcome.running.is_some();
            }
        }
        for command in commands {
            time += 1;
            if ended {
                return Err("nothing is said after the end".to_owned());
            }
            match command {
                Command::Finish(_) => ended = true,
                Command::Ask(id, asked) if matches!(asked.kind, QuestionKind::Doubt(_)) => {
                    doubts.insert(*id, asked.path.clone());
                }
                Command::Record(Record::Back) => back = true,
                Command::Record(Record::Committed { path }) => {
                    let block = &path.0[..path.0.len() - 1];
                    leaves
                        .iter_mut()
                        .filter(|((at, _), _)| at.starts_with(block))
                        .for_each(|(_, leaf)| leaf.committed = true);
                }
                Command::Record(Record::Intent { unit: kind, .. }) => unit = *kind == Some(UnitKind::Rollback),
                Command::Cancel(id) => {
                    let (call, _) = calls.get(id).ok_or("only what runs is cancelled")?;
                    if call.text.contains("undo") && !killed {
                        return Err(format!("`{}` is cut, and no limit of the way back is over", call.text));
                    }
                }
                Command::Call(call) => {
                    let text = call.text.as_str();
                    let instance = start(call, time, (back, alone), &mut leaves)?;
                    if let Some(leaf) = instance.as_ref().and_then(|instance| leaves.get_mut(instance)) {
                        leaf.unit |= std::mem::take(&mut unit);
                    }
                    bounded(made, call, &calls)?;
                    if killed {
                        return Err(format!("`{text}` starts after the second signal"));
                    }
                    calls.insert(call.id, (Call::clone(call), instance));
                }
                _ => {}
            }
        }
    }
    if !calls.is_empty() && finish.end != End::Stopped {
        return Err("a call still runs at the end".to_owned());
    }
    at_the_end(&leaves, played)
}

/// A call starts: which instance it belongs to, and whether it may.
fn start(
    call: &Call,
    time: usize,
    (back, alone): (bool, bool),
    leaves: &mut BTreeMap<Instance, Leaf>,
) -> Result<Option<Instance>, String> {
    let text = call.text.as_str();
    let tag = call.key.attempts.to_string();
    let path = &call.path.0;
    if text.starts_with("$ undo") {
        let instance = (path[..path.len() - 2].to_vec(), tag);
        let order: Vec<_> = leaves
            .iter()
            .map(|(at, leaf)| (at.clone(), leaf.first, leaf.ended, leaf.owed(), leaf.chain.clone()))
            .collect();
        let leaf = leaves.get_mut(&instance).ok_or("only what was done is undone")?;
        if leaf.undo_started.is_none() {
            leaf.undo_started = Some(time);
            for (at, first, _, owed, chain) in order {
                if owed && !alone && at != instance && first > leaf.ended && sequential(&chain, &leaf.chain) {
                    return Err(format!("`{text}`: what came after it is undone before it: {at:?}"));
                }
            }
        }
        if !leaf.undone.is_empty() {
            return Err(format!("`{text}`: undone twice"));
        }
        if !leaf.pending.is_empty() || leaf.running {
            return Err(format!("`{text}`: undone beside its own call"));
        }
        leaf.pending.insert(call.id);
        return Ok(Some(instance));
    }
    let write = text.starts_with("$ do ")
        || matches!(call.what, What::Begin { .. } | What::Commit { .. } | What::Abort { .. })
        || text.starts_with("sql");
    // What a run that went well was good for is looked at again.
    let beside = text.starts_with("$ goal")
        || text.starts_with("$ fin")
        || text.starts_with("hand")
        || matches!(call.what, What::Abort { .. });
    if back && !beside {
        return Err(format!("`{text}` goes forward after the turn back"));
    }
    if !write {
        return Ok(None);
    }
    let up = if text.starts_with("sql") { 2 } else { 1 };
    let instance = (path[..path.len() - up].to_vec(), tag);
    if !leaves.contains_key(&instance) {
        for ((at, tag), before) in leaves.iter() {
            if *at == instance.0 && before.owed() {
                return Err(format!("`{text}` starts, and attempt {tag} before it was not undone"));
            }
        }
    }
    let leaf =
        leaves.entry(instance.clone()).or_insert_with(|| Leaf { first: time, chain: chain(call), ..Leaf::default() });
    if !leaf.undone.is_empty() {
        return Err(format!("`{text}` starts in an attempt that was undone"));
    }
    leaf.pending.insert(call.id);
    Ok(Some(instance))
}

impl Leaf {
    /// It had an effect, has a rollback, and was not undone.
    fn owed(&self) -> bool {
        self.unit && !self.effects.is_empty() && !self.committed && self.undone.is_empty()
    }
}

/// Of one `parallel`, only so many elements have calls at once, on both ways.
fn bounded(made: &Made, call: &Call, calls: &BTreeMap<CallId, (Call, Option<Instance>)>) -> Result<(), String> {
    let own = chain(call);
    for (depth, (id, _)) in own.iter().enumerate() {
        let mut elements: BTreeSet<String> = BTreeSet::from([own[depth].1.clone()]);
        for (other, _) in calls.values() {
            let other = chain(other);
            if other.len() > depth && other[..depth] == own[..depth] && other[depth].0 == *id {
                elements.insert(other[depth].1.clone());
            }
        }
        if elements.len() > made.bounds[id] {
            return Err(format!("`{}`: {} elements at once", call.text, elements.len()));
        }
    }
    Ok(())
}

fn at_the_end(leaves: &BTreeMap<Instance, Leaf>, played: &Played) -> Result<(), String> {
    let finish = played.finish.as_ref().ok_or("every run ends")?;
    let left = |path: &[Segment]| finish.left.iter().any(|left| &*left.path.0 == path);
    match finish.end {
        End::RolledBack | End::Undone if !finish.left.is_empty() => {
            return Err("all is undone, and something is left".to_owned());
        }
        End::Incomplete if finish.left.is_empty() => return Err("exit 3 names what is left".to_owned()),
        End::UndoneInPart if finish.left.is_empty() => return Err("a part names the rest".to_owned()),
        _ => {}
    }
    if finish.failure.is_none() && !matches!(finish.end, End::Undone | End::UndoneInPart) {
        return Ok(());
    }
    for ((path, tag), leaf) in leaves {
        if leaf.owed() && !left(path) {
            return Err(format!("{path:?} attempt {tag} is neither undone nor named as left"));
        }
        let named =
            finish.left.iter().any(|left| &*left.path.0 == path.as_slice() && matches!(left.why, LeftWhy::Running(_)));
        if leaf.running && leaf.owed() && !named && finish.end != End::Stopped {
            let other = finish.left.iter().any(|left| &*left.path.0 == path.as_slice());
            if !other {
                return Err(format!("{path:?} may still run, and is not named"));
            }
        }
    }
    Ok(())
}

const RUNS: u64 = 1500;

#[test]
fn random_programs_keep_the_laws() {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..RUNS {
        let made = random::make(seed);
        let run = played(seed, &made, None);
        if let Err(law) = broken(&made, &run) {
            panic!("seed {seed}: {law}\n{}", super::trace::trace(&run));
        }
        made.kinds.iter().for_each(|kind| *kinds.entry(kind).or_default() += 1);
        *ends.entry(run.finish.as_ref().unwrap().end.name()).or_default() += 1;
        if seed.is_multiple_of(25) {
            let program = Arc::new(made.program.clone());
            super::check_replay(&program, &super::inputs(), &run);
        }
        let replayed = replay(Arc::new(made.program.clone()), super::inputs(), run.inputs);
        let mut engine = replayed.unwrap_or_else(|misfit| panic!("seed {seed}: {misfit:?}")).engine;
        let late = Input { at: Nanos(i64::MAX), event: Event::Stop };
        assert!(engine.on(late).is_empty(), "seed {seed}: something is said after the end");
    }
    println!("of {RUNS} programs: {kinds:?}\nends: {ends:?}");
    for (kind, count) in kinds {
        assert!(count * 20 >= RUNS, "{kind} stands in {count} of {RUNS} programs");
    }
    assert!(ends.len() == 4, "{ends:?}");
}

/// A mistake is noticed by some law, and this is how many programs it takes.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release ignores them")]
fn mistakes_are_noticed() {
    for bug in [Bug::UndoInOrder, Bug::UndoTwice, Bug::SkipFailedStep, Bug::DeadlineInUndo, Bug::CommandAfterFinish] {
        let noticed = (0..RUNS).find_map(|seed| {
            let made = random::make(seed);
            broken(&made, &played(seed, &made, Some(bug))).err().map(|law| (seed, law))
        });
        let (seed, law) = noticed.unwrap_or_else(|| panic!("{bug:?} is not noticed"));
        println!("{bug:?}: program {seed}: {law}");
    }
}

/// One or two crashes anywhere, the second perhaps while the first is seen to; sometimes a person rolls the run back
/// instead, sometimes once more when it has ended, or a part of it.
fn fate(seed: u64, straight: &Played) -> (Vec<(usize, Crash)>, Vec<Extent>) {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0xdead);
    let mut after = rng.usize(1..=straight.inputs.len());
    let mut crashes = Vec::new();
    for _ in 0..rng.usize(1..4) {
        let then = if rng.u32(..6) == 0 { Then::Rollback(extent(&mut rng, straight)) } else { Then::Resume };
        crashes.push((after, Crash { down: Nanos(rng.i64(0..30) * SECOND), then }));
        after += rng.usize(1..8);
    }
    let rollbacks = (0..rng.u32(..5).saturating_sub(2)).map(|_| extent(&mut rng, straight)).collect();
    (crashes, rollbacks)
}

/// Everything, or what stands around one of its calls.
fn extent(rng: &mut fastrand::Rng, straight: &Played) -> Extent {
    let calls = straight.commands.iter().flatten().filter_map(|command| match command {
        Command::Call(call) if !call.path.0.is_empty() => Some(&call.path.0),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    let Some(path) = rng.choice(&calls) else { return Extent::All };
    let path = Path(path[..rng.usize(1..=path.len())].into());
    match rng.u32(..4) {
        0 => Extent::From(path),
        1 => Extent::Only(path),
        _ => Extent::All,
    }
}

fn all_laws(made: &Made, played: &Played) -> Result<(), String> {
    broken(made, played).and_then(|()| super::crash::broken(played))
}

#[test]
fn random_programs_keep_the_laws_through_crashes() {
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut doubts, mut rollbacks) = (0, 0);
    for seed in 0..RUNS {
        let made = random::make(seed);
        let straight = played(seed, &made, None);
        for again in 0..3 {
            let (crashes, rolled) = fate(seed * 3 + again, &straight);
            let run = crashed(seed, &made, None, crashes, rolled);
            if let Err(law) = all_laws(&made, &run) {
                panic!("seed {seed}.{again}: {law}\n{}", super::trace::trace(&run));
            }
            *ends.entry(run.finish.as_ref().unwrap().end.name()).or_default() += 1;
            doubts += run.inputs.iter().filter(|input| matches!(input.event, Event::Doubted(_))).count();
            rollbacks += run.inputs.iter().filter(|input| matches!(input.event, Event::Rollback { .. })).count();
            if seed.is_multiple_of(50) {
                let program = Arc::new(made.program.clone());
                super::check_replay(&program, &super::inputs(), &run);
            }
        }
    }
    println!("of {} runs: {ends:?}, {doubts} calls in doubt, {rollbacks} rollbacks", RUNS * 3);
    assert!(ends.len() == 5 && doubts > 1000 && rollbacks > 1000, "{ends:?} {doubts} {rollbacks}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release ignores them")]
fn mistakes_in_going_on_are_noticed() {
    for bug in [Bug::DoubtIsDone, Bug::DoubtIsNothing, Bug::HalfTransaction] {
        let noticed = (0..RUNS).find_map(|seed| {
            let made = random::make(seed);
            let (crashes, rolled) = fate(seed, &played(seed, &made, None));
            all_laws(&made, &crashed(seed, &made, Some(bug), crashes, rolled)).err().map(|law| (seed, law))
        });
        let (seed, law) = noticed.unwrap_or_else(|| panic!("{bug:?} is not noticed"));
        println!("{bug:?}: program {seed}: {law}");
    }
}
