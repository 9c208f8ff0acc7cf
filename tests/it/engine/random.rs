//! Programs by chance: every construct, nested as the checker allows.
use std::collections::BTreeMap;
use std::sync::Arc;

use rbk::check::program::*;
use rbk::source::Span;
use rbk::value::{ConnKind, Connection, Record, SmolStr, Type, Value};

use super::build::*;

pub struct Made {
    pub program: Program,
    /// Which kinds of statement stand in it.
    pub kinds: Vec<&'static str>,
    /// How many elements of a `parallel` may run at once, by its number.
    pub bounds: BTreeMap<u32, usize>,
}

struct Maker {
    rng: fastrand::Rng,
    ids: u32,
    names: Vec<NameInfo>,
    actions: Vec<Action>,
    kinds: Vec<&'static str>,
    bounds: BTreeMap<u32, usize>,
}

/// What may stand here.
#[derive(Clone, Copy)]
struct Where {
    depth: u32,
    /// Points of no return may.
    wall: bool,
    /// A `finally` and an `invariant` may: not where each statement runs at once.
    sequence: bool,
}

pub fn make(seed: u64) -> Made {
    let mut maker = Maker {
        rng: fastrand::Rng::with_seed(seed),
        ids: 0,
        names: Vec::new(),
        actions: Vec::new(),
        kinds: Vec::new(),
        bounds: BTreeMap::new(),
    };
    let body = maker.block(Where { depth: 3, wall: true, sequence: true }, 2..6);
    let (deadline, within) = (if maker.rng.u8(..4) == 0 { maker.rng.i64(1..40) } else { 100_000 }, 1_000_000);
    let mut program = program(body, header(deadline, within), maker.names);
    if let Some(book) = &mut program.book {
        book.on_failure = Some(block(vec![notify("hand failure")]));
        book.on_success = Some(block(vec![notify("hand success")]));
    }
    program.actions = maker.actions;
    maker.kinds.sort_unstable();
    maker.kinds.dedup();
    Made { program, kinds: maker.kinds, bounds: maker.bounds }
}

fn native(text: &str, effect: Effect, want: Want, on: Option<Expr>) -> Expr {
    expr(ExprKind::Call(Box::new(Call {
        action: SmolStr::new("test.call"),
        source: SmolStr::new(text),
        on,
        args: Vec::new(),
        effect,
        idempotent: false,
        want,
    })))
}

fn notify(text: &str) -> StmtKind {
    StmtKind::Eval(native(text, Effect::Notify, Want::Nothing, None))
}

fn connection() -> Expr {
    let connection = Connection { kind: ConnKind::Postgres, name: SmolStr::new("db"), args: Record::default() };
    value(Value::Connection(Arc::new(connection)))
}

fn question(label: &str) -> Question {
    Question { text: text(label), source: SmolStr::new(label) }
}

impl Maker {
    fn id(&mut self) -> u32 {
        self.ids += 1;
        self.ids
    }

    fn name(&mut self) -> NameId {
        let id = NameId(u32::try_from(self.names.len() + 2).unwrap());
        self.names.push(name(&format!("n{}", id.0)));
        id
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }

    fn seen(&mut self, kind: &'static str) {
        self.kinds.push(kind);
    }

    fn cond(&mut self) -> Expr {
        let cond = holds(&format!("cond {}", self.id()));
        match self.rng.u32(..5) {
            0 => expr(ExprKind::Not(Box::new(cond), SmolStr::default())),
            1 => expr(ExprKind::And(Box::new(cond), Box::new(holds(&format!("cond {}", self.id()))))),
            _ => cond,
        }
    }

    fn tolerate(&mut self) -> Option<Tolerate> {
        self.one_in(2)
            .then(|| Tolerate { times: Box::new(value(Value::Int(self.rng.i64(0..3)))), consecutive: self.rng.bool() })
    }

    fn block(&mut self, at: Where, count: std::ops::Range<usize>) -> Vec<StmtKind> {
        (0..self.rng.usize(count)).map(|_| self.stmt(at)).collect()
    }

    fn inner(&mut self, at: Where) -> Block {
        block(self.block(Where { depth: at.depth.saturating_sub(1), sequence: true, ..at }, 1..4))
    }

