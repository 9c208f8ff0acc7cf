//! What the checker proves a file to be: names resolved, types and effects known, each body's undo decided, sugar gone.
//! `plan` shows it, `engine` runs it. Nothing here can fail for a reason that `check` could have found.
use std::sync::Arc;

use crate::source::Span;
pub use crate::value::encode::How;
pub use crate::value::method::{EachMethod, Method};
pub use crate::value::ops::BinaryOp;
use crate::value::{Nanos, SmolStr, Timestamp, Type, Value};

/// Index into [`Program::names`]: one for each declaration in all files, so that no two bindings share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// Index into [`Program::actions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u32);

/// Index into [`Program::contexts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub u32);

#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Shared by the programs of a console.
    pub names: Vec<Arc<NameInfo>>,
    pub actions: Vec<Action>,
    pub contexts: Vec<UserContext>,
    /// Of all modules, and the runbook's own secrets and connections, in the order they are evaluated.
    /// Evaluated after the params and before the first action.
    pub globals: Vec<Global>,
    /// None for a library and for a console.
    pub book: Option<Book>,
    pub console: Option<Console>,
    /// What the project says of commands that only read.
    pub reads: Vec<SmolStr>,
}

/// What was typed at a console so far.
#[derive(Clone, Debug)]
pub struct Console {
    /// `run`: `{ id: string }`.
    pub run: NameId,
    /// Each stands in the program of every later one.
    pub entries: Vec<Arc<Entry>>,
}

/// One input.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it declares, and what the libraries that it uses first do: evaluated before its statements.
    pub globals: Vec<Global>,
    pub body: Block,
    pub role: Role,
}

/// What an input is to the runbook of its console.
#[derive(Clone, Debug)]
pub enum Role {
    Own,
    /// It opens it.
    Opens(Box<Opens>),
    /// It is the statement at this place of its way forward.
    Part(u32),
    /// A person's own, instead of that statement.
    Instead(u32),
    /// Nothing runs: the statements before this one are left out.
    Past(u32),
    /// Its way forward is over: its `finally`s run.
    Ends,
    /// All of it is done: its `on success` runs.
    Succeeds(Block),
}

/// What a runbook at a console begins with; its parameters have their values.
#[derive(Clone, Debug)]
pub struct Opens {
    pub params: Vec<(NameId, Value)>,
    pub header: Header,
    pub on_failure: Option<Block>,
    /// As [`Book::failure`].
    pub failure: NameId,
}

impl Role {
    /// The handlers of the runbook that it has.
    pub fn handlers(&self) -> impl Iterator<Item = &Block> {
        let block = match self {
            Role::Opens(opens) => opens.on_failure.as_ref(),
            Role::Succeeds(block) => Some(block),
            Role::Own | Role::Part(_) | Role::Instead(_) | Role::Past(_) | Role::Ends => None,
        };
        block.into_iter()
    }
}

#[derive(Clone, Debug)]
pub struct NameInfo {
    pub text: SmolStr,
    pub span: Span,
    pub ty: Type,
    pub kind: NameKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    Param,
    Let,
    Secret,
    Connect,
    Loop,
    /// `ask`, `choose … from`
    Answer,
    /// `run`, `failure`
    Given,
    It,
}

#[derive(Clone, Debug)]
pub enum Global {
    /// Pure.
    Let { name: NameId, value: Expr },
    /// `value` reads; what it gives is hidden under the name.
    Secret { name: NameId, value: Expr, short: bool, span: Span },
    /// `value` is an [`ExprKind::Connection`].
    Connect { name: NameId, value: Expr },
}

