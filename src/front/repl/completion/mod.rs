//! What may stand where somebody types. In: the text, the place of the cursor, and what the console knows. Out: where the word
//! begins and what it could be; or how a call goes on. Nothing here waits for anybody, and no secret is offered.
mod files;
mod inside;
mod place;
mod sql;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::orders;
use crate::diag::Code;
use crate::session::docs::{self, Module};
use crate::session::names::Cache;
use crate::value::Connection;
use crate::value::redact::Redactor;
use place::{Place, What, place};

/// What the console knows, as it last was ready.
#[derive(Default)]
pub struct Known {
    pub names: Vec<String>,
    /// The name of each `use`, and the module.
    pub uses: Vec<(String, String)>,
    /// Actions of one's own: name and signature.
    pub actions: Vec<(String, String)>,
    /// Files that were used.
    pub libraries: Vec<Module>,
    pub connections: Vec<Arc<Connection>>,
    /// Those that have answered last.
    pub open: Vec<Arc<Connection>>,
    /// What stands in nothing that is offered.
    pub secrets: Redactor,
}

/// Shared between the console and the thread that edits.
#[derive(Clone)]
pub struct Completion {
    known: Arc<Mutex<Known>>,
    names: Cache,
}

/// So many are offered.
const OFFERED: usize = 200;

/// Words that a statement opens with.
const STATEMENTS: &[&str] = &[
    "action",
    "choose",
    "confirm",
    "connect",
    "context",
    "fail",
    "for",
    "guard",
    "if",
    "let",
    "log",
    "note",
    "parallel",
    "reads",
    "secret",
    "step",
    "transaction",
    "try",
    "use",
    "wait",
    "warn",
    "watch",
    "with",
];

/// Words inside a step.
const INSIDE: &[&str] =
    &["commit", "done when", "finally", "invariant", "irreversible", "readonly", "return", "rollback", "timeout"];

/// Read when somebody first asks.
fn modules() -> &'static [Module] {
    static MODULES: OnceLock<Vec<Module>> = OnceLock::new();
    MODULES.get_or_init(docs::modules)
}

impl Completion {
    /// `run`: whose completion it is, for the servers that are asked for names.
    #[must_use]
    pub fn new(run: &str) -> Completion {
        Completion { known: Arc::default(), names: Cache::new(run) }
    }

