//! What could have stood where a text stops being rbk, in the words of the person who wrote it.
use std::sync::{Mutex, PoisonError};

use pest::Parser;
use pest::error::InputLocation;

use super::super::grammar::{Grammar, Rule};

/// Where reading stopped, and what would have let it go on.
pub(super) struct Stop {
    pub at: usize,
    /// The text stands between `#{` and `}`.
    pub in_hole: bool,
    pub tokens: Vec<String>,
}

/// pest keeps the details of a failure behind one switch for the whole process.
static DETAIL: Mutex<()> = Mutex::new(());

/// Read a text with a strict rule; nothing when it fits.
pub(super) fn stop(rule: Rule, text: &str) -> Option<Stop> {
    // A word that ends the text has not ended for the grammar.
    let text = format!("{text} ");
    let guard = DETAIL.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_error_detail(true);
    let result = Grammar::parse(rule, &text);
    pest::set_error_detail(false);
    drop(guard);
    let error = result.err()?;
    let (tokens, at) = match error.parse_attempts() {
        Some(a) => (a.expected_tokens().iter().map(ToString::to_string).collect(), a.max_position),
        None => {
            let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
            (Vec::new(), at)
        }
    };
    Some(Stop { at, in_hole: false, tokens })
}

impl Stop {
    fn has(&self, token: &str) -> bool {
        self.tokens.iter().any(|t| t == token)
    }

    /// A value could stand there.
    pub fn value(&self) -> bool {
        self.has("$(") && self.has("[")
    }

    /// And a `$` command too.
    pub fn command(&self) -> bool {
        self.has("$")
    }

    /// What stands before it is a value that could go on.
    pub fn operator(&self) -> bool {
        self.has("==")
    }

    pub fn block(&self) -> bool {
        self.has("{") && !self.value()
    }

    /// The words of the language that fit.
    pub fn words(&self) -> Vec<&str> {
        let all = self.tokens.iter().map(|t| t.trim());
        let mut words: Vec<&str> = all.filter(|t| t.len() > 1 && t.bytes().all(|b| b.is_ascii_lowercase())).collect();
        words.dedup();
        if self.value() {
            words.retain(|w| !matches!(*w, "if" | "not" | "ask" | "choose" | "readonly"));
        }
        words
    }

    /// "a duration such as `30s`", "`:` or `tolerate`": at most four things; `before` is the text up to the stop.
    pub fn expected(&self, before: &str) -> String {
        let mut all: Vec<String> = Vec::new();
        let last = before.trim_end().rsplit([' ', '\t', '\n', '(', '[', '{']).next().unwrap_or("");
        if self.value() {
            all.push(value(last, self.command()).to_owned());
        } else if self.has("{") && self.has("\"") {
            all.push("a type such as `string`".into());
        } else if self.has("\"") {
            all.push(text(last).to_owned());
        }
        if self.has("a..z") && !self.has("0..9") && !self.has("[") && all.is_empty() {
            all.push(if last.ends_with([':', '<', '>']) { "a type such as `string`" } else { "a name" }.into());
        }
        for mark in [":", "=", "(", ",", ")", "]", ">", "}", "{"] {
            let shadowed = match mark {
                "(" => self.has("."),
                ">" => self.operator(),
                ":" => self.operator() && self.has(","),
                _ => false,
            };
            let shadowed = shadowed || mark == "{" && self.has("\"");
            if self.has(mark) && !self.value() && !shadowed {
                all.push(format!("`{mark}`"));
            }
        }
        let words = self.words();
        let continues = ["and", "or", "in", "matches"];
        all.extend(words.iter().filter(|w| !(self.operator() && continues.contains(w))).map(|w| format!("`{w}`")));
        if self.has(";") || all.is_empty() {
            all.push(if self.in_hole { "`}`" } else { "the end of the line" }.into());
        }
        all.truncate(5);
        join(&all)
    }
}

/// A value, named by the word or mark before it.
fn value(last: &str, command: bool) -> &'static str {
    match last {
        "timeout" | "within" | "every" | "deadline" | "wait" | "to" | "for" => "a duration such as `30s`",
        "retry" | "tolerate" | "parallel" => "a number such as `3`",
        "in" => "a list",
        "reviewed" => "a date such as `2026-11-01`",
        "where" | "when" | "if" => "a condition",
        "transaction" => "a connection",
        "with" => "a context such as `dir(\"/srv\")`",
        "until" | "unless" => "a condition",
        _ if command && last.ends_with(':') => "a condition, a value or a `$` command",
        _ if command => "a value or a `$` command",
        _ => "a value",
    }
}

