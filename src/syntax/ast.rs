//! The tree as written: every construct of the language with its span, names unresolved, sugar kept.
//! Built by `build`, read by `check` (and later the formatter).
use crate::source::{FileId, Span};
use crate::value::{SmolStr, Timestamp};

#[derive(Clone, Debug)]
pub struct Ast {
    pub file: FileId,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub struct Name {
    pub text: SmolStr,
    pub span: Span,
}

/// Something at the top level of a file.
#[derive(Clone, Debug)]
pub struct Item {
    /// The `##` lines above it, without the marks, joined by newlines.
    pub doc: Option<String>,
    pub kind: ItemKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    Use(Use),
    Runbook(Runbook),
    Action(Action),
    Extern(Extern),
    Context(Context),
    Let(Let),
    Secret(Secret),
    Connect(Connect),
    /// `reads "patronictl list", …`
    Reads(Vec<Str>),
}

#[derive(Clone, Debug)]
pub struct Use {
    pub path: Str,
    pub alias: Option<Name>,
}

#[derive(Clone, Debug)]
pub struct Runbook {
    pub title: Str,
    pub body: Block,
}

#[derive(Clone, Debug)]
pub struct Action {
    pub name: Name,
    pub params: Vec<Param>,
    pub body: Block,
}

/// `extern action name(params) -> type effect read|write|notify [idempotent]`
#[derive(Clone, Debug)]
pub struct Extern {
    pub name: Name,
    pub params: Vec<Param>,
    pub returns: Option<TypeExpr>,
    /// The word as written: `read`, `write`, `notify`.
    pub effect: Name,
    pub idempotent: bool,
}

/// `context name(params) [reparses] [carries env] = argv`
#[derive(Clone, Debug)]
pub struct Context {
    pub name: Name,
    pub params: Vec<Param>,
    pub reparses: bool,
    pub carries_env: bool,
    pub argv: Expr,
}

/// Of an action, an extern or a context; and, as a statement of a runbook, `param`.
#[derive(Clone, Debug)]
pub struct Param {
    pub doc: Option<String>,
    pub name: Name,
    pub ty: TypeExpr,
    pub default: Option<Expr>,
    pub condition: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct TypeExpr {
    pub kind: TypeKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `int`, `string`, `postgres`, `sql` …, and with arguments `list<T>`, `secret<T>`.
    Named(Name, Vec<TypeExpr>),
    Record(Vec<(Name, TypeExpr)>),
    /// `"blue" | "green"`
    Enum(Vec<Str>),
    /// `T?`
    Optional(Box<TypeExpr>),
}

/// `let name = value [else fallback]`
#[derive(Clone, Debug)]
pub struct Let {
    pub name: Name,
    pub value: Box<Expr>,
    pub fallback: Option<Box<Expr>>,
}

/// `secret [short] name = value`
#[derive(Clone, Debug)]
pub struct Secret {
    pub short: bool,
    pub name: Name,
    pub value: Box<Expr>,
}

/// `connect name = postgres(url)`; the value is a call as written.
#[derive(Clone, Debug)]
pub struct Connect {
    pub name: Name,
    pub value: Box<Expr>,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub stmts: Vec<Stmt>,
    /// From `{` to `}`.
    pub span: Span,
}

/// What is large in it and not in most is boxed: a tree is mostly these.
#[derive(Clone, Debug)]
pub struct Stmt {
    pub doc: Option<String>,
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StmtKind {
    // Header words and declarations of a runbook; `check` says where they belong.
    Header(Header),
    Param(Box<Param>),
    Secret(Secret),
    Connect(Connect),
    Reads(Vec<Str>),
    OnSuccess(Block),
    OnFailure(Block),

    Step(Box<Step>),
    Let(Let),
    /// `let name = ask "question" [: type]`
    Ask {
        name: Name,
        question: Str,
        ty: Option<Box<TypeExpr>>,
    },
    /// `let name = choose "question" from list`
    ChooseFrom {
        name: Name,
        question: Str,
        from: Box<Expr>,
    },
    DoneWhen(Expr),
    Guard(Guard),
    Warn(Guard),
    Invariant {
        label: Str,
        every: Box<Expr>,
        tolerate: Option<Tolerate>,
        cond: Box<Expr>,
    },
    /// `wait D`
    Wait(Expr),
    WaitUntil {
        limit: Box<Expr>,
        every: Option<Box<Expr>>,
        until: Box<Expr>,
        unless: Option<Box<Expr>>,
    },
    Watch {
        label: Box<Str>,
        window: Box<Expr>,
        every: Box<Expr>,
        tolerate: Option<Tolerate>,
        body: Block,
    },
    If {
        cond: Box<Expr>,
        then: Block,
        otherwise: Option<Otherwise>,
    },
    For {
        name: Box<Name>,
        list: Box<Expr>,
        parallel: Option<Box<Expr>>,
        body: Block,
    },
    Parallel(Block),
    Transaction {
        on: Box<Expr>,
        body: Block,
    },
    With {
        contexts: Vec<Expr>,
        body: Block,
    },
    Confirm {
        question: Str,
        within: Option<Box<Expr>>,
    },
    Choose {
        question: Str,
        options: Vec<ChoiceOption>,
    },
    Try {
        body: Block,
        otherwise: Block,
    },
    Rollback {
        timeout: Option<Box<Expr>>,
        body: Block,
    },
    RollbackNone(Str),
    RollbackManual(Str),
    Irreversible(Str),
    Commit(Str),
    Finally(Block),
    Fail(Expr),
    Log(Expr),
    /// `note "key": value`
    Note {
        key: Str,
        value: Box<Expr>,
    },
    Return(Expr),
    /// A call or a command standing alone.
    Expr(Expr),
    /// Text that did not parse; already reported.
    Bad,
}

#[derive(Clone, Debug)]
pub enum Header {
    Owner(Str),
    Contact(Str),
    Reviewed { date: Timestamp, date_span: Span, every: Option<Box<Expr>> },
    Deadline(Expr),
    RollbackWithin(Expr),
    Lock { name: Str, takeover: bool },
    Shell(Str),
    Timeout(Expr),
}

#[derive(Clone, Debug)]
pub struct Step {
    pub name: Str,
    pub readonly: bool,
    pub when: Option<Box<Expr>>,
    pub timeout: Option<Box<Expr>>,
    pub retry: Option<Box<Retry>>,
    pub body: Block,
    /// `step "name" …` up to the block.
    pub head: Span,
}

#[derive(Clone, Debug)]
pub struct Retry {
    pub times: Expr,
    pub every: Option<Expr>,
    pub backoff_to: Option<Expr>,
    pub span: Span,
}

/// `"label" [tolerate N]: condition`
#[derive(Clone, Debug)]
pub struct Guard {
    pub label: Str,
    pub tolerate: Option<Tolerate>,
    pub cond: Box<Expr>,
}

#[derive(Clone, Debug)]
pub struct Tolerate {
    pub times: Box<Expr>,
    pub consecutive: bool,
}

#[derive(Clone, Debug)]
pub enum Otherwise {
    Block(Block),
    /// `else if …`
    If(Box<Stmt>),
}

/// `option "label" { … }`
#[derive(Clone, Debug)]
pub struct ChoiceOption {
    pub label: Str,
    pub body: Block,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Null,
    Bool(bool),
    Int(i64),
    /// Decimal digits as written, `_` removed; `1%` is `0.01`.
    Decimal(SmolStr),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Size(i64),
    Time(Timestamp),
    Str(Str),
    List(Vec<Expr>),
    Record(Vec<(Name, Expr)>),
    Name(SmolStr),
    Field(Box<Expr>, Box<Name>),
    Index(Box<Expr>, Box<Expr>),
    /// `name(…)`, `value.method(…)`: the callee is a `Name` or a `Field`.
    Call(Box<Expr>, Vec<Arg>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Span, Box<Expr>, Box<Expr>),
    If(Box<(Expr, Expr, Expr)>),
    Command(Box<Command>),
    /// `readonly $ …`
    Readonly(Box<Expr>),
    /// Text that did not parse; already reported.
    Bad,
}

#[derive(Clone, Debug)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Not,
    Neg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Matches,
    Add,
    Sub,
    Mul,
    Div,
}

/// A string literal: text with escapes resolved, and holes.
#[derive(Clone, Debug)]
pub struct Str {
    pub kind: StrKind,
    pub parts: Vec<Part>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrKind {
    /// `"…"`
    Plain,
    /// `"""…"""`, the common indent removed.
    Block,
    /// `r"…"`
    Raw,
}

#[derive(Clone, Debug)]
pub enum Part {
    Text {
        text: SmolStr,
        span: Span,
    },
    /// `#{expr}`; the span includes the brackets.
    Hole {
        expr: Expr,
        span: Span,
    },
}

/// The text after `$`, or inside `$( )`, or of `$ """ """` (indent removed).
/// In `Text` parts `\#{` has become `#{`; a trailing `\` and its newline are kept.
#[derive(Clone, Debug)]
pub struct Command {
    pub form: CommandForm,
    pub parts: Vec<Part>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandForm {
    /// `$ …` to the end of the line or the unbalanced `}`.
    Line,
    /// `$ """ … """`
    Script,
    /// `$( … )`
    Paren,
}
