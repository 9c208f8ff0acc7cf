//! Statements: the words as they come, and between them expressions, types and blocks.
use super::exprs::{Depth, is_logic};
use super::layout::{Id, Kind};
use super::{Blank, Gap, Printer};
use crate::source::Span;
use crate::syntax::ast::{
    Block, ChoiceOption, Connect, Expr, ExprKind, Guard, Header, Let, Otherwise, Param, Secret, Stmt, StmtKind,
    Tolerate, TypeExpr,
};

/// What in a statement is more than a word.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Expr(&'a Expr),
    Type(&'a TypeExpr),
    Block(&'a Block),
    /// Of an action; where they start only their bracket tells.
    Params(&'a [Param]),
    /// From `{` to the end of the statement.
    Options(&'a [ChoiceOption]),
}

impl<'a> Part<'a> {
    fn span(self) -> Option<Span> {
        match self {
            Part::Expr(value) => Some(value.span),
            Part::Type(ty) => Some(ty.span),
            Part::Block(block) => Some(block.span),
            Part::Params(_) | Part::Options(_) => None,
        }
    }
}

impl Printer<'_> {
    fn stmt(&mut self, stmt: &Stmt) {
        let end = stmt.span.end as usize;
        match &stmt.kind {
            StmtKind::Reads(patterns) => self.reads(patterns.len()),
            kind => self.sentence(&parts(kind), end),
        }
    }

    /// `reads "…", "…"`: as many on a line as fit.
    pub fn reads(&mut self, count: usize) {
        self.take();
        self.next(Gap::Blank);
        for _ in 1..count {
            self.next(Gap::Nothing);
            self.next(Gap::Fill);
        }
    }

    /// Words and parts up to `end`, from the first word on.
    pub fn sentence(&mut self, parts: &[Part<'_>], end: usize) {
        // Blocks on one line stay there as long as the whole statement fits.
        let start = self.tokens.start();
        let short = self.one_line(parts, end).then(|| self.layout.open(Kind::Together));
        let mut value = None;
        let mut sign = "";
        for part in parts {
            while self.tokens.start() < end && self.stands_before(part) {
                sign = self.tokens.text();
                self.word(start);
            }
            match part {
                Part::Expr(expr) if self.tokens.start() == start => self.expr(expr),
                Part::Expr(expr) if value.is_none() && matches!(sign, "=" | ":") => value = Some(self.value(expr)),
                Part::Expr(expr) => {
                    self.gap(Gap::Blank);
                    self.expr(expr);
                }
                Part::Type(ty) => {
                    self.gap(Gap::Blank);
                    self.ty(ty);
                }
                Part::Block(block) => {
                    self.gap(Gap::Blank);
                    self.block(&block.stmts, short, Printer::stmt);
                }
                Part::Params(params) => {
                    self.gap(Gap::Nothing);
                    self.bracket(params, Kind::Together, "", |p, param, _| p.param(param));
                }
                Part::Options(options) => {
                    self.gap(Gap::Blank);
                    self.block(options, short, |p, ChoiceOption { label: _, body, span }| {
                        p.sentence(&[Part::Block(body)], span.end as usize);
                    });
                }
            }
        }
        while self.tokens.start() < end {
            self.word(start);
        }
        if let Some(group) = value {
            self.layout.dedent(group);
            self.layout.close();
        }
        if short.is_some() {
            self.layout.close();
        }
    }

    /// Whether the next token is a word before a part.
    fn stands_before(&self, part: &Part<'_>) -> bool {
        match part.span() {
            Some(span) => self.tokens.start() < span.start as usize,
            None => !matches!(self.tokens.text(), "(" | "{"),
        }
    }

    /// The next word of the statement that starts at `start`.
    fn word(&mut self, start: usize) {
        if self.tokens.start() == start {
            return self.take();
        }
        self.next(match self.tokens.text() {
            ":" | "," => Gap::Nothing,
            "else" => Gap::Beside,
            _ => Gap::Blank,
        });
    }

    /// The value behind `=` or `:`; its group, open to the end of the statement.
    fn value(&mut self, value: &Expr) -> Id {
        let logic = is_logic(value);
        let kind = match &value.kind {
            _ if logic => Kind::Together,
            ExprKind::List(_) | ExprKind::Record(_) => Kind::Bracket,
            _ => Kind::Value,
        };
        let group = self.layout.open(kind);
        self.layout.indent(group);
        self.gap(self.break_before_value());
        if logic {
            self.logic(value, group, Depth::Same);
        } else {
            self.expr(value);
        }
        group
    }

    /// Whether all blocks of a statement stand on one line with at most one statement each.
    fn one_line(&self, parts: &[Part<'_>], end: usize) -> bool {
        let mut blocks = 0;
        parts.iter().all(|part| match part {
            Part::Block(block) => {
                blocks += 1;
                block.stmts.len() <= 1 && !self.tokens.breaks_between(block.span.start, block.span.end)
            }
            Part::Options(options) => {
                blocks += 1;
                options.len() <= 1 && !self.tokens.breaks_between(small(self.tokens.start()), small(end))
            }
            Part::Expr(_) | Part::Type(_) | Part::Params(_) => true,
        }) && blocks > 0
    }

    /// `{ … }`
    fn block<T>(&mut self, stmts: &[T], short: Option<Id>, stmt: impl Fn(&mut Self, &T)) {
        self.take();
        if stmts.is_empty() && self.tokens.comments().is_empty() {
            return self.next(Gap::Blank);
        }
        if let Some(group) = short {
            self.layout.indent(group);
            for one in stmts {
                self.gap(Gap::Soft(" ", Blank::Dropped));
                stmt(self, one);
            }
            self.layout.dedent(group);
            self.layout.soft(" ", false);
            return self.take();
        }
        self.layout.deeper();
        for (at, one) in stmts.iter().enumerate() {
            self.gap(Gap::Line(if at == 0 { Blank::Dropped } else { Blank::Kept }));
            stmt(self, one);
        }
        self.comments(Gap::Line(if stmts.is_empty() { Blank::Dropped } else { Blank::Kept }));
        self.layout.back();
        self.layout.line(false);
        self.take();
    }
}

fn small(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The parts of a statement in the order of the text.
fn parts(kind: &StmtKind) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    match kind {
        StmtKind::Header(header) => match header {
            Header::Reviewed { every, .. } => parts.extend(every.as_deref().map(Part::Expr)),
            Header::Deadline(limit) | Header::RollbackWithin(limit) | Header::Timeout(limit) => {
                parts.push(Part::Expr(limit));
            }
            Header::Owner(_) | Header::Contact(_) | Header::Lock { .. } | Header::Shell(_) => {}
        },
        StmtKind::Param(param) => {
            let Param { ty, default, condition, .. } = &**param;
            parts.push(Part::Type(ty));
            parts.extend([default, condition].into_iter().flatten().map(Part::Expr));
        }
        StmtKind::Secret(Secret { value, .. }) | StmtKind::Connect(Connect { value, .. }) => {
            parts.push(Part::Expr(value))
        }
        StmtKind::Let(Let { value, fallback, .. }) => {
            parts.push(Part::Expr(value));
            parts.extend(fallback.as_deref().map(Part::Expr));
        }
        StmtKind::Ask { ty, .. } => parts.extend(ty.as_deref().map(Part::Type)),
        StmtKind::ChooseFrom { from, .. } => parts.push(Part::Expr(from)),
        StmtKind::Step(step) => {
            parts.extend([step.when.as_deref(), step.timeout.as_deref()].into_iter().flatten().map(Part::Expr));
            if let Some(retry) = &step.retry {
                parts.push(Part::Expr(&retry.times));
                parts.extend([&retry.every, &retry.backoff_to].into_iter().flatten().map(Part::Expr));
            }
            // Its clauses come in any order.
            parts.sort_by_key(|p| p.span().map(|s| s.start));
            parts.push(Part::Block(&step.body));
        }
        StmtKind::Guard(Guard { tolerate: t, cond, .. }) | StmtKind::Warn(Guard { tolerate: t, cond, .. }) => {
            parts.extend(times(t.as_ref()));
            parts.push(Part::Expr(cond));
        }
        StmtKind::Invariant { every, tolerate: t, cond, .. } => {
            parts.push(Part::Expr(every));
            parts.extend(times(t.as_ref()));
            parts.push(Part::Expr(cond));
        }
        StmtKind::WaitUntil { limit, every, until, unless } => {
            parts.push(Part::Expr(limit));
            parts.extend(every.as_deref().map(Part::Expr));
            parts.push(Part::Expr(until));
            parts.extend(unless.as_deref().map(Part::Expr));
        }
        StmtKind::Watch { window, every, tolerate: t, body, .. } => {
            parts.extend([Part::Expr(window), Part::Expr(every)]);
            parts.extend(times(t.as_ref()));
            parts.push(Part::Block(body));
        }
        StmtKind::If { .. } => branches(kind, &mut parts),
        StmtKind::For { list, parallel, body, .. } => {
            parts.push(Part::Expr(list));
            parts.extend(parallel.as_deref().map(Part::Expr));
            parts.push(Part::Block(body));
        }
        StmtKind::Transaction { on, body } => parts.extend([Part::Expr(on), Part::Block(body)]),
        StmtKind::With { contexts, body } => {
            parts.extend(contexts.iter().map(Part::Expr));
            parts.push(Part::Block(body));
        }
        StmtKind::Confirm { within, .. } => parts.extend(within.as_deref().map(Part::Expr)),
        StmtKind::Choose { options, .. } => parts.push(Part::Options(options)),
        StmtKind::Try { body, otherwise } => parts.extend([Part::Block(body), Part::Block(otherwise)]),
        StmtKind::Rollback { timeout, body } => {
            parts.extend(timeout.as_deref().map(Part::Expr));
            parts.push(Part::Block(body));
        }
        StmtKind::Parallel(body) | StmtKind::Finally(body) | StmtKind::OnSuccess(body) | StmtKind::OnFailure(body) => {
            parts.push(Part::Block(body));
        }
        StmtKind::DoneWhen(value)
        | StmtKind::Wait(value)
        | StmtKind::Fail(value)
        | StmtKind::Log(value)
        | StmtKind::Return(value)
        | StmtKind::Expr(value) => parts.push(Part::Expr(value)),
        StmtKind::Note { value, .. } => parts.push(Part::Expr(value)),
        StmtKind::Reads(_)
        | StmtKind::RollbackNone(_)
        | StmtKind::RollbackManual(_)
        | StmtKind::Irreversible(_)
        | StmtKind::Commit(_)
        | StmtKind::Bad => {}
    }
    parts
}

fn times(tolerate: Option<&Tolerate>) -> Option<Part<'_>> {
    tolerate.map(|t| Part::Expr(&t.times))
}

/// `if a { } else if b { } else { }`, however many.
fn branches<'a>(kind: &'a StmtKind, parts: &mut Vec<Part<'a>>) {
    let mut next = Some(kind);
    while let Some(StmtKind::If { cond, then, otherwise }) = next {
        parts.extend([Part::Expr(cond), Part::Block(then)]);
        next = match otherwise {
            Some(Otherwise::If(stmt)) => Some(&stmt.kind),
            Some(Otherwise::Block(block)) => {
                parts.push(Part::Block(block));
                None
            }
            None => None,
        };
    }
}
