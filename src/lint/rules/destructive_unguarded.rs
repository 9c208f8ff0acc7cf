//! What cannot be got back is destroyed, and nothing has looked at it before.
use std::sync::LazyLock;

use crate::check::shell::ran::{Arg, COMPUTED, Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Place, Role, Script};
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::DestructiveUnguarded, severity: Severity::Error, look: Look::Script(look) };

static DESTROYS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "redis-cli flushdb",
        "redis-cli flushall",
        "dropdb",
        "dropuser",
        "find ?[-delete]",
        "mkfs*",
        "mkswap",
        "lvremove",
        "vgremove",
        "wipefs",
        "shred",
        "terraform destroy",
        "terraform apply ?[-auto-approve --auto-approve -destroy --destroy]",
        "zfs destroy",
        "zfs rollback ?[-r -R]",
        "zpool destroy",
        "etcdctl del",
        "consul kv delete ?[-recurse]",
        "vault kv destroy",
        "vault kv metadata delete",
        "iptables ?[-F --flush -X --delete-chain]",
        "ip6tables ?[-F --flush -X --delete-chain]",
        "nft flush",
        "kafka-topics* ?[--delete]",
        "kafka-delete-records*",
        "gsutil rm ?[-r -R]",
        "gcloud storage rm ?[-r -R --recursive]",
        "gcloud sql instances delete",
        "gcloud container clusters delete",
        "az group delete",
        "kubectl delete namespace*",
        "kubectl delete ns",
        "kubectl delete ns/*",
        "kubectl delete persistentvolume*",
        "kubectl delete pvc",
        "kubectl delete pvc/*",
        "kubectl delete pv",
        "kubectl delete pv/*",
        "kubectl delete statefulset*",
        "kubectl delete deployment*",
        "kubectl delete deploy",
        "kubectl delete deploy/*",
        "kubectl delete certificate",
        "kubectl delete certificate/*",
        "kubectl delete ?[--all]",
        "helm uninstall",
        "helm delete",
        "docker compose down ?[-v --volumes]",
        "docker-compose down ?[-v --volumes]",
        "docker system prune",
        "docker volume rm",
        "docker volume prune",
        "docker image prune ?[-a --all]",
        "aws s3 rm ?[--recursive]",
        "aws s3 rb",
        "aws s3 sync ?[--delete]",
        "aws dynamodb delete-table",
        "aws eks delete-cluster",
        "aws rds delete-db-instance",
        "aws ec2 terminate-instances",
        "rsync ?[--delete --delete-before --delete-during --delete-delay --delete-after --delete-excluded]",
        "crontab ?[-r]",
        "git push ?[-f --force --mirror]",
        "git clean ?[-f --force]",
        "rabbitmqctl purge_queue",
        "rabbitmqctl reset",
        "userdel",
        "shutdown",
        "reboot",
    ])
});

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = script
        .commands
        .iter()
        .filter_map(|ran| Some((destroys(&ran.it)?, ran.place, ran.it.span)))
        .filter(|(_, place, span)| open(script, *place, *span))
        .map(|(what, _, span)| finding(&what, span))
        .collect();
    let sql = script.sql.iter().filter_map(|sql| Some((in_sql(&sql.it.text)?, sql.place, sql.it.span)));
    let sql = sql.filter(|(_, place, span)| open(script, *place, *span));
    found.extend(sql.map(|(what, _, span)| finding(what, span)));
    found
}

/// It is done for its effect, on the way forward, and nothing about it has to hold above it.
fn open(script: &Script<'_>, place: Place, span: Span) -> bool {
    if place.role != Role::Doing {
        return false;
    }
    let name =
        place.step.and_then(|step| script.steps.get(step)).map_or("", |step| script.sources.text(step.name.span));
    let about = format!("{name} {}", script.sources.text(span));
    !script.guarded_about(place, &about)
}

fn finding(what: &str, span: Span) -> Diagnostic {
    RULE.found(format!("{what}, and nothing has to hold before"), span, "what goes here does not come back").help(
        "show first what would go, as a number that a guard compares (`guard \"only the old ones\": count.int() < 100`), or ask: `confirm \"…\"`; `irreversible \"why\"` asks by itself",
    )
}

/// What it does, unless it only shows that.
fn destroys(ran: &Ran) -> Option<String> {
    destructive(ran).filter(|_| !ran.previews() && !ran.option("dry-run", '\0'))
}

fn destructive(ran: &Ran) -> Option<String> {
    let words = || ran.operands().map(|a| a.text.as_str());
    if let Some(what) = ran.shown(&DESTROYS) {
        return Some(format!("`{what}` destroys"));
    }
    match ran.name.as_str() {
        "rm" if ran.option("recursive", 'r') || ran.option("", 'R') => {
            let wide = |a: &Arg| a.glob || a.text.contains(COMPUTED) || a.text.starts_with('/');
            ran.operands().any(wide).then(|| "`rm -r` deletes whatever is there".to_owned())
        }
        "celery" => words().any(|w| w == "purge").then(|| "`celery purge` throws every waiting task away".to_owned()),
        "dd" => words().any(|w| w.starts_with("of=/dev/")).then(|| "`dd` overwrites a device".to_owned()),
        "gh" | "curl" | "http" => {
            let deletes = ran.value_of(&["-X", "--request", "--method"]).is_some_and(|m| m == "DELETE");
            (deletes && ran.runs_in("xargs"))
                .then(|| "one request after the other deletes what a list names".to_owned())
        }
        "rm" => ran.runs_in("xargs").then(|| "`xargs rm` deletes what a list names".to_owned()),
        "git" => (words().next() == Some("reset") && ran.has("--hard"))
            .then(|| "`git reset --hard` throws local work away".to_owned()),
        _ => None,
    }
}

fn in_sql(text: &str) -> Option<&'static str> {
    let starts = |word: &str| text.split(';').any(|one| one.trim_start().starts_with(word));
    if starts("DROP DATABASE") {
        Some("`DROP DATABASE` destroys it")
    } else if starts("DROP TABLE") || starts("DROP SCHEMA") {
        Some("`DROP` destroys every row")
    } else if starts("TRUNCATE") {
        Some("`TRUNCATE` destroys every row")
    } else if text.contains("PG_TERMINATE_BACKEND") {
        Some("`pg_terminate_backend` ends sessions that somebody uses")
    } else {
        None
    }
}
