//! A person's word is asked for where something could be looked at.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Script, text};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::WordForEvidence, severity: Severity::Warning, look: Look::Script(look) };

/// What has been done.
const DONE: [&str; 8] =
    ["tested", "verified", "rehearsed", "backed up", "backup taken", "checked", "restored", "drilled"];

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let claims = script.questions.iter().filter(|question| claims(&text(&question.it.parts)));
    let found = claims.map(|question| {
        RULE.found("a person's word for what has been done", question.it.span, "nobody looks, and a yes is quick").help(
            "ask what knows it: `let drill = runs.last(\"Restore drill\")` and `guard \"a restore was tested\": drill != null and drill.ago < 7d`; or look at the thing itself",
        )
    });
    found.collect()
}

/// It says that something was done, and since when.
fn claims(question: &str) -> bool {
    let said = question.to_lowercase();
    let since = ["last ", "past ", "within ", " ago", "today", "this week", "recently"];
    DONE.iter().any(|done| said.contains(done)) && since.iter().any(|word| said.contains(word))
}
