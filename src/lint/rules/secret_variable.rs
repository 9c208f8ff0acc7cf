//! A secret of the environment in the arguments of a program: everybody on the machine can read it.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::SecretVariable, severity: Severity::Warning, look: Look::Command(look) };

/// Their arguments are nobody's to see: they start no process.
const BUILTINS: [&str; 6] = ["echo", "printf", "test", "[", "export", "read"];

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    if BUILTINS.contains(&ran.name.as_str()) || ran.name.is_empty() {
        return None;
    }
    let (arg, name) = ran.args.iter().find_map(|a| Some((a, a.variables.iter().find(|v| secret(v))?)))?;
    let found = RULE.found(
        format!("`${name}` stands in the process list"),
        arg.span,
        "everybody on the machine can read it there",
    );
    Some(found.help(format!(
        "make it a secret of the runbook (`secret token = env(\"{name}\")`) and use it where it is not seen: `http.post(…, bearer: token)`, `notify.slack(…)`, `with stdin(token) {{ … }}`"
    )))
}

fn secret(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    words.iter().any(|w| matches!(*w, "PASSWORD" | "PASSWD" | "SECRET" | "TOKEN" | "WEBHOOK" | "APIKEY"))
        || name.ends_with("API_KEY")
        || name.ends_with("SECRET_KEY")
}