/// A string, named by the word before it.
fn text(last: &str) -> &'static str {
    match last {
        "use" => "a path such as `\"std/git\"`",
        "step" | "runbook" => "a name in quotes such as `\"Deploy\"`",
        "guard" | "warn" | "invariant" | "watch" | "option" => "a label in quotes such as `\"site answers\"`",
        "confirm" | "choose" | "ask" => "a question in quotes",
        "none" | "manual" | "irreversible" | "commit" => "a reason in quotes",
        _ => "a text in quotes",
    }
}

fn join(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} or {last}", front.join(", ")),
    }
}

/// What stands at a place: its length, and how to call it.
pub(super) fn found(rest: &str) -> (usize, String) {
    let Some(first) = rest.chars().next().filter(|c| !matches!(c, '\n' | '#' | ';')) else {
        return (0, "the end of the line".into());
    };
    if first.is_alphanumeric() || first == '_' {
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').take(40).collect();
        return (length, format!("`{word}`"));
    }
    if first == '"' {
        let length = rest.get(1..).and_then(|t| t.find(['"', '\n'])).map_or(1, |at| at + 2);
        return (length, "a string".into());
    }
    let pair = rest.get(..2).filter(|p| ["&&", "||", "->", "=>", "==", "!=", "<=", ">=", ":=", "++", "+="].contains(p));
    match pair {
        Some(pair) => (2, format!("`{pair}`")),
        None => (first.len_utf8(), format!("`{first}`")),
    }
}

/// Words that open a clause: where a value was needed they are no names.
pub(super) const CLAUSES: &[&str] = &[
    "every", "within", "timeout", "tolerate", "until", "unless", "backoff", "when", "from", "where", "retry",
    "readonly", "else", "then", "effect", "takeover",
];

/// How a statement is written.
pub(super) fn form(word: &str) -> Option<&'static str> {
    Some(match word {
        "let" => "let name = value",
        "step" => "step \"name\" timeout 5m { … }",
        "guard" => "guard \"label\": condition",
        "warn" => "warn \"label\": condition",
        "invariant" => "invariant \"label\" every 5s: condition",
        "wait" => "wait 30s` or `wait up to 30s every 1s until condition",
        "watch" => "watch \"label\" for 5m every 5s { guard \"label\": condition }",
        "if" => "if condition { … } else { … }",
        "for" => "for name in list { … }",
        "parallel" => "parallel { … }",
        "transaction" => "transaction db { … }",
        "with" => "with dir(\"/srv\") { … }",
        "confirm" => "confirm \"question\" within 15m",
        "choose" => "choose \"question\" { option \"label\" { … } }",
        "option" => "option \"label\" { … }",
        "try" => "try { … } else { … }",
        "rollback" => "rollback { … }`, `rollback none \"why\"` or `rollback manual \"what to do\"",
        "irreversible" => "irreversible \"why\"",
        "commit" => "commit \"why\"",
        "finally" => "finally { … }",
        "on" => "on failure { … }` or `on success { … }",
        "done" => "done when condition",
        "fail" => "fail \"message\"",
        "log" => "log \"message\"",
        "note" => "note \"key\": value",
        "return" => "return value",
        "param" => "param name: type = default where condition",
        "secret" => "secret name = env(\"NAME\")",
        "connect" => "connect name = postgres(url)",
        "reads" => "reads \"command\", \"other command\"",
        "use" => "use \"std/git\"` or `use \"./file.rbk\" as name",
        "runbook" => "runbook \"title\" { … }",
        "action" => "action name(parameter: type) { … }",
        "extern" => "extern action name(parameter: type) -> type effect read",
        "context" => "context name(parameter: type) = [\"command\", \"argument\"]",
        "owner" => "owner \"team\"",
        "contact" => "contact \"where\"",
        "reviewed" => "reviewed 2026-11-01 every 90d",
        "deadline" => "deadline 1h",
        "lock" => "lock \"name\"` or `lock \"name\" takeover",
        "shell" => "shell \"sh\"",
        "timeout" => "timeout 5m",
        _ => return None,
    })
}
