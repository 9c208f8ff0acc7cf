//! What the engine asks the outside to do: concrete values, nothing left to look up.
use std::sync::Arc;

use crate::check::program::{Effect, How, Shell, Want};
use crate::source::Span;
use crate::value::{Connection, Nanos, SmolStr, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Where in the run something happens: block positions and loop indexes, never rendered names. Shown as `3/0[2]/1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Arc<[Segment]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Position in a block.
    At(u32),
    /// Element of a loop.
    Element(u32),
    /// Which block of a statement that has several (`else`, an option, the rollback).
    Branch(u32),
}

impl Path {
    #[must_use]
    pub fn join(&self, segment: Segment) -> Path {
        Path(self.0.iter().copied().chain([segment]).collect())
    }

    /// It is that place, or stands in it.
    #[must_use]
    pub fn is_in(&self, around: &Path) -> bool {
        self.0.starts_with(&around.0)
    }

    /// As it is shown; nothing when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Path> {
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (kind, body): (fn(u32) -> Segment, &str) = match rest.split_at_checked(1)? {
                ("/", body) if !segments.is_empty() => (Segment::At, body),
                ("[", body) => (Segment::Element, body),
                (".", body) => (Segment::Branch, body),
                _ if segments.is_empty() => (Segment::At, rest),
                _ => return None,
            };
            let (digits, after) = body.split_at(body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len()));
            segments.push(kind(digits.parse().ok()?));
            rest = if rest.starts_with('[') { after.strip_prefix(']')? } else { after };
        }
        Some(Path(segments.into()))
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::At(n) if i == 0 => write!(f, "{n}")?,
                Segment::At(n) => write!(f, "/{n}")?,
                Segment::Element(n) => write!(f, "[{n}]")?,
                Segment::Branch(n) => write!(f, ".{n}")?,
            }
        }
        Ok(())
    }
}

/// run + path + attempts + ordinal, shown as `r1/3/0/1.2/0`: the same on an in-doubt repeat, new after an undo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Key {
    pub run: SmolStr,
    pub path: Path,
    /// Of all that is around: `2.1` is the first attempt inside the second.
    pub attempts: SmolStr,
    pub ordinal: u32,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{}", self.run, self.path, self.attempts, self.ordinal)
    }
}

/// Start this. Its end comes back as one `Event::Ended`, also after a cancel.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub id: CallId,
    pub path: Path,
    /// The attempt of the enclosing step, from 1.
    pub attempt: u32,
    pub key: Key,
    pub what: What,
    pub effect: Effect,
    pub idempotent: bool,
    pub want: Want,
    /// Outermost first.
    pub contexts: Arc<[Context]>,
    /// The least of all enclosing limits at the start, for servers that want to know; the engine cancels by itself.
    pub limit: Option<Nanos>,
    /// For people: one line, of a script several; secrets shown as `‹name›`.
    pub text: SmolStr,
    pub span: Span,
}

impl Call {
    /// What it reaches, and what is given to it.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        let on = match &self.what {
            What::Native { on, .. } => on.as_ref(),
            What::Begin { on, .. } | What::Commit { on, .. } | What::Abort { on, .. } => Some(on),
            What::Shell { .. } | What::Lock { .. } => None,
        };
        let given = self.contexts.iter().filter_map(|context| match context {
            Context::Connection(on) => Some(on),
            _ => None,
        });
        on.into_iter().chain(given)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Shell {
        code: Vec<Piece>,
        direct: bool,
        shell: Shell,
    },
    Native {
        action: SmolStr,
        on: Option<Arc<Connection>>,
        args: Vec<(SmolStr, Arg)>,
        tx: Option<TxId>,
    },
    /// Open a transaction on a connection; calls with this id run inside it.
    Begin {
        on: Arc<Connection>,
        tx: TxId,
    },
    /// Done, none (aborted) or unknown (the acknowledgement was lost).
    Commit {
        on: Arc<Connection>,
        tx: TxId,
    },
    Abort {
        on: Arc<Connection>,
        tx: TxId,
    },
    /// Take a lock for the whole run; refused when another run holds it.
    Lock {
        name: String,
        takeover: bool,
    },
}

impl What {
    /// Whether it asks a person at the terminal by itself, where nothing else may be written meanwhile.
    #[must_use]
    pub fn asks(&self) -> bool {
        matches!(self, What::Native { action, .. } if action == "secret.prompt")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub u64);

#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    Value(Value),
    Code(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The span is the text's place in the source, so that a server's error can point into it.
    Text {
        text: Arc<str>,
        span: Span,
    },
    Value {
        value: Value,
        how: How,
        span: Span,
    },
}

/// Where commands run; each is taken in the world made by those before it.
#[derive(Clone, Debug, PartialEq)]
pub enum Context {
    Dir(Arc<str>),
    Env(Vec<(SmolStr, Value)>),
    Ssh(Value),
    Sudo(Option<Value>),
    Stdin(Value),
    Connection(Arc<Connection>),
    /// `argv` stands before the command's own words.
    Wrap {
        argv: Vec<Value>,
        reparses: bool,
        carries_env: bool,
    },
}
