//! What a person would be asked (K1): every question that the parameters and the answers given so far can reach.
use crate::check::constant;
use crate::check::program::{ActionCall, Block, Body, Expr, NameId, Program, Stmt, StmtKind, Undo};
use crate::check::walk::{self, Doing};
use crate::source::Sources;
use crate::value::{SmolStr, Type, Value, format_smolstr, read};

use super::build::{called, join};
use super::shown::Shown;

/// A question, before it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// As the run will ask it; `[*]` where only the run knows the element.
    pub path: String,
    /// As written, `#{…}` included.
    pub source: String,
    /// With the values that are known.
    pub text: String,
    pub kind: AskedKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AskedKind {
    Confirm,
    /// By the step's name, before its first write.
    Irreversible,
    /// A value of this type.
    Text(Type),
    /// One of these; empty when only the run knows them.
    Choose(Vec<String>),
}

/// Every question that can be reached and that `answer` (its text, without a pin) has nothing for.
#[must_use]
pub fn questions(
    program: &Program,
    sources: &Sources,
    params: &[(NameId, Value)],
    answer: &dyn Fn(&Asked) -> Option<String>,
) -> Vec<Asked> {
    let Some(book) = &program.book else { return Vec::new() };
    let mut search = Search {
        program,
        sources,
        known: super::known(program, params),
        answer,
        open: Vec::new(),
        name: String::new(),
    };
    search.block(&book.body, "");
    search.open
}

