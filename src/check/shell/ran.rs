//! The commands that a text runs, one by one, those inside of others too (`sudo`, `kubectl exec … --`, `bash -c "…"`, `$(…)`):
//! what can be said about a command without the values in it.
use crate::source::Span;
use crate::syntax::ast::Part;
use crate::value::SmolStr;

use super::class;
use super::inner::{self, Code};
use super::pattern::{self, Pattern};
use super::scan::Scan;
use super::text::{self, Placed, Symbol};
pub use super::tree::Then;
use super::tree::{Piece, Redirect, Script, Simple, Word};
use super::wrapper;
use super::writes::GLOBAL;

/// What stands in an argument for a value that is not known.
pub const COMPUTED: char = '\u{fffc}';

/// One command. Those inside it come right after it.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The program, without its folder; empty when it is computed.
    pub name: SmolStr,
    pub args: Vec<Arg>,
    /// `NAME=value` in front of it, or alone.
    pub assignments: Vec<Arg>,
    /// The operator (`>`, `<<` …) and the target; of a here-document its body.
    pub redirects: Vec<(SmolStr, Arg)>,
    /// Code that the program interprets: `psql -c "…"`, a here-document.
    pub code: Vec<Code>,
    /// It reads what the command before it writes, or a file, or a here-document.
    pub fed: bool,
    pub then: Then,
    /// It, or the pipeline that it is part of, runs in the background: nothing waits for it.
    pub background: bool,
    /// What it runs in, outermost first: `["timeout", "kubectl"]`.
    pub inside: Vec<SmolStr>,
    /// It stands in `$(…)`: its output becomes a part of another command.
    pub substituted: bool,
    pub span: Span,
    /// Of its first word.
    pub head: Span,
    words: Vec<Word>,
    /// The first of them as patterns name it; None when it is computed.
    program: Option<SmolStr>,
    /// Of that.
    bit: u128,
}

#[derive(Clone, Debug)]
pub struct Arg {
    /// Without quotes; [`COMPUTED`] for each value.
    pub text: SmolStr,
    /// The shell looks for files of this shape.
    pub glob: bool,
    /// `$NAME` in it.
    pub variables: Vec<SmolStr>,
    pub span: Span,
}

/// Kinds of command, each in the notation of `stdlib/commands.rbk`; the options before a subcommand may be any.
#[derive(Debug)]
pub struct Kinds {
    patterns: Vec<Pattern>,
    /// The bits of their programs: most commands are of none of them.
    programs: u128,
}

impl Kinds {
    #[must_use]
    pub fn new(lines: &[&'static str]) -> Kinds {
        Kinds {
            patterns: lines.iter().map(|line| Pattern::writing(line, GLOBAL)).collect(),
            programs: lines.iter().map(|line| pattern::bits(line)).fold(0, |all, bits| all | bits),
        }
    }
}

impl Ran {
    #[must_use]
    pub fn is(&self, kinds: &Kinds) -> bool {
        self.first(kinds).is_some()
    }

    fn first<'k>(&self, kinds: &'k Kinds) -> Option<&'k Pattern> {
        let (program, words) = self.program.as_ref().zip(self.words.get(1..))?;
        if self.bit & kinds.programs == 0 {
            return None;
        }
        kinds.patterns.iter().find(|kind| kind.is(program, words))
    }

    /// Whether it only shows what it would do: `rsync -n`, `kubectl apply --dry-run=server`.
    #[must_use]
    pub fn previews(&self) -> bool {
        class::previews(&self.words)
    }

    /// What of it makes it one of these: `git push --force` of `git push origin --force main`.
    #[must_use]
    pub fn shown(&self, kinds: &Kinds) -> Option<String> {
        let kind = self.first(kinds)?;
        let mut shown = self.name.to_string();
        let told = kind.told().filter_map(|one| {
            self.args
                .iter()
                .find(|arg| one.iter().any(|word| pattern::like(&word.to_lowercase(), &arg.text.to_lowercase())))
        });
        for arg in told {
            shown.push(' ');
            shown.push_str(&arg.text);
        }
        Some(shown)
    }

    /// Whether one of the arguments is this word.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.args.iter().any(|a| a.text == word)
    }

    /// Whether it has an option: a long one (`--follow`, `--follow=name`), or the letter of a short one (`-f`, `-fn`).
    #[must_use]
    pub fn option(&self, long: &str, short: char) -> bool {
        self.args.iter().take_while(|a| a.text != "--").any(|a| match a.text.strip_prefix("--") {
            Some(name) => !long.is_empty() && name.split('=').next() == Some(long),
            None => a.text.strip_prefix('-').is_some_and(|letters| {
                letters
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take_while(char::is_ascii_alphabetic)
                    .any(|c| c == short)
            }),
        })
    }

    /// What an option is given: `-u root`, `--user=root`, `-uroot`.
    #[must_use]
    pub fn value_of(&self, names: &[&str]) -> Option<&str> {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            for name in names {
                let Some(rest) = arg.text.strip_prefix(name) else { continue };
                if rest.is_empty() {
                    return args.next().map(|a| a.text.as_str());
                }
                if let Some(value) = rest.strip_prefix('=') {
                    return Some(value);
                }
                if !name.starts_with("--") {
                    return Some(rest);
                }
            }
        }
        None
    }

    /// The arguments that are no options. What an option takes in the next word is among them.
    pub fn operands(&self) -> impl Iterator<Item = &Arg> {
        self.args.iter().filter(|a| !a.text.starts_with('-') || a.text == "-")
    }

    /// Whether it runs in a command of this name.
    #[must_use]
    pub fn runs_in(&self, name: &str) -> bool {
        self.inside.iter().any(|outer| outer == name)
    }
}

