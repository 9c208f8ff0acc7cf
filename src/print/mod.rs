//! One style for every runbook. In: a text and its tree. Out: the same program as it should be written: every token, every
//! comment, in the same order; only blanks, line breaks, `;` and commas behind a last item differ. What is foreign stays as it
//! is: commands, strings, what stands in `#{ }`; of a `"""` text the margin follows its statement. Touches no disk.
mod exprs;
mod items;
mod layout;
mod margin;
pub mod pieces;
mod said;
mod stmts;
mod tokens;

use crate::source::FileId;
use crate::syntax;
use crate::syntax::ast::Ast;
use layout::Layout;
use said::Said;
use tokens::Tokens;

/// How many columns a line has at most, where it can be broken.
const WIDTH: usize = 120;

/// What was printed does not say the same: a bug in this folder.
#[derive(Debug)]
pub struct Changed(pub &'static str);

/// The text in canonical style.
///
/// # Errors
/// When the result would not say the same, or lose a comment: nothing of it may be kept.
pub fn format(text: &str, ast: &Ast) -> Result<String, Changed> {
    let before = Said::of(ast);
    let tokens = Tokens::read(text, &before.atoms);
    let comments = tokens.comment_texts();
    let mut printer = Printer { tokens, layout: Layout::default() };
    printer.file(ast);
    let newline =
        if text.split('\n').next().is_some_and(|l| l.len() < text.len() && l.ends_with('\r')) { "\r\n" } else { "\n" };
    let printed = printer.layout.render(text, newline);
    if printed != text {
        same(&before, &comments, &printed)?;
    }
    Ok(printed)
}

/// Read again, it is the same program with the same comments.
fn same(before: &Said<'_>, comments: &[&str], printed: &str) -> Result<(), Changed> {
    let parsed = syntax::parse(FileId::default(), printed);
    if !parsed.diagnostics.is_empty() {
        return Err(Changed("what it would become cannot be read"));
    }
    let after = Said::of(&parsed.ast);
    if after.marks != before.marks {
        return Err(Changed("it would say something else"));
    }
    if Tokens::read(printed, &after.atoms).comment_texts() != comments {
        return Err(Changed("a comment would be lost"));
    }
    Ok(())
}

/// Walks the tree, takes one token after the other, and lays them out.
struct Printer<'t> {
    tokens: Tokens<'t>,
    layout: Layout<'t>,
}

/// What stands between two tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Nothing,
    Blank,
    /// A blank, and a line further down when a comment forces one: between two blocks of one statement.
    Beside,
    /// As many as fit on a line.
    Fill,
    /// A new line.
    Line(Blank),
    /// A new line when the group is broken; else this.
    Soft(&'static str, Blank),
}

/// Whether an empty line above is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blank {
    Kept,
    Dropped,
}

impl<'t> Printer<'t> {
    /// The next token as it is.
    fn take(&mut self) {
        if let Some(token) = self.tokens.take() {
            self.layout.token(token);
        }
    }

    /// All up to a place, as one word.
    fn take_up_to(&mut self, end: usize) {
        let text = self.tokens.take_up_to(end);
        self.layout.text(text);
    }

    fn next(&mut self, gap: Gap) {
        self.gap(gap);
        self.take();
    }

    /// What leads to the next token: its comments, and a blank or a line break.
    fn gap(&mut self, gap: Gap) {
        let kept = self.comments(gap);
        let blank = self.tokens.blank();
        match (kept, gap) {
            (None, Gap::Nothing) => {}
            (None, Gap::Blank | Gap::Beside) => self.layout.text(" "),
            (None, Gap::Fill) => self.layout.fill(),
            (Some(_), Gap::Nothing | Gap::Blank | Gap::Fill) => self.layout.forced(2, false),
            (Some(_), Gap::Beside) => self.layout.forced(0, false),
            (kept, Gap::Line(own)) => self.layout.line(blank && kept.unwrap_or(own) == Blank::Kept),
            (kept, Gap::Soft(flat, own)) => self.layout.soft(flat, blank && kept.unwrap_or(own) == Blank::Kept),
        }
    }

    /// The comments above the next token, each on its line; whether there were any, and then whether an empty line may follow.
    fn comments(&mut self, gap: Gap) -> Option<Blank> {
        let mut last = None;
        let mut may = match gap {
            Gap::Line(own) | Gap::Soft(_, own) => own,
            _ => Blank::Dropped,
        };
        for comment in self.tokens.comments() {
            if comment.own || last.is_some() {
                let blank = comment.blank && may == Blank::Kept;
                match gap {
                    Gap::Line(_) => self.layout.line(blank),
                    Gap::Soft(flat, _) => {
                        self.layout.hard();
                        self.layout.soft(flat, blank);
                    }
                    Gap::Beside => self.layout.forced(0, false),
                    Gap::Nothing | Gap::Blank | Gap::Fill => self.layout.forced(2, false),
                }
                if matches!(gap, Gap::Line(_) | Gap::Soft(..)) {
                    may = Blank::Kept;
                }
                self.layout.text(comment.text);
            } else {
                self.layout.aside(comment.text);
            }
            self.layout.hard();
            last = Some(may);
        }
        last
    }
}
