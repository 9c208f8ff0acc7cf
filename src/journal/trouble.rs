//! Why a store could not do it, and what each store has to say alike.
use super::{Holder, Lock};

/// Why a store could not do it: one line for a person, and what the reader can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub message: String,
    pub help: Option<String>,
    pub kind: Kind,
}

/// What it means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing forward may start.
    Unkept,
    /// As that: the disk has no room left.
    Full,
    /// Another process has the run, or may have it: nothing may start any more, not even an undo.
    Lost,
    /// Its secrets are sealed, and the key is missing or another one: what is no secret can be read all the same.
    Sealed,
}

impl Trouble {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Trouble {
        Trouble { message: message.into(), help: None, kind: Kind::Unkept }
    }

    /// The same, with what the reader can do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Trouble {
        self.help = Some(help.into());
        self
    }
}

pub(super) fn no_such_run(run: &str) -> Trouble {
    Trouble::new(format!("there is no run `{run}` in the journal")).with_help("`rbk runs` lists them")
}

pub(super) fn not_driven(run: &str) -> Trouble {
    Trouble::new(format!("this process does not drive run {run}"))
}

pub(super) fn begun_already(run: &str) -> Trouble {
    Trouble::new(format!("there is a run `{run}` in the journal already"))
}

/// `here`: the machine of whoever asks; `since`: as `2026-11-21 18:54:59 UTC`.
pub(super) fn driven(run: &str, by: &Holder, since: Option<&str>, here: &str) -> Trouble {
    let since = since.map(|since| format!(", since {since}")).unwrap_or_default();
    let there = if by.host_name == here { String::new() } else { format!(" on {}", by.host_name) };
    Trouble::new(format!(
        "run {run} is driven by another process (pid {} on {}, user {}{since})",
        by.pid, by.host_name, by.user
    ))
    .with_help(format!("wait for its end, or stop it: `kill {}`{there} makes it undo what it did (a console is left as it is, for `rbk repl --resume`)", by.pid))
}

/// A lock belongs to a run that may not be over.
pub(super) fn locked(lock: &Lock) -> Trouble {
    let Lock { name, run, since } = lock;
    let since = since.strftime("%F %T UTC");
    Trouble::new(format!(
        "the lock `{name}` belongs to run {run} (since {since}), which may have left something in place"
    ))
    .with_help(format!("`rbk resume {run}`, `rbk rollback {run}`, or `rbk close {run} --reason …` ends that"))
}
