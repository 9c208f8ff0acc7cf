//! A setting of the user is changed: every other shell goes elsewhere from now on.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::ContextLeak, severity: Severity::Warning, look: Look::Command(look) };

/// What changes it, and what names it in one command.
static LEAKS: LazyLock<Vec<(Kinds, &str)>> = LazyLock::new(|| {
    vec![
        (
            Kinds::new(&[
                "kubectl config use-context",
                "kubectl config set-context",
                "kubectx",
                "kubens",
                "oc project",
            ]),
            "`kubectl --context production -n shop …` names it for one command; `KUBECONFIG` in `with env({ … })` for a block",
        ),
        (
            Kinds::new(&["gcloud config set", "gcloud config configurations activate"]),
            "`gcloud --project … --account …` names it for one command",
        ),
        (Kinds::new(&["az account set"]), "`az … --subscription …` names it for one command"),
        (Kinds::new(&["aws configure set"]), "`aws --profile … --region …` names it for one command"),
        (Kinds::new(&["docker context use"]), "`docker --context … …` names it for one command"),
        (Kinds::new(&["git config ?[--global --system]"]), "`git -c name=value …` sets it for one command"),
        (Kinds::new(&["terraform workspace select"]), "`TF_WORKSPACE` in `with env({ … })` names it for a block"),
    ]
});

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let (_, help) = LEAKS.iter().find(|(kinds, _)| ran.it.is(kinds))?;
    let found = RULE.found(
        format!("`{}` changes where every other shell goes", ran.it.name),
        ran.it.span,
        "a colleague's next command, too",
    );
    Some(found.help(*help))
}
