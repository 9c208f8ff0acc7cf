//! Statements.
use super::super::ast::{
    Block, ChoiceOption, Expr, ExprKind, Guard, Header, Let, Otherwise, Param, Retry, Step, Stmt, StmtKind, Tolerate,
};
use super::super::grammar::Rule;
use super::super::tree::{Kids, Node};
use super::{Build, Place};
use crate::source::Span;
use crate::value::Timestamp;

/// A parameter carries its documentation itself, wherever it stands.
fn documented(doc: Option<String>, kind: StmtKind, span: Span) -> Stmt {
    match kind {
        StmtKind::Param(param) => {
            Stmt { doc: doc.clone(), kind: StmtKind::Param(Box::new(Param { doc, ..*param })), span }
        }
        kind => Stmt { doc, kind, span },
    }
}

impl Build {
    pub(super) fn stmts(&mut self, mut kids: Kids<'_>) -> Vec<Stmt> {
        let mut stmts = Vec::with_capacity(kids.size_hint().0);
        let mut docs = Vec::new();
        let mut last = None;
        while let Some(node) = kids.next() {
            let kind = match node.rule() {
                Rule::doc => {
                    docs.push(node.text());
                    continue;
                }
                Rule::unclosed => {
                    self.incomplete = true;
                    self.unbalanced = true;
                    None
                }
                Rule::stray => {
                    self.unbalanced = true;
                    None
                }
                Rule::junk => self.junk(last, node),
                Rule::bad if is_other_branch(last, node) => self.loose(node.kids().find(|n| n.rule() == Rule::block)),
                _ => self.settled(node, kids.peek()),
            };
            if let Some(kind) = kind {
                stmts.push(documented(super::items::doc(&docs), kind, self.span(node)));
            }
            last = Some(node);
            docs.clear();
        }
        stmts
    }

    /// A statement, unless what follows shows that it is none: then the one mistake is told when that is met.
    pub(super) fn settled(&mut self, node: Node<'_>, next: Option<Node<'_>>) -> Option<StmtKind> {
        let cut = next.is_some_and(|n| n.rule() == Rule::junk);
        if cut && node.rule() == Rule::expr_stmt && (is_word(node) || opens(node)) {
            return None;
        }
        let before = self.diagnostics.len();
        let kind = match node.rule() {
            Rule::expr_stmt if cut => StmtKind::Expr(self.expr_of(&mut node.kids())),
            _ => self.stmt(node),
        };
        if !cut {
            self.diagnostics.append(&mut self.doubts);
            return Some(kind);
        }
        self.doubts.clear();
        self.told = self.diagnostics.len() > before;
        Some(partial(kind))
    }