    fn stmt(&mut self, at: Where) -> StmtKind {
        let nested = at.depth > 0;
        loop {
            return match self.rng.u32(..38) {
                0..=7 => self.leaf(at),
                8 | 9 if nested => self.branch(at),
                10 if nested => self.action(at),
                11 => self.let_(),
                12 => {
                    self.seen("guard");
                    let id = self.id();
                    let guards = (0..self.rng.u32(1..3)).map(|n| guard(&format!("g{id}.{n}"), self.cond())).collect();
                    StmtKind::Guards(guards)
                }
                13 => {
                    self.seen("warn");
                    StmtKind::Warn(Box::new(guard("w", self.cond())))
                }
                14 if at.sequence => {
                    self.seen("invariant");
                    StmtKind::Invariant {
                        label: Box::new(text("i")),
                        every: Box::new(seconds(self.rng.i64(3..9))),
                        tolerate: Some(Tolerate { times: Box::new(value(Value::Int(2))), consecutive: true }),
                        cond: Box::new(holds(&format!("inv {}", self.id()))),
                    }
                }
                15 => {
                    self.seen("wait");
                    StmtKind::Wait(seconds(self.rng.i64(0..9)))
                }
                16 | 17 => {
                    self.seen("wait until");
                    let unless = self.one_in(4).then(|| Box::new(holds(&format!("unless {}", self.id()))));
                    let limit = Box::new(seconds(self.rng.i64(5..40)));
                    let every = Some(Box::new(seconds(self.rng.i64(1..6))));
                    StmtKind::WaitUntil { limit, every, until: Box::new(self.cond()), unless }
                }
                18 => {
                    self.seen("watch");
                    let held = Guard { tolerate: self.tolerate(), ..guard("h", self.cond()) };
                    StmtKind::Watch {
                        label: Box::new(text("watch")),
                        window: Box::new(seconds(self.rng.i64(1..20))),
                        every: Box::new(seconds(self.rng.i64(2..7))),
                        tolerate: Some(Tolerate {
                            times: Box::new(value(Value::Int(2))),
                            consecutive: self.rng.bool(),
                        }),
                        body: block(vec![StmtKind::Guards(vec![held])]),
                    }
                }
                19 if nested => {
                    self.seen("if");
                    let otherwise = self.rng.bool().then(|| self.inner(at));
                    StmtKind::If { cond: Box::new(self.cond()), then: self.inner(at), otherwise }
                }
                20 if nested => self.for_(at),
                21 | 22 if nested => self.for_parallel(at),
                23 | 24 if nested => self.parallel(at),
                25 if nested => {
                    self.seen("with");
                    let contexts = vec![ContextUse::Dir(text(&format!("d{}", self.id())))];
                    StmtKind::With { contexts, body: self.inner(at) }
                }
                26 => {
                    self.seen("confirm");
                    let within = self.rng.bool().then(|| Box::new(seconds(self.rng.i64(3..30))));
                    let label = format!("confirm {}", self.id());
                    StmtKind::Confirm { question: Box::new(question(&label)), within }
                }
                27 => {
                    self.seen("ask");
                    let label = format!("ask {}", self.id());
                    StmtKind::Ask { name: self.name(), question: Box::new(question(&label)), ty: Type::Str }
                }
                28 if nested => {
                    self.seen("choose");
                    let option = |maker: &mut Maker, label: &str| ChoiceOption {
                        label: text(label),
                        source: SmolStr::new(label),
                        body: maker.inner(at),
                    };
                    let options = vec![option(self, "yes"), option(self, "no")];
                    let label = format!("choose {}", self.id());
                    StmtKind::Choose { question: Box::new(question(&label)), options }
                }
                29 => {
                    self.seen("choose from");
                    let label = format!("from {}", self.id());
                    let from = Box::new(value(Value::list(vec![Value::str("yes"), Value::str("no")])));
                    StmtKind::ChooseFrom { name: self.name(), question: Box::new(question(&label)), from }
                }
                30 | 31 if nested => {
                    self.seen("try");
                    let inside = Where { wall: false, ..at };
                    StmtKind::Try { body: self.inner(inside), otherwise: self.inner(inside), failure: self.name() }
                }
                32 if at.sequence => {
                    self.seen("commit");
                    StmtKind::Commit(text("final"))
                }
                33 if at.sequence => {
                    self.seen("finally");
                    let code = format!("fin {}", self.id());
                    StmtKind::Finally(block(vec![write(&code)]))
                }
                34 if self.one_in(2) => {
                    self.seen("fail");
                    StmtKind::Fail(text("on purpose"))
                }
                35 => {
                    self.seen("log");
                    StmtKind::Log(text("said"))
                }
                36 => {
                    self.seen("note");
                    StmtKind::Note { key: Box::new(text("k")), value: Box::new(text("v")) }
                }
                37 => {
                    self.seen("notify");
                    notify(&format!("tell {}", self.id()))
                }
                _ => continue,
            };
        }
    }

    fn let_(&mut self) -> StmtKind {
        self.seen("let");
        let read = shell(&format!("read {}", self.id()), Effect::Read, Want::Value);
        let fallback = self.rng.bool().then(|| Box::new(text("fallback")));
        StmtKind::Let { name: self.name(), value: read, fallback }
    }

