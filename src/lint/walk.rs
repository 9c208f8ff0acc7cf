//! The one walk over a tree: everything in it that a rule may look at, with where it stands.
use crate::check::shell::{self, ran};
use crate::source::Span;
use crate::syntax::ast::{
    Arg, Ast, Block, Command, Expr, ExprKind, Guard, Header, Item, ItemKind, Let, Otherwise, Param, Part, Retry, Step,
    Stmt, StmtKind, Str, TypeKind,
};
use crate::value::SmolStr;

use super::script::{Bound, Call, Check, Place, Placed, Role, Script};

/// Fill an empty script from its tree.
pub fn walk<'a>(script: Script<'a>) -> Script<'a> {
    let ast: &'a Ast = script.ast;
    let place =
        Place { step: None, role: Role::Value, fed: false, connected: false, transaction: false, command: 0, order: 0 };
    let mut walk = Walk { script, place, asked: 0 };
    ast.items.iter().for_each(|item| walk.item(item));
    walk.script
}

struct Walk<'a> {
    script: Script<'a>,
    place: Place,
    /// Commands, and calls on something outside, so far.
    asked: usize,
}

impl<'a> Walk<'a> {
    fn placed<T>(&mut self, it: T) -> Placed<T> {
        self.place.order += 1;
        Placed { it, place: self.place }
    }

    /// What stands in it is there for something else.
    fn as_(&mut self, role: Role, inside: impl FnOnce(&mut Self)) {
        // What undoes stays that, whatever it is in there.
        let keeps =
            matches!(self.place.role, Role::Rollback | Role::Finally | Role::Handler | Role::Beside | Role::Until);
        let before = self.place.role;
        if !keeps || matches!(role, Role::Rollback | Role::Finally | Role::Handler) {
            self.place.role = role;
        }
        inside(self);
        self.place.role = before;
    }

