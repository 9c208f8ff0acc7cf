//! `raw(…)`: a value that is code from now on.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::RawCode, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let raw = script.calls.iter().filter(|call| call.it.name == "raw" && call.it.on.is_none());
    let found = raw.map(|call| {
        RULE.found("this value is code, whatever is in it", call.it.span, "nothing is quoted here").help(
            "let the place quote it (`#{x}`, `#{ident(x)}` for a name in SQL); else say why: `# rbk: allow(raw-code) reason`",
        )
    });
    found.collect()
}
