//! One line about a command: its words, and which options it may have.
//!
//! `kubectl get` (any options), `aws * describe-*` (`*` stands for any letters), `git [-C= --no-pager] status` (these
//! options may stand before the next word; `=`: with a value), `sort [-n -k=]` at the end (these options and no others),
//! `find ![-delete]` at the end (any but these; `.` among them: options stand before the first operand), `-o=/dev/null` (only with this value; `|` between
//! several), `-c=%sql` (only with a query that
//! reads). In a list, `+-c=%sql` must be there, `.` means no operands, `.+*` operands like `+%F`.
use std::borrow::Cow;
use std::sync::OnceLock;

use crate::check::sql;
use crate::value::SmolStr;

use super::tree::Word;

/// A script asks about a few of the hundreds that are known: a line is read when it is asked for.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: SmolStr,
    /// Of what is known to write, by name: which options before its subcommand take a value; any others may stand there too.
    passed: &'static [(&'static str, &'static str)],
    shape: OnceLock<Shape>,
}

/// What follows the name.
#[derive(Clone, Debug)]
struct Shape {
    steps: Vec<Step>,
    rest: Rest,
}

#[derive(Clone, Debug)]
struct Step {
    before: Before,
    word: String,
}

/// Options that may stand before a word.
#[derive(Clone, Debug)]
enum Before {
    Only(Vec<Opt>),
    /// Whatever looks like one; these take a value.
    Any(Vec<Opt>),
}

#[derive(Clone, Debug)]
enum Rest {
    Any,
    Only(Vec<Opt>),
    Except(Vec<Opt>),
    /// At least one of these, for what is known to write.
    Needs(Vec<Opt>),
}

#[derive(Clone, Debug)]
struct Opt {
    name: String,
    value: Value,
    /// One of those marked so has to be there.
    needed: bool,
}

#[derive(Clone, Debug)]
enum Value {
    None,
    Any,
    Like(String),
    Reads,
    Writes,
}

/// How a word relates to a list of options.
enum Found<'a> {
    /// Not an option.
    Operand,
    Listed {
        option: Option<&'a Opt>,
        value: Taken,
    },
    Unlisted,
}

enum Taken {
    No,
    /// In the same word.
    Here,
    Next,
}

impl Pattern {
    /// Never fails: text that is no pattern is a command of that name.
    #[must_use]
    pub fn new(text: SmolStr) -> Pattern {
        Pattern { text, passed: &[], shape: OnceLock::new() }
    }

    /// What is known to write, whatever the options before its subcommand: `passed` are those that take a value, by name.
    #[must_use]
    pub fn writing(text: &'static str, passed: &'static [(&'static str, &'static str)]) -> Pattern {
        Pattern { passed, ..Pattern::new(SmolStr::new_static(text)) }
    }

    fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| {
            let shape = Shape::parse(self.text.split_whitespace().skip(1));
            match self.passed.iter().find(|(name, _)| *name == self.name()) {
                Some((_, passed)) => shape.passing(passed),
                None => shape,
            }
        })
    }

    fn name(&self) -> &str {
        first(&self.text)
    }

    /// The words after the name that have to be there, in their order: of each all that it may be.
    pub fn told(&self) -> impl Iterator<Item = Vec<&str>> {
        let Shape { steps, rest } = self.shape();
        let needs = match rest {
            Rest::Needs(options) => Some(options.iter().map(|o| o.name.as_str()).collect()),
            Rest::Any | Rest::Only(_) | Rest::Except(_) => None,
        };
        steps.iter().map(|step| vec![step.word.as_str()]).chain(needs)
    }

    /// Whether it says so of this program with these words after it.
    #[must_use]
    pub fn is(&self, program: &str, words: &[Word]) -> bool {
        names(&self.text, program) && self.fits(words)
    }

    /// Whether the words after the name are so.
    pub fn fits(&self, mut words: &[Word]) -> bool {
        let Shape { steps, rest } = self.shape();
        for step in steps {
            words = skip(words, &step.before);
            let Some((word, after)) = words.split_first() else { return false };
            if !word.literal().is_some_and(|w| self.says(&step.word, &w)) {
                return false;
            }
            words = after;
        }
        match rest {
            Rest::Any => true,
            Rest::Only(options) => only(words, options),
            Rest::Except(options) => except(words, options),
            Rest::Needs(options) => needs(words, options),
        }
    }

    /// Redis reads its commands without regard to case.
    fn says(&self, written: &str, word: &str) -> bool {
        match self.name() {
            "redis-cli" => like(&written.to_ascii_lowercase(), &word.to_ascii_lowercase()),
            _ => like(written, word),
        }
    }
}