    fn leaf(&mut self, at: Where) -> StmtKind {
        let id = self.id();
        let retried = self.one_in(3);
        let undo = match self.rng.u32(..12) {
            0 => Undo::None { why: Box::new(text("nothing")), span: Span::default() },
            1 if self.one_in(2) => Undo::Manual { what: Box::new(text("by hand")), span: Span::default() },
            2 if at.wall && !retried => {
                self.seen("irreversible");
                Undo::Irreversible { why: Box::new(text("gone")), span: Span::default(), ask: Ask::ByName }
            }
            _ => {
                self.seen("rollback");
                rollback(vec![write(&format!("undo {id} first")), write(&format!("undo {id} last"))])
            }
        };
        let mut stmts = Vec::new();
        if self.one_in(4) {
            stmts.push(self.let_());
        }
        if self.one_in(4) {
            self.seen("done when");
            stmts.push(StmtKind::DoneWhen(holds(&format!("goal {id}"))));
        }
        if self.one_in(6) {
            self.seen("transaction");
            let sql = StmtKind::Eval(native(&format!("sql {id}"), Effect::Write, Want::Nothing, Some(connection())));
            stmts.push(StmtKind::Transaction { on: Box::new(connection()), body: block(vec![sql]) });
        } else {
            stmts.extend((0..self.rng.u32(1..3)).map(|n| write(&format!("do {id} {n}"))));
        }
        if self.one_in(4) {
            self.seen("guard");
            stmts.push(StmtKind::Guards(vec![guard("after", self.cond())]));
        }
        self.seen("step");
        let mut step = step(&format!("s{id}"), stmts, undo);
        if retried {
            self.seen("retry");
            step.retry = Some(Box::new(self.retry()));
        }
        if self.one_in(4) {
            self.seen("timeout");
            step.timeout = Some(Box::new(seconds(self.rng.i64(2..30))));
        }
        if self.one_in(8) {
            self.seen("when");
            step.when = Some(Box::new(self.cond()));
        }
        StmtKind::Step(Box::new(step))
    }

    fn retry(&mut self) -> Retry {
        let every = self.rng.bool().then(|| seconds(self.rng.i64(1..5)));
        let backoff_to = every.is_some().then(|| seconds(8));
        Retry { times: value(Value::Int(self.rng.i64(1..4))), every, backoff_to }
    }

    fn branch(&mut self, at: Where) -> StmtKind {
        self.seen("nested step");
        let id = self.id();
        let retried = self.one_in(3);
        let inside = Where { depth: at.depth - 1, wall: at.wall && !retried, sequence: true };
        let stmts = self.block(inside, 1..4);
        let mut step = step(&format!("s{id}"), stmts, Undo::Nothing);
        step.retry = retried.then(|| Box::new(self.retry()));
        step.timeout = self.one_in(4).then(|| Box::new(seconds(self.rng.i64(5..60))));
        StmtKind::Step(Box::new(step))
    }

    fn action(&mut self, at: Where) -> StmtKind {
        self.seen("action");
        let inside = Where { depth: at.depth - 1, sequence: true, ..at };
        let stmts = self.block(inside, 1..3);
        let id = ActionId(u32::try_from(self.actions.len()).unwrap());
        self.actions.push(Action {
            name: SmolStr::new(format!("a{}", id.0)),
            doc: None,
            params: Vec::new(),
            body: Body { block: block(stmts), undo: Undo::Nothing },
            returns: Type::Nothing,
            effect: Effect::Write,
            timeout: None,
            span: Span::default(),
        });
        let call = ActionCall { action: id, branch: None, args: Vec::new(), want: Want::Nothing };
        StmtKind::Eval(expr(ExprKind::Action(Box::new(call))))
    }

    fn list(&mut self) -> Expr {
        let items = (0..self.rng.usize(0..5)).map(|i| Value::str(i.to_string())).collect();
        value(Value::list(items))
    }

    fn for_(&mut self, at: Where) -> StmtKind {
        self.seen("for");
        StmtKind::For { name: self.name(), list: Box::new(self.list()), parallel: None, body: self.inner(at) }
    }

    /// The directory says in which element a call runs: `NUMBER.ELEMENT`.
    fn for_parallel(&mut self, at: Where) -> StmtKind {
        self.seen("for parallel");
        let id = self.id();
        let bound = self.rng.usize(1..4);
        self.bounds.insert(id, bound);
        let name = self.name();
        let inside = Where { wall: false, ..at };
        let parts = vec![TextPart::Text(SmolStr::new(format!("{id}."))), TextPart::Value(expr(ExprKind::Name(name)))];
        let contexts = vec![ContextUse::Dir(expr(ExprKind::Text(parts)))];
        let body = block(vec![StmtKind::With { contexts, body: self.inner(inside) }]);
        let parallel = Some(Box::new(value(Value::Int(i64::try_from(bound).unwrap()))));
        StmtKind::For { name, list: Box::new(self.list()), parallel, body }
    }

    fn parallel(&mut self, at: Where) -> StmtKind {
        self.seen("parallel");
        let id = self.id();
        let inside = Where { wall: false, ..at };
        let count = self.rng.usize(1..4);
        self.bounds.insert(id, count);
        let stmts = (0..count).map(|i| StmtKind::With {
            contexts: vec![ContextUse::Dir(text(&format!("{id}.{i}")))],
            body: self.inner(inside),
        });
        StmtKind::Parallel(block(stmts.collect()))
    }
}
