//! What a tree says, without where: two texts with the same marks are the same program. Beside it the places of strings and
//! commands, which are taken over as they stand.
use super::tokens::Atom;
use crate::source::Span;
use crate::syntax::ast::{
    Action, Arg, Ast, Block, ChoiceOption, Command, CommandForm, Connect, Context, Expr, ExprKind, Extern, Guard,
    Header, Item, ItemKind, Let, Name, Otherwise, Param, Part, Retry, Runbook, Secret, Step, Stmt, StmtKind, Str,
    StrKind, Tolerate, TypeExpr, TypeKind, Use,
};
use crate::value::Timestamp;

/// One thing that is said.
#[derive(Debug, PartialEq)]
pub(super) enum Mark<'a> {
    Word(&'static str),
    Text(&'a str),
    Number(i64),
    Count(usize),
    Time(Timestamp),
}

pub(super) struct Said<'a> {
    pub marks: Vec<Mark<'a>>,
    /// In the order of the text; those in holes of others too.
    pub atoms: Vec<Atom<'a>>,
}

impl<'a> Said<'a> {
    pub fn of(ast: &'a Ast) -> Said<'a> {
        let Ast { file: _, items } = ast;
        let mut said = Said { marks: Vec::new(), atoms: Vec::new() };
        said.all(items, Said::item);
        said.atoms.sort_by_key(|a| a.span.start);
        said
    }

    pub fn of_statements(stmts: &'a [Stmt]) -> Said<'a> {
        let mut said = Said { marks: Vec::new(), atoms: Vec::new() };
        said.all(stmts, Said::stmt);
        said.atoms.sort_by_key(|a| a.span.start);
        said
    }

    fn word(&mut self, word: &'static str) {
        self.marks.push(Mark::Word(word));
    }

    fn flag(&mut self, flag: bool) {
        self.word(if flag { "yes" } else { "no" });
    }

    fn text(&mut self, text: &'a str) {
        self.marks.push(Mark::Text(text));
    }

    fn all<T>(&mut self, many: &'a [T], each: impl Fn(&mut Said<'a>, &'a T)) {
        self.marks.push(Mark::Count(many.len()));
        many.iter().for_each(|one| each(self, one));
    }

    fn maybe<T>(&mut self, value: Option<&'a T>, some: impl Fn(&mut Said<'a>, &'a T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            some(self, value);
        }
    }

    fn doc(&mut self, doc: Option<&'a String>) {
        self.maybe(doc, |s, d| s.text(d));
    }

    fn name(&mut self, Name { text, span: _ }: &'a Name) {
        self.text(text);
    }

    /// A key may be a string.
    fn key(&mut self, Name { text, span }: &'a Name) {
        self.text(text);
        self.atoms.push(Atom { span: *span, margin: None });
    }

    fn item(&mut self, Item { doc, kind, span: _ }: &'a Item) {
        self.doc(doc.as_ref());
        match kind {
            ItemKind::Use(Use { path, alias }) => {
                self.word("use");
                self.str(path);
                self.maybe(alias.as_ref(), Said::name);
            }
            ItemKind::Runbook(Runbook { title, body }) => {
                self.word("runbook");
                self.str(title);
                self.block(body);
            }
            ItemKind::Action(Action { name, params, body }) => {
                self.word("action");
                self.name(name);
                self.all(params, Said::param);
                self.block(body);
            }
            ItemKind::Extern(Extern { name, params, returns, effect, idempotent }) => {
                self.word("extern");
                self.name(name);
                self.all(params, Said::param);
                self.maybe(returns.as_ref(), Said::ty);
                self.name(effect);
                self.flag(*idempotent);
            }
            ItemKind::Context(Context { name, params, reparses, carries_env, argv }) => {
                self.word("context");
                self.name(name);
                self.all(params, Said::param);
                self.flag(*reparses);
                self.flag(*carries_env);
                self.expr(argv);
            }
            ItemKind::Let(value) => self.let_(value),
            ItemKind::Secret(secret) => self.secret(secret),
            ItemKind::Connect(connect) => self.connect(connect),
            ItemKind::Reads(patterns) => self.reads(patterns),
        }
    }

    fn let_(&mut self, Let { name, value, fallback }: &'a Let) {
        self.word("let");
        self.name(name);
        self.expr(value);
        self.maybe(fallback.as_deref(), Said::expr);
    }

    fn secret(&mut self, Secret { short, name, value }: &'a Secret) {
        self.word("secret");
        self.flag(*short);
        self.name(name);
        self.expr(value);
    }

    fn connect(&mut self, Connect { name, value }: &'a Connect) {
        self.word("connect");
        self.name(name);
        self.expr(value);
    }

    fn reads(&mut self, patterns: &'a [Str]) {
        self.word("reads");
        self.all(patterns, Said::str);
    }

    fn param(&mut self, Param { doc, name, ty, default, condition, span: _ }: &'a Param) {
        self.doc(doc.as_ref());
        self.name(name);
        self.ty(ty);
        self.maybe(default.as_ref(), Said::expr);
        self.maybe(condition.as_ref(), Said::expr);
    }

    fn ty(&mut self, TypeExpr { kind, span: _ }: &'a TypeExpr) {
        match kind {
            TypeKind::Named(name, args) => {
                self.word("named");
                self.name(name);
                self.all(args, Said::ty);
            }
            TypeKind::Record(fields) => {
                self.word("record");
                self.all(fields, |s, (name, ty)| {
                    s.name(name);
                    s.ty(ty);
                });
            }
            TypeKind::Enum(cases) => {
                self.word("one of");
                self.all(cases, Said::str);
            }
            TypeKind::Optional(inner) => {
                self.word("optional");
                self.ty(inner);
            }
        }
    }

    fn block(&mut self, Block { stmts, span: _ }: &'a Block) {
        self.all(stmts, Said::stmt);
    }

    fn stmt(&mut self, Stmt { doc, kind, span: _ }: &'a Stmt) {
        self.doc(doc.as_ref());
        match kind {
            StmtKind::Header(header) => self.header(header),
            StmtKind::Param(param) => {
                self.word("param");
                self.param(param);
            }
            StmtKind::Secret(secret) => self.secret(secret),
            StmtKind::Connect(connect) => self.connect(connect),
            StmtKind::Reads(patterns) => self.reads(patterns),
            StmtKind::OnSuccess(body) => self.body("on success", body),
            StmtKind::OnFailure(body) => self.body("on failure", body),
            StmtKind::Step(step) => self.step(step),
            StmtKind::Let(value) => self.let_(value),
            StmtKind::Ask { name, question, ty } => {
                self.word("ask");
                self.name(name);
                self.str(question);
                self.maybe(ty.as_deref(), Said::ty);
            }
            StmtKind::ChooseFrom { name, question, from } => {
                self.word("choose from");
                self.name(name);
                self.str(question);
                self.expr(from);
            }
            StmtKind::DoneWhen(goal) => self.value("done when", goal),
            StmtKind::Guard(guard) => self.guard("guard", guard),
            StmtKind::Warn(guard) => self.guard("warn", guard),
            StmtKind::Invariant { label, every, tolerate, cond } => {
                self.word("invariant");
                self.str(label);
                self.expr(every);
                self.maybe(tolerate.as_ref(), Said::tolerate);
                self.expr(cond);
            }
            StmtKind::Wait(time) => self.value("wait", time),
            StmtKind::WaitUntil { limit, every, until, unless } => {
                self.value("wait until", limit);
                self.maybe(every.as_deref(), Said::expr);
                self.expr(until);
                self.maybe(unless.as_deref(), Said::expr);
            }
            StmtKind::Watch { label, window, every, tolerate, body } => {
                self.word("watch");
                self.str(label);
                self.expr(window);
                self.expr(every);
                self.maybe(tolerate.as_ref(), Said::tolerate);
                self.block(body);
            }
            StmtKind::If { cond, then, otherwise } => {
                self.value("if", cond);
                self.block(then);
                self.maybe(otherwise.as_ref(), |s, otherwise| match otherwise {
                    Otherwise::Block(block) => s.body("else", block),
                    Otherwise::If(stmt) => s.stmt(stmt),
                });
            }
            StmtKind::For { name, list, parallel, body } => {
                self.word("for");
                self.name(name);
                self.expr(list);
                self.maybe(parallel.as_deref(), Said::expr);
                self.block(body);
            }
            StmtKind::Parallel(body) => self.body("parallel", body),
            StmtKind::Transaction { on, body } => {
                self.value("transaction", on);
                self.block(body);
            }
            StmtKind::With { contexts, body } => {
                self.word("with");
                self.all(contexts, Said::expr);
                self.block(body);
            }
            StmtKind::Confirm { question, within } => {
                self.word("confirm");
                self.str(question);
                self.maybe(within.as_deref(), Said::expr);
            }
            StmtKind::Choose { question, options } => {
                self.word("choose");
                self.str(question);
                self.all(options, |s, ChoiceOption { label, body, span: _ }| {
                    s.str(label);
                    s.block(body);
                });
            }
            StmtKind::Try { body, otherwise } => {
                self.body("try", body);
                self.block(otherwise);
            }
            StmtKind::Rollback { timeout, body } => {
                self.word("rollback");
                self.maybe(timeout.as_deref(), Said::expr);
                self.block(body);
            }
            StmtKind::RollbackNone(why) => self.why("rollback none", why),
            StmtKind::RollbackManual(what) => self.why("rollback manual", what),
            StmtKind::Irreversible(why) => self.why("irreversible", why),
            StmtKind::Commit(why) => self.why("commit", why),
            StmtKind::Finally(body) => self.body("finally", body),
            StmtKind::Fail(value) => self.value("fail", value),
            StmtKind::Log(value) => self.value("log", value),
            StmtKind::Note { key, value } => {
                self.why("note", key);
                self.expr(value);
            }
            StmtKind::Return(value) => self.value("return", value),
            StmtKind::Expr(value) => self.value("call", value),
            StmtKind::Bad => self.word("bad"),
        }
    }

    fn body(&mut self, word: &'static str, body: &'a Block) {
        self.word(word);
        self.block(body);
    }

    fn value(&mut self, word: &'static str, value: &'a Expr) {
        self.word(word);
        self.expr(value);
    }

    fn why(&mut self, word: &'static str, text: &'a Str) {
        self.word(word);
        self.str(text);
    }

    fn header(&mut self, header: &'a Header) {
        match header {
            Header::Owner(who) => self.why("owner", who),
            Header::Contact(who) => self.why("contact", who),
            Header::Reviewed { date, date_span: _, every } => {
                self.word("reviewed");
                self.marks.push(Mark::Time(*date));
                self.maybe(every.as_deref(), Said::expr);
            }
            Header::Deadline(limit) => self.value("deadline", limit),
            Header::RollbackWithin(limit) => self.value("rollback within", limit),
            Header::Lock { name, takeover } => {
                self.why("lock", name);
                self.flag(*takeover);
            }
            Header::Shell(shell) => self.why("shell", shell),
            Header::Timeout(limit) => self.value("timeout", limit),
        }
    }

    fn step(&mut self, Step { name, readonly, when, timeout, retry, body, head: _ }: &'a Step) {
        self.why("step", name);
        self.flag(*readonly);
        self.maybe(when.as_deref(), Said::expr);
        self.maybe(timeout.as_deref(), Said::expr);
        self.maybe(retry.as_deref(), |s, Retry { times, every, backoff_to, span: _ }| {
            s.expr(times);
            s.maybe(every.as_ref(), Said::expr);
            s.maybe(backoff_to.as_ref(), Said::expr);
        });
        self.block(body);
    }

    fn guard(&mut self, word: &'static str, Guard { label, tolerate, cond }: &'a Guard) {
        self.why(word, label);
        self.maybe(tolerate.as_ref(), Said::tolerate);
        self.expr(cond);
    }

    fn tolerate(&mut self, Tolerate { times, consecutive }: &'a Tolerate) {
        self.expr(times);
        self.flag(*consecutive);
    }

    fn expr(&mut self, Expr { kind, span: _ }: &'a Expr) {
        match kind {
            ExprKind::Null => self.word("null"),
            ExprKind::Bool(value) => self.flag(*value),
            ExprKind::Int(value) => self.number("int", *value),
            ExprKind::Duration(value) => self.number("duration", *value),
            ExprKind::Size(value) => self.number("size", *value),
            ExprKind::Decimal(digits) => {
                self.word("decimal");
                self.text(digits);
            }
            ExprKind::Time(time) => self.marks.push(Mark::Time(*time)),
            ExprKind::Str(text) => self.str(text),
            ExprKind::List(items) => {
                self.word("list");
                self.all(items, Said::expr);
            }
            ExprKind::Record(entries) => {
                self.word("record");
                self.all(entries, |s, (key, value)| {
                    s.key(key);
                    s.expr(value);
                });
            }
            ExprKind::Name(name) => {
                self.word("name");
                self.text(name);
            }
            ExprKind::Field(value, field) => {
                self.value("field", value);
                self.name(field);
            }
            ExprKind::Index(value, index) => {
                self.value("index", value);
                self.expr(index);
            }
            ExprKind::Call(callee, args) => {
                self.value("call", callee);
                self.all(args, |s, Arg { name, value }| {
                    s.maybe(name.as_ref(), Said::name);
                    s.expr(value);
                });
            }
            ExprKind::Unary(op, value) => {
                self.marks.push(Mark::Count(*op as usize));
                self.value("unary", value);
            }
            ExprKind::Binary(op, _, left, right) => {
                self.marks.push(Mark::Count(*op as usize));
                self.value("binary", left);
                self.expr(right);
            }
            ExprKind::If(parts) => {
                let (cond, then, otherwise) = &**parts;
                self.value("if", cond);
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::Command(command) => self.command(command),
            ExprKind::Readonly(value) => self.value("readonly", value),
            ExprKind::Bad => self.word("bad"),
        }
    }

    fn number(&mut self, word: &'static str, value: i64) {
        self.word(word);
        self.marks.push(Mark::Number(value));
    }

    fn str(&mut self, Str { kind, parts, span }: &'a Str) {
        self.marks.push(Mark::Count(*kind as usize));
        let margin = (*kind == StrKind::Block).then_some(parts.as_slice());
        self.atoms.push(Atom { span: *span, margin });
        self.parts(parts);
    }

    fn command(&mut self, Command { form, parts, span }: &'a Command) {
        self.marks.push(Mark::Count(*form as usize));
        let margin = (*form == CommandForm::Script).then_some(parts.as_slice());
        // An escaped blank at the end of a line belongs to the command, though its span stops before.
        let end = parts.last().map_or(span.end, |p| span.end.max(place(p).end));
        self.atoms.push(Atom { span: Span { end, ..*span }, margin });
        self.parts(parts);
    }

    fn parts(&mut self, parts: &'a [Part]) {
        self.all(parts, |s, part| match part {
            Part::Text { text, span: _ } => s.text(text),
            Part::Hole { expr, span: _ } => s.value("hole", expr),
        });
    }
}

fn place(part: &Part) -> Span {
    match part {
        Part::Text { span, .. } | Part::Hole { span, .. } => *span,
    }
}
