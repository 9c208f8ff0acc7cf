//! A line as people see it: pieces of text, each with a tone. Colours join at the exit, when they are wanted.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Warn,
    Doing,
}

impl Tone {
    /// The sequence that switches it on; empty for plain text.
    #[must_use]
    pub fn sequence(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Strong => "\x1b[1m",
            Tone::Dim => "\x1b[2m",
            Tone::Good => "\x1b[32m",
            Tone::Bad => "\x1b[1;31m",
            Tone::Warn => "\x1b[33m",
            Tone::Doing => "\x1b[36m",
        }
    }
}

/// Texts are raw: the exit hides secrets in them and shows control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub indent: usize,
    pub pieces: Vec<(Tone, String)>,
    /// The last piece came from a command: its colours may pass.
    pub streamed: bool,
}

impl Line {
    #[must_use]
    pub fn new(indent: usize) -> Line {
        Line { indent, ..Line::default() }
    }

    #[must_use]
    pub fn put(mut self, tone: Tone, text: impl Into<String>) -> Line {
        self.pieces.push((tone, text.into()));
        self
    }

    /// A text that may have several lines: the first ends this line, the later ones stand under it, further in.
    #[must_use]
    pub fn text(self, under: &Line, tone: Tone, text: &str) -> Vec<Line> {
        let mut lines = text.lines();
        let first = self.put(tone, lines.next().unwrap_or_default());
        let later = lines.map(|line| under.clone().put(tone, format!("    {line}")));
        std::iter::once(first).chain(later).collect()
    }

    #[must_use]
    pub fn streamed(mut self) -> Line {
        self.streamed = true;
        self
    }
}
