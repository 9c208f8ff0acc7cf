//! A command that prints secrets into the transcript of the run.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::SecretInOutput, severity: Severity::Warning, look: Look::Script(look) };

static PRINTS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "docker-compose config ![-q --quiet --services]",
        "docker compose config ![-q --quiet --services --images]",
        "kubectl get secret ?[-o= --output=]",
        "kubectl get secrets ?[-o= --output=]",
    ])
});

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (i, ran) in script.commands.iter().enumerate() {
        let goes_on = || {
            let next = script.commands.get(i + 1).filter(|next| next.place.command == ran.place.command);
            next.is_some_and(|next| {
                next.it.fed && !matches!(next.it.name.as_str(), "grep" | "sort" | "head" | "tail" | "less" | "cat")
            })
        };
        let shown = ran.place.role == Role::Doing
            && !ran.it.substituted
            && !ran.it.redirects.iter().any(|(op, _)| op.starts_with('>'));
        if shown && prints(&ran.it) && !goes_on() {
            found.push(
                RULE.found("this may print secrets, and what it prints is kept", ran.it.span, "into the terminal and the journal")
                    .help("ask for the one thing that is needed, and compare it: `guard \"the host\": $(printenv DB_HOST) == host`"),
            );
        }
    }
    found
}

fn prints(ran: &Ran) -> bool {
    let secret = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["password", "secret_key", "database_url", "api_key", "token"].iter().any(|w| text.contains(w))
    };
    match ran.name.as_str() {
        "env" | "printenv" => ran.args.is_empty() || ran.args.iter().any(|a| secret(&a.text)),
        "cat" | "head" | "less" => ran.operands().any(|a| a.text == ".env" || a.text.ends_with("/.env")),
        "echo" => ran.args.iter().any(|a| a.variables.iter().any(|v| secret(v))),
        _ if ran.is(&PRINTS) => true,
        _ => ran
            .code
            .iter()
            .any(|code| code.tool.starts_with("python") && code.text.contains("print(") && secret(&code.text)),
    }
}
