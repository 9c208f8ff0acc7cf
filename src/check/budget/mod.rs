//! Time budgets before the run: the worst case of the way forward against `deadline`, of the way back against
//! `rollback within`. What cannot be known is said to be unbounded and never counts as zero silently.
mod back;
mod forward;

use std::collections::BTreeSet;

use super::constant;
use super::program::{Book, Expr, NameId, Program};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::value::{Nanos, SmolStr, Value, show};

/// A worst case: what is known of it, made of which parts, and what has no bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    pub total: Nanos,
    pub parts: Vec<Part>,
    pub unbounded: Vec<Unbounded>,
    /// What adds nothing since it has no limit of its own, by place: steps by name, as written what stands in none.
    pub unlimited: BTreeSet<(Span, SmolStr)>,
}

/// One contribution, repetitions included.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub span: Span,
    pub text: String,
    pub time: Nanos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Unbounded {
    pub span: Span,
    pub why: String,
}

/// The way forward, from the names that are known (parameters, at least).
#[must_use]
pub fn forward(program: &Program, known: &[(NameId, Value)]) -> Sum {
    let Some(book) = &program.book else { return Sum::default() };
    Walk::new(program, known).block(&book.body)
}

/// The way back: the rollbacks that name a timeout, at the point where they add up to most.
#[must_use]
pub fn back(program: &Program, known: &[(NameId, Value)]) -> Sum {
    let Some(book) = &program.book else { return Sum::default() };
    Walk::new(program, known).back(&book.body).peak
}

/// One step with all its attempts.
#[must_use]
pub fn of_step(program: &Program, known: &[(NameId, Value)], step: &super::program::Step) -> Sum {
    Walk::new(program, known).step(step)
}

/// The parameters that a run without inputs would have.
#[must_use]
pub fn defaults(program: &Program) -> Vec<(NameId, Value)> {
    let mut known = globals(program);
    for param in program.book.iter().flat_map(|b| &b.params) {
        if let Some(value) = param.default.as_ref().and_then(|d| constant::value(d, &known).ok()) {
            known.push((param.name, value));
        }
    }
    known
}

/// The pure `let`s of libraries.
#[must_use]
pub fn globals(program: &Program) -> Vec<(NameId, Value)> {
    let mut known = Vec::new();
    for global in &program.globals {
        if let super::program::Global::Let { name, value } = global
            && let Ok(value) = constant::value(value, &known)
        {
            known.push((*name, value));
        }
    }
    known
}

/// `budget-exceeded`, for the parameters that are known. What is no time at all is `out-of-range`.
#[must_use]
pub fn check(program: &Program, known: &[(NameId, Value)]) -> Vec<Diagnostic> {
    let Some(book @ Book { header, .. }) = &program.book else { return Vec::new() };
    let forward = Way {
        name: "forward",
        limit: "the deadline",
        header: header.deadline.as_ref(),
        sum: |walk, book| walk.block(&book.body),
        help: "raise `deadline`, or lower timeouts, waits or retries",
    };
    let back = Way {
        name: "back",
        limit: "`rollback within`",
        header: header.rollback_within.as_ref(),
        sum: |walk, book| walk.back(&book.body).peak,
        help: "raise `rollback within`, or lower the timeouts of rollbacks",
    };
    let exceeded = [forward, back].into_iter().filter_map(|way| way.exceeded(Walk::times(program, known), book));
    exceeded.chain(forward::too_short(program, known)).collect()
}

/// One direction, and the header word that limits it.
struct Way<'a> {
    name: &'static str,
    limit: &'static str,
    header: Option<&'a Expr>,
    sum: fn(&mut Walk<'_>, &Book) -> Sum,
    help: &'static str,
}

/// How many parts of a sum are shown.
const PARTS: usize = 3;

impl Way<'_> {
    fn exceeded(self, mut walk: Walk<'_>, book: &Book) -> Option<Diagnostic> {
        let header = self.header?;
        let limit = walk.duration(header).filter(|limit| limit.0 > 0)?;
        let sum = (self.sum)(&mut walk, book);
        if sum.total <= limit {
            return None;
        }
        let (total, most) = (show::duration(sum.total), show::duration(limit));
        let message = format!("the way {} may take {total}, and {} is {most}", self.name, self.limit);
        let found = Diagnostic::error(Code::BudgetExceeded, message, header.span, format!("{most} in all"));
        Some(longest(&sum).into_iter().fold(found, |found, (span, label)| found.label(span, label)).help(self.help))
    }
}

/// The parts that take most; what stands at one place is one of them, however often it comes.
fn longest(sum: &Sum) -> Vec<(Span, String)> {
    let mut parts: Vec<(&Part, Nanos, u32)> = Vec::new();
    for part in sum.parts.iter().filter(|part| part.time > Nanos(0)) {
        match parts.iter_mut().find(|(known, ..)| known.span == part.span && known.text == part.text) {
            Some((_, time, times)) => {
                *time = Nanos(time.0.saturating_add(part.time.0));
                *times += 1;
            }
            None => parts.push((part, part.time, 1)),
        }
    }
    parts.sort_by_key(|(_, time, _)| std::cmp::Reverse(*time));
    let label = |(part, time, times): (&Part, Nanos, u32)| {
        let often = if times > 1 { format!(", {times} times") } else { String::new() };
        (part.span, format!("{}: {}{often}", show::duration(time), part.text))
    };
    parts.into_iter().take(PARTS).map(label).collect()
}

