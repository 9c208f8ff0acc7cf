//! What does not parse: read again with the strict rule, and reported once, in the user's words.
use super::super::ast::{Block, Let, Name, Part, Step, StmtKind, Str};
use super::super::grammar::Rule;
use super::super::tree::Node;
use super::expect::{CLAUSES, Stop, form, found, stop};
use super::habits::{command_path, elsewhere, special};
use super::{Build, bad, words};
use crate::diag::{Code, Diagnostic, did_you_mean};

/// How much of a text is read again for what was expected.
const READ: usize = 1 << 14;

impl Build {
    /// A statement that does not parse. What it binds and the block it opens survive.
    pub(super) fn bad(&mut self, node: Node<'_>) -> StmtKind {
        let body = node.kids().find(|n| n.rule() == Rule::block);
        let text = head(node, body);
        self.diagnose(text, node);
        self.remains(text, node.start(), body)
    }

    /// Text behind a statement that is complete without it.
    pub(super) fn junk(&mut self, before: Option<Node<'_>>, node: Node<'_>) -> Option<StmtKind> {
        let body = node.kids().find(|n| n.rule() == Rule::block);
        let rest = head(node, body);
        if std::mem::take(&mut self.told) {
            return self.loose(body);
        }
        if let Some(open) = open_string(node) {
            self.open_string(open);
            return None;
        }
        if self.glued(node, rest) {
            return self.loose(body);
        }
        let Some(before) = before.filter(|n| n.kids().all(|k| k.rule() != Rule::block)) else {
            self.unexpected(rest, node.start(), "the end of the line", None, None);
            return self.loose(body);
        };
        let start = before.start();
        let text = node.source().get(start..node.start() + rest.len()).unwrap_or(rest);
        self.diagnose(text, before);
        let word = first_word(text);
        if before.rule() == Rule::expr_stmt && before.text() == word {
            Some(self.remains(text, start, body))
        } else {
            self.loose(body)
        }
    }

    /// A word alone that opens a statement, and an expression that does nothing.
    pub(super) fn lone(&mut self, node: Node<'_>) {
        self.diagnose(node.text(), node);
    }

    /// The one diagnostic of a text that starts at `node`.
    fn diagnose(&mut self, text: &str, node: Node<'_>) {
        let start = node.start();
        if self.full(self.at(start, start)) {
            return;
        }
        if let Some(open) = open_string(node) {
            return self.open_string(open);
        }
        let word = first_word(text);
        let text = short(text);
        if self.unlabelled(word, text, start) || self.unspaced(word, text, start) {
            return;
        }
        if words::opens(word) {
            return match stop(Rule::strict_word, text) {
                Some(found) => {
                    let found = taken_as_value(Rule::strict_word, text, &found).unwrap_or(found);
                    if !self.open_bracket(node, text, found.at) {
                        self.report(text, start, &found, form(word));
                    }
                }
                None => self.unexpected(text, start, "a statement", form(word), None),
            };
        }
        if let Some(path) = command_path(text) {
            let end = start + path.len();
            return self.error(
                "a command stands behind `$`",
                self.at(start, end),
                "this is no value",
                format!("write `$ {path}`"),
            );
        }
        let rest = text.get(word.len()..).unwrap_or("").trim_start_matches([' ', '\t']);
        let assigns = rest.starts_with('=') && !rest.starts_with("==")
            || ["+=", "-=", "++", "--"].iter().any(|op| rest.starts_with(op));
        if assigns && !word.is_empty() {
            let help = format!("bind a name once with `let {word} = …`");
            let at = start + text.len() - rest.len();
            let length = self::found(rest).0;
            return self.error("there is no assignment", self.at(at, at + length), "a name keeps its value", help);
        }
        let calls =
            rest.starts_with(['.', '(', '[']) && text.get(word.len()..).is_some_and(|t| t.starts_with(['.', '(', '[']));
        if word.is_empty() || calls || is_operator(rest) {
            if text.starts_with('{') {
                let help = "a block follows a word such as `step`, `if` or `parallel`; a record is a value";
                return self.error(
                    "a statement cannot start with `{`",
                    self.at(start, start + 1),
                    "nothing opens this",
                    help,
                );
            }
            return match stop(Rule::strict_expr, text) {
                Some(stop) if self.open_bracket(node, text, stop.at) => {}
                Some(stop) => self.report(text, start, &stop, None),
                None => self.unexpected(text, start, "a statement", None, None),
            };
        }
        let span = self.at(start, start + word.len());
        let near = match elsewhere(word) {
            Some(_) => None,
            None => did_you_mean(word, words::openers().chain(CLAUSES.iter().copied())),
        };
        let label = near.map_or("no statement starts with this word".to_owned(), |n| format!("did you mean `{n}`?"));
        let help = match (elsewhere(word).or_else(|| elsewhere(near?)), near.and_then(form)) {
            (Some(help), _) => help.to_owned(),
            (None, Some(form)) => format!("write `{form}`"),
            (None, None) if !rest.is_empty() && near.is_none() => {
                let line = text.lines().next().unwrap_or(text).trim_end();
                let line: String = line.chars().take(60).collect();
                format!("to run it as a command write `$ {line}`; a statement opens with a word such as `step`, `let` or `guard`, or is a call such as `db.ping()`")
            }
            (None, None) => "a statement opens with a word such as `step`, `let` or `guard`, with `$ command`, or is a call such as `db.ping()`".to_owned(),
        };
        self.error(format!("`{word}` is not a statement"), span, label, help);
    }