/// Whether one of them says so of this command.
#[must_use]
pub fn any<'p>(patterns: impl IntoIterator<Item = &'p Pattern>, words: &[Word]) -> bool {
    let Some((name, rest)) = program(words) else { return false };
    patterns.into_iter().any(|pattern| pattern.is(&name, rest))
}

/// What is run, `grep` for `/usr/bin/grep` but not for `./grep`, and the words after it. None when it is computed.
#[must_use]
pub fn program(words: &[Word]) -> Option<(Cow<'_, str>, &[Word])> {
    let (first, rest) = words.split_first()?;
    let name = first.literal()?;
    let base = match name.rsplit_once('/') {
        Some(("/bin" | "/usr/bin" | "/usr/local/bin" | "/sbin" | "/usr/sbin" | "/usr/local/sbin", base)) => base.len(),
        _ => return Some((name, rest)),
    };
    let name = match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.get(name.len() - base..)?),
        Cow::Owned(name) => Cow::Owned(name.get(name.len() - base..)?.to_owned()),
    };
    Some((name, rest))
}

/// Whether a line is about this program.
#[must_use]
pub fn names(line: &str, program: &str) -> bool {
    // Hundreds are asked: a letter that differs turns most away.
    for (at, letter) in line.bytes().enumerate() {
        if letter == b'*' {
            return like(first(line), program);
        }
        if letter.is_ascii_whitespace() {
            return at == program.len();
        }
        if program.as_bytes().get(at) != Some(&letter) {
            return false;
        }
    }
    line.len() == program.len()
}

fn first(line: &str) -> &str {
    line.split_ascii_whitespace().next().unwrap_or("")
}

impl Shape {
    fn parse<'t>(words: impl Iterator<Item = &'t str>) -> Shape {
        let mut steps = Vec::new();
        let mut rest = Rest::Any;
        let mut group: Option<(char, Vec<Opt>)> = None;
        let mut open = false;
        for word in words {
            let mut body = word;
            if !open && let Some((kind, inner)) = opening(word) {
                open = true;
                group = Some((kind, Vec::new()));
                body = inner;
            }
            if !open {
                let before = Before::Only(group.take().map(|(_, o)| o).unwrap_or_default());
                steps.push(Step { before, word: word.to_owned() });
                continue;
            }
            let closed = body.ends_with(']');
            let body = body.strip_suffix(']').unwrap_or(body);
            if let Some((_, options)) = &mut group
                && !body.is_empty()
            {
                options.push(Opt::parse(body));
            }
            open = !closed;
        }
        if let Some((kind, options)) = group {
            rest = match kind {
                '!' => Rest::Except(options),
                '?' => Rest::Needs(options),
                _ => Rest::Only(options),
            };
        }
        Shape { steps, rest }
    }

    /// Whatever the options before its subcommand: `passed` are those that take a value.
    fn passing(self, passed: &str) -> Shape {
        let Rest::Only(options) = Shape::parse(passed.split_whitespace()).rest else { return self };
        let pass = |step: Step| Step { before: Before::Any(options.clone()), ..step };
        Shape { steps: self.steps.into_iter().map(pass).collect(), ..self }
    }
}

fn opening(word: &str) -> Option<(char, &str)> {
    if let Some(inner) = word.strip_prefix("![") {
        return Some(('!', inner));
    }
    if let Some(inner) = word.strip_prefix("?[") {
        return Some(('?', inner));
    }
    word.strip_prefix('[').map(|inner| ('[', inner))
}

impl Opt {
    fn parse(text: &str) -> Opt {
        let (text, needed) = text.strip_prefix('+').map_or((text, false), |t| (t, true));
        let (name, value) = match text.split_once('=') {
            None => (text, Value::None),
            Some((name, "")) => (name, Value::Any),
            Some((name, "%sql")) => (name, Value::Reads),
            Some((name, "%write")) => (name, Value::Writes),
            Some((name, value)) => (name, Value::Like(value.to_owned())),
        };
        Opt { name: name.to_owned(), value, needed }
    }

    fn accepts(&self, value: Option<&str>) -> bool {
        match &self.value {
            Value::None | Value::Any => true,
            Value::Like(patterns) => value.is_some_and(|v| patterns.split('|').any(|p| like(p, v))),
            Value::Reads => value.is_some_and(sql::reads),
            Value::Writes => value.is_some_and(|v| !sql::reads(v)),
        }
    }

    fn takes_value(&self) -> bool {
        !matches!(self.value, Value::None)
    }

    fn short(&self) -> Option<char> {
        let mut letters = self.name.strip_prefix('-')?.chars();
        match (letters.next(), letters.next()) {
            (Some(c), None) if c != '-' => Some(c),
            _ => None,
        }
    }
}

