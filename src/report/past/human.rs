//! A run as a person reads it afterwards: its lines as they were told, each with its hour, and between them what nobody was told.
use super::{Awaits, Moment, Past, What, retell};
use crate::engine::event::Progress;
use crate::report::story::{Say, Story};
use crate::report::style::{Line, Tone};
use crate::report::summary::summary;
use crate::report::time;
use crate::value::{SmolStr, Timestamp};

/// Of a value so many lines, each of so many characters; `--verbose` shows all of it.
const LINES: usize = 6;
const LONGEST: usize = 200;

#[must_use]
pub fn lines(past: &Past, say: Say) -> Vec<Line> {
    let mut lines = about(past);
    lines.push(Line::new(0));
    let mut story = Story::new(say, past.sources.clone());
    let mut hours = Hours::default();
    for moment in &past.moments {
        let told = told(past, &mut story, say, moment);
        hours.put(moment.wall, told, &mut lines);
    }
    let awaited = awaited(past);
    if !awaited.is_empty() {
        lines.extend([Line::new(0), Line::new(0).put(Tone::Strong, "It stands here")]);
        lines.extend(awaited);
    }
    // What stopped it has told that.
    let in_place = if past.finish().is_some() { &[] } else { past.in_place.as_slice() };
    for (i, (_, step)) in in_place.iter().enumerate() {
        let mark = if i == 0 { "in place: " } else { "          " };
        lines.push(Line::new(1).put(Tone::Warn, mark).put(Tone::Plain, step.as_str()));
    }
    for gap in &past.gaps {
        lines.push(Line::new(0).put(Tone::Warn, "! ").put(Tone::Plain, gap));
    }
    for line in &mut lines {
        line.pieces.iter_mut().for_each(|(_, text)| *text = past.clean(text));
    }
    lines
}

/// The clock on the wall, said where it has moved on.
#[derive(Default)]
struct Hours {
    day: String,
    second: String,
}

impl Hours {
    fn put(&mut self, wall: Timestamp, told: Vec<Line>, lines: &mut Vec<Line>) {
        for line in told {
            if line.pieces.is_empty() {
                lines.push(line);
                continue;
            }
            let day = wall.strftime("%F, times in UTC").to_string();
            if day != self.day {
                lines.push(Line::new(0).put(Tone::Dim, day.as_str()));
                self.day = day;
            }
            let second = wall.strftime("%T").to_string();
            let shown = if second == self.second { " ".repeat(second.len()) } else { second.clone() };
            self.second = second;
            let mut with = Line::new(0).put(Tone::Dim, format!("{shown}  {}", "  ".repeat(line.indent)));
            with.pieces.extend(line.pieces);
            lines.push(with);
        }
    }
}

fn about(past: &Past) -> Vec<Line> {
    let head = &past.head;
    let mut lines = vec![
        Line::new(0).put(Tone::Strong, &head.book),
        Line::new(0).put(Tone::Dim, format!("run {}, ", head.run)).put(Tone::Strong, past.standing()),
    ];
    let mut say = |word: &str, text: String| {
        lines.push(Line::new(1).put(Tone::Dim, format!("{word:9}  ")).put(Tone::Plain, text));
    };
    let place = &head.place;
    say("started", format!("{} by {} on {}, in {}", day(head.started), place.user, place.host_name, place.dir));
    let known = if past.died() { "until then, and no word of it after that" } else { "in all" };
    say("last", format!("{}, {} {known}", day(past.last()), time::length(past.ran())));
    let file = head.texts.first().map_or("", |text| text.name.as_str());
    say("runbook", format!("{file} (rbk {})", head.version));
    let limits = [("deadline", past.deadline), ("rollback within", past.rollback_within)];
    let limits = limits.into_iter().filter_map(|(word, limit)| Some(format!("{word} {}", time::limit(limit?))));
    let limits = limits.collect::<Vec<_>>().join(", ");
    if !limits.is_empty() {
        say("limits", limits);
    }
    for (i, (name, value)) in head.params.iter().enumerate() {
        say(if i == 0 { "params" } else { "" }, format!("{name} = {}", past.shown(value)));
    }
    if !past.row.locks.is_empty() {
        say("holds", past.row.locks.join(", "));
    }
    if let Some(held) = &past.row.held {
        say("driven by", format!("pid {} on {}, user {}", held.pid, held.host_name, held.user));
    }
    lines
}

fn day(time: Timestamp) -> String {
    time.strftime("%F %T UTC").to_string()
}