    fn item(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::Use(_) | ItemKind::Extern(_) | ItemKind::Reads(_) => {}
            ItemKind::Runbook(book) => {
                self.text(&book.title);
                self.block(&book.body);
            }
            ItemKind::Action(action) => {
                action.params.iter().for_each(|p| self.param(p));
                self.block(&action.body);
            }
            ItemKind::Context(context) => {
                context.params.iter().for_each(|p| self.param(p));
                self.expr(&context.argv);
            }
            ItemKind::Let(Let { name, value, fallback, .. }) => {
                self.extent(item.span);
                self.bind(&name.text, item.span, |walk| {
                    walk.expr(value);
                    fallback.iter().for_each(|e| walk.expr(e));
                });
            }
            ItemKind::Secret(secret) => {
                self.extent(item.span);
                self.expr(&secret.value);
            }
            ItemKind::Connect(connect) => {
                self.extent(item.span);
                self.connect(&connect.name.text, &connect.value);
            }
        }
    }

    fn extent(&mut self, span: Span) {
        self.script.extents.push(span);
    }

    /// A name gets its value inside.
    fn bind(&mut self, name: &SmolStr, span: Span, inside: impl FnOnce(&mut Self)) {
        let before = self.asked;
        inside(self);
        let asks = self.asked > before;
        self.script.bound.insert(name.clone(), Bound { span, asks });
    }

    fn param(&mut self, param: &'a Param) {
        self.extent(param.span);
        self.script.bound.insert(param.name.text.clone(), Bound { span: param.span, asks: false });
        param.default.iter().chain(&param.condition).for_each(|e| self.expr(e));
        if let TypeKind::Named(kind, _) = &param.ty.kind
            && matches!(kind.text.as_str(), "postgres" | "redis" | "http" | "prometheus")
        {
            self.script.connections.insert(param.name.text.clone(), kind.text.clone());
        }
    }

    fn connect(&mut self, name: &SmolStr, value: &'a Expr) {
        if let ExprKind::Call(callee, _) = &value.kind
            && let ExprKind::Name(kind) = &callee.kind
        {
            self.script.connections.insert(name.clone(), kind.clone());
        }
        self.expr(value);
    }

    fn block(&mut self, block: &'a Block) {
        for (i, stmt) in block.stmts.iter().enumerate() {
            if let StmtKind::Wait(_) = stmt.kind {
                let wait = self.placed((stmt, block.stmts.get(i + 1)));
                self.script.waits.push(wait);
            }
            self.stmt(stmt);
        }
    }

    fn inside(&mut self, role: Role, block: &'a Block) {
        self.as_(role, |walk| walk.block(block));
    }

    fn cond(&mut self, cond: &'a Expr) {
        self.as_(Role::Condition, |walk| walk.expr(cond));
    }

    fn check(&mut self, check: Check) {
        let placed = self.placed(check);
        self.script.checks.push(placed);
    }

    fn guard(&mut self, guard: &'a Guard, span: Span) {
        let (at, before) = (self.script.checks.len(), self.asked);
        self.check(Check::Guard { span, asks: false });
        self.text(&guard.label);
        self.cond(&guard.cond);
        let asks = self.asked > before;
        if let Some(check) = self.script.checks.get_mut(at) {
            check.it = Check::Guard { span, asks };
        }
    }

    fn step(&mut self, step: &'a Step) {
        self.extent(step.head);
        let outer = self.place.step.replace(self.script.steps.len());
        self.script.steps.push(step);
        self.script.outer.push(outer);
        self.text(&step.name);
        step.when.iter().for_each(|e| self.cond(e));
        step.timeout.iter().for_each(|e| self.expr(e));
        if let Some(Retry { times, every, backoff_to, span: _ }) = step.retry.as_deref() {
            [Some(times), every.as_ref(), backoff_to.as_ref()].into_iter().flatten().for_each(|e| self.expr(e));
        }
        self.block(&step.body);
        self.place.step = outer;
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        if !has_block(&stmt.kind) {
            self.extent(stmt.span);
        }
        match &stmt.kind {
            StmtKind::Header(header) => self.header(header),
            StmtKind::Param(param) => self.param(param),
            StmtKind::Secret(secret) => self.as_(Role::Value, |walk| walk.expr(&secret.value)),
            StmtKind::Connect(connect) => self.connect(&connect.name.text, &connect.value),
            StmtKind::Reads(_) | StmtKind::Bad => {}
            StmtKind::OnSuccess(block) | StmtKind::OnFailure(block) => self.inside(Role::Handler, block),
            StmtKind::Step(step) => self.step(step),
            StmtKind::Let(Let { name, value, fallback, .. }) => self.as_(Role::Value, |walk| {
                walk.bind(&name.text, stmt.span, |walk| {
                    walk.expr(value);
                    fallback.iter().for_each(|e| walk.expr(e));
                });
            }),
            StmtKind::Ask { question, .. } => self.text(question),
            StmtKind::ChooseFrom { question, from, .. } => {
                self.text(question);
                self.expr(from);
            }
            StmtKind::DoneWhen(cond) => self.cond(cond),
            StmtKind::Guard(guard) | StmtKind::Warn(guard) => self.guard(guard, stmt.span),
            StmtKind::Invariant { label, every, tolerate: _, cond } => {
                self.text(label);
                self.expr(every);
                self.as_(Role::Until, |walk| walk.expr(cond));
            }
            StmtKind::Wait(time) => self.expr(time),
            StmtKind::WaitUntil { limit, every, until, unless } => {
                self.expr(limit);
                every.iter().for_each(|e| self.expr(e));
                self.as_(Role::Until, |walk| {
                    walk.expr(until);
                    unless.iter().for_each(|e| walk.expr(e));
                });
            }
            StmtKind::Watch { label, window, every, tolerate: _, body } => {
                self.text(label);
                self.expr(window);
                self.expr(every);
                self.inside(Role::Until, body);
            }
            StmtKind::If { cond, then, otherwise } => {
                self.cond(cond);
                self.block(then);
                match otherwise {
                    Some(Otherwise::Block(block)) => self.block(block),
                    Some(Otherwise::If(stmt)) => self.stmt(stmt),
                    None => {}
                }
            }
            StmtKind::For { name: _, list, parallel, body } => {
                self.as_(Role::Value, |walk| walk.expr(list));
                parallel.iter().for_each(|e| self.expr(e));
                self.block(body);
            }
            StmtKind::Parallel(body) => self.block(body),
            StmtKind::Transaction { on, body } => {
                self.expr(on);
                let outer = std::mem::replace(&mut self.place.transaction, true);
                self.block(body);
                self.place.transaction = outer;
            }
            StmtKind::With { contexts, body } => {
                contexts.iter().for_each(|context| self.context(context));
                let Place { fed, connected, .. } = self.place;
                self.place.fed |= contexts.iter().any(|context| calls(context, "stdin"));
                self.place.connected |= contexts.iter().any(|context| {
                    calls(context, "env") || calls(context, "postgres") || matches!(context.kind, ExprKind::Name(_))
                });
                self.block(body);
                (self.place.fed, self.place.connected) = (fed, connected);
            }
            StmtKind::Confirm { question, within } => {
                self.check(Check::Asked);
                let placed = self.placed(question);
                self.script.questions.push(placed);
                self.text(question);
                within.iter().for_each(|e| self.expr(e));
            }
            StmtKind::Choose { question, options } => {
                self.check(Check::Asked);
                self.text(question);
                for option in options {
                    self.text(&option.label);
                    self.block(&option.body);
                }
            }
            StmtKind::Try { body, otherwise } => {
                self.block(body);
                self.block(otherwise);
            }
            StmtKind::Rollback { timeout, body } => {
                timeout.iter().for_each(|e| self.expr(e));
                self.inside(Role::Rollback, body);
            }
            StmtKind::RollbackNone(why) | StmtKind::RollbackManual(why) | StmtKind::Commit(why) => self.text(why),
            StmtKind::Irreversible(why) => {
                self.check(Check::Step);
                self.text(why);
            }
            StmtKind::Finally(body) => self.inside(Role::Finally, body),
            StmtKind::Fail(e) | StmtKind::Log(e) | StmtKind::Return(e) => self.as_(Role::Value, |walk| walk.expr(e)),
            StmtKind::Note { key, value } => {
                self.text(key);
                self.as_(Role::Value, |walk| walk.expr(value));
            }
            StmtKind::Expr(e) => self.as_(Role::Doing, |walk| walk.expr(e)),
        }
    }

    fn header(&mut self, header: &'a Header) {
        match header {
            Header::Owner(text) | Header::Contact(text) | Header::Shell(text) => self.text(text),
            Header::Lock { name, takeover: _ } => self.text(name),
            Header::Reviewed { date: _, date_span: _, every } => every.iter().for_each(|e| self.expr(e)),
            Header::Deadline(e) | Header::RollbackWithin(e) | Header::Timeout(e) => self.expr(e),
        }
    }

    fn context(&mut self, context: &'a Expr) {
        let role = if calls(context, "running") { Role::Beside } else { Role::Value };
        self.as_(role, |walk| walk.expr(context));
    }

    fn text(&mut self, text: &'a Str) {
        let placed = self.placed(text);
        self.script.texts.push(placed);
        self.parts(&text.parts);
    }

    fn parts(&mut self, parts: &'a [Part]) {
        for part in parts {
            if let Part::Hole { expr, .. } = part {
                self.as_(Role::Value, |walk| walk.expr(expr));
            }
        }
    }

    fn command(&mut self, command: &'a Command) {
        self.place.command += 1;
        self.asked += 1;
        let lines = shell::lines(&command.parts, self.script.sources);
        for ran in ran::ran(lines.as_deref().unwrap_or(&command.parts)) {
            let placed = self.placed(ran);
            self.script.commands.push(placed);
        }
        self.parts(&command.parts);
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Decimal(_)
            | ExprKind::Duration(_)
            | ExprKind::Size(_)
            | ExprKind::Time(_)
            | ExprKind::Name(_)
            | ExprKind::Bad => {}
            ExprKind::Str(text) => self.text(text),
            ExprKind::List(items) => items.iter().for_each(|e| self.expr(e)),
            ExprKind::Record(fields) => fields.iter().for_each(|(_, e)| self.expr(e)),
            ExprKind::Field(inner, _) | ExprKind::Unary(_, inner) | ExprKind::Readonly(inner) => self.expr(inner),
            ExprKind::Index(a, b) | ExprKind::Binary(_, _, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Call(callee, args) => self.call(callee, args, expr.span),
            ExprKind::If(three) => {
                self.expr(&three.0);
                self.expr(&three.1);
                self.expr(&three.2);
            }
            ExprKind::Command(command) => self.command(command),
        }
    }

    fn call(&mut self, callee: &'a Expr, args: &'a [Arg], span: Span) {
        let (on, name) = match &callee.kind {
            ExprKind::Name(name) => (None, name.as_str()),
            ExprKind::Field(on, name) => {
                self.expr(on);
                let on = match &on.kind {
                    ExprKind::Name(on) => Some(on.as_str()),
                    _ => None,
                };
                (on, name.text.as_str())
            }
            _ => {
                self.expr(callee);
                (None, "")
            }
        };
        self.asked += usize::from(on.is_some_and(|on| !self.script.bound.contains_key(on)));
        let placed = self.placed(Call { on, name, args, span });
        self.script.calls.push(placed);
        args.iter().for_each(|arg| self.expr(&arg.value));
    }
}

