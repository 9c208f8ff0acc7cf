//! The way forward: every timeout, wait, window and `confirm … within`, once for each attempt.
use crate::check::program::{
    Arg, Block, Body, Call, ContextUse, Expr, ExprKind, Global, NameId, Program, Step, Stmt, StmtKind, Undo,
};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};
use crate::value::{Nanos, Value, show};

use super::{Sum, Walk};

impl Walk<'_> {
    pub(super) fn block(&mut self, block: &Block) -> Sum {
        let mut sum = Sum::default();
        let mut bound = 0;
        for stmt in &block.stmts {
            sum = sum.then(self.stmt(stmt));
            if let StmtKind::Let { name, value, .. } = &stmt.kind
                && let Some(value) = self.value(value)
            {
                self.known.push((*name, value));
                bound += 1;
            }
        }
        self.known.truncate(self.known.len() - bound);
        sum
    }

    fn stmt(&mut self, stmt: &Stmt) -> Sum {
        if self.too_much() {
            return Sum::unbounded(stmt.span, "there is too much to add it all up");
        }
        match &stmt.kind {
            StmtKind::Step(step) => self.step(step),
            StmtKind::Wait(time) => self.limit(time, "this wait"),
            StmtKind::WaitUntil { limit, .. } => self.limit(limit, "this wait"),
            StmtKind::Watch { window, .. } => self.limit(window, "this watch"),
            StmtKind::Confirm { within: Some(within), .. } => self.limit(within, "the time to answer"),
            StmtKind::If { cond, then, otherwise } => {
                let sum = self.calls(cond);
                match self.truth(cond) {
                    Some(true) => sum.then(self.block(then)),
                    Some(false) => sum.then(otherwise.as_ref().map_or_else(Sum::default, |b| self.block(b))),
                    None => {
                        let then = self.block(then);
                        sum.then(then.or(otherwise.as_ref().map_or_else(Sum::default, |b| self.block(b))))
                    }
                }
            }
            StmtKind::Choose { question, options } => {
                let asked = self.unlimited(stmt.span, || question.source.clone());
                options.iter().fold(asked, |longest, o| longest.or(self.block(&o.body)))
            }
            StmtKind::For { name, list, parallel, body } => self.repeat(*name, list, parallel.as_deref(), body),
            StmtKind::Parallel(body) => body.stmts.iter().fold(Sum::default(), |longest, s| longest.or(self.stmt(s))),
            StmtKind::Transaction { body, .. } => self.block(body),
            StmtKind::With { contexts, body } => self.starts(contexts).then(self.block(body)),
            StmtKind::Try { body, otherwise, .. } => {
                let undo = self.back(body).peak;
                self.block(body).then(undo).then(self.block(otherwise))
            }
            // Runs after the way forward, in the budget of the way back.
            StmtKind::Finally(_) => Sum::default(),
            StmtKind::Guards(guards) => guards.iter().fold(Sum::default(), |sum, g| sum.then(self.calls(&g.cond))),
            StmtKind::Ask { question, .. }
            | StmtKind::ChooseFrom { question, .. }
            | StmtKind::Confirm { question, within: None } => self.unlimited(stmt.span, || question.source.clone()),
            StmtKind::Let { .. }
            | StmtKind::DoneWhen(_)
            | StmtKind::Warn(_)
            | StmtKind::Commit(_)
            | StmtKind::Fail(_)
            | StmtKind::Log(_)
            | StmtKind::Note { .. }
            | StmtKind::Return(_)
            | StmtKind::Eval(_)
            | StmtKind::Show(_) => {
                let mut all = Vec::new();
                walk::expressions(&stmt.kind, &mut |e| all.push(e));
                all.into_iter().fold(Sum::default(), |sum, e| sum.then(self.calls(e)))
            }
            // Watched beside what runs.
            StmtKind::Invariant { .. } => Sum::default(),
        }
    }

    /// What the processes beside a block may take to be ready.
    pub(super) fn starts(&self, contexts: &[ContextUse]) -> Sum {
        let within = contexts.iter().filter_map(|c| match c {
            ContextUse::Running(running) => running.within.as_ref(),
            _ => None,
        });
        within.fold(Sum::default(), |sum, within| sum.then(self.limit(within, "the time to be ready")))
    }

    fn limit(&self, time: &Expr, what: &str) -> Sum {
        match self.duration(time) {
            Some(time_) => Sum::one(time.span, what, time_),
            None => Sum::unbounded(time.span, format!("how long {what} is, is known only in the run")),
        }
    }

    pub(super) fn step(&mut self, step: &Step) -> Sum {
        if step.when.as_ref().and_then(|w| self.truth(w)) == Some(false) {
            return Sum::default();
        }
        let attempt = self.attempt(step);
        let Some(retry) = &step.retry else { return attempt };
        let Some(times) = self.int(&retry.times) else {
            return attempt.then(Sum::unbounded(retry.times.span, "how often it is retried is known only in the run"));
        };
        let undo = self.back_of_step(step).peak;
        let delay = self.delays(retry, times);
        attempt.times(times.saturating_add(1)).then(undo.times(times)).then(delay)
    }

    /// One attempt: the step's own limit and the time people take, or what is inside.
    fn attempt(&mut self, step: &Step) -> Sum {
        let name = || self.names.then(|| (step.head, step.source.clone()));
        let (around, asking) = (name(), name());
        let inside = self.open(around, |w| w.block(&step.body.block).then(w.point_of_no_return(&step.body)));
        let header = self.program.book.as_ref().and_then(|b| b.header.timeout.as_ref());
        let Some(timeout) = step.timeout.as_deref().or(header) else { return inside };
        let Some(limit) = self.duration(timeout) else {
            return inside.then(Sum::unbounded(timeout.span, "a timeout that is known only in the run"));
        };
        let own = if step.timeout.is_some() { timeout.span } else { step.head };
        let asks = self.open(asking, |w| w.asked(&step.body));
        Sum::one(own, format!("step \"{}\"", step.source), limit).then(self.people(&step.body.block)).then(asks)
    }

    /// A step's clock stands still while a person is asked; the deadline's does not.
    fn people(&self, block: &Block) -> Sum {
        let mut sum = Sum::default();
        walk::statements(block, &mut |stmt| {
            if let StmtKind::Confirm { within: Some(within), .. } = &stmt.kind {
                sum = std::mem::take(&mut sum).then(self.limit(within, "the time to answer"));
            }
        });
        sum
    }

    /// It is asked for.
    fn point_of_no_return(&self, body: &Body) -> Sum {
        match &body.undo {
            Undo::Irreversible { span, .. } => self.unlimited(*span, || "irreversible"),
            Undo::Nothing | Undo::None { .. } | Undo::Manual { .. } | Undo::Rollback { .. } => Sum::default(),
        }
    }

    /// Questions of a step that a person has all the time for.
    fn asked(&self, body: &Body) -> Sum {
        let mut sum = self.point_of_no_return(body);
        walk::statements(&body.block, &mut |stmt| {
            if let StmtKind::Ask { question, .. }
            | StmtKind::ChooseFrom { question, .. }
            | StmtKind::Choose { question, .. }
            | StmtKind::Confirm { question, within: None } = &stmt.kind
            {
                sum = std::mem::take(&mut sum).then(self.unlimited(stmt.span, || question.source.clone()));
            }
        });
        sum
    }

    fn delays(&self, retry: &crate::check::program::Retry, times: i64) -> Sum {
        let Some(every) = &retry.every else { return Sum::default() };
        let Some(first) = self.duration(every) else {
            return Sum::unbounded(every.span, "a delay that is known only in the run");
        };
        let longest = retry.backoff_to.as_ref().and_then(|d| self.duration(d));
        let mut total = 0i64;
        let mut delay = first.0;
        for _ in 0..times.clamp(0, 10_000) {
            total = total.saturating_add(delay);
            if let Some(longest) = longest {
                delay = delay.saturating_mul(2).min(longest.0.max(first.0));
            }
        }
        Sum::one(every.span, "the delays between attempts", Nanos(total))
    }

    fn repeat(&mut self, name: NameId, list: &Expr, parallel: Option<&Expr>, body: &Block) -> Sum {
        let Some(items) = self.list(list) else {
            let once = self.block(body);
            return if once.is_nothing() {
                once
            } else {
                once.then(Sum::unbounded(
                    list.span,
                    "how many elements this list has is known only in the run; one is counted",
                ))
            };
        };
        let each: Vec<Sum> =
            items.iter().map(|item| self.with(vec![(name, item.clone())], |w| w.block(body))).collect();
        let at_once = match parallel {
            None => 1,
            Some(n) => self.int(n).unwrap_or(1).max(1),
        };
        rounds(each, at_once)
    }

    /// The calls of an expression that have a limit of their own.
    fn calls(&mut self, expr: &Expr) -> Sum {
        let mut all = Vec::new();
        walk::doings(expr, &mut |doing, span| all.push((doing, span)));
        let mut sum = Sum::default();
        for (doing, span) in all {
            let one = match doing {
                Doing::Command(_) => self.unlimited(span, || doing.name(self.program)),
                // The journal is this process's own.
                Doing::Call(call) if call.action.starts_with("runs.") => continue,
                Doing::Call(call) => match self.call_limit(call) {
                    Some(time) => Sum::one(span, format!("`{}`", call.source), time),
                    None => self.unlimited(span, || doing.name(self.program)),
                },
                Doing::Action(call) => {
                    let Some(action) = self.program.actions.get(call.action.0 as usize) else { continue };
                    let names = self.arguments(call);
                    let text = format!("`{}`", action.name);
                    self.with(names, |w| match action.timeout.as_ref().and_then(|t| w.duration(t)) {
                        Some(limit) => Sum::one(span, text, limit),
                        None => {
                            let open = w.open.clone().or_else(|| Some((span, action.name.clone())));
                            w.open(open, |w| w.block(&action.body.block))
                        }
                    })
                }
            };
            sum = sum.then(one);
        }
        sum
    }

    /// Its own `timeout:`, or its connection's.
    fn call_limit(&self, call: &Call) -> Option<Nanos> {
        let own = call.args.iter().find(|(name, _)| name == "timeout").and_then(|(_, arg)| match arg {
            Arg::Value(value) => self.duration(value),
            Arg::Code(_) => None,
        });
        own.or_else(|| {
            let made = match &call.on.as_ref()?.kind {
                ExprKind::Connection(made) => made,
                ExprKind::Name(name) => declared(self.program, *name)?,
                _ => return None,
            };
            made.args.iter().find(|(n, _)| n == "timeout").and_then(|(_, e)| self.duration(e))
        })
    }
}

