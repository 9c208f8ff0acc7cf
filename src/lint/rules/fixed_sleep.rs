//! A pause in place of a state: too short on a bad day, too long on a good one.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};
use crate::syntax::ast::StmtKind;

pub const RULE: Rule = Rule { code: Code::FixedSleep, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = script.commands.iter().filter_map(|ran| sleeps(script, ran)).collect();
    let hoping = script.waits.iter().filter(|wait| matches!(wait.it.1.map(|s| &s.kind), Some(StmtKind::Guard(_))));
    found.extend(hoping.map(|wait| {
        let label = "too short on a bad day, too long on a good one";
        RULE.found("a pause in place of a state", wait.it.0.span, label)
            .help("wait for what the guard asks, up to a limit: `wait up to 1m every 1s until …`")
    }));
    found
}

fn sleeps(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    if ran.it.name != "sleep" || ran.place.role == Role::Beside || looped(script, ran) {
        return None;
    }
    let found =
        RULE.found("a pause in place of a state", ran.it.span, "too short on a bad day, too long on a good one");
    Some(found.help(
        "wait for what is meant, up to a limit: `wait up to 1m every 1s until site.get(\"/health/\")`; a pause as such is `wait 30s`, which a crash does not lose",
    ))
}

/// `until … do sleep 1; done` asks for a state.
fn looped(script: &Script<'_>, ran: &Placed<Ran>) -> bool {
    let span = script.extents.iter().filter(|e| e.contains(ran.it.span)).min_by_key(|e| e.end - e.start);
    let text = span.map_or("", |span| script.sources.text(*span));
    ["while ", "until ", "for "].iter().any(|word| text.contains(word)) && text.contains("done")
}
