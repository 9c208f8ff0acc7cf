//! SQL literals and identifiers of PostgreSQL, for statements that take no parameters.
use super::{plain, without_nul};
use crate::value::{Value, json, show};

/// Longer ones are cut by the server, and could then be another one's.
const IDENTIFIER_BYTES: usize = 63;

/// A quoted identifier; of a list each, with commas between them.
///
/// # Errors
/// Not a string, empty, longer than 63 bytes, a NUL; a list without elements.
pub fn identifier(value: &Value) -> Result<String, String> {
    if let Value::List(names) = value.expose().0 {
        if names.is_empty() {
            return Err("an empty list names nothing".to_owned());
        }
        return Ok(names.iter().map(identifier).collect::<Result<Vec<_>, _>>()?.join(", "));
    }
    let Value::Str(name) = value.expose().0 else {
        return Err(format!("an identifier is a string, not {}", show::kind(value)));
    };
    let name = without_nul(name.to_string(), "an identifier")?;
    match name.len() {
        0 => Err("an identifier cannot be empty".to_owned()),
        1..=IDENTIFIER_BYTES => Ok(format!("\"{}\"", name.replace('"', "\"\""))),
        n => Err(format!("an identifier has at most {IDENTIFIER_BYTES} bytes, and `{}` has {n}", show::brief(&name))),
    }
}

/// A literal that means the value and nothing else, whatever `standard_conforming_strings` says.
///
/// # Errors
/// A NUL; what SQL has no literal for.
pub fn literal(value: &Value) -> Result<String, String> {
    Ok(match value.expose().0 {
        Value::Null => "NULL".to_owned(),
        Value::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_owned(),
        Value::Int(n) => n.to_string(),
        Value::Size(n) => n.to_string(),
        Value::Decimal(n) => n.to_plain_string(),
        Value::Bytes(b) => format!("'\\x{}'", b.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        Value::Duration(_) => format!("'{} seconds'", plain(value)?),
        list @ Value::List(_) => quoted(&array(list)?)?,
        record @ Value::Record(_) => quoted(&json::to_json_exposed(record).to_string())?,
        other => quoted(&plain(other)?)?,
    })
}

fn quoted(text: &str) -> Result<String, String> {
    let text = without_nul(text.replace('\'', "''"), "SQL text")?;
    Ok(if text.contains('\\') { format!("E'{}'", text.replace('\\', "\\\\")) } else { format!("'{text}'") })
}

/// `{"a","b"}`: an array's text form.
fn array(value: &Value) -> Result<String, String> {
    Ok(match value.expose().0 {
        Value::List(items) => {
            let items = items.iter().map(array).collect::<Result<Vec<_>, _>>()?;
            format!("{{{}}}", items.join(","))
        }
        Value::Null => "NULL".to_owned(),
        Value::Duration(_) => format!("\"{} seconds\"", plain(value)?),
        record @ Value::Record(_) => element(&json::to_json_exposed(record).to_string()),
        other => element(&plain(other)?),
    })
}

fn element(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
