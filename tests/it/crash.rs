//! kill -9 at every instant at which rbk writes, starts or hears something, then resumed or rolled back, killed again on the
//! way, until it ends. Each run is killed once at every second of its points; `RBK_CRASH_CASES=10000` does it at each of
//! them, and then again with other crashes behind it, or first at any time at all.
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use crate::stage;
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;

mod case;
mod laws;
mod world;

use case::{Book, Case, End, Ends, hold};
use world::{Death, World};

const BOOKS: [Book; 3] = [
    Book { name: "sequence", text: include_str!("crash/sequence.rbk") },
    Book { name: "stores", text: include_str!("crash/stores.rbk") },
    Book { name: "beside", text: include_str!("crash/beside.rbk") },
];
/// By how many points two runs of one runbook differ: what runs beside each other shares a write of the journal, or does not.
const PAST: u64 = 4;
const TRIES: usize = 6;
/// Runs at the same time: most of what one takes, it waits.
const WORLDS: usize = 4;
/// One in so many is killed at any time, not at a point.
const AT_ANY_TIME: u64 = 4;
/// Milliseconds that a run takes at most, when nothing else uses the machine.
const TAKES: u64 = 400;
/// A failure tells enough of itself; many tell no more.
const FAILURES: usize = 5;

/// What the first round knows of a runbook in one direction.
#[derive(Default)]
struct Points {
    next: u64,
    reached: Vec<u64>,
}

#[derive(Default)]
struct Score {
    cases: usize,
    begun: usize,
    again: usize,
    ends: BTreeMap<&'static str, usize>,
    points: BTreeMap<(usize, bool), Points>,
    failures: usize,
}

impl Points {
    fn last(&self) -> u64 {
        self.reached.iter().copied().max().unwrap_or(0)
    }
}

impl Score {
    /// Each point of each run once, and then again with other crashes behind it.
    fn next(&mut self, wanted: usize) -> Option<Case> {
        if self.failures >= FAILURES {
            return None;
        }
        for (&(book, spoil), points) in &mut self.points {
            if points.next <= points.last() + PAST {
                let at = points.next;
                points.next += stride();
                return Some(Case { book, spoil, at, random: false, seed: 0 });
            }
        }
        let all: u64 = self.points.values().map(Points::last).sum();
        let mut rest = self.begun as u64;
        self.begun += 1;
        if self.cases >= wanted || all == 0 {
            return None;
        }
        let seed = 1 + rest / all;
        rest %= all;
        for (&(book, spoil), points) in &self.points {
            if rest < points.last() {
                let random = (rest + seed).is_multiple_of(AT_ANY_TIME);
                let any = || fastrand::Rng::with_seed(seed << 32 | rest).u64(1..=TAKES);
                return Some(Case { book, spoil, at: if random { any() } else { rest + 1 }, random, seed });
            }
            rest -= points.last();
        }
        None
    }
}

fn wanted() -> Option<usize> {
    Some(std::env::var("RBK_CRASH_CASES").ok()?.parse().expect("a number of cases"))
}

fn stride() -> u64 {
    if wanted().is_some() { 1 } else { 2 }
}

/// Each runbook undisturbed, in both directions.
fn undisturbed(world: &mut World) -> Vec<Ends> {
    let ends = BOOKS.iter().map(|book| {
        let mut run = |spoil: &str, code: i32| {
            world.begin(book.text);
            let before = world.state();
            let said = world.rbk(&["run", "../book.rbk", "--set", spoil], Death::Never).unwrap();
            assert_eq!(said.code, Some(code), "{}: {}", book.name, said.text);
            (before, world.state())
        };
        let (before, undone) = run("spoil=true", 1);
        assert_eq!(before, undone, "{}", book.name);
        let (before, after) = run("spoil=false", 0);
        assert_ne!(before, after, "{}", book.name);
        Ends { before, after }
    });
    let ends = ends.collect();
    world.forget();
    ends
}

fn work(number: usize, postgres: &Postgres, redis: &Redis, score: &Mutex<Score>) {
    let mut world = World::new(number, postgres, redis);
    let ends = undisturbed(&mut world);
    loop {
        let Some(case) = score.lock().unwrap().next(wanted().unwrap_or(0)) else { return };
        let first = case.seed == 0;
        for turn in 1..=TRIES {
            let held = hold(&mut world, &BOOKS[case.book], case, &ends[case.book]);
            let mut score = score.lock().unwrap();
            score.cases += 1;
            if score.cases.is_multiple_of(100) {
                eprintln!("{} cases", score.cases);
            }
            let held = match held {
                Ok(held) => held,
                Err(why) => {
                    eprintln!("{why}\n");
                    score.failures += 1;
                    break;
                }
            };
            score.again += held.again;
            let end = match held.end {
                End::Succeeded => "succeeded",
                End::Undone => "undone",
                End::Unborn => "killed before it was a run",
            };
            *score.ends.entry(end).or_default() += 1;
            let points = score.points.get_mut(&(case.book, case.spoil)).unwrap();
            if held.reached {
                if !case.random {
                    points.reached.push(case.at);
                }
                break;
            }
            let past = points.last() < case.at;
            if !first || (past && turn > 1) {
                break;
            }
        }
    }
}

#[test]
fn a_run_that_is_killed_at_any_point_ends_as_if_it_had_not_been_or_is_undone() {
    let dir = stage::dir();
    let (postgres, redis) = (Postgres::start(dir.path()), Redis::start(dir.path()));
    let mut score = Score::default();
    for book in 0..BOOKS.len() {
        for spoil in [false, true] {
            score.points.insert((book, spoil), Points { next: 1, ..Points::default() });
        }
    }
    let score = Mutex::new(score);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..WORLDS {
            let (postgres, redis, score) = (&postgres, &redis, &score);
            scope.spawn(move || work(number, postgres, redis, score));
        }
    });
    let score = score.into_inner().unwrap();
    let took = started.elapsed().as_secs_f64();
    println!(
        "{} cases in {took:.0} s ({:.1} a second), {} processes killed on the way on; {:?}",
        score.cases,
        score.cases as f64 / took,
        score.again,
        score.ends
    );
    let mut unreached = Vec::new();
    for (&(book, spoil), points) in &score.points {
        let (name, last) = (BOOKS[book].name, points.last());
        println!("{name}, spoil={spoil}: {last} points");
        // The last few are there only when what runs beside each other ends in that order.
        unreached.extend(
            (1..=last.saturating_sub(PAST))
                .step_by(usize::try_from(stride()).unwrap())
                .filter(|at| !points.reached.contains(at))
                .map(|at| format!("{name} {spoil} {at}")),
        );
    }
    assert!(score.failures == 0, "{} failures: see above", score.failures);
    assert!(unreached.is_empty(), "points that no run has reached: {unreached:?}");
    for end in ["succeeded", "undone"] {
        assert!(score.ends.get(end).is_some_and(|count| *count > score.cases / 20), "hardly any run {end}");
    }
}
