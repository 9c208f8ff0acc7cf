//! A command that its program does not know, or that means something else.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::UnknownSubcommand, severity: Severity::Error, look: Look::Command(look) };

/// Which, what is wrong with it, and what was meant.
static WRONG: LazyLock<Vec<(Kinds, &str, &str)>> = LazyLock::new(|| {
    vec![
        (
            Kinds::new(&[
                "aws elb modify-listener",
                "aws elb deregister-targets",
                "aws elb register-targets",
                "aws elb describe-target-health",
            ]),
            "`aws elb` has no such command",
            "application and network load balancers are `aws elbv2`",
        ),
        (
            Kinds::new(&["kubectl rollout rollback", "kubectl rollback"]),
            "`kubectl` has no such command",
            "it is `kubectl rollout undo --to-revision=N`",
        ),
        (
            Kinds::new(&["docker compose ps ?[--health]"]),
            "`docker compose ps` has no `--health`",
            "it is `--format json`, with a field `Health`",
        ),
    ]
});

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    let words = || ran.operands().map(|a| a.text.as_str());
    let (message, help) = if let Some((_, message, help)) = WRONG.iter().find(|(kinds, ..)| ran.is(kinds)) {
        (*message, *help)
    } else if ran.name == "celery" && words().any(|w| w == "shutdown_beat") {
        ("`celery control` knows no `shutdown_beat`", "stop the unit of the beat: `systemd.stop(\"celery-beat\")`")
    } else if ran.name == "kubectl" && words().any(|w| w == "patch") && renames(ran) {
        (
            "`kubectl` cannot rename what is there",
            "which colour is live is a value of its own: a label, an annotation, a file that the runbook reads",
        )
    } else if ran.code.iter().any(|code| code.text.contains("pg_stat_statements") && code.text.contains(" mean_time")) {
        (
            "there is no `mean_time` since PostgreSQL 13",
            "`postgres.slow_queries(db)` of the library knows the columns; they are `mean_exec_time`, `total_exec_time`",
        )
    } else if words().any(|w| w == "dbshell") && ran.has("-c") && !ran.has("--") {
        (
            "`manage.py dbshell` takes no `-c`",
            "ask the database itself: `db.value(\"…\")` of a `connect db = postgres(…)`",
        )
    } else {
        return None;
    };
    Some(RULE.found(message, ran.span, "it fails whenever it runs").help(help))
}

fn renames(ran: &Ran) -> bool {
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    ran.args.iter().any(|a| compact(&a.text).contains("\"metadata\":{\"name\":"))
}
