//! The word that stands in a value where a secret was not kept.
use super::{Connection, Value};

/// Beginning of what stands where a secret was not kept: [`lost`].
pub const LOST: &str = "\u{2039}lost:";

/// What a value holds after a load where a secret was not kept: no call may be given it, and nothing may be decided by it.
#[must_use]
pub fn lost(name: &str) -> String {
    format!("{LOST}{name}\u{203a}")
}

/// The name of a secret that is missing in this text.
#[must_use]
pub fn is_lost(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(LOST)?;
    rest.split_once('\u{203a}').map(|(name, _)| name)
}

/// The name of a secret that is missing in a value.
#[must_use]
pub fn lost_in(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => is_lost(text).map(str::to_owned),
        Value::Bytes(bytes) => is_lost(&String::from_utf8_lossy(bytes)).map(str::to_owned),
        Value::List(items) => items.iter().find_map(lost_in),
        Value::Record(record) => record.0.iter().find_map(|(_, value)| lost_in(value)),
        Value::Response(response) => {
            let text = String::from_utf8_lossy(response.body.bytes());
            is_lost(&text).map(str::to_owned).or_else(|| response.headers.0.iter().find_map(|(_, v)| lost_in(v)))
        }
        Value::Connection(connection) => lost_in_connection(connection),
        Value::Secret(secret) => lost_in(secret.expose()),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Duration(_)
        | Value::Size(_)
        | Value::Time(_) => None,
    }
}

#[must_use]
pub fn lost_in_connection(connection: &Connection) -> Option<String> {
    connection.args.0.iter().find_map(|(_, value)| lost_in(value))
}
