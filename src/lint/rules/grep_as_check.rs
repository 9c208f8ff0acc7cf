//! `grep` that is there to show something: with nothing to show, it fails.
use crate::check::shell::ran::Then;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::GrepAsCheck, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (i, ran) in script.commands.iter().enumerate() {
        let grep = matches!(ran.it.name.as_str(), "grep" | "egrep" | "fgrep" | "zgrep" | "rg");
        let judged = ran.it.then != Then::Next && ran.it.then != Then::Pipe || ran.it.option("quiet", 'q');
        let shows = ran.place.role == Role::Doing && grep && !judged && !ran.it.substituted && !ran.it.runs_in("watch");
        let tests = script
            .commands
            .get(..i)
            .unwrap_or_default()
            .iter()
            .any(|c| c.place.command == ran.place.command && c.it.name == "if");
        if shows && !tests {
            found.push(
                RULE.found("with nothing to show, `grep` fails, and the step with it", ran.it.span, "no match is exit code 1").help(
                    "say which of both is meant: `guard \"nothing is pending\": not $(… | grep -q …)`; to show lines if there are any, `awk '/…/'`",
                ),
            );
        }
    }
    found
}
