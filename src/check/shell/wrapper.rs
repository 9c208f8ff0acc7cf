//! Commands that run another command: where the inner one starts among their words.
use super::tree::Word;

/// A wrapper, its options that take a value in the next word, and how many operands stand before the command.
struct Wrapper {
    name: &'static str,
    values: &'static [&'static str],
    operands: usize,
    /// Runs the command as if it stood alone: what it does is what the command does, and nothing is added to it.
    transparent: bool,
}

const fn wrapper(name: &'static str, values: &'static [&'static str], operands: usize, transparent: bool) -> Wrapper {
    Wrapper { name, values, operands, transparent }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper("sudo", &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t", "--user", "--group"], 0, false),
    wrapper("doas", &["-u", "-C"], 0, false),
    wrapper("runuser", &["-u", "-g", "-G"], 0, false),
    wrapper("env", &["-u", "-C", "--unset", "--chdir"], 0, false),
    wrapper("nice", &["-n", "--adjustment"], 0, true),
    wrapper("ionice", &["-c", "-n"], 0, true),
    wrapper("nohup", &[], 0, false),
    wrapper("setsid", &[], 0, false),
    wrapper("timeout", &["-k", "-s", "--signal", "--kill-after"], 1, true),
    wrapper("stdbuf", &["-i", "-o", "-e"], 0, true),
    wrapper("command", &[], 0, true),
    wrapper("exec", &["-a"], 0, false),
    wrapper("flock", &["-w", "-E", "--timeout"], 1, false),
    wrapper(
        "xargs",
        &["-I", "-n", "-P", "-L", "-d", "-a", "-E", "-s", "--max-args", "--max-procs", "--delimiter"],
        0,
        false,
    ),
    wrapper("chroot", &[], 1, false),
    wrapper("strace", &["-e", "-o", "-p"], 0, false),
    wrapper("watch", &["-n", "--interval"], 0, false),
    wrapper("chronic", &[], 0, false),
];

/// The words of the command that these words run, and whether it runs as if it stood alone.
#[must_use]
pub fn inner(words: &[Word]) -> Option<(&[Word], bool)> {
    let name = words.first()?.literal()?;
    let name = name.rsplit('/').next()?;
    match name {
        "find" => {
            let at = words.iter().position(|w| matches!(w.bare(), Some("-exec" | "-execdir" | "-ok" | "-okdir")))?;
            return Some((words.get(at + 1..)?, false));
        }
        "kubectl" | "oc" if has(words, "exec") => return Some((after_dashes(words)?, false)),
        "docker" | "podman" | "nerdctl" | "docker-compose" if has(words, "exec") => return container(words),
        "poetry" | "pipenv" | "uv" | "pdm" | "rye" if words.get(1).and_then(Word::bare) == Some("run") => {
            return Some((operands(words.get(2..)?, &["--with", "--extra", "--group", "-p", "--python"], 0)?, false));
        }
        "bundle" if words.get(1).and_then(Word::bare) == Some("exec") => {
            return Some((operands(words.get(2..)?, &[], 0)?, false));
        }
        "npx" | "bunx" => return Some((operands(words.get(1..)?, &["-p", "--package"], 0)?, false)),
        _ => {}
    }
    let wrapper = WRAPPERS.iter().find(|w| w.name == name)?;
    if name == "command" && words.get(1).and_then(Word::bare).is_some_and(|w| w.starts_with('-')) {
        return None;
    }
    let rest = operands(words.get(1..)?, wrapper.values, wrapper.operands)?;
    let at = rest.iter().position(|w| !is_assignment(&w.opening()))?;
    Some((rest.get(at..)?, wrapper.transparent))
}

fn has(words: &[Word], what: &str) -> bool {
    words.iter().any(|w| w.bare() == Some(what))
}

fn after_dashes(words: &[Word]) -> Option<&[Word]> {
    let at = words.iter().position(|w| w.bare() == Some("--"))?;
    words.get(at + 1..)
}

/// `docker [compose] exec [options] CONTAINER command …`
fn container(words: &[Word]) -> Option<(&[Word], bool)> {
    let at = words.iter().position(|w| w.bare() == Some("exec"))?;
    let values = &["-e", "-u", "-w", "--env", "--user", "--workdir", "--env-file", "--index"];
    Some((operands(words.get(at + 1..)?, values, 1)?, false))
}

/// What follows the options and `skip` operands that open `words`.
#[must_use]
pub fn operands<'a>(mut words: &'a [Word], values: &[&str], mut skip: usize) -> Option<&'a [Word]> {
    loop {
        let (word, rest) = words.split_first()?;
        let opening = word.opening();
        if opening == "--" {
            words = rest;
        } else if opening.starts_with('-') {
            let takes = word.literal().is_some_and(|w| values.contains(&&*w));
            words = if takes { rest.split_first()?.1 } else { rest };
        } else if skip > 0 {
            skip -= 1;
            words = rest;
        } else {
            return Some(words);
        }
    }
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}
