//! A terminal: permanent lines scroll up, a small region under them is repainted.
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::outside::{Channel, Outside, size};
use crate::report::style::Line;

pub struct Screen {
    out: Outside,
    /// The columns that each painted line takes, as painted.
    painted: Vec<usize>,
    /// A question stands open: its prompt is below everything, and nothing is painted.
    prompt: Option<String>,
}

impl Screen {
    #[must_use]
    pub fn new(out: Outside) -> Screen {
        Screen { out, painted: Vec::new(), prompt: None }
    }

    pub fn outside(&mut self) -> &mut Outside {
        &mut self.out
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.size().0
    }

    /// Columns and rows now: the window may have been resized.
    fn size(&self) -> (usize, usize) {
        size(Channel::Out).unwrap_or((self.out.look.width, self.out.look.height))
    }

    /// Lines that stay.
    pub fn permanent(&mut self, lines: &[Line]) {
        if lines.is_empty() {
            return;
        }
        let mut text = self.erase();
        if self.prompt.is_some() {
            text.push_str("\r\x1b[K");
        }
        for line in lines {
            text.push_str(&self.out.rendered(line));
            text.push('\n');
        }
        if let Some(prompt) = &self.prompt {
            text.push_str(prompt);
        }
        self.out.raw(text);
    }

    /// Paint the region anew. Nothing is painted while a question stands open.
    pub fn region(&mut self, lines: &[Line]) {
        if self.prompt.is_some() {
            return;
        }
        let (width, height) = self.size();
        let mut text = self.erase();
        for line in lines.iter().take(height.saturating_sub(2).max(1)) {
            let line = cut(&self.out.rendered(line), width.saturating_sub(1).max(1));
            self.painted.push(columns(&line));
            text.push_str(&line);
            text.push('\n');
        }
        if !text.is_empty() {
            self.out.raw(text);
        }
    }

    /// Ask: the lines stay, the prompt waits for what is typed.
    pub fn ask(&mut self, lines: &[Line], prompt: &Line) {
        self.permanent(lines);
        let mut text = self.erase();
        let prompt = self.out.rendered(prompt) + " ";
        text.push_str(&prompt);
        self.prompt = Some(prompt);
        self.out.raw(text);
    }

    /// The question is over; the terminal has echoed the newline after the answer.
    pub fn close(&mut self) {
        self.prompt = None;
    }

    /// The question is taken back: its prompt is left as it is, and a new line begins.
    pub fn withdraw(&mut self) {
        if self.prompt.take().is_some() {
            self.out.raw("\r\x1b[K");
        }
    }

    /// The sequence that takes the region away: a narrower window has folded its lines.
    fn erase(&mut self) -> String {
        let (width, _) = self.size();
        let rows: usize = self.painted.drain(..).map(|columns| columns.div_ceil(width.max(1)).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\x1b[{rows}A\r\x1b[J") }
    }
}

/// Columns that a rendered line takes: its colour sequences take none.
fn columns(text: &str) -> usize {
    let mut rest = text;
    let mut sum = 0;
    while let Some(at) = rest.find('\x1b') {
        let (before, after) = rest.split_at(at);
        sum += before.width();
        rest = after.find('m').and_then(|end| after.get(end + 1..)).unwrap_or_default();
    }
    sum + rest.width()
}

/// A rendered line in so many columns, with `…` where something is cut off. Tabs become blanks.
fn cut(text: &str, width: usize) -> String {
    let text = text.replace('\t', "  ");
    if columns(&text) <= width {
        return text;
    }
    let mut out = String::new();
    let mut left = width.saturating_sub(1);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            out.push(c);
            for c in chars.by_ref() {
                out.push(c);
                if c == 'm' {
                    break;
                }
            }
            continue;
        }
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        out.push(c);
    }
    let reset = if text.contains('\x1b') { "\x1b[0m" } else { "" };
    format!("{out}{reset}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_to_its_columns() {
        assert_eq!(cut("deploying everything", 10), "deploying…");
        assert_eq!(cut("\x1b[32mdeploying\x1b[0m everything", 6), "\x1b[32mdeplo\x1b[0m…");
        assert_eq!(columns("\x1b[32mvérité\x1b[0m"), 6);
        assert_eq!(cut("日本語日本語", 6), "日本…");
    }
}
