//! What a count or a length of time must at least be: said by the check of what is constant, by the run of what it computes.
use crate::check::program::{ContextUse, Expr, Guard, NameId, Program, StmtKind, Tolerate, Undo};
use crate::check::{budget, constant, walk};
use crate::diag::{Code, Diagnostic};
use crate::value::{Nanos, Value, show};

/// Where a count or a length of time stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Parallel,
    Tolerate,
    Retry,
    /// Between two attempts.
    Delay,
    BackoffTo,
    /// Between two looks.
    Every,
    Wait,
    WaitUpTo,
    Window,
    Timeout,
    Within,
    /// Of `running`.
    Ready,
    Deadline,
    RollbackWithin,
    /// Between two reviews.
    Reviewed,
}

impl Field {
    fn word(self) -> &'static str {
        match self {
            Field::Parallel => "`parallel`",
            Field::Tolerate => "`tolerate`",
            Field::Retry => "`retry`",
            Field::Delay | Field::Every => "`every`",
            Field::BackoffTo => "`backoff to`",
            Field::Wait => "`wait`",
            Field::WaitUpTo => "`wait up to`",
            Field::Window => "the `for` of a watch",
            Field::Timeout => "`timeout`",
            Field::Within | Field::Ready => "`within`",
            Field::Deadline => "`deadline`",
            Field::RollbackWithin => "`rollback within`",
            Field::Reviewed => "`every` of `reviewed`",
        }
    }

    /// A number, or nanoseconds.
    fn least(self) -> i64 {
        match self {
            Field::Tolerate
            | Field::Retry
            | Field::Delay
            | Field::BackoffTo
            | Field::Wait
            | Field::WaitUpTo
            | Field::Window => 0,
            Field::Parallel
            | Field::Every
            | Field::Timeout
            | Field::Within
            | Field::Ready
            | Field::Deadline
            | Field::RollbackWithin
            | Field::Reviewed => 1,
        }
    }

    /// Why the value cannot stand here; none when it can, and for a value of another type.
    #[must_use]
    pub fn refusal(self, value: &Value) -> Option<String> {
        let (number, must) = match (value.expose().0, self.least()) {
            (Value::Int(n), 1) => (*n, "at least 1"),
            (Value::Int(n), _) => (*n, "at least 0"),
            (Value::Duration(time), 1) => (time.0, "longer than 0s"),
            (Value::Duration(time), _) => (time.0, "at least 0s"),
            _ => return None,
        };
        (number < self.least()).then(|| format!("{} must be {must}, and this is {}", self.word(), show::show(value)))
    }

    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Field::Parallel => "say how many may run at once: `parallel 4`; without it one runs after the other",
            Field::Tolerate => "say how many may fail: `tolerate 2`; without it none may",
            Field::Retry => "say how many attempts may follow the first: `retry 2`",
            Field::Delay => "say how long to wait between two attempts: `every 5s`",
            Field::BackoffTo => "say how long the delay may become: `backoff to 1m`",
            Field::Every => "say how long to wait between two looks: `every 5s`",
            Field::Wait => {
                "say how long to wait: `wait 5s`; of a computed time take what is left: `if left > 0s { wait left }`"
            }
            Field::WaitUpTo => "say how long to wait at most: `wait up to 30s until …`; `0s` looks once",
            Field::Window => "say how long to watch: `for 5m`",
            Field::Timeout => "say how long it may take: `timeout 30s`; without one only what is around it limits it",
            Field::Within => "say how long a person has: `within 5m`",
            Field::Ready => "say how long it may take to be ready: `within: 30s`",
            Field::Deadline => "say how long the way forward may take: `deadline 30m`",
            Field::RollbackWithin => "say how long undoing everything may take: `rollback within 5m`",
            Field::Reviewed => "say how often it is to be reviewed: `every 180d`",
        }
    }
}

