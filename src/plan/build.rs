//! The tree, statement by statement; loops over known lists and actions are opened up.
use crate::check::program::{
    ActionCall, Arg, Block, Body, Class, CodePart, Effect, Expr, ExprKind, NameId, Program, Step, Stmt, StmtKind,
    Undo as Undone,
};
use crate::check::walk::{self, Doing};
use crate::check::{budget, constant};
use crate::source::Sources;
use crate::value::{Nanos, Value, show};

use super::shown::Shown;
use super::{Kind, Node, Remark, Undo, UndoKind};

/// More elements than this are shown once for all.
const ELEMENTS: usize = 20;

pub struct Build<'a> {
    program: &'a Program,
    sources: &'a Sources,
    known: Vec<(NameId, Value)>,
    /// The step around has a goal: after a crash it decides.
    goal: bool,
    pub trusted: Vec<Remark>,
    pub inexact: Vec<Remark>,
}

impl<'a> Build<'a> {
    pub fn new(program: &'a Program, sources: &'a Sources, known: Vec<(NameId, Value)>) -> Build<'a> {
        Build { program, sources, known, goal: false, trusted: Vec::new(), inexact: Vec::new() }
    }

    fn shown(&self) -> Shown<'_> {
        Shown { sources: self.sources, known: &self.known }
    }

    pub fn name(&self, name: NameId) -> String {
        self.program.names.get(name.0 as usize).map_or_else(String::new, |n| n.text.to_string())
    }

    pub fn label(&self, expr: &Expr) -> String {
        self.shown().label(expr)
    }

    pub fn duration(&self, expr: &Expr) -> Option<Nanos> {
        match constant::value(expr, &self.known).ok()?.expose().0 {
            Value::Duration(d) => Some(*d),
            _ => None,
        }
    }

    pub fn block(&mut self, block: &'a Block, path: &str) -> Vec<Node> {
        let before = self.known.len();
        let mut nodes = Vec::new();
        for stmt in &block.stmts {
            let here = join(path, stmt.pos);
            self.stmt(stmt, &here, &mut nodes);
            if let StmtKind::Let { name, value, .. } = &stmt.kind
                && let Ok(value) = constant::value(value, &self.known)
            {
                self.known.push((*name, value));
            }
        }
        self.known.truncate(before);
        nodes
    }

    fn node(&mut self, kind: Kind, path: &str, text: String) -> Node {
        Node {
            path: path.to_owned(),
            kind,
            text,
            effect: Effect::Pure,
            readonly: false,
            when: None,
            timeout: None,
            retry: None,
            worst: None,
            undo: None,
            children: Vec::new(),
        }
    }

    fn stmt(&mut self, stmt: &'a Stmt, path: &str, out: &mut Vec<Node>) {
        let head = self.shown().head(stmt);
        let mut node = match &stmt.kind {
            StmtKind::Step(step) => {
                let node = self.step(step, path);
                out.push(node);
                return;
            }
            StmtKind::Guards(guards) => {
                for guard in guards {
                    let text = format!("\"{}\": {}", self.label(&guard.label), self.shown().value(&guard.cond));
                    let mut node = self.node(Kind::Guard, path, text);
                    self.calls(&guard.cond, path, &mut node);
                    out.push(node);
                }
                return;
            }
            StmtKind::Eval(Expr { kind: ExprKind::Action(call), .. })
            | StmtKind::Show(Expr { kind: ExprKind::Action(call), .. })
            | StmtKind::Let { value: Expr { kind: ExprKind::Action(call), .. }, fallback: None, .. } => {
                // What its arguments call comes first.
                let mut before = self.node(Kind::Action, path, String::new());
                for (_, arg) in &call.args {
                    self.calls(arg, path, &mut before);
                }
                let mut node = self.action(call, path, head);
                node.effect = node.effect.max(before.effect);
                node.children.splice(0..0, before.children);
                out.push(node);
                return;
            }
            StmtKind::Let { name, value, .. } => {
                let text = format!("{} = {}", self.name(*name), self.shown().value(value));
                self.node(Kind::Let, path, text)
            }
            StmtKind::Eval(value) | StmtKind::Show(value) => {
                let text = self.shown().value(value);
                self.node(Kind::Do, path, text)
            }
            StmtKind::Warn(guard) => {
                let text = format!("\"{}\": {}", self.label(&guard.label), self.shown().value(&guard.cond));
                self.node(Kind::Warn, path, text)
            }
            StmtKind::Confirm { question, within } => {
                let text = self.label(&question.text);
                let mut node = self.node(Kind::Confirm, path, text);
                node.timeout = within.as_ref().and_then(|w| self.duration(w));
                node
            }
            StmtKind::Ask { question, .. } | StmtKind::ChooseFrom { question, .. } => {
                let text = self.label(&question.text);
                self.node(Kind::Ask, path, text)
            }
            StmtKind::Choose { question, options } => {
                let text = self.label(&question.text);
                let mut node = self.node(Kind::Choose, path, text);
                for (i, option) in options.iter().enumerate() {
                    let label = self.label(&option.label);
                    let inner = format!("{path}.{i}");
                    let mut one = self.node(Kind::Choice, &inner, label);
                    one.children = self.block(&option.body, &inner);
                    node.children.push(one);
                }
                node
            }
            StmtKind::If { then, otherwise, .. } => {
                let mut node = self.node(Kind::If, path, strip(&head, "if"));
                node.children = self.block(then, path);
                if let Some(block) = otherwise {
                    let inner = format!("{path}.1");
                    let mut other = self.node(Kind::Else, &inner, String::new());
                    other.children = self.block(block, &inner);
                    node.children.push(other);
                }
                node
            }
            StmtKind::For { name, list, parallel, body } => {
                self.repeat(*name, list, parallel.as_deref(), body, path, &head)
            }
            StmtKind::Try { body, otherwise, .. } => {
                let mut node = self.node(Kind::Try, path, String::new());
                node.children = self.block(body, path);
                let inner = format!("{path}.1");
                let mut other = self.node(Kind::Else, &inner, "if that fails, after it is undone".to_owned());
                other.children = self.block(otherwise, &inner);
                node.children.push(other);
                node
            }
            StmtKind::DoneWhen(goal) => {
                let text = self.shown().value(goal);
                self.node(Kind::DoneWhen, path, text)
            }
            StmtKind::Finally(body) => {
                // Called again after a crash: nothing has to be proved.
                let around = std::mem::replace(&mut self.goal, true);
                let mut node = self.node(Kind::Finally, path, String::new());
                node.children = self.block(body, path);
                self.goal = around;
                node
            }
            kind => {
                let (what, word) = plain(kind);
                let mut node = self.node(what, path, strip(&head, word));
                let timeout = match kind {
                    StmtKind::Wait(time) => self.duration(time),
                    StmtKind::WaitUntil { limit: time, .. } | StmtKind::Watch { window: time, .. } => {
                        self.duration(time)
                    }
                    _ => None,
                };
                node.timeout = timeout;
                for inner in walk::blocks(kind) {
                    node.children.extend(self.block(inner, path));
                }
                node
            }
        };
        // What a statement's own expressions call comes before its blocks.
        let blocks = std::mem::take(&mut node.children);
        let mut all = Vec::new();
        walk::expressions(&stmt.kind, &mut |e| all.push(e));
        for expr in all {
            self.calls(expr, path, &mut node);
        }
        node.children.extend(blocks);
        node.effect = node.children.iter().map(|c| c.effect).fold(node.effect, Effect::max);
        out.push(node);
    }

    fn step(&mut self, step: &'a Step, path: &str) -> Node {
        let mut node = self.node(Kind::Step, path, self.label(&step.name));
        let header = self.program.book.as_ref().and_then(|b| b.header.timeout.as_ref());
        node.readonly = step.readonly;
        node.when = step.when.as_ref().map(|w| self.shown().value(w));
        node.timeout = step.timeout.as_deref().or(header).and_then(|t| self.duration(t));
        node.retry = step.retry.as_ref().map(|r| {
            let mut text = self.label(&r.times);
            if let Some(every) = &r.every {
                text = format!("{text} every {}", self.label(every));
            }
            match &r.backoff_to {
                Some(most) => format!("{text} backoff to {}", self.label(most)),
                None => text,
            }
        });
        let worst = budget::of_step(self.program, &self.known, step).total;
        node.worst = Some(worst).filter(|w| w.0 > 0 && Some(*w) != node.timeout);
        self.body(&step.body, path, &mut node);
        node
    }

    fn body(&mut self, body: &'a Body, path: &str, node: &mut Node) {
        let goal = body.block.stmts.iter().any(|s| matches!(s.kind, StmtKind::DoneWhen(_)));
        let around = std::mem::replace(&mut self.goal, goal);
        node.children.extend(self.block(&body.block, path));
        self.goal = around;
        node.undo = self.undo(&body.undo);
        node.effect = node.children.iter().map(|c| c.effect).fold(node.effect, Effect::max);
    }

    fn undo(&self, undo: &Undone) -> Option<Undo> {
        let (kind, text, timeout) = match undo {
            Undone::Nothing => return None,
            Undone::Rollback { block, timeout, .. } => {
                let lines: Vec<String> = block.stmts.iter().map(|s| self.line(s)).collect();
                (UndoKind::Rollback, lines.join("; "), timeout.as_ref().and_then(|t| self.duration(t)))
            }
            Undone::None { why, .. } => (UndoKind::None, self.label(why), None),
            Undone::Manual { what, .. } => (UndoKind::Manual, self.label(what), None),
            Undone::Irreversible { why, .. } => (UndoKind::Irreversible, self.label(why), None),
        };
        Some(Undo { kind, text, timeout })
    }

    /// A statement of a rollback, in one line.
    fn line(&self, stmt: &Stmt) -> String {
        match &stmt.kind {
            StmtKind::Eval(value) => self.shown().value(value),
            kind if walk::blocks(kind).next().is_none() => self.shown().head(stmt),
            _ => format!("{} {{ … }}", self.shown().head(stmt)),
        }
    }

    fn action(&mut self, call: &'a ActionCall, path: &str, text: String) -> Node {
        let mut node = self.node(Kind::Action, path, text);
        let Some(action) = self.program.actions.get(call.action.0 as usize) else { return node };
        let arguments: Vec<(NameId, Value)> =
            call.args.iter().filter_map(|(n, e)| Some((*n, constant::value(e, &self.known).ok()?))).collect();
        let before = self.known.len();
        self.known.extend(arguments);
        node.timeout = action.timeout.as_ref().and_then(|t| self.duration(t));
        self.body(&action.body, path, &mut node);
        self.known.truncate(before);
        node.effect = node.effect.max(action.effect);
        node
    }

    fn repeat(
        &mut self,
        name: NameId,
        list: &Expr,
        parallel: Option<&Expr>,
        body: &'a Block,
        path: &str,
        head: &str,
    ) -> Node {
        let items = match constant::value(list, &self.known) {
            Ok(value) => match value.expose().0 {
                Value::List(items) => Some(items.clone()),
                _ => None,
            },
            Err(_) => None,
        };
        let at_once = parallel.and_then(|n| constant::value(n, &self.known).ok());
        let count = match &items {
            Some(items) => format!("{} elements", items.len()),
            None => "as many as the run finds".to_owned(),
        };
        let order = match (parallel, at_once) {
            (None, _) => "one after the other".to_owned(),
            (Some(_), Some(Value::Int(1))) => "one at a time".to_owned(),
            (Some(_), Some(n)) => format!("at most {} at once", show::show(&n)),
            (Some(_), None) => "several at once".to_owned(),
        };
        let mut node = self.node(Kind::For, path, format!("{} ({count}, {order})", strip(head, "for")));
        match items.filter(|i| i.len() <= ELEMENTS) {
            Some(items) => {
                for (i, item) in items.iter().enumerate() {
                    let inner = format!("{path}[{i}]");
                    let text = format!("{} = {}", self.name(name), show::brief(&show::show(item)));
                    let mut one = self.node(Kind::Element, &inner, text);
                    self.known.push((name, item.clone()));
                    one.children = self.block(body, &inner);
                    self.known.pop();
                    one.effect = one.children.iter().map(|c| c.effect).fold(Effect::Pure, Effect::max);
                    node.children.push(one);
                }
            }
            None => {
                let inner = format!("{path}[*]");
                let mut one = self.node(Kind::Element, &inner, format!("each {}", self.name(name)));
                one.children = self.block(body, &inner);
                one.effect = one.children.iter().map(|c| c.effect).fold(Effect::Pure, Effect::max);
                node.children.push(one);
            }
        }
        node
    }

    /// What the calls of an expression add to the statement they stand in.
    fn calls(&mut self, expr: &'a Expr, path: &str, node: &mut Node) {
        let mut all = Vec::new();
        walk::doings(expr, &mut |doing, span| all.push((doing, span)));
        for (doing, span) in all {
            node.effect = node.effect.max(doing.effect(self.program));
            match doing {
                Doing::Command(command) if command.class == Class::Unknown && command.effect == Effect::Read => {
                    let text = self.shown().command(command);
                    self.trusted.push(Remark { path: path.to_owned(), text });
                }
                Doing::Call(call) if call.action == "postgres.exec" && !self.goal => {
                    let text = call.args.iter().find_map(|(_, arg)| match arg {
                        Arg::Code(parts) => Some(parts),
                        Arg::Value(_) => None,
                    });
                    if text.is_some_and(|parts| outside_transaction(parts)) {
                        let text = self.shown().written(span);
                        self.inexact.push(Remark { path: path.to_owned(), text });
                    }
                }
                Doing::Action(call) => {
                    let text = self.shown().written(span);
                    let inner = self.action(call, &called(path, call), text);
                    node.children.push(inner);
                }
                Doing::Command(_) | Doing::Call(_) => {}
            }
        }
    }
}