fn declared(program: &Program, name: NameId) -> Option<&crate::check::program::ConnectionExpr> {
    program.globals.iter().find_map(|g| match g {
        Global::Connect { name: n, value } if *n == name => match &value.kind {
            ExprKind::Connection(made) => Some(&**made),
            _ => None,
        },
        _ => None,
    })
}

/// Elements one after the other, or in rounds of so many at once.
pub(super) fn rounds(each: Vec<Sum>, at_once: i64) -> Sum {
    if at_once <= 1 {
        return each.into_iter().fold(Sum::default(), Sum::then);
    }
    let len = i64::try_from(each.len()).unwrap_or(i64::MAX);
    let longest = each.into_iter().fold(Sum::default(), Sum::or);
    longest.times(len.saturating_add(at_once - 1) / at_once)
}

/// A wait or a window that is longer than the step it stands in can only fail.
pub(super) fn too_short(program: &Program, known: &[(NameId, Value)]) -> Vec<Diagnostic> {
    let walk_ = Walk::new(program, known);
    let mut found = Vec::new();
    let blocks = program.book.iter().map(|b| &b.body).chain(program.actions.iter().map(|a| &a.body.block));
    for block in blocks {
        walk::statements(block, &mut |stmt| {
            if let StmtKind::Step(step) = &stmt.kind
                && let Some(timeout) = &step.timeout
                && let Some(limit) = walk_.duration(timeout).filter(|limit| limit.0 > 0)
            {
                found.extend(step.body.block.stmts.iter().filter_map(|s| longer(&walk_, s, timeout, limit)));
            }
        });
    }
    found
}

fn longer(walk_: &Walk<'_>, stmt: &Stmt, timeout: &Expr, limit: Nanos) -> Option<Diagnostic> {
    let (time, what) = match &stmt.kind {
        StmtKind::Wait(time) => (time, "this wait"),
        StmtKind::Watch { window, .. } => (&**window, "this watch"),
        _ => return None,
    };
    let takes = walk_.duration(time)?;
    (takes > limit).then(|| {
        let message =
            format!("{what} takes {}, and its step ends after {}", show::duration(takes), show::duration(limit));
        Diagnostic::error(Code::BudgetExceeded, message, time.span, "longer than the step may take")
            .label(timeout.span, "the step's timeout")
            .help("raise the step's `timeout`, or move the wait out of the step")
    })
}
