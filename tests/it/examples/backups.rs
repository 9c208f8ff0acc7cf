//! NovaCron, backups before a deployment: a real Postgres, dumps and restores, and the journal that both runbooks share.
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::stage::postgres::Postgres;
use crate::stage::{self, Run, repo, sh, snapshot};

struct Novacron {
    db: Postgres,
    here: PathBuf,
    _dir: TempDir,
}

fn novacron() -> Novacron {
    let dir = stage::dir();
    let here = dir.path().to_owned();
    let db = Postgres::start(&here);
    db.psql("postgres", "CREATE DATABASE novacron");
    db.psql(
        "novacron",
        "CREATE TABLE vms (id int); CREATE TABLE nodes (id int); INSERT INTO vms SELECT generate_series(1, 2000); INSERT INTO nodes VALUES (1)",
    );
    for folder in ["backups", "config", "current"] {
        std::fs::create_dir(here.join(folder)).unwrap();
    }
    std::fs::write(here.join("config/novacron.yaml"), "streams: 15\n").unwrap();
    std::fs::write(here.join("current/novacron"), "v1.4.0\n").unwrap();
    sh(db.client("pg_dump").args(["-Fc", "-d", "novacron", "-f"]).arg(here.join("backups/nightly.dump")));
    Novacron { db, here, _dir: dir }
}

impl Novacron {
    fn run(&self, book: &str) -> Run {
        Run::new(&repo("examples/novacron").join(book))
            .env("RBK_JOURNAL", self.here.join("journal.db"))
            .set("backups", self.here.join("backups").display())
    }

    fn drill(&self) -> Run {
        self.run("restore_drill.rbk").env("ADMIN_URL", self.db.url("postgres"))
    }

    fn backups(&self) -> Run {
        self.run("backups.rbk")
            .env("DATABASE_URL", self.db.url("novacron"))
            .set("config", self.here.join("config").display())
            .set("artifacts", self.here.join("current").display())
    }

    fn outside(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let files = ["backups", "config", "current"].map(|folder| snapshot::files(&self.here.join(folder)));
        (files, self.db.psql("postgres", "SELECT datname FROM pg_database ORDER BY 1"), self.db.dump("novacron"))
    }

    fn made(&self, end: &str) -> Vec<PathBuf> {
        glob::glob(&format!("{}/backups/*{end}", self.here.display())).unwrap().flatten().collect()
    }
}

#[test]
fn backups_are_made_once_a_restore_was_tested() {
    let it = novacron();
    let before = it.outside();
    it.backups().go().ended(1).says(&["✗ a restore was tested lately", "restore drill: never"]);
    assert_eq!(before, it.outside());

    it.drill().go().ended(0);
    assert_eq!(before, it.outside(), "the drill leaves nothing");
    it.backups().go().ended(0).says(&["✓ a restore was tested lately"]);

    let dumps = it.made("-????.dump");
    assert_eq!(dumps.len(), 1, "{dumps:?}");
    it.db.psql("postgres", "CREATE DATABASE again");
    sh(it.db.client("pg_restore").args(["-d", "again"]).arg(&dumps[0]));
    assert_eq!(it.db.dump("again"), it.db.dump("novacron"));
    let archives = it.made("-config.tar.gz");
    assert_eq!(archives.len(), 1, "{archives:?}");
    assert_eq!(sh(Command::new("tar").arg("-xzOf").arg(&archives[0]).arg("./novacron.yaml")), "streams: 15\n");
}

#[test]
fn without_artifacts_the_backups_are_gone_again() {
    let it = novacron();
    it.drill().go().ended(0);
    std::fs::remove_file(it.here.join("current/novacron")).unwrap();
    let before = it.outside();
    it.backups().go().ended(1).says(&["✗ the artifacts are there", "✓ undone: Back up the configuration"]);
    assert_eq!(before, it.outside());
}

#[test]
fn a_drill_that_failed_or_is_too_long_ago_does_not_count() {
    let it = novacron();
    let (nightly, whole) =
        (it.here.join("backups/nightly.dump"), std::fs::read(it.here.join("backups/nightly.dump")).unwrap());
    std::fs::write(&nightly, &whole[..whole.len() / 2]).unwrap();
    let before = it.outside();
    it.drill().go().ended(1).says(&["✗ the dump is whole"]);
    it.backups().go().ended(1).says(&["restore drill: never"]);

    std::fs::write(&nightly, &whole).unwrap();
    it.db.psql("novacron", "CREATE TABLE empty (id int)");
    it.drill().params(&serde_json::json!({ "tables": ["vms", "empty"] })).go().ended(1);
    it.backups().go().ended(1).says(&["restore drill: never"]);
    it.db.psql("novacron", "DROP TABLE empty");
    std::fs::write(&nightly, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(before, it.outside());

    std::fs::write(&nightly, &whole).unwrap();
    it.drill().go().ended(0);
    it.backups().set("tested_within", "1ms").go().ended(1).says(&["✗ a restore was tested lately"]);
}
