//! A run as a person reads it: what the engine tells, as lines. Used with a terminal and without one.
mod aside;
mod back;
mod condition;
mod noted;
mod slow;

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use crate::check::program::{Effect, Want};
use crate::effects::{Chunk, Stream};
use crate::engine::call::{CallId, Path};
use crate::engine::event::{Ending, Failure, Progress, StepStatus};
use crate::report::outside::Known;
use crate::report::place;
use crate::report::streamed::Streamed;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::source::{Sources, Span};
use crate::value::{Nanos, SmolStr, Value};

/// How much is said; never what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Say {
    /// Failures, questions and the end.
    Quiet,
    #[default]
    Normal,
    /// Also what conditions read, and when.
    Verbose,
}

/// A step, the undo of one, a `finally` or a handler that is under way.
#[derive(Clone, Debug)]
pub struct Open {
    pub name: SmolStr,
    pub since: Nanos,
    pub limit: Option<Nanos>,
    pub attempt: u32,
    pub undo: bool,
    /// Others were under way beside it: its lines carry its name to the end.
    pub shared: bool,
    /// Something in it went wrong and does not matter.
    warned: bool,
    /// What it is doing now, and the last line of its output.
    pub doing: Option<String>,
    pub last: Option<String>,
    pub waiting: Option<Waiting>,
}

/// A wait, or the condition that is waited for.
#[derive(Clone, Debug)]
pub struct Waiting {
    path: Path,
    pub what: String,
    pub since: Nanos,
    pub limit: Nanos,
}

impl Open {
    fn new(name: SmolStr, since: Nanos) -> Open {
        Open {
            name,
            since,
            limit: None,
            attempt: 1,
            undo: false,
            shared: false,
            warned: false,
            doing: None,
            last: None,
            waiting: None,
        }
    }
}

#[derive(Debug)]
struct Running {
    path: Path,
    since: Nanos,
    text: String,
    told: bool,
    /// A person types a secret.
    asks: bool,
    /// Its output is shown as it comes.
    streams: bool,
    /// Some of it was.
    spoke: bool,
    /// It runs beside a block: its lines stand between those of others.
    beside: bool,
}

#[derive(Debug)]
pub struct Story {
    say: Say,
    pub sources: Sources,
    open: BTreeMap<(Path, bool), Open>,
    running: BTreeMap<CallId, Running>,
    streamed: Streamed,
    unwinding: Option<(Nanos, Option<Nanos>)>,
    /// Columns of the longest name among those that run beside each other.
    widest: usize,
    /// Its first lines, told when something is really undone.
    heading: Vec<Line>,
    /// Why the last thing that failed did.
    told_failure: Option<String>,
    /// And where.
    told_place: Option<Span>,
    /// The question that was the last thing told.
    told_question: Option<(Path, String)>,
    /// The last told answer of each condition that is asked again and again.
    told_condition: BTreeMap<(Path, String), String>,
    /// And the last told help of it.
    told_help: BTreeMap<(Path, String), Option<String>>,
}

impl Story {
    #[must_use]
    pub fn new(say: Say, sources: Sources) -> Story {
        Story {
            say,
            sources,
            open: BTreeMap::new(),
            running: BTreeMap::new(),
            streamed: Streamed::default(),
            unwinding: None,
            widest: 0,
            heading: Vec::new(),
            told_failure: None,
            told_place: None,
            told_question: None,
            told_condition: BTreeMap::new(),
            told_help: BTreeMap::new(),
        }
    }

    /// What is hidden in the output of commands before it is cut into lines.
    #[must_use]
    pub fn knowing(mut self, known: Known) -> Story {
        self.streamed = Streamed::new(known);
        self
    }

    /// Those that contain no other one.
    fn inner(&self) -> impl Iterator<Item = &(Path, bool)> {
        self.open.keys().filter(|key| !self.open.keys().any(|other| is_around(key, other)))
    }

    /// Those that contain no other one, outermost first.
    #[must_use]
    pub fn innermost(&self) -> Vec<&Open> {
        self.inner().filter_map(|key| self.open.get(key)).collect()
    }

    /// When the unwinding began, and its budget.
    #[must_use]
    pub fn unwinding(&self) -> Option<(Nanos, Option<Nanos>)> {
        self.unwinding
    }

