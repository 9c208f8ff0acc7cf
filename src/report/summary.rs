//! The end of a run: how it ended, why, what is undone, what is left and what a person must do.
use crate::engine::call::Path;
use crate::engine::event::{Account, End, Failure, Finish, Left, LeftWhy, StepFailure};
use crate::report::place;
use crate::report::story::note;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::source::Sources;
use crate::value::{Nanos, SmolStr};

#[must_use]
pub fn summary(at: Nanos, finish: &Finish, sources: &Sources) -> Vec<Line> {
    // Of a run that was refused nothing stands between the opening, which ends with an empty line, and its end.
    let mut lines = if finish.end == End::Refused { Vec::new() } else { vec![Line::new(0)] };
    lines.push(headline(at, finish));
    // What went well and was undone because somebody had asked for it has not failed.
    let asked_for = finish.end == End::RolledBack && finish.taken_back;
    if let Some(failure) = finish.failure.as_ref().filter(|_| !asked_for) {
        lines.extend(failed(failure, sources));
    }
    // Every attempt of a step is undone; it is named once.
    let mut told: Vec<&(Path, SmolStr)> = Vec::new();
    for undone in &finish.undone {
        if !told.contains(&undone) {
            told.push(undone);
        }
    }
    for (i, (_, step)) in told.into_iter().enumerate() {
        let mark = if i == 0 { "undone: " } else { "        " };
        lines.push(Line::new(1).put(Tone::Good, mark).put(Tone::Plain, step.as_str()));
    }
    if !finish.left.is_empty() {
        lines.push(Line::new(1).put(Tone::Bad, "left in place:"));
    }
    for left in &finish.left {
        left_in_place(left, finish.end, sources, &mut lines);
    }
    if !finish.notes.is_empty() {
        lines.push(Line::new(0).put(Tone::Strong, "Notes"));
        lines.extend(finish.notes.iter().flat_map(|(key, value)| note(key, value)));
    }
    if !finish.warnings.is_empty() {
        lines.push(Line::new(0).put(Tone::Strong, "Warnings"));
        lines.extend(finish.warnings.iter().map(|text| Line::new(1).put(Tone::Warn, "! ").put(Tone::Plain, text)));
    }
    lines
}

/// What can be done with a run that was interrupted or stopped.
#[must_use]
pub fn ways_on(run: &str) -> String {
    format!(
        "go on with `rbk resume {run}`, undo it with `rbk rollback {run}`, or leave it as it is with \
         `rbk close {run} --reason …`"
    )
}

/// What can be done with a run that is not over, commands in backticks; nothing of one that is.
#[must_use]
pub fn ways_out(finish: &Finish, run: &str) -> Option<String> {
    let close = format!("`rbk close {run} --reason …`");
    let by_hand = |left: &Left| match left.why {
        LeftWhy::Manual(_) | LeftWhy::Irreversible(_) | LeftWhy::Finally(_) => true,
        LeftWhy::Failed(_)
        | LeftWhy::Interrupted(_)
        | LeftWhy::NotReached
        | LeftWhy::Running(_)
        | LeftWhy::Changed(..)
        | LeftWhy::Kept
        | LeftWhy::FinallyOpen => false,
    };
    match finish.account {
        Account::Whole => {}
        Account::Elsewhere => {
            return Some(format!("another process has the run now: `rbk show {run}` tells what became of it"));
        }
        Account::Behind => {
            return Some(format!(
                "when the journal is back and all is as it should be, {close} ends it; do not resume it or roll it back: \
                 that would be done on top of what was undone"
            ));
        }
    }
    Some(match finish.end {
        End::Stopped => ways_on(run),
        End::Incomplete | End::UndoneInPart if finish.left.iter().all(by_hand) => {
            format!("when that is done by hand, {close} ends it")
        }
        End::Incomplete if finish.left.iter().all(|left| by_hand(left) || matches!(left.why, LeftWhy::Kept)) => {
            format!(
                "`rbk rollback {run}` undoes what was not asked for; when the rest is done by hand, {close} ends it"
            )
        }
        End::UndoneInPart => format!("`rbk rollback {run}` undoes the rest, {close} leaves it as it is"),
        End::Incomplete => {
            format!("when its cause is mended, `rbk rollback {run}` goes on with undoing; {close} leaves it as it is")
        }
        End::Succeeded | End::RolledBack | End::Undone | End::Failed | End::Refused => return None,
    })
}

/// What failed, and where.
pub(super) fn failed(failed: &StepFailure, sources: &Sources) -> Vec<Line> {
    let place = if failed.step.is_empty() { String::new() } else { format!("{}: ", failed.step) };
    let first = Line::new(1).put(Tone::Bad, "failed: ").put(Tone::Strong, place);
    let mut lines = vec![first.put(Tone::Plain, &failed.failure.message)];
    more(&failed.failure, sources, &mut lines);
    lines
}

/// What a console has left in place, and why.
pub(super) fn left(left: &[Left], sources: &Sources) -> Vec<Line> {
    let mut lines = Vec::new();
    left.iter().for_each(|left| left_in_place(left, End::Incomplete, sources, &mut lines));
    lines
}

