//! What the server says, and that it says nothing, for people.
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::lease::Held;
use crate::effects::postgres::reach::{Way, is_broken, said};
use crate::engine::Failure;
use crate::journal::{Kind, Lock, Trouble};
use crate::value::{Nanos, show};

pub fn of(way: &Way, e: &Error) -> Trouble {
    let (place, user) = (way.place(), way.user());
    if is_broken(e) {
        return away(&place, &said(e));
    }
    match e.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            Trouble::new(format!("the role `{user}` may not use the journal at `{place}`: {}", said(e))).with_help(
                format!(
                    "let the owner of its tables say: `GRANT USAGE ON SCHEMA rbk TO \"{user}\"; \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rbk TO \"{user}\"`"
                ),
            )
        }
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => unwritable(&place, "it is read-only now"),
        Some(&SqlState::DISK_FULL) => Trouble::new(format!("the journal at `{place}` cannot be written: {}", said(e)))
            .with_help("make room on the disk of its server"),
        _ => Trouble::new(format!("the journal at `{place}` cannot be used: {}", said(e)))
            .with_help("look at the server's log"),
    }
}

pub fn unreached(way: &Way, failure: Failure) -> Trouble {
    // A server's own number for it helps nobody here.
    let notes = failure.notes.iter().filter(|note| !note.starts_with("SQLSTATE"));
    let message = notes.fold(failure.message, |all, note| format!("{all}; {note}"));
    let help = failure.help.unwrap_or_else(|| format!("look whether `psql` reaches `{}`", way.place()));
    Trouble::new(message).with_help(help)
}

pub fn unwritable(place: &str, why: &str) -> Trouble {
    Trouble::new(format!("the journal at `{place}` takes no writes: {why}"))
        .with_help("name the server that takes writes; or all of them: `postgres://…@one,two/…`")
}

pub fn away(place: &str, why: &str) -> Trouble {
    Trouble::new(format!("the journal at `{place}` is away: {why}")).with_help("look at its server and the way to it")
}

pub fn silent(place: &str, patience: Duration) -> Trouble {
    away(place, &format!("no answer within {}", show::duration(Nanos::from(patience))))
}

pub fn damaged(place: &str, run: &str, how: &str) -> Trouble {
    Trouble::new(format!("the journal at `{place}` is damaged: {how}")).with_help(format!(
        "restore its database; or look at what the run has left in place, mend it by hand, and end it: \
         `rbk close {run} --reason …`"
    ))
}

/// The tables could not be made.
pub fn unmade(way: &Way, e: &Error) -> Trouble {
    if e.code() != Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return of(way, e);
    }
    let (place, user) = (way.place(), way.user());
    Trouble::new(format!("the role `{user}` may not make the journal's tables at `{place}`: {}", said(e))).with_help(
        format!(
            "let an administrator of the database say: `CREATE SCHEMA IF NOT EXISTS rbk; \
             GRANT USAGE, CREATE ON SCHEMA rbk TO \"{user}\"`"
        ),
    )
}

/// Another process has the run now.
pub fn taken(run: &str, by: &Held) -> Trouble {
    let Held { holder, since, .. } = by;
    let message = format!(
        "run {run} was taken by another process (pid {} on {}, user {}, since {since}): this one starts nothing more",
        holder.pid, holder.host_name, holder.user
    );
    lost(message, "`rbk runs` shows how it stands")
}

/// What the server has is not what this process was told is kept: an older copy of it, or somebody has changed it.
pub fn other(place: &str, run: &str) -> Trouble {
    let message = format!("the journal at `{place}` has another run {run} than this process has written");
    Trouble::new(message).with_help(
        "its server may have lost what it had confirmed, as after a failover without synchronous replication",
    )
}

/// The time for which the run was this process's is over, and the server cannot be asked for more.
pub fn over(run: &str, why: &Trouble) -> Trouble {
    let message = format!("another process may have run {run} by now: its lease is over, and {}", why.message);
    lost(message, "when the journal answers again, `rbk runs` shows how it stands")
}

fn lost(message: String, help: &str) -> Trouble {
    Trouble { kind: Kind::Lost, ..Trouble::new(message).with_help(help) }
}

/// A lock is not taken from a run that goes on meanwhile.
pub fn driven_lock(lock: &Lock, by: &Held) -> Trouble {
    let (Lock { name, run, .. }, holder) = (lock, &by.holder);
    let left = show::duration(Nanos::from(Duration::from_secs(by.left.unwrap_or_default().as_secs() + 1)));
    Trouble::new(format!(
        "the lock `{name}` belongs to run {run}, which pid {} on {} drives (user {})",
        holder.pid, holder.host_name, holder.user
    ))
    .with_help(format!(
        "stop it there: `kill {}` makes it undo what it did (a console is left as it is, for `rbk repl --resume`); if it is dead, its lease ends in {left}",
        holder.pid
    ))
}
