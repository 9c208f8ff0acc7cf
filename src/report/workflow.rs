//! On GitHub Actions the log is read for commands: a line that begins with `::`, and `##[` anywhere. What a value, a command or a
//! server says is text there as well: `\::` and `#\u0023[` are shown, and obeyed by nobody.
use std::borrow::Cow;

/// Whether what is written goes into such a log.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the look of the outside is decided by its environment")]
pub fn reads_commands() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|set| !set.is_empty() && set != "false")
}

/// Whole lines, with no command in them. In JSON it is the same text as before.
#[must_use]
pub fn inert(text: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(text) else { return Cow::Borrowed(text) };
    let begins = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.split('\n').any(begins) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let (blank, rest) = line.split_at(line.len() - line.trim_start().len());
        out.push_str(blank);
        if rest.starts_with("::") {
            out.push('\\');
        }
        out.push_str(&rest.replace("##[", "#\\u0023["));
    }
    Cow::Owned(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_text() {
        let said = |text: &str| String::from_utf8(inert(text.as_bytes()).into_owned()).unwrap();
        assert_eq!(
            said("  ::error file=a::x\n::add-mask::y\na ::b\n"),
            "  \\::error file=a::x\n\\::add-mask::y\na ::b\n"
        );
        assert_eq!(said("x ##[group]y"), "x #\\u0023[group]y");
        assert_eq!(said("plain\n"), "plain\n");
        let json = said("{\"text\":\"##[error]\"}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["text"], "##[error]");
    }
}