pub(super) fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    let mut known = budget::globals(program);
    if let Some(header) = program.book.as_ref().map(|book| &book.header) {
        let fields = [
            (Field::Deadline, &header.deadline),
            (Field::RollbackWithin, &header.rollback_within),
            (Field::Timeout, &header.timeout),
        ];
        for (field, time) in fields {
            time.iter().for_each(|time| one(field, time, &known, found));
        }
        if let Some(reviewed) = &header.reviewed
            && let Some(Nanos(every)) = reviewed.every
            && let Some(why) = Field::Reviewed.refusal(&Value::Duration(Nanos(every)))
        {
            let refused = Diagnostic::error(Code::OutOfRange, why, reviewed.span, "out of range");
            found.push(refused.help(Field::Reviewed.help()));
        }
    }
    for action in &program.actions {
        action.timeout.iter().for_each(|time| one(Field::Deadline, time, &known, found));
    }
    for block in super::top_blocks(program) {
        statements(block, &mut known, found);
    }
    super::units(program, &mut |unit| {
        if let Undo::Rollback { block, timeout, .. } = unit.undo {
            timeout.iter().for_each(|time| one(Field::Timeout, time, &known, found));
            statements(block, &mut known.clone(), found);
        }
    });
}

/// A name is bound once in a program: what is known of it is so wherever it can be read.
fn statements(block: &crate::check::program::Block, known: &mut Vec<(NameId, Value)>, found: &mut Vec<Diagnostic>) {
    walk::statements(block, &mut |stmt| {
        if let StmtKind::Let { name, value, .. } = &stmt.kind
            && let Ok(value) = constant::value(value, known)
            && matches!(value, Value::Int(_) | Value::Duration(_))
        {
            known.push((*name, value));
        }
        fields(&stmt.kind, &mut |field, value| one(field, value, known, found));
    });
}

fn fields<'a>(kind: &'a StmtKind, each: &mut dyn FnMut(Field, &'a Expr)) {
    let tolerated = |tolerate: &'a Option<Tolerate>| tolerate.as_ref().map(|t| &t.times);
    let of_guards = |guards: &'a [Guard], each: &mut dyn FnMut(Field, &'a Expr)| {
        guards.iter().filter_map(|g| tolerated(&g.tolerate)).for_each(|times| each(Field::Tolerate, times));
    };
    match kind {
        StmtKind::Step(step) => {
            step.timeout.iter().for_each(|time| each(Field::Timeout, time));
            if let Some(retry) = &step.retry {
                each(Field::Retry, &retry.times);
                retry.every.iter().for_each(|time| each(Field::Delay, time));
                retry.backoff_to.iter().for_each(|time| each(Field::BackoffTo, time));
            }
        }
        StmtKind::Guards(guards) => of_guards(guards, each),
        StmtKind::Warn(guard) => of_guards(std::slice::from_ref(guard), each),
        StmtKind::Invariant { every, tolerate, .. } => {
            each(Field::Every, every);
            tolerated(tolerate).into_iter().for_each(|times| each(Field::Tolerate, times));
        }
        StmtKind::Wait(time) => each(Field::Wait, time),
        StmtKind::WaitUntil { limit, every, .. } => {
            each(Field::WaitUpTo, limit);
            every.iter().for_each(|time| each(Field::Every, time));
        }
        StmtKind::Watch { window, every, tolerate, .. } => {
            each(Field::Window, window);
            each(Field::Every, every);
            tolerated(tolerate).into_iter().for_each(|times| each(Field::Tolerate, times));
        }
        StmtKind::For { parallel, .. } => parallel.iter().for_each(|bound| each(Field::Parallel, bound)),
        StmtKind::With { contexts, .. } => {
            for entered in contexts {
                if let ContextUse::Running(running) = entered {
                    running.within.iter().for_each(|time| each(Field::Ready, time));
                }
            }
        }
        StmtKind::Confirm { within, .. } => within.iter().for_each(|time| each(Field::Within, time)),
        StmtKind::Let { .. }
        | StmtKind::Ask { .. }
        | StmtKind::ChooseFrom { .. }
        | StmtKind::DoneWhen(_)
        | StmtKind::If { .. }
        | StmtKind::Parallel(_)
        | StmtKind::Transaction { .. }
        | StmtKind::Choose { .. }
        | StmtKind::Try { .. }
        | StmtKind::Commit(_)
        | StmtKind::Finally(_)
        | StmtKind::Fail(_)
        | StmtKind::Log(_)
        | StmtKind::Note { .. }
        | StmtKind::Return(_)
        | StmtKind::Eval(_)
        | StmtKind::Show(_) => {}
    }
}

fn one(field: Field, expr: &Expr, known: &[(NameId, Value)], found: &mut Vec<Diagnostic>) {
    let Ok(value) = constant::value(expr, known) else { return };
    if let Some(why) = field.refusal(&value) {
        found.push(Diagnostic::error(Code::OutOfRange, why, expr.span, "out of range").help(field.help()));
    }
}
