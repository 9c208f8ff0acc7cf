//! Control characters are shown, never obeyed: what a command, a server or a file name brings along cannot move the
//! cursor, clear the screen, turn text around or hide it.
use std::borrow::Cow;
use std::fmt::Write;

use crate::value::show::is_hostile;

/// What happens to colour sequences (`ESC [ … m`) in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// They reach the terminal; the line is reset at its end.
    Pass,
    /// They are left out.
    Drop,
    /// They are shown like any other control character.
    Show,
}

/// One line made safe. A tab stays; a newline is shown as `\n`.
#[must_use]
pub fn visible(text: &str, colours: Colours) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut painted = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\x1b'
            && colours != Colours::Show
            && let Some(length) = colour_sequence(rest)
        {
            if colours == Colours::Pass {
                out.push_str(rest.get(..length).unwrap_or_default());
                painted = true;
            }
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        if is_control(c) {
            show(c, &mut out)
        } else {
            out.push(c)
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    if painted {
        out.push_str("\x1b[0m");
    }
    Cow::Owned(out)
}

/// Bytes as text: what is not UTF-8 is shown as `\xff`.
#[must_use]
pub fn decoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// What is shown instead of obeyed; a tab stays.
pub(super) fn is_control(c: char) -> bool {
    c != '\t' && is_hostile(c)
}

fn show(c: char, out: &mut String) {
    let _ = match c {
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\x1b' => write!(out, "\\e"),
        c if u32::from(c) < 0x80 => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
}

/// The length of a colour sequence that the text starts with.
fn colour_sequence(text: &str) -> Option<usize> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    body.get(end..)?.starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(visible("a\x1b[2Jb\x07\u{202e}c\u{9b}d", Colours::Pass), "a\\e[2Jb\\x07\\u{202e}c\\u{9b}d");
        assert_eq!(visible("tab\tstays", Colours::Show), "tab\tstays");
    }

    #[test]
    fn colours_pass_and_are_reset() {
        assert_eq!(visible("\x1b[1;31mred", Colours::Pass), "\x1b[1;31mred\x1b[0m");
        assert_eq!(visible("\x1b[1;31mred\x1b[m", Colours::Drop), "red");
        assert_eq!(visible("\x1b[31mred", Colours::Show), "\\e[31mred");
        assert_eq!(visible("\x1b[31", Colours::Pass), "\\e[31");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        assert_eq!(decoded(b"a\xffb\xc3"), "a\\xffb\\xc3");
    }
}