fn told(past: &Past, story: &mut Story, say: Say, moment: &Moment) -> Vec<Line> {
    let one = |tone, text: String| vec![Line::new(0).put(tone, text)];
    match &moment.what {
        What::Told(Progress::RunStarted { .. }) => Vec::new(),
        What::Told(progress) => story.tell(moment.at, progress),
        What::Ended(finish) => {
            let mut lines = summary(moment.at, finish, &past.sources);
            lines.push(Line::new(0));
            lines
        }
        What::Taken { door, holder, reasons } => {
            story.interrupted();
            let by = format!("{} by {} on {}, pid {}", retell::door(*door), holder.user, holder.host_name, holder.pid);
            let mut lines = one(Tone::Doing, format!("⇢ {by}"));
            for reason in reasons {
                lines.push(Line::new(2).put(Tone::Plain, format!("{} {}", reason.option, reason.text)));
            }
            lines
        }
        What::Gave { path, text, effect, want, value, .. } => {
            if say < Say::Normal {
                return Vec::new();
            }
            let value = past.shown(value);
            let line = story.line(path);
            let shown = cut(&value, say);
            let mut lines = Vec::new();
            if !story.tells(*effect, *want) {
                lines.extend(text.lines().map(|text| line.clone().put(Tone::Dim, text)));
            }
            let mark = |i: usize| if i == 0 { "  → " } else { "    " };
            lines.extend(
                shown
                    .into_iter()
                    .enumerate()
                    .map(|(i, (tone, text))| line.clone().put(Tone::Dim, mark(i)).put(tone, text)),
            );
            lines
        }
        What::InDoubt { path, text, .. } => {
            vec![story.line(path).put(Tone::Warn, "? in doubt: ").put(Tone::Plain, text.as_str())]
        }
        What::Decided { path, text, how, .. } => {
            let line = story.line(path).put(Tone::Warn, "? decided: ").put(Tone::Plain, text.as_str());
            vec![line.put(Tone::Strong, format!(" → {}", how.words()))]
        }
        What::Unanswered { path, text, why } => {
            let line = story.line(path).put(Tone::Bad, "? ").put(Tone::Plain, text);
            vec![line.put(Tone::Bad, format!(" → no answer: {why}"))]
        }
        What::Waited { .. } => Vec::new(),
        What::Connected { server: Some(_), .. } if say < Say::Verbose => Vec::new(),
        What::Connected { name, address, server } => {
            one(Tone::Dim, format!("⇄ {}", retell::connected(name, address, server.as_deref())))
        }
        What::Noted { who, text } => one(Tone::Strong, format!("✎ {who}: {text}")),
        What::LockTaken { lock, by, who } => one(Tone::Warn, format!("■ {}", retell::lock_taken(lock, by, who))),
        What::LeftEnded { what, by } => one(Tone::Warn, format!("■ {}", retell::left_ended(what, by.as_deref()))),
        What::AskedBack { why, part } => one(Tone::Warn, format!("↩ {}", retell::asked_back(why, part.as_deref()))),
        What::Died => one(Tone::Bad, format!("✗ {}", retell::DIED)),
        What::NoFurther => one(Tone::Warn, "✗ it went no further".to_owned()),
        What::Stopped { why } => one(Tone::Bad, format!("✗ its process let go of it: {why}")),
        What::Closed { who, reason } => one(Tone::Warn, format!("■ closed as it was by {who}: {reason}")),
        What::Plain(text) => one(Tone::Plain, text.clone()),
    }
}

/// The first lines of a value, and how much more there is.
fn cut(text: &str, say: Say) -> Vec<(Tone, String)> {
    let all: Vec<&str> = text.lines().collect();
    let (lines, longest) = if say == Say::Verbose { (usize::MAX, usize::MAX) } else { (LINES, LONGEST) };
    let mut shown: Vec<(Tone, String)> = Vec::new();
    for line in all.iter().take(lines) {
        shown.push((Tone::Plain, super::short(line, longest)));
    }
    if all.len() > lines {
        shown.push((Tone::Dim, super::more_lines(all.len() - lines)));
    }
    if shown.is_empty() {
        shown.push((Tone::Dim, "nothing".to_owned()));
    }
    shown
}

fn awaited(past: &Past) -> Vec<Line> {
    let awaits = past.awaits.iter().filter(|awaits| !matches!(awaits, Awaits::Mended { .. }));
    awaits.map(|awaits| Line::new(1).put(Tone::Plain, words(awaits))).collect()
}

/// What a run waits for, in a few words.
#[must_use]
pub fn words(awaits: &Awaits) -> String {
    let of = |step: &Option<SmolStr>| step.iter().map(|step| format!(" ({step})")).collect::<String>();
    match awaits {
        Awaits::Answer { text, .. } => format!("asks: {text}"),
        Awaits::Hour { due, step, .. } => format!("waits until {}{}", day(*due), of(step)),
        Awaits::Until { text, since, left, due, step, .. } => {
            let most = match due {
                Some(due) => format!("at most until {}", day(*due)),
                None => format!("for {} more", time::limit(*left)),
            };
            format!("waits since {}, {most}{}: {text}", day(*since), of(step))
        }
        Awaits::End { text, doubt, step, alive, .. } => {
            let word = if *doubt { "in doubt" } else { "runs" };
            let alive = alive.map(|pid| format!("still running, pid {pid}; ")).unwrap_or_default();
            format!("{alive}{word}{}: {text}", of(step))
        }
        Awaits::Mended { step, why, .. } if step.is_empty() => format!("failed: {why}"),
        Awaits::Mended { step, why, .. } => format!("failed: {step}: {why}"),
        Awaits::Step { name, undo: false, .. } => format!("in step: {name}"),
        Awaits::Step { name, undo: true, .. } => format!("in the undo of: {name}"),
    }
}

/// The first of them in one line, and how many more there are.
#[must_use]
pub fn short(awaits: &[Awaits]) -> Option<String> {
    let first = words(awaits.first()?);
    let mut line: String = first.lines().next().unwrap_or_default().to_owned();
    if awaits.len() > 1 {
        line.push_str(&format!(" (and {} more)", awaits.len() - 1));
    }
    Some(line)
}
