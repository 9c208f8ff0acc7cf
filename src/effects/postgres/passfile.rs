//! `.pgpass`: passwords by host, port, database and user, in a file that only its owner can read.
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Where a password was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passfile {
    lines: Vec<[String; 5]>,
    /// Why the file was not read; for people.
    pub refused: Option<String>,
}

impl Passfile {
    /// The file that is named, or the one that `PGPASSFILE` names, or `~/.pgpass`. One that is missing holds nothing.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the edge: the operator's own file")]
    pub fn read(named: Option<&str>) -> Passfile {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || set("HOME").map(|home| home.join(".pgpass"));
        let Some(path) = named.map(PathBuf::from).or_else(|| set("PGPASSFILE")).or_else(home) else {
            return Passfile::default();
        };
        let refused = |why: String| Passfile { lines: Vec::new(), refused: Some(why) };
        let Ok(about) = std::fs::metadata(&path) else { return Passfile::default() };
        if !about.is_file() {
            return refused(format!("`{}` is not a plain file: no password was read from it", path.display()));
        }
        if about.permissions().mode() & 0o077 != 0 {
            return refused(format!("`{}` was not read: others may read it too; `chmod 600` it", path.display()));
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => Passfile { lines: text.lines().filter_map(line).collect(), refused: None },
            Err(e) => refused(format!("`{}` could not be read: {e}", path.display())),
        }
    }

    /// The password of the first line that fits. `host` is `localhost` for the default socket directory.
    #[must_use]
    pub fn password(&self, host: &str, port: u16, database: &str, user: &str) -> Option<&str> {
        let wanted = [host, &port.to_string(), database, user];
        self.lines.iter().find_map(|line| {
            let [fields @ .., password] = line;
            fields.iter().zip(wanted).all(|(field, value)| field == "*" || field == value).then_some(password.as_str())
        })
    }
}

/// Five fields between colons; `\` takes the next character as it is.
fn line(text: &str) -> Option<[String; 5]> {
    if text.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => chars.next()?,
            c => c,
        };
        fields.last_mut()?.push(c);
    }
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# host:port:database:user:password\nnonsense\ndb\\:1:5432:*:app:a\\:b\\\\c:d\n*:*:*:app:any\n";
        let file = Passfile { lines: text.lines().filter_map(line).collect(), refused: None };
        assert_eq!(file.password("db:1", 5432, "x", "app"), Some("a:b\\c:d"));
        assert_eq!(file.password("db:1", 5433, "x", "app"), Some("any"));
        assert_eq!(file.password("db:1", 5432, "x", "other"), None);
    }
}
