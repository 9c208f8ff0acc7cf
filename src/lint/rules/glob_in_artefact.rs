//! A pattern in place of one file: the wrong one, several, or none.
use std::sync::LazyLock;

use crate::check::shell::ran::{Arg, COMPUTED, Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::GlobInArtefact, severity: Severity::Warning, look: Look::Command(look) };

static TAKE_ONE: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "aws s3 cp",
        "aws s3 mv",
        "gsutil cp",
        "rclone copyto",
        "scp",
        "psql",
        "pg_restore",
        "mysql",
        "docker load",
        "gunzip",
        "tar ?[-x --extract -xf -xzf]",
        "sha256sum",
        "curl ?[-T= --upload-file=]",
    ])
});

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    // The names of these are no files: nothing makes several of one.
    let resource = matches!(ran.name.as_str(), "kubectl" | "oc") && !ran.runs_in("ssh");
    let named = |a: &&Arg| a.glob && !a.text.starts_with('-') && a.text.contains(['*', '?']);
    let (arg, label) = if resource {
        let plain = |a: &&Arg| named(a) && !a.text.contains(['{', '[', '=', '@', '.']);
        (ran.args.iter().find(plain)?, "`kubectl` knows no patterns: it looks for something of that very name")
    } else if ran.is(&TAKE_ONE) {
        let target = ran.redirects.iter().map(|(_, target)| target);
        (ran.args.iter().chain(target).find(named)?, "an older one fits too, and two are an error")
    } else {
        return None;
    };
    let found = RULE.found(
        format!("`{}` may be another one, several, or none", arg.text.replace(COMPUTED, "…")),
        arg.span,
        label,
    );
    Some(found.help("keep the name in a value when it is made, and use that: `let dump = \"backup-#{run.id}.sql\"`"))
}