/// `*` stands for any letters.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let star = |pattern: &str| pattern.bytes().position(|b| b == b'*');
    let Some((head, mut last)) = star(pattern).and_then(|at| Some((pattern.get(..at)?, pattern.get(at + 1..)?))) else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    // What stands between two stars is best found as early as it can be.
    while let Some((between, behind)) = star(last).and_then(|at| Some((last.get(..at)?, last.get(at + 1..)?))) {
        if rest.len() < between.len() {
            return false;
        }
        let Some(after) = rest.find(between).and_then(|at| rest.get(at + between.len()..)) else { return false };
        (rest, last) = (after, behind);
    }
    rest.ends_with(last)
}

/// The bits of the programs that a line is about.
#[must_use]
pub fn bits(line: &str) -> u128 {
    match number(line) {
        ANY => u128::MAX,
        number => 1 << number,
    }
}

/// One of 128 bits for each program: two with different bits differ.
#[must_use]
pub const fn bit(program: &str) -> u128 {
    1 << sum(program.as_bytes())
}

/// What a line has for a number whose first word is a pattern itself.
pub const ANY: usize = 128;

/// The number of the bit of the program that a line is about.
#[must_use]
pub const fn number(line: &str) -> usize {
    let (mut name, mut rest) = (line.as_bytes(), line.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'*' {
            return ANY;
        }
        if first.is_ascii_whitespace() {
            name = name.split_at(name.len() - rest.len()).0;
            break;
        }
        rest = behind;
    }
    sum(name)
}

const fn sum(mut name: &[u8]) -> usize {
    let mut sum = 0x811c_9dc5_u32;
    while let Some((first, behind)) = name.split_first() {
        sum = (sum ^ *first as u32).wrapping_mul(0x0100_0193);
        name = behind;
    }
    ((sum ^ sum >> 15) % 128) as usize
}

/// The words after the listed options (and their values) that open `words`.
fn skip<'a>(mut words: &'a [Word], before: &Before) -> &'a [Word] {
    let (Before::Only(options) | Before::Any(options)) = before;
    while let Some((word, after)) = words.split_first() {
        match find(word, options) {
            Found::Listed { value: Taken::Next, .. } => words = after.split_first().map_or(after, |(_, rest)| rest),
            Found::Listed { .. } => words = after,
            Found::Unlisted if matches!(before, Before::Any(_)) && is_passed(&word.opening()) => words = after,
            Found::Operand | Found::Unlisted => return words,
        }
    }
    words
}

/// An option that does not keep a command from doing what it says.
fn is_passed(opening: &str) -> bool {
    opening.starts_with('-') && !opening.starts_with("--dry-run")
}

fn only(words: &[Word], options: &[Opt]) -> bool {
    let operands: Vec<&str> = options.iter().filter_map(|o| o.name.strip_prefix('.')).collect();
    let fits =
        |word: &Word| operands.is_empty() || word.literal().is_some_and(|w| operands.iter().any(|p| like(p, &w)));
    let needed = |option: &Opt| option.needed;
    let mut found = !options.iter().any(needed);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.literal().as_deref() == Some("--") {
            return found && words.all(fits);
        }
        match find(word, options) {
            Found::Operand if fits(word) => {}
            Found::Listed { option, value: Taken::No | Taken::Here } => found |= option.is_some_and(needed),
            Found::Listed { option, value: Taken::Next } => {
                let value = words.next().and_then(Word::literal);
                if !option.is_some_and(|o| o.accepts(value.as_deref())) {
                    return false;
                }
                found |= option.is_some_and(needed);
            }
            Found::Operand | Found::Unlisted => return false,
        }
    }
    found
}

fn except(words: &[Word], options: &[Opt]) -> bool {
    let ordered = options.iter().any(|o| o.name == ".");
    for word in words {
        let opening = word.opening();
        if word.literal().as_deref() == Some("--") || ordered && is_operand(word) {
            return true;
        }
        if opening.is_empty() && word.literal().is_none() {
            return false;
        }
        if opening.starts_with('-') && opening.len() > 1 && options.iter().any(|o| denies(o, word, &opening)) {
            return false;
        }
    }
    true
}

/// Whatever follows in it, it is no option.
fn is_operand(word: &Word) -> bool {
    let opening = word.opening();
    !opening.is_empty() && !opening.starts_with('-') || word.literal().is_some_and(|w| w.is_empty())
}

/// Errs on the side of yes: a cluster of letters that has the option's, the beginning of its long name.
fn denies(option: &Opt, word: &Word, opening: &str) -> bool {
    let name = opening.split_once('=').map_or(opening, |(n, _)| n);
    if like(&option.name, name) {
        return true;
    }
    if name.starts_with("--") {
        return name.len() > 2 && (option.name.starts_with(name) || word.literal().is_none() && !opening.contains('='));
    }
    match option.short() {
        Some(letter) => name.contains(letter) || word.literal().is_none(),
        None => word.literal().is_none(),
    }
}

