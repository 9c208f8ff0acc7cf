//! Program + parameters → [`Plan`]: the tree of what would run, what undoes what, what is asked, how long it may take.
//! Plain data; executes nothing, reads nothing but the source texts.
mod build;
mod questions;
mod shown;
mod unwind;

use crate::check::budget::{self, Sum};
use crate::check::program::{Arg, Book, Effect, Global, NameId, Program};
use crate::check::walk::{self, Doing};
use crate::source::Sources;
use crate::value::{Nanos, Value, show};

pub use questions::{Asked, AskedKind, IN_DOUBT, labels, questions, unwritten};
pub use unwind::{Unwind, UnwindKind};

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub title: String,
    pub doc: Option<String>,
    pub owner: Option<String>,
    /// Name and value as shown; of one that is not given, None.
    pub params: Vec<(String, Option<String>)>,
    pub locks: Vec<String>,
    pub forward: Budget,
    pub back: Budget,
    pub nodes: Vec<Node>,
    pub on_success: Vec<Node>,
    pub on_failure: Vec<Node>,
    /// In the order of the unwinding: last first.
    pub unwinding: Vec<Unwind>,
    pub prompts: Vec<Prompt>,
    pub questions: Vec<Asked>,
    /// Commands nobody knows, in a place that only reads: the author's word.
    pub trusted: Vec<Remark>,
    /// Writes of which nobody can prove, after a crash in the middle, whether they happened.
    pub inexact: Vec<Remark>,
}

/// A limit and what may be needed of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// `deadline`, `rollback within`; None when only the run knows it.
    pub limit: Option<Nanos>,
    pub worst: Nanos,
    /// What has no bound before the run.
    pub unbounded: Vec<String>,
    /// What has no limit of its own and adds nothing to `worst`: steps by name, by place, each once.
    pub unlimited: Vec<String>,
}

/// `secret … = prompt("…")`: typed before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub secret: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub path: String,
    pub text: String,
}

/// Something that would happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// As in the run: `3/0[2]/1`; `[*]` in a loop whose list only the run knows.
    pub path: String,
    pub kind: Kind,
    pub text: String,
    pub effect: Effect,
    pub readonly: bool,
    pub when: Option<String>,
    pub timeout: Option<Nanos>,
    /// As written: `2 every 5s`.
    pub retry: Option<String>,
    /// The worst case with all attempts, where it is known and not the timeout itself.
    pub worst: Option<Nanos>,
    pub undo: Option<Undo>,
    pub children: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Action,
    Let,
    Do,
    DoneWhen,
    Guard,
    Warn,
    Invariant,
    Wait,
    WaitUntil,
    Watch,
    If,
    Else,
    For,
    Element,
    Parallel,
    Transaction,
    With,
    Confirm,
    Ask,
    Choose,
    Choice,
    Try,
    Commit,
    Finally,
    Fail,
    Log,
    Note,
    Return,
}

impl Kind {
    /// The word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Step => "step",
            Kind::Action => "action",
            Kind::Let => "let",
            Kind::Do => "do",
            Kind::DoneWhen => "done_when",
            Kind::Guard => "guard",
            Kind::Warn => "warn",
            Kind::Invariant => "invariant",
            Kind::Wait => "wait",
            Kind::WaitUntil => "wait_until",
            Kind::Watch => "watch",
            Kind::If => "if",
            Kind::Else => "else",
            Kind::For => "for",
            Kind::Element => "element",
            Kind::Parallel => "parallel",
            Kind::Transaction => "transaction",
            Kind::With => "with",
            Kind::Confirm => "confirm",
            Kind::Ask => "ask",
            Kind::Choose => "choose",
            Kind::Choice => "option",
            Kind::Try => "try",
            Kind::Commit => "commit",
            Kind::Finally => "finally",
            Kind::Fail => "fail",
            Kind::Log => "log",
            Kind::Note => "note",
            Kind::Return => "return",
        }
    }
}

/// How a step or an action is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    pub kind: UndoKind,
    /// What runs, or the author's reason.
    pub text: String,
    pub timeout: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoKind {
    Rollback,
    None,
    Manual,
    Irreversible,
}

