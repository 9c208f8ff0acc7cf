//! A wait for success alone: a failure is waited for until the time is up.
use crate::check::shell::ran::{COMPUTED, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::WaitMissesFailure, severity: Severity::Warning, look: Look::Command(look) };

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    let waits = matches!(ran.name.as_str(), "kubectl" | "oc")
        && ran.operands().next().is_some_and(|a| a.text == "wait" || a.text.contains(COMPUTED));
    let complete = ran.args.iter().any(|a| a.text.to_ascii_lowercase().contains("condition=complete"));
    if !waits && !ran.has("wait") || !complete {
        return None;
    }
    let found = RULE.found(
        "a job that fails is waited for until the time is up",
        ran.span,
        "`complete` never comes true for it",
    );
    Some(found.help(
        "wait for both: `wait up to 10m every 5s until $(kubectl get job/#{job} -o jsonpath='{.status.succeeded}') == \"1\" unless $(kubectl get job/#{job} -o jsonpath='{.status.failed}') == \"1\"`",
    ))
}