fn calls(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, ExprKind::Call(callee, _) if matches!(&callee.kind, ExprKind::Name(n) if n == name))
}

fn has_block(kind: &StmtKind) -> bool {
    match kind {
        StmtKind::OnSuccess(_)
        | StmtKind::OnFailure(_)
        | StmtKind::Step(_)
        | StmtKind::Watch { .. }
        | StmtKind::If { .. }
        | StmtKind::For { .. }
        | StmtKind::Parallel(_)
        | StmtKind::Transaction { .. }
        | StmtKind::With { .. }
        | StmtKind::Choose { .. }
        | StmtKind::Try { .. }
        | StmtKind::Rollback { .. }
        | StmtKind::Finally(_) => true,
        StmtKind::Header(_)
        | StmtKind::Param(_)
        | StmtKind::Secret(_)
        | StmtKind::Connect(_)
        | StmtKind::Reads(_)
        | StmtKind::Let(_)
        | StmtKind::Ask { .. }
        | StmtKind::ChooseFrom { .. }
        | StmtKind::DoneWhen(_)
        | StmtKind::Guard(_)
        | StmtKind::Warn(_)
        | StmtKind::Invariant { .. }
        | StmtKind::Wait(_)
        | StmtKind::WaitUntil { .. }
        | StmtKind::Confirm { .. }
        | StmtKind::RollbackNone(_)
        | StmtKind::RollbackManual(_)
        | StmtKind::Irreversible(_)
        | StmtKind::Commit(_)
        | StmtKind::Fail(_)
        | StmtKind::Log(_)
        | StmtKind::Note { .. }
        | StmtKind::Return(_)
        | StmtKind::Expr(_)
        | StmtKind::Bad => false,
    }
}
