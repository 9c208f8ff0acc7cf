//! A tree as text: `(+ 1 (* 2 3))`, a line for each statement, spans where a caret would point.
use std::fmt::Write as _;

use rbk::source::{FileId, Sources, Span};
use rbk::syntax::ast::{
    Arg, Block, CommandForm, Context, Expr, ExprKind, Extern, Guard, Header, Item, ItemKind, Let, Name, Otherwise,
    Param, Part, Secret, Step, Stmt, StmtKind, Str, StrKind, Tolerate, TypeExpr, TypeKind, UnaryOp,
};

struct Page<'t> {
    text: &'t str,
    out: String,
    depth: usize,
}

pub fn program(text: &str) -> String {
    let items = ["runbook", "action", "extern", "context", "use", "##"];
    let file = FileId(0);
    let mut page = Page { text, out: String::new(), depth: 0 };
    let diagnostics = if items.iter().any(|word| text.starts_with(word)) {
        let parsed = rbk::syntax::parse(file, text);
        parsed.ast.items.iter().for_each(|item| page.item(item));
        parsed.diagnostics
    } else {
        let parsed = rbk::syntax::parse_statements(file, text);
        parsed.stmts.iter().for_each(|stmt| page.stmt(stmt));
        parsed.diagnostics
    };
    let mut sources = Sources::default();
    sources.add("page", text);
    for d in diagnostics {
        let (line, column) = sources.position(d.span());
        writeln!(page.out, "! {line}:{column} {}", d.message).unwrap();
    }
    page.out
}

fn option<T>(word: &str, value: Option<&T>, shown: impl Fn(&T) -> String) -> String {
    value.map_or(String::new(), |v| format!(" {word}{}", shown(v)))
}