    fn stmt(&mut self, node: Node<'_>) -> StmtKind {
        let mut kids = node.kids();
        let kids = &mut kids;
        match node.rule() {
            Rule::run => StmtKind::Expr(self.expr_of(kids)),
            Rule::expr_stmt => self.expr_stmt(node),
            Rule::let_ => self.let_stmt(kids),
            Rule::step => StmtKind::Step(Box::new(self.step(node))),
            Rule::guard => StmtKind::Guard(self.guard(kids)),
            Rule::warn => StmtKind::Warn(self.guard(kids)),
            Rule::invariant => {
                let label = self.str_of(kids);
                let every = self.required(Rule::every, kids);
                let tolerate = self.tolerate(kids);
                StmtKind::Invariant { label, every, tolerate, cond: Box::new(self.expr_of(kids)) }
            }
            Rule::done => {
                kids.eat(Rule::when_);
                StmtKind::DoneWhen(self.expr_of(kids))
            }
            Rule::wait => self.wait(kids),
            Rule::watch => self.watch(kids),
            Rule::if_stmt => self.if_stmt(node),
            Rule::for_ => {
                let name = Box::new(self.name(kids));
                kids.eat(Rule::in_);
                let list = Box::new(self.head_of(kids));
                let parallel = kids.eat(Rule::parallel_).map(|_| Box::new(self.head_of(kids)));
                StmtKind::For { name, list, parallel, body: self.block(kids) }
            }
            Rule::parallel => {
                kids.eat(Rule::parallel_);
                StmtKind::Parallel(self.block(kids))
            }
            Rule::transaction => StmtKind::Transaction { on: Box::new(self.head_of(kids)), body: self.block(kids) },
            Rule::with => {
                let mut contexts = Vec::new();
                while kids.peek().is_some_and(|n| n.rule() == Rule::expr) {
                    contexts.push(self.head_of(kids));
                }
                StmtKind::With { contexts, body: self.block(kids) }
            }
            Rule::confirm => StmtKind::Confirm { question: self.str_of(kids), within: self.clause(Rule::within, kids) },
            Rule::choose => StmtKind::Choose { question: self.str_of(kids), options: self.options(kids) },
            Rule::option => {
                self.error(
                    "an `option` stands in a `choose`",
                    self.span(node),
                    "there is no question around it",
                    "write `choose \"question\" { option \"label\" { … } }`",
                );
                StmtKind::Bad
            }
            Rule::try_ => self.try_stmt(node),
            Rule::rollback => self.rollback(kids),
            Rule::irreversible => StmtKind::Irreversible(self.str_of(kids)),
            Rule::commit => StmtKind::Commit(self.str_of(kids)),
            Rule::finally => {
                kids.eat(Rule::finally_);
                StmtKind::Finally(self.block(kids))
            }
            Rule::on => match kids.next().map(Node::rule) {
                Some(Rule::success_) => StmtKind::OnSuccess(self.block(kids)),
                _ => StmtKind::OnFailure(self.block(kids)),
            },
            Rule::fail => StmtKind::Fail(self.expr_of(kids)),
            Rule::log => StmtKind::Log(self.expr_of(kids)),
            Rule::return_ => StmtKind::Return(self.expr_of(kids)),
            Rule::note => StmtKind::Note { key: self.str_of(kids), value: Box::new(self.expr_of(kids)) },
            Rule::param => StmtKind::Param(Box::new(self.param(node))),
            Rule::secret => StmtKind::Secret(self.secret(kids)),
            Rule::connect => StmtKind::Connect(self.connect(kids)),
            Rule::reads => StmtKind::Reads(self.reads(kids)),
            Rule::bad => self.bad(node),
            Rule::use_ | Rule::runbook | Rule::action | Rule::extern_ | Rule::context => self.misplaced_item(node),
            _ => self.header(node),
        }
    }

    /// A call; at a console any value.
    fn expr_stmt(&mut self, node: Node<'_>) -> StmtKind {
        if opens(node) {
            self.lone(node);
            return StmtKind::Bad;
        }
        let value = self.expr_of(&mut node.kids());
        let idle = match value.kind {
            ExprKind::Call(..) | ExprKind::Command(_) | ExprKind::Readonly(_) | ExprKind::Bad => false,
            _ => self.place == Place::File,
        };
        if !idle {
            return StmtKind::Expr(value);
        }
        if is_word(node) && super::habits::elsewhere(node.text()).is_some() {
            self.lone(node);
        } else {
            let help =
                "check it with `guard \"label\": condition`, keep it with `let name = value`, show it with `log value`";
            let help = if is_command(node.text()) {
                format!("to run it as a command write `$ {}`", node.text())
            } else {
                help.to_owned()
            };
            self.error("a value alone does nothing", value.span, "not a call and not a command", help);
        }
        StmtKind::Bad
    }

    fn header(&mut self, node: Node<'_>) -> StmtKind {
        let mut kids = node.kids();
        let kids = &mut kids;
        StmtKind::Header(match node.rule() {
            Rule::owner => Header::Owner(self.str_of(kids)),
            Rule::contact => Header::Contact(self.str_of(kids)),
            Rule::deadline => Header::Deadline(self.expr_of(kids)),
            Rule::lock => Header::Lock { name: self.str_of(kids), takeover: kids.eat(Rule::takeover_).is_some() },
            Rule::shell => Header::Shell(self.str_of(kids)),
            Rule::timeout => Header::Timeout(self.expr_of(kids)),
            _ => return self.reviewed(kids),
        })
    }

