//! An entry, cut into what a runbook keeps in different places.
use crate::check::program::{Entry, Global, NameId, Stmt, StmtKind};
use crate::check::walk;
use crate::source::Span;
use crate::syntax::{self, ast};
use crate::value::SmolStr;

/// Where it stands in a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside the runbook: `use`, `action`, `context`.
    Top,
    /// `secret`, `connect`, `reads`; of a runbook its header words and parameters, too.
    Header,
    Body,
    /// `on success`, `on failure`.
    Handler,
}

/// A statement or an item.
pub struct Piece<'a> {
    pub place: Place,
    pub text: &'a str,
    pub span: Span,
    /// What hides an earlier one: `use redis`, `action deploy`.
    pub declared: Option<String>,
    /// Of a `use`.
    pub alias: Option<String>,
    pub binds: Option<NameId>,
    pub global: Option<&'a Global>,
    /// What it means.
    pub stmts: Vec<&'a Stmt>,
    /// It is in it whatever it does: a runbook says so, or a person instead of it.
    pub stays: bool,
    /// Which part of the runbook it is, or stands for.
    pub part: Option<u32>,
    /// It was a write that nobody said how to undo, and ran as a step of this name.
    bare: Option<SmolStr>,
}

impl Piece<'_> {
    /// As it stands in a runbook.
    pub fn wrapped(&self, text: &str) -> String {
        match &self.bare {
            None => text.to_owned(),
            Some(name) => {
                format!("step {} {{\n  irreversible \"no undo is known for it\"\n  {text}\n}}", quoted(name))
            }
        }
    }
}

/// As a literal.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace("#{", "\\#{").replace('\n', "\\n"))
}

pub fn items<'a>(entry: &'a Entry, text: &'a str, found: &mut Vec<Piece<'a>>) {
    for item in syntax::parse(entry.body.span.file, text).ast.items {
        let (declared, alias) = declared(&item.kind).unzip();
        let alias = alias.flatten();
        let piece = piece(Place::Top, text, item.span);
        found.push(Piece { declared, alias, ..piece });
    }
}

/// What hides an earlier one, and the alias of a `use`.
pub fn declared(item: &ast::ItemKind) -> Option<(String, Option<String>)> {
    match item {
        ast::ItemKind::Use(used) => {
            let alias = used.alias.as_ref().map(|alias| alias.text.to_string());
            let alias = alias.unwrap_or_else(|| last_word(&used.path));
            Some((format!("use {alias}"), Some(alias)))
        }
        ast::ItemKind::Action(action) => Some((format!("action {}", action.name.text), None)),
        ast::ItemKind::Context(context) => Some((format!("context {}", context.name.text), None)),
        ast::ItemKind::Runbook(_)
        | ast::ItemKind::Extern(_)
        | ast::ItemKind::Let(_)
        | ast::ItemKind::Secret(_)
        | ast::ItemKind::Connect(_)
        | ast::ItemKind::Reads(_) => None,
    }
}

/// `std/redis`, `./lib/redis.rbk` → `redis`
fn last_word(path: &ast::Str) -> String {
    let text: String = path
        .parts
        .iter()
        .map(|part| match part {
            ast::Part::Text { text, .. } => text.as_str(),
            ast::Part::Hole { .. } => "",
        })
        .collect();
    let name = text.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".rbk").unwrap_or(name).to_owned()
}

pub fn statements<'a>(entry: &'a Entry, text: &'a str, found: &mut Vec<Piece<'a>>) {
    for stmt in syntax::parse_statements(entry.body.span.file, text).stmts {
        let is_header =
            matches!(stmt.kind, ast::StmtKind::Secret(_) | ast::StmtKind::Connect(_) | ast::StmtKind::Reads(_));
        let place = if is_header { Place::Header } else { Place::Body };
        let mut piece = piece(place, text, stmt.span);
        if is_header {
            piece.global = entry.globals.iter().find(|global| stmt.span.contains(value(global).span));
            piece.binds = piece.global.map(Global::name);
        } else {
            piece.stmts = super::standing(entry, stmt.span);
            piece.binds = piece.stmts.iter().find_map(|stmt| walk::binds(&stmt.kind));
            piece.bare = piece.stmts.iter().find_map(|inner| match &inner.kind {
                StmtKind::Step(step) if !matches!(stmt.kind, ast::StmtKind::Step(_)) => Some(step.source.clone()),
                _ => None,
            });
        }
        found.push(piece);
    }
}

pub fn value(global: &Global) -> &crate::check::program::Expr {
    match global {
        Global::Let { value, .. } | Global::Secret { value, .. } | Global::Connect { value, .. } => value,
    }
}

pub fn piece(place: Place, text: &str, span: Span) -> Piece<'_> {
    Piece {
        place,
        text: text.get(span.start as usize..span.end as usize).unwrap_or_default(),
        span,
        declared: None,
        alias: None,
        binds: None,
        global: None,
        stmts: Vec::new(),
        stays: false,
        part: None,
        bare: None,
    }
}
