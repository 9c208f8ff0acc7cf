//! A file as the rules see it: what it runs and calls, its texts and steps, in the order of the text. One walk over the tree.
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::check::shell::ran::{self, Ran};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::{Arg, Ast, ExprKind, Part, Step, Stmt, Str};
use crate::value::SmolStr;

use super::order::{self, Deed};
use super::walk;
use super::whole::{self, Done};

/// See the module.
#[derive(Debug)]
pub struct Script<'a> {
    pub sources: &'a Sources,
    pub file: FileId,
    pub ast: &'a Ast,
    pub commands: Vec<Placed<Ran>>,
    pub calls: Vec<Placed<Call<'a>>>,
    /// Every string but those in commands.
    pub texts: Vec<Placed<&'a Str>>,
    /// `wait D`, and the statement behind it.
    pub waits: Vec<Placed<(&'a Stmt, Option<&'a Stmt>)>>,
    /// SQL in calls and in commands.
    pub sql: Vec<Placed<Sql>>,
    pub steps: Vec<&'a Step>,
    /// Of each step, the one that it stands in.
    pub(super) outer: Vec<Option<usize>>,
    /// Where somebody or something has to agree: `guard`, `confirm`, `choose`, `irreversible`.
    pub(super) checks: Vec<Placed<Check>>,
    /// What `confirm` asks.
    pub questions: Vec<Placed<&'a Str>>,
    /// Where each name gets its value.
    pub(super) bound: BTreeMap<SmolStr, Bound>,
    /// Of each name of a connection, the kind: `postgres`.
    pub connections: BTreeMap<SmolStr, SmolStr>,
    /// Statements without a block: what an `allow` above one covers.
    pub(super) extents: Vec<Span>,
    deeds: OnceCell<Vec<Done<'a>>>,
    dumps: OnceCell<Vec<(Deed, Place, Span)>>,
}