    /// `guard: …` and `rollback 1m`: a word that is missing behind the first one. Whether that was told.
    fn unlabelled(&mut self, word: &str, text: &str, start: usize) -> bool {
        let rest = text.get(word.len()..).unwrap_or("").trim_start_matches([' ', '\t']);
        let at = start + text.len() - rest.len();
        match word {
            "guard" | "warn" if rest.starts_with(':') => {
                let help = format!("say what must hold: `{word} \"what must hold\": …`");
                self.error(
                    format!("this `{word}` has no label"),
                    self.at(at, at + 1),
                    "a label stands before this",
                    help,
                );
                true
            }
            "rollback" if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                let limit = first_word(rest);
                let help = format!("write `rollback within {limit}`; what undoes a step is `rollback {{ … }}`");
                let span = self.at(at, at + limit.len());
                self.error(format!("expected `within` before `{limit}`"), span, "how long all undoing may take", help);
                true
            }
            _ => false,
        }
    }

    /// `aks "…"`, `nto x`: a misspelt word that was taken for a name. Whether that was told.
    fn misspelt(&mut self, before: &str, start: usize, stop: &Stop) -> bool {
        let before = before.trim_end();
        let word = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or("");
        let words: &[&str] = match before.strip_suffix(word).map(str::trim_end) {
            Some("secret") => &["short"],
            Some(_) if stop.operator() => &["ask", "choose", "not", "if", "readonly"],
            _ => return false,
        };
        let Some(near) = did_you_mean(word, words.iter().copied()) else { return false };
        let at = start + before.len() - word.len();
        let help = match near {
            "ask" => "write `let name = ask \"question\"`",
            "choose" => "write `let name = choose \"question\" from list`",
            "not" => "write `not x`",
            "if" => "write `if condition then … else …`",
            "readonly" => "write `readonly $ command`",
            _ => "write `secret short name = env(\"NAME\")`",
        };
        let span = self.at(at, at + word.len());
        self.error(
            format!("`{word}` is a name, and no value follows a name"),
            span,
            format!("did you mean `{near}`?"),
            help,
        );
        true
    }

    /// Where the strict rule stopped in `text`, which starts at `start`.
    pub(super) fn report(&mut self, text: &str, start: usize, stop: &Stop, form: Option<&str>) {
        let at = stop.at.min(text.trim_end().len());
        let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let rest_trimmed = rest.trim_start_matches([' ', '\t', '\r']);
        let at = start + at + (rest.len() - rest_trimmed.len());
        let (rest, line) = (rest_trimmed, before);
        if rest.is_empty() {
            self.incomplete |= self.text_ends(start + text.len());
        }
        if rest.starts_with(|c: char| c == '"' || c.is_alphanumeric()) && self.misspelt(line, start, stop) {
            return;
        }
        let found = found(rest).1;
        let help = special(rest, line, stop);
        let message_at = if rest.is_empty() { start + line.trim_end().len() } else { at };
        let near = if help.is_none() && rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            did_you_mean(first_word(rest), stop.words())
        } else {
            None
        };
        let found = if stop.in_hole && rest.is_empty() { "`}`".to_owned() } else { found };
        let (message, help) = match help {
            Some((message, help)) => (message, Some(help.to_owned())),
            None => (format!("expected {}, found {found}", stop.expected(line)), form.map(|f| format!("write `{f}`"))),
        };
        let label = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if rest.is_empty() => "something is missing here".to_owned(),
            None => "not expected here".to_owned(),
        };
        let length = if rest.is_empty() { 0 } else { self::found(rest).0 };
        let span = self.at(message_at, message_at + length);
        let help = help
            .unwrap_or_else(|| "a newline ends a statement, except inside brackets and after an operator".to_owned());
        self.error(message, span, label, help);
    }

    fn unexpected(&mut self, rest: &str, at: usize, expected: &str, form: Option<&str>, near: Option<&str>) {
        let (length, found) = found(rest);
        let label =
            near.map_or("does not belong to what stands before it".to_owned(), |n| format!("did you mean `{n}`?"));
        let help = match (form, elsewhere(first_word(rest))) {
            (Some(form), _) => format!("write `{form}`"),
            (None, Some(help)) => help.to_owned(),
            (None, None) => "put it on a line of its own".to_owned(),
        };
        self.error(format!("expected {expected}, found {found}"), self.at(at, at + length), label, help);
    }

    fn open_string(&mut self, (start, end, quotes): (usize, usize, Quotes)) {
        if quotes == Quotes::Three {
            return self.open_text(start - 2, start + 1);
        }
        self.error(
            "this string is not closed",
            self.at(start, end),
            "the line ends inside it",
            "close it with `\"`; a text of several lines stands in `\"\"\"`",
        );
    }

    /// `deadline: 1h` and `step("x")`: a word of a statement with something at its end. Whether that was told.
    fn unspaced(&mut self, word: &str, text: &str, start: usize) -> bool {
        let rest = text.get(word.len()..).unwrap_or("");
        let mark = match rest.chars().next() {
            Some(mark @ (':' | '(' | ',' | '=' | '{' | '"' | '\'')) => mark,
            _ => return false,
        };
        if mark == '"' && form(word).is_some_and(|form| form.starts_with(&format!("{word} \""))) {
            let (message, help) = (format!("a blank is missing behind `{word}`"), format!("write `{word} \"…\"`"));
            self.error(message, self.at(start, start + word.len() + 1), "two words in one", help);
            return true;
        }
        let Some(form) = form(word)
            .filter(|f| !f.starts_with(&format!("{word}{mark}")) && !f.starts_with(&format!("{word} {mark}")))
        else {
            return false;
        };
        let span = self.at(start + word.len(), start + word.len() + 1);
        self.error(format!("no `{mark}` follows `{word}`"), span, "not expected here", format!("write `{form}`"));
        true
    }

    /// `step"x"`, where reading stopped inside the word. Whether that was told.
    fn glued(&mut self, node: Node<'_>, rest: &str) -> bool {
        let source = node.source();
        let before = source.get(..node.start()).unwrap_or_default();
        let start = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        let whole = source.get(start..node.start() + rest.len()).unwrap_or_default();
        start < before.len() && self.unspaced(first_word(whole), whole, start)
    }

    /// A bracket that is still open some lines below, where the text stops. Whether there is one.
    fn open_bracket(&mut self, node: Node<'_>, text: &str, stop: usize) -> bool {
        let whole = text.trim_end();
        if stop < whole.len() {
            return false;
        }
        let here = node.start()..node.start() + whole.len();
        let brackets = [Rule::bad_brace, Rule::bad_group];
        let mut open =
            node.below_any(&brackets).filter(|n| !n.text().ends_with(['}', ')', ']']) && here.contains(&n.start()));
        let Some(open) = open.next() else { return false };
        let mark = open.text().get(..1).unwrap_or("");
        if !text.get(open.start() - node.start()..).is_some_and(|t| t.trim_end().contains('\n')) {
            return false;
        }
        let close = match mark {
            "{" => "}",
            "[" => "]",
            _ => ")",
        };
        self.incomplete |= self.text_ends(here.end);
        let span = self.at(open.start(), open.start() + 1);
        if !self.full(span) {
            let found = Diagnostic::error(Code::Syntax, format!("this `{mark}` is not closed"), span, "opened here")
                .label(self.at(here.end, here.end), "it should close before what follows this")
                .help(format!("add the `{close}` that closes it"));
            self.diagnostics.push(found);
        }
        true
    }

    /// What a bad statement leaves behind, so that its mistake is the only one: the name it binds, the block it opens.
    fn remains(&mut self, text: &str, start: usize, body: Option<Node<'_>>) -> StmtKind {
        let word = first_word(text);
        let near = match words::opens(word) {
            true => Some(word),
            false if self.more.is_some() => None,
            false => did_you_mean(word, words::openers()),
        };
        let rest = text.get(word.len()..).unwrap_or("");
        let rest = rest.trim_start_matches([' ', '\t']);
        let name = first_word(rest);
        let at = start + text.len() - rest.len();
        match (near, body) {
            (Some("let" | "secret" | "connect" | "param"), None) if !name.is_empty() => {
                let span = self.at(at, at + name.len());
                let value = bad(span);
                StmtKind::Let(Let { name: Name { text: name.into(), span }, value: Box::new(value), fallback: None })
            }
            (Some("step"), Some(body)) => {
                let span = self.at(start, start + text.trim_end().len());
                let title = rest.strip_prefix('"').and_then(|t| t.split_once('"')).map_or("", |(t, _)| t);
                let parts = vec![Part::Text { text: title.into(), span }];
                let name = Str { kind: super::super::ast::StrKind::Raw, parts, span };
                let body = self.block_at(body);
                StmtKind::Step(Box::new(Step {
                    name,
                    readonly: false,
                    when: None,
                    timeout: None,
                    retry: None,
                    body,
                    head: span,
                }))
            }
            (_, body) => self.loose(body).unwrap_or(StmtKind::Bad),
        }
    }

    /// A block without its statement: a `with` of nothing.
    pub(super) fn loose(&mut self, body: Option<Node<'_>>) -> Option<StmtKind> {
        let body: Block = self.block_at(body?);
        Some(StmtKind::With { contexts: Vec::new(), body })
    }

    pub(super) fn bad_hole(&mut self, node: Node<'_>) -> super::Expr {
        let span = self.span(node);
        let text = node.text().get(2..).unwrap_or("");
        let text = text.strip_suffix('}').unwrap_or(text);
        let start = node.start() + 2;
        if text.trim().is_empty() {
            self.error(
                "expected a value inside `#{ }`",
                span,
                "empty",
                "write `#{name}`; for the two characters themselves write `\\#{`",
            );
        } else if self.full(span) {
            return bad(span);
        } else if let Some(stop) = stop(Rule::strict_inner, short(text)) {
            self.report(
                text,
                start,
                &Stop { in_hole: true, ..stop },
                Some("#{name}` or, for the two characters themselves, `\\#{"),
            );
        } else if !node.text().ends_with('}') {
            self.error(
                "this `#{` is not closed",
                self.at(node.start(), node.start() + 2),
                "opened here",
                "close it with `}`",
            );
        }
        bad(span)
    }
}