/// The label of every question that stands in the program, reached or not.
#[must_use]
pub fn labels(program: &Program) -> Vec<SmolStr> {
    let mut found = Vec::new();
    if let Some(book) = &program.book {
        let handlers = [&book.on_success, &book.on_failure].into_iter().flatten();
        std::iter::once(&book.body).chain(handlers).for_each(|block| labels_in(block, &mut found));
    }
    for action in &program.actions {
        labels_of(&action.body, &action.name, &mut found);
        labels_in(&action.body.block, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// What the label of the question begins with that asks what became of a call.
pub const IN_DOUBT: &str = "in doubt: ";

/// The label of every question that no file asks, and a run that goes on may: what became of a call in doubt, and whether
/// a step is still as the run left it.
#[must_use]
pub fn unwritten(program: &Program) -> Vec<SmolStr> {
    let mut names: Vec<SmolStr> = program.actions.iter().map(|action| action.name.clone()).collect();
    let mut steps = |block: &Block| {
        walk::statements(block, &mut |stmt| {
            if let StmtKind::Step(step) = &stmt.kind {
                names.push(step.source.clone());
            }
        });
    };
    program.book.iter().for_each(|book| steps(&book.body));
    program.actions.iter().for_each(|action| steps(&action.body.block));
    names.sort();
    names.dedup();
    names.iter().flat_map(|name| [format_smolstr!("{IN_DOUBT}{name}"), format_smolstr!("undo: {name}")]).collect()
}

fn labels_in(block: &Block, found: &mut Vec<SmolStr>) {
    walk::statements(block, &mut |stmt| match &stmt.kind {
        StmtKind::Step(step) => labels_of(&step.body, &step.source, found),
        StmtKind::Confirm { question, .. }
        | StmtKind::Ask { question, .. }
        | StmtKind::ChooseFrom { question, .. }
        | StmtKind::Choose { question, .. } => found.push(question.source.clone()),
        _ => {}
    });
}

/// What is asked by name, and in a rollback.
fn labels_of(body: &Body, name: &str, found: &mut Vec<SmolStr>) {
    match &body.undo {
        Undo::Irreversible { .. } => found.push(SmolStr::new(name)),
        Undo::Rollback { block, .. } => labels_in(block, found),
        Undo::Nothing | Undo::None { .. } | Undo::Manual { .. } => {}
    }
}

struct Search<'a> {
    program: &'a Program,
    sources: &'a Sources,
    known: Vec<(NameId, Value)>,
    answer: &'a dyn Fn(&Asked) -> Option<String>,
    open: Vec<Asked>,
    /// The action or step around, for what is asked by name.
    name: String,
}

impl<'a> Search<'a> {
    fn label(&self, expr: &Expr) -> String {
        Shown { sources: self.sources, known: &self.known }.label(expr)
    }

    /// Its answer; without one it stays open.
    fn put(&mut self, path: &str, source: &str, text: String, kind: AskedKind) -> Option<String> {
        let asked = Asked { path: path.to_owned(), source: source.to_owned(), text, kind };
        let answer = (self.answer)(&asked);
        if answer.is_none() && !self.open.contains(&asked) {
            self.open.push(asked);
        }
        answer
    }

    fn truth(&self, cond: &Expr) -> Option<bool> {
        match constant::value(cond, &self.known) {
            Ok(Value::Bool(b)) => Some(b),
            _ => None,
        }
    }

    fn block(&mut self, block: &'a Block, path: &str) {
        let before = self.known.len();
        for stmt in &block.stmts {
            let here = join(path, stmt.pos);
            self.stmt(stmt, &here);
        }
        self.known.truncate(before);
    }

    fn stmt(&mut self, stmt: &'a Stmt, path: &str) {
        match &stmt.kind {
            StmtKind::Step(step) => {
                if step.when.as_ref().and_then(|w| self.truth(w)) == Some(false) {
                    return;
                }
                let name = self.label(&step.name);
                self.body(&step.body, path, &step.source, name);
                return;
            }
            StmtKind::Confirm { question, .. } => {
                let text = self.label(&question.text);
                self.put(path, &question.source, text, AskedKind::Confirm);
            }
            StmtKind::Ask { name, question, ty } => {
                let text = self.label(&question.text);
                let kind = AskedKind::Text(ty.clone());
                if let Some(answer) = self.put(path, &question.source, text, kind) {
                    self.known.extend(read::read(ty, &answer).ok().map(|v| (*name, v)));
                }
            }
            StmtKind::ChooseFrom { name, question, from } => {
                let text = self.label(&question.text);
                let list = match constant::value(from, &self.known) {
                    Ok(Value::List(items)) => items.iter().map(crate::value::show::show).collect(),
                    _ => Vec::new(),
                };
                if let Some(answer) = self.put(path, &question.source, text, AskedKind::Choose(list))
                    && from.ty == Type::List(Box::new(Type::Str))
                {
                    self.known.push((*name, Value::str(answer)));
                }
            }
            StmtKind::Choose { question, options } => {
                let text = self.label(&question.text);
                let labels: Vec<String> = options.iter().map(|o| self.label(&o.label)).collect();
                let answer = self.put(path, &question.source, text, AskedKind::Choose(labels.clone()));
                for (i, (option, label)) in options.iter().zip(&labels).enumerate() {
                    let taken =
                        answer.as_ref().is_none_or(|a| a == label || *a == option.source || *a == (i + 1).to_string());
                    if taken {
                        self.block(&option.body, &format!("{path}.{i}"));
                    }
                }
                return;
            }
            StmtKind::If { cond, then, otherwise } => {
                let truth = self.truth(cond);
                self.calls(stmt, path);
                if truth != Some(false) {
                    self.block(then, path);
                }
                if let (Some(block), true) = (otherwise, truth != Some(true)) {
                    self.block(block, &format!("{path}.1"));
                }
                return;
            }
            StmtKind::For { name, list, body, .. } => {
                match constant::value(list, &self.known).map(|v| v.expose().0.clone()) {
                    Ok(Value::List(items)) => {
                        for (i, item) in items.iter().enumerate() {
                            self.known.push((*name, item.clone()));
                            self.block(body, &format!("{path}[{i}]"));
                            self.known.pop();
                        }
                    }
                    _ => self.block(body, &format!("{path}[*]")),
                }
                return;
            }
            StmtKind::Try { body, otherwise, .. } => {
                self.block(body, path);
                self.block(otherwise, &format!("{path}.1"));
                return;
            }
            StmtKind::Let { name, value, .. } => {
                if let Ok(value) = constant::value(value, &self.known) {
                    self.known.push((*name, value));
                }
            }
            _ => {}
        }
        self.calls(stmt, path);
        for inner in walk::blocks(&stmt.kind) {
            self.block(inner, path);
        }
    }

    fn body(&mut self, body: &'a Body, path: &str, source: &str, name: String) {
        let around = std::mem::replace(&mut self.name, name);
        if matches!(body.undo, Undo::Irreversible { .. }) {
            let text = self.name.clone();
            self.put(path, source, text, AskedKind::Irreversible);
        }
        self.block(&body.block, path);
        // A rollback may ask: its answer must be there before the start (B4).
        if let Undo::Rollback { block, .. } = &body.undo {
            self.block(block, &format!("{path}.1"));
        }
        self.name = around;
    }

    fn calls(&mut self, stmt: &'a Stmt, path: &str) {
        let mut found: Vec<&'a ActionCall> = Vec::new();
        walk::expressions(&stmt.kind, &mut |e| {
            walk::doings(e, &mut |doing, _| {
                if let Doing::Action(call) = doing {
                    found.push(call);
                }
            });
        });
        for call in found {
            let Some(action) = self.program.actions.get(call.action.0 as usize) else { continue };
            let arguments: Vec<(NameId, Value)> =
                call.args.iter().filter_map(|(n, e)| Some((*n, constant::value(e, &self.known).ok()?))).collect();
            let before = self.known.len();
            self.known.extend(arguments);
            let inner = called(path, call);
            self.body(&action.body, &inner, &action.name, action.name.to_string());
            self.known.truncate(before);
        }
    }
}
