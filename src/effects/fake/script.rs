//! A world as text, one rule a line:
//!
//! ```text
//! $ ./deploy* -> some "exit code 1" after 3s times 2
//! db.value(* -> 83
//! $ sleep* -> never, cancel unknown "gone" running "pid 7" after 5s
//! answer "Go on?" -> yes after 2s
//! $ ./pay* -> never, proof done
//! answer "Still there?" -> nobody
//! at 10s stop
//! at 10s crash for 1h
//! at 10s rollback
//! at the end rollback from 2
//! at the end rollback only 0/1
//! then enter
//! then undo past from 2
//! then keep
//! ```
use super::{Crash, Proof, Reply, Rule, Script, Signal, Then};
use crate::engine::call::Path;
use crate::engine::{Ending, Event, Extent, Failure, FailureKind, Outcome, Walls};
use crate::value::{Nanos, Value, json, read};

impl Script {
    /// Read a script.
    ///
    /// # Errors
    /// The line that is not understood, and why.
    pub fn read(text: &str) -> Result<Script, String> {
        let mut script = Script::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            script.line(line).map_err(|why| format!("`{line}`: {why}"))?;
        }
        Ok(script)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(what) = line.strip_prefix("at the end rollback") {
            self.rollbacks.push(extent(what)?);
            return Ok(());
        }
        if let Some(what) = line.strip_prefix("then ") {
            let turn = self.turn(what.trim())?;
            self.turns.push(turn);
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("at ") {
            let (at, what) = rest.split_once(' ').ok_or("`at TIME stop|kill|crash|rollback`")?;
            let signal = match what.trim() {
                "stop" => Signal::Stop,
                "kill" => Signal::Kill,
                rollback if rollback.starts_with("rollback") => {
                    let then = Then::Rollback(extent(rollback.strip_prefix("rollback").unwrap_or_default())?);
                    Signal::Crash(Crash { then, ..Crash::default() })
                }
                crash if crash.starts_with("crash") => {
                    let down = match crash.strip_prefix("crash for ") {
                        Some(down) => read::duration(down)?,
                        None => Nanos(0),
                    };
                    Signal::Crash(Crash { down, ..Crash::default() })
                }
                other => return Err(format!("no signal `{other}`")),
            };
            self.signals.push((read::duration(at)?, signal));
            return Ok(());
        }
        let (pattern, does) = line.split_once(" -> ").ok_or("`PATTERN -> OUTCOME`")?;
        if let Some(pattern) = pattern.strip_prefix("answer ") {
            let (does, after, times) = timing(does)?;
            let value = match does {
                "nobody" => None,
                "yes" => Some(Value::Bool(true)),
                "no" => Some(Value::Bool(false)),
                other => Some(json::parse(other).unwrap_or_else(|_| Value::str(other))),
            };
            let pattern = pattern.trim().trim_matches('"').to_owned();
            self.answers.push(Reply { pattern, times, after, value });
            return Ok(());
        }
        let (does, proof) = match does.split_once(", proof ") {
            Some((does, "done")) => (does, Some(Proof::Done)),
            Some((does, "none")) => (does, Some(Proof::None)),
            Some((_, other)) => return Err(format!("no proof `{other}`")),
            None => (does, None),
        };
        let (does, cancel) = match does.split_once(", cancel ") {
            Some((does, cancel)) => (does, Some(cancel)),
            None => (does, None),
        };
        let (does, after, times) = timing(does)?;
        let mut rule = Rule::new(pattern.trim(), Outcome::done(Value::Null));
        rule.outcome = if does == "never" { None } else { Some(outcome(does)?) };
        rule.after = after;
        rule.times = times;
        rule.proof = proof;
        if let Some(cancel) = cancel {
            let (does, after, times) = timing(cancel)?;
            rule.cancel = (outcome(does)?, after);
            rule.times = rule.times.or(times);
        }
        self.rules.push(rule);
        Ok(())
    }
}

impl Script {
    /// What a person does next at a console; inputs are entered in their order.
    fn turn(&self, what: &str) -> Result<Event, String> {
        let entered = self.turns.iter().filter(|turn| matches!(turn, Event::Enter(_))).count();
        match what.split_once(' ').unwrap_or((what, "")) {
            ("enter", "") => Ok(Event::Enter(u32::try_from(entered).unwrap_or(u32::MAX))),
            ("keep", "") => Ok(Event::Keep(None)),
            ("fail", "") => Ok(Event::Keep(Some("on purpose".to_owned()))),
            ("leave", "") => Ok(Event::Kill),
            ("rollback", "") => Ok(Event::Rollback { why: "asked for".to_owned(), what: Extent::All }),
            ("undo", part) => {
                let (walls, part) = match part.strip_prefix("past") {
                    Some(part) => (Walls::Pass, part),
                    None => (Walls::Stop, part),
                };
                Ok(Event::Undo { what: extent(part)?, walls })
            }
            _ => Err(format!("no turn `{what}`")),
        }
    }
}

/// ` from PATH`, ` only PATH`, or nothing: all of it.
fn extent(text: &str) -> Result<Extent, String> {
    let path = |path: &str| Path::read(path).ok_or_else(|| format!("no path `{path}`"));
    match text.trim().split_once(' ') {
        None if text.trim().is_empty() => Ok(Extent::All),
        Some(("from", at)) => path(at).map(Extent::From),
        Some(("only", at)) => path(at).map(Extent::Only),
        _ => Err(format!("no rollback `{text}`")),
    }
}

/// Cuts `after D` and `times N` off the end.
fn timing(text: &str) -> Result<(&str, Nanos, Option<u32>), String> {
    let (mut text, mut after, mut times) = (text.trim(), Nanos(0), None);
    while let Some((before, last)) = text.rsplit_once(' ') {
        if let Some(rest) = before.strip_suffix("after").filter(|rest| rest.is_empty() || rest.ends_with(' ')) {
            after = read::duration(last)?;
            text = rest.trim();
        } else if let Some(rest) = before.strip_suffix("times").filter(|rest| rest.is_empty() || rest.ends_with(' ')) {
            times = Some(last.parse().map_err(|_| format!("`{last}` is not a number"))?);
            text = rest.trim();
        } else {
            break;
        }
    }
    Ok((text, after, times))
}

fn outcome(text: &str) -> Result<Outcome, String> {
    let (text, running) = match text.split_once(" running ") {
        Some((text, what)) => (text.trim(), Some(what.trim().trim_matches('"').to_owned())),
        None => (text, None),
    };
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let ending = match word {
        "none" => Ending::None,
        "some" => Ending::Some,
        "unknown" => Ending::Unknown,
        "done" => Ending::Done,
        // A text of this many letters.
        "letters" => {
            let count = rest.trim().parse().map_err(|_| format!("`{rest}` is not a number"))?;
            return Ok(Outcome::done(Value::str("x".repeat(count))));
        }
        _ => return Ok(Outcome { running, ..Outcome::done(json::parse(text)?) }),
    };
    if ending == Ending::Done && rest.is_empty() {
        return Ok(Outcome { running, ..Outcome::done(Value::Null) });
    }
    let failure = Failure::new(FailureKind::Failed, rest.trim().trim_matches('"'));
    Ok(Outcome { running, ..Outcome::failed(ending, failure) })
}
