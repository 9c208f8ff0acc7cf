//! Calls as the engine makes them.
use std::sync::Arc;

use rbk::check::program::{Effect, How, Want};
use rbk::engine::call::{Arg, Call, CallId, Key, Path, Piece, Segment, TxId, What};
use rbk::engine::{Ending, Failure, Outcome};
use rbk::source::{FileId, Span};
use rbk::value::types::ConnKind;
use rbk::value::{Connection, Record, SmolStr, Value, show};

/// Each `?` is the next value, `??` a question mark. The spans are those of a file that holds just this text, a value being one character long.
pub fn code(template: &str, values: &[(Value, How)]) -> Arg {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut values = values.iter();
    for (i, text) in template.replace("??", "\0").split('?').enumerate() {
        let text = text.replace('\0', "?");
        if i > 0 {
            let (value, how) = values.next().expect("a value for each ?");
            pieces.push(Piece::Value { value: value.clone(), how: *how, span: Span::new(FileId(0), at, at + 1) });
            at += 1;
        }
        if !text.is_empty() {
            pieces.push(Piece::Text { text: text.as_str().into(), span: Span::new(FileId(0), at, at + text.len()) });
            at += text.len();
        }
    }
    assert!(values.next().is_none());
    Arg::Code(pieces)
}

pub fn params(values: &[Value]) -> Vec<(Value, How)> {
    values.iter().map(|v| (v.clone(), How::Param)).collect()
}

pub fn connection(kind: ConnKind, args: &[(&str, Value)]) -> Arc<Connection> {
    let fields = args.iter().map(|(k, v)| (SmolStr::new(k), v.clone())).collect();
    Arc::new(Connection { kind, name: SmolStr::new("db"), args: Record(fields) })
}

pub fn native(action: &str, on: Option<&Arc<Connection>>, args: Vec<(&str, Arg)>) -> Call {
    let args = args.into_iter().map(|(k, v)| (SmolStr::new(k), v)).collect();
    call(What::Native { action: action.into(), on: on.cloned(), args, tx: None })
}

pub fn in_tx(mut call: Call, id: u64) -> Call {
    if let What::Native { tx, .. } = &mut call.what {
        *tx = Some(TxId(id));
    }
    call
}

pub fn call(what: What) -> Call {
    Call {
        id: CallId(1),
        path: Path::default(),
        attempt: 1,
        key: Key { run: "run".into(), path: Path::default().join(Segment::At(0)), attempts: "1".into(), ordinal: 0 },
        what,
        effect: Effect::Write,
        idempotent: false,
        want: Want::Value,
        contexts: Arc::new([]),
        limit: None,
        text: "the call".into(),
        span: Span::default(),
    }
}

/// What came out, in one line: the value, or how it failed.
pub fn said(outcome: &Outcome) -> String {
    match (&outcome.result, outcome.ending) {
        (Ok(value), Ending::Done) => show::literal(value),
        (Ok(value), ending) => format!("{ending:?} {}", show::literal(value)),
        (Err(e), ending) => format!("{ending:?} {}: {}", e.kind.name(), e.message),
    }
}

pub fn failure(outcome: Outcome) -> Failure {
    outcome.result.expect_err("a failure")
}

/// Runs a future as the driver does: on one thread.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