    /// The innermost open step that a path is in.
    fn home(&self, path: &Path) -> Option<(Path, bool)> {
        let inside = self.open.keys().filter(|(open, _)| starts_with(path, open));
        inside.max_by_key(|(open, undo)| (open.0.len(), *undo)).cloned()
    }

    /// How many open ones a step, or the undo of one, stands in.
    fn depth(&self, path: &Path, undo: bool) -> usize {
        let key = (path.clone(), undo);
        self.open.keys().filter(|open| is_around(open, &key)).count()
    }

    /// Whether a call is told when it starts: what only reads is not.
    #[must_use]
    pub fn tells(&self, effect: Effect, want: Want) -> bool {
        let asks = want == Want::Condition || effect <= Effect::Read && want != Want::Runs;
        match self.say {
            Say::Quiet => false,
            Say::Normal => !asks,
            Say::Verbose => true,
        }
    }

    /// A line that belongs to a step: indented under it; named, when several are under way at once.
    #[must_use]
    pub fn line(&self, path: &Path) -> Line {
        let line = Line::new(self.open.keys().filter(|(open, _)| starts_with(path, open)).count());
        match self.home(path).and_then(|home| self.open.get(&home)) {
            Some(open) if open.shared || self.innermost().len() > 1 => {
                let pad = " ".repeat(self.widest.saturating_sub(open.name.width()));
                line.put(Tone::Dim, format!("{}{pad} │ ", open.name))
            }
            _ => line,
        }
    }

    pub fn tell(&mut self, at: Nanos, progress: &Progress) -> Vec<Line> {
        let mut lines = Vec::new();
        self.hear(at, progress, &mut lines);
        let inner: Vec<(Path, bool)> = self.inner().cloned().collect();
        if inner.len() > 1 {
            let name = |key: &(Path, bool)| self.open.get(key).map_or(0, |open| open.name.width());
            self.widest = inner.iter().map(name).fold(self.widest, usize::max);
            for key in inner {
                self.open.entry(key).and_modify(|open| open.shared = true);
            }
        } else if !self.open.values().any(|open| open.shared) {
            self.widest = 0;
        }
        lines
    }

    /// Whether the last line about a failure said this already.
    fn told(&self, message: &str) -> bool {
        self.told_failure.as_ref().is_some_and(|told| message.ends_with(told.as_str()))
    }

