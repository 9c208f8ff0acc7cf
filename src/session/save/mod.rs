//! What worked at a console, as a runbook. In: what was typed, and which of it stands. Out: a text in canonical style. Looks, failures and what was undone are not in it; a runbook that is loaded is its frame.
mod book;
mod names;
mod pieces;

use std::collections::BTreeSet;

use super::book::{Book, Reached};
use super::console::Console;
use super::{Disk, Opened, open_text};
use crate::check::console::declares;
use crate::check::program::{Effect, Entry, Global, NameId, NameKind, Program, Stmt, StmtKind};
use crate::check::walk;
use crate::diag::{Code, Diagnostic, Severity};
use crate::engine::Part;
use crate::journal::Trouble;
use crate::print;
use crate::source::Span;
use crate::value::redact::Redactor;
use book::Written;
use pieces::{Piece, Place};

/// What is said of it beside its statements.
pub struct About<'a> {
    /// The file that it is to be.
    pub file: &'a str,
    pub owner: &'a str,
    pub run: &'a str,
    /// `2026-11-22`.
    pub day: String,
}

/// How long the way forward and the way back may take: the first that the checker finds no fault with.
const BUDGETS: [(&str, &str); 4] = [("30m", "10m"), ("4h", "1h"), ("24h", "6h"), ("168h", "24h")];

/// What stands of a console.
pub struct Worked<'a> {
    pub console: &'a Console,
    /// The entries that stand, by number, from 0.
    pub done: &'a [u32],
    /// The runbook that is loaded.
    pub book: Option<(&'a Book, &'a Reached)>,
}

/// # Errors
/// None of them does anything, or one shows a secret.
pub fn save(worked: &Worked<'_>, about: &About<'_>, secrets: &Redactor) -> Result<String, Trouble> {
    let console = worked.console;
    let written = worked.book.and_then(|(book, reached)| {
        let entry = console.program.console.as_ref()?.entries.get(console.book()?.0 as usize)?;
        let file = entry.body.span.file;
        Some(Written::new(file, &console.sources.get(file)?.text, book, reached))
    });
    let pieces = kept(worked, written.as_ref());
    if !pieces.iter().any(|piece| piece.place == Place::Body) {
        return Err(Trouble::new("nothing that ran and stands would do anything in a runbook"));
    }
    let mut taken: BTreeSet<NameId> = BTreeSet::new();
    let mut budgets = BUDGETS.iter();
    let mut limits = BUDGETS.first().copied().unwrap_or_default();
    loop {
        let own = |piece: &Piece<'_>| renamed(console, piece, &taken);
        let text = match &written {
            Some(written) => written.whole(&pieces, about, &own),
            None => whole(&pieces, about, &own, limits),
        };
        if secrets.redact(&text) != text {
            let trouble = Trouble::new("what was typed shows a secret, and would stand in the file in the clear");
            return Err(trouble.with_help("undo the entry that shows it, and type it with the secret's name"));
        }
        let (text, found) = looked_at(about.file, text);
        let errors = || found.iter().filter(|found| found.severity == Severity::Error);
        // A name that was bound anew is one name in a console, and two in a runbook.
        let twice = if errors().any(|found| found.code == Code::DuplicateName) {
            hidden(console, &pieces, &taken)
        } else {
            BTreeSet::new()
        };
        if !twice.is_empty() {
            taken.extend(twice);
            continue;
        }
        let late = errors().any(|found| found.code == Code::BudgetExceeded);
        match budgets.next() {
            // A runbook says itself how long it may take.
            Some(next) if late && written.is_none() => limits = *next,
            Some(_) | None => return Ok(text),
        }
    }
}

/// In canonical style where it can be read, and checked.
fn looked_at(file: &str, text: String) -> (String, Vec<Diagnostic>) {
    let Opened { ast, diagnostics, .. } = open_text(file, &text, &Disk);
    let text = match print::format(&text, &ast) {
        Ok(printed) if diagnostics.iter().all(|found| found.code != Code::Syntax) => printed,
        Ok(_) | Err(_) => text,
    };
    let Opened { diagnostics, .. } = open_text(file, &text, &Disk);
    (text, diagnostics)
}

