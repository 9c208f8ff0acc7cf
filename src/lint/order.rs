//! What a file makes, proves, sends away, destroys: the commands and calls for it, in their order.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::lint::script::{Call, Place, Role, Script};
use crate::source::Span;

/// A kind of thing that the order of matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A dump or an archive is written.
    Make,
    /// One is opened, compared, restored for a try.
    Prove,
    /// It leaves this machine.
    Publish,
    /// A database or a table goes.
    Drop,
    /// A dump is read into a database.
    Restore,
}

static MAKES: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&["pg_dump", "pg_dumpall", "mysqldump", "mongodump", "pg_basebackup", "tar ?[-c --create]"])
});

static PROVES: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "sha256sum",
        "md5sum",
        "cmp",
        "gzip ?[-t --test]",
        "gunzip ?[-t --test]",
        "zstd ?[-t --test]",
        "tar ?[-t --list]",
        "pgbackrest verify",
        "pg_verifybackup",
        "restic check",
    ])
});

static PUBLISHES: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "aws s3 cp",
        "aws s3 mv",
        "aws s3 sync",
        "aws s3api put-object",
        "gsutil cp",
        "gsutil rsync",
        "gcloud storage cp",
        "rclone copy",
        "rclone copyto",
        "rclone sync",
        "az storage blob upload",
        "scp",
        "gh release upload",
    ])
});

static SWITCHES: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "kubectl patch service",
        "kubectl patch svc",
        "kubectl patch service/*",
        "kubectl patch svc/*",
        "aws elbv2 modify-listener",
    ])
});

static MIGRATES: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "*alembic upgrade",
        "*manage.py migrate ![--plan --check --fake]",
        "*python* *manage.py migrate ![--plan --check --fake]",
        "*rails db:migrate",
        "*rake db:migrate",
        "flyway migrate",
        "liquibase update",
        "prisma migrate deploy",
        "knex migrate:latest",
        "dbmate up",
        "dbmate migrate",
    ])
});

/// Whether it brings a schema forward.
#[must_use]
pub fn migrates(ran: &Ran) -> bool {
    ran.is(&MIGRATES) && !ran.previews()
}

/// Where the traffic goes to another version, on the way forward.
pub fn switches<'s>(script: &'s Script<'_>) -> impl Iterator<Item = (Place, Span)> + 's {
    let selects = |ran: &Ran| ran.name == "aws" || ran.operands().any(|a| a.text.contains("selector"));
    let run = script.commands.iter().filter(move |ran| ran.it.is(&SWITCHES) && selects(&ran.it));
    let called =
        script.calls.iter().filter(|call| call.it.on == Some("nginx") && matches!(call.it.name, "switch" | "weights"));
    let both = run.map(|ran| (ran.place, ran.it.span)).chain(called.map(|call| (call.place, call.it.span)));
    both.filter(|(place, _)| place.role == Role::Doing)
}

/// In the order of the text, what is done on the way forward.
#[must_use]
pub fn deeds(script: &Script<'_>) -> Vec<(Deed, Place, Span)> {
    let mut out = Vec::new();
    for ran in &script.commands {
        if let Some(deed) = command(&ran.it) {
            out.push((deed, ran.place, ran.it.span));
        }
    }
    for call in &script.calls {
        if let Some(deed) = call_(&call.it) {
            out.push((deed, call.place, call.it.span));
        }
    }
    let drops = script.sql.iter().filter(|sql| sql.it.text.contains("DROP DATABASE"));
    out.extend(drops.map(|sql| (Deed::Drop, sql.place, sql.it.span)));
    out.retain(|(_, place, _)| !matches!(place.role, Role::Rollback | Role::Finally | Role::Handler));
    out.sort_by_key(|(_, place, _)| place.order);
    out
}

fn command(ran: &Ran) -> Option<Deed> {
    if ran.is(&PUBLISHES) && uploads(ran) {
        return Some(Deed::Publish);
    }
    // `psql db < dump.sql`, `psql -f dump.sql`
    let fed = ran.redirects.iter().any(|(op, _)| op == "<");
    match ran.name.as_str() {
        "dropdb" => Some(Deed::Drop),
        "psql" | "mysql" | "mariadb" if fed || ran.option("file", 'f') => Some(Deed::Restore),
        // Listing reads the head of a dump: it tells nothing of the rest.
        "pg_restore" if ran.option("list", 'l') => None,
        "pg_restore" => Some(Deed::Restore),
        "test" | "[" => ran.has("-s").then_some(Deed::Prove),
        _ if ran.is(&PROVES) => Some(Deed::Prove),
        _ if ran.is(&MAKES) => Some(Deed::Make),
        _ => None,
    }
}

/// The last operand is somewhere else.
fn uploads(ran: &Ran) -> bool {
    let target = ran.operands().last().map(|a| a.text.as_str()).unwrap_or_default();
    match ran.name.as_str() {
        "scp" | "rclone" => target.contains(':'),
        "aws" => ran.has("put-object") || !target.starts_with(['.', '/']),
        _ => true,
    }
}

fn call_(call: &Call<'_>) -> Option<Deed> {
    match (call.on, call.name) {
        (Some("postgres"), "whole" | "restore_test") | (Some("file"), "size" | "sha256") => Some(Deed::Prove),
        // It reads what it wrote before it gives it its name.
        (Some("postgres"), "dump") => Some(Deed::Prove),
        _ => None,
    }
}