    fn hear(&mut self, at: Nanos, progress: &Progress, lines: &mut Vec<Line>) {
        let normal = self.say >= Say::Normal;
        let asked = self.told_question.take();
        match progress {
            Progress::RunStarted { title: _ } => self.still_open(lines),
            Progress::StepStarted { path, name, attempt, limit, span: _ } => {
                let open = Open { limit: *limit, attempt: *attempt, ..Open::new(name.clone(), at) };
                let mut line =
                    Line::new(self.depth(path, false)).put(Tone::Doing, "▸ ").put(Tone::Strong, name.as_str());
                if *attempt > 1 {
                    line = line.put(Tone::Warn, format!("  attempt {attempt}"));
                }
                if let Some(limit) = limit {
                    line = line.put(Tone::Dim, format!("  up to {}", time::limit(*limit)));
                }
                self.open.insert((path.clone(), false), open);
                if normal {
                    lines.push(line);
                }
            }
            Progress::StepFinished { path, name, status, failure } => {
                let since = self.open.remove(&(path.clone(), false)).map(|open| open.since);
                self.told_condition.retain(|(at, _), _| !starts_with(at, path));
                self.told_help.retain(|(at, _), _| !starts_with(at, path));
                let line = Line::new(self.depth(path, false));
                let took = since.map(|since| took(at, since)).unwrap_or_default();
                self.step_finished(line, name, *status, failure.as_deref(), &took, lines);
            }
            Progress::Retrying { path, name, attempt, delay, failure: _ } => {
                let delay = if delay.0 > 0 { format!(" in {}", time::length(*delay)) } else { String::new() };
                let text = format!("{name}: attempt {attempt} starts{delay}");
                lines.push(Line::new(self.depth(path, false)).put(Tone::Warn, format!("↻ {text}")));
            }
            Progress::Caught { path, failure: _ } => {
                lines.push(self.line(path).put(Tone::Warn, "↻ its `else` follows"));
            }
            Progress::ActionStarted { call, path, text, effect, want, asks } => {
                self.action_started(at, (*call, path), text, (*effect, *want), lines);
                if let Some(running) = self.running.get_mut(call) {
                    running.asks = *asks;
                }
            }
            Progress::ActionFinished { call, path, ending, failure } => {
                self.action_finished(at, (*call, path), *ending, failure.as_deref(), lines);
            }
            Progress::Condition { path, kind, label, verdict } => self.condition(path, *kind, label, verdict, lines),
            Progress::Waiting { path, what, span, limit } => {
                let what = place::awaited(&self.sources, what, *span);
                if let Some(open) = self.home(path).and_then(|home| self.open.get_mut(&home)) {
                    let (path, what) = (path.clone(), what.clone());
                    open.waiting = Some(Waiting { path, what, since: at, limit: *limit });
                }
                if normal {
                    let (text, limit) = match what.as_str() {
                        "" => (format!("… wait {}", time::limit(*limit)), String::new()),
                        what => (format!("… {what}"), format!("  up to {}", time::limit(*limit))),
                    };
                    lines.push(self.line(path).put(Tone::Doing, text).put(Tone::Dim, limit));
                }
            }
            Progress::Asked { path, text, label } => {
                let line = self.line(path);
                lines.extend(line.clone().put(Tone::Warn, "? ").text(&line, Tone::Strong, text));
                if let Some(label) = label {
                    let help = format!("  `--answer '{label}=…'` answers it");
                    lines.push(line.put(Tone::Dim, help));
                }
                self.told_question = Some((path.clone(), text.clone()));
            }
            Progress::Answered { path, text, answer, who } => {
                let answer = match answer.as_str() {
                    "true" => "yes",
                    "false" => "no",
                    answer => answer,
                };
                let line = match asked {
                    Some((at, question)) if at == *path && question == *text => self.line(path).put(Tone::Plain, " "),
                    _ => self.line(path).put(Tone::Warn, "? ").put(Tone::Plain, text),
                };
                lines.push(line.put(Tone::Strong, format!(" → {answer}")).put(Tone::Dim, format!("  {who}")));
            }
            Progress::Stopping => lines.push(self.stopping()),
            Progress::Unwinding { failure, budget, what } => {
                self.unwinding_started(at, failure.as_deref(), *budget, what);
            }
            Progress::RollbackStarted { path, name } => {
                let heading = std::mem::take(&mut self.heading);
                let open = Open { undo: true, ..Open::new(name.clone(), at) };
                self.open.insert((path.clone(), true), open);
                if normal {
                    lines.extend(heading);
                    lines.push(self.undo_line(path, name));
                }
            }
            Progress::RollbackFinished { path, name, failure } => {
                let since = self.open.remove(&(path.clone(), true)).map_or(at, |open| open.since);
                let line = Line::new(self.depth(path, true));
                let Some(failure) = failure else {
                    let line = line.put(Tone::Good, "✓ ").put(Tone::Plain, "undone: ");
                    let line = line.put(Tone::Strong, name.as_str()).put(Tone::Dim, took(at, since));
                    return lines.extend(normal.then_some(line));
                };
                let line = line.put(Tone::Bad, "✗ not undone: ").put(Tone::Strong, name.as_str());
                lines.push(line.put(Tone::Plain, format!(": {}", failure.message)));
                lines.extend(place::lines(self.depth(path, true) + 2, &self.sources, failure));
                self.detail(path, failure, lines);
            }
            Progress::AsideStarted { path, name, kind } => self.aside_started(at, path, name, *kind, lines),
            Progress::AsideFinished { path, name, kind, failure } => {
                self.aside_finished(at, path, name, *kind, failure.as_deref(), lines);
            }
            Progress::Committed { path, why } => {
                if normal {
                    lines.push(self.line(path).put(Tone::Doing, "● final: ").put(Tone::Plain, why));
                }
            }
            Progress::Log { path, text } => {
                let line = self.line(path);
                // The last line said why.
                let told = self.told_failure.as_deref().and_then(|told| text.strip_prefix(told)?.strip_prefix("; "));
                match told {
                    Some(more) => lines.push(line.put(Tone::Warn, format!("↻ {more}"))),
                    None => lines.extend(line.clone().text(&line, Tone::Plain, text)),
                }
            }
            Progress::Note { path, key, value } => {
                if normal {
                    let line = self.line(path);
                    let first = line.clone().put(Tone::Doing, format!("note {key}: "));
                    lines.extend(first.text(&line, Tone::Plain, &crate::value::show::show(value)));
                }
            }
            // A console shows it.
            Progress::Shown { .. } => {}
            Progress::Warning { path, text } => {
                if let Some(open) = self.home(path).and_then(|home| self.open.get_mut(&home)) {
                    open.warned = true;
                }
                lines.push(self.line(path).put(Tone::Warn, format!("! {text}")));
            }
        }
    }

