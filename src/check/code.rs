//! Code of a place, written as a literal at the call: what each value in it becomes is decided from the text around it.
use std::sync::Arc;

use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;
use crate::value::types::Place;

use super::elab::Elab;
use super::embedded::{self, text::Text};
use super::program::{CodePart, Expr, How};
use super::{sql, types, verbatim};

impl Elab<'_> {
    pub(super) fn code(&mut self, place: Place, written: &ast::Expr, on_connection: bool) -> Vec<CodePart> {
        match &written.kind {
            ast::ExprKind::Str(text) => {
                self.foreign_holes(text);
                match place {
                    Place::Sql => self.sql(text),
                    Place::Url => self.url(text, on_connection),
                    Place::PromQl => self.promql(text),
                }
            }
            ast::ExprKind::Call(callee, args) => match (&callee.kind, args.as_slice()) {
                (ast::ExprKind::Name(name), [ast::Arg { name: None, value }]) if name == "raw" => {
                    let expr = self.expect(value, &Type::Str, "raw code");
                    vec![CodePart::Value { expr, how: How::Raw }]
                }
                _ => self.built(place, written),
            },
            ast::ExprKind::Bad => Vec::new(),
            _ => self.built(place, written),
        }
    }

    /// Code that comes from elsewhere.
    fn built(&mut self, place: Place, written: &ast::Expr) -> Vec<CodePart> {
        let value = self.expr(written);
        if value.ty == Type::Unknown {
            return Vec::new();
        }
        let (what, help) = match place {
            Place::Sql => ("SQL", "write the statement here, with `#{x}` for each value; it becomes a bind parameter"),
            Place::Url => ("a URL", "write it here: `\"#{base}/path/#{x}\"`; a URL that is a value: `\"#{url}\"`"),
            Place::PromQl => ("a PromQL query", "write it here, with `#{x}` for the value of a label"),
        };
        let found = Diagnostic::error(
            Code::BuiltCode,
            format!("{what} is written as a literal where it is used"),
            written.span,
            "built elsewhere",
        );
        self.report(found.help(format!("{help}; `raw(x)` says that you know")));
        Vec::new()
    }

    /// The value of a hole, and how it is meant when it says so itself.
    pub(super) fn hole(&mut self, written: &ast::Expr, ident: bool) -> (Expr, Option<How>) {
        if let ast::ExprKind::Call(callee, args) = &written.kind
            && let ast::ExprKind::Name(name) = &callee.kind
            && let [ast::Arg { name: None, value }] = args.as_slice()
        {
            match name.as_str() {
                "raw" => return (self.expr(value), Some(How::Raw)),
                "ident" if ident => {
                    let names = self.expr(value);
                    // Several names stand with commas between them.
                    let several = matches!(types::plain(&names.ty), Type::List(of) if types::fits(of, &Type::Str));
                    let names = if several { names } else { self.fit(names, &Type::Str, "the name in `ident`") };
                    return (names, Some(How::Ident));
                }
                _ => {}
            }
        }
        (self.expr(written), None)
    }

    fn sql(&mut self, text: &ast::Str) -> Vec<CodePart> {
        let mut parts = Vec::with_capacity(text.parts.len());
        let mut scan = SqlScan::default();
        let mut hows = Vec::new();
        let mut quoted = false;
        let kind = text.kind;
        for part in &text.parts {
            match part {
                ast::Part::Text { text, span } => {
                    scan.go(text);
                    // A server's error names a character: it is to be found in the source.
                    let pieces = verbatim::pieces(text, self.sources.text(*span), kind, *span);
                    parts.extend(pieces.into_iter().map(|(text, span)| CodePart::Text { text, span }));
                }
                ast::Part::Hole { expr, span } => {
                    let (mut value, how) = self.hole(expr, true);
                    let how = how.unwrap_or(How::Param);
                    hows.push(how);
                    if how != How::Raw
                        && let Some(inside) = scan.inside()
                    {
                        quoted = true;
                        self.quoted_hole(*span, inside, how);
                    }
                    if matches!(types::plain(&value.ty), Type::Response | Type::Conn(_)) {
                        value = self.textual(value, "SQL");
                    }
                    parts.push(CodePart::Value { expr: value, how });
                }
            }
        }
        if !quoted {
            self.sql_syntax(text, &hows);
        }
        parts
    }

    /// A statement that Postgres would refuse is refused before the run. What is raw nobody knows.
    fn sql_syntax(&mut self, text: &ast::Str, hows: &[How]) {
        if hows.contains(&How::Raw) {
            return;
        }
        // Where a statement takes no parameters the value is a literal: a text or a number, whichever may stand there.
        let mut fault = None;
        let binds = !hows.is_empty() && sql::binds(&text.parts);
        for literal in ["'x'", "1"] {
            let instead = |i: usize| match hows.get(i) {
                Some(How::Ident) => " \"x\" ".to_owned(),
                _ if binds => format!(" ${} ", i + 1),
                _ => format!(" {literal} "),
            };
            let whole = Text::new(&text.parts, text.kind, instead);
            let Some(found) = embedded::sql::fault(&whole.code) else { return };
            let at = whole.place(&found.at, self.sources);
            fault.get_or_insert((found, at));
        }
        if let Some((fault, at)) = fault {
            self.report(fault.found(Code::SqlSyntax, at));
        }
    }

    fn quoted_hole(&mut self, span: Span, inside: &str, how: How) {
        let help = match how {
            How::Ident => "drop the quotes around it: `#{ident(x)}` brings its own",
            _ => "drop the quotes around it: the value is sent beside the statement; join texts with `||`",
        };
        let found = Diagnostic::error(
            Code::ValueInCode,
            format!("a value stands inside {inside}"),
            span,
            "this would be text, not the value",
        );
        self.report(found.help(help));
    }

    fn promql(&mut self, text: &ast::Str) -> Vec<CodePart> {
        let mut parts = Vec::with_capacity(text.parts.len());
        let mut quote = None;
        for part in &text.parts {
            match part {
                ast::Part::Text { text, span } => {
                    quote = text.chars().fold(quote, |quote, c| match quote {
                        Some(open) if open == c => None,
                        Some(open) => Some(open),
                        None if matches!(c, '"' | '\'' | '`') => Some(c),
                        None => None,
                    });
                    parts.push(CodePart::Text { text: Arc::from(text.as_str()), span: *span });
                }
                ast::Part::Hole { expr, span } => {
                    let (value, how) = self.hole(expr, false);
                    let how = how.unwrap_or(How::Label);
                    let value = self.textual(value, "PromQL");
                    if quote.is_some() && how == How::Label {
                        let found = Diagnostic::error(
                            Code::ValueInCode,
                            "a value stands inside quotes",
                            *span,
                            "brings its own quotes",
                        );
                        self.report(found.help("drop the quotes around it: `{job=#{x}}`"));
                    }
                    parts.push(CodePart::Value { expr: value, how });
                }
            }
        }
        parts
    }

    fn url(&mut self, text: &ast::Str, on_connection: bool) -> Vec<CodePart> {
        let mut parts = Vec::with_capacity(text.parts.len());
        let mut so_far = String::new();
        let opens = matches!(text.parts.first(), Some(ast::Part::Hole { .. }));
        if let Some(ast::Part::Text { text: first, span }) = text.parts.first()
            && !on_connection
            && !first.starts_with("http://")
            && !first.starts_with("https://")
        {
            let found = Diagnostic::error(
                Code::WrongArguments,
                "a URL needs its server here",
                *span,
                "begins with neither `http://` nor `https://`",
            );
            self.report(
                found.help("write it whole, or ask a connection: `connect site = http(…)`, `site.get(\"/path\")`"),
            );
        }
        for part in &text.parts {
            match part {
                ast::Part::Text { text, span } => {
                    so_far.push_str(text);
                    parts.push(CodePart::Text { text: Arc::from(text.as_str()), span: *span });
                }
                ast::Part::Hole { expr, .. } => {
                    let (value, how) = self.hole(expr, false);
                    let how = how.unwrap_or_else(|| url_place(&so_far, parts.is_empty(), opens, on_connection));
                    let value = self.textual(value, "a URL");
                    so_far.push('x');
                    parts.push(CodePart::Value { expr: value, how });
                }
            }
        }
        let raw = parts.iter().any(|part| matches!(part, CodePart::Value { how: How::Raw, .. }));
        if !raw && !opens {
            self.url_syntax(text, on_connection);
        }
        parts
    }

    /// An address that no request could go to. What its values are nobody knows yet: a number fits everywhere.
    fn url_syntax(&mut self, text: &ast::Str, on_connection: bool) {
        let whole = Text::new(&text.parts, text.kind, |_| "1".to_owned());
        let Some((scheme, rest)) = whole.code.split_once("://").filter(|(s, _)| matches!(*s, "http" | "https")) else {
            return;
        };
        let start = scheme.len() + 3;
        let host = start..start + rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let found = if on_connection {
            let at = whole.place(&(0..host.end), self.sources);
            Diagnostic::error(
                Code::WrongArguments,
                "a path is expected here, and this is a whole URL",
                at,
                "the connection has its server already",
            )
            .help("write the path alone, such as `\"/health\"`; to ask another server: `http.get(\"https://…\")`")
        } else {
            let Err(why) = url::Url::parse(&whole.code) else { return };
            let at = whole.place(&host, self.sources);
            Diagnostic::error(Code::WrongArguments, format!("this is no URL: {why}"), at, "no request can go there")
                .help("a URL is `https://host:port/path`; a value in it: `\"https://#{host}/path\"`")
        };
        self.report(found);
    }

    /// A query that only reads is looked at for what is known to do more (G4).
    pub(super) fn reading_sql(&mut self, written: &ast::Expr) {
        if let ast::ExprKind::Str(text) = &written.kind
            && let Some(found) = sql::write_in_read(&text.parts)
        {
            self.report(found);
        }
    }
}

