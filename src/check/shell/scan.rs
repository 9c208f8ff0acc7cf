//! The scan itself: one pass over the symbols, by recursive descent, following the quoting rules of POSIX sh and bash.
mod quote;

use crate::check::program::How;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::text::{Placed, Symbol};
use super::tree::{Piece, Redirect, Script, Simple, Then, Word};
use quote::push;

const DEPTH: u32 = 64;

pub struct Scan {
    pub symbols: Vec<Placed>,
    pos: usize,
    /// How each hole stands, in order.
    pub holes: Vec<How>,
    /// What each hole lands in that is neither a word nor a string (`$(( ))`).
    pub arithmetic: Vec<usize>,
    pub problems: Vec<Diagnostic>,
    /// Where a redirection should say from or to where, and does not.
    pub aimless: Vec<Span>,
    backticks: u32,
    /// Substitutions, groups and quotes around.
    depth: u32,
    pending: Vec<Pending>,
    unparsed: bool,
}

/// A here-document whose body is still to come.
struct Pending {
    word: String,
    raw: bool,
    strip_tabs: bool,
    body: Word,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Paren,
    Backtick,
    /// `;;` or `esac`
    Case,
}

impl Scan {
    pub fn new(symbols: Vec<Placed>) -> Scan {
        let holes = symbols.iter().filter(|s| matches!(s.symbol, Symbol::Hole(_))).count();
        Scan {
            symbols,
            pos: 0,
            holes: vec![How::Bare; holes],
            arithmetic: Vec::new(),
            problems: Vec::new(),
            aimless: Vec::new(),
            backticks: 0,
            depth: 0,
            pending: Vec::new(),
            unparsed: false,
        }
    }

    pub fn run(&mut self) -> Script {
        let mut script = self.script(End::Text);
        script.unparsed |= self.unparsed || self.pos < self.symbols.len() || !self.pending.is_empty();
        script
    }

    fn peek(&self) -> Option<Symbol> {
        self.peek_at(0)
    }

    fn peek_at(&self, n: usize) -> Option<Symbol> {
        self.symbols.get(self.pos + n).map(|s| s.symbol)
    }

    fn at(&self, c: char) -> bool {
        self.peek() == Some(Symbol::Char(c))
    }