/// What of the entries that stand does something, and the names that it needs.
fn kept<'a>(worked: &Worked<'a>, written: Option<&Written<'a>>) -> Vec<Piece<'a>> {
    let console = worked.console;
    let program = &console.program;
    let entries = program.console.iter().flat_map(|console| (0u32..).zip(&console.entries));
    let mut found = Vec::new();
    for (number, entry) in entries.filter(|(number, _)| worked.done.contains(number)) {
        let Some(text) = console.sources.get(entry.body.span.file).map(|file| &*file.text) else { continue };
        let stands = |part: &u32| written.is_some_and(|written| written.stands(*part, number));
        let instead = match (console.part(number), written) {
            (Some(Part::Own), _) => None,
            (Some(Part::Instead(part)), _) if stands(part) => Some(*part),
            (Some(Part::Unit(part)), Some(written)) if stands(part) => {
                written.part(entry, *part, &mut found);
                continue;
            }
            (Some(Part::Book { .. }), Some(written)) => {
                written.declarations(entry, &mut found);
                continue;
            }
            (
                Some(Part::Book { .. } | Part::Unit(_) | Part::Instead(_) | Part::Past(_) | Part::End | Part::Success)
                | None,
                _,
            ) => continue,
        };
        let first = found.len();
        if declares(text) {
            pieces::items(entry, text, &mut found);
        } else {
            pieces::statements(entry, text, &mut found);
        }
        for piece in found.iter_mut().skip(first).filter(|_| instead.is_some()) {
            (piece.stays, piece.part) = (true, instead);
        }
    }
    latest(&mut found);
    let mut used: BTreeSet<NameId> = BTreeSet::new();
    let mut needed = vec![false; found.len()];
    // What uses a name stands behind it; actions see the names of all entries.
    for action in &program.actions {
        let mut add = |name, _| {
            used.insert(name);
        };
        names::of_block(&action.body.block, &mut add);
        names::of_undo(&action.body.undo, &mut add);
    }
    for (piece, needed) in found.iter().zip(&mut needed).rev() {
        *needed = match (piece.binds, piece.stays || does(program, piece)) {
            (_, true) => true,
            (Some(name), false) => used.contains(&name),
            (None, false) => false,
        };
        if *needed {
            uses(piece, &mut |name, _| {
                used.insert(name);
            });
        }
    }
    let mut needed = needed.into_iter();
    found.retain(|_| needed.next().unwrap_or_default());
    let of_book = written.map(|written| written.text);
    let bodies: String = found.iter().map(|piece| piece.text).chain(of_book).collect::<Vec<_>>().join("\n");
    found.retain(|piece| piece.alias.as_ref().is_none_or(|alias| mentions(&bodies, alias)));
    found
}

/// `alias.` stands in a text.
fn mentions(text: &str, alias: &str) -> bool {
    let ends = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
    text.match_indices(alias).any(|(at, _)| {
        let (before, after) = text.split_at(at);
        ends(before) && after.get(alias.len()..).is_some_and(|after| after.starts_with('.'))
    })
}

/// Of declarations of one name the last.
fn latest(found: &mut Vec<Piece<'_>>) {
    let mut seen = BTreeSet::new();
    let mut last = Vec::new();
    while let Some(piece) = found.pop() {
        if piece.declared.as_ref().is_none_or(|declared| seen.insert(declared.clone())) {
            last.push(piece);
        }
    }
    last.reverse();
    *found = last;
}

/// Whether it is there for more than its name and its value.
fn does(program: &Program, piece: &Piece<'_>) -> bool {
    let looks = |stmt: &Stmt| match &stmt.kind {
        StmtKind::Show(expr) | StmtKind::Eval(expr) | StmtKind::Let { value: expr, .. } => {
            let mut most = Effect::Pure;
            walk::doings(expr, &mut |doing, _| most = most.max(doing.effect(program)));
            most <= Effect::Read
        }
        _ => false,
    };
    match piece.place {
        Place::Top | Place::Handler => true,
        Place::Header => piece.binds.is_none(),
        Place::Body => !piece.stmts.iter().all(|stmt| looks(stmt)),
    }
}

