//! Output of running commands, cut into lines. Secrets are hidden before anything is cut, so that no part of one stands at
//! the end of a line, or of a piece of a long one.
use std::collections::BTreeMap;

use crate::effects::{Chunk, Stream};
use crate::engine::CallId;
use crate::report::outside::Known;
use crate::report::visible::decoded;
use crate::value::redact;

/// A line longer than this is told in pieces.
const LONGEST: usize = 64 << 10;

#[derive(Debug, Default)]
pub struct Streamed {
    known: Known,
    open: BTreeMap<(CallId, bool), Open>,
}

/// What has come of a stream and is not told yet.
#[derive(Default)]
struct Open {
    secrets: redact::Stream,
    /// Of a line that is not whole, without its secrets.
    line: Vec<u8>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Open({:?}, {} bytes)", self.secrets, self.line.len())
    }
}

impl Streamed {
    #[must_use]
    pub fn new(known: Known) -> Streamed {
        Streamed { known, open: BTreeMap::new() }
    }

    /// The lines that this chunk makes whole. A lone carriage return ends a line too: nothing is overwritten.
    pub fn push(&mut self, chunk: &Chunk) -> Vec<String> {
        let open = self.open.entry((chunk.call, chunk.stream == Stream::Err)).or_default();
        open.line.extend(open.secrets.push(&self.known.borrow(), &chunk.bytes));
        let mut lines = whole(&mut open.line);
        while open.line.len() > LONGEST {
            let rest = open.line.split_off(character(&open.line, LONGEST));
            lines.push(decoded(&std::mem::replace(&mut open.line, rest)));
        }
        lines
    }

    /// What a call that has ended leaves of unfinished lines.
    pub fn end(&mut self, call: CallId) -> Vec<(Stream, String)> {
        let mut rest = Vec::new();
        for (stream, err) in [(Stream::Out, false), (Stream::Err, true)] {
            let Some(mut open) = self.open.remove(&(call, err)) else { continue };
            open.line.extend(open.secrets.finish(&self.known.borrow()));
            rest.extend(whole(&mut open.line).into_iter().map(|line| (stream, line)));
            let last = decoded(&open.line).trim_end_matches('\r').to_owned();
            rest.extend((!last.is_empty()).then_some((stream, last)));
        }
        rest
    }
}

/// Take the whole lines off.
fn whole(open: &mut Vec<u8>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut from = 0;
    while let Some(length) = open.get(from..).and_then(|rest| rest.iter().position(|b| matches!(b, b'\n' | b'\r'))) {
        let end = from + length;
        match (open.get(end), open.get(end + 1)) {
            // `\r\n` may still come.
            (Some(b'\r'), None) => break,
            (Some(b'\r'), Some(b'\n')) => {
                lines.push(decoded(open.get(from..end).unwrap_or_default()));
                from = end + 2;
            }
            (Some(b'\r'), Some(_)) if end == from => from = end + 1,
            _ => {
                lines.push(decoded(open.get(from..end).unwrap_or_default()));
                from = end + 1;
            }
        }
    }
    open.drain(..from);
    lines
}

/// Where a cut near `at` parts no character.
fn character(bytes: &[u8], at: usize) -> usize {
    let inside = |at: &usize| bytes.get(*at).is_some_and(|b| b & 0xc0 == 0x80);
    (at.saturating_sub(3)..=at).rev().find(|at| !inside(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &str) -> Chunk {
        Chunk { call: CallId(1), stream: Stream::Out, bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn lines_are_told_whole() {
        let mut streamed = Streamed::default();
        assert_eq!(streamed.push(&chunk("one\ntw")), ["one"]);
        assert_eq!(streamed.push(&chunk("o\r")), Vec::<String>::new());
        assert_eq!(streamed.push(&chunk("\n10%\r20%\rdone")), ["two", "10%", "20%"]);
        assert_eq!(streamed.end(CallId(1)), [(Stream::Out, "done".to_owned())]);
        assert_eq!(streamed.end(CallId(1)), []);
    }

    /// What is told of an output that comes in these pieces.
    fn told(secrets: &[&str], pieces: &[&[u8]]) -> String {
        let known = Known::default();
        for (i, secret) in secrets.iter().enumerate() {
            known.borrow_mut().learn(&format!("s{i}"), &crate::value::Value::str(*secret));
        }
        let mut streamed = Streamed::new(known);
        let mut told = String::new();
        for piece in pieces {
            let chunk = Chunk { call: CallId(1), stream: Stream::Out, bytes: piece.to_vec() };
            told.extend(streamed.push(&chunk));
        }
        told.extend(streamed.end(CallId(1)).into_iter().map(|(_, line)| line));
        told
    }

    #[test]
    fn a_secret_at_any_place_around_a_cut_is_never_shown_in_part() {
        let secret = "Xq7-canary\"two'parts";
        let forms = [secret.to_owned(), base64::Engine::encode(&base64::engine::general_purpose::STANDARD, secret)];
        for form in forms {
            for at in LONGEST - form.len() - 3..LONGEST + 3 {
                let text = format!("{}{form}{}", ".".repeat(at), ".".repeat(100));
                for size in [text.len(), 16 << 10, 4093] {
                    let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
                    let told = told(&[secret], &pieces);
                    assert_eq!(told, format!("{}‹s0›{}", ".".repeat(at), ".".repeat(100)), "at {at} by {size}");
                }
            }
        }
    }

    #[test]
    fn a_secret_of_several_lines_is_hidden_as_a_whole() {
        let told = told(&["ab\ncd\nef"], &[b"x ab\nc", b"d\nef y\n"]);
        assert_eq!(told, "x ‹s0› y");
    }

    #[test]
    fn a_cut_parts_no_character() {
        let text = "€".repeat(LONGEST);
        assert_eq!(told(&[], &[text.as_bytes()]), text);
    }

    proptest::proptest! {
        /// Text around a secret that shares letters with it, cut into pieces anywhere.
        #[test]
        fn whatever_stands_around_it_and_however_it_comes(
            before in "[ab ]{0,40}", after in "[ab ]{0,40}", fill in 0..3usize, secret in "[ab]{6,12}", size in 1..50usize,
        ) {
            let text = format!("{before}{}{secret}{after}", "-".repeat(fill * (LONGEST / 2 - 15)));
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size * if fill > 0 { 997 } else { 1 }).collect();
            let told = told(&[&secret], &pieces);
            proptest::prop_assert!(!told.contains(&secret), "{told}");
            // Whole: what is not hidden is all there.
            let known = Known::default();
            known.borrow_mut().learn("s0", &crate::value::Value::str(secret.as_str()));
            let expected = known.borrow().redact(&text).into_owned();
            proptest::prop_assert_eq!(told, expected);
        }
    }
}