/// Goes through a program with the values of the names around.
struct Walk<'a> {
    program: &'a Program,
    known: Vec<(NameId, Value)>,
    /// Statements looked at, each call of an action and each element anew.
    visits: u32,
    /// The step around that has no limit of its own, or the action.
    open: Option<(Span, SmolStr)>,
    /// What has no limit is told.
    names: bool,
}

/// Loops in loops and actions that call actions can multiply without end: what lies beyond is said to be unbounded.
const VISITS: u32 = 100_000;

impl<'a> Walk<'a> {
    fn new(program: &'a Program, known: &[(NameId, Value)]) -> Walk<'a> {
        let mut all = globals(program);
        all.extend(known.iter().cloned());
        Walk { program, known: all, visits: 0, open: None, names: true }
    }

    /// For the times alone.
    fn times(program: &'a Program, known: &[(NameId, Value)]) -> Walk<'a> {
        Walk { names: false, ..Walk::new(program, known) }
    }

    fn too_much(&mut self) -> bool {
        self.visits = self.visits.saturating_add(1);
        self.visits > VISITS
    }

    fn value(&self, expr: &Expr) -> Option<Value> {
        constant::value(expr, &self.known).ok()
    }

    fn duration(&self, expr: &Expr) -> Option<Nanos> {
        match self.value(expr)?.expose().0 {
            Value::Duration(d) => Some(Nanos(d.0.max(0))),
            _ => None,
        }
    }

    fn int(&self, expr: &Expr) -> Option<i64> {
        match self.value(expr)?.expose().0 {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }

    fn truth(&self, expr: &Expr) -> Option<bool> {
        match self.value(expr)? {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The elements of a list that is known.
    fn list(&self, expr: &Expr) -> Option<Vec<Value>> {
        match self.value(expr)?.expose().0 {
            Value::List(items) => Some(items.to_vec()),
            _ => None,
        }
    }

    fn with<T>(&mut self, names: Vec<(NameId, Value)>, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.known.len();
        self.known.extend(names);
        let out = run(self);
        self.known.truncate(before);
        out
    }

    /// Something without a limit: the step around is named, outside of any step the thing itself.
    fn unlimited<T: Into<SmolStr>>(&self, span: Span, text: impl FnOnce() -> T) -> Sum {
        if !self.names {
            return Sum::default();
        }
        let one = self.open.clone().unwrap_or_else(|| (span, text().into()));
        Sum { unlimited: BTreeSet::from([one]), ..Sum::default() }
    }

    /// In the body of something that has no limit itself.
    fn open<T>(&mut self, open: Option<(Span, SmolStr)>, run: impl FnOnce(&mut Self) -> T) -> T {
        let around = std::mem::replace(&mut self.open, open);
        let out = run(self);
        self.open = around;
        out
    }

    /// The parameters of an action as far as its arguments are known.
    fn arguments(&self, call: &super::program::ActionCall) -> Vec<(NameId, Value)> {
        call.args.iter().filter_map(|(n, e)| Some((*n, self.value(e)?))).collect()
    }
}

impl Sum {
    fn one(span: Span, text: impl Into<String>, time: Nanos) -> Sum {
        Sum { total: time, parts: vec![Part { span, text: text.into(), time }], ..Sum::default() }
    }

    fn unbounded(span: Span, why: impl Into<String>) -> Sum {
        Sum { unbounded: vec![Unbounded { span, why: why.into() }], ..Sum::default() }
    }

    fn then(mut self, next: Sum) -> Sum {
        self.total = Nanos(self.total.0.saturating_add(next.total.0));
        self.parts.extend(next.parts);
        self.unbounded.extend(next.unbounded);
        self.unlimited.extend(next.unlimited);
        self
    }

    /// The longer of two ways; what has no bound in either has none.
    fn or(self, other: Sum) -> Sum {
        let (mut long, short) = if other.total > self.total { (other, self) } else { (self, other) };
        long.unbounded.extend(short.unbounded);
        long.unlimited.extend(short.unlimited);
        long
    }

    fn times(mut self, n: i64) -> Sum {
        let n = n.max(0);
        if n == 0 {
            self.unlimited.clear();
        }
        self.total = Nanos(self.total.0.saturating_mul(n));
        for part in &mut self.parts {
            part.time = Nanos(part.time.0.saturating_mul(n));
            if n > 1 {
                part.text = format!("{} ({n} times)", part.text);
            }
        }
        self
    }

    fn is_nothing(&self) -> bool {
        self.total.0 == 0 && self.unbounded.is_empty()
    }
}