fn uses(piece: &Piece<'_>, each: &mut dyn FnMut(NameId, Span)) {
    piece.stmts.iter().for_each(|stmt| names::of_stmt(stmt, each));
    if let Some(Global::Secret { value, .. } | Global::Connect { value, .. } | Global::Let { value, .. }) = piece.global
    {
        names::of_expr(value, each);
    }
}

/// Names that another one of the same text stands in the way of: a later one, or one that a runbook declares.
fn hidden(console: &Console, pieces: &[Piece<'_>], taken: &BTreeSet<NameId>) -> BTreeSet<NameId> {
    let inside = |span: Span| pieces.iter().any(|piece| piece.span.contains(span));
    let declared = |span: Span| pieces.iter().any(|p| p.stays && p.place == Place::Header && p.span.contains(span));
    let ids = (0u32..).map(NameId).zip(&console.program.names);
    let own: Vec<_> = ids
        .filter(|(id, info)| {
            !taken.contains(id) && !matches!(info.kind, NameKind::Given | NameKind::It) && inside(info.span)
        })
        .collect();
    let in_its_way = |id: NameId, text: &str| {
        let other = |other: NameId, span: Span| other > id || other < id && declared(span);
        own.iter().any(|(id, info)| info.text == text && other(*id, info.span))
    };
    let hidden = own.iter().filter(|(id, info)| !declared(info.span) && in_its_way(*id, &info.text));
    hidden.map(|(id, _)| *id).collect()
}

/// The whole text; `text` gives that of each piece.
fn whole(
    pieces: &[Piece<'_>],
    about: &About<'_>,
    text: &dyn Fn(&Piece<'_>) -> String,
    (deadline, back): (&str, &str),
) -> String {
    let of = |place: Place| pieces.iter().filter(move |piece| piece.place == place);
    let lines = |all: Vec<String>| all.join("\n");
    let uses = lines(of(Place::Top).filter(|piece| piece.alias.is_some()).map(text).collect());
    let items =
        lines(of(Place::Top).filter(|piece| piece.alias.is_none()).map(|piece| format!("\n{}", text(piece))).collect());
    let declared = lines(of(Place::Header).map(text).collect());
    let body = lines(of(Place::Body).map(|piece| piece.wrapped(&text(piece))).collect());
    let About { file, owner, run, day } = about;
    let title = pieces::quoted(&title(file));
    let owner = pieces::quoted(owner);
    format!(
        "{uses}\n\n## Worked out at a console on {day}, run {run}.\nrunbook {title} {{\n  owner {owner}\n  deadline {deadline}\n  \
         rollback within {back}\n\n{declared}\n\n{body}\n}}\n{items}\n"
    )
}

/// `fix-the-pool.rbk` → `Fix the pool`
fn title(file: &str) -> String {
    let stem = std::path::Path::new(file).file_stem().map(|stem| stem.to_string_lossy().replace(['-', '_'], " "));
    let stem = stem.unwrap_or_default();
    let mut letters = stem.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn renamed(console: &Console, piece: &Piece<'_>, taken: &BTreeSet<NameId>) -> String {
    let mut places: Vec<(Span, NameId)> = Vec::new();
    uses(piece, &mut |name, span| places.push((span, name)));
    let ids = (0u32..).map(NameId).zip(&console.program.names);
    places.extend(ids.map(|(id, info)| (info.span, id)));
    places.retain(|(span, name)| taken.contains(name) && piece.span.contains(*span));
    places.sort_by_key(|(span, _)| span.start);
    places.dedup();
    let mut out = piece.text.to_owned();
    for (span, name) in places.into_iter().rev() {
        let at = (span.start - piece.span.start) as usize..(span.end - piece.span.start) as usize;
        let old = console.program.names.get(name.0 as usize).map(|info| info.text.as_str()).unwrap_or_default();
        if out.get(at.clone()) == Some(old) {
            out.replace_range(at, &format!("{old}_{}", name.0));
        }
    }
    out
}

/// The program's statements that stand in this part of an entry.
fn standing(entry: &Entry, span: Span) -> Vec<&Stmt> {
    entry.body.stmts.iter().filter(|stmt| span.contains(stmt.span) || stmt.span.contains(span)).collect()
}
