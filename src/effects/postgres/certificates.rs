//! The files of TLS: who vouches for the server, and our own certificate. The URL names them, or else libpq's variables do.
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::check::conninfo::Parameters;
use crate::effects::tls::Identity;

/// A parameter, and the variable that stands for it.
const FILES: [(&str, &str); 3] = [("sslrootcert", "PGSSLROOTCERT"), ("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY")];

/// Those that the URL does not name, as the environment has them.
#[allow(clippy::disallowed_methods, reason = "the edge: the operator's own files")]
pub fn add_from_environment(given: &mut Parameters) {
    for (key, name) in FILES {
        if given.iter().any(|(known, _)| known == key) {
            continue;
        }
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        given.extend(value.map(|value| (key.to_owned(), value)));
    }
}

/// Our own certificate, when one is named.
///
/// # Errors
/// One without the other; a key that others may read.
pub fn identity<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Option<Identity<'a>>, String> {
    match (get("sslcert"), get("sslkey")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            private(key)?;
            Ok(Some(Identity { certificate, key }))
        }
        (Some(_), None) => Err("`sslcert` needs its key: name it by `sslkey`".to_owned()),
        (None, Some(_)) => Err("`sslkey` needs its certificate: name it by `sslcert`".to_owned()),
    }
}

/// As libpq has it: the owner's alone, or root's and of a group that may read it.
fn private(key: &str) -> Result<(), String> {
    let about = std::fs::metadata(key).map_err(|e| format!("cannot read the key in `{key}`: {e}"))?;
    if !about.is_file() {
        return Err(format!("the key `{key}` is not a plain file"));
    }
    let (others, allowed) = if about.uid() == 0 { (0o037, "0640") } else { (0o077, "0600") };
    if about.permissions().mode() & others != 0 {
        return Err(format!("others may read or change the key `{key}`: `chmod {allowed}` it"));
    }
    Ok(())
}