    fn reviewed(&mut self, kids: &mut Kids<'_>) -> StmtKind {
        if let Some(node) = kids.peek().filter(|n| is_dotted(n.text())) {
            self.error(
                format!("`{}` is not a date", node.text()),
                self.span(node),
                "a date is the year, the month and the day",
                "write `reviewed 2026-11-01` for the first of November",
            );
            return StmtKind::Bad;
        }
        let Expr { kind, span } = self.expr_of(kids);
        let every = self.clause(Rule::every, kids);
        let date = match kind {
            ExprKind::Time(date) => date,
            ExprKind::Bad => Timestamp::UNIX_EPOCH,
            _ => {
                self.error(
                    "expected a date such as `2026-11-01` after `reviewed`",
                    span,
                    "not a date",
                    "write `reviewed 2026-11-01 every 90d`",
                );
                return StmtKind::Bad;
            }
        };
        StmtKind::Header(Header::Reviewed { date, date_span: span, every })
    }

    fn let_stmt(&mut self, kids: &mut Kids<'_>) -> StmtKind {
        let name = self.name(kids);
        if let Some(ask) = kids.eat(Rule::ask) {
            let mut kids = ask.kids();
            let question = self.str_of(&mut kids);
            let ty = kids.peek().map(|_| Box::new(self.type_of(&mut kids)));
            return StmtKind::Ask { name, question, ty };
        }
        if let Some(choose) = kids.eat(Rule::choose_from) {
            let mut kids = choose.kids();
            let question = self.str_of(&mut kids);
            kids.eat(Rule::from_);
            return StmtKind::ChooseFrom { name, question, from: Box::new(self.expr_of(&mut kids)) };
        }
        StmtKind::Let(self.let_value(name, kids))
    }

    fn step(&mut self, node: Node<'_>) -> Step {
        let mut kids = node.kids();
        let name = self.str_of(&mut kids);
        let (mut readonly, mut when, mut timeout, mut retry) = (false, None, None, None);
        let mut head = name.span.end as usize;
        while let Some(clause) = kids.peek().filter(|n| n.rule() != Rule::block) {
            kids.next();
            head = clause.end();
            let mut inner = clause.kids();
            let again = match clause.rule() {
                Rule::readonly_ => std::mem::replace(&mut readonly, true),
                Rule::when => {
                    inner.eat(Rule::when_);
                    when.replace(Box::new(self.head_of(&mut inner))).is_some()
                }
                Rule::time_limit => {
                    inner.eat(Rule::timeout_);
                    timeout.replace(Box::new(self.expr_of(&mut inner))).is_some()
                }
                _ => retry.replace(Box::new(self.retry(clause))).is_some(),
            };
            if again {
                self.error("said twice", self.span(clause), "the step has this already", "remove one of the two");
            }
        }
        let head = self.at(node.start(), head);
        Step { name, readonly, when, timeout, retry, body: self.block(&mut kids), head }
    }

    fn retry(&mut self, node: Node<'_>) -> Retry {
        let mut kids = node.kids();
        kids.eat(Rule::retry_);
        let times = self.expr_of(&mut kids);
        let every = self.clause(Rule::every, &mut kids).map(|every| *every);
        let backoff_to = kids.eat(Rule::backoff).map(|n| {
            let mut kids = n.kids();
            kids.eat(Rule::backoff_);
            kids.eat(Rule::to_);
            self.expr_of(&mut kids)
        });
        Retry { times, every, backoff_to, span: self.span(node) }
    }

    /// `every D`, `within D`, `timeout D`, `unless c`: the word, then an expression.
    fn clause(&mut self, rule: Rule, kids: &mut Kids<'_>) -> Option<Box<Expr>> {
        let mut kids = kids.eat(rule)?.kids();
        kids.next();
        Some(Box::new(self.expr_of(&mut kids)))
    }

