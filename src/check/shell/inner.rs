//! Which holes land in code that another program interprets: quoting them for the shell does not make them harmless there.
use crate::source::Span;
use crate::value::SmolStr;

use super::tree::{Simple, Then, Word};
use super::{pattern, ran, wrapper};

/// Where a program takes code from its arguments.
enum Takes {
    /// In the word after one of these options, or attached to it.
    Option(&'static [&'static str]),
    /// The first operand, unless one of the options named first gives the code; the others take a value.
    First { instead: &'static [&'static str], values: &'static [&'static str] },
    /// Every operand after the first so many; these options take a value.
    After { skip: usize, values: &'static [&'static str] },
}

struct Interpreter {
    names: &'static [&'static str],
    takes: Takes,
    /// Without code in its arguments it reads code from standard input.
    stdin: bool,
}

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["bash", "sh", "dash", "zsh", "ksh", "ash", "fish"],
        takes: Takes::Option(&["-c"]),
        stdin: true,
    },
    Interpreter { names: &["su", "runuser"], takes: Takes::Option(&["-c", "--command"]), stdin: false },
    Interpreter { names: &["python", "python3", "python2"], takes: Takes::Option(&["-c"]), stdin: true },
    Interpreter { names: &["perl", "ruby"], takes: Takes::Option(&["-e", "-E"]), stdin: true },
    Interpreter {
        names: &["node", "deno", "bun"],
        takes: Takes::Option(&["-e", "-p", "--eval", "--print"]),
        stdin: true,
    },
    Interpreter { names: &["php"], takes: Takes::Option(&["-r"]), stdin: true },
    Interpreter { names: &["lua"], takes: Takes::Option(&["-e"]), stdin: true },
    Interpreter { names: &["psql"], takes: Takes::Option(&["-c", "--command"]), stdin: true },
    Interpreter { names: &["mysql", "mariadb"], takes: Takes::Option(&["-e", "--execute"]), stdin: true },
    Interpreter { names: &["clickhouse-client"], takes: Takes::Option(&["-q", "--query"]), stdin: true },
    Interpreter { names: &["mongosh", "mongo"], takes: Takes::Option(&["--eval"]), stdin: true },
    Interpreter { names: &["cqlsh"], takes: Takes::Option(&["-e"]), stdin: true },
    Interpreter {
        names: &["sqlite3"],
        takes: Takes::After { skip: 1, values: &["-cmd", "-separator", "-init"] },
        stdin: true,
    },
    Interpreter {
        names: &["jq", "yq", "gojq"],
        takes: Takes::First {
            instead: &["-f", "--from-file"],
            values: &["-L", "--indent", "--arg", "--argjson", "--slurpfile", "--rawfile"],
        },
        stdin: false,
    },
    Interpreter {
        names: &["awk", "gawk", "mawk", "nawk"],
        takes: Takes::First { instead: &["-f", "--file"], values: &["-F", "-v", "--field-separator", "--assign"] },
        stdin: false,
    },
    Interpreter {
        names: &["sed"],
        takes: Takes::First { instead: &["-f", "--file", "-e", "--expression"], values: &["-l", "--line-length"] },
        stdin: false,
    },
    Interpreter { names: &["sed"], takes: Takes::Option(&["-e", "--expression"]), stdin: false },
    Interpreter {
        names: &["ssh"],
        takes: Takes::After {
            skip: 1,
            values: &[
                "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-p", "-Q", "-R",
                "-S", "-W", "-w",
            ],
        },
        stdin: true,
    },
    Interpreter { names: &["eval"], takes: Takes::After { skip: 0, values: &[] }, stdin: false },
    Interpreter { names: &["trap"], takes: Takes::First { instead: &[], values: &[] }, stdin: false },
    Interpreter {
        names: &["watch"],
        takes: Takes::First { instead: &[], values: &["-n", "--interval"] },
        stdin: false,
    },
];

/// The bits of their names: most commands are none of them.
const NAMED: u128 = {
    let (mut bits, mut rest) = (0, INTERPRETERS);
    while let Some((one, others)) = rest.split_first() {
        let mut names = one.names;
        while let Some((name, more)) = names.split_first() {
            bits |= pattern::bit(name);
            names = more;
        }
        rest = others;
    }
    bits
};