/// What Postgres runs outside a transaction only.
fn outside_transaction(parts: &[CodePart]) -> bool {
    let text: String = parts
        .iter()
        .map(|p| match p {
            CodePart::Text { text, .. } => text.to_uppercase(),
            CodePart::Value { .. } => " ".to_owned(),
        })
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["CREATE" | "DROP", "DATABASE" | "TABLESPACE" | "SUBSCRIPTION", ..]
        | ["VACUUM", ..]
        | ["ALTER", "SYSTEM", ..] => true,
        ["CREATE" | "DROP" | "REINDEX" | "REFRESH", ..] => words.contains(&"CONCURRENTLY"),
        _ => false,
    }
}

fn plain(kind: &StmtKind) -> (Kind, &'static str) {
    match kind {
        StmtKind::DoneWhen(_) => (Kind::DoneWhen, "done when"),
        StmtKind::Invariant { .. } => (Kind::Invariant, "invariant"),
        StmtKind::Wait(_) => (Kind::Wait, "wait"),
        StmtKind::WaitUntil { .. } => (Kind::WaitUntil, "wait"),
        StmtKind::Watch { .. } => (Kind::Watch, "watch"),
        StmtKind::Parallel(_) => (Kind::Parallel, "parallel"),
        StmtKind::Transaction { .. } => (Kind::Transaction, "transaction"),
        StmtKind::With { .. } => (Kind::With, "with"),
        StmtKind::Commit(_) => (Kind::Commit, "commit"),
        StmtKind::Finally(_) => (Kind::Finally, "finally"),
        StmtKind::Fail(_) => (Kind::Fail, "fail"),
        StmtKind::Log(_) => (Kind::Log, "log"),
        StmtKind::Note { .. } => (Kind::Note, "note"),
        StmtKind::Return(_) => (Kind::Return, "return"),
        StmtKind::Step(_) => (Kind::Step, "step"),
        StmtKind::Let { .. } => (Kind::Let, "let"),
        StmtKind::Ask { .. } | StmtKind::ChooseFrom { .. } => (Kind::Ask, "let"),
        StmtKind::Guards(_) => (Kind::Guard, "guard"),
        StmtKind::Warn(_) => (Kind::Warn, "warn"),
        StmtKind::If { .. } => (Kind::If, "if"),
        StmtKind::For { .. } => (Kind::For, "for"),
        StmtKind::Confirm { .. } => (Kind::Confirm, "confirm"),
        StmtKind::Choose { .. } => (Kind::Choose, "choose"),
        StmtKind::Try { .. } => (Kind::Try, "try"),
        StmtKind::Eval(_) | StmtKind::Show(_) => (Kind::Do, ""),
    }
}

fn strip(head: &str, word: &str) -> String {
    head.strip_prefix(word).unwrap_or(head).trim().trim_end_matches('{').trim().to_owned()
}

/// The path of an action that is called in a statement.
pub fn called(path: &str, call: &ActionCall) -> String {
    call.branch.map_or_else(|| path.to_owned(), |branch| format!("{path}.{branch}"))
}

pub fn join(path: &str, pos: u32) -> String {
    if path.is_empty() { pos.to_string() } else { format!("{path}/{pos}") }
}
