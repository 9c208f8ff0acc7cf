//! The signs of a far `sh` in what comes back from it: taken out, and understood.
use super::Token;

/// Said before the command started: kept, not shown.
const BEFORE: usize = 8 * 1024;

/// How far a call got over there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has started.
    Before,
    /// The directory it was to start in is not there.
    NoDirectory,
    Started,
    /// With this code; these processes could not be ended.
    Ended(i32, Vec<String>),
}

/// One of the two streams.
pub struct Signs {
    token: Vec<u8>,
    pub stage: Stage,
    before: Vec<u8>,
    open: Vec<u8>,
}

impl Signs {
    #[must_use]
    pub fn new(token: &Token) -> Signs {
        let token = format!("{} ", token.sign()).into_bytes();
        Signs { token, stage: Stage::Before, before: Vec::new(), open: Vec::new() }
    }

    /// What ssh, sudo or a login shell said before the command started.
    #[must_use]
    pub fn before(&self) -> String {
        String::from_utf8_lossy(&self.before).into_owned()
    }

    /// The command's own bytes among these.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.open.extend_from_slice(bytes);
        let mut out = Vec::new();
        loop {
            let Some(at) = find(&self.open, &self.token) else {
                let keep = self.open.len() - self.begun();
                let whole: Vec<u8> = self.open.drain(..keep).collect();
                self.pass(whole, &mut out);
                return out;
            };
            let whole: Vec<u8> = self.open.drain(..at).collect();
            self.pass(whole, &mut out);
            let Some(end) = self.open.iter().position(|b| *b == b'\n') else { return out };
            let line: Vec<u8> = self.open.drain(..=end).collect();
            self.read(&String::from_utf8_lossy(line.get(self.token.len()..).unwrap_or_default()));
        }
    }

    /// What was held back, at the end.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let rest = std::mem::take(&mut self.open);
        self.pass(rest, &mut out);
        out
    }

    fn read(&mut self, sign: &str) {
        let mut words = sign.split_ascii_whitespace();
        match words.next() {
            Some("started") => self.stage = Stage::Started,
            Some("nodir") => self.stage = Stage::NoDirectory,
            Some("ended") => {
                let code = words.next().and_then(|code| code.parse().ok()).unwrap_or(255);
                self.stage = Stage::Ended(code, words.map(str::to_owned).collect());
            }
            _ => {}
        }
    }

    fn pass(&mut self, bytes: Vec<u8>, out: &mut Vec<u8>) {
        match self.stage {
            Stage::Before | Stage::NoDirectory => {
                let room = BEFORE.saturating_sub(self.before.len());
                self.before.extend(bytes.into_iter().take(room));
            }
            Stage::Started | Stage::Ended(..) => out.extend(bytes),
        }
    }

    /// How much of the end could be the start of a sign.
    fn begun(&self) -> usize {
        let most = self.open.len().min(self.token.len() - 1);
        (1..=most).rev().find(|n| self.open.ends_with(self.token.get(..*n).unwrap_or_default())).unwrap_or(0)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = part.first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|b| b == first) {
        if text.get(from + at..)?.starts_with(part) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_taken_out_however_the_bytes_come() {
        let token = Token::new();
        let t = token.sign();
        let text = format!("Welcome\n{t} started\none\n{t}x two {t} ended 3 17 18\nthree {t}");
        for size in 1..text.len() {
            let mut signs = Signs::new(&token);
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                out.extend(signs.feed(piece));
            }
            out.extend(signs.rest());
            assert_eq!(String::from_utf8(out).unwrap(), format!("one\n{t}x two three {t}"));
            assert_eq!(signs.before(), "Welcome\n");
            assert_eq!(signs.stage, Stage::Ended(3, vec!["17".into(), "18".into()]));
        }
    }
}
