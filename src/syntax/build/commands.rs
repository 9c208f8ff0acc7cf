//! `$ …`, `$ """ … """` and `$( … )`: the text as the shell will see it, and holes.
use super::super::ast::{Command, CommandForm, Expr, ExprKind, Part};
use super::super::grammar::Rule;
use super::super::tree::Node;
use super::Build;

impl Build {
    /// `$ …` or `$ """ … """`
    pub(super) fn command(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let Some(kid) = node.kids().next() else { return super::bad(span) };
        let (form, parts) = match kid.rule() {
            Rule::script => {
                let tail = kid.kids().next();
                (CommandForm::Script, tail.map(|n| self.block_parts(n)).unwrap_or_default())
            }
            _ => (CommandForm::Line, self.line(kid)),
        };
        if parts.is_empty() {
            self.error(
                "expected a command after `$`",
                span,
                "nothing to run",
                "write `$ ` and the command on one line, or `$ \"\"\"` and a script of several",
            );
        } else if form == CommandForm::Line && kid.start() == node.start() + 1 {
            self.error(
                "expected a space after `$`",
                self.at(node.start(), node.start() + 1),
                "`$` runs a command; it does not mark a name",
                "write `$ command`, or `#{name}` for a value",
            );
        }
        Expr { kind: ExprKind::Command(Box::new(Command { form, parts, span })), span }
    }

    fn line(&mut self, node: Node<'_>) -> Vec<Part> {
        if let Some(open) = node.unclosed() {
            let mark = if open.rule() == Rule::braces { '{' } else { quote(open) };
            self.error(
                format!("`{mark}` is not closed on its line"),
                self.at(open.start(), open.start() + 1),
                "opened here, and the line ends",
                "close it, continue the line with a `\\` at its end, or write the script in `$ \"\"\"`",
            );
        }
        let mut end = node.end();
        // A blank that is escaped belongs to the command; the tree has cut it off.
        let backslashes = node.text().len() - node.text().trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            end += 1;
        }
        self.shell_parts(node, node.start(), end)
    }

    /// `$( … )`
    pub(super) fn substitution(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let mut end = node.end();
        if let Some(open) = node.unclosed() {
            let start = open.start();
            let (mark, length) = match open.rule() {
                Rule::substitution => ("$(", 2),
                Rule::parens => ("(", 1),
                _ => (if quote(open) == '"' { "\"" } else { "'" }, 1),
            };
            self.error(
                format!("`{mark}` is not closed"),
                self.at(start, start + length),
                "opened here",
                "close it on this line; inside `$( )` a line breaks only after `(`, `|`, `&` or `\\`",
            );
        } else {
            end -= 1;
        }
        let inner = (node.start() + 2).min(end);
        let trimmed = |s: &str| s.len() - s.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let text = node.text().get(2..end - node.start()).unwrap_or("");
        let start = inner + trimmed(text);
        let end = start.max(inner + text.trim_end_matches([' ', '\t', '\r', '\n']).len());
        let parts = self.shell_parts(node, start, end);
        if parts.is_empty() {
            self.error("expected a command inside `$( )`", span, "nothing to run", "write `$(command)`");
        }
        Expr { kind: ExprKind::Command(Box::new(Command { form: CommandForm::Paren, parts, span })), span }
    }

    fn shell_parts(&mut self, node: Node<'_>, start: usize, end: usize) -> Vec<Part> {
        let mut parts = super::strings::room(node.holes().count());
        let mut at = start;
        let whole = node.source();
        let text = |b: &Build, from: usize, to: usize, parts: &mut Vec<Part>| {
            let written = whole.get(from..to.max(from)).unwrap_or("");
            if written.is_empty() {
                return;
            }
            let text = if written.contains("\\#{") { written.replace("\\#{", "#{").into() } else { written.into() };
            parts.push(Part::Text { text, span: b.at(from, to) });
        };
        for hole in node.holes() {
            text(self, at, hole.start(), &mut parts);
            parts.push(self.hole(hole));
            at = hole.end();
        }
        text(self, at, end, &mut parts);
        parts
    }
}

fn quote(open: Node<'_>) -> char {
    if open.rule() == Rule::quoted_d { '"' } else { '\'' }
}
