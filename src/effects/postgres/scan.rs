//! As much of SQL's lexical structure as is needed to know what is text: quotes, dollar quotes, comments.

/// Reads SQL text piece by piece.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    /// The first word of each statement, in lower case.
    pub words: Vec<String>,
    word: String,
    /// A statement has begun: the next word is not its first.
    begun: bool,
    last: Option<char>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Code,
    /// In `'…'`; true: backslashes escape (`E'…'`).
    Text(bool, bool),
    Name,
    LineComment,
    /// Nested to this depth.
    Comment(u32),
    /// After a `$`: a tag may begin.
    Tag(String),
    /// In `$tag$ … $tag$`: the tag, and what of the closing one has been seen.
    Dollar(String, String),
}

impl Scanner {
    /// What the scanner is inside of, when that is not code.
    #[must_use]
    pub fn inside(&self) -> Option<&'static str> {
        match self.state {
            State::Code | State::Tag(_) => None,
            State::Text(..) => Some("quotes"),
            State::Name => Some("a quoted name"),
            State::LineComment | State::Comment(_) => Some("a comment"),
            State::Dollar(..) => Some("dollar quotes"),
        }
    }

    /// A value stands here.
    pub fn read_value(&mut self) {
        self.read(" ");
        self.begun = true;
    }

    pub fn read(&mut self, text: &str) {
        for c in text.chars() {
            // The second character of a pair is not the first of another: `/*/` does not end.
            let before = std::mem::discriminant(&self.state);
            self.step(c);
            self.last = (before == std::mem::discriminant(&self.state)).then_some(c);
        }
        if self.state == State::Code {
            self.end_word();
        }
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() && !self.begun {
            self.words.push(self.word.to_lowercase());
            self.begun = true;
        }
        self.word.clear();
    }

    fn step(&mut self, c: char) {
        match &mut self.state {
            State::Code => self.code(c),
            State::Text(escapes, skip) => match c {
                _ if *skip => *skip = false,
                '\\' if *escapes => *skip = true,
                '\'' => self.state = State::Code,
                _ => {}
            },
            State::Name => {
                if c == '"' {
                    self.state = State::Code;
                }
            }
            State::LineComment => {
                if c == '\n' {
                    self.state = State::Code;
                }
            }
            State::Comment(depth) => match (self.last, c) {
                (Some('*'), '/') => {
                    *depth -= 1;
                    if *depth == 0 {
                        self.state = State::Code;
                    }
                }
                (Some('/'), '*') => *depth += 1,
                _ => {}
            },
            State::Tag(tag) => match c {
                '$' => self.state = State::Dollar(std::mem::take(tag), String::new()),
                c if c.is_alphanumeric() || c == '_' => tag.push(c),
                c => {
                    self.state = State::Code;
                    self.code(c);
                }
            },
            State::Dollar(tag, seen) => {
                let end = format!("${tag}$");
                seen.push(c);
                if *seen == end {
                    self.state = State::Code;
                } else if !end.starts_with(seen.as_str()) {
                    *seen = if c == '$' { "$".to_owned() } else { String::new() };
                }
            }
        }
    }

    fn code(&mut self, c: char) {
        match c {
            '\'' => {
                let escapes = self.word.eq_ignore_ascii_case("e");
                self.end_word();
                self.begun = true;
                self.state = State::Text(escapes, false);
            }
            '"' => {
                self.end_word();
                self.state = State::Name;
            }
            '-' if self.last == Some('-') => {
                self.end_word();
                self.state = State::LineComment;
            }
            '*' if self.last == Some('/') => {
                self.end_word();
                self.state = State::Comment(1);
            }
            '$' if self.word.is_empty() => self.state = State::Tag(String::new()),
            ';' => {
                self.end_word();
                self.begun = false;
            }
            c if c.is_alphanumeric() || c == '_' || c == '$' => self.word.push(c),
            _ => self.end_word(),
        }
    }
}
