//! The way back: rollbacks that name a timeout, undone in reverse along the forward structure.
use crate::check::program::{Block, Step, Stmt, StmtKind, Undo};
use crate::check::walk::{self, Doing};
use crate::source::Span;
use crate::value::{Nanos, SmolStr};

use super::forward::rounds;
use super::{Sum, Walk};

/// The undo of a block: at its good end, and at the worst moment to fail.
#[derive(Clone, Debug, Default)]
pub(super) struct Back {
    pub after: Sum,
    pub peak: Sum,
    /// A point of no return has passed: what lies before it is not undone.
    wall: bool,
}

impl Back {
    fn both(sum: Sum) -> Back {
        Back { after: sum.clone(), peak: sum, wall: false }
    }

    fn or(self, other: Back) -> Back {
        Back {
            after: self.after.or(other.after),
            peak: self.peak.or(other.peak),
            // The worst case is the way without one.
            wall: self.wall && other.wall,
        }
    }
}

/// Undos one after another. The worst moment is a place on the way, not a copy of it: a long way stays cheap.
#[derive(Default)]
struct Trail {
    after: Sum,
    /// Its parts are only those on top of the first `stands` of `after`.
    peak: Sum,
    stands: usize,
    wall: bool,
}

impl Trail {
    fn add(&mut self, one: Back) {
        if one.wall {
            self.forget();
            self.peak = std::mem::take(&mut self.peak).or(one.peak);
            self.after = one.after;
            self.wall = true;
            return;
        }
        let total = Nanos(self.after.total.0.saturating_add(one.peak.total.0));
        if total > self.peak.total {
            (self.peak.total, self.peak.parts, self.stands) = (total, one.peak.parts, self.after.parts.len());
        }
        self.peak.unbounded.extend(one.peak.unbounded);
        self.peak.unlimited.extend(one.peak.unlimited);
        self.after = std::mem::take(&mut self.after).then(one.after);
    }

    /// What was done so far stays done.
    fn forget(&mut self) {
        let mut parts = std::mem::take(&mut self.after).parts;
        parts.truncate(std::mem::take(&mut self.stands));
        parts.append(&mut self.peak.parts);
        self.peak.parts = parts;
    }

    fn end(mut self) -> Back {
        let after = self.after.clone();
        self.forget();
        Back { after, peak: self.peak, wall: self.wall }
    }
}

impl Walk<'_> {
    pub(super) fn back(&mut self, block: &Block) -> Back {
        let mut trail = Trail::default();
        let mut finallys = Sum::default();
        for stmt in &block.stmts {
            match &stmt.kind {
                StmtKind::Commit(_) => trail.forget(),
                StmtKind::Finally(body) => finallys = finallys.then(self.block(body)),
                _ => trail.add(self.back_of(stmt)),
            }
        }
        let all = trail.end();
        Back { peak: all.peak.then(finallys), ..all }
    }

    pub(super) fn back_of_step(&mut self, step: &Step) -> Back {
        let inside = self.back(&step.body.block);
        self.undo(inside, &step.body.undo, (step.head, &step.source), &format!("rollback of \"{}\"", step.source))
    }

    fn undo(&mut self, inside: Back, undo: &Undo, of: (Span, &SmolStr), what: &str) -> Back {
        match undo {
            Undo::Rollback { timeout: Some(timeout), .. } => {
                let own = match self.duration(timeout) {
                    Some(time) => Sum::one(timeout.span, what, time),
                    None => Sum::unbounded(timeout.span, "a timeout that is known only in the run"),
                };
                let both = Back::both(own);
                Back { after: inside.after.then(both.after), peak: inside.peak.then(both.peak), wall: inside.wall }
            }
            Undo::Irreversible { .. } => Back { wall: true, ..inside },
            Undo::Rollback { block, timeout: None, .. } => {
                let unlimited = self.open(Some((of.0, of.1.clone())), |w| w.block(block)).unlimited;
                let both = Back::both(Sum { unlimited, ..Sum::default() });
                Back { after: inside.after.then(both.after), peak: inside.peak.then(both.peak), wall: inside.wall }
            }
            Undo::Nothing | Undo::None { .. } | Undo::Manual { .. } => inside,
        }
    }

    fn back_of(&mut self, stmt: &Stmt) -> Back {
        if self.too_much() {
            return Back::both(Sum::unbounded(stmt.span, "there is too much to add it all up"));
        }
        match &stmt.kind {
            StmtKind::Step(step) => self.back_of_step(step),
            StmtKind::If { cond, then, otherwise } => match self.truth(cond) {
                Some(true) => self.back(then),
                Some(false) => otherwise.as_ref().map_or_else(Back::default, |b| self.back(b)),
                None => {
                    let then = self.back(then);
                    then.or(otherwise.as_ref().map_or_else(Back::default, |b| self.back(b)))
                }
            },
            StmtKind::Choose { options, .. } => {
                let mut all = options.iter().map(|o| &o.body);
                let Some(first) = all.next() else { return Back::default() };
                let first = self.back(first);
                all.fold(first, |worst, b| worst.or(self.back(b)))
            }
            StmtKind::Parallel(body) => {
                let each: Vec<Back> = body.stmts.iter().map(|s| self.back_of(s)).collect();
                each.into_iter().reduce(Back::or).unwrap_or_default()
            }
            StmtKind::For { name, list, parallel, body } => {
                let Some(items) = self.list(list) else {
                    let mut once = self.back(body);
                    if once.peak.total.0 > 0 {
                        let why = "how many elements this list has is known only in the run; one is counted";
                        once.peak = once.peak.then(Sum::unbounded(list.span, why));
                    }
                    return once;
                };
                let each: Vec<Back> =
                    items.iter().map(|i| self.with(vec![(*name, i.clone())], |w| w.back(body))).collect();
                match parallel.as_ref().map(|n| self.int(n).unwrap_or(1)) {
                    Some(n) if n > 1 => {
                        let (after, peak) = each.into_iter().map(|b| (b.after, b.peak)).unzip();
                        Back { after: rounds(after, n), peak: rounds(peak, n), wall: false }
                    }
                    _ => {
                        let mut trail = Trail::default();
                        each.into_iter().for_each(|one| trail.add(one));
                        trail.end()
                    }
                }
            }
            StmtKind::Transaction { body, .. } => self.back(body),
            StmtKind::With { contexts, body } => {
                let inside = self.back(body);
                let nothing = inside.peak.total.0 == 0;
                // It is started again for what is undone inside.
                let starts = if nothing { Sum::default() } else { self.starts(contexts) };
                Back { after: starts.clone().then(inside.after), peak: starts.then(inside.peak), wall: inside.wall }
            }
            StmtKind::Try { body, otherwise, .. } => {
                let body = self.back(body);
                body.or(self.back(otherwise))
            }
            kind => {
                let mut calls = Vec::new();
                walk::expressions(kind, &mut |e| {
                    walk::doings(e, &mut |doing, _| {
                        if let Doing::Action(call) = doing {
                            calls.push(call);
                        }
                    });
                });
                let mut trail = Trail::default();
                for call in calls {
                    let Some(action) = self.program.actions.get(call.action.0 as usize) else { continue };
                    let names = self.arguments(call);
                    let one = self.with(names, |w| {
                        let inside = w.back(&action.body.block);
                        w.undo(
                            inside,
                            &action.body.undo,
                            (action.span, &action.name),
                            &format!("rollback of `{}`", action.name),
                        )
                    });
                    trail.add(one);
                }
                trail.end()
            }
        }
    }
}