/// Something with where it stands.
#[derive(Debug)]
pub struct Placed<T> {
    pub it: T,
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Script::steps`].
    pub step: Option<usize>,
    pub role: Role,
    /// Something stands on its standard input: `with stdin(…)`.
    pub fed: bool,
    /// It has its connection or its environment from a `with`.
    pub connected: bool,
    /// It stands in a `transaction`.
    pub transaction: bool,
    /// The `$` it stands in, counted.
    pub command: usize,
    /// Its position among all that a file does.
    pub order: usize,
}

/// What it is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A statement for its effect.
    Doing,
    /// Its value is used.
    Value,
    Condition,
    /// A condition that is asked for again and again: `wait up to`, `watch`, `invariant`.
    Until,
    Rollback,
    Finally,
    /// `on success`, `on failure`
    Handler,
    /// `with running(…)`: it lives as long as its block.
    Beside,
}

/// A text of SQL, and what it is given to.
#[derive(Clone, Debug)]
pub struct Sql {
    /// In capitals, one blank between words; [`ran::COMPUTED`] for each value.
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// What stands below it, when it is about that. `asks`: it runs a command or calls something.
    Guard { span: Span, asks: bool },
    /// A person is asked about what stands below it.
    Asked,
    /// All of its step: it is asked for before the first write.
    Step,
}

/// A name, and the text that says what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub span: Span,
    /// A command or a call says what it is.
    pub asks: bool,
}

/// `db.exec("…")`, `files.snapshot(x)`
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// `db`, `files`; none when it is called on something else, or is a plain `name(…)`.
    pub on: Option<&'a str>,
    pub name: &'a str,
    pub args: &'a [Arg],
    pub span: Span,
}

impl Call<'_> {
    /// The first argument, when it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&Str> {
        match &self.args.first()?.value.kind {
            ExprKind::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> Script<'a> {
    #[must_use]
    pub fn read(sources: &'a Sources, ast: &'a Ast) -> Script<'a> {
        let mut script = walk::walk(Script {
            sources,
            file: ast.file,
            ast,
            commands: Vec::new(),
            calls: Vec::new(),
            texts: Vec::new(),
            waits: Vec::new(),
            sql: Vec::new(),
            steps: Vec::new(),
            outer: Vec::new(),
            checks: Vec::new(),
            questions: Vec::new(),
            bound: BTreeMap::new(),
            connections: BTreeMap::new(),
            extents: Vec::new(),
            deeds: OnceCell::new(),
            dumps: OnceCell::new(),
        });
        script.sql = script.all_sql();
        script
    }

    fn all_sql(&self) -> Vec<Placed<Sql>> {
        let sql = |text: &str, span, place| {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
            Placed { it: Sql { text, span }, place }
        };
        let called = self.calls.iter().filter_map(|call| {
            let asks = matches!(call.it.name, "exec" | "query" | "value" | "row" | "rows");
            let written = call.it.text().filter(|_| asks && self.kind(&call.it) == Some("postgres"))?;
            Some(sql(&text(&written.parts), written.span, call.place))
        });
        let given = self.commands.iter().flat_map(|ran| {
            let code = ran
                .it
                .code
                .iter()
                .filter(|code| matches!(code.tool, "psql" | "mysql" | "mariadb" | "sqlite3" | "clickhouse-client"));
            code.map(|code| sql(&code.text, code.span, ran.place))
        });
        let mut found: Vec<_> = called.chain(given).collect();
        found.sort_by_key(|sql| sql.place.order);
        found
    }

    /// Whether something has to agree before what stands here: a guard or a question above it in its step or around that,
    /// or its step is a point of no return.
    #[must_use]
    pub fn guarded(&self, place: Place) -> bool {
        self.agreeing(place).next().is_some()
    }

    /// The same, where a guard counts only if it is about this: it decides by what the run was given, or it and the text, or what
    /// their names stand for, have a word in common.
    #[must_use]
    pub fn guarded_about(&self, place: Place, text: &str) -> bool {
        let here = self.words(text);
        self.agreeing(place).any(|check| match check {
            Check::Asked | Check::Step => true,
            Check::Guard { span, asks } => {
                let words = self.words(self.sources.text(span));
                let asked = asks || words.iter().any(|word| self.bound.get(word).is_some_and(|bound| bound.asks));
                !asked || words.iter().any(|word| here.contains(word))
            }
        })
    }

    /// Whether no other run has this name: it, or a text behind its names, holds `run.id`.
    #[must_use]
    pub fn of_this_run(&self, text: &str) -> bool {
        let holds = |text: &str| text.contains("run.id");
        holds(text)
            || self
                .words(text)
                .iter()
                .any(|word| self.bound.get(word).is_some_and(|bound| holds(self.sources.text(bound.span))))
    }

    fn agreeing(&self, place: Place) -> impl Iterator<Item = Check> {
        let around = move |check: &Placed<Check>| {
            let mut step = place.step;
            loop {
                if check.place.step == step {
                    return true;
                }
                let Some(inner) = step else { return false };
                step = self.outer.get(inner).copied().flatten();
            }
        };
        let agrees = move |check: &&Placed<Check>| match check.it {
            Check::Guard { .. } | Check::Asked => check.place.order < place.order && around(check),
            Check::Step => check.place.step.is_some() && around(check),
        };
        self.checks.iter().filter(agrees).map(|check| check.it)
    }

    /// The words of a text that tell what it is about, and those of the texts behind its names.
    fn words(&self, text: &str) -> BTreeSet<SmolStr> {
        let mut found = BTreeSet::new();
        let mut texts = vec![text];
        while let Some(text) = texts.pop() {
            for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
                let told = SmolStr::new(word.to_lowercase());
                if let Some(bound) = self.bound.get(word)
                    && !found.contains(word)
                {
                    found.insert(SmolStr::new(word));
                    texts.push(self.sources.text(bound.span));
                }
                if word.len() > 2
                    && !word.starts_with(|c: char| c.is_ascii_digit())
                    && !SAYS_NOTHING.contains(&told.as_str())
                {
                    found.insert(told);
                }
            }
        }
        found
    }

    /// What its SQL does to whole tables: read once, whoever asks.
    #[must_use]
    pub fn deeds(&self) -> &[Done<'a>] {
        self.deeds.get_or_init(|| whole::deeds(self))
    }

    /// What it does with dumps and databases, in its order: read once, whoever asks.
    #[must_use]
    pub fn dumps(&self) -> &[(Deed, Place, Span)] {
        self.dumps.get_or_init(|| order::deeds(self))
    }

    /// The kind of connection that a call goes to: `postgres` of `db.exec(…)`.
    #[must_use]
    pub fn kind(&self, call: &Call<'_>) -> Option<&str> {
        self.connections.get(call.on?).map(SmolStr::as_str)
    }
}

/// Words that stand in any command or text, whatever it is about.
const SAYS_NOTHING: [&str; 40] = [
    "the", "and", "not", "that", "this", "only", "from", "with", "into", "for", "true", "false", "null", "echo",
    "test", "int", "len", "let", "guard", "step", "var", "usr", "srv", "etc", "opt", "tmp", "home", "dev", "log",
    "logs", "lib", "bin", "sudo", "readonly", "select", "where", "delete", "drop", "exec", "there",
];

/// The literal text of a string, [`ran::COMPUTED`] for each value.
#[must_use]
pub fn text(parts: &[Part]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text { text, .. } => out.push_str(text),
            Part::Hole { .. } => out.push(ran::COMPUTED),
        }
    }
    out
}
