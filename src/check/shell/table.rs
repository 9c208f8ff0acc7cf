//! A table of commands that stands in the program: split when rbk is compiled, because a script asks about a few of its
//! hundreds of lines and a short run would spend a quarter of its instructions on the others.
#![allow(clippy::indexing_slicing, reason = "what a compiler computes: an index out of range is its error")]
use std::sync::OnceLock;

use super::pattern::{self, ANY, Pattern};
use super::tree::Word;

/// Each line is in the notation of [`pattern`].
pub struct Table<const N: usize> {
    /// By the number of their program.
    lines: [&'static str; N],
    /// Where the lines of each number begin, and those of the one behind it.
    from: [usize; ANY + 2],
    /// Read when their program is first asked for.
    patterns: [OnceLock<Box<Pattern>>; N],
    read: fn(&'static str) -> Pattern,
}

impl<const N: usize> Table<N> {
    pub const fn new(lines: [&'static str; N], read: fn(&'static str) -> Pattern) -> Table<N> {
        let (lines, from) = by_program(lines);
        Table { lines, from, patterns: [const { OnceLock::new() }; N], read }
    }

    /// Whether one of them says so of this command.
    pub fn knows(&self, words: &[Word]) -> bool {
        let Some((name, rest)) = pattern::program(words) else { return false };
        let mut some = [pattern::bit(&name).trailing_zeros() as usize, ANY].into_iter().flat_map(|number| {
            let place = self.from[number]..self.from[number + 1];
            self.lines[place.clone()].iter().zip(&self.patterns[place])
        });
        some.any(|(line, pattern)| {
            pattern::names(line, &name) && pattern.get_or_init(|| Box::new((self.read)(line))).fits(rest)
        })
    }
}

/// Lines by the number of their program, and where those of each begin.
const fn by_program<const N: usize>(lines: [&'static str; N]) -> ([&'static str; N], [usize; ANY + 2]) {
    let mut from = [0; ANY + 2];
    let mut at = 0;
    while at < N {
        from[pattern::number(lines[at]) + 1] += 1;
        at += 1;
    }
    at = 0;
    while at <= ANY {
        from[at + 1] += from[at];
        at += 1;
    }
    let (mut sorted, mut next) = ([""; N], from);
    at = 0;
    while at < N {
        let number = pattern::number(lines[at]);
        sorted[next[number]] = lines[at];
        next[number] += 1;
        at += 1;
    }
    (sorted, from)
}

/// How many quoted texts there are on the lines that do not start with `#`; there are no escapes.
pub const fn count(text: &str) -> usize {
    let (text, mut quotes, mut at) = (text.as_bytes(), 0, 0);
    while at < text.len() {
        if text[at] == b'#' && (at == 0 || text[at - 1] == b'\n') {
            while at < text.len() && text[at] != b'\n' {
                at += 1;
            }
        } else {
            quotes += (text[at] == b'"') as usize;
            at += 1;
        }
    }
    quotes / 2
}

/// Those texts.
pub const fn quoted<const N: usize>(text: &'static str) -> [&'static str; N] {
    let mut found = [""; N];
    let (bytes, mut quotes, mut at) = (text.as_bytes(), 0, 0);
    let mut opened = 0;
    while at < bytes.len() {
        if bytes[at] == b'#' && (at == 0 || bytes[at - 1] == b'\n') {
            while at < bytes.len() && bytes[at] != b'\n' {
                at += 1;
            }
            continue;
        }
        if bytes[at] == b'"' {
            if quotes % 2 == 1 {
                found[quotes / 2] = text.split_at(at).0.split_at(opened).1;
            }
            quotes += 1;
            opened = at + 1;
        }
        at += 1;
    }
    found
}

/// A list as an array.
pub const fn listed<const N: usize>(lines: &[&'static str]) -> [&'static str; N] {
    let mut found = [""; N];
    let mut at = 0;
    while at < N {
        found[at] = lines[at];
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::stdlib::COMMANDS;

    #[test]
    fn the_compiler_splits_the_table_as_one_would_at_its_quotes() {
        let lines = COMMANDS.lines().filter(|line| !line.starts_with('#'));
        let wanted: Vec<&str> = lines.flat_map(|line| line.split('"').skip(1).step_by(2)).collect();
        assert!(wanted.len() > 300 && wanted.iter().all(|text| !text.is_empty() && text.trim() == *text));
        assert_eq!(quoted::<{ count(COMMANDS) }>(COMMANDS).as_slice(), wanted);
    }

    #[test]
    fn the_compiler_puts_lines_about_one_program_together() {
        let (lines, from) = by_program(["ls -l", "*a", "cat", "ls", "lsof -i", "x*y z"]);
        let of = |number: usize| &lines[from[number]..from[number + 1]];
        assert_eq!(of(ANY), ["*a", "x*y z"]);
        assert_eq!(of(pattern::number("ls")), ["ls -l", "ls"]);
        assert_eq!((of(pattern::number("cat x")), pattern::bits("cat")), (&["cat"][..], pattern::bit("cat")));
        assert_eq!(from.last(), Some(&lines.len()));
    }
}
