//! The text of a `$`: how each value stands in it, what it is known to do, whether it needs a shell.
//!
//! In: the parts of a command as parsed. Out: [`Analysis`]. One real scan of shell text: words, quotes, substitutions,
//! here-documents, pipelines, redirections. What the scan does not understand is unknown, never a read.
mod class;
mod direct;
mod inner;
mod pattern;
mod previews;
pub mod ran;
mod reads;
mod scan;
mod table;
pub(super) mod text;
mod tree;
mod wrapper;
mod writes;

pub use reads::Reads;
pub use text::lines;

use std::collections::BTreeSet;

use crate::check::program::{Class, How, Shell};
use crate::diag::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::Part;
use crate::value::SmolStr;

use tree::{Piece, Script};

/// What is known about a command's text.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// One for each hole, in order.
    pub holes: Vec<HoleUse>,
    /// Executed without a shell.
    pub direct: bool,
    pub class: Class,
    /// Holes that stand where no quoting helps.
    pub problems: Vec<Diagnostic>,
    /// Redirections that do not say from or to where; `<name>` as a whole.
    pub aimless: Vec<Span>,
    /// `$NAME` and `${NAME}` in the arguments of a program: their values are visible in the process list.
    pub variables: Vec<(SmolStr, Span)>,
    /// `$NAME` and `${NAME}` anywhere that the text itself does not set: they come from the environment.
    pub inherited: Vec<(SmolStr, Span)>,
}

/// How one hole stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoleUse {
    pub how: How,
    /// The program that interprets the code the hole lands in: `psql`, `awk`, `$(( ))`.
    pub inner: Option<SmolStr>,
    /// Its text is visible in the process list. Always so today: the whole text is an argument, of the program or of
    /// the shell.
    pub argument: bool,
}

/// Look at the text of one command.
#[must_use]
pub fn analyse(parts: &[Part], shell: &Shell, reads: &Reads) -> Analysis {
    let mut scan = scan::Scan::new(text::symbols(parts));
    let script = scan.run();
    let mut holes: Vec<HoleUse> =
        scan.holes.iter().map(|how| HoleUse { how: *how, inner: None, argument: true }).collect();
    let mut inner = |index: usize, name: &str| {
        if let Some(hole) = holes.get_mut(index) {
            hole.inner.get_or_insert_with(|| SmolStr::new(name));
        }
    };
    scan.arithmetic.iter().for_each(|i| inner(*i, "$(( ))"));
    let mut variables = Vec::new();
    script.visit(&mut |part| {
        inner::holes(&part.commands).into_iter().for_each(|(i, name)| inner(i, name));
        argument_variables(part, &mut variables);
    });
    Analysis {
        holes,
        direct: direct::direct(&scan.symbols, &script, shell),
        class: class::class(&script, reads),
        problems: scan.problems,
        aimless: if script.unparsed { Vec::new() } else { scan.aimless },
        variables,
        inherited: inherited(&script),
    }
}

/// Builtins whose words are names that they set.
const SETTERS: [&str; 9] =
    ["read", "local", "export", "declare", "typeset", "readonly", "getopts", "mapfile", "readarray"];

fn inherited(script: &Script) -> Vec<(SmolStr, Span)> {
    let (mut read, mut set) = (Vec::new(), BTreeSet::new());
    script.visit(&mut |part| {
        for command in &part.commands {
            let sets = command.data
                || command.words.first().and_then(tree::Word::bare).is_some_and(|word| SETTERS.contains(&word));
            let words = command.words.iter().filter(|_| sets).chain(&command.assignments);
            set.extend(words.filter_map(|word| {
                let opening = word.opening();
                let name = opening.split(['=', '+', '[']).next()?;
                (!name.is_empty()).then(|| SmolStr::new(name))
            }));
            for piece in command.all_words().flat_map(|word| &word.pieces) {
                if let Piece::Variable(name, span) = piece {
                    read.push((SmolStr::new(name), *span));
                }
            }
        }
    });
    read.retain(|(name, _)| !set.contains(name));
    read
}

/// A builtin is no process: what it is given is seen by nobody.
fn argument_variables(script: &Script, out: &mut Vec<(SmolStr, Span)>) {
    for command in script.commands.iter().filter(|c| !c.data) {
        let builtin = command.words.first().and_then(tree::Word::bare).is_some_and(direct::is_builtin);
        let evaluates =
            command.words.first().and_then(tree::Word::bare).is_some_and(|w| matches!(w, "exec" | "command" | "eval"));
        if builtin && !evaluates {
            continue;
        }
        for piece in command.words.iter().flat_map(|w| &w.pieces) {
            if let Piece::Variable(name, span) = piece {
                out.push((SmolStr::new(name), *span));
            }
        }
    }
}

#[cfg(test)]
mod tests;
