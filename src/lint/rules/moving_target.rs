//! What is deployed is whatever is the newest by then.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::MovingTarget, severity: Severity::Warning, look: Look::Command(look) };

static PULL: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(&["git pull"]));

static CHECKOUT: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(&["git checkout ![-b -B]", "git switch ![-c -C]"]));

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    let words: Vec<&str> = ran.operands().map(|a| a.text.as_str()).collect();
    let branch = |w: &&str| matches!(*w, "main" | "master" | "develop" | "trunk" | "origin/main" | "origin/master");
    let (what, help) = match (ran.name.as_str(), words.first().copied()) {
        ("git", _) if ran.is(&PULL) => ("`git pull` takes what the branch is by now", GIT),
        ("git", _) if ran.is(&CHECKOUT) && words.iter().any(branch) => ("a branch is another commit tomorrow", GIT),
        ("pip" | "pip3", Some("install")) if ran.option("upgrade", 'U') => (
            "`pip install --upgrade` takes the newest of everything",
            "install what is pinned (`pip install -r requirements.lock`) beside the old environment, and switch to it",
        ),
        ("docker" | "podman" | "kubectl" | "helm", _) if ran.args.iter().any(|a| a.text.ends_with(":latest")) => (
            "`latest` is another image tomorrow",
            "name the version or the digest: `param version: string where version matches r\"^v\\d+\"`",
        ),
        _ => return None,
    };
    Some(RULE.found(what, ran.span, "two hosts may get two versions").help(help))
}

const GIT: &str = "name what is released: `param version: string`, then `git.fetch(dir)` and `git.checkout(version, dir: …)`, which goes back on rollback";
