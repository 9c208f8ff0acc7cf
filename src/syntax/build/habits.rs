//! What other languages write where rbk writes something else.
use super::expect::Stop;
use super::recover::first_word;

/// What other languages call a thing of this one.
pub(super) fn elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "while" | "loop" | "until" | "do" => {
            "there is no loop but `for name in list { … }`; `wait up to 30s until condition` polls"
        }
        "foreach" => "write `for name in list { … }`",
        "import" | "include" | "require" | "from" => "write `use \"./file.rbk\"`",
        "def" | "fn" | "func" | "function" | "proc" | "macro" => "write `action name(parameter: type) { … }`",
        "var" | "const" | "set" | "val" => "write `let name = value`: a name is bound once",
        "assert" | "check" | "ensure" | "expect" | "verify" => "write `guard \"label\": condition`",
        "echo" | "print" | "println" | "printf" => "write `log \"message\"`, or `$ echo …` for the shell",
        "sleep" | "delay" | "pause" => "write `wait 30s`",
        "undo" | "revert" => "write `rollback { … }`",
        "raise" | "throw" | "abort" | "exit" | "die" | "panic" => "write `fail \"message\"`",
        "task" | "job" | "stage" | "phase" => "write `step \"name\" { … }`",
        "run" | "exec" | "sh" | "bash" | "cmd" => "write `$ command`",
        "elif" | "elsif" => "write `else if condition { … }` behind the `}` of the `if`",
        "catch" | "except" => "write `try { … } else { … }`",
        "switch" | "case" | "match" => "write `if condition { … } else if condition { … }`",
        "else" => "`else` follows the `}` of an `if` or a `try`, or the value of a `let`",
        "then" => "`if … then … else …` is a value; as a statement write `if condition { … }`",
        "retry" | "backoff" | "every" => {
            "it stands in the first line of a step: `step \"name\" retry 3 every 5s { … }`"
        }
        "when" => "it stands in the first line of a step: `step \"name\" when condition { … }`",
        "readonly" => "it stands in the first line of a step, `step \"name\" readonly { … }`, or before a `$`",
        "tolerate" => "it stands behind a label: `guard \"label\" tolerate 3: condition`",
        "unless" => "write `if not condition { … }`",
        "on_failure" | "on_error" | "rescue" => "write `on failure { … }`",
        "on_success" => "write `on success { … }`",
        "async" | "await" | "spawn" => "write `parallel { … }`",
        _ => return None,
    })
}

/// Mistakes with a message of their own: the message and the way out.
pub(super) fn special(rest: &str, before: &str, stop: &Stop) -> Option<(String, &'static str)> {
    if stop.value() && rest.starts_with('/') && before.trim_end().is_empty()
        || rest.starts_with('/') && before.ends_with('/')
    {
        return Some((
            "a comment starts with `#`".into(),
            "write `# …`; what documents a name, a step or a file `## …`",
        ));
    }
    if let Some(unit) = unit_apart(rest, before) {
        return Some(("a unit stands right behind its number".into(), unit));
    }
    if rest.starts_with('`') && stop.value() {
        return Some(("a command stands behind `$`".into(), "write `$ command`, or inside an expression `$(command)`"));
    }
    if rest.starts_with('=') && (before.ends_with("==") || before.ends_with("!=")) {
        return Some(("there is no third `=`".into(), "write `==` or `!=`: values of two types are never equal"));
    }
    if rest.starts_with('>') && before.ends_with('<') {
        return Some(("expected `!=`, found `<>`".into(), "write `!=`"));
    }
    if rest.starts_with('$') && !rest.starts_with("$(") && stop.value() {
        return Some((
            "`$` cannot stand here".into(),
            "inside an expression write `$(command)`, which ends at its bracket",
        ));
    }
    if rest.starts_with('\'') && (stop.value() || rest.len() > 1) {
        return Some((
            "a string stands in double quotes".into(),
            "write `\"…\"`, or `r\"…\"` to take every character as it is",
        ));
    }
    if stop.operator() {
        let pair = rest.get(..2).unwrap_or(rest);
        match pair {
            "&&" => return Some(("expected `and`, found `&&`".into(), "write `and`")),
            "||" => return Some(("expected `or`, found `||`".into(), "write `or`")),
            "??" => return Some(("there is no `??`".into(), "write `if a == null then b else a`")),
            "=~" => return Some(("expected `matches`, found `=~`".into(), "write `x matches r\"…\"`")),
            _ if rest.starts_with('=') => return Some(("`=` does not compare".into(), "write `==`")),
            _ if rest.starts_with('?') => {
                return Some(("there is no `?`".into(), "write `if condition then a else b`"));
            }
            _ if rest.starts_with('%') => {
                return Some(("there is no `%`".into(), "a value goes into a text with `#{x}`: `\"hello #{name}\"`"));
            }
            _ if first_word(rest) == "is" => return Some(("expected `==`, found `is`".into(), "write `==` or `!=`")),
            _ if rest.starts_with("not in ") => {
                return Some(("`not` stands before what it denies".into(), "write `not (x in list)`"));
            }
            _ => {}
        }
    }
    if rest.starts_with('!') && stop.value() {
        return Some(("expected `not`, found `!`".into(), "write `not x`"));
    }
    if stop.block() && first_word(rest) == "then" {
        return Some((
            "expected `{`, found `then`".into(),
            "`if … then … else …` is a value; as a statement write `if condition { … }`",
        ));
    }
    if before.trim_start().starts_with("let ") && rest.starts_with(':') {
        return Some(("expected `=`, found `:`".into(), "types are inferred: write `let name = value`"));
    }
    None
}

/// `5 minutes`, `20 GB`: how the unit is written.
fn unit_apart(rest: &str, before: &str) -> Option<&'static str> {
    let before = before.trim_end();
    let number = before.rsplit([' ', '\t', '(', ',', '=', '<', '>']).next().unwrap_or("");
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'_') {
        return None;
    }
    Some(match first_word(rest) {
        "ms" | "milliseconds" => "write it like `500ms`",
        "s" | "sec" | "secs" | "second" | "seconds" => "write it like `30s`",
        "m" | "min" | "mins" | "minute" | "minutes" => "write it like `5m`",
        "h" | "hr" | "hrs" | "hour" | "hours" => "write it like `2h`",
        "d" | "day" | "days" => "write it like `7d`",
        "w" | "week" | "weeks" => "write it like `2w`",
        "B" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB" | "kb" | "mb" | "gb" | "tb" => {
            "write it like `20GB`"
        }
        _ => return None,
    })
}

/// `./deploy.sh`, `/usr/bin/true`: the path of a command that stands as a statement.
pub(super) fn command_path(text: &str) -> Option<&str> {
    let path = text.split([' ', '\t', '\n', ';']).next().unwrap_or("");
    let is_path = ["./", "../", "~/", "/"].iter().any(|start| path.starts_with(start));
    (is_path && path.len() > 1 && !path.starts_with("//") && !path.starts_with("/*")).then_some(path)
}
