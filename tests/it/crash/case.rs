//! One run that is killed, goes on, is killed again, and comes to its end.
use std::time::{Duration, Instant};

use rbk::report::runs::standing;

use super::laws;
use super::world::{Death, Said, State, World};

pub struct Book {
    pub name: &'static str,
    pub text: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub book: usize,
    /// Its last guard fails.
    pub spoil: bool,
    /// At which point the first process is killed, or after how many milliseconds.
    pub at: u64,
    pub random: bool,
    pub seed: u64,
}

/// What the outside holds before a run, and after one that nothing disturbed.
pub struct Ends {
    pub before: State,
    pub after: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Succeeded,
    Undone,
    /// It was killed before the journal knew of it.
    Unborn,
}

pub struct Held {
    /// Whether the first process reached its point.
    pub reached: bool,
    /// How many processes were killed after the first.
    pub again: usize,
    pub end: End,
}

/// Run the case to its end, and look whether it is what it must be.
///
/// # Errors
/// What is not, and all that was said on the way.
pub fn hold(world: &mut World, book: &Book, case: Case, ends: &Ends) -> Result<Held, String> {
    let mut story = format!("{} {case:?}\n", book.name);
    held(world, book, case, ends, &mut story).map_err(|why| {
        let logs = world.logs().map(|log| log.text()).join("\n");
        // What is left of it holds the lock.
        world.forget();
        format!("{why}\n{story}{logs}")
    })
}

fn held(world: &mut World, book: &Book, case: Case, ends: &Ends, story: &mut String) -> Result<Held, String> {
    world.begin(book.text);
    let spoil = format!("spoil={}", case.spoil);
    let death = if case.random { Death::After(Duration::from_millis(case.at)) } else { Death::At(case.at) };
    let said = world.rbk(&["run", "../book.rbk", "--set", &spoil], death)?;
    tell(story, "run", death, &said);
    let reached = said.code.is_none();
    let last = world.listed()?.into_iter().next().map(|row| row.run.to_string());
    let Some(run) = last.filter(|run| world.last.as_ref() != Some(run)) else {
        return if reached && world.state() == ends.before {
            Ok(Held { reached, again: 0, end: End::Unborn })
        } else {
            Err("a run that the journal does not know had an effect".to_owned())
        };
    };
    let (end, again) = match said.code {
        Some(0) => (End::Succeeded, 0),
        Some(1) => (End::Undone, 0),
        Some(code) => return Err(format!("`rbk run` ended with {code}")),
        None => go_on(world, &run, case, story)?,
    };
    if case.spoil && end == End::Succeeded {
        return Err("it succeeded beside a guard that fails".to_owned());
    }
    look(world, &run, end, usize::from(reached) + again, ends)?;
    world.last = Some(run);
    Ok(Held { reached, again, end })
}

/// Resume it or roll it back, killed up to three times more, until it ends.
fn go_on(world: &World, run: &str, case: Case, story: &mut String) -> Result<(End, usize), String> {
    let mut random = fastrand::Rng::with_seed(case.seed << 32 | case.at << 8 | case.book as u64);
    let crashes = random.usize(0..=3);
    let mut killed = 0;
    for turn in 0.. {
        let door = if (case.at + case.seed + turn).is_multiple_of(2) { "resume" } else { "rollback" };
        let death = match (killed < crashes, random.u8(0..4)) {
            (false, _) => Death::Never,
            (true, 0) => Death::At(random.u64(1..=8)),
            (true, 1 | 2) => Death::At(random.u64(1..=60)),
            (true, _) => Death::After(Duration::from_millis(random.u64(1..=200))),
        };
        let said = world.rbk(&[door, run], death)?;
        tell(story, door, death, &said);
        let end = match (said.code, door) {
            (None, _) => {
                killed += 1;
                continue;
            }
            (Some(0), "resume") => End::Succeeded,
            (Some(1), "resume") | (Some(0), _) => End::Undone,
            (Some(2), "resume") if said.text.contains("has ended: it succeeded") => End::Succeeded,
            (Some(2), "resume") if said.text.contains("it was undone") => End::Undone,
            (Some(code), _) => return Err(format!("`rbk {door}` ended with {code}")),
        };
        return Ok((end, killed));
    }
    unreachable!("only an end leaves the loop");
}

/// The outside, the logs and the journal say the same.
fn look(world: &mut World, run: &str, end: End, crashes: usize, ends: &Ends) -> Result<(), String> {
    let (wanted, word) = match end {
        End::Succeeded => (&ends.after, "succeeded"),
        End::Undone | End::Unborn => (&ends.before, "undone"),
    };
    let logs = world.logs();
    logs.iter().try_for_each(|log| laws::kept(log, crashes))?;
    if laws::lack_finally(&logs) {
        return Err("`finally` did not run".to_owned());
    }
    let state = world.state();
    if state != *wanted {
        return Err(format!("{end:?}, but the state is\n{state:?}\nand should be\n{wanted:?}"));
    }
    let runs = world.listed()?;
    let row = runs.iter().find(|row| row.run == run).ok_or("the journal has lost it")?;
    if standing(row) != word || !row.locks.is_empty() {
        return Err(format!("{end:?}, and the journal says `{}`, locks {:?}", standing(row), row.locks));
    }
    // A server takes a moment to see that its client is gone.
    let asked = Instant::now();
    loop {
        let alive = world.alive(run);
        if alive.is_empty() {
            return Ok(());
        }
        if asked.elapsed() > Duration::from_secs(5) {
            return Err(format!("it is over, and there lives {alive:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn tell(story: &mut String, door: &str, death: Death, said: &Said) {
    let how = said.code.map_or_else(|| format!("killed {death:?}"), |code| format!("exit {code}"));
    story.push_str(&format!("--- rbk {door}: {how}\n{}", said.text));
}
