//! Text in HTML and XML.
use std::borrow::Cow;

/// Safe between tags and in a quoted attribute. What XML 1.0 forbids is replaced; other control characters are the caller's.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || is_forbidden(c);
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_forbidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escape("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(escape("</a href=\"x\"> ]]> & '"), "&lt;/a href=&quot;x&quot;&gt; ]]&gt; &amp; &#39;");
        assert_eq!(escape("a\u{0}\u{1b}\u{ffff}\u{c}b"), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b");
    }
}
