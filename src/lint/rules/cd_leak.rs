//! `cd`, `source venv/bin/activate`, `export` alone in a command: each `$` is a shell of its own.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::CdLeak, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let last_of_its_own = |i: usize, ran: &Placed<Ran>| {
        let behind = script.commands.get(i + 1..).unwrap_or_default();
        !behind.iter().any(|next| {
            next.place.command == ran.place.command && !next.it.substituted && next.it.inside == ran.it.inside
        })
    };
    let all = script.commands.iter().enumerate();
    all.filter(|(i, ran)| !ran.it.substituted && last_of_its_own(*i, ran))
        .filter_map(|(_, ran)| leaks(&ran.it))
        .collect()
}

fn leaks(ran: &Ran) -> Option<Diagnostic> {
    let first = ran.args.first().map(|a| a.text.as_str()).unwrap_or_default();
    let help = match ran.name.as_str() {
        "cd" | "pushd" => "write `with dir(\"…\") { … }` around what runs there",
        "source" | "." if first.ends_with("activate") => {
            "call what the environment holds by its path (`venv/bin/pip …`), or write `with env({ PATH: \"…\" }) { … }` around it"
        }
        "conda" | "nvm" | "pyenv" | "rbenv" if matches!(first, "activate" | "use" | "shell") => {
            "call it by its path, or write `with env({ … }) { … }` around what needs it"
        }
        "source" | "." => "write it in front of what needs it, in one command: `$ . ./settings && ./run`",
        "export" | "declare" | "unset" | "umask" | "ulimit" | "alias" | "set" if !ran.args.is_empty() => {
            "write `with env({ NAME: \"…\" }) { … }` around what needs it, or one script `$ \"\"\" … \"\"\"`"
        }
        "" if !ran.assignments.is_empty() && ran.args.is_empty() => {
            "`let name = $ …` keeps a value; `with env({ NAME: … }) { … }` hands one to commands"
        }
        _ => return None,
    };
    let what = if ran.name.is_empty() { "the variable" } else { ran.name.as_str() };
    let message = if ran.name.is_empty() {
        "a variable that is set here is gone at the end of the line".to_owned()
    } else {
        format!("`{what}` has no effect on the next command")
    };
    Some(RULE.found(message, ran.span, "each `$` is a shell of its own").help(help))
}
