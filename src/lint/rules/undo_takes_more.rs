//! A rollback that destroys what its step makes, where that may have been there before: a write that fails because it
//! was there is undone all the same.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};
use crate::source::Span;
use crate::syntax::ast::{Step, StmtKind};

pub const RULE: Rule = Rule { code: Code::UndoTakesMore, severity: Severity::Warning, look: Look::Script(look) };

/// What makes a thing, and what destroys it with all that is in it.
static PAIRS: LazyLock<Vec<(Kinds, Kinds)>> = LazyLock::new(|| {
    [
        ("mkdir", "rm ?[-r -R -rf -fr -Rf -fR --recursive]"),
        ("createdb", "dropdb"),
        ("createuser", "dropuser"),
        ("useradd", "userdel"),
        ("groupadd", "groupdel"),
        ("git branch", "git branch ?[-d -D --delete]"),
        ("git tag", "git tag ?[-d --delete]"),
        ("docker network create", "docker network rm"),
        ("docker volume create", "docker volume rm"),
        ("kubectl create", "kubectl delete"),
        ("zfs create", "zfs destroy"),
        ("lvcreate", "lvremove"),
        ("aws s3 mb", "aws s3 rb"),
        ("rabbitmqctl add_user", "rabbitmqctl delete_user"),
        ("rabbitmqctl add_vhost", "rabbitmqctl delete_vhost"),
    ]
    .map(|(makes, destroys)| (Kinds::new(&[makes]), Kinds::new(&[destroys])))
    .into()
});

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let doing = script.commands.iter().filter(|ran| ran.place.role == Role::Doing);
    doing.filter_map(|made| finding(script, made)).collect()
}

fn finding(script: &Script<'_>, made: &Placed<Ran>) -> Option<Diagnostic> {
    let (_, destroys) = PAIRS.iter().find(|(makes, destroys)| made.it.is(makes) && !made.it.is(destroys))?;
    let step = made.place.step?;
    let whole = script.steps.get(step)?;
    let thing = script.sources.text(made.it.operands().last()?.span);
    let undone = script.commands.iter().find(|ran| {
        ran.place.role == Role::Rollback
            && ran.place.step == Some(step)
            && ran.it.is(destroys)
            && ran.it.operands().any(|arg| script.sources.text(arg.span) == thing)
            && !asks_first(whole, ran.it.span)
    })?;
    let about = format!("{} {thing}", script.sources.text(whole.name.span));
    let is_new = script.of_this_run(thing)
        || script.guarded_about(made.place, &about)
        || whole.body.stmts.iter().any(|stmt| matches!(stmt.kind, StmtKind::DoneWhen(_)));
    if is_new {
        return None;
    }
    let message = format!("when {thing} is there already, its rollback destroys what was there");
    Some(RULE.found(message, undone.it.span, "runs also when making it has failed").help(format!(
        "say above the write that it is new (`guard \"{thing} is new\": …`), or what makes the write needless (`done when …`), or give it a name of this run (`…-#{{run.id}}`)"
    )))
}

/// The rollback looks for itself before it does this.
fn asks_first(step: &Step, span: Span) -> bool {
    let rollbacks = step.body.stmts.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Rollback { body, .. } => Some(body),
        _ => None,
    });
    let mut ifs = rollbacks.flat_map(|body| &body.stmts).filter(|stmt| matches!(stmt.kind, StmtKind::If { .. }));
    ifs.any(|stmt| stmt.span.start <= span.start && span.end <= stmt.span.end)
}