/// Every command of a text, in its order.
#[must_use]
pub fn ran(parts: &[Part]) -> Vec<Ran> {
    let mut out = Vec::new();
    script(&Scan::new(text::symbols(parts)).run(), &[], false, &mut out);
    out
}

fn script(script_: &Script, inside: &[SmolStr], substituted: bool, out: &mut Vec<Ran>) {
    for (i, simple) in script_.commands.iter().enumerate() {
        if !simple.data {
            let before = i.checked_sub(1).and_then(|i| script_.commands.get(i)).filter(|c| c.then == Then::Pipe);
            let from = out.len();
            words(&simple.words, simple, inside, substituted, out);
            let mut ahead = script_.commands.iter().skip(i).skip_while(|c| c.then == Then::Pipe);
            if ahead.next().is_some_and(|last| last.then == Then::Background) {
                out.iter_mut().skip(from).for_each(|ran| ran.background = true);
            }
            if let Some(before) = before {
                out.iter_mut().skip(from).for_each(|ran| ran.fed = true);
                if let (Some(ran), Some(code)) = (out.last_mut(), inner::piped(before, simple)) {
                    ran.code.push(code);
                }
            }
        }
        for piece in simple.all_words().flat_map(|word| &word.pieces) {
            if let Piece::Substitution(inner) = piece {
                script(inner, inside, true, out);
            }
        }
    }
}

fn words(words_: &[Word], simple: &Simple, inside: &[SmolStr], substituted: bool, out: &mut Vec<Ran>) {
    let program = words_.first().and_then(Word::literal).unwrap_or_default();
    let name = SmolStr::new(program.rsplit('/').next().unwrap_or_default());
    let deeper = || inside.iter().cloned().chain([name.clone()]).collect::<Vec<_>>();
    let (first, last) = (words_.first(), words_.last());
    let span = first.zip(last).map_or(simple.span, |(first, last)| first.span.to(last.span));
    let called = pattern::program(words_).map(|(name, _)| SmolStr::new(name));
    let whole = inside.is_empty() || simple.words.len() == words_.len();
    out.push(Ran {
        args: words_.iter().skip(1).map(argument).collect(),
        assignments: if whole { simple.assignments.iter().map(argument).collect() } else { Vec::new() },
        redirects: if whole { simple.redirects.iter().map(redirect).collect() } else { Vec::new() },
        code: inner::codes(words_, simple),
        fed: simple.redirects.iter().any(|r| r.op.starts_with('<')),
        then: simple.then,
        background: false,
        inside: inside.to_vec(),
        substituted,
        span,
        head: first.map_or(span, |word| word.span),
        words: words_.to_vec(),
        bit: called.as_deref().map_or(0, pattern::bit),
        program: called,
        name: name.clone(),
    });
    if let Some((inner, _)) = wrapper::inner(words_) {
        match inner {
            // `watch 'a | b'`
            [word] if word.quoted && word.text().contains(' ') => reread(word, &deeper(), substituted, out),
            _ => words(inner, simple, &deeper(), substituted, out),
        }
        return;
    }
    if name == "ssh" {
        if let Some(rest) = inner::remote(words_) {
            match rest {
                [word] => reread(word, &deeper(), substituted, out),
                [_, ..] => words(rest, simple, &deeper(), substituted, out),
                [] => {}
            }
        }
        return;
    }
    for word in inner::shell_code(words_) {
        reread(word, &deeper(), substituted, out);
    }
}

/// The code of an inner shell: its places are not known, only that of the whole.
fn reread(word: &Word, inside: &[SmolStr], substituted: bool, out: &mut Vec<Ran>) {
    let symbols = plain(word).chars().map(|c| Placed { symbol: Symbol::Char(c), span: word.span }).collect();
    script(&Scan::new(symbols).run(), inside, substituted, out);
}

fn argument(word: &Word) -> Arg {
    let glob = word.pieces.iter().any(|p| matches!(p, Piece::Text(t) if t.contains(['*', '?']) || t.contains('[')));
    let variable = |p: &Piece| match p {
        Piece::Variable(name, _) => Some(SmolStr::new(name)),
        _ => None,
    };
    Arg {
        text: plain(word).into(),
        glob,
        variables: word.pieces.iter().filter_map(variable).collect(),
        span: word.span,
    }
}

fn redirect(redirect: &Redirect) -> (SmolStr, Arg) {
    (SmolStr::new(&redirect.op), argument(&redirect.target))
}

/// The text of a word, [`COMPUTED`] for what is not known.
pub(super) fn plain(word: &Word) -> String {
    let mut out = String::new();
    for piece in &word.pieces {
        match piece {
            Piece::Text(t) | Piece::Quoted(t) => out.push_str(t),
            Piece::Hole(_) | Piece::Variable(..) | Piece::Substitution(_) | Piece::Opaque => out.push(COMPUTED),
        }
    }
    out
}