    fn step_finished(
        &mut self,
        line: Line,
        name: &str,
        status: StepStatus,
        failure: Option<&Failure>,
        took: &str,
        lines: &mut Vec<Line>,
    ) {
        let line = match status {
            StepStatus::Ok => line.put(Tone::Good, "✓ ").put(Tone::Strong, name).put(Tone::Dim, took),
            StepStatus::Skipped => line.put(Tone::Dim, format!("- {name}  not needed: its `when` is false")),
            StepStatus::AlreadyDone => {
                line.put(Tone::Good, "✓ ").put(Tone::Strong, name).put(Tone::Dim, "  already done")
            }
            StepStatus::Cancelled => {
                line.put(Tone::Warn, "✗ ").put(Tone::Strong, name).put(Tone::Warn, " cancelled").put(Tone::Dim, took)
            }
            StepStatus::Failed => {
                let line = line.put(Tone::Bad, "✗ ").put(Tone::Strong, name).put(Tone::Bad, " failed");
                let line =
                    if took.is_empty() { line } else { line.put(Tone::Dim, format!(" after {}", took.trim_start())) };
                let line = match failure {
                    Some(failure) if !self.told(&failure.message) => {
                        line.put(Tone::Plain, format!(": {}", failure.message))
                    }
                    Some(_) | None => line,
                };
                match failure.and_then(|failure| place::of(&self.sources, failure.span)) {
                    Some(place) if self.told_place != failure.and_then(|failure| failure.span) => {
                        line.put(Tone::Dim, format!("  {place}"))
                    }
                    Some(_) | None => line,
                }
            }
        };
        if let Some(failure) = failure {
            self.told_failure = Some(failure.message.clone());
            self.told_place = failure.span;
        }
        let bad = matches!(status, StepStatus::Failed | StepStatus::Cancelled);
        if self.say >= Say::Normal || bad {
            lines.push(line);
        }
    }

    fn action_started(
        &mut self,
        at: Nanos,
        (call, path): (CallId, &Path),
        text: &str,
        (effect, want): (Effect, Want),
        lines: &mut Vec<Line>,
    ) {
        if let Some(open) = self.home(path).and_then(|home| self.open.get_mut(&home)) {
            open.doing = Some(text.to_owned());
            open.last = None;
            // The next statement: the wait is over.
            open.waiting = open.waiting.take().filter(|waiting| starts_with(path, &waiting.path));
        }
        let told = self.tells(effect, want);
        let streams =
            self.say >= Say::Normal && (matches!(want, Want::Nothing | Want::Runs) || self.say == Say::Verbose);
        if told {
            lines.extend(self.command(path, text));
        }
        self.running.insert(
            call,
            Running {
                path: path.clone(),
                since: at,
                text: text.to_owned(),
                asks: false,
                told,
                streams,
                spoke: false,
                beside: want == Want::Runs,
            },
        );
    }

    /// What is run: `$ …` for a command, as the engine says it for a call.
    fn command(&self, path: &Path, text: &str) -> Vec<Line> {
        text.lines().map(|text| self.line(path).put(Tone::Dim, text)).collect()
    }

    fn action_finished(
        &mut self,
        at: Nanos,
        (call, path): (CallId, &Path),
        ending: Ending,
        failure: Option<&Failure>,
        lines: &mut Vec<Line>,
    ) {
        for (_, line) in self.streamed.end(call) {
            lines.extend(self.output_line(call, &line));
        }
        let Some(running) = self.running.remove(&call) else { return };
        if let Some(open) = self.home(path).and_then(|home| self.open.get_mut(&home)) {
            open.doing = None;
            open.last = None;
        }
        // A failure is told by its condition, its step or the end; here only what they do not say.
        let Some(failure) = failure else { return };
        if ending == Ending::Unknown {
            if !running.told {
                lines.extend(self.command(path, &running.text));
            }
            let text = format!("  whether it had its effect is not known: {}", failure.message);
            lines.push(self.line(path).put(Tone::Bad, text));
        } else if running.told {
            let quoted = format!("`{}` ", running.text);
            let message = failure.message.strip_prefix(&quoted).unwrap_or(&failure.message);
            self.told_failure = Some(failure.message.clone());
            let line = self.line(path).put(Tone::Bad, format!("  ✗ {message}"));
            lines.push(line.put(Tone::Dim, took(at, running.since)));
        }
        // What was streamed is not told again; of what is not shown at all, the step or the end tells the failure.
        if running.told && !running.spoke || ending == Ending::Unknown {
            self.detail(path, failure, lines);
        }
    }