    fn at_text(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek_at(i) == Some(Symbol::Char(c)))
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.at_text(text);
        if found {
            self.pos += text.chars().count();
        }
        found
    }

    /// One level deeper, when that is not too deep for the stack: then nothing more of the text is read.
    fn deeper(&mut self, read: impl FnOnce(&mut Scan)) {
        if self.depth == DEPTH {
            let span = self.span();
            let message = format!("this command nests deeper than {DEPTH} levels");
            self.problems.push(
                Diagnostic::error(Code::ShellSyntax, message, span, "not read further")
                    .help("put the inner part into a script of its own"),
            );
            self.unparsed = true;
            self.pos = self.symbols.len();
            return;
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
    }

    fn span(&self) -> Span {
        self.symbols.get(self.pos).or(self.symbols.last()).map(|s| s.span).unwrap_or_default()
    }

    /// From a place to where it stands now.
    fn since(&self, start: usize) -> Span {
        let at = |n: usize| self.symbols.get(n).map(|s| s.span).unwrap_or_default();
        at(start).to(at(self.pos.max(start + 1) - 1))
    }

    /// A hole stands here: keep how, unless it may not stand here at all.
    fn hole(&mut self, index: usize, how: How) -> Piece {
        let span = self.span();
        self.pos += 1;
        if let Some(slot) = self.holes.get_mut(index) {
            *slot = how;
        }
        if self.backticks > 0 {
            self.problems.push(
                Diagnostic::error(
                    Code::ValueInBackticks,
                    "a value cannot be quoted inside backticks",
                    span,
                    "this value stands between backticks",
                )
                .help("write the substitution as `$(…)`, where values are quoted"),
            );
        }
        Piece::Hole(index)
    }

    fn refuse(&mut self, message: &str, help: &str) {
        let span = self.span();
        self.problems.push(Diagnostic::error(Code::ValueInCode, message, span, "this value").help(help));
    }

    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(Symbol::Char(' ' | '\t')) => self.pos += 1,
                Some(Symbol::Char('\\')) if self.peek_at(1) == Some(Symbol::Char('\n')) => self.pos += 2,
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Char('\n') => return,
                Symbol::Char(_) => self.pos += 1,
                Symbol::Hole(i) => {
                    self.refuse("a value in a shell comment could end it", "take it out of the comment");
                    self.hole(i, How::Bare);
                }
            }
        }
    }

    fn newline(&mut self, script: &mut Script) {
        self.pos += 1;
        let pending = std::mem::take(&mut self.pending);
        for document in pending {
            let body = self.here_document(document);
            // The redirection that is still without a body is the first `<<` with an empty one.
            let slot = script
                .commands
                .iter_mut()
                .flat_map(|c| c.redirects.iter_mut())
                .find(|r| r.op == "<<" && r.target.pieces.is_empty());
            if let Some(redirect) = slot {
                redirect.target = body;
            }
        }
    }

    fn script(&mut self, end: End) -> Script {
        let mut script = Script { unparsed: true, ..Script::default() };
        self.deeper(|scan| script = scan.commands(end));
        script
    }

    fn commands(&mut self, end: End) -> Script {
        let mut script = Script::default();
        loop {
            self.blanks();
            let Some(symbol) = self.peek() else {
                script.unparsed |= end != End::Text;
                return script;
            };
            match symbol {
                Symbol::Char('\n') => self.newline(&mut script),
                Symbol::Char('#') => self.comment(),
                Symbol::Char(')') if end == End::Paren => {
                    self.pos += 1;
                    return script;
                }
                Symbol::Char('`') if end == End::Backtick => {
                    self.pos += 1;
                    return script;
                }
                Symbol::Char(';') if end == End::Case && self.at_text(";;") => {
                    self.pos += 2;
                    self.eat("&");
                    return script;
                }
                Symbol::Char(')') => {
                    script.unparsed = true;
                    self.pos += 1;
                }
                Symbol::Char('&') if self.at_text("&>") => self.command(&mut script),
                Symbol::Char(';' | '&' | '|') => self.operator(&mut script),
                Symbol::Char('(') => self.group(&mut script),
                Symbol::Char('e') if end == End::Case && self.at_word("esac") => return script,
                Symbol::Char('c') if self.at_word("case") => self.case(&mut script),
                Symbol::Char(_) | Symbol::Hole(_) => self.command(&mut script),
            }
        }
    }

    fn at_word(&self, word: &str) -> bool {
        self.at_text(word)
            && matches!(
                self.peek_at(word.len()),
                None | Some(Symbol::Char(' ' | '\t' | '\n' | ';' | '&' | '|' | ')' | '<' | '>'))
            )
    }

    fn operator(&mut self, script: &mut Script) {
        script.compound = true;
        let then = match self.peek() {
            _ if self.eat("||") => Then::Or,
            _ if self.eat("&&") => Then::And,
            Some(Symbol::Char('|')) => {
                self.pos += 1;
                self.eat("&");
                Then::Pipe
            }
            Some(Symbol::Char('&')) => {
                self.pos += 1;
                Then::Background
            }
            _ => {
                self.pos += 1;
                Then::Next
            }
        };
        if let Some(last) = script.commands.last_mut() {
            last.then = then;
        }
    }

    fn group(&mut self, script: &mut Script) {
        script.compound = true;
        if self.at_text("((") {
            self.pos += 2;
            self.arithmetic_to_end();
            script.commands.push(Simple { data: true, ..Simple::default() });
            return;
        }
        self.pos += 1;
        let inner = self.script(End::Paren);
        script.unparsed |= inner.unparsed;
        script.commands.extend(inner.commands);
        let mut rest = Simple { data: true, ..Simple::default() };
        self.words(&mut rest, script);
        if !rest.redirects.is_empty() {
            script.commands.push(rest);
        }
    }

    fn case(&mut self, script: &mut Script) {
        script.compound = true;
        self.pos += 4;
        self.blanks();
        let mut subject = Simple { data: true, ..Simple::default() };
        subject.words.push(self.word());
        script.commands.push(subject);
        self.space(script);
        if !self.eat("in") {
            script.unparsed = true;
            return;
        }
        loop {
            self.space(script);
            if self.at_word("esac") {
                self.pos += 4;
                break;
            }
            if self.peek().is_none() {
                script.unparsed = true;
                return;
            }
            self.eat("(");
            let mut patterns = Simple { data: true, ..Simple::default() };
            loop {
                self.blanks();
                patterns.words.push(self.word());
                self.blanks();
                if !self.eat("|") {
                    break;
                }
            }
            script.commands.push(patterns);
            if !self.eat(")") {
                script.unparsed = true;
                return;
            }
            let inner = self.script(End::Case);
            script.unparsed |= inner.unparsed;
            script.commands.extend(inner.commands);
        }
        let mut rest = Simple { data: true, ..Simple::default() };
        self.words(&mut rest, script);
        script.commands.push(rest);
    }

    fn space(&mut self, script: &mut Script) {
        loop {
            self.blanks();
            match self.peek() {
                Some(Symbol::Char('\n')) => self.newline(script),
                Some(Symbol::Char('#')) => self.comment(),
                _ => return,
            }
        }
    }

    fn command(&mut self, script: &mut Script) {
        if !script.commands.is_empty() {
            script.compound = true;
        }
        let before = self.pos;
        let mut simple = Simple::default();
        self.words(&mut simple, script);
        if self.pos == before {
            // Never stand still, whatever the text.
            script.unparsed = true;
            self.pos += 1;
        }
        simple.span = self.since(before);
        script.commands.push(simple);
    }

    /// Words, assignments and redirections up to an operator or the end of the line.
    fn words(&mut self, simple: &mut Simple, script: &mut Script) {
        loop {
            self.blanks();
            match self.peek() {
                None | Some(Symbol::Char('\n' | ';' | '|' | ')')) => return,
                Some(Symbol::Char('&')) if !self.at_text("&>") => return,
                Some(Symbol::Char('`')) if self.backticks > 0 => return,
                Some(Symbol::Char('#')) => self.comment(),
                Some(Symbol::Char('(')) => {
                    // `name() { … }`
                    script.unparsed = true;
                    script.compound = true;
                    self.pos += 1;
                    self.eat(")");
                    simple.words.clear();
                }
                Some(_) if self.redirect(simple) => {}
                Some(_) => {
                    let word = self.word();
                    self.take(word, simple, script);
                }
            }
        }
    }

    /// A word has been read: is it a keyword, an assignment, the command or an argument?
    fn take(&mut self, word: Word, simple: &mut Simple, script: &mut Script) {
        let first = simple.words.is_empty() && !simple.data;
        if first {
            match word.bare() {
                Some(
                    "if" | "then" | "elif" | "else" | "fi" | "do" | "done" | "while" | "until" | "!" | "{" | "}"
                    | "time",
                ) if simple.assignments.is_empty() => {
                    script.compound = true;
                    return;
                }
                Some("for" | "select") => {
                    script.compound = true;
                    simple.data = true;
                }
                Some("function" | "coproc") => {
                    script.unparsed = true;
                    script.compound = true;
                }
                Some("[[") => {
                    simple.words.push(word);
                    self.test_words(simple);
                    return;
                }
                _ => {}
            }
            if is_assignment(&word) {
                if self.at('(') && word.opening().ends_with('=') {
                    self.pos += 1;
                    self.array(simple);
                }
                simple.assignments.push(word);
                return;
            }
        }
        simple.words.push(word);
    }

    /// `x=(a b)`
    fn array(&mut self, simple: &mut Simple) {
        loop {
            self.blanks();
            match self.peek() {
                None => {
                    self.unparsed = true;
                    return;
                }
                Some(Symbol::Char(')')) => {
                    self.pos += 1;
                    return;
                }
                Some(Symbol::Char('\n' | ';' | '&' | '|' | '<' | '>' | '(')) => self.pos += 1,
                Some(Symbol::Char('`')) if self.backticks > 0 => {
                    self.unparsed = true;
                    return;
                }
                Some(_) => {
                    let word = self.word();
                    simple.assignments.push(word);
                }
            }
        }
    }

    /// `[[ … ]]`: operators are words in it.
    fn test_words(&mut self, simple: &mut Simple) {
        loop {
            self.blanks();
            match self.peek() {
                None => {
                    self.unparsed = true;
                    return;
                }
                Some(Symbol::Char('`')) if self.backticks > 0 => {
                    self.unparsed = true;
                    return;
                }
                Some(Symbol::Char(c @ ('\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'))) => {
                    self.pos += 1;
                    let mut text = c.to_string();
                    if self.at(c) {
                        self.pos += 1;
                        text.push(c);
                    }
                    simple.words.push(Word { pieces: vec![Piece::Text(text)], ..Word::default() });
                }
                Some(_) => {
                    let word = self.word();
                    let last = word.bare() == Some("]]");
                    simple.words.push(word);
                    if last {
                        return;
                    }
                }
            }
        }
    }

    fn redirect(&mut self, simple: &mut Simple) -> bool {
        let start = self.pos;
        while matches!(self.peek(), Some(Symbol::Char('0'..='9'))) {
            self.pos += 1;
        }
        let op = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">"]
            .into_iter()
            .find(|op| self.at_text(op) && !(op.len() == 1 && self.peek_at(1) == Some(Symbol::Char('('))));
        let Some(op) = op else {
            self.pos = start;
            return false;
        };
        self.pos += op.len();
        self.blanks();
        if op != "<<" && op != "<<-" {
            let target = self.word();
            if target.pieces.is_empty() {
                let place = |i: usize| self.symbols.get(i).map(|s| s.span).unwrap_or_default();
                self.aimless.push(place(self.placeholder(start).unwrap_or(start)).to(place(start + op.len() - 1)));
            }
            simple.redirects.push(Redirect { op: op.to_owned(), target });
            return true;
        }
        if matches!(self.peek(), Some(Symbol::Hole(_))) {
            self.refuse("a here-document cannot end at a value", "write its closing word as plain text");
        }
        let word = self.word();
        self.pending.push(Pending {
            word: word.text(),
            raw: word.quoted,
            strip_tabs: op == "<<-",
            body: Word { quoted: true, ..Word::default() },
        });
        simple.redirects.push(Redirect { op: "<<".to_owned(), target: Word::default() });
        true
    }

    /// Where `<name` opens that ends at `end`.
    fn placeholder(&self, end: usize) -> Option<usize> {
        let before = self.symbols.get(..end)?.iter().enumerate().rev();
        let mut before = before
            .skip_while(|(_, s)| matches!(s.symbol, Symbol::Char(c) if c.is_alphanumeric() || "-_. ".contains(c)));
        before.next().filter(|(i, s)| s.symbol == Symbol::Char('<') && i + 1 < end).map(|(i, _)| i)
    }

    fn here_document(&mut self, mut document: Pending) -> Word {
        loop {
            if self.ends_here(&document) {
                break;
            }
            if self.peek().is_none() {
                self.unparsed = true;
                break;
            }
            self.here_line(&mut document);
        }
        if document.body.pieces.is_empty() {
            document.body.pieces.push(Piece::Quoted(String::new()));
        }
        document.body
    }

    /// The closing line: consumed up to its newline.
    fn ends_here(&mut self, document: &Pending) -> bool {
        let start = self.pos;
        while document.strip_tabs && self.at('\t') {
            self.pos += 1;
        }
        let closes = self.at_text(&document.word)
            && matches!(self.peek_at(document.word.chars().count()), None | Some(Symbol::Char('\n')));
        if closes {
            self.pos += document.word.chars().count();
        } else {
            self.pos = start;
        }
        closes
    }

    fn here_line(&mut self, document: &mut Pending) {
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Char('\n') => {
                    self.pos += 1;
                    push(&mut document.body, '\n', true);
                    return;
                }
                Symbol::Hole(i) => {
                    let how = if document.raw { How::InRawHeredoc } else { How::InHeredoc };
                    let piece = self.hole(i, how);
                    document.body.pieces.push(piece);
                }
                Symbol::Char('\\') if !document.raw => self.escape(&mut document.body, true),
                Symbol::Char('$') if !document.raw => self.dollar(&mut document.body, true),
                Symbol::Char('`') if !document.raw => self.backtick(&mut document.body),
                Symbol::Char(c) => {
                    self.pos += 1;
                    push(&mut document.body, c, true);
                }
            }
        }
    }
}

/// `NAME=`, `NAME+=`, `NAME[i]=`, unquoted.
fn is_assignment(word: &Word) -> bool {
    let Some(Piece::Text(text)) = word.pieces.first() else { return false };
    let Some((name, _)) = text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split_once('[').map_or(name, |(n, _)| n);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