    pub fn know(&self, known: Known) {
        *self.known() = known;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the word begins that ends at `at`, and what it could be.
    #[must_use]
    pub fn words(&self, text: &str, at: usize) -> (usize, Vec<String>) {
        let before = text.get(..at).unwrap_or(text);
        let known = self.known();
        let Place { start, what } = place(before);
        let (start, mut found) = match what {
            What::Inside(inside) => {
                let (from, found) = self.inside(&known, &inside, text.get(at..).unwrap_or_default());
                (start + from, found)
            }
            what => (start, self.offered(&known, what, before.get(start..).unwrap_or_default())),
        };
        let word = before.get(start..).unwrap_or_default();
        found.retain(|one| one.starts_with(word) && one != word && known.secrets.redact(one) == *one);
        found.sort();
        found.dedup();
        found.truncate(OFFERED);
        (start, found)
    }

    /// How the call goes on that the cursor stands in.
    #[must_use]
    pub fn hint(&self, text: &str, at: usize) -> Option<String> {
        if at < text.len() {
            return None;
        }
        let place::Call { callee, commas, .. } = place::call(text)?;
        let known = self.known();
        let rest = self.parameters(&known, callee)?.into_iter().skip(commas).collect::<Vec<_>>();
        let space = if text.ends_with(',') { " " } else { "" };
        let open = text.ends_with('(') || text.trim_end().ends_with(',');
        open.then(|| format!("{space}{})", rest.join(", ")))
    }

    fn offered(&self, known: &Known, what: What<'_>, word: &str) -> Vec<String> {
        match what {
            What::Order => {
                orders::ALL.iter().filter_map(|order| order.names.first()).map(|name| (*name).to_owned()).collect()
            }
            What::Code => Code::ALL.iter().map(|code| code.name().to_owned()).collect(),
            What::Module => {
                let short = |module: &Module| module.name.trim_start_matches("std/").to_owned();
                let own = known.actions.iter().map(|(name, _)| name.clone());
                modules().iter().map(short).chain(own).collect()
            }
            What::Library => {
                let libraries = modules().iter().filter(|module| module.name.starts_with("std/"));
                let libraries = libraries.map(|module| module.name.clone());
                libraries.chain(files::beginning(word)).collect()
            }
            What::File | What::Inside(_) => files::beginning(word),
            What::Member(of) => self.members(known, of).into_iter().map(|(name, _)| format!("{name}(")).collect(),
            What::Word(callee) => {
                let words = STATEMENTS.iter().chain(INSIDE).map(|word| (*word).to_owned());
                let words = words.filter(|_| callee.is_none());
                let parameters = callee.and_then(|callee| self.parameters(known, callee)).unwrap_or_default();
                let parameters =
                    parameters.iter().filter_map(|one| one.split_once(':')).map(|(name, _)| format!("{name}: "));
                let own = known.actions.iter().map(|(name, _)| format!("{name}("));
                let uses = known.uses.iter().map(|(alias, _)| format!("{alias}."));
                let help = ["help".to_owned()];
                words.chain(known.names.iter().cloned()).chain(parameters).chain(own).chain(uses).chain(help).collect()
            }
        }
    }

    /// What stands behind `of.`: names and signatures.
    fn members(&self, known: &Known, of: &str) -> Vec<(String, String)> {
        let all = |name: &str| {
            let modules = modules().iter().chain(&known.libraries);
            let module = modules.filter(|module| module.name == name);
            module.flat_map(|module| &module.entries).map(|e| (e.name.clone(), e.signature.clone())).collect()
        };
        if let Some(on) = known.connections.iter().find(|on| on.name == of) {
            return all(on.kind.name());
        }
        match known.uses.iter().find(|(alias, _)| alias == of) {
            Some((_, module)) => all(module),
            None => all(of),
        }
    }

    /// Each as it is declared: `name: type = default`.
    fn parameters(&self, known: &Known, callee: &str) -> Option<Vec<String>> {
        let signature = match callee.rsplit_once('.') {
            Some((of, name)) => self.members(known, of).into_iter().find(|(one, _)| one == name)?.1,
            None => known.actions.iter().find(|(one, _)| one == callee)?.1.clone(),
        };
        Some(place::split(signature.split_once('(')?.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{ConnKind, Record, Value};

    fn completion() -> Completion {
        let completion = Completion::new("test");
        let db = Connection { kind: ConnKind::Postgres, name: "db".into(), args: Record::default() };
        let mut secrets = Redactor::default();
        secrets.learn("token", &Value::str("Zq8canary-of-names"));
        completion.know(Known {
            names: vec!["before".into(), "Zq8canary-of-names".into()],
            uses: vec![("pg".into(), "std/postgres".into())],
            libraries: Vec::new(),
            actions: vec![("twice".into(), "action twice(n: int, of: list<string> = [\"a, b\"])".into())],
            connections: vec![Arc::new(db)],
            open: Vec::new(),
            secrets,
        });
        completion
    }

    fn words(text: &str) -> Vec<String> {
        completion().words(text, text.len()).1
    }

    #[test]
    fn what_is_offered_fits_the_place() {
        assert_eq!(words(":und"), [":undo"]);
        assert_eq!(words(":explain missing-rollb"), ["missing-rollback"]);
        assert_eq!(words("help postg"), ["postgres"]);
        assert_eq!(words("use \"std/postg"), ["std/postgres"]);
        assert_eq!(words("pg.end_"), ["end_idle("]);
        assert_eq!(words("db.val"), ["value("]);
        assert_eq!(words("log \"#{bef"), ["before"]);
        assert_eq!(words("let x = bef"), ["before"]);
        assert_eq!(words("twi"), ["twice("]);
        assert_eq!(words("pg.set(db, val"), ["value: "]);
        assert_eq!(words("$ echo #{bef"), ["before"]);
        assert_eq!(words("ste"), ["step"]);
        assert_eq!(words("Zq8"), Vec::<String>::new());
        // It has not answered yet, and is not asked.
        assert_eq!(words("db.value(\"SELECT us"), Vec::<String>::new());
    }

    #[test]
    fn a_hint_is_what_is_left_of_the_signature() {
        let hint = |text: &str| completion().hint(text, text.len());
        assert_eq!(hint("twice("), Some("n: int, of: list<string> = [\"a, b\"])".to_owned()));
        assert_eq!(hint("let x = pg.set(db,"), Some(" name: string, value: string)".to_owned()));
        assert_eq!(hint("twice(1, \"a, ("), None);
        assert_eq!((hint("nobody("), hint("twice"), hint("twice(1)")), (None, None, None));
    }
}
