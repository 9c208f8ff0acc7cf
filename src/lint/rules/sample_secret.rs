//! A password in the text: of a template, or a real one that everybody can read.
use crate::check::shell::ran::COMPUTED;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Script, text};
use crate::lint::{Look, Rule};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind};

pub const RULE: Rule = Rule { code: Code::SampleSecret, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for ran in &script.commands {
        let ran = &ran.it;
        // `echo DB_PASSWORD=… >> .env` writes one down as well.
        for arg in ran.assignments.iter().chain(&ran.args) {
            if let Some((name, value)) = arg.text.split_once('=')
                && names_secret(name)
                && literal(value)
            {
                found.push(finding(name.trim_start_matches('-'), arg.span));
            } else if let Some(user) = in_url(&arg.text) {
                found.push(finding(&format!("the password of `{user}`"), arg.span));
            } else if bearer(&arg.text) {
                found.push(finding("Authorization", arg.span));
            }
        }
        if matches!(ran.name.as_str(), "curl" | "wget")
            && let Some((_, password)) = ran.value_of(&["-u", "--user"]).and_then(|user| user.split_once(':'))
            && literal(password)
        {
            found.push(finding("-u", ran.span));
        }
    }
    found.extend(script.sql.iter().filter(|sql| in_sql(&sql.it.text)).map(|sql| finding("PASSWORD", sql.it.span)));
    for placed in &script.texts {
        if let Some(user) = in_url(&text(&placed.it.parts)) {
            found.push(finding(&format!("the password of `{user}`"), placed.it.span));
        }
    }
    for call in script.calls.iter().filter(|call| call.it.name == "env" && call.it.on.is_none()) {
        found.extend(call.it.args.iter().flat_map(|arg| in_record(&arg.value)));
    }
    found.sort_by_key(Diagnostic::span);
    found.dedup_by_key(|d| d.span());
    found
}

fn finding(name: &str, span: Span) -> Diagnostic {
    let what = if name.contains('`') { name.to_owned() } else { format!("`{name}`") };
    RULE.found(format!("{what} is a secret, and its value stands here"), span, "everybody who reads this file knows it").help(
        "read it when the run starts (`secret password = env(\"DB_PASSWORD\")`, `file(…)`, `prompt(…)`) and hand it over with `with env({ … })` or `with stdin(…)`",
    )
}

fn names_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
    let word = |w: &str| name == w || name.ends_with(&format!("_{w}")) || name.starts_with(&format!("{w}_"));
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain
        && (name == "PGPASSWORD"
            || ["PASSWORD", "PASSWD", "SECRET", "SECRET_KEY", "TOKEN", "API_KEY"].iter().any(|w| word(w)))
        && !["_FILE", "_PATH", "_URL", "_NAME"].iter().any(|end| name.ends_with(end))
}

/// It is written out, and is no name of something else.
fn literal(value: &str) -> bool {
    value.len() >= 3
        && !value.contains(COMPUTED)
        && !value.starts_with(['$', '/', '<'])
        && value.chars().any(|c| c.is_ascii_alphabetic())
        && !matches!(value, "true" | "false" | "none" | "null")
}

/// The user of `postgres://user:password@host`.
fn in_url(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let (user, _) = rest.split_once('@').filter(|(user, _)| !user.contains(['/', ' ', '?']))?;
    let (name, password) = user.split_once(':')?;
    literal(password).then_some(if name.is_empty() { "password" } else { name })
}

fn bearer(text: &str) -> bool {
    let token =
        text.strip_prefix("Authorization: ").and_then(|t| t.strip_prefix("Bearer ").or(t.strip_prefix("Basic ")));
    token.is_some_and(literal)
}

/// `ALTER USER x WITH PASSWORD 'y'`
fn in_sql(sql: &str) -> bool {
    let value = sql.split_once("PASSWORD '").map(|(_, rest)| rest.split('\'').next().unwrap_or_default());
    value.is_some_and(literal)
}

/// `{ DB_PASSWORD: "x" }`
fn in_record(record: &Expr) -> Vec<Diagnostic> {
    let ExprKind::Record(fields) = &record.kind else { return Vec::new() };
    let written = |value: &Expr| matches!(&value.kind, ExprKind::Str(t) if literal(&text(&t.parts)));
    let fields = fields.iter().filter(|(name, value)| names_secret(&name.text) && written(value));
    fields.map(|(name, value)| finding(&name.text, value.span)).collect()
}
