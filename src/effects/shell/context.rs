//! Contexts → how a command is started. Innermost first, because each stands in the world made by those before it. Behind
//! `ssh` and `sudo` that world is another one: what stands inside them is sent there whole.
use std::path::PathBuf;

use super::connection::{self, Carrier};
use super::far::{self, Inside, Place};
use super::words::{self, Words, quote};
use crate::effects::postgres::PasswordFile;
use crate::engine::{Context, Ending, Failure, FailureKind, Outcome};
use crate::value::Value;

/// Everything a spawn needs. No `Debug`: secrets are in it.
#[derive(Default)]
pub struct Launch {
    pub argv: Vec<String>,
    /// For the end of `argv`, which is a shell and its options.
    pub script: Option<String>,
    /// Absent: where rbk runs.
    pub dir: Option<PathBuf>,
    pub env: Vec<(String, String)>,
    pub unset: Vec<&'static str>,
    pub stdin: Option<Vec<u8>>,
    /// Lives as long as the command.
    pub password: Option<PasswordFile>,
    /// `argv` is a command line for this host, over the run's connection to it.
    pub host: Option<String>,
    pub far: Option<Far>,
}

/// A command that runs somewhere else; `argv` leads to the `sh` that gets it.
pub struct Far {
    pub inside: Inside,
    /// Outermost first.
    pub places: Vec<Place>,
}

/// Nothing has been started.
pub fn refused(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Value, message)
}

/// # Errors
/// When a context cannot carry what stands inside it.
pub fn launch(words: Words, contexts: &[Context]) -> Result<Launch, Failure> {
    let mut launch = Launch { argv: words.argv, script: words.script, ..Launch::default() };
    let mut dirs = Vec::new();
    for (i, context) in contexts.iter().enumerate().rev() {
        let outer = Outer::of(contexts.get(..i).unwrap_or_default());
        match context {
            // Between two places, as behind a context of one's own, a directory is entered by a shell.
            Context::Dir(dir) if outer.wrapped || (outer.far && launch.far.is_some()) => enter(&mut launch, dir),
            Context::Dir(dir) => dirs.push(dir.to_string()),
            Context::Env(pairs) => environment(&mut launch, pairs, &outer)?,
            Context::Stdin(value) => input(&mut launch, value)?,
            Context::Connection(_) if !outer.carries || (outer.far && launch.far.is_some()) => {
                return Err(refused("a connection's password cannot reach a command behind a context that does not carry the environment")
                    .with_help("say `carries env` in the context's declaration if it does, or connect over there"));
            }
            Context::Connection(recipe) => {
                let carrier = if outer.far { Carrier::Environment } else { Carrier::File };
                connection::apply(recipe, &mut launch, carrier)?;
            }
            Context::Wrap { argv, reparses, .. } => wrap(&mut launch, argv, *reparses)?,
            Context::Ssh(host) => {
                let host = name("host", host)?;
                away(&mut launch, &mut dirs, Place::Host(host.clone()));
                if outer.wrapped || outer.far {
                    launch.argv = far::ssh(&host, &launch.argv);
                } else {
                    launch.host = Some(host);
                }
            }
            Context::Sudo(user) => {
                let user = user.as_ref().map_or_else(|| Ok("root".to_owned()), |user| name("user", user))?;
                away(&mut launch, &mut dirs, Place::User(user.clone()));
                launch.argv = far::sudo(&user, std::mem::take(&mut launch.argv));
            }
        }
    }
    if !dirs.is_empty() {
        launch.dir = Some(dirs.iter().rev().collect());
    }
    if launch.far.is_none() {
        launch.argv.extend(launch.script.take());
    }
    Ok(launch)
}

/// What stands around a context, up to the place that it is in.
struct Outer {
    /// Another host or user.
    far: bool,
    /// A context of one's own, inside that place.
    wrapped: bool,
    /// All of these carry the environment.
    carries: bool,
}

impl Outer {
    fn of(contexts: &[Context]) -> Outer {
        let place = contexts.iter().rposition(|c| matches!(c, Context::Ssh(_) | Context::Sudo(_)));
        let here = contexts.get(place.map_or(0, |at| at + 1)..).unwrap_or_default();
        let wraps = || {
            here.iter().filter_map(|c| match c {
                Context::Wrap { carries_env, .. } => Some(*carries_env),
                _ => None,
            })
        };
        Outer { far: place.is_some(), wrapped: wraps().next().is_some(), carries: wraps().all(|carries| carries) }
    }
}

/// From here on outwards is another place: what was found so far is sent there.
fn away(launch: &mut Launch, dirs: &mut Vec<String>, place: Place) {
    let mut far = match launch.far.take() {
        Some(far) => far,
        None => {
            let inside = std::mem::take(launch);
            dirs.reverse();
            launch.argv = far::boot();
            let Launch { argv, script, env, unset, stdin, .. } = inside;
            let dirs = std::mem::take(dirs);
            Far { inside: Inside { argv, script, dirs, env, unset, stdin }, places: Vec::new() }
        }
    };
    far.places.insert(0, place);
    launch.far = Some(far);
}

/// The name of a host or a user, as an argument that is no option.
fn name(what: &str, value: &Value) -> Result<String, Failure> {
    let text = words::one(value.expose().0).map_err(|f| refused(format!("the {what}: {}", f.message)))?;
    if text.is_empty() || text.starts_with('-') || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(refused(format!("`{}` cannot be the name of a {what}", crate::value::show::brief(&text))));
    }
    Ok(text)
}

/// The innermost one is the command's own.
fn input(launch: &mut Launch, value: &Value) -> Result<(), Failure> {
    let stdin = match &mut launch.far {
        Some(far) => &mut far.inside.stdin,
        None => &mut launch.stdin,
    };
    if stdin.is_none() {
        *stdin = Some(words::bytes(value)?);
    }
    Ok(())
}

/// Another world's directory is entered by a shell over there.
fn enter(launch: &mut Launch, dir: &str) {
    let dir = if dir.starts_with('/') { dir.to_owned() } else { format!("./{dir}") };
    let before = ["sh", "-c", r#"cd -- "$1" && shift && exec "$@""#, "sh", &dir].map(str::to_owned);
    launch.argv.splice(0..0, before);
}

fn environment(launch: &mut Launch, pairs: &[(crate::value::SmolStr, Value)], outer: &Outer) -> Result<(), Failure> {
    // Between two places there is no environment to put it in.
    let carried = outer.carries && !(outer.far && launch.far.is_some());
    let mut visible = vec!["env".to_owned()];
    for (name, value) in pairs {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() || name.contains(['=', '\0']) || (outer.far && name.contains(odd)) {
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
    launch.argv.extend(launch.script.take());
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