/// `retry every 5s`: the clause word that was taken for the value it should follow.
fn taken_as_value(rule: Rule, text: &str, first: &Stop) -> Option<Stop> {
    let before = text.get(..first.at)?.trim_end();
    let word = before.rsplit([' ', '\t']).next().filter(|w| CLAUSES.contains(w))?;
    let shorter = before.strip_suffix(word).filter(|_| first.operator())?;
    let earlier = stop(rule, shorter).filter(Stop::value)?;
    Some(Stop { at: shorter.len(), ..earlier })
}

/// The text of a bad node up to its block, with the bracket that opens it.
fn head<'t>(node: Node<'t>, body: Option<Node<'t>>) -> &'t str {
    let end = body.map_or(node.end(), |b| b.start() + 1);
    node.source().get(node.start()..end).unwrap_or("")
}

/// A text up to where it is read again.
fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(READ)).unwrap_or(text)
}

pub(super) fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}

fn is_operator(rest: &str) -> bool {
    rest.starts_with(['+', '-', '*', '/', '<', '>', '!', '=', '&', '|'])
        || matches!(first_word(rest), "and" | "or" | "in" | "matches")
}

/// What opens a string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    One,
    Three,
}

/// The first quote below a bad node that its line does not close.
fn open_string(node: Node<'_>) -> Option<(usize, usize, Quotes)> {
    let inside = node.kids().filter(|n| n.rule() != Rule::block);
    let open = inside.flat_map(|n| n.below(Rule::bad_str)).find(|s| s.text().len() < 2 || !s.text().ends_with('"'))?;
    let before = node.text().get(..open.start() - node.start()).unwrap_or_default();
    // The first two of three look like an empty string.
    let quotes = if before.ends_with("\"\"") { Quotes::Three } else { Quotes::One };
    Some((open.start(), open.end(), quotes))
}