fn headline(at: Nanos, finish: &Finish) -> Line {
    let after = time::length(at);
    let line = Line::new(0);
    let by_hand = finish.left.iter().all(|left| matches!(left.why, LeftWhy::Manual(_) | LeftWhy::Kept));
    match finish.end {
        End::Succeeded => line.put(Tone::Good, "✓ Done").put(Tone::Dim, format!(" in {after}")),
        End::Undone | End::UndoneInPart if finish.undone.is_empty() => {
            line.put(Tone::Good, "✓ Nothing had to be undone")
        }
        End::Undone => line.put(Tone::Good, "✓ Undone").put(Tone::Plain, ": everything that was in place"),
        End::UndoneInPart => {
            line.put(Tone::Good, "✓ Undone").put(Tone::Plain, ": what was asked for; the rest stays in place")
        }
        End::RolledBack if finish.taken_back => line
            .put(Tone::Good, "✓ Undone")
            .put(Tone::Plain, ": everything that was in place, as it was asked for before it was interrupted"),
        End::RolledBack if !finish.wrote => {
            line.put(Tone::Bad, "✗ Failed").put(Tone::Plain, format!(" after {after}; nothing was done"))
        }
        End::RolledBack if finish.undone.is_empty() => {
            line.put(Tone::Bad, "✗ Failed").put(Tone::Plain, format!(" after {after}; nothing had to be undone"))
        }
        End::RolledBack => {
            line.put(Tone::Bad, "✗ Failed").put(Tone::Plain, format!(" after {after}; everything done is undone"))
        }
        End::Failed => {
            line.put(Tone::Bad, "✗ Failed").put(Tone::Plain, format!(" after {after}; what had worked stays"))
        }
        End::Refused => line.put(Tone::Bad, "✗ Refused").put(Tone::Plain, " before the first action; nothing was done"),
        End::Incomplete if finish.account == Account::Behind && finish.left.is_empty() => {
            let (word, after) = match finish.failure {
                Some(_) => ("✗ Failed", format!(" after {after}; everything done is undone")),
                None => ("✗ Undone", ": everything that was in place".to_owned()),
            };
            line.put(Tone::Bad, word).put(Tone::Plain, after).put(Tone::Plain, ", and the journal does not know it")
        }
        End::Incomplete if finish.taken_back && by_hand => {
            line.put(Tone::Bad, "✗ Undone").put(Tone::Plain, " in part: a person must finish it")
        }
        End::Incomplete if finish.taken_back => {
            line.put(Tone::Bad, "✗ Not undone").put(Tone::Plain, " wholly: a person is needed")
        }
        End::Incomplete if finish.failure.is_none() => {
            line.put(Tone::Bad, "✗ Done").put(Tone::Plain, format!(" in {after}, but something is left for a person"))
        }
        End::Incomplete if by_hand => {
            line.put(Tone::Bad, "✗ Failed").put(Tone::Plain, format!(" after {after}; a person must finish the undo"))
        }
        End::Incomplete => line
            .put(Tone::Bad, "✗ Failed")
            .put(Tone::Plain, format!(" after {after}, and not everything is undone: a person is needed")),
        End::Stopped if finish.account == Account::Elsewhere => line
            .put(Tone::Bad, "✗ Stopped")
            .put(Tone::Plain, format!(" after {after}: another process has the run now")),
        End::Stopped => line
            .put(Tone::Bad, "✗ Stopped")
            .put(Tone::Plain, format!(" after {after}: nothing more was run and nothing more was undone")),
    }
}

fn left_in_place(left: &Left, end: End, sources: &Sources, lines: &mut Vec<Line>) {
    let line = |text: &str| {
        let step = if left.step.is_empty() { "the runbook" } else { &left.step };
        Line::new(2).put(Tone::Strong, step).put(Tone::Plain, format!(": {text}"))
    };
    match &left.why {
        LeftWhy::Failed(failure) => {
            lines.push(line(&format!("its rollback failed: {}", failure.message)));
            return more(failure, sources, lines);
        }
        LeftWhy::Interrupted(failure) => {
            lines.push(line(&failure.message));
            return more(failure, sources, lines);
        }
        LeftWhy::NotReached if end == End::Stopped => lines.push(line("not undone, because the run was stopped")),
        LeftWhy::NotReached => lines.push(line("not undone, because unwinding stopped before it")),
        LeftWhy::Manual(what) => lines.extend(line("by hand: ").text(&Line::new(2), Tone::Warn, what)),
        LeftWhy::Irreversible(why) => lines.push(line(&format!("cannot be undone: {why}"))),
        LeftWhy::Running(what) => {
            lines.push(line(&format!("not undone, because it may still be running: {what}")));
        }
        LeftWhy::Finally(failure) => {
            lines.push(line(&format!("its `finally` failed: {}", failure.message)));
            return more(failure, sources, lines);
        }
        LeftWhy::Changed(why, label) => {
            lines.push(line(&format!("not undone, because it was changed since: {why}")));
            let help = format!("help: `--answer '{label}=yes'` undoes it all the same");
            lines.push(Line::new(4).put(Tone::Doing, help));
        }
        LeftWhy::Kept => lines.push(line("it was not asked for")),
        LeftWhy::FinallyOpen => lines.push(line("its `finally` did not run to its end")),
    }
    lines.extend(place::line(4, "at", sources, left.span));
}

/// What more a failure knows.
fn more(failure: &Failure, sources: &Sources, lines: &mut Vec<Line>) {
    lines.extend(place::lines(4, sources, failure));
    let notes = failure.notes.iter().flat_map(|note| note.lines());
    lines.extend(notes.map(|note| Line::new(4).put(Tone::Dim, note)));
    let help = failure.help.iter().flat_map(|help| help.lines());
    lines.extend(help.map(|help| Line::new(4).put(Tone::Doing, format!("help: {help}"))));
}
