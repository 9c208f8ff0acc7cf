//! Commands on another host or as another user: behind `ssh` and `sudo` stands one `sh`, which gets everything on its standard
//! input and nothing in an argument: the environment, the script, the command's own input. What stays open of that input is a
//! lease: when its other end goes away, or says so, the far `sh` ends the whole tree of its command (`far.sh`).
//! What happened over there comes back as signs on standard error; without the last one nothing is taken for granted.
pub mod explain;
pub mod hosts;
mod lease;
mod signs;

pub use lease::Lease;
pub use signs::{Signs, Stage};

use std::time::Duration;

use super::words::quote;

/// The whole of what stands in an argument over there. No quote and no newline in it, so that any login shell passes it on.
const BOOT: &str =
    r#"n=$(printf "\nx"); n=${n%x}; p=; while IFS= read -r l; do case $l in .) eval "$p"; exit;; esac; p=$p$l$n; done"#;
const PROGRAM: &str = include_str!("far.sh");

/// A place that a command runs in, instead of here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Host(String),
    User(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Host(host) => write!(f, "on `{host}`"),
            Place::User(user) => write!(f, "as `{user}`"),
        }
    }
}

/// A command as it is started over there. No `Debug`: secrets are in it.
#[derive(Default)]
pub struct Inside {
    pub argv: Vec<String>,
    /// For the end of `argv`, which is a shell and its options.
    pub script: Option<String>,
    /// One in the other.
    pub dirs: Vec<String>,
    pub env: Vec<(String, String)>,
    pub unset: Vec<&'static str>,
    pub stdin: Option<Vec<u8>>,
}

/// What reaches the far `sh`, once it is reached.
#[must_use]
pub fn boot() -> Vec<String> {
    ["sh", "-c", BOOT].map(str::to_owned).to_vec()
}

/// What one call's signs and environment carry; no other call's do.
#[derive(Clone, Debug)]
pub struct Token {
    sign: String,
    mark: String,
}

impl Token {
    #[must_use]
    pub fn new() -> Token {
        let one = || format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Token { sign: format!("rbk:{}", one()), mark: one() }
    }

    #[must_use]
    pub fn sign(&self) -> &str {
        &self.sign
    }
}

/// What the far `sh` reads: the command, and how to attend to it.
#[must_use]
pub fn program(inside: &Inside, token: &Token, marks: &[(&'static str, String)], grace: Duration) -> Vec<u8> {
    let mut environment = String::from("e() { ");
    for name in &inside.unset {
        environment += &format!("unset {name}; ");
    }
    let script = inside.script.iter().map(|script| ("RBK_SCRIPT", script.as_str()));
    let mark = [("RBK_FAR", token.mark.as_str())];
    let marks = marks.iter().map(|(name, value)| (*name, value.as_str()));
    let own = inside.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.chain(marks).chain(mark).chain(script) {
        environment += &format!("export {name}={}; ", word(value));
    }
    let mut enter = String::from("c() { :");
    for dir in &inside.dirs {
        let dir = if dir.starts_with('/') { dir.clone() } else { format!("./{dir}") };
        enter += &format!(" && cd -- {}", word(&dir));
    }
    let (how, text) = match inside.stdin.as_deref().map(input) {
        None => ("none", String::new()),
        Some((how, text)) => (how, text),
    };
    let mut words: Vec<String> = inside.argv.iter().map(|w| word(w)).collect();
    if inside.script.is_some() {
        // Over there the script is no argument either.
        words.push(word("eval \"unset RBK_SCRIPT\n$RBK_SCRIPT\""));
    }
    let text = format!(
        "{}{environment}}}\n{enter}; }}\nI={how}\ni={}\nset -- {}\n{PROGRAM}.\n",
        head(token, grace),
        word(&text),
        words.join(" ")
    );
    text.into_bytes()
}

/// As [`program`], only to end what still carries the mark.
#[must_use]
pub fn sweep(token: &Token, swept: &Token) -> Vec<u8> {
    let token = Token { sign: token.sign.clone(), mark: swept.mark.clone() };
    format!("{}set --\n{PROGRAM}.\n", head(&token, Duration::ZERO)).into_bytes()
}

fn head(token: &Token, grace: Duration) -> String {
    let tenths = grace.as_millis().div_ceil(100);
    format!("t={}\nm={}\ng={tenths}\n", token.sign, token.mark)
}

/// A standard input that a variable can hold: text as it is, other bytes as `printf %b` reads them.
fn input(bytes: &[u8]) -> (&'static str, String) {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => ("text", text.to_owned()),
        _ => {
            let plain =
                |b: u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'\n' | b'.' | b',' | b'-' | b'_' | b'/');
            let each = bytes.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("\\0{b:03o}") });
            ("escaped", each.collect())
        }
    }
}

/// One word on one line: `$n` is the newline.
fn word(text: &str) -> String {
    text.split('\n').map(quote).collect::<Vec<_>>().join("\"$n\"")
}

