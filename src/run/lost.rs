//! Secrets that a journal did not keep: whatever needs one does not start.
use crate::engine::call::{Call, Context};
use crate::engine::{Arg, Ending, Failure, FailureKind, Outcome, Piece, What};
use crate::value::Value;
use crate::value::lost::{is_lost, lost_in, lost_in_connection as in_connection};

/// What a call ends with that needs one; nothing when it needs none.
pub fn refused(call: &Call) -> Option<Outcome> {
    let name = in_call(call)?;
    let message =
        format!("it needs the secret `{name}`, which is not known any more: not kept, not there, or another one now");
    let help = "set it to what it was at the start; or say that the one of now is right: `--answer 'changed: env(\"NAME\")=the new one'`";
    Some(Outcome::failed(Ending::None, Failure::new(FailureKind::Value, message).with_help(help)))
}

fn in_call(call: &Call) -> Option<String> {
    let what = match &call.what {
        What::Shell { code, .. } => in_pieces(code),
        What::Native { on, args, .. } => {
            let args = args.iter().find_map(|(_, arg)| match arg {
                Arg::Value(value) => lost_in(value),
                Arg::Code(pieces) => in_pieces(pieces),
            });
            args.or_else(|| on.as_deref().and_then(in_connection))
        }
        What::Begin { on, .. } | What::Commit { on, .. } | What::Abort { on, .. } => in_connection(on),
        What::Lock { name, .. } => is_lost(name).map(str::to_owned),
    };
    what.or_else(|| call.contexts.iter().find_map(in_context))
}

fn in_pieces(pieces: &[Piece]) -> Option<String> {
    pieces.iter().find_map(|piece| match piece {
        Piece::Text { .. } => None,
        Piece::Value { value, .. } => lost_in(value),
    })
}

fn in_context(context: &Context) -> Option<String> {
    match context {
        Context::Dir(dir) => is_lost(dir).map(str::to_owned),
        Context::Env(env) => env.iter().find_map(|(_, value)| lost_in(value)),
        Context::Ssh(value) | Context::Stdin(value) => lost_in(value),
        Context::Sudo(user) => user.as_ref().and_then(lost_in),
        Context::Connection(connection) => in_connection(connection),
        Context::Wrap { argv, .. } => argv.iter().find_map(lost_in),
    }
}

/// Every secret in a value. What is secret in a connection's address was told when the connection was made.
pub fn secrets(value: &Value, found: &mut dyn FnMut(&Value)) {
    match value {
        Value::Secret(_) => found(value),
        Value::List(items) => items.iter().for_each(|v| secrets(v, found)),
        Value::Record(record) => record.0.iter().for_each(|(_, v)| secrets(v, found)),
        Value::Connection(recipe) => recipe.args.0.iter().skip(1).for_each(|(_, v)| secrets(v, found)),
        Value::Response(response) => response.headers.0.iter().for_each(|(_, v)| secrets(v, found)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::Duration(_)
        | Value::Size(_)
        | Value::Time(_) => {}
    }
}
