//! The keys that match a pattern, by SCAN: a server with millions of them goes on serving others meanwhile.
use std::collections::BTreeSet;

use redis::{Value as Reply, cmd};

use super::reach::Reach;
use super::session::Asks;
use super::wrong::{Trace, Wrong};
use crate::value::Value;

/// More keys than this are not a list to work on.
const MAX: usize = 100_000;

/// What is asked about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Names,
    HowMany,
}

/// # Errors
/// Any [`Wrong`]; too many keys for a list, a name that is not UTF-8.
pub async fn scan(reach: &mut Reach<'_>, pattern: &[u8], ask: Ask, trace: &Trace) -> Result<Value, Wrong> {
    let mut names: BTreeSet<Vec<u8>> = BTreeSet::new();
    for master in reach.masters().await? {
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
            let reply = reach.at(&master, &[scan], Asks::Reads, trace).await?.into_iter().next();
            let (next, found) = page(reply)?;
            names.extend(found);
            if ask == Ask::Names && names.len() > MAX {
                return Err(Wrong::Value(format!("more than {MAX} keys match: narrow the pattern, or count them")));
            }
            if next == b"0" {
                break;
            }
            cursor = next;
        }
    }
    if ask == Ask::HowMany {
        return i64::try_from(names.len()).map(Value::Int).map_err(|_| Wrong::Value("too many keys".to_owned()));
    }
    let names = names.into_iter().map(|name| {
        String::from_utf8(name).map(Value::str).map_err(|e| {
            let shown = String::from_utf8_lossy(e.as_bytes()).into_owned();
            Wrong::Value(format!("a key's name is not UTF-8 text: `{}`", crate::value::show::brief(&shown)))
        })
    });
    names.collect::<Result<Vec<_>, _>>().map(Value::list)
}

/// The next cursor, and the names.
pub(super) fn page(reply: Option<Reply>) -> Result<(Vec<u8>, Vec<Vec<u8>>), Wrong> {
    let strange = || Wrong::Value("the answer to SCAN is not understood".to_owned());
    let parts = match reply {
        Some(Reply::Array(parts)) => parts,
        Some(Reply::ServerError(error)) => return Err(Wrong::from(error)),
        _ => return Err(strange()),
    };
    let mut parts = parts.into_iter();
    let (Some(Reply::BulkString(next)), Some(Reply::Array(found))) = (parts.next(), parts.next()) else {
        return Err(strange());
    };
    let names = found.into_iter().map(|name| match name {
        Reply::BulkString(name) => Ok(name),
        _ => Err(strange()),
    });
    Ok((next, names.collect::<Result<Vec<_>, _>>()?))
}

/// A pattern that the names beginning with these bytes match, and no others.
#[must_use]
pub fn beginning_with(prefix: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(prefix.len() + 1);
    for byte in prefix {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'^' | b'\\') {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern.push(b'*');
    pattern
}