/// The words that reach the far `sh` of a user on the same machine. Never asks for a password.
#[must_use]
pub fn sudo(user: &str, inner: Vec<String>) -> Vec<String> {
    let before = ["sudo", "-n", "-H", "-u", user, "--"].map(str::to_owned);
    before.into_iter().chain(inner).collect()
}

/// The words that reach a host from a place that is itself far: with a connection of its own.
#[must_use]
pub fn ssh(host: &str, inner: &[String]) -> Vec<String> {
    let before = ["ssh", "-o", "BatchMode=yes", "-o", "RemoteCommand=none", "-T", "--", host].map(str::to_owned);
    before.into_iter().chain([command(inner)]).collect()
}

/// One command line for a login shell.
#[must_use]
pub fn command(inner: &[String]) -> String {
    let words: Vec<String> = inner.iter().map(|w| quote(w)).collect();
    format!("exec {}", words.join(" "))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "runs the program")]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// What the far side makes of it, in this shell: standard output and standard error without signs, and the code.
    fn far(sh: &str, inside: &Inside) -> (Vec<u8>, String, i32) {
        let token = Token::new();
        let text = program(inside, &token, &[("RBK_ACTION", "a'b".into())], Duration::from_secs(1));
        let mut child = Command::new(sh)
            .args(["-c", BOOT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&text).unwrap();
        let (mut out, mut err) = (Signs::new(&token), Signs::new(&token));
        // The lease is held until it has ended.
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        let mut told = out.feed(&output.stdout);
        told.extend(out.rest());
        let mut said = err.feed(&output.stderr);
        said.extend(err.rest());
        (told, String::from_utf8(said).unwrap(), output.status.code().unwrap())
    }

    fn hostile() -> Vec<String> {
        let all: String = ('\u{1}'..='\u{17f}').collect();
        let mut values = vec![String::new(), all, "\n\n".into(), "it's \"q\"\n.\n$(id) `id` \\n %s".into(), ".".into()];
        values.push("😀\u{202e}é\u{81}\u{88}".into());
        values
    }

    #[test]
    fn every_text_arrives_unharmed_as_word_environment_input_and_script() {
        for sh in ["dash", "bash"] {
            for value in hostile() {
                let inside = Inside {
                    argv: ["sh", "-c", "printf '%s|' \"$1\" \"$V\"; cat", "x", &value].map(str::to_owned).to_vec(),
                    env: vec![("V".into(), value.clone())],
                    stdin: Some(value.clone().into_bytes()),
                    dirs: vec!["/".into(), "tmp".into()],
                    ..Inside::default()
                };
                let (out, err, code) = far(sh, &inside);
                assert_eq!(String::from_utf8(out).unwrap(), format!("{value}|{value}|{value}"), "{sh} {value:?}");
                assert_eq!((err.as_str(), code), ("", 0), "{sh} {value:?}");
                let script = format!("pwd; printf %s {}; exit 7", quote(&value));
                let argv = ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).to_vec();
                let inside = Inside { argv, script: Some(script), dirs: vec!["/tmp".into()], ..Inside::default() };
                let (out, err, code) = far(sh, &inside);
                assert_eq!(String::from_utf8(out).unwrap(), format!("/tmp\n{value}"), "{sh} {value:?}");
                assert_eq!((err.as_str(), code), ("", 7), "{sh} {value:?}");
            }
        }
    }

    #[test]
    fn any_bytes_arrive_on_standard_input() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for sh in ["dash", "bash"] {
            let inside = Inside { argv: vec!["cat".into()], stdin: Some(bytes.clone()), ..Inside::default() };
            assert_eq!(far(sh, &inside).0, bytes, "{sh}");
        }
    }

    #[test]
    fn a_sweep_ends_what_carries_the_mark_and_nothing_else() {
        let (token, swept) = (Token::new(), Token::new());
        let sleep = |mark: &str| Command::new("sleep").arg("60").env("RBK_FAR", mark).spawn().unwrap();
        let (mut ours, mut other) = (sleep(&swept.mark), sleep("another"));
        let mut child =
            Command::new("sh").args(["-c", BOOT]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&sweep(&token, &swept)).unwrap();
        let output = child.wait_with_output().unwrap();
        let mut signs = Signs::new(&token);
        signs.feed(&output.stderr);
        assert_eq!(signs.stage, Stage::Ended(0, Vec::new()));
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ours.wait().unwrap()), Some(9));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn a_directory_that_is_not_there_starts_nothing() {
        let inside = Inside { argv: vec!["id".into()], dirs: vec!["/nonexistent".into()], ..Inside::default() };
        assert_eq!(far("sh", &inside).0, b"");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn random_texts_arrive_unharmed(value in "[^\\x00]{0,40}") {
            let argv = ["sh", "-c", "printf '%s|' \"$1\" \"$V\"; cat", "x", &value].map(str::to_owned).to_vec();
            let env = vec![("V".into(), value.clone())];
            let inside = Inside { argv, env, stdin: Some(value.clone().into_bytes()), ..Inside::default() };
            let (out, _, _) = far("sh", &inside);
            proptest::prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{value}|{value}|{value}"));
        }
    }
}