fn needs(words: &[Word], options: &[Opt]) -> bool {
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if word.literal().as_deref() == Some("--") {
            return false;
        }
        match find(word, options) {
            Found::Operand => {}
            Found::Unlisted if clustered(word, options) => return true,
            Found::Unlisted => {}
            Found::Listed { option: Some(_), value: Taken::No | Taken::Here } => return true,
            Found::Listed { option: Some(option), value: Taken::Next } => {
                let value = words.peek().and_then(|w| w.literal());
                if option.accepts(value.as_deref()) {
                    return true;
                }
            }
            Found::Listed { option: None, .. } => {}
        }
    }
    false
}

/// `-ni` has the `-i` of a list.
fn clustered(word: &Word, options: &[Opt]) -> bool {
    let Some(literal) = word.literal() else { return false };
    let Some(letters) = literal.strip_prefix('-') else { return false };
    letters.chars().all(|c| c.is_ascii_alphabetic())
        && options.iter().any(|o| match (o.short(), &o.value) {
            (Some(c), Value::None) => letters.contains(c),
            (Some(c), Value::Any) => letters.ends_with(c),
            (_, Value::Any | Value::None | Value::Like(_) | Value::Reads | Value::Writes) => false,
        })
}

fn find<'a>(word: &Word, options: &'a [Opt]) -> Found<'a> {
    let opening = word.opening();
    let literal = word.literal();
    if !opening.starts_with('-') || opening == "-" {
        // What is computed may turn out to be an option.
        return if opening.is_empty() && literal.is_none() { Found::Unlisted } else { Found::Operand };
    }
    let (name, attached) = match opening.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (&*opening, None),
    };
    let attached = if literal.is_some() { attached } else { attached.map(|_| "") };
    if literal.is_some() || attached.is_some() {
        for option in options.iter().filter(|o| like(&o.name, name)) {
            match attached {
                Some(value) if option.accepts(literal.as_ref().map(|_| value)) => {
                    return Found::Listed { option: Some(option), value: Taken::Here };
                }
                None if option.takes_value() => {
                    return Found::Listed { option: Some(option), value: Taken::Next };
                }
                None if !option.takes_value() => return Found::Listed { option: Some(option), value: Taken::No },
                Some(_) | None => {}
            }
        }
    }
    cluster(name, literal.is_some(), options, &opening)
}

/// `-rn`, `-k2`, `-20`
fn cluster<'a>(name: &str, whole: bool, options: &'a [Opt], opening: &str) -> Found<'a> {
    if name.starts_with("--") {
        return Found::Unlisted;
    }
    let letters = name.get(1..).unwrap_or("");
    if whole && letters.chars().all(|c| c.is_ascii_digit()) {
        return Found::Listed { option: None, value: Taken::No };
    }
    let mut rest = letters.chars();
    let mut listed = None;
    while let Some(letter) = rest.next() {
        let Some(option) = options.iter().find(|o| o.short() == Some(letter)) else {
            return Found::Unlisted;
        };
        listed = listed.filter(|o: &&Opt| o.needed).or(Some(option));
        if !option.takes_value() {
            continue;
        }
        let after = rest.as_str();
        if after.is_empty() && whole {
            return Found::Listed { option: Some(option), value: Taken::Next };
        }
        let value = opening.find(letter).and_then(|i| opening.get(i + letter.len_utf8()..));
        let fits = match option.value {
            Value::Any => true,
            Value::None | Value::Like(_) | Value::Reads | Value::Writes => whole && option.accepts(value),
        };
        return if fits { Found::Listed { option: Some(option), value: Taken::Here } } else { Found::Unlisted };
    }
    if listed.is_some() && whole { Found::Listed { option: listed, value: Taken::No } } else { Found::Unlisted }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "é"),
            ("a*", "a"),
            ("*manage.py", "./manage.py"),
            ("*python*", "python3"),
            ("*python*", "/opt/python"),
            ("a*b*c", "abbc"),
            ("a*b*bc", "abbc"),
            ("**", "x"),
            ("a**", "a"),
            ("*ab*ab", "abab"),
        ] {
            assert!(like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "b"),
            ("", "a"),
            ("a*", ""),
            ("a*a", "a"),
            ("*ab*ab", "ab"),
            ("*b*", "a"),
            ("*a*b", "ba"),
            ("*aa*aa", "aaa"),
        ] {
            assert!(!like(pattern, text), "{pattern} {text}");
        }
    }
}