/// Code in a command that another program interprets.
#[derive(Clone, Debug)]
pub struct Code {
    /// The program: `psql`, `awk`, `bash`.
    pub tool: &'static str,
    /// Without the quotes of the shell; a character that is none for each value.
    pub text: SmolStr,
    pub span: Span,
}

/// The code that a command is given: in its arguments, or in a here-document.
#[must_use]
pub fn codes(words: &[Word], simple: &Simple) -> Vec<Code> {
    let mut out = Vec::new();
    for (interpreter, tool) in interpreters(words) {
        code(words, interpreter, &mut |word| out.push(Code { tool, text: ran::plain(word).into(), span: word.span }));
    }
    if wrapper::inner(words).is_none()
        && let Some(tool) = reads_code(words)
    {
        let bodies = simple.redirects.iter().filter(|r| r.op.starts_with("<<"));
        out.extend(bodies.map(|r| Code { tool, text: ran::plain(&r.target).into(), span: simple.span }));
    }
    out
}

/// The code that a command reads from the one before it: `echo "…" | psql`.
#[must_use]
pub fn piped(before: &Simple, simple: &Simple) -> Option<Code> {
    let tool = reads_code(&simple.words)?;
    let says = before.words.first().and_then(Word::bare).is_some_and(|w| matches!(w, "echo" | "printf"));
    let text: Vec<String> = before.words.iter().skip(1).map(ran::plain).collect();
    says.then(|| Code { tool, text: text.join(" ").into(), span: before.span })
}

/// The words of an `ssh` that run over there.
#[must_use]
pub fn remote(words: &[Word]) -> Option<&[Word]> {
    let ssh = INTERPRETERS.iter().find(|i| i.names.contains(&"ssh"))?;
    let Takes::After { skip, values } = &ssh.takes else { return None };
    wrapper::operands(words.get(1..)?, values, *skip)
}

/// The arguments of a shell that are shell code.
#[must_use]
pub fn shell_code(words: &[Word]) -> Vec<&Word> {
    const SHELLS: [&str; 4] = ["bash", "su", "eval", "watch"];
    let mut out = Vec::new();
    for (interpreter, _) in interpreters(words).filter(|(i, _)| i.names.iter().any(|n| SHELLS.contains(n))) {
        code(words, interpreter, &mut |word| out.push(word));
    }
    out
}

/// Whether a shell, or an interpreter of a language that can do anything, runs what comes on standard input.
#[must_use]
pub fn runs_stdin(words: &[Word]) -> bool {
    const ANY: [&str; 12] =
        ["bash", "sh", "dash", "zsh", "ksh", "ash", "python", "python3", "perl", "ruby", "node", "php"];
    if let Some((inner, _)) = wrapper::inner(words) {
        return runs_stdin(inner);
    }
    let name = words.first().and_then(Word::literal).unwrap_or_default();
    ANY.iter().any(|any| name.rsplit('/').next() == Some(any))
        && (reads_code(words).is_some() || words.iter().any(|w| matches!(w.bare(), Some("-s" | "-"))))
}

/// The holes of a command that land in inner code, each with the interpreter's name.
pub fn holes(commands: &[Simple]) -> Vec<(usize, &'static str)> {
    let mut out = Vec::new();
    for (i, command) in commands.iter().enumerate() {
        if command.data {
            continue;
        }
        arguments(&command.words, &mut out);
        arithmetic_test(&command.words, &mut out);
        if let Some(name) = reads_code(&command.words) {
            let bodies = command.redirects.iter().filter(|r| r.op.starts_with("<<")).map(|r| &r.target);
            out.extend(bodies.flat_map(Word::holes).map(|h| (h, name)));
        }
        // `echo "… #{x}" | psql`
        let next = commands.get(i + 1).filter(|_| command.then == Then::Pipe).and_then(|next| reads_code(&next.words));
        if let Some(name) = next {
            let bodies = command.redirects.iter().filter(|r| r.op.starts_with("<<")).map(|r| &r.target);
            out.extend(bodies.flat_map(Word::holes).map(|h| (h, name)));
            if command.words.first().and_then(Word::bare).is_some_and(|w| matches!(w, "echo" | "printf")) {
                out.extend(command.words.iter().flat_map(Word::holes).map(|h| (h, name)));
            }
        }
    }
    out
}

