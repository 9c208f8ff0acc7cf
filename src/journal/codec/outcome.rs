//! How a call ended, and what failed.
use serde::{Deserialize, Serialize};

use super::leaf::{Hide, Leaf, Show};
use super::value::Wire;
use crate::engine::{Ending, Failure, FailureKind, Outcome};
use crate::journal::Trouble;
use crate::source::{FileId, Span};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireOutcome {
    #[serde(with = "WireEnding")]
    pub ending: Ending,
    pub result: Result<Wire, WireFailure>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    running: Option<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    why: Option<Leaf>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ending", rename_all = "snake_case")]
enum WireEnding {
    Done,
    None,
    Some,
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireFailure {
    #[serde(with = "WireKind")]
    kind: FailureKind,
    message: Leaf,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    notes: Vec<Leaf>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    span: Option<WireSpan>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    inside: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    called: Option<WireSpan>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    help: Option<Leaf>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FailureKind", rename_all = "snake_case")]
enum WireKind {
    Failed,
    Guard,
    Timeout,
    Cancelled,
    Connection,
    Value,
    Declined,
    Explicit,
}

/// Which text, from where to where.
type WireSpan = (u32, u32, u32);

impl Hide<'_> {
    pub fn outcome(&self, from: &Outcome) -> Result<WireOutcome, Trouble> {
        Ok(WireOutcome {
            ending: from.ending,
            result: match &from.result {
                Ok(value) => Ok(self.value(value)?),
                Err(failure) => Err(self.failure(failure)?),
            },
            running: self.said_if(from.running.as_ref())?,
            why: self.said_if(from.why.as_ref())?,
        })
    }

    fn failure(&self, from: &Failure) -> Result<WireFailure, Trouble> {
        Ok(WireFailure {
            kind: from.kind,
            message: self.said(&from.message)?,
            notes: from.notes.iter().map(|note| self.said(note)).collect::<Result<_, _>>()?,
            span: from.span.map(wire_span),
            inside: from.inside,
            called: from.called.map(wire_span),
            help: self.said_if(from.help.as_ref())?,
        })
    }
}

impl Show<'_> {
    pub fn outcome(&self, wire: WireOutcome) -> Result<Outcome, Trouble> {
        Ok(Outcome {
            ending: wire.ending,
            result: match wire.result {
                Ok(value) => Ok(self.value(value)?),
                Err(failure) => Err(self.failure(failure)?),
            },
            running: self.text_if(wire.running)?,
            why: self.text_if(wire.why)?,
        })
    }

    fn failure(&self, wire: WireFailure) -> Result<Failure, Trouble> {
        Ok(Failure {
            kind: wire.kind,
            message: self.text(wire.message)?,
            notes: wire.notes.into_iter().map(|note| self.text(note)).collect::<Result<_, _>>()?,
            span: wire.span.map(span),
            inside: wire.inside,
            called: wire.called.map(span),
            help: self.text_if(wire.help)?,
        })
    }
}

fn wire_span(span: Span) -> WireSpan {
    (span.file.0, span.start, span.end)
}

fn span((file, start, end): WireSpan) -> Span {
    Span { file: FileId(file), start, end }
}
