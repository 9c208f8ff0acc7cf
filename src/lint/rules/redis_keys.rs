//! `KEYS` looks at every key while all other clients wait.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::RedisKeys, severity: Severity::Warning, look: Look::Command(look) };

static KEYS: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(&["redis-cli keys"]));

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    if !ran.it.is(&KEYS) {
        return None;
    }
    let found = RULE.found(
        "`KEYS` holds up the whole server",
        ran.it.span,
        "every other client waits until it has seen every key",
    );
    Some(found.help("`redis-cli --scan --pattern '…'` goes step by step; in the language, `cache.scan(\"asgi:*\")`"))
}
