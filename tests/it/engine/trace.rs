//! What a run did, one line for each thing that matters.
use rbk::effects::fake::Played;
use rbk::engine::call::Context;
use rbk::engine::event::{ConditionKind, LeftWhy, Progress, Reached, StepStatus, Verdict};
use rbk::engine::{Command, Ending, Event, Extent, Record};
use rbk::value::{Nanos, show};

pub fn trace(played: &Played) -> String {
    let mut out = String::new();
    for (input, commands) in played.inputs.iter().zip(&played.commands) {
        let mut say = |text: String| out.push_str(&format!("{:>6}  {text}\n", show::duration(input.at)));
        match &input.event {
            Event::Stop => say("! stop".to_owned()),
            Event::Kill => say("! kill".to_owned()),
            Event::Resumed { .. } => say("! resumed".to_owned()),
            Event::Rollback { what, .. } => say(match what {
                Extent::All => "! rollback".to_owned(),
                Extent::From(path) => format!("! rollback from {path}"),
                Extent::Only(path) => format!("! rollback only {path}"),
            }),
            Event::Parked(_, why) => say(format!("! parked: {why}")),
            Event::Doubted(_) => say("! in doubt".to_owned()),
            Event::Failed(..) => say("! failed".to_owned()),
            Event::Unstarted(_) => say("! not started".to_owned()),
            Event::Enter(number) => say(format!("> entry {}", number + 1)),
            Event::Undo { what, walls } => say(format!("> undo {what:?} {walls:?}").to_lowercase()),
            Event::Keep(None) => say("> keep".to_owned()),
            Event::Keep(Some(why)) => say(format!("> keep, failed: {why}")),
            Event::Start | Event::Ended(..) | Event::Fired(_) | Event::Answered(..) | Event::Unanswered(..) => {}
        }
        for command in commands {
            if let Some(line) = line(command) {
                say(line);
            }
        }
    }
    match &played.finish {
        None => out.push_str("never ends\n"),
        Some(finish) => {
            out.push_str(&format!("exit {} {}\n", finish.end.exit_code(), finish.end.name()));
            if let Some(failure) = &finish.failure {
                let at = if failure.step.is_empty() { String::new() } else { format!(" in `{}`", failure.step) };
                out.push_str(&format!("because{at} ({}): {}\n", failure.failure.kind.name(), failure.failure.message));
                for note in &failure.failure.notes {
                    out.push_str(&format!("    and: {note}\n"));
                }
            }
            for left in &finish.left {
                out.push_str(&format!("left `{}`: {}\n", left.step, why(&left.why)));
            }
        }
    }
    out
}

fn why(why: &LeftWhy) -> String {
    match why {
        LeftWhy::Failed(failure) => format!("its undo failed: {}", failure.message),
        LeftWhy::Interrupted(failure) => failure.message.clone(),
        LeftWhy::NotReached => "not reached".to_owned(),
        LeftWhy::Manual(what) => format!("by hand: {what}"),
        LeftWhy::Irreversible(why) => format!("irreversible: {why}"),
        LeftWhy::Running(what) => format!("may still run: {what}"),
        LeftWhy::Finally(failure) => format!("its `finally` failed: {}", failure.message),
        LeftWhy::Changed(why, label) => format!("changed since: {why} ({label})"),
        LeftWhy::Kept => "not asked for".to_owned(),
        LeftWhy::FinallyOpen => "its `finally` is open".to_owned(),
    }
}

fn line(command: &Command) -> Option<String> {
    Some(match command {
        Command::Call(call) => {
            let mut contexts = String::new();
            for context in call.contexts.iter() {
                contexts.push_str(&format!(" [{}]", shown(context)));
            }
            format!("call {}{contexts}", call.text)
        }
        Command::Cancel(_) => "cancel".to_owned(),
        Command::Ask(_, asked) => format!("ask {}", asked.text),
        Command::Withdraw(_) => "withdraw the question".to_owned(),
        Command::Record(Record::Intent { unit: Some(unit), .. }) => format!("register {unit:?}").to_lowercase(),
        Command::Record(Record::Back) => "back".to_owned(),
        Command::Ready(reached) => return reached_line(reached),
        Command::Tell(progress) => return told(progress),
        Command::Record(_) | Command::Timer(..) | Command::Clear(_) | Command::Finish(_) => return None,
    })
}