fn arguments(words: &[Word], out: &mut Vec<(usize, &'static str)>) {
    for (interpreter, name) in interpreters(words) {
        code(words, interpreter, &mut |word| out.extend(word.holes().map(|h| (h, name))));
    }
    if let Some((inner, _)) = wrapper::inner(words) {
        arguments(inner, out);
    }
}

/// `[[ x -eq #{n} ]]` evaluates its operands as arithmetic, commands in array indexes included.
fn arithmetic_test(words: &[Word], out: &mut Vec<(usize, &'static str)>) {
    if words.first().and_then(Word::bare) != Some("[[") {
        return;
    }
    for three in words.windows(3) {
        if let [left, op, right] = three
            && matches!(op.bare(), Some("-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"))
        {
            out.extend(left.holes().chain(right.holes()).map(|h| (h, "[[")));
        }
    }
}

/// What takes code from this command, and by which of its names it is called.
fn interpreters(words: &[Word]) -> impl Iterator<Item = (&'static Interpreter, &'static str)> + use<> {
    let path = words.first().and_then(Word::literal).unwrap_or_default();
    let name = SmolStr::new(path.rsplit('/').next().unwrap_or_default());
    let some = if pattern::bit(&name) & NAMED == 0 { &[] } else { INTERPRETERS };
    let named = move |i: &Interpreter| i.names.iter().copied().find(|n| *n == name);
    some.iter().filter_map(move |i| Some((i, named(i)?)))
}

/// Call `each` with every word that is code.
fn code<'w>(words: &'w [Word], interpreter: &Interpreter, each: &mut dyn FnMut(&'w Word)) {
    let Some(rest) = words.get(1..) else { return };
    match &interpreter.takes {
        Takes::Option(options) => {
            let mut next = false;
            for word in rest {
                if next {
                    each(word);
                }
                let opening = word.opening();
                next = options.iter().any(|o| gives_code(o, &opening)) && word.literal().is_some();
                if options.iter().any(|o| attached(o, &opening)) {
                    each(word);
                }
            }
        }
        Takes::First { instead, values } => {
            if rest.iter().any(|w| instead.iter().any(|o| gives_code(o, &w.opening()) || attached(o, &w.opening()))) {
                return;
            }
            if let Some(word) = operand(rest, values) {
                each(word);
            }
        }
        Takes::After { skip, values } => {
            if let Some(words) = wrapper::operands(rest, values, *skip) {
                words.iter().for_each(each);
            }
        }
    }
}

/// `-c`, `-lc`, `--command`
fn gives_code(option: &str, word: &str) -> bool {
    if word == option {
        return true;
    }
    let (Some(letter), Some(letters)) = (option.strip_prefix('-'), word.strip_prefix('-')) else { return false };
    letter.len() == 1 && letters.ends_with(letter) && letters.chars().all(|c| c.is_ascii_alphabetic())
}

/// `--command=…`, `-e…`
fn attached(option: &str, word: &str) -> bool {
    match word.strip_prefix(option) {
        Some(rest) if option.starts_with("--") => rest.starts_with('='),
        Some(rest) => !rest.is_empty(),
        None => false,
    }
}

/// The first operand; `--arg NAME VALUE` takes two words.
fn operand<'a>(words: &'a [Word], values: &[&str]) -> Option<&'a Word> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let opening = word.opening();
        if opening == "--" {
            return words.next();
        }
        if !opening.starts_with('-') || opening == "-" {
            return Some(word);
        }
        if values.contains(&&*opening) && word.literal().is_some() {
            words.next();
            if matches!(&*opening, "--arg" | "--argjson" | "--slurpfile" | "--rawfile") {
                words.next();
            }
        }
    }
    None
}

/// The interpreter that takes its code from standard input here.
fn reads_code(words: &[Word]) -> Option<&'static str> {
    if let Some((interpreter, name)) = interpreters(words).find(|(i, _)| i.stdin) {
        let mut given = false;
        code(words, interpreter, &mut |_| given = true);
        let script = matches!(interpreter.takes, Takes::Option(_))
            && !matches!(name, "psql" | "mysql" | "mariadb" | "clickhouse-client" | "mongosh" | "mongo" | "cqlsh")
            && operand(words.get(1..)?, &[]).is_some_and(|w| w.opening() != "-");
        if given && let Takes::After { skip, values } = &interpreter.takes {
            return wrapper::operands(words.get(1..)?, values, *skip).and_then(reads_code);
        }
        return (!given && !script).then_some(name);
    }
    wrapper::inner(words).and_then(|(inner, _)| reads_code(inner))
}
