//! Ways through a [`Program`]: the expressions of a statement, the blocks inside it, the calls inside an expression.
use crate::source::Span;

use super::program::{
    ActionCall, Arg, Block, Call, ChoiceOption, CodePart, Command, ContextUse, Effect, Expr, ExprKind, NameId, Program,
    Stmt, StmtKind, TextPart,
};

/// Something that reaches outside.
#[derive(Clone, Copy, Debug)]
pub enum Doing<'a> {
    Command(&'a Command),
    Call(&'a Call),
    Action(&'a ActionCall),
}

/// Every expression directly inside an expression.
pub fn parts<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    let mut code = |parts: &'a [CodePart]| {
        for part in parts {
            if let CodePart::Value { expr, .. } = part {
                each(expr);
            }
        }
    };
    match &expr.kind {
        ExprKind::Value(_) | ExprKind::Name(_) | ExprKind::Now => {}
        ExprKind::Text(parts) => {
            for part in parts {
                if let TextPart::Value(inner) = part {
                    each(inner);
                }
            }
        }
        ExprKind::List(items) => items.iter().for_each(each),
        ExprKind::Record(fields) => fields.iter().for_each(|(_, v)| each(v)),
        ExprKind::Field(inner, _) | ExprKind::Not(inner, _) | ExprKind::Neg(inner) | ExprKind::Judge(inner) => {
            each(inner)
        }
        ExprKind::Index(a, b) | ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Binary(_, a, b) => {
            each(a);
            each(b);
        }
        ExprKind::If(three) => {
            each(&three.0);
            each(&three.1);
            each(&three.2);
        }
        ExprKind::Method(on, _, args) => {
            each(on);
            args.iter().for_each(each);
        }
        ExprKind::Each(on, _, _, body) => {
            each(on);
            each(body);
        }
        ExprKind::Command(command) => code(&command.code),
        ExprKind::Call(call) => {
            if let Some(on) = &call.on {
                each(on);
            }
            for (_, arg) in &call.args {
                match arg {
                    Arg::Value(value) => each(value),
                    Arg::Code(parts) => {
                        for part in parts {
                            if let CodePart::Value { expr, .. } = part {
                                each(expr);
                            }
                        }
                    }
                }
            }
        }
        ExprKind::Action(call) => call.args.iter().for_each(|(_, v)| each(v)),
        ExprKind::Connection(made) => made.args.iter().for_each(|(_, v)| each(v)),
    }
}

/// The expression and everything in it, inner ones first.
pub fn deep<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    parts(expr, &mut |inner| deep(inner, each));
    each(expr);
}

/// Every call and command in an expression, in the order they happen.
pub fn doings<'a>(expr: &'a Expr, each: &mut dyn FnMut(Doing<'a>, Span)) {
    deep(expr, &mut |e| match &e.kind {
        ExprKind::Command(command) => each(Doing::Command(command), e.span),
        ExprKind::Call(call) => each(Doing::Call(call), e.span),
        ExprKind::Action(call) => each(Doing::Action(call), e.span),
        _ => {}
    });
}

impl Doing<'_> {
    #[must_use]
    pub fn effect(&self, program: &Program) -> Effect {
        match self {
            Doing::Command(command) => command.effect,
            Doing::Call(call) => call.effect,
            Doing::Action(call) => program.actions.get(call.action.0 as usize).map_or(Effect::Pure, |a| a.effect),
        }
    }

    /// As a person would name it.
    #[must_use]
    pub fn name(&self, program: &Program) -> String {
        match self {
            Doing::Command(command) => {
                let line = command.source.trim().lines().next().unwrap_or("").trim();
                let short: String = line.chars().take(60).collect();
                let dots = if short.len() < command.source.trim().len() { " …" } else { "" };
                format!("$ {short}{dots}")
            }
            Doing::Call(call) => format!("{}(…)", call.source),
            Doing::Action(call) => {
                program.actions.get(call.action.0 as usize).map_or_else(String::new, |a| format!("{}(…)", a.name))
            }
        }
    }
}

