//! Starting a run: its id, its inputs, the engine, the world around it, and the loop that joins them.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::place;
use crate::check::Program;
use crate::check::constant;
use crate::check::program::{Expr, NameId};
use crate::check::unkept;
use crate::effects::world::World;
use crate::engine::{CONSOLE, Engine, Finish, Inputs, OnFailure, Replayed};
use crate::journal;
use crate::journal::entry::SEMANTICS;
use crate::journal::{Door, Entry, Head, Store, Text, Trouble};
use crate::run::journal::Journal;
use crate::run::{Answers, Around, OnQuestion, Operator, Watcher, drive, id, process};
use crate::source::{File, Sources};
use crate::value::redact::Redactor;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// A run that can start.
#[derive(Clone, Debug)]
pub struct Ready {
    pub program: Arc<Program>,
    pub sources: Sources,
    pub id: SmolStr,
    pub started: Timestamp,
    pub params: Vec<(NameId, Value)>,
}

impl Ready {
    #[must_use]
    pub fn new(program: Arc<Program>, sources: Sources, params: Vec<(NameId, Value)>) -> Ready {
        let started = super::now();
        Ready { program, sources, id: id::new(started), started, params }
    }
}

impl Ready {
    /// The deadline, and what unwinding may take; both may read parameters.
    #[must_use]
    pub fn limits(&self) -> (Option<Nanos>, Option<Nanos>) {
        let Some(book) = &self.program.book else { return (None, None) };
        let length = |expr: &Option<Expr>| match expr.as_ref().map(|expr| constant::value(expr, &self.params)) {
            Some(Ok(Value::Duration(length))) => Some(length),
            _ => None,
        };
        (length(&book.header.deadline), length(&book.header.rollback_within))
    }
}

/// How a run goes, beside what its runbook says.
#[derive(Default)]
pub struct Way {
    pub on_failure: OnFailure,
    pub on_question: OnQuestion,
    /// None: nothing is kept of it.
    pub store: Option<Box<dyn Store>>,
    /// What a console is called that begins with a runbook.
    pub title: Option<String>,
}

/// Run to the end. None when the run waits for nothing and has not ended: a bug.
///
/// # Errors
/// When nothing could be started.
pub fn run(
    ready: Ready,
    way: Way,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
) -> Result<Option<Finish>, Trouble> {
    begin(ready, way, watcher, answers, None)
}

/// The same; `operator`: who works at a console.
pub(super) fn begin(
    ready: Ready,
    way: Way,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
    operator: Option<&mut dyn Operator>,
) -> Result<Option<Finish>, Trouble> {
    let mut journal = match way.store {
        Some(mut store) => {
            if !store.keeps_secrets() {
                lost(&ready.program, &ready.sources)?;
            }
            store.whole()?;
            let (head, holder, wall) =
                (head(&ready, way.on_failure, way.title.as_deref()), place::holder(), ready.started);
            let taken = Entry::Taken { door: Door::Run, holder: holder.clone(), wall, reasons: Vec::new() };
            in_the_clear(&ready.program, &head)?;
            store.begin(&head, &holder, &[taken], wall)?;
            Some(Journal::new(store, ready.id.clone(), holder, BTreeSet::new()))
        }
        None => None,
    };
    process::prepare();
    let Ready { program, sources: _, id, started, params } = ready;
    let world = World::new(id.clone()).map_err(Trouble::new)?;
    let engine = Engine::new(program, Inputs { run: id, started, params, on_failure: way.on_failure });
    let journal = journal.as_mut();
    let around = Around {
        effects: &world,
        watcher,
        answers,
        on_question: way.on_question,
        journal,
        operator: operator.map(|operator| -> &mut dyn Operator { operator }),
    };
    driven(process::block_on(drive(Replayed::new(engine), around, None)))
}

/// What must still be done after a crash needs no secret that is gone then.
pub(super) fn lost(program: &Program, sources: &Sources) -> Result<(), Trouble> {
    let Some((name, span)) = unkept::needed(program) else { return Ok(()) };
    let (line, _) = sources.position(span);
    let at = format!("{}:{line}", sources.name(span.file));
    let message = format!("what is to be done at {at} after a crash needs `{name}`, and that secret would be lost");
    let help =
        "set `RBK_JOURNAL_KEY`: the journal then keeps it, sealed; or run with `--journal none`, and without a resume";
    Err(Trouble::new(message).with_help(help))
}

/// Parameters are kept before any secret is read: one that shows a secret would stand in the journal in the clear.
#[allow(clippy::disallowed_methods, reason = "the waist knows what the environment holds")]
fn in_the_clear(program: &Program, head: &Head) -> Result<(), Trouble> {
    let mut secrets = Redactor::default();
    for (name, variable) in unkept::from_environment(program) {
        if let Ok(text) = std::env::var(variable.as_str()) {
            secrets.learn(&name, &Value::str(text));
        }
    }
    let shown = head.params.iter().find_map(|(param, value)| match value {
        Value::Secret(_) => None,
        value => Some((param, secrets.hides(value)?)),
    });
    let Some((param, secret)) = shown else { return Ok(()) };
    let message =
        format!("the parameter `{param}` shows the secret `{secret}`, and would stand in the journal in the clear");
    let help = format!(
        "leave the secret out of it; or declare it as one: `param {param}: secret<string>`; or keep nothing: \
         `--journal none`"
    );
    Err(Trouble::new(message).with_help(help))
}

/// What the loop has come to.
pub(super) fn driven<T>(driven: std::io::Result<Result<T, String>>) -> Result<T, Trouble> {
    let driven = driven.map_err(|error| Trouble::new(format!("cannot start: {}", super::reason(&error))))?;
    driven.map_err(Trouble::new)
}

pub(super) fn text(file: &File) -> Text {
    Text { name: file.name.clone(), text: file.text.to_string() }
}

fn head(ready: &Ready, on_failure: OnFailure, title: Option<&str>) -> Head {
    let name = |id: NameId| ready.program.names.get(id.0 as usize).map(|name| name.text.clone()).unwrap_or_default();
    Head {
        run: ready.id.clone(),
        semantics: SEMANTICS,
        version: SmolStr::new_static(env!("CARGO_PKG_VERSION")),
        book: match &ready.program.book {
            Some(book) => book.title.to_string(),
            None => title.unwrap_or(CONSOLE).to_owned(),
        },
        started: ready.started,
        on_failure,
        params: ready.params.iter().map(|(id, value)| (name(*id), value.clone())).collect(),
        texts: match ready.program.console {
            Some(_) => vec![Text { name: journal::CONSOLE.to_owned(), text: String::new() }],
            None => ready.sources.iter().map(|(_, file)| text(file)).collect(),
        },
        reads: ready.program.reads.clone(),
        place: place::here(),
    }
}
