//! Five runbooks of the real world, their commands pasted into steps as somebody in a hurry does: what went wrong in them is found.
use super::today;
use crate::stage::repo;
use rbk::session;

/// Script, trap, code, and what stands on the line.
const FOUND: &[(&str, &str, &str, &str)] = &[
    ("deltacrown", "T01", "destructive-unguarded", "redis-cli FLUSHDB"),
    ("deltacrown", "T03", "drop-before-verify", "DROP DATABASE"),
    ("deltacrown", "T05", "lost-exit-code", "-d $DB_NAME < backup_YYYYMMDD"),
    ("deltacrown", "T08", "publish-before-verify", "aws s3 cp backup_*.sql"),
    ("deltacrown", "T11", "glob-in-artefact", "aws s3 cp backup_*.sql"),
    ("deltacrown", "T13", "stamp-twice", "media_backup_$(date"),
    ("deltacrown", "T14", "unproven-restore", "latest_backup.sql"),
    ("deltacrown", "T19", "unbounded-follow", "tail -f /var/log/deltacrown/celery.log"),
    ("deltacrown", "T21", "foreground-daemon", "gunicorn deltacrown.wsgi"),
    ("deltacrown", "T22", "interactive-command", "manage.py dbshell"),
    ("deltacrown", "T23", "curl-no-fail", "curl https://deltacrown.com/healthz/"),
    ("deltacrown", "T26", "cron-vs-text", "*/30 * * * *"),
    ("deltacrown", "T38", "downgrade-after-checkout", "migrate app_name"),
    ("deltacrown", "T45", "grep-as-check", "showmigrations | grep"),
    ("deltacrown", "T48", "moving-target", "git pull origin main"),
    ("deltacrown", "T49", "single-probe", "curl https://deltacrown.com/healthz/"),
    ("deltacrown", "T53", "redis-keys", "redis-cli keys"),
    ("deltacrown", "T58", "sample-secret", "PASSWORD 'new-password'"),
    ("deltacrown", "T59", "secret-in-output", "get_random_secret_key"),
    ("deltacrown", "T60", "secret-in-output", "env | grep DB_"),
    ("deltacrown", "T61", "secret-variable", "Bearer $TOKEN"),
    ("deltacrown", "T62", "placeholder", "<previous-commit-hash>"),
    ("deltacrown", "T63", "sample-secret", "DB_PASSWORD=new-password"),
    ("deltacrown", "T65", "cd-leak", "cd /var/www/deltacrown"),
    ("deltacrown", "T68", "destructive-unguarded", "celery -A deltacrown purge"),
    ("deltacrown", "T71", "lost-exit-code", "CONFIG SET maxmemory-policy"),
    ("deltacrown", "T79", "moving-target", "--upgrade"),
    ("deltacrown_ops", "T03", "drop-before-verify", "dropdb"),
    ("deltacrown_ops", "T10", "destructive-unguarded", "-delete"),
    ("deltacrown_ops", "T13", "overwrite-artefact", "tar"),
    ("deltacrown_ops", "T14", "unproven-restore", "deltacrown_20250101_120000.dump"),
    ("deltacrown_ops", "T21", "foreground-daemon", "manage.py runserver"),
    ("deltacrown_ops", "T22", "interactive-command", "createsuperuser"),
    ("deltacrown_ops", "T62", "placeholder", "/path/to"),
    ("deltacrown_ops", "T63", "sample-secret", "DB_PASSWORD=secure_password"),
    ("novacron", "T02", "destructive-unguarded", "FLUSHDB"),
    ("novacron", "T15", "glob-in-artefact", "job/backup-pre-deploy-*"),
    ("novacron", "T16", "wait-misses-failure", "kubectl wait --for=condition=complete"),
    ("novacron", "T20", "unbounded-follow", "watch -n 5"),
    ("novacron", "T34", "switch-unchecked", "kubectl patch service"),
    ("novacron", "T35", "evidence-after-destroy", "kubectl logs deployment/novacron-api-green"),
    ("novacron", "T36", "unknown-subcommand", "kubectl patch deployment novacron-api-green"),
    ("novacron", "T61", "secret-variable", "$SLACK_WEBHOOK_URL"),
    ("novacron", "T62", "placeholder", "novacron-api-xxx"),
    ("novacron", "T66", "context-leak", "use-context production"),
    ("novacron", "T72", "destructive-unguarded", "artifacts/{}"),
    ("novacron", "T73", "destructive-unguarded", "delete certificate"),
    ("novacron", "T74", "oldest-first", "head -20"),
    ("novacron", "T75", "lost-exit-code", "ab -n 1000"),
    ("novacron", "T76", "lost-exit-code", "gh run watch"),
    ("ghostworks", "T19", "unbounded-follow", "docker stats"),
    ("ghostworks", "T41", "exec-before-up", "alembic upgrade head"),
    ("ghostworks", "T42", "other-project", "docker-compose"),
    ("ghostworks", "T43", "relative-target", "downgrade -1"),
    ("ghostworks", "T43", "relative-target", "stamp head"),
    ("ghostworks", "T60", "secret-in-output", "docker-compose config"),
    ("finance", "T08", "publish-before-verify", "aws s3 cp"),
    ("finance", "T12", "stamp-twice", "aws s3 cp"),
    ("finance", "T14", "unproven-restore", "backup.dump"),
    ("finance", "T21", "foreground-daemon", "daphne"),
    ("finance", "T47", "unknown-subcommand", "aws elb deregister-targets"),
    ("finance", "T49", "fixed-sleep", "sleep 30"),
    ("finance", "T50", "kill-by-name", "pkill -9"),
    ("finance", "T51", "unknown-subcommand", "shutdown_beat"),
    ("finance", "T52", "unknown-subcommand", "dbshell -c"),
    ("finance", "T54", "unknown-subcommand", "mean_time"),
    ("finance", "T56", "default-target", "psql -c"),
    ("finance", "T57", "destructive-unguarded", "pg_terminate_backend"),
];

#[test]
fn what_went_wrong_in_them_is_found() {
    let mut missing = Vec::new();
    for name in ["deltacrown", "deltacrown_ops", "novacron", "ghostworks", "finance"] {
        let path = repo(&format!("tests/suites/lint/pasted/{name}.rbk"));
        let text = std::fs::read_to_string(&path).unwrap();
        let opened = session::open_text("a.rbk", &text, &session::Disk);
        let found = session::advice::advise(opened, today()).found;
        for (_, trap, code, part) in FOUND.iter().filter(|(script, ..)| *script == name) {
            let there = found.iter().filter(|d| d.code.name() == *code).any(|d| {
                let span = d.span();
                let start = text[..span.start as usize].rfind('\n').map_or(0, |n| n + 1);
                let end = text[span.end as usize..].find('\n').map_or(text.len(), |n| span.end as usize + n);
                text[start..end].contains(part)
            });
            if !there {
                let line = text.lines().position(|l| l.contains(part)).map(|n| n + 1);
                missing.push(format!("{name}: {trap}: no {code} at `{part}` (line {line:?})"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