/// The expressions of a statement itself, in the order they are evaluated; not those of the blocks inside it.
/// Of a step: none, they belong to its head.
pub fn expressions<'a>(kind: &'a StmtKind, each: &mut dyn FnMut(&'a Expr)) {
    match kind {
        StmtKind::Step(_) | StmtKind::Parallel(_) | StmtKind::Try { .. } | StmtKind::Finally(_) => {}
        StmtKind::Let { value, fallback, .. } => {
            each(value);
            fallback.as_deref().into_iter().for_each(each);
        }
        StmtKind::Ask { question, .. } | StmtKind::Choose { question, .. } => each(&question.text),
        StmtKind::ChooseFrom { question, from, .. } => {
            each(&question.text);
            each(from);
        }
        StmtKind::Confirm { question, within } => {
            each(&question.text);
            within.as_deref().into_iter().for_each(each);
        }
        StmtKind::DoneWhen(e)
        | StmtKind::Wait(e)
        | StmtKind::Commit(e)
        | StmtKind::Fail(e)
        | StmtKind::Log(e)
        | StmtKind::Return(e)
        | StmtKind::Eval(e)
        | StmtKind::Show(e) => each(e),
        StmtKind::If { cond: e, .. } | StmtKind::Transaction { on: e, .. } => each(e),
        StmtKind::Guards(guards) => guards.iter().for_each(|g| {
            each(&g.label);
            each(&g.cond);
        }),
        StmtKind::Warn(guard) => {
            each(&guard.label);
            each(&guard.cond);
        }
        StmtKind::Invariant { label, every, cond, .. } => {
            each(label);
            each(every);
            each(cond);
        }
        StmtKind::WaitUntil { limit, every, until, unless } => {
            each(limit);
            every.as_deref().into_iter().for_each(&mut *each);
            each(until);
            unless.as_deref().into_iter().for_each(each);
        }
        StmtKind::Watch { label, window, every, .. } => {
            each(label);
            each(window);
            each(every);
        }
        StmtKind::For { list, parallel, .. } => {
            each(list);
            parallel.as_deref().into_iter().for_each(each);
        }
        StmtKind::With { contexts, .. } => contexts.iter().for_each(|c| context(c, each)),
        StmtKind::Note { key, value } => {
            each(key);
            each(value);
        }
    }
}

fn context<'a>(context: &'a ContextUse, each: &mut dyn FnMut(&'a Expr)) {
    match context {
        ContextUse::Dir(e)
        | ContextUse::Env(e)
        | ContextUse::Ssh(e)
        | ContextUse::Stdin(e)
        | ContextUse::Connection(e) => {
            each(e);
        }
        ContextUse::Sudo(user) => user.iter().for_each(each),
        ContextUse::User { args, .. } => args.iter().for_each(|(_, v)| each(v)),
        ContextUse::Running(running) => {
            each(&running.command);
            running.ready.iter().chain(&running.within).for_each(each);
        }
    }
}

/// The expressions in a step's head.
pub fn head<'a>(step: &'a super::program::Step, each: &mut dyn FnMut(&'a Expr)) {
    each(&step.name);
    step.when.as_deref().into_iter().for_each(&mut *each);
    step.timeout.as_deref().into_iter().for_each(&mut *each);
    if let Some(retry) = &step.retry {
        each(&retry.times);
        retry.every.iter().for_each(&mut *each);
        retry.backoff_to.iter().for_each(each);
    }
}

