//! A failure that nobody hears of.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran, Then};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};
use crate::source::Span;

use super::foreground_daemon;

pub const RULE: Rule = Rule { code: Code::LostExitCode, severity: Severity::Warning, look: Look::Script(look) };

/// Programs that end well although something went wrong: which, why, and what to do.
static DEAF: LazyLock<Vec<(Kinds, &str, &str)>> = LazyLock::new(|| {
    vec![
        (
            Kinds::new(&["ab"]),
            "`ab` ends well although every answer is an error",
            "`http.measure(page, requests: 200)` counts the errors: compare its `error_rate`",
        ),
        (
            Kinds::new(&[
                "redis-cli config set",
                "redis-cli set",
                "redis-cli del",
                "redis-cli expire",
                "redis-cli rename",
            ]),
            "`redis-cli` ends well although the server answered with an error",
            "`redis-cli -e` fails then; `redis.set(…)`, `redis.config_set(…)` of the library do, and go back on rollback",
        ),
        (
            Kinds::new(&["gh run watch ![--exit-status]"]),
            "`gh run watch` ends well although the workflow failed",
            "add `--exit-status`, and name the run: `gh run watch RUN --exit-status`",
        ),
    ]
});

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (i, ran) in script.commands.iter().enumerate() {
        let mut behind = script.commands.get(i + 1..).unwrap_or_default().iter().filter(|next| {
            next.place.command == ran.place.command
                && next.it.inside == ran.it.inside
                && next.it.substituted == ran.it.substituted
        });
        // Its script stops it: how it ends is known.
        let stopped = ran.it.then == Then::Background && behind.clone().any(|next| next.it.name == "kill");
        let next = behind.next().map(|next| &next.it);
        let ends = behind.any(|next| matches!(next.it.name.as_str(), "exit" | "return" | "false" | "kill"));
        if stopped {
            continue;
        }
        let before = script.commands.get(..i).unwrap_or_default();
        // `nohup ./serve &` is told once.
        if ran.it.then == Then::Background
            && before.iter().any(|outer| outer.it.then == Then::Background && outer.it.span.contains(ran.it.span))
        {
            continue;
        }
        let told = before.last().filter(|first| is_told_of(first, ran));
        if told.is_some_and(|first| LOOKS.contains(&first.it.name.as_str())) {
            continue;
        }
        let at = told.unwrap_or(ran).it.span;
        found.extend(lost(ran, at, next.filter(|_| !ends)).or_else(|| deaf(ran)));
    }
    found
}

/// They say by their end which of two it is.
const LOOKS: [&str; 8] = ["[", "[[", "test", "command", "which", "grep", "id", "pgrep"];

const SAYS: [&str; 3] = ["echo", "printf", "logger"];

/// `first && echo yes || …`: what may fail is the first.
fn is_told_of(first: &Placed<Ran>, ran: &Placed<Ran>) -> bool {
    let (one, two) = (&first.it, &ran.it);
    first.place.command == ran.place.command
        && one.inside == two.inside
        && one.then == Then::And
        && two.then == Then::Or
        && SAYS.contains(&two.name.as_str())
}

/// `at`: where it is told.
fn lost(ran: &Placed<Ran>, at: Span, next: Option<&Ran>) -> Option<Diagnostic> {
    let (role, ran) = (ran.place.role, &ran.it);
    let next_is =
        |names: &[&str]| next.is_some_and(|next| names.contains(&next.name.as_str()) && next.then != Then::Pipe);
    let (message, help) = match ran.then {
        // What it says is looked at; it may say nothing.
        Then::Or if role == Role::Value => return None,
        Then::Or if next_is(&["true", ":"]) => (
            "a failure of this command is thrown away",
            "let it fail, or say what may fail: `let x = $ … else …`, `result($(…)).code in [0, 1]`",
        ),
        Then::Or if next_is(&SAYS) => (
            "a failure of this command becomes a line of text",
            "let it fail: the run stops, undoes what was done, and tells `on failure`",
        ),
        Then::Background if !foreground_daemon::serves(ran) => (
            "nobody hears how this command in the background ends",
            "`parallel { … }` waits for each of its statements; `with running($(…)) { … }` watches over a process",
        ),
        // The shell around it is `bash -euo pipefail`; the inner one is not.
        Then::Pipe if in_plain_shell(ran) && !next_is(&["grep", "jq"]) => (
            "in the inner shell a failure in front of a `|` is lost",
            "begin its code with `set -euo pipefail;`, or use `with ssh(…) { $ … }`, which does",
        ),
        Then::And | Then::Or | Then::Pipe | Then::Next | Then::Background => {
            let off = ran.name == "set" && ran.args.iter().any(|a| a.text.starts_with('+') && a.text.contains('e'));
            if !off {
                return None;
            }
            (
                "`set +e` throws away every failure behind it",
                "say which command may fail: `result($(…)).code in [0, 1]`",
            )
        }
    };
    Some(RULE.found(message, at, "whatever becomes of it, the run goes on").help(help))
}

/// `bash -c "…"`, `ssh host "…"`, `kubectl exec … -- sh -c "…"`
fn in_plain_shell(ran: &Ran) -> bool {
    ran.inside
        .last()
        .is_some_and(|outer| matches!(outer.as_str(), "bash" | "sh" | "dash" | "ash" | "zsh" | "ssh" | "su"))
}

fn deaf(ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    if let Some((_, message, help)) = DEAF.iter().find(|(kinds, ..)| ran.is(kinds) && !ran.has("-e")) {
        return Some(RULE.found(*message, ran.span, "its exit code is 0 all the same").help(*help));
    }
    let reads_file = ran.redirects.iter().any(|(op, _)| op == "<") || ran.option("file", 'f');
    let stops = ran.args.iter().any(|a| a.text.contains("ON_ERROR_STOP")) || ran.option("single-transaction", '1');
    if ran.name == "psql" && reads_file && !stops {
        let found = RULE.found(
            "`psql` goes on behind an error in this file, and ends well",
            ran.span,
            "half of a dump is a success here",
        );
        return Some(found.help(
            "add `-v ON_ERROR_STOP=1 --single-transaction`; `postgres.restore(…)` restores a dump in one transaction",
        ));
    }
    if ran.name == "pg_restore" && ran.option("dbname", 'd') && !ran.option("exit-on-error", 'e') && !stops {
        let found =
            RULE.found("`pg_restore` goes on behind an error", ran.span, "half of a dump may be there at its end");
        return Some(found.help("add `--exit-on-error --single-transaction`; `postgres.restore(…)` does"));
    }
    None
}