    fn required(&mut self, rule: Rule, kids: &mut Kids<'_>) -> Box<Expr> {
        self.clause(rule, kids).unwrap_or_else(|| Box::new(super::bad(self.at(0, 0))))
    }

    fn tolerate(&mut self, kids: &mut Kids<'_>) -> Option<Tolerate> {
        let mut kids = kids.eat(Rule::tolerate)?.kids();
        kids.eat(Rule::tolerate_);
        Some(Tolerate { times: Box::new(self.expr_of(&mut kids)), consecutive: kids.eat(Rule::consecutive_).is_some() })
    }

    fn guard(&mut self, kids: &mut Kids<'_>) -> Guard {
        Guard { label: self.str_of(kids), tolerate: self.tolerate(kids), cond: Box::new(self.expr_of(kids)) }
    }

    fn wait(&mut self, kids: &mut Kids<'_>) -> StmtKind {
        if kids.eat(Rule::up_).is_none() {
            return StmtKind::Wait(self.expr_of(kids));
        }
        kids.eat(Rule::to_);
        let limit = Box::new(self.expr_of(kids));
        let every = self.clause(Rule::every, kids);
        kids.eat(Rule::until_);
        let until = Box::new(self.expr_of(kids));
        StmtKind::WaitUntil { limit, every, until, unless: self.clause(Rule::unless, kids) }
    }

    fn watch(&mut self, kids: &mut Kids<'_>) -> StmtKind {
        let label = Box::new(self.str_of(kids));
        kids.eat(Rule::for_kw);
        let window = Box::new(self.expr_of(kids));
        let every = self.required(Rule::every, kids);
        let tolerate = self.tolerate(kids);
        StmtKind::Watch { label, window, every, tolerate, body: self.block(kids) }
    }

    /// `if c { } else if d { } else { }`: built from the last branch back.
    fn if_stmt(&mut self, node: Node<'_>) -> StmtKind {
        let mut branches = Vec::new();
        let mut last = None;
        let mut kids = node.kids();
        while let Some(word) = kids.next() {
            if word.rule() == Rule::if_kw {
                let start = word.start();
                branches.push((start, Box::new(self.head_of(&mut kids)), self.block(&mut kids)));
            } else if kids.peek().is_some_and(|n| n.rule() == Rule::block) {
                last = Some(Otherwise::Block(self.block(&mut kids)));
            }
        }
        let built = self.deeper(branches.len(), self.span(node), |b| {
            let mut otherwise = last;
            while branches.len() > 1 {
                let Some((start, cond, then)) = branches.pop() else { break };
                let span = b.at(start, node.end());
                let kind = StmtKind::If { cond, then, otherwise };
                otherwise = Some(Otherwise::If(Box::new(Stmt { doc: None, kind, span })));
            }
            let (_, cond, then) = branches.pop()?;
            Some(StmtKind::If { cond, then, otherwise })
        });
        built.flatten().unwrap_or(StmtKind::Bad)
    }

    fn options(&mut self, kids: &mut Kids<'_>) -> Vec<ChoiceOption> {
        let mut options = Vec::new();
        let Some(block) = kids.eat(Rule::block) else { return options };
        let mut last = None;
        for node in block.kids() {
            let before = last.replace(node);
            match node.rule() {
                Rule::option => {
                    let mut kids = node.kids();
                    let label = self.str_of(&mut kids);
                    let span = self.span(node);
                    let body = self.deeper(1, span, |b| b.block(&mut kids)).unwrap_or(self.empty_block(node));
                    options.push(ChoiceOption { label, body, span });
                }
                Rule::doc => {}
                Rule::unclosed => {
                    self.incomplete = true;
                    self.unbalanced = true;
                }
                Rule::junk => {
                    self.junk(before, node);
                }
                Rule::bad => {
                    self.bad(node);
                }
                _ => self.error(
                    "only an `option` stands in a `choose`",
                    self.span(node),
                    "not an option",
                    "write `option \"label\" { … }` around it",
                ),
            }
        }
        options
    }