/// What a console has come to, where something is wrong.
fn reached_line(reached: &Reached) -> Option<String> {
    let mut said = Vec::new();
    said.extend(reached.failure.as_ref().map(|failed| format!("because of {}", failed.failure.message)));
    said.extend(reached.left.iter().map(|left| format!("left `{}`: {}", left.step, self::why(&left.why))));
    (!said.is_empty()).then(|| format!("ready, {}", said.join("; ")))
}

fn shown(context: &Context) -> String {
    match context {
        Context::Dir(dir) => format!("dir {dir}"),
        Context::Env(vars) => {
            let vars: Vec<_> = vars.iter().map(|(k, v)| format!("{k}={}", show::show(v))).collect();
            format!("env {}", vars.join(" "))
        }
        Context::Ssh(host) => format!("ssh {}", show::show(host)),
        Context::Sudo(user) => user.as_ref().map_or("sudo".to_owned(), |user| format!("sudo {}", show::show(user))),
        Context::Stdin(input) => format!("stdin {}", show::show(input)),
        Context::Connection(on) => format!("with {}", on.name),
        Context::Wrap { argv, .. } => {
            let argv: Vec<_> = argv.iter().map(show::show).collect();
            format!("as {}", argv.join(" "))
        }
    }
}

fn told(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::StepStarted { name, attempt, limit, .. } => {
            let again = if *attempt > 1 { format!(" attempt {attempt}") } else { String::new() };
            let limit = limit.map_or(String::new(), |limit: Nanos| format!(" at most {}", show::duration(limit)));
            format!("step {name}{again}{limit}")
        }
        Progress::StepFinished { name, status, failure, .. } => {
            let why = failure.as_ref().map_or(String::new(), |failure| format!(": {}", failure.message));
            format!("{} {name}{why}", word(*status))
        }
        Progress::Retrying { name, delay, .. } => format!("retry {name} in {}", show::duration(*delay)),
        Progress::ActionFinished { ending: Ending::Done, failure: None, .. } => return None,
        Progress::ActionFinished { ending, failure, .. } => {
            let why = failure.as_ref().map_or(String::new(), |failure| format!(": {}", failure.message));
            format!("ended {}{why}", format!("{ending:?}").to_lowercase())
        }
        Progress::Condition { kind, label, verdict, .. } => {
            let kind = match kind {
                ConditionKind::DoneWhen => "done when".to_owned(),
                kind => format!("{kind:?}").to_lowercase(),
            };
            let verdict = match verdict {
                Verdict::Holds => "holds".to_owned(),
                Verdict::Not { reason } => format!("does not hold: {reason}"),
                Verdict::Error { failure } => format!("error: {}", failure.message),
            };
            let label = if label.is_empty() { String::new() } else { format!(" {label}") };
            format!("{kind}{label} {verdict}")
        }
        Progress::Waiting { what, limit, .. } => {
            let what = if what.is_empty() { String::new() } else { format!(" {what}") };
            format!("wait{what} {}", show::duration(*limit))
        }
        Progress::Answered { answer, who, .. } => format!("answered {answer} by {who}"),
        Progress::Unwinding { .. } => return None,
        Progress::RollbackStarted { name, .. } => format!("undo {name}"),
        Progress::RollbackFinished { name, failure: None, .. } => format!("undone {name}"),
        Progress::RollbackFinished { name, failure: Some(failure), .. } => {
            format!("not undone {name}: {}", failure.message)
        }
        Progress::AsideStarted { name, kind, .. } => format!("{} {name}", kind.name()).trim_end().to_owned(),
        Progress::AsideFinished { name, kind, failure: None, .. } => {
            format!("ended {} {name}", kind.name()).trim_end().to_owned()
        }
        Progress::AsideFinished { name, kind, failure: Some(failure), .. } => {
            format!("failed {}: {}", format!("{} {name}", kind.name()).trim_end(), failure.message)
        }
        Progress::Caught { failure, .. } => format!("caught: {}", failure.message),
        Progress::Committed { why, .. } => format!("commit {why}"),
        Progress::Log { text, .. } => format!("log {text}"),
        Progress::Note { key, value, .. } => format!("note {key}: {}", show::show(value)),
        Progress::Shown { value, .. } => format!("shows {}", show::show(value)),
        Progress::Stopping => "stopping".to_owned(),
        Progress::Warning { text, .. } => format!("warning {text}"),
        Progress::RunStarted { .. } | Progress::ActionStarted { .. } | Progress::Asked { .. } => return None,
    })
}

fn word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Ok => "ok",
        StepStatus::Skipped => "skipped",
        StepStatus::AlreadyDone => "already done",
        StepStatus::Failed => "failed",
        StepStatus::Cancelled => "cancelled",
    }
}
