//! What the end of a command means: for its value, and for what it may have done.
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::exit::{self, short, with_output};
use super::far::{Place, Stage, explain};
use super::output::Kept;
use super::process::Why;
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome};

/// Of a command on this machine; `left`: its processes that could not be ended.
pub fn here(call: &Call, why: Why, left: &[i32], out: &Kept, err: &Kept, limit: usize) -> Outcome {
    let mut outcome = match why {
        Why::Exited(status) => exit::outcome(call, status, out, err, limit),
        other => Outcome::failed(Ending::Some, stopped(call, other, out, err, limit)),
    };
    let left: Vec<String> = left.iter().map(|pid| format!("pid {pid}")).collect();
    running(call, &mut outcome, &left, "");
    outcome
}

/// What came back from the far side.
pub struct Told<'a> {
    /// Outermost first.
    pub places: &'a [Place],
    pub dirs: &'a [String],
    pub stage: Stage,
    /// Said before the command started.
    pub before: String,
    /// The connection broke, and on a new one the rest was ended; processes that could not be.
    pub swept: Option<Vec<String>>,
}

/// Of a command somewhere else.
pub fn far(call: &Call, why: Why, told: Told<'_>, out: &Kept, err: &Kept, limit: usize) -> Outcome {
    let what = short(&call.text);
    let places: Vec<String> = told.places.iter().map(ToString::to_string).collect();
    let place = places.join(", ");
    match (told.stage, told.swept) {
        (Stage::Ended(code, left), _) => {
            let mut outcome = match why {
                Why::Exited(_) | Why::Told | Why::Lost(_) => {
                    exit::outcome(call, ExitStatus::from_raw(code << 8), out, err, limit)
                }
                Why::Cancelled | Why::WantsTerminal | Why::TooLong => {
                    Outcome::failed(Ending::Some, stopped(call, why, out, err, limit))
                }
            };
            let left: Vec<String> = left.iter().map(|pid| format!("pid {pid}")).collect();
            running(call, &mut outcome, &left, &place);
            outcome
        }
        (Stage::NoDirectory, _) => {
            let dir = told.dirs.iter().collect::<std::path::PathBuf>();
            let message = format!("the directory `{}` cannot be entered {place}", dir.display());
            Outcome::failed(Ending::None, Failure::new(FailureKind::Failed, message))
        }
        (Stage::Before | Stage::Started, Some(left)) => {
            let failure = if matches!(why, Why::Cancelled) {
                stopped(call, why, out, err, limit)
            } else {
                let message = format!("{what} was cut off: the connection {place} broke; what it left there was ended");
                with_output(Failure::new(FailureKind::Connection, message), out, err)
            };
            let mut outcome = Outcome::failed(Ending::Some, failure);
            let left: Vec<String> = left.iter().map(|pid| format!("pid {pid}")).collect();
            running(call, &mut outcome, &left, &place);
            outcome
        }
        (Stage::Started, None) => {
            let message = match why {
                Why::Cancelled => format!("{what} was cancelled, and did not say {place} that it has ended"),
                _ => format!("{what} was cut off: the connection {place} broke, and there is no new one"),
            };
            let failure = with_output(Failure::new(FailureKind::Connection, message), out, err);
            let mut outcome = Outcome::failed(Ending::Unknown, failure);
            outcome.running = Some(format!("{what} {place}"));
            outcome
        }
        (Stage::Before, None) if in_doubt(told.places, &why) => {
            let failure = match why {
                Why::Cancelled => stopped(call, why, out, err, limit),
                _ => refused(told.places, &told.before),
            };
            // Its start may have been on the way.
            let mut outcome = Outcome::failed(Ending::Unknown, failure);
            outcome.running = Some(format!("{what} {place}"));
            outcome
        }
        (Stage::Before, None) => Outcome::failed(Ending::None, refused(told.places, &told.before)),
    }
}

/// Whether a command that gave no sign of its start may have started: the way there ended otherwise than by a refusal.
pub fn in_doubt(places: &[Place], why: &Why) -> bool {
    match (why, places.first()) {
        (Why::Exited(status), Some(Place::Host(_))) => status.code().is_none_or(|code| code == 255),
        (Why::Exited(status), _) => status.code().is_none(),
        (Why::Told, _) => false,
        (Why::Cancelled | Why::WantsTerminal | Why::TooLong | Why::Lost(_), _) => true,
    }
}

/// Nothing has started: the last place on the way has said why.
fn refused(places: &[Place], said: &str) -> Failure {
    match places.last() {
        Some(Place::User(user)) => explain::sudo(user, said),
        Some(Place::Host(host)) => explain::ssh(host, said),
        None => Failure::new(FailureKind::Failed, "nothing has started"),
    }
}

/// It did not end by itself.
fn stopped(call: &Call, why: Why, out: &Kept, err: &Kept, limit: usize) -> Failure {
    let what = short(&call.text);
    match why {
        Why::Cancelled => with_output(Failure::new(FailureKind::Cancelled, format!("{what} was cancelled")), out, err),
        Why::WantsTerminal => {
            let failure =
                Failure::new(FailureKind::Failed, format!("{what} stopped because it wants to use the terminal"));
            let failure = failure.with_help("a command has no terminal here: give it the option that makes it ask nothing, or its input with `with stdin(…)`");
            with_output(failure, out, err)
        }
        Why::TooLong => exit::too_long(limit),
        Why::Lost(e) => Failure::new(FailureKind::Failed, format!("how {what} ended could not be seen: {e}")),
        Why::Exited(_) | Why::Told => Failure::new(FailureKind::Failed, format!("{what} has ended")),
    }
}

/// What of it could not be ended.
fn running(call: &Call, outcome: &mut Outcome, left: &[String], place: &str) {
    if left.is_empty() {
        return;
    }
    let place = if place.is_empty() { String::new() } else { format!(" {place}") };
    outcome.ending = Ending::Unknown;
    outcome.running = Some(format!("{}{place}", left.join(", ")));
    if outcome.result.is_ok() {
        let message = format!("{} left processes that cannot be ended", short(&call.text));
        outcome.result = Err(Failure::new(FailureKind::Failed, message));
    }
}