impl UndoKind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UndoKind::Rollback => "rollback",
            UndoKind::None => "none",
            UndoKind::Manual => "manual",
            UndoKind::Irreversible => "irreversible",
        }
    }
}

/// What would run with these parameters. Parameters that are missing leave what depends on them as written.
#[must_use]
pub fn plan(program: &Program, sources: &Sources, params: &[(NameId, Value)]) -> Plan {
    let known = known(program, params);
    let mut build = build::Build::new(program, sources, known.clone());
    let Some(book) = &program.book else { return empty() };
    let nodes = build.block(&book.body, "");
    let on_success = book.on_success.iter().flat_map(|b| build.block(b, &format!(".{}", Book::ON_SUCCESS))).collect();
    let on_failure = book.on_failure.iter().flat_map(|b| build.block(b, &format!(".{}", Book::ON_FAILURE))).collect();
    let limit = |e: &Option<crate::check::program::Expr>| e.as_ref().and_then(|e| build.duration(e));
    Plan {
        title: book.title.to_string(),
        doc: book.doc.clone(),
        owner: book.header.owner.as_ref().map(ToString::to_string),
        params: book.params.iter().map(|p| (build.name(p.name), find(&known, p.name).map(show::show))).collect(),
        locks: book.header.locks.iter().map(|l| build.label(&l.name)).collect(),
        forward: Budget::new(limit(&book.header.deadline), budget::forward(program, &known)),
        back: Budget::new(limit(&book.header.rollback_within), budget::back(program, &known)),
        unwinding: unwind::unwind(&nodes),
        prompts: prompts(program, &build),
        questions: questions(program, sources, params, &|_| None),
        on_success,
        on_failure,
        nodes,
        trusted: build.trusted,
        inexact: build.inexact,
    }
}

/// What an input at a console would do, and in which order it would be undone if it failed.
#[must_use]
pub fn input(program: &Program, sources: &Sources, number: u32) -> (Vec<Node>, Vec<Unwind>) {
    let entry = program.console.as_ref().and_then(|console| console.entries.get(number as usize));
    let Some(entry) = entry else { return (Vec::new(), Vec::new()) };
    let nodes = build::Build::new(program, sources, known(program, &[])).block(&entry.body, &number.to_string());
    let unwinding = unwind::unwind(&nodes);
    (nodes, unwinding)
}

fn empty() -> Plan {
    Plan {
        title: String::new(),
        doc: None,
        owner: None,
        params: Vec::new(),
        locks: Vec::new(),
        forward: Budget::default(),
        back: Budget::default(),
        nodes: Vec::new(),
        on_success: Vec::new(),
        on_failure: Vec::new(),
        unwinding: Vec::new(),
        prompts: Vec::new(),
        questions: Vec::new(),
        trusted: Vec::new(),
        inexact: Vec::new(),
    }
}

fn prompts(program: &Program, build: &build::Build<'_>) -> Vec<Prompt> {
    let mut found = Vec::new();
    for global in &program.globals {
        let Global::Secret { name, value, .. } = global else { continue };
        walk::doings(value, &mut |doing, _| {
            if let Doing::Call(call) = doing
                && call.action == "secret.prompt"
                && let Some((_, Arg::Value(text))) = call.args.first()
            {
                found.push(Prompt { secret: build.name(*name), text: build.label(text) });
            }
        });
    }
    found
}

/// The parameters and what libraries compute.
fn known(program: &Program, params: &[(NameId, Value)]) -> Vec<(NameId, Value)> {
    budget::globals(program).into_iter().chain(params.iter().cloned()).collect()
}

fn find(known: &[(NameId, Value)], name: NameId) -> Option<&Value> {
    known.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v)
}

impl Budget {
    fn new(limit: Option<Nanos>, sum: Sum) -> Budget {
        let mut unbounded: Vec<String> = Vec::new();
        for one in sum.unbounded {
            if !unbounded.contains(&one.why) {
                unbounded.push(one.why);
            }
        }
        let mut unlimited: Vec<String> = Vec::new();
        for (_, name) in sum.unlimited {
            if !unlimited.iter().any(|one| *one == name) {
                unlimited.push(name.into());
            }
        }
        Budget { limit, worst: sum.total, unbounded, unlimited }
    }
}
