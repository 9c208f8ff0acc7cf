//! The end of a command → what the caller gets. A false condition is a result; what cannot be judged is a failure.
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use super::output::Kept;
use crate::check::program::Want;
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome};
use crate::value::Value;

/// `out` and `err` are what was kept of the two streams.
pub fn outcome(call: &Call, status: ExitStatus, out: &Kept, err: &Kept, limit: usize) -> Outcome {
    let failed = |failure: Failure| Outcome::failed(Ending::Some, failure);
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    let judged = code < 126 && status.signal().is_none();
    match call.want {
        Want::Condition if judged => {
            let why = (code != 0).then(|| said_no(code, err));
            Outcome { why, ..Outcome::done(Value::Bool(code == 0)) }
        }
        Want::Result if status.signal().is_none() => {
            let text = |kept: &Kept| text(kept, limit).map(Value::str);
            match (text(out), text(err)) {
                (Ok(out), Ok(err)) => Outcome::done(Value::record([
                    ("code".into(), Value::Int(code.into())),
                    ("out".into(), out),
                    ("err".into(), err),
                ])),
                (Err(failure), _) | (_, Err(failure)) => failed(failure),
            }
        }
        Want::Nothing if code == 0 => Outcome::done(Value::Null),
        Want::Value if code == 0 => match text(out, limit) {
            Ok(text) => Outcome::done(Value::str(text)),
            Err(failure) => failed(failure),
        },
        Want::Nothing | Want::Value | Want::Result | Want::Condition | Want::Runs => {
            failed(with_output(exited(call, status), out, err))
        }
    }
}

/// Why a condition is false, with the last lines of standard error.
fn said_no(code: i32, err: &Kept) -> String {
    let lines = err.lines();
    let last = lines.get(lines.len().saturating_sub(2)..).unwrap_or_default();
    let colon = if last.is_empty() { "" } else { ": " };
    format!("exited with code {code}{colon}{}", last.join("; "))
}

/// Standard output as a value: UTF-8 without NUL, the trailing newlines cut.
fn text(kept: &Kept, limit: usize) -> Result<String, Failure> {
    let value = |message: String| Failure::new(FailureKind::Value, message);
    let Some(bytes) = kept.whole() else {
        return Err(too_long(limit));
    };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        value(format!("the command's output is not UTF-8 text (byte {})", e.valid_up_to()))
            .with_help("let the command encode it, with `base64` for instance, or use a file")
    })?;
    if let Some(at) = text.find('\0') {
        return Err(value(format!("the command's output holds a NUL byte (byte {at})"))
            .with_help("let the command encode it, with `base64` for instance, or use a file"));
    }
    Ok(text.trim_end_matches('\n').to_owned())
}

/// A value that has to be a file.
pub fn too_long(limit: usize) -> Failure {
    let size = if limit.is_multiple_of(1 << 20) { format!("{} MiB", limit >> 20) } else { format!("{limit} bytes") };
    Failure::new(FailureKind::Value, format!("the command's output is longer than {size}: use a file"))
        .with_help("let the command write to a file, and pass on the file's name")
}

fn exited(call: &Call, status: ExitStatus) -> Failure {
    let what = short(&call.text);
    let message = match (status.code(), status.signal()) {
        (Some(code), _) => format!("{what} exited with code {code}{}", meaning(code)),
        (None, signal) => format!("{what} was ended by {}", signal_name(signal.unwrap_or(0))),
    };
    Failure::new(FailureKind::Failed, message)
}

/// What shells mean by a code, where they all mean the same.
fn meaning(code: i32) -> String {
    match code {
        126 => ": a command was found but could not be executed".to_owned(),
        127 => ": a command was not found".to_owned(),
        // 255 and its like belong to programs.
        129..=159 => format!(": a command in it was ended by {}", signal_name(code - 128)),
        _ => String::new(),
    }
}

/// A signal by its name and, where that helps, what sends it.
fn signal_name(number: i32) -> String {
    let Ok(signal) = Signal::try_from(number) else { return format!("signal {number}") };
    let why = match signal {
        Signal::SIGPIPE => ": a reader of its output went away",
        Signal::SIGKILL => ": somebody ended it at once, or the system did for want of memory",
        Signal::SIGTERM => ": somebody asked it to end",
        Signal::SIGINT => ": somebody interrupted it",
        Signal::SIGHUP => ": its terminal or its connection went away",
        Signal::SIGSEGV | Signal::SIGBUS | Signal::SIGILL | Signal::SIGFPE => ": it crashed",
        Signal::SIGABRT => ": it gave up",
        Signal::SIGXCPU => ": it used more processor time than it may",
        Signal::SIGXFSZ => ": it wrote a larger file than it may",
        _ => "",
    };
    format!("{}{why}", signal.as_str())
}

/// The first line of a command, in backticks.
pub fn short(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    let cut = first.chars().count() > 100 || text.trim().lines().nth(1).is_some();
    let mut line: String = first.chars().take(100).collect();
    if cut {
        line.push('…');
    }
    format!("`{line}`")
}

/// What it said last: standard error, or standard output if that is empty.
pub fn with_output(mut failure: Failure, out: &Kept, err: &Kept) -> Failure {
    failure.notes = err.lines();
    if failure.notes.is_empty() {
        failure.notes = out.lines();
    }
    failure
}
