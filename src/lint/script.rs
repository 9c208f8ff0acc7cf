//! A file as the rules see it: what it runs and calls, its texts and steps, in the order of the text. One walk over the tree.
use std::collections::BTreeMap;

use crate::check::shell::ran::{self, Ran};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::{Arg, Ast, ExprKind, Part, Step, Stmt, Str};
use crate::value::SmolStr;

use super::walk;

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
    /// Of each name of a connection, the kind: `postgres`.
    pub connections: BTreeMap<SmolStr, SmolStr>,
    /// Statements without a block: what an `allow` above one covers.
    pub(super) extents: Vec<Span>,
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
    /// What stands below it.
    Above,
    /// All of its step: it is asked for before the first write.
    Step,
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
            connections: BTreeMap::new(),
            extents: Vec::new(),
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
        let around = |check: &Placed<Check>| {
            let mut step = place.step;
            loop {
                if check.place.step == step {
                    return true;
                }
                let Some(inner) = step else { return false };
                step = self.outer.get(inner).copied().flatten();
            }
        };
        self.checks.iter().any(|check| match check.it {
            Check::Above => check.place.order < place.order && around(check),
            Check::Step => check.place.step.is_some() && around(check),
        })
    }

    /// The kind of connection that a call goes to: `postgres` of `db.exec(…)`.
    #[must_use]
    pub fn kind(&self, call: &Call<'_>) -> Option<&str> {
        self.connections.get(call.on?).map(SmolStr::as_str)
    }
}

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
