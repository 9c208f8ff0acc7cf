//! The first lines of a list that begins with the oldest.
use crate::check::shell::ran::Then;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::OldestFirst, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for pair in script.commands.windows(2) {
        let [list, head] = pair else { continue };
        let sorted = list.it.name == "kubectl"
            && list.it.then == Then::Pipe
            && list.it.value_of(&["--sort-by"]).is_some_and(|by| by.to_ascii_lowercase().contains("time"));
        if sorted && list.place.command == head.place.command && head.it.name == "head" {
            found.push(
                RULE.found("these are the oldest, not the latest", head.it.span, "`--sort-by` begins with the oldest")
                    .help("`tail -n 20` shows the latest"),
            );
        }
    }
    found
}
