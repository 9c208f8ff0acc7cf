//! A command's code → the words it is started with, or the script for its shell.
use super::context::refused;
use crate::check::program::Shell;
use crate::engine::{Failure, Piece};
use crate::value::encode::{How, Part, shell};
use crate::value::{Value, method};

/// What a shell would read as more than letters of a word.
const SYNTAX: &str = "|&;<>()$`\\\"'*?[]{}~#!=%\n";

/// What a command is started with.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    pub argv: Vec<String>,
    /// For the end of `argv`, which is a shell and its options.
    pub script: Option<String>,
}

/// The command's own words, or its shell and the script for it.
///
/// # Errors
/// When a value cannot stand where it is.
pub fn argv(code: &[Piece], direct: bool, interpreter: &Shell) -> Result<Words, Failure> {
    for piece in code {
        if let Piece::Value { value, .. } = piece
            && let Some(secret) = method::hidden_in(value)
        {
            return Err(refused(format!("the secret `{secret}` would be visible as an argument"))
                .with_help("pass it in the environment (`with env({ … })`) or on standard input (`with stdin(…)`)"));
        }
    }
    if let Some(path) = from_the_root(code) {
        return Err(refused(format!("a value is empty, and the path behind it would begin at the root: `{path}`")).with_help(
            "say where it is given what it must be (`param dir: string where dir matches r\"^/.+\"`); write `/` where the root is meant",
        ));
    }
    if direct && let Some(argv) = plain(code)? {
        return Ok(Words { argv, script: None });
    }
    let parts: Vec<Part<'_>> = code
        .iter()
        .map(|piece| match piece {
            Piece::Text { text, .. } => Part::Text(text),
            Piece::Value { value, how, .. } => Part::Value(value, *how),
        })
        .collect();
    let script = shell::script(&parts).map_err(refused)?;
    let argv = match interpreter {
        // Started by sshd, bash would read the settings of interactive shells even for a script.
        Shell::Bash => ["bash", "--norc", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec(),
        Shell::Other(name) => vec![name.to_string(), "-eu".into(), "-c".into()],
    };
    Ok(Words { argv, script: Some(script) })
}

/// `#{dir}/*` of an empty value: nobody means that.
fn from_the_root(code: &[Piece]) -> Option<&str> {
    code.iter().enumerate().find_map(|(i, piece)| {
        let Piece::Value { value, .. } = piece else { return None };
        let opens = match i.checked_sub(1).and_then(|before| code.get(before)) {
            None => true,
            Some(Piece::Value { .. }) => false,
            Some(Piece::Text { text, .. }) => shell::opens_word(text.strip_suffix(['"', '\'']).unwrap_or(text)),
        };
        let Some(Piece::Text { text, .. }) = code.get(i + 1) else { return None };
        let path = text.strip_prefix(['"', '\'']).unwrap_or(text);
        let is_empty = matches!(value.expose().0, Value::Str(text) if text.is_empty());
        (opens && is_empty && path.starts_with('/')).then(|| path.split_whitespace().next().unwrap_or(path))
    })
}

/// The words, when there is really nothing in the text for a shell to do.
fn plain(code: &[Piece]) -> Result<Option<Vec<String>>, Failure> {
    let mut done = Vec::new();
    // The word that is being written; None between words.
    let mut open: Option<String> = None;
    for (i, piece) in code.iter().enumerate() {
        match piece {
            Piece::Text { text, .. } => {
                let odd = |c: char| SYNTAX.contains(c) && !matches!(c, '=' | '%' | '#' | '~');
                if text.contains(odd) || text.split([' ', '\t']).any(|w| w.starts_with(['~', '#'])) {
                    return Ok(None);
                }
                for c in text.chars() {
                    if matches!(c, ' ' | '\t') {
                        done.extend(open.take());
                    } else {
                        open.get_or_insert_default().push(c);
                    }
                }
            }
            Piece::Value { value: Value::List(items), .. } if open.is_none() && !touches(code.get(i + 1)) => {
                for item in items.iter() {
                    done.push(one(item)?);
                }
            }
            Piece::Value { value, how: How::Bare, .. } if !matches!(value, Value::List(_)) => {
                open.get_or_insert_default().push_str(&one(value)?);
            }
            Piece::Value { .. } => return Ok(None),
        }
    }
    done.extend(open);
    // `A=b cmd` is an assignment.
    let assigns = done.first().is_none_or(|first| first.contains('='));
    Ok((!assigns).then_some(done))
}

/// Whether the next piece goes on with the same word.
fn touches(next: Option<&Piece>) -> bool {
    match next {
        None => false,
        Some(Piece::Value { .. }) => true,
        Some(Piece::Text { text, .. }) => !text.starts_with([' ', '\t']),
    }
}

/// The words of a value, as an argument vector takes them.
///
/// # Errors
/// When it has none: null, a NUL.
pub fn words(value: &Value) -> Result<Vec<String>, Failure> {
    shell::words(value).map_err(refused)
}

/// The one word of a value.
///
/// # Errors
/// As [`words`]; a list.
pub fn one(value: &Value) -> Result<String, Failure> {
    match <[String; 1]>::try_from(words(value)?) {
        Ok([word]) if !matches!(value.expose().0, Value::List(_)) => Ok(word),
        _ => Err(refused("a list is not one word")),
    }
}

/// What goes to a standard input: the value's text, nothing added.
///
/// # Errors
/// As [`one`].
pub fn bytes(value: &Value) -> Result<Vec<u8>, Failure> {
    match value.expose().0 {
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        Value::Str(text) => Ok(text.as_bytes().to_vec()),
        other => one(other).map(String::into_bytes),
    }
}

/// Quoted for one more shell.
pub fn quote(word: &str) -> String {
    shell::single(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    fn text(text: &str) -> Piece {
        Piece::Text { text: text.into(), span: Span::default() }
    }

    fn value(value: Value) -> Piece {
        Piece::Value { value, how: How::Bare, span: Span::default() }
    }

    #[test]
    fn words_are_split_at_blanks_and_never_inside_a_value() {
        let code = [text("./deploy.sh --to="), value(Value::str("a b;$(c)")), text("  x "), value(Value::str(""))];
        assert_eq!(argv(&code, true, &Shell::Bash).unwrap().argv, ["./deploy.sh", "--to=a b;$(c)", "x", ""]);
    }

    #[test]
    fn a_list_is_one_word_each() {
        let hosts = Value::list(vec![Value::str("a"), Value::str("b c")]);
        let code = [text("ping "), value(hosts.clone()), text(" -q")];
        assert_eq!(argv(&code, true, &Shell::Bash).unwrap().argv, ["ping", "a", "b c", "-q"]);
        assert!(argv(&[text("ping --hosts="), value(hosts)], true, &Shell::Bash).is_err());
        let none = [text("ping "), value(Value::list(Vec::new()))];
        assert_eq!(argv(&none, true, &Shell::Bash).unwrap().argv, ["ping"]);
    }

    #[test]
    fn what_only_a_shell_reads_goes_to_the_shell() {
        for code in ["a | b", "a > b", "A=b c", "ls *", "echo 'x'", "ls ~", "a # b", "echo \\x"] {
            let argv = argv(&[text(code)], true, &Shell::Other("dash".into())).unwrap();
            assert_eq!(argv.argv, ["dash", "-eu", "-c"], "{code}");
            assert_eq!(argv.script.as_deref(), Some(code));
        }
        let argv = argv(&[text("curl http://h/?a=1")], true, &Shell::Bash).unwrap();
        assert_eq!(argv.argv[0], "bash");
    }

    #[test]
    fn a_secret_is_no_argument() {
        let secret = crate::value::Secret::hide("token".into(), Value::str("hunter2"));
        for direct in [true, false] {
            let hidden = Value::list(vec![secret.clone()]);
            for v in [secret.clone(), hidden] {
                let failure = argv(&[text("curl "), value(v)], direct, &Shell::Bash).unwrap_err();
                assert!(failure.message.contains("`token`"), "{}", failure.message);
                assert!(!format!("{failure:?}").contains("hunter2"));
            }
        }
    }
}