/// What a condition is for: where no write may stand.
pub fn conditions<'a>(kind: &'a StmtKind, each: &mut dyn FnMut(&'static str, &'a Expr)) {
    match kind {
        StmtKind::Step(step) => {
            if let Some(when) = &step.when {
                each("`when`", when);
            }
        }
        StmtKind::DoneWhen(e) => each("`done when`", e),
        StmtKind::Guards(guards) => guards.iter().for_each(|g| each("a guard", &g.cond)),
        StmtKind::Warn(guard) => each("a warning's condition", &guard.cond),
        StmtKind::Invariant { cond, .. } => each("an invariant", cond),
        StmtKind::WaitUntil { until, unless, .. } => {
            each("`until`", until);
            if let Some(unless) = unless {
                each("`unless`", unless);
            }
        }
        StmtKind::If { cond, .. } => each("`if`", cond),
        StmtKind::With { contexts, .. } => {
            for entered in contexts {
                if let ContextUse::Running(running) = entered {
                    running.ready.iter().for_each(|ready| each("`ready`", ready));
                }
            }
        }
        _ => {}
    }
}

/// The blocks inside a statement. Of a step: its body, not its rollback.
pub fn blocks(kind: &StmtKind) -> impl Iterator<Item = &Block> {
    let (first, second, options): (_, _, &[ChoiceOption]) = match kind {
        StmtKind::Step(step) => (Some(&step.body.block), None, &[]),
        StmtKind::Watch { body, .. }
        | StmtKind::For { body, .. }
        | StmtKind::Parallel(body)
        | StmtKind::Transaction { body, .. }
        | StmtKind::With { body, .. }
        | StmtKind::Finally(body) => (Some(body), None, &[]),
        StmtKind::If { then, otherwise, .. } => (Some(then), otherwise.as_ref(), &[]),
        StmtKind::Choose { options, .. } => (None, None, options),
        StmtKind::Try { body, otherwise, .. } => (Some(body), Some(otherwise), &[]),
        StmtKind::Let { .. }
        | StmtKind::Ask { .. }
        | StmtKind::ChooseFrom { .. }
        | StmtKind::DoneWhen(_)
        | StmtKind::Guards(_)
        | StmtKind::Warn(_)
        | StmtKind::Invariant { .. }
        | StmtKind::Wait(_)
        | StmtKind::WaitUntil { .. }
        | StmtKind::Confirm { .. }
        | StmtKind::Commit(_)
        | StmtKind::Fail(_)
        | StmtKind::Log(_)
        | StmtKind::Note { .. }
        | StmtKind::Return(_)
        | StmtKind::Eval(_)
        | StmtKind::Show(_) => (None, None, &[]),
    };
    first.into_iter().chain(second).chain(options.iter().map(|option| &option.body))
}

/// Every statement of a block, inner ones after the one they stand in; rollbacks of steps not.
pub fn statements<'a>(block: &'a Block, each: &mut dyn FnMut(&'a Stmt)) {
    for stmt in &block.stmts {
        each(stmt);
        for inner in blocks(&stmt.kind) {
            statements(inner, each);
        }
    }
}

/// The name a statement binds for what follows it.
#[must_use]
pub fn binds(kind: &StmtKind) -> Option<NameId> {
    match kind {
        StmtKind::Let { name, .. } | StmtKind::Ask { name, .. } | StmtKind::ChooseFrom { name, .. } => Some(*name),
        _ => None,
    }
}

/// What a block does at most, actions and everything inside included; what its `finally` does not.
#[must_use]
pub fn effect(program: &Program, block: &Block) -> Effect {
    let mut most = Effect::Pure;
    for stmt in &block.stmts {
        if matches!(stmt.kind, StmtKind::Finally(_)) {
            continue;
        }
        expressions(&stmt.kind, &mut |e| doings(e, &mut |d, _| most = most.max(d.effect(program))));
        for inner in blocks(&stmt.kind) {
            most = most.max(effect(program, inner));
        }
    }
    most
}

/// The first line of something long: enough to point at.
#[must_use]
pub fn opening(span: Span, width: u32) -> Span {
    Span { end: span.end.min(span.start.saturating_add(width)), ..span }
}
