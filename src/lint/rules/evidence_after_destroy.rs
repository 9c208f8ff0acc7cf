//! The logs are collected when what wrote them is gone.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::EvidenceAfterDestroy, severity: Severity::Error, look: Look::Script(look) };

static ENDS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "kubectl delete",
        "kubectl scale ?[--replicas=0]",
        "docker rm",
        "docker kill",
        "docker compose down",
        "celery purge",
    ])
});

static EVIDENCE: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&["kubectl logs", "kubectl describe", "docker logs", "docker inspect", "docker compose logs"])
});

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (i, ran) in script.commands.iter().enumerate() {
        let Some(gone) = ended(&ran.it) else { continue };
        let evidence = |other: &Placed<Ran>| looks_at(&other.it, gone);
        let (before, after) = (script.commands.get(..i), script.commands.get(i + 1..));
        if before.unwrap_or_default().iter().any(evidence) {
            continue;
        }
        if let Some(late) = after.unwrap_or_default().iter().find(|other| evidence(other)) {
            let message = format!("what `{gone}` could tell is asked for when it is gone");
            let finding = RULE.found(message, late.it.span, "too late").label(ran.it.span, "gone here");
            found.push(finding.help("collect its logs first: in a step of their own, above"));
        }
    }
    found
}

/// The name of what ends: `novacron-api-green` of `deployment/novacron-api-green`.
fn ended(ran: &Ran) -> Option<&str> {
    if ran.name == "celery" {
        return ran.has("purge").then_some("celery");
    }
    if !ran.is(&ENDS) {
        return None;
    }
    let verbs = ["delete", "scale", "rm", "kill", "down"];
    let words = ran.operands().map(|a| a.text.as_str()).skip_while(|w| !verbs.contains(w)).skip(1);
    let kinds = ["deployment", "deploy", "pod", "pods", "statefulset", "job"];
    words.filter(|w| !kinds.contains(w)).map(bare).find(|w| !w.is_empty())
}

fn looks_at(ran: &Ran, gone: &str) -> bool {
    if gone == "celery" {
        return ran.name == "celery" && ran.has("inspect");
    }
    ran.is(&EVIDENCE) && ran.operands().any(|a| bare(&a.text) == gone)
}

fn bare(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}
