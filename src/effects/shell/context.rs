//! Contexts → how a command is started. Innermost first, because each stands in the world made by those before it.
use std::path::PathBuf;

use super::connection;
use super::words::{self, quote};
use crate::effects::postgres::PasswordFile;
use crate::engine::{Context, Ending, Failure, FailureKind, Outcome};
use crate::value::Value;

/// Everything a spawn needs. No `Debug`: secrets are in it.
#[derive(Default)]
pub struct Launch {
    pub argv: Vec<String>,
    /// Absent: where rbk runs.
    pub dir: Option<PathBuf>,
    pub env: Vec<(String, String)>,
    pub unset: Vec<&'static str>,
    pub stdin: Option<Vec<u8>>,
    /// Lives as long as the command.
    pub password: Option<PasswordFile>,
}

/// Nothing has been started.
pub fn refused(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Value, message)
}

/// # Errors
/// When a context cannot carry what stands inside it.
pub fn launch(argv: Vec<String>, contexts: &[Context]) -> Result<Launch, Failure> {
    let mut launch = Launch { argv, ..Launch::default() };
    let mut dirs = Vec::new();
    for (i, context) in contexts.iter().enumerate().rev() {
        let outer = contexts.get(..i).unwrap_or_default();
        let mut wraps = outer.iter().filter_map(|c| match c {
            Context::Wrap { carries_env, .. } => Some(*carries_env),
            _ => None,
        });
        let inside = outer.iter().any(|c| matches!(c, Context::Wrap { .. }));
        let carried = wraps.all(|carries| carries);
        match context {
            Context::Dir(dir) if inside => enter(&mut launch, dir),
            Context::Dir(dir) => dirs.push(dir.to_string()),
            Context::Env(pairs) => environment(&mut launch, pairs, carried)?,
            Context::Stdin(value) => {
                if launch.stdin.is_none() {
                    launch.stdin = Some(words::bytes(value)?);
                }
            }
            Context::Connection(_) if !carried => {
                return Err(refused("a connection's password cannot reach a command behind a context that does not carry the environment")
                    .with_help("say `carries env` in the context's declaration if it does, or connect over there"));
            }
            Context::Connection(recipe) => connection::apply(recipe, &mut launch)?,
            Context::Wrap { argv, reparses, .. } => wrap(&mut launch, argv, *reparses)?,
            Context::Ssh(_) => return Err(not_yet("ssh")),
            Context::Sudo(_) => return Err(not_yet("sudo")),
        }
    }
    if !dirs.is_empty() {
        launch.dir = Some(dirs.iter().rev().collect());
    }
    Ok(launch)
}

fn not_yet(what: &str) -> Failure {
    refused(format!("`with {what}` does not run in this release"))
        .with_help(format!("a context of your own can stand in for it: `context there() = [\"{what}\", …]`"))
}

/// Another world's directory is entered by a shell over there.
fn enter(launch: &mut Launch, dir: &str) {
    let dir = if dir.starts_with('/') { dir.to_owned() } else { format!("./{dir}") };
    let before = ["sh", "-c", r#"cd -- "$1" && shift && exec "$@""#, "sh", &dir].map(str::to_owned);
    launch.argv.splice(0..0, before);
}

fn environment(launch: &mut Launch, pairs: &[(crate::value::SmolStr, Value)], carried: bool) -> Result<(), Failure> {
    let mut visible = vec!["env".to_owned()];
    for (name, value) in pairs {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(refused(format!("`{name}` cannot be the name of an environment variable")));
        }
        let (plain, secret) = value.expose();
        let text = words::one(plain).map_err(|f| refused(format!("environment variable `{name}`: {}", f.message)))?;
        if carried {
            // The innermost one wins.
            if !launch.env.iter().any(|(n, _)| n == name.as_str()) {
                launch.env.push((name.to_string(), text));
            }
        } else if secret.is_some() {
            return Err(refused(format!(
                "the secret `{name}` cannot reach a command behind a context that does not carry the environment"
            ))
            .with_help("say `carries env` in the context's declaration if it does, or use `with stdin(…)`"));
        } else {
            visible.push(format!("{name}={text}"));
        }
    }
    if visible.len() > 1 {
        launch.argv.splice(0..0, visible);
    }
    Ok(())
}

fn wrap(launch: &mut Launch, prefix: &[Value], reparses: bool) -> Result<(), Failure> {
    if reparses {
        for word in &mut launch.argv {
            *word = quote(word);
        }
    }
    let mut before = Vec::new();
    for value in prefix {
        before.extend(words::words(value)?);
    }
    launch.argv.splice(0..0, before);
    Ok(())
}

/// A call that was refused before it did anything.
#[must_use]
pub fn nothing_done(failure: Failure) -> Outcome {
    Outcome::failed(Ending::None, failure)
}
