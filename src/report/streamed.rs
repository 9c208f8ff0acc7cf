//! Output of running commands, cut into lines: a line is told when it is whole, so that a secret is never cut in two.
use std::collections::BTreeMap;

use crate::effects::{Chunk, Stream};
use crate::engine::CallId;
use crate::report::visible::decoded;

/// A line longer than this is told in pieces.
const LONGEST: usize = 64 << 10;

#[derive(Debug, Default)]
pub struct Streamed {
    /// What has come of a line that is not whole yet.
    open: BTreeMap<(CallId, bool), Vec<u8>>,
}

impl Streamed {
    /// The lines that this chunk makes whole. A lone carriage return ends a line too: nothing is overwritten.
    pub fn push(&mut self, chunk: &Chunk) -> Vec<String> {
        let open = self.open.entry((chunk.call, chunk.stream == Stream::Err)).or_default();
        open.extend_from_slice(&chunk.bytes);
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(length) = open.get(from..).and_then(|rest| rest.iter().position(|b| matches!(b, b'\n' | b'\r')))
        {
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
        if open.len() > LONGEST {
            lines.push(decoded(open));
            open.clear();
        }
        lines
    }

    /// What a call that has ended leaves of unfinished lines.
    pub fn end(&mut self, call: CallId) -> Vec<(Stream, String)> {
        let rest = [(Stream::Out, false), (Stream::Err, true)];
        let rest = rest.into_iter().filter_map(|(stream, err)| Some((stream, self.open.remove(&(call, err))?)));
        let text = |bytes: &[u8]| decoded(bytes).trim_end_matches('\r').to_owned();
        rest.map(|(stream, bytes)| (stream, text(&bytes))).filter(|(_, line)| !line.is_empty()).collect()
    }
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
}
