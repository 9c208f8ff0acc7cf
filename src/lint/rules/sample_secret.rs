//! A password in the text: of a template, or a real one that everybody can read.
use crate::check::shell::ran::{Arg, COMPUTED, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Script, text};
use crate::lint::{Look, Rule};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind};

pub const RULE: Rule = Rule { code: Code::SampleSecret, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for ran in &script.commands {
        // `echo DB_PASSWORD=… >> .env` writes one down as well.
        for arg in ran.it.assignments.iter().chain(&ran.it.args) {
            if let Some((what, secret)) = written(&ran.it, arg) {
                found.push(finding(&what, inside(script, arg.span, secret)));
            }
        }
        if let Some((what, secret)) = given(&ran.it) {
            found.push(finding(&what, inside(script, ran.it.span, secret)));
        }
    }
    found.extend(script.sql.iter().filter(|sql| in_sql(&sql.it.text)).map(|sql| finding("`PASSWORD`", sql.it.span)));
    for placed in &script.texts {
        let text = text(&placed.it.parts);
        if let Some((user, secret)) = in_url(&text) {
            found.push(finding(&of(user), inside(script, placed.it.span, secret)));
        }
    }
    for call in script.calls.iter().filter(|call| call.it.name == "env" && call.it.on.is_none()) {
        found.extend(call.it.args.iter().flat_map(|arg| in_record(&arg.value)));
    }
    found.sort_by_key(Diagnostic::span);
    found.dedup_by(|a, b| a.span().start < b.span().end && b.span().start < a.span().end);
    found
}

fn finding(what: &str, span: Span) -> Diagnostic {
    RULE.found(format!("{what} is a secret, and its value stands here"), span, "everybody who reads this file knows it").help(
        "read it when the run starts (`secret password = env(\"DB_PASSWORD\")`, `file(…)`, `prompt(…)`) and hand it over with `with env({ … })` or `with stdin(…)`",
    )
}

/// The secret itself, where it stands as it is in the text.
fn inside(script: &Script<'_>, span: Span, secret: &str) -> Span {
    let at = script.sources.text(span).rfind(secret).map(|at| span.start as usize + at);
    at.map_or(span, |at| Span::new(span.file, at, at + secret.len()))
}

fn of(user: &str) -> String {
    if user.is_empty() {
        "the password of this address".to_owned()
    } else {
        format!("the password of the user `{user}`")
    }
}

/// What an argument says by itself to be a secret.
fn written<'a>(ran: &Ran, arg: &'a Arg) -> Option<(String, &'a str)> {
    let text = arg.text.as_str();
    if let Some((user, secret)) = in_url(text) {
        return Some((of(user), secret));
    }
    if let Some((name, secret)) = text.split_once(": ")
        && in_header(name)
    {
        let secret = ["Bearer ", "Basic ", "Token "].iter().find_map(|s| secret.strip_prefix(s)).unwrap_or(secret);
        return literal(secret).then(|| (format!("`{name}`"), secret));
    }
    let pair = text.strip_prefix("--from-literal=").unwrap_or(text);
    let (name, secret) = pair.split_once('=')?;
    let kept = ran.name == "kubectl" && ran.has("secret") && (pair.len() < text.len() || !name.starts_with('-'));
    let named = names_secret(name) || kept && !names_file(name);
    (named && literal(secret)).then(|| (format!("`{}`", name.trim_start_matches('-')), secret))
}

/// Programs with the options that a password is given to, in the next word or attached.
const OPTIONS: [(&[&str], Option<&str>, &[&str]); 6] = [
    (&["redis-cli", "valkey-cli"], None, &["-a", "--pass"]),
    (&["sshpass"], None, &["-p"]),
    (&["docker", "podman", "nerdctl", "oc", "az"], Some("login"), &["-p", "--password"]),
    (&["helm"], Some("login"), &["--password"]),
    (&["openssl"], Some("enc"), &["-k", "-pass"]),
    (&["openssl"], None, &["-passin", "-passout"]),
];

/// What a program is given as a password.
fn given(ran: &Ran) -> Option<(String, &str)> {
    let name = ran.name.as_str();
    if matches!(name, "curl" | "wget" | "http") {
        let (user, secret) = ran.value_of(&["-u", "--user", "-a", "--auth"])?.split_once(':')?;
        return literal(secret).then(|| (of(user), secret));
    }
    if matches!(name, "mysql" | "mariadb" | "mysqldump" | "mariadb-dump" | "mysqladmin") {
        // `-p db` asks, and goes to `db`.
        let attached = |arg: &Arg| arg.text.strip_prefix("-p").filter(|t| !t.is_empty()).map(str::len);
        let arg = ran.args.iter().find(|arg| attached(arg).is_some())?;
        let secret = arg.text.get(2..).filter(|secret| literal(secret))?;
        return Some(("the password behind `-p`".to_owned(), secret));
    }
    let fitting = OPTIONS.iter().filter(|(names, word, _)| names.contains(&name) && word.is_none_or(|w| ran.has(w)));
    fitting.into_iter().find_map(|(_, _, options)| {
        let value = ran.value_of(options)?;
        let secret = value.strip_prefix("pass:").unwrap_or(value);
        let elsewhere = ["env:", "file:", "fd:", "stdin"].iter().any(|from| value.starts_with(from));
        let option = options.iter().find(|o| ran.args.iter().any(|a| a.text.starts_with(*o)))?;
        (!elsewhere && literal(secret)).then(|| (format!("the password behind `{option}`"), secret))
    })
}

fn in_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(lower.as_str(), "authorization" | "proxy-authorization") || names_secret(name)
}

fn names_file(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    ["FILE", "PATH", "URL", "NAME", "USER", "USERNAME", "HOST", "PORT"].iter().any(|end| name.ends_with(end))
}

const WORDS: [&str; 12] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRET_KEY",
    "SECRET_ACCESS_KEY",
    "PRIVATE_KEY",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "ACCESS_TOKEN",
    "AUTH_KEY",
];

fn names_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
    let word = |w: &str| name == w || name.ends_with(&format!("_{w}")) || name.starts_with(&format!("{w}_"));
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain
        && (name == "PGPASSWORD" || WORDS.iter().any(|w| word(w)))
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

/// User and password of `postgres://user:password@host`.
fn in_url(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("://")?;
    let (user, _) = rest.split_once('@').filter(|(user, _)| !user.contains(['/', ' ', '?']))?;
    let (name, password) = user.split_once(':')?;
    literal(password).then_some((name, password))
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
    fields.map(|(name, value)| finding(&format!("`{}`", name.text), value.span)).collect()
}