impl Page<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        writeln!(self.out, "{}{}", "  ".repeat(self.depth), text.as_ref()).unwrap();
    }

    fn of(&self, span: Span) -> String {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("OUT OF BOUNDS").replace('\n', "⏎")
    }

    fn name(&self, name: &Name) -> String {
        // A quoted key spans its quotes.
        assert_eq!(self.of(name.span).trim_matches('"'), name.text, "the span of a name");
        name.text.to_string()
    }

    fn block(&mut self, block: &Block) {
        let text = self.of(block.span);
        assert!(text.starts_with('{') && text.ends_with('}'), "the span of a block: {text}");
        self.depth += 1;
        block.stmts.iter().for_each(|s| self.stmt(s));
        self.depth -= 1;
    }

    fn under(&mut self, head: impl AsRef<str>, block: &Block) {
        self.line(head);
        self.block(block);
    }

    fn item(&mut self, item: &Item) {
        if let Some(doc) = &item.doc {
            self.line(format!("doc {doc:?}"));
        }
        match &item.kind {
            ItemKind::Use(u) => {
                let text = format!("use {}{}", self.str(&u.path), option("as ", u.alias.as_ref(), |n| self.name(n)));
                self.line(text);
            }
            ItemKind::Runbook(r) => self.under(format!("runbook {}", self.str(&r.title)), &r.body),
            ItemKind::Action(a) => {
                self.under(format!("action {}{}", self.name(&a.name), self.params(&a.params)), &a.body);
            }
            ItemKind::Extern(Extern { name, params, returns, effect, idempotent }) => self.line(format!(
                "extern {}{}{} effect {}{}",
                self.name(name),
                self.params(params),
                option("-> ", returns.as_ref(), |t| self.ty(t)),
                self.name(effect),
                if *idempotent { " idempotent" } else { "" },
            )),
            ItemKind::Context(Context { name, params, reparses, carries_env, argv }) => self.line(format!(
                "context {}{} reparses={reparses} carries_env={carries_env} {}",
                self.name(name),
                self.params(params),
                self.expr(argv)
            )),
            ItemKind::Let(l) => self.line(self.let_(l)),
            ItemKind::Secret(s) => self.line(self.secret(s)),
            ItemKind::Connect(c) => self.line(format!("connect {} {}", self.name(&c.name), self.expr(&c.value))),
            ItemKind::Reads(strs) => self.line(format!("reads {}", self.all(strs, |s| self.str(s)))),
        }
    }

    fn all<T>(&self, items: &[T], shown: impl Fn(&T) -> String) -> String {
        items.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    fn let_(&self, l: &Let) -> String {
        let fallback = option("else ", l.fallback.as_ref(), |e| self.expr(e));
        format!("let {} {}{fallback}", self.name(&l.name), self.expr(&l.value))
    }

    fn secret(&self, s: &Secret) -> String {
        format!("secret {}{} {}", if s.short { "short " } else { "" }, self.name(&s.name), self.expr(&s.value))
    }

    fn params(&self, params: &[Param]) -> String {
        format!("({})", params.iter().map(|p| self.param(p)).collect::<Vec<_>>().join(", "))
    }

    fn param(&self, p: &Param) -> String {
        format!(
            "{}{}: {}{}{}",
            p.doc.as_ref().map_or(String::new(), |d| format!("doc {d:?} ")),
            self.name(&p.name),
            self.ty(&p.ty),
            option("= ", p.default.as_ref(), |e| self.expr(e)),
            option("where ", p.condition.as_ref(), |e| self.expr(e)),
        )
    }

    fn ty(&self, ty: &TypeExpr) -> String {
        match &ty.kind {
            TypeKind::Named(name, args) if args.is_empty() => self.name(name),
            TypeKind::Named(name, args) => format!("({} {})", self.name(name), self.all(args, |t| self.ty(t))),
            TypeKind::Record(fields) => {
                format!("{{{}}}", self.all(fields, |(n, t)| format!("{}:{}", self.name(n), self.ty(t))))
            }
            TypeKind::Enum(cases) => format!("(enum {})", self.all(cases, |s| self.str(s))),
            TypeKind::Optional(inner) => format!("(? {})", self.ty(inner)),
        }
    }

    fn tolerate(&self, t: Option<&Tolerate>) -> String {
        option("tolerate ", t, |t| {
            format!("{}{}", self.expr(&t.times), if t.consecutive { " consecutive" } else { "" })
        })
    }

    fn guard(&self, g: &Guard) -> String {
        format!("{}{}: {}", self.str(&g.label), self.tolerate(g.tolerate.as_ref()), self.expr(&g.cond))
    }

    fn step(&mut self, s: &Step) {
        let head = format!(
            "step {}{}{}{}{}  [{}]",
            self.str(&s.name),
            if s.readonly { " readonly" } else { "" },
            option("when ", s.when.as_ref(), |e| self.expr(e)),
            option("timeout ", s.timeout.as_ref(), |e| self.expr(e)),
            option("retry ", s.retry.as_ref(), |r| format!(
                "{}{}{} [{}]",
                self.expr(&r.times),
                option("every ", r.every.as_ref(), |e| self.expr(e)),
                option("backoff to ", r.backoff_to.as_ref(), |e| self.expr(e)),
                self.of(r.span)
            )),
            self.of(s.head),
        );
        self.under(head, &s.body);
    }

    fn header(&self, header: &Header) -> String {
        match header {
            Header::Owner(s) => format!("owner {}", self.str(s)),
            Header::Contact(s) => format!("contact {}", self.str(s)),
            Header::Reviewed { date, date_span, every } => {
                let every = option("every ", every.as_ref(), |e| self.expr(e));
                format!("reviewed {date} [{}]{every}", self.of(*date_span))
            }
            Header::Deadline(e) => format!("deadline {}", self.expr(e)),
            Header::RollbackWithin(e) => format!("rollback within {}", self.expr(e)),
            Header::Lock { name, takeover } => format!("lock {} takeover={takeover}", self.str(name)),
            Header::Shell(s) => format!("shell {}", self.str(s)),
            Header::Timeout(e) => format!("timeout {}", self.expr(e)),
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        if let Some(doc) = &stmt.doc {
            self.line(format!("doc {doc:?}"));
        }
        match &stmt.kind {
            StmtKind::Header(h) => self.line(self.header(h)),
            StmtKind::Param(p) => self.line(format!("param {}", self.param(p))),
            StmtKind::Secret(s) => self.line(self.secret(s)),
            StmtKind::Connect(c) => self.line(format!("connect {} {}", self.name(&c.name), self.expr(&c.value))),
            StmtKind::Reads(strs) => self.line(format!("reads {}", self.all(strs, |s| self.str(s)))),
            StmtKind::OnSuccess(b) => self.under("on success", b),
            StmtKind::OnFailure(b) => self.under("on failure", b),
            StmtKind::Step(s) => self.step(s),
            StmtKind::Let(l) => self.line(self.let_(l)),
            StmtKind::Ask { name, question, ty } => self.line(format!(
                "ask {} {}{}",
                self.name(name),
                self.str(question),
                option(": ", ty.as_ref(), |t| self.ty(t))
            )),
            StmtKind::ChooseFrom { name, question, from } => {
                self.line(format!("choose {} {} from {}", self.name(name), self.str(question), self.expr(from)));
            }
            StmtKind::DoneWhen(e) => self.line(format!("done when {}", self.expr(e))),
            StmtKind::Guard(g) => self.line(format!("guard {}", self.guard(g))),
            StmtKind::Warn(g) => self.line(format!("warn {}", self.guard(g))),
            StmtKind::Invariant { label, every, tolerate, cond } => self.line(format!(
                "invariant {} every {}{}: {}",
                self.str(label),
                self.expr(every),
                self.tolerate(tolerate.as_ref()),
                self.expr(cond)
            )),
            StmtKind::Wait(e) => self.line(format!("wait {}", self.expr(e))),
            StmtKind::WaitUntil { limit, every, until, unless } => self.line(format!(
                "wait up to {}{} until {}{}",
                self.expr(limit),
                option("every ", every.as_ref(), |e| self.expr(e)),
                self.expr(until),
                option("unless ", unless.as_ref(), |e| self.expr(e))
            )),
            StmtKind::Watch { label, window, every, tolerate, body } => self.under(
                format!(
                    "watch {} for {} every {}{}",
                    self.str(label),
                    self.expr(window),
                    self.expr(every),
                    self.tolerate(tolerate.as_ref())
                ),
                body,
            ),
            StmtKind::If { cond, then, otherwise } => {
                self.under(format!("if {}", self.expr(cond)), then);
                match otherwise {
                    None => {}
                    Some(Otherwise::Block(b)) => self.under("else", b),
                    Some(Otherwise::If(inner)) => {
                        self.line(format!("else [{}]", self.of(inner.span)));
                        self.depth += 1;
                        self.stmt(inner);
                        self.depth -= 1;
                    }
                }
            }
            StmtKind::For { name, list, parallel, body } => self.under(
                format!(
                    "for {} in {}{}",
                    self.name(name),
                    self.expr(list),
                    option("parallel ", parallel.as_ref(), |e| self.expr(e))
                ),
                body,
            ),
            StmtKind::Parallel(b) => self.under("parallel", b),
            StmtKind::Transaction { on, body } => self.under(format!("transaction {}", self.expr(on)), body),
            StmtKind::With { contexts, body } => {
                self.under(format!("with {}", self.all(contexts, |e| self.expr(e))), body);
            }
            StmtKind::Confirm { question, within } => self.line(format!(
                "confirm {}{}",
                self.str(question),
                option("within ", within.as_ref(), |e| self.expr(e))
            )),
            StmtKind::Choose { question, options } => {
                self.line(format!("choose {}", self.str(question)));
                for option in options {
                    self.under(format!("option {}", self.str(&option.label)), &option.body);
                }
            }
            StmtKind::Try { body, otherwise } => {
                self.under("try", body);
                self.under("else", otherwise);
            }
            StmtKind::Rollback { timeout, body } => {
                self.under(format!("rollback{}", option("timeout ", timeout.as_ref(), |e| self.expr(e))), body);
            }
            StmtKind::RollbackNone(s) => self.line(format!("rollback none {}", self.str(s))),
            StmtKind::RollbackManual(s) => self.line(format!("rollback manual {}", self.str(s))),
            StmtKind::Irreversible(s) => self.line(format!("irreversible {}", self.str(s))),
            StmtKind::Commit(s) => self.line(format!("commit {}", self.str(s))),
            StmtKind::Finally(b) => self.under("finally", b),
            StmtKind::Fail(e) => self.line(format!("fail {}", self.expr(e))),
            StmtKind::Log(e) => self.line(format!("log {}", self.expr(e))),
            StmtKind::Note { key, value } => self.line(format!("note {}: {}", self.str(key), self.expr(value))),
            StmtKind::Return(e) => self.line(format!("return {}", self.expr(e))),
            StmtKind::Expr(e) => self.line(self.expr(e)),
            StmtKind::Bad => self.line("BAD"),
        }
    }

    fn expr(&self, e: &Expr) -> String {
        assert!(self.of(e.span) != "OUT OF BOUNDS");
        match &e.kind {
            ExprKind::Null => "null".into(),
            ExprKind::Bool(b) => b.to_string(),
            ExprKind::Int(n) => n.to_string(),
            ExprKind::Decimal(d) => format!("{d}dec"),
            ExprKind::Duration(n) => format!("{n}ns"),
            ExprKind::Size(n) => format!("{n}B"),
            ExprKind::Time(t) => format!("@{t}"),
            ExprKind::Str(s) => {
                assert_eq!(s.span, e.span);
                self.str(s)
            }
            ExprKind::List(items) => format!("[{}]", self.all(items, |e| self.expr(e))),
            ExprKind::Record(entries) => {
                format!("{{{}}}", self.all(entries, |(n, e)| format!("{}:{}", self.name(n), self.expr(e))))
            }
            ExprKind::Name(n) => n.to_string(),
            ExprKind::Field(of, name) => format!("(.{} {})", self.name(name), self.expr(of)),
            ExprKind::Index(of, at) => format!("(at {} {})", self.expr(of), self.expr(at)),
            ExprKind::Call(callee, args) => {
                let gap = if args.is_empty() { "" } else { " " };
                format!("(call {}{gap}{})", self.expr(callee), self.all(args, |a| self.arg(a)))
            }
            ExprKind::Unary(UnaryOp::Not, e) => format!("(not {})", self.expr(e)),
            ExprKind::Unary(UnaryOp::Neg, e) => format!("(- {})", self.expr(e)),
            ExprKind::Binary(op, span, left, right) => {
                assert!(left.span.end <= span.start && span.end <= right.span.start);
                format!("({op:?}`{}` {} {})", self.of(*span), self.expr(left), self.expr(right))
            }
            ExprKind::If(parts) => {
                let (c, t, o) = parts.as_ref();
                format!("(if {} {} {})", self.expr(c), self.expr(t), self.expr(o))
            }
            ExprKind::Command(c) => {
                let form = match c.form {
                    CommandForm::Line => "$",
                    CommandForm::Script => "$script",
                    CommandForm::Paren => "$paren",
                };
                format!("({form} {})", self.parts(&c.parts))
            }
            ExprKind::Readonly(e) => format!("(readonly {})", self.expr(e)),
            ExprKind::Bad => "BAD".into(),
        }
    }

    fn arg(&self, a: &Arg) -> String {
        let name = a.name.as_ref().map_or(String::new(), |n| format!("{}=", self.name(n)));
        name + &self.expr(&a.value)
    }

    fn str(&self, s: &Str) -> String {
        let mark = match s.kind {
            StrKind::Plain => "",
            StrKind::Block => "block",
            StrKind::Raw => "raw",
        };
        match s.parts.as_slice() {
            [] => format!("{mark}\"\""),
            [Part::Text { text, .. }] => format!("{mark}{text:?}"),
            parts => format!("{mark}<{}>", self.parts(parts)),
        }
    }

    /// A hole with the text that its span covers; a text with its span where that is not what it says.
    fn parts(&self, parts: &[Part]) -> String {
        self.all(parts, |part| match part {
            Part::Text { text, span } if self.of(*span) == *text => format!("{text:?}"),
            Part::Text { text, span } => format!("{text:?}[{}]", self.of(*span)),
            Part::Hole { expr, span } => format!("#({} [{}])", self.expr(expr), self.of(*span)),
        })
    }
}