    fn try_stmt(&mut self, node: Node<'_>) -> StmtKind {
        let mut kids = node.kids();
        kids.eat(Rule::try_kw);
        let body = self.block(&mut kids);
        if kids.eat(Rule::else_).is_none() {
            self.incomplete |= self.text_ends(node.end());
            self.error(
                "expected `else` after the block of `try`",
                self.at(node.end(), node.end()),
                "the second block is missing",
                "write `try { … } else { … }`: the second block runs when the first has failed and is undone",
            );
        }
        let otherwise: Block = if kids.peek().is_some() { self.block(&mut kids) } else { self.empty_block(node) };
        StmtKind::Try { body, otherwise }
    }

    fn rollback(&mut self, kids: &mut Kids<'_>) -> StmtKind {
        match kids.peek().map(Node::rule) {
            Some(Rule::within) => StmtKind::Header(Header::RollbackWithin(*self.required(Rule::within, kids))),
            Some(Rule::none_) => {
                kids.next();
                StmtKind::RollbackNone(self.str_of(kids))
            }
            Some(Rule::manual_) => {
                kids.next();
                StmtKind::RollbackManual(self.str_of(kids))
            }
            _ => {
                let timeout = self.clause(Rule::time_limit, kids);
                StmtKind::Rollback { timeout, body: self.block(kids) }
            }
        }
    }

    fn misplaced_item(&mut self, node: Node<'_>) -> StmtKind {
        let word = node.text().split([' ', '\t']).next().unwrap_or("");
        self.error(
            format!("`{word}` stands at the top of a file"),
            self.span(node),
            "not inside a block",
            "move it out of the block",
        );
        StmtKind::Bad
    }
}

/// A statement whose end could not be read: what its value is, nobody knows.
fn partial(kind: StmtKind) -> StmtKind {
    let unknown = |value: Expr| super::bad(value.span);
    let boxed = |value: Box<Expr>| Box::new(super::bad(value.span));
    match kind {
        StmtKind::Let(Let { name, value, fallback: _ }) => {
            StmtKind::Let(Let { name, value: boxed(value), fallback: None })
        }
        StmtKind::Guard(Guard { label, tolerate, cond }) => {
            StmtKind::Guard(Guard { label, tolerate, cond: boxed(cond) })
        }
        StmtKind::Warn(Guard { label, tolerate, cond }) => StmtKind::Warn(Guard { label, tolerate, cond: boxed(cond) }),
        StmtKind::Expr(value) => StmtKind::Expr(unknown(value)),
        StmtKind::Log(value) => StmtKind::Log(unknown(value)),
        StmtKind::Fail(value) => StmtKind::Fail(unknown(value)),
        StmtKind::Return(value) => StmtKind::Return(unknown(value)),
        StmtKind::Note { key, value } => StmtKind::Note { key, value: boxed(value) },
        kind => kind,
    }
}

/// `else { … }` behind an `if` that could not be read itself.
fn is_other_branch(before: Option<Node<'_>>, node: Node<'_>) -> bool {
    let unread = before.is_some_and(|n| matches!(n.rule(), Rule::bad | Rule::junk) && n.text().ends_with('}'));
    unread && ["else", "elif", "elsif", "catch", "except"].iter().any(|word| node.text().starts_with(word))
}

/// `cd /srv`, `set -e`: an operator with a blank before it and none behind it.
fn is_command(text: &str) -> bool {
    let Some((word, rest)) = text.split_once(' ') else { return false };
    let argument = rest.strip_prefix(['-', '/']).is_some_and(|rest| !rest.starts_with(' '));
    argument && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `1.11.2026`
fn is_dotted(text: &str) -> bool {
    text.bytes().filter(|b| *b == b'.').count() == 2 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Whether a statement is one bare word.
fn is_word(node: Node<'_>) -> bool {
    node.rule() == Rule::expr_stmt && node.text().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether what reads as a value starts with the word of a statement: `deadline`, `for in y`.
fn opens(node: Node<'_>) -> bool {
    let text = node.text();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    !rest.starts_with(['.', '(', '[']) && super::words::opens(word)
}
