//! `curl` without `--fail`: an answer 500 is a success.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::CurlNoFail, severity: Severity::Warning, look: Look::Command(look) };

fn look(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    let (option, judged) = match ran.name.as_str() {
        "curl" => ("--fail", ran.option("fail", 'f') || ran.option("fail-with-body", 'f') || looks(ran)),
        "http" | "https" => ("--check-status", ran.option("check-status", '\0')),
        _ => return None,
    };
    if judged || ran.option("version", 'V') || ran.option("help", 'h') {
        return None;
    }
    let found = RULE.found(
        format!("`{}` succeeds whatever the server answers", ran.name),
        ran.span,
        "an answer like 500 is a success here",
    );
    let found = found.help(format!("add `{option}`, or use `http.get(…)`, which fails for anything but a 2xx"));
    // In the code of another shell its place is not known.
    if script.sources.text(ran.head) != ran.name {
        return Some(found);
    }
    Some(found.fix(format!("add `{option}`"), vec![(ran.head.after(), format!(" {option}"))]))
}

/// The code is written out, for somebody to look at.
fn looks(curl: &Ran) -> bool {
    curl.value_of(&["-w", "--write-out"])
        .is_some_and(|format| format.contains("http_code") || format.contains("response_code"))
}