    /// What more a failure knows: the end of standard error, a server's detail, what to do.
    fn detail(&self, path: &Path, failure: &Failure, lines: &mut Vec<Line>) {
        for note in failure.notes.iter().flat_map(|note| note.lines()) {
            lines.push(self.line(path).put(Tone::Dim, format!("    {note}")));
        }
        for help in failure.help.iter().flat_map(|help| help.lines()) {
            lines.push(self.line(path).put(Tone::Doing, format!("    help: {help}")));
        }
    }

    /// Something else was told: an answer names its question.
    pub fn interrupted(&mut self) {
        self.told_question = None;
    }

    /// What a process that goes on finds under way.
    fn still_open(&self, lines: &mut Vec<Line>) {
        if self.say < Say::Normal {
            return;
        }
        lines.extend(self.open.iter().map(|((path, undo), open)| match undo {
            true => self.undo_line(path, &open.name),
            false => {
                let line = Line::new(self.depth(path, false)).put(Tone::Doing, "▸ ");
                line.put(Tone::Strong, open.name.as_str()).put(Tone::Dim, "  was under way")
            }
        }));
    }

    /// Whole lines of output of running commands.
    pub fn output(&mut self, chunk: &Chunk) -> Vec<Line> {
        if chunk.stream == Stream::Kept {
            return self.kept(chunk);
        }
        let whole = self.streamed.push(chunk);
        whole.iter().flat_map(|line| self.output_line(chunk.call, line)).collect()
    }

    /// Where all of a long output is.
    fn kept(&self, chunk: &Chunk) -> Vec<Line> {
        let Some(running) = self.running.get(&chunk.call).filter(|running| running.streams) else { return Vec::new() };
        let text = String::from_utf8_lossy(&chunk.bytes);
        vec![self.said_by(running).put(Tone::Doing, format!("… {text}"))]
    }

    /// Where a line of its output begins.
    fn said_by(&self, running: &Running) -> Line {
        let line = self.line(&running.path).put(Tone::Dim, "  ");
        if running.beside { line.put(Tone::Dim, format!("{} │ ", brief(&running.text))) } else { line }
    }

    fn output_line(&mut self, call: CallId, text: &str) -> Vec<Line> {
        let Some(running) = self.running.get(&call) else { return Vec::new() };
        let path = running.path.clone();
        let said_by = self.said_by(running);
        let command = (!running.told).then(|| running.text.clone());
        if !running.streams {
            return Vec::new();
        }
        if let Some(open) = self.home(&path).and_then(|home| self.open.get_mut(&home)) {
            open.last = Some(text.to_owned());
        }
        let mut lines = command.map(|text| self.command(&path, &text)).unwrap_or_default();
        if let Some(running) = self.running.get_mut(&call) {
            running.told = true;
            running.spoke = true;
        }
        lines.push(said_by.put(Tone::Plain, text).streamed());
        lines
    }
}

/// Whether the other one is under way inside this one: deeper, or the undo of the same step after a failed attempt.
fn is_around((path, undo): &(Path, bool), (other, other_undo): &(Path, bool)) -> bool {
    starts_with(other, path) && (other != path || !undo && *other_undo)
}

fn starts_with(path: &Path, prefix: &Path) -> bool {
    path.0.starts_with(&prefix.0)
}

/// A command by its beginning: `$ ssh -N -L 5432:db:54…`.
fn brief(text: &str) -> String {
    const WIDTH: usize = 24;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None if line.len() < text.len() => format!("{line} …"),
        None => line.to_owned(),
    }
}

fn took(at: Nanos, since: Nanos) -> String {
    format!("  {}", time::length(Nanos(at.0 - since.0)))
}

/// A note's value as text; a long one on lines of its own.
#[must_use]
pub fn note(key: &str, value: &Value) -> Vec<Line> {
    let first = Line::new(1).put(Tone::Doing, format!("{key}: "));
    first.text(&Line::new(1), Tone::Plain, &crate::value::show::show(value))
}