/// The place of a value in a URL, from the text before it.
fn url_place(before: &str, first: bool, opens: bool, on_connection: bool) -> How {
    if first && !on_connection {
        return How::Whole;
    }
    if before.contains('?') {
        return How::Query;
    }
    let after_scheme = before.split_once("://").map(|(_, rest)| rest);
    match after_scheme {
        Some(rest) if !opens && !on_connection && !rest.contains(['/', '#']) => How::Authority,
        _ => How::Segment,
    }
}

/// Where in SQL text a scan stands.
#[derive(Default)]
struct SqlScan {
    state: SqlState,
}

#[derive(Default, PartialEq)]
enum SqlState {
    #[default]
    Code,
    Text,
    Name,
    Dollar(String),
    Line,
    Comment,
}

impl SqlScan {
    fn go(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let mut step = c.len_utf8();
            match &self.state {
                SqlState::Code => match c {
                    '\'' => self.state = SqlState::Text,
                    '"' => self.state = SqlState::Name,
                    '-' if rest.starts_with("--") => self.state = SqlState::Line,
                    '/' if rest.starts_with("/*") => self.state = SqlState::Comment,
                    '$' => {
                        if let Some(tag) = dollar_tag(rest) {
                            step = tag.len();
                            self.state = SqlState::Dollar(tag.to_owned());
                        }
                    }
                    _ => {}
                },
                SqlState::Text if c == '\'' => self.state = SqlState::Code,
                SqlState::Name if c == '"' => self.state = SqlState::Code,
                SqlState::Line if c == '\n' => self.state = SqlState::Code,
                SqlState::Comment if rest.starts_with("*/") => {
                    step = 2;
                    self.state = SqlState::Code;
                }
                SqlState::Dollar(tag) if rest.starts_with(tag.as_str()) => {
                    step = tag.len();
                    self.state = SqlState::Code;
                }
                SqlState::Text | SqlState::Name | SqlState::Line | SqlState::Comment | SqlState::Dollar(_) => {}
            }
            rest = rest.get(step..).unwrap_or("");
        }
    }

    fn inside(&self) -> Option<&'static str> {
        match self.state {
            SqlState::Code => None,
            SqlState::Text => Some("the quotes of a SQL text"),
            SqlState::Name => Some("the quotes of a SQL name"),
            SqlState::Dollar(_) => Some("a `$$` text"),
            SqlState::Line | SqlState::Comment => Some("a SQL comment"),
        }
    }
}

/// `$$` or `$tag$` where a text opens with one.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text.get(1..)?.find('$')? + 2;
    let tag = text.get(..end)?;
    let name = tag.trim_matches('$');
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (plain && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(tag)
}
