//! What may stand in a text that a call takes: what a live connection has, or a file. Only connections that have answered at
//! this console are asked, and only for names.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::place::{Inside, What, place};
use super::{Completion, Known, files, sql};
use crate::session::names::Names;
use crate::value::{ConnKind, Connection};

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Sql,
    Table,
    Key,
    File,
    Nothing,
}

impl Completion {
    /// Where the word begins in the text, and what it could be. `after`: what stands behind the cursor.
    pub(super) fn inside(&self, known: &Known, inside: &Inside<'_>, after: &str) -> (usize, Vec<String>) {
        let takes = self.takes(known, inside);
        let names = self.look(known, inside, takes);
        let found = match (names.as_deref(), takes) {
            (_, Takes::File) => files::beginning(inside.text),
            (Some(Names::Tables(tables)), Takes::Sql) => {
                return sql::offered(tables, inside.text, after.split('"').next().unwrap_or_default());
            }
            (Some(Names::Tables(tables)), Takes::Table) => {
                let plain = tables.iter().filter(|table| table.visible && !table.system);
                plain.map(|table| table.name.clone()).collect()
            }
            (Some(Names::Keys(keys)), Takes::Key) => next(keys, inside.text),
            (Some(Names::Tables(_) | Names::Keys(_)) | None, _) => Vec::new(),
        };
        (0, found)
    }

    /// Somebody types here: what a server would be asked for is fetched before it is wanted.
    pub fn look_ahead(&self, text: &str, at: usize) {
        let What::Inside(inside) = place(text.get(..at).unwrap_or(text)).what else { return };
        let known = self.known();
        let takes = self.takes(&known, &inside);
        self.look(&known, &inside, takes);
    }

    /// What is known of the server by now.
    fn look(&self, known: &Known, inside: &Inside<'_>, takes: Takes) -> Option<Arc<Names>> {
        match takes {
            Takes::Sql | Takes::Table | Takes::Key => {}
            Takes::File | Takes::Nothing => return None,
        }
        let on = connection(known, inside).filter(|on| known.open.contains(on))?;
        self.names.look(on)
    }

    fn takes(&self, known: &Known, inside: &Inside<'_>) -> Takes {
        let Some(kind) = connection(known, inside).map(|on| on.kind) else { return Takes::File };
        let parameters = self.parameters(known, inside.call.callee).unwrap_or_default();
        let declared = |one: &String| one.split_once(':').map(|(name, of)| (name.to_owned(), of.trim().to_owned()));
        let mut parameters = parameters.iter().filter_map(declared);
        let parameter = match inside.named {
            Some(named) => parameters.find(|(name, _)| name == named),
            None => parameters.nth(inside.call.commas),
        };
        let (name, of) = parameter.as_ref().map_or(("", ""), |(name, of)| (name, of));
        match (kind, name) {
            (ConnKind::Postgres, _) if of == "sql" => Takes::Sql,
            (ConnKind::Postgres, "table") => Takes::Table,
            (ConnKind::Redis, "key" | "prefix" | "match") => Takes::Key,
            // Its words have no names.
            (ConnKind::Redis, _) if inside.call.callee.ends_with(".command") && inside.call.commas > 0 => Takes::Key,
            (_, "to" | "from") => Takes::File,
            (ConnKind::Postgres | ConnKind::Redis | ConnKind::Http | ConnKind::Prometheus, _) => Takes::Nothing,
        }
    }
}

/// The one that is called, or that stands in front: `db.value("…`, `pg.vacuum(db, "…`.
fn connection<'k>(known: &'k Known, inside: &Inside<'_>) -> Option<&'k Arc<Connection>> {
    let called = inside.call.callee.split_once('.').map(|(of, _)| of);
    let given = inside.call.arguments.split(',').next().unwrap_or_default();
    let given = given.split_once(':').map_or(given, |(_, value)| value).trim();
    let named = |name: &str| known.connections.iter().find(|on| on.name == name);
    called.and_then(named).or_else(|| named(given))
}

/// One `:` further than what is typed.
fn next(keys: &BTreeSet<String>, typed: &str) -> Vec<String> {
    let further = keys.iter().filter_map(|key| {
        let rest = key.strip_prefix(typed)?;
        let end = rest.find(':').map_or(rest.len(), |at| at + 1);
        Some(format!("{typed}{}", rest.get(..end)?))
    });
    // What a text could not say as it stands.
    let plain = further.filter(|key| !key.contains(['"', '\\', '#']) && !key.chars().any(char::is_control));
    plain.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_on_up_to_its_next_colon() {
        let keys = ["session:7:", "session:8:", "celery", "a\"b", "a#{x}:", "sess"].map(str::to_owned).into();
        assert_eq!(next(&keys, "se"), ["sess", "session:"]);
        assert_eq!(next(&keys, "session:"), ["session:7:", "session:8:"]);
        assert_eq!(next(&keys, "c"), ["celery"]);
        assert_eq!(next(&keys, "a"), Vec::<String>::new());
    }
}