impl Global {
    #[must_use]
    pub fn name(&self) -> NameId {
        match self {
            Global::Let { name, .. } | Global::Secret { name, .. } | Global::Connect { name, .. } => *name,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Book {
    pub title: SmolStr,
    pub doc: Option<String>,
    pub header: Header,
    pub params: Vec<Param>,
    /// Without the header words, params, secrets, connections and handlers.
    pub body: Block,
    pub on_success: Option<Block>,
    pub on_failure: Option<Block>,
    /// `run`: `{ id: string }`.
    pub run: NameId,
    /// `failure` in `on failure`: `{ step, path, message, kind }`, all strings.
    pub failure: NameId,
    pub span: Span,
}

impl Book {
    /// The segments that the paths of its handlers begin with.
    pub const ON_SUCCESS: u32 = 1;
    pub const ON_FAILURE: u32 = 2;
}

impl ActionCall {
    /// Of the first call inside a statement: above the numbers of the statement's own blocks.
    pub const FIRST: u32 = 100;
}

#[derive(Clone, Debug, Default)]
pub struct Header {
    pub owner: Option<SmolStr>,
    pub contact: Option<SmolStr>,
    pub reviewed: Option<Reviewed>,
    /// Durations; they may read params.
    pub deadline: Option<Expr>,
    pub rollback_within: Option<Expr>,
    /// The default for steps without a `timeout` of their own.
    pub timeout: Option<Expr>,
    /// The book's own and those of every runbook it uses, names not yet evaluated.
    pub locks: Vec<Lock>,
}

#[derive(Clone, Debug)]
pub struct Reviewed {
    pub on: Timestamp,
    pub every: Option<Nanos>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Lock {
    pub name: Expr,
    pub takeover: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: NameId,
    pub doc: Option<String>,
    pub ty: Type,
    pub default: Option<Expr>,
    /// May read this param and those above it.
    pub condition: Option<Expr>,
}

/// An action of the language, or a runbook used as one.
#[derive(Clone, Debug)]
pub struct Action {
    /// As called: `git.checkout`.
    pub name: SmolStr,
    pub doc: Option<String>,
    pub params: Vec<Param>,
    pub body: Body,
    pub returns: Type,
    /// The most that any statement in it does, actions it calls included.
    pub effect: Effect,
    /// A used runbook's deadline.
    pub timeout: Option<Expr>,
    pub span: Span,
}

/// What a step or an action does and how that is undone.
#[derive(Clone, Debug)]
pub struct Body {
    pub block: Block,
    pub undo: Undo,
}

/// Of a leaf; a branch and a body that only reads have [`Undo::Nothing`].
#[derive(Clone, Debug)]
pub enum Undo {
    Nothing,
    Rollback { block: Block, timeout: Option<Box<Expr>>, span: Span },
    None { why: Box<Expr>, span: Span },
    Manual { what: Box<Expr>, span: Span },
    Irreversible { why: Box<Expr>, span: Span, ask: Ask },
}

/// How a person is asked before a point of no return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// For the step's name.
    ByName,
    YesOrNo,
}

#[derive(Clone, Debug, Default)]
pub struct Block {
    pub stmts: Vec<Stmt>,
    pub span: Span,
}

/// What is large in it and not in most is boxed: a program is mostly these.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// Its position in the block as written: a segment of every path through it.
    pub pos: u32,
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StmtKind {
    Step(Box<Step>),
    Let {
        name: NameId,
        value: Expr,
        fallback: Option<Box<Expr>>,
    },
    Ask {
        name: NameId,
        question: Box<Question>,
        ty: Type,
    },
    ChooseFrom {
        name: NameId,
        question: Box<Question>,
        from: Box<Expr>,
    },
    DoneWhen(Expr),
    /// Guards that stand together: all are evaluated, all failures shown.
    Guards(Vec<Guard>),
    Warn(Box<Guard>),
    Invariant {
        label: Box<Expr>,
        every: Box<Expr>,
        tolerate: Option<Tolerate>,
        cond: Box<Expr>,
    },
    Wait(Expr),
    WaitUntil {
        limit: Box<Expr>,
        every: Option<Box<Expr>>,
        until: Box<Expr>,
        unless: Option<Box<Expr>>,
    },
    /// The body holds lets, guards and warns.
    Watch {
        label: Box<Expr>,
        window: Box<Expr>,
        every: Box<Expr>,
        tolerate: Option<Tolerate>,
        body: Block,
    },
    If {
        cond: Box<Expr>,
        then: Block,
        otherwise: Option<Block>,
    },
    For {
        name: NameId,
        list: Box<Expr>,
        parallel: Option<Box<Expr>>,
        body: Block,
    },
    /// Each statement at once.
    Parallel(Block),
    /// One Postgres transaction on the connection.
    Transaction {
        on: Box<Expr>,
        body: Block,
    },
    With {
        contexts: Vec<ContextUse>,
        body: Block,
    },
    Confirm {
        question: Box<Question>,
        within: Option<Box<Expr>>,
    },
    Choose {
        question: Box<Question>,
        options: Vec<ChoiceOption>,
    },
    /// `failure` is bound in `otherwise`.
    Try {
        body: Block,
        otherwise: Block,
        failure: NameId,
    },
    Commit(Expr),
    Finally(Block),
    Fail(Expr),
    Log(Expr),
    Note {
        key: Box<Expr>,
        value: Box<Expr>,
    },
    Return(Expr),
    /// A call or a command for its effect.
    Eval(Expr),
    /// At a console: an expression for its value, which the person sees.
    Show(Expr),
}

#[derive(Clone, Debug)]
pub struct Step {
    /// A string.
    pub name: Expr,
    /// The name as written, `#{…}` included.
    pub source: SmolStr,
    pub readonly: bool,
    pub when: Option<Box<Expr>>,
    pub timeout: Option<Box<Expr>>,
    pub retry: Option<Box<Retry>>,
    pub body: Body,
    pub head: Span,
}

#[derive(Clone, Debug)]
pub struct Retry {
    pub times: Expr,
    /// Absent: at once.
    pub every: Option<Expr>,
    /// The delay doubles up to this.
    pub backoff_to: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct Guard {
    pub label: Expr,
    pub tolerate: Option<Tolerate>,
    pub cond: Expr,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Tolerate {
    pub times: Box<Expr>,
    pub consecutive: bool,
}

#[derive(Clone, Debug)]
pub struct Question {
    pub text: Expr,
    /// As written, `#{…}` included: what `--answer` matches.
    pub source: SmolStr,
}

#[derive(Clone, Debug)]
pub struct ChoiceOption {
    pub label: Expr,
    pub source: SmolStr,
    pub body: Block,
}

#[derive(Clone, Debug)]
pub enum ContextUse {
    Dir(Expr),
    /// A record of strings and secrets.
    Env(Expr),
    Ssh(Expr),
    /// None: root.
    Sudo(Option<Expr>),
    Stdin(Expr),
    /// `PG*` and a private password file for the commands inside.
    Connection(Expr),
    User {
        context: ContextId,
        args: Vec<(NameId, Expr)>,
    },
    /// No place: a process that runs beside the block.
    Running(Box<Running>),
}

/// `running($(command), ready: condition, within: duration)`
#[derive(Clone, Debug)]
pub struct Running {
    /// An [`ExprKind::Command`].
    pub command: Expr,
    pub ready: Option<Expr>,
    pub within: Option<Expr>,
}

/// `context NAME(…) [reparses] [carries env] = argv`
#[derive(Clone, Debug)]
pub struct UserContext {
    pub name: SmolStr,
    pub params: Vec<Param>,
    pub reparses: bool,
    pub carries_env: bool,
    /// A list of strings that stands before the command's own words.
    pub argv: Expr,
    pub span: Span,
}

/// What a call may do to the outside, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    #[default]
    Pure,
    Read,
    /// A message: bounded, retried, its failure is a warning and never undoes anything.
    Notify,
    Write,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Value(Value),
    Name(NameId),
    /// A plain string: text and values as text. Null, lists and records are errors in it.
    Text(Vec<TextPart>),
    List(Vec<Expr>),
    Record(Vec<(SmolStr, Expr)>),
    Field(Box<Expr>, SmolStr),
    Index(Box<Expr>, Box<Expr>),
    /// And the operand as it is written.
    Not(Box<Expr>, SmolStr),
    Neg(Box<Expr>),
    /// Left to right, stop early; every other operator needs both sides.
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    If(Box<(Expr, Expr, Expr)>),
    /// `.trim()`, `.split(",")`, `.get("k")`; pure.
    Method(Box<Expr>, Method, Vec<Expr>),
    /// `.where(it.ready)`: the body once for each element, bound to the name.
    Each(Box<Expr>, EachMethod, NameId, Box<Expr>),
    /// The time of the event that is being handled.
    Now,
    /// A whole call as a condition: a response is true for 2xx, no result for success.
    Judge(Box<Expr>),
    Command(Box<Command>),
    Call(Box<Call>),
    Action(Box<ActionCall>),
    /// A recipe made of its arguments, named as in the kind's signature.
    Connection(Box<ConnectionExpr>),
}

#[derive(Clone, Debug)]
pub enum TextPart {
    Text(SmolStr),
    Value(Expr),
}

/// `$ …`
#[derive(Clone, Debug)]
pub struct Command {
    pub code: Vec<CodePart>,
    /// No shell syntax: executed without a shell.
    pub direct: bool,
    pub shell: Shell,
    pub class: Class,
    /// What the place makes of the class: see `language.md`, Effects.
    pub effect: Effect,
    pub want: Want,
    /// The text as written, for people.
    pub source: SmolStr,
}

/// What a command is known to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Read,
    Write,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `bash -euo pipefail -c`
    Bash,
    /// `NAME -eu -c`
    Other(SmolStr),
}

/// What the caller does with the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A statement: output streams to the operator; a failure fails.
    Nothing,
    /// The value: standard output without its trailing newlines, the response, the rows.
    Value,
    /// `result($( … ))`: `{ code, out, err }`, whatever the code.
    Result,
    /// It runs until it is cancelled; output streams to the operator; an end by itself is a failure whatever its code.
    Runs,
    /// True or false: exit 0, 2xx; what cannot be judged (exit 126 and above, a refused connection) is an error.
    Condition,
}

/// A piece of code of some place.
#[derive(Clone, Debug)]
pub enum CodePart {
    Text { text: Arc<str>, span: Span },
    Value { expr: Expr, how: How },
}

/// A native action: `db.value(…)`, `http.get(…)`, `file.size(…)`, `env("X")`.
#[derive(Clone, Debug)]
pub struct Call {
    /// Provider and name: `postgres.value`, `http.get`, `secret.env`.
    pub action: SmolStr,
    /// As the operator wrote it: `db.value`.
    pub source: SmolStr,
    /// The connection it is called on.
    pub on: Option<Expr>,
    /// Every parameter of the signature, in its order; defaults filled in.
    pub args: Vec<(SmolStr, Arg)>,
    pub effect: Effect,
    pub idempotent: bool,
    pub want: Want,
}

#[derive(Clone, Debug)]
pub enum Arg {
    Value(Expr),
    Code(Vec<CodePart>),
}

/// A call of an [`Action`]: an instance of its body, like a step.
#[derive(Clone, Debug)]
pub struct ActionCall {
    pub action: ActionId,
    /// The segment of its path below its statement's; none when it is the whole statement, or all that one binds.
    pub branch: Option<u32>,
    /// Every parameter; defaults filled in.
    pub args: Vec<(NameId, Expr)>,
    pub want: Want,
}

#[derive(Clone, Debug)]
pub struct ConnectionExpr {
    pub kind: crate::value::ConnKind,
    /// The declared name, or the kind's.
    pub name: SmolStr,
    pub args: Vec<(SmolStr, Expr)>,
}
