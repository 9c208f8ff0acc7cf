//! Texts, places where a line may break, and groups of these that break together or not at all; from that, lines. Each element
//! is looked at a fixed number of times, however deep groups nest.
use unicode_width::UnicodeWidthStr;

use super::WIDTH;
use super::margin::Margin;
use super::tokens::Token;

/// One more level of a block, a bracket, a statement that goes on.
const STEP: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// When a group does not fit on its line, or may not stand on one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All its lines break.
    Together,
    /// A call: when its last argument is a bracket, that breaks instead.
    Call,
    /// A value behind `=` or `:`: it starts on a line of its own when it then fits, else its own groups break.
    Value,
    /// As that, but no line of its own: it opens with a bracket.
    Bracket,
}

struct Group {
    kind: Kind,
    /// A comment, or a comma behind the last item, breaks it.
    hard: bool,
    /// Something inside has to break.
    tall: bool,
    /// Columns on one line, up to the first line break of a text inside.
    width: usize,
    /// Columns behind it up to the next place where a line may break.
    behind: usize,
    /// The last argument of a call, and the columns up to its bracket.
    last: Option<(Id, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
    /// Its lines stay as they are, the groups inside decide for themselves.
    Open,
    /// As `Open`, and the last argument breaks.
    Last,
}

enum Element<'t> {
    Text(&'t str),
    /// May hold line breaks of its own, and blanks at its end.
    Foreign(&'t str),
    Margin(Box<Margin<'t>>),
    /// A comment at the end of its line.
    Aside(&'t str),
    Open(Id),
    Close(Id),
    /// Deeper while the group is broken.
    Indent(Id),
    Dedent(Id),
    Deeper,
    Back,
    Line {
        deeper: usize,
        blank: bool,
    },
    Soft {
        group: Id,
        flat: &'static str,
        blank: bool,
    },
    /// Only in a broken group.
    Comma(Id),
    /// A blank, or a line further down and deeper when what follows, so many columns, does not fit.
    Fill(usize),
}

#[derive(Default)]
pub(super) struct Layout<'t> {
    elements: Vec<Element<'t>>,
    groups: Vec<Group>,
    open: Vec<Opened>,
    /// Columns so far, if all stood on one line.
    flat: usize,
    /// Where in that line texts have line breaks.
    breaks: Vec<usize>,
}

struct Opened {
    group: Id,
    start: usize,
    breaks: usize,
}

pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

impl<'t> Layout<'t> {
    pub fn open(&mut self, kind: Kind) -> Id {
        let group = Id(self.groups.len());
        self.groups.push(Group { kind, hard: false, tall: false, width: 0, behind: 0, last: None });
        self.open.push(Opened { group, start: self.flat, breaks: self.breaks.len() });
        self.elements.push(Element::Open(group));
        group
    }

    pub fn close(&mut self) {
        let Some(Opened { group, start, breaks }) = self.open.pop() else { return };
        let end = self.breaks.get(breaks).copied().unwrap_or(self.flat);
        let tall = self.group_mut(group).is_some_and(|g| {
            g.width = end - start;
            g.tall |= g.hard;
            g.tall
        });
        if let Some(outer) = self.open.last().map(|o| o.group).filter(|_| tall) {
            self.group_mut(outer).into_iter().for_each(|g| g.tall = true);
        }
        self.elements.push(Element::Close(group));
    }

    fn group_mut(&mut self, id: Id) -> Option<&mut Group> {
        self.groups.get_mut(id.0)
    }

    /// The group that is opened next is the last argument of `call`, and may break instead of it.
    pub fn last_argument(&mut self, call: Id) {
        let next = Id(self.groups.len());
        let Some(opened) = self.open.iter().rev().find(|o| o.group == call) else { return };
        let (columns, whole) = (self.flat - opened.start + 1, self.breaks.len() == opened.breaks);
        if let Some(group) = self.group_mut(call).filter(|g| whole && !g.tall && !g.hard) {
            group.last = Some((next, columns));
        }
    }

    /// The innermost group has to break.
    pub fn hard(&mut self) {
        if let Some(id) = self.open.last().map(|o| o.group) {
            self.group_mut(id).into_iter().for_each(|g| g.hard = true);
        }
    }

    pub fn text(&mut self, text: &'t str) {
        self.flat += width(text);
        self.elements.push(Element::Text(text));
    }

    pub fn token(&mut self, token: &Token<'t>) {
        if let Some(holes) = &token.margin
            && let Some(margin) = Margin::of(token, holes)
        {
            self.flat += width(margin.first);
            self.breaks.push(self.flat);
            self.elements.push(Element::Margin(Box::new(margin)));
            return;
        }
        let first = token.text.split('\n').next().unwrap_or("");
        self.flat += width(first);
        if first.len() < token.text.len() {
            self.breaks.push(self.flat);
        }
        if first.len() < token.text.len() || token.text.ends_with([' ', '\t', '\r']) {
            self.elements.push(Element::Foreign(token.text));
        } else {
            self.elements.push(Element::Text(token.text));
        }
    }

    pub fn aside(&mut self, comment: &'t str) {
        self.elements.push(Element::Aside(comment));
    }

    pub fn indent(&mut self, group: Id) {
        self.elements.push(Element::Indent(group));
    }

    pub fn dedent(&mut self, group: Id) {
        self.elements.push(Element::Dedent(group));
    }

    pub fn deeper(&mut self) {
        self.elements.push(Element::Deeper);
    }

    pub fn back(&mut self) {
        self.elements.push(Element::Back);
    }

    /// A new line in any case.
    pub fn line(&mut self, blank: bool) {
        self.elements.push(Element::Line { deeper: 0, blank });
    }

    /// A new line where none would be but for a comment.
    pub fn forced(&mut self, deeper: usize, blank: bool) {
        self.elements.push(Element::Line { deeper, blank });
        self.hard();
    }

    /// A new line when the innermost group is broken.
    pub fn soft(&mut self, flat: &'static str, blank: bool) {
        let Some(group) = self.open.last().map(|o| o.group) else { return };
        self.flat += flat.len();
        self.elements.push(Element::Soft { group, flat, blank });
    }

    pub fn comma(&mut self, group: Id) {
        self.elements.push(Element::Comma(group));
    }

    pub fn fill(&mut self) {
        self.flat += 1;
        self.elements.push(Element::Fill(0));
    }

    pub fn render(mut self, text: &str, newline: &'static str) -> String {
        self.look_ahead();
        let mut page = Page {
            out: String::with_capacity(text.len() + text.len() / 8),
            newline,
            modes: vec![Mode::Broken; self.groups.len()],
            flat: None,
            last: None,
            nest: 0,
            column: 0,
            pending: None,
            keep: 0,
        };
        if text.starts_with('\u{FEFF}') {
            page.out.push('\u{FEFF}');
            page.keep = page.out.len();
        }
        let begin = page.out.len();
        for element in &self.elements {
            page.element(element, &self.groups, begin);
        }
        if page.out.len() > begin {
            page.end_line();
            page.out.push_str(newline);
        }
        page.out
    }

    /// What follows each group, up to the next place where a line may break.
    fn look_ahead(&mut self) {
        let mut behind = 0;
        for element in self.elements.iter_mut().rev() {
            match element {
                Element::Text(text) => behind += width(text),
                Element::Foreign(text) => match text.split_once('\n') {
                    Some((first, _)) => behind = width(first),
                    None => behind += width(text),
                },
                Element::Margin(margin) => behind = width(margin.first),
                Element::Close(id) => {
                    if let Some(group) = self.groups.get_mut(id.0) {
                        group.behind = behind;
                    }
                }
                Element::Fill(ahead) => {
                    *ahead = behind;
                    behind = 0;
                }
                Element::Aside(_) | Element::Line { .. } | Element::Soft { .. } => behind = 0,
                Element::Open(_)
                | Element::Indent(_)
                | Element::Dedent(_)
                | Element::Deeper
                | Element::Back
                | Element::Comma(_) => {}
            }
        }
    }
}

struct Page {
    out: String,
    newline: &'static str,
    modes: Vec<Mode>,
    /// The outermost group on one line: all inside are too.
    flat: Option<Id>,
    /// The last argument that breaks for its call.
    last: Option<Id>,
    nest: usize,
    column: usize,
    /// A line was begun: so deep.
    pending: Option<usize>,
    /// Up to here nothing is cut off.
    keep: usize,
}

impl Page {
    fn element(&mut self, element: &Element<'_>, groups: &[Group], begin: usize) {
        match element {
            Element::Text(text) => self.put(text),
            Element::Foreign(text) => {
                self.put(text);
                if let Some((_, last)) = text.rsplit_once('\n') {
                    self.column = width(last);
                }
                self.keep = self.out.len();
            }
            Element::Margin(margin) => {
                self.put(margin.first);
                margin.write(&mut self.out, self.nest, STEP, self.newline);
                self.column = self.out.len() - self.out.rfind('\n').map_or(0, |at| at + 1);
                self.keep = self.out.len();
            }
            Element::Aside(text) => {
                self.end_line();
                self.put("  ");
                self.put(text);
            }
            Element::Open(id) => self.open(*id, groups),
            Element::Close(id) => {
                if self.flat == Some(*id) {
                    self.flat = None;
                }
            }
            Element::Indent(id) if self.mode(*id) == Mode::Broken => self.nest += STEP,
            Element::Dedent(id) if self.mode(*id) == Mode::Broken => self.nest -= STEP,
            Element::Indent(_) | Element::Dedent(_) => {}
            Element::Deeper => self.nest += STEP,
            Element::Back => self.nest -= STEP,
            Element::Line { deeper, blank } => self.line(self.nest + deeper, *blank, begin),
            Element::Soft { group, flat, blank } => match self.mode(*group) {
                Mode::Broken => self.line(self.nest, *blank, begin),
                Mode::Flat | Mode::Open | Mode::Last => self.put(flat),
            },
            Element::Comma(id) if self.mode(*id) == Mode::Broken => self.put(","),
            Element::Comma(_) => {}
            Element::Fill(ahead) if self.flat.is_none() && self.column + 1 + ahead > WIDTH => {
                self.line(self.nest + STEP, false, begin);
            }
            Element::Fill(_) => self.put(" "),
        }
    }

    fn mode(&self, id: Id) -> Mode {
        self.modes.get(id.0).copied().unwrap_or(Mode::Flat)
    }

    fn open(&mut self, id: Id, groups: &[Group]) {
        let Some(group) = groups.get(id.0) else { return };
        let column = self.pending.unwrap_or(self.column);
        let mode = if self.flat.is_some() {
            Mode::Flat
        } else if self.last == Some(id) {
            Mode::Broken
        } else if !group.tall && column + group.width + group.behind <= WIDTH {
            self.flat = Some(id);
            Mode::Flat
        } else {
            self.broken(group, column)
        };
        if mode == Mode::Last {
            self.last = group.last.map(|(last, _)| last);
        }
        if let Some(at) = self.modes.get_mut(id.0) {
            *at = mode;
        }
    }

    /// How a group breaks that has to.
    fn broken(&self, group: &Group, column: usize) -> Mode {
        if group.hard {
            return Mode::Broken;
        }
        match (group.kind, group.last) {
            (Kind::Together, _) => Mode::Broken,
            (Kind::Call, Some((_, columns))) if column + columns <= WIDTH => Mode::Last,
            (Kind::Call, _) => Mode::Broken,
            // Its first blank becomes the line break.
            (Kind::Value, _) if !group.tall && self.nest + STEP + group.width + group.behind <= WIDTH + 1 => {
                Mode::Broken
            }
            (Kind::Value | Kind::Bracket, _) => Mode::Open,
        }
    }

    fn put(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(nest) = self.pending.take() {
            self.out.extend(std::iter::repeat_n(' ', nest));
            self.column = nest;
            self.keep = self.out.len();
        }
        self.out.push_str(text);
        self.column += width(text);
    }

    /// Blanks at the end of a line go, unless they are somebody else's.
    fn end_line(&mut self) {
        while self.out.len() > self.keep && self.out.ends_with(' ') {
            self.out.pop();
        }
    }

    fn line(&mut self, nest: usize, blank: bool, begin: usize) {
        if self.out.len() == begin {
            return;
        }
        if self.pending.is_none() {
            self.end_line();
            self.out.push_str(self.newline);
        }
        if blank && !self.out.ends_with(&format!("{0}{0}", self.newline)) {
            self.out.push_str(self.newline);
        }
        self.pending = Some(nest);
        self.keep = self.out.len();
    }
}
