//! Traffic goes to something that nobody has looked at.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::SwitchUnchecked, severity: Severity::Warning, look: Look::Command(look) };

static SWITCHES: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "kubectl patch service",
        "kubectl patch svc",
        "kubectl patch service/*",
        "kubectl patch svc/*",
        "kubectl patch ingress",
        "aws elbv2 modify-listener",
    ])
});

fn look(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let selects =
        ran.it.name == "aws" || ran.it.operands().any(|a| a.text.contains("selector") || a.text.contains("backend"));
    // An action is called by somebody who may have looked.
    let looked = ran.place.step.is_none() || script.guarded(ran.place);
    if !ran.it.is(&SWITCHES) || !selects || looked || ran.place.role != Role::Doing {
        return None;
    }
    let found =
        RULE.found("traffic goes there without a look", ran.it.span, "with no pod ready behind it, this is an outage");
    Some(found.help(
        "look first, in the same step: `guard \"green is ready\": $(kubectl get deploy/green -o json).json().status.readyReplicas > 0`; on the way back too",
    ))
}
