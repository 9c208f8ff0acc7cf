//! Expressions and commands as a person reads them: as written, with the values that are known already.
use crate::check::constant;
use crate::check::program::{CodePart, Command, Expr, ExprKind, NameId, Stmt, TextPart};
use crate::check::walk;
use crate::source::{Sources, Span};
use crate::value::{Value, show};

const WIDTH: usize = 120;

/// The source texts, and the values of names around.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub sources: &'a Sources,
    pub known: &'a [(NameId, Value)],
}

impl Shown<'_> {
    /// A string with its known holes filled in, in one line.
    pub fn label(self, expr: &Expr) -> String {
        let text: String = match &expr.kind {
            ExprKind::Text(parts) => parts
                .iter()
                .map(|part| match part {
                    TextPart::Text(text) => text.to_string(),
                    TextPart::Value(value) => self.hole(value),
                })
                .collect(),
            _ => match constant::value(expr, self.known) {
                Ok(value) => show::message(&value).unwrap_or_else(|_| show::show(&value)),
                Err(_) => self.written(expr.span),
            },
        };
        show::in_one_line(&text).into_owned()
    }

    fn hole(self, expr: &Expr) -> String {
        match constant::value(expr, self.known) {
            Ok(value) => show::message(&value).unwrap_or_else(|_| show::show(&value)),
            Err(_) => format!("#{{{}}}", self.written(expr.span)),
        }
    }

    /// Source text in one line.
    pub fn written(self, span: Span) -> String {
        one_line(self.sources.text(span))
    }

    /// A statement up to the first block in it.
    pub fn head(self, stmt: &Stmt) -> String {
        let end = walk::blocks(&stmt.kind).next().map_or(stmt.span.end, |b| b.span.start);
        self.written(Span { end: end.clamp(stmt.span.start, stmt.span.end), ..stmt.span })
    }

    /// Where one command is all there is to say, it is shown with what is known.
    pub fn value(self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Command(command) => self.command(command),
            _ => self.written(expr.span),
        }
    }

    pub fn command(self, command: &Command) -> String {
        let text: String = command
            .code
            .iter()
            .map(|part| match part {
                CodePart::Text { text, .. } => text.to_string(),
                CodePart::Value { expr, .. } => match constant::value(expr, self.known) {
                    Ok(value) => word(&value),
                    Err(_) => format!("#{{{}}}", self.written(expr.span)),
                },
            })
            .collect();
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        let first = lines.next().unwrap_or("");
        let more = if lines.next().is_some() { " …" } else { "" };
        format!("$ {}{more}", one_line(first))
    }
}

/// As a command gets it, for reading: a list is one word each, a duration its seconds, a size its bytes.
fn word(value: &Value) -> String {
    match value {
        Value::List(items) => return items.iter().map(word).collect::<Vec<_>>().join(" "),
        Value::Size(bytes) => return bytes.to_string(),
        Value::Duration(d) if d.0 % 1_000_000_000 == 0 => return (d.0 / 1_000_000_000).to_string(),
        _ => {}
    }
    let text = show::message(value).unwrap_or_else(|_| show::show(value));
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+‹›".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let cut: String = line.chars().take(WIDTH).collect();
    format!("{} …", cut.trim_end())
}
