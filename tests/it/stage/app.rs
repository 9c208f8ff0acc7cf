//! The applications of a pool: `tests/fixtures/app.py`.
use std::path::Path;
use std::process::Command;

use super::{Process, client, repo};

/// Start one and wait until it listens.
pub fn start(port: u16, pool: &str, home: &Path, fault: &Path, env: &[(&str, String)]) -> Process {
    let log = fault.with_file_name(format!("{pool}.log"));
    let mut command = Command::new("python3");
    command.arg(repo("tests/fixtures/app.py")).arg(port.to_string()).arg(pool).arg(home).arg(fault);
    command.envs(env.iter().map(|(k, v)| (k, v)));
    Process::start(&mut command, &log).until(|| client::get(port, "/metrics").is_ok())
}

/// The one migration tool of the examples, with an application's first migration.
pub fn manage(home: &Path, app: &str) {
    std::fs::create_dir_all(home.join("migrations")).unwrap();
    std::fs::copy(repo("tests/fixtures/manage.py"), home.join("manage.py")).unwrap();
    std::fs::write(home.join("APP"), app).unwrap();
    migration(
        home,
        "0001_initial",
        "CREATE TABLE accounts_user (id int PRIMARY KEY, name text)",
        "DROP TABLE accounts_user",
    );
}

pub fn migration(home: &Path, name: &str, up: &str, down: &str) {
    std::fs::write(home.join("migrations").join(format!("{name}.sql")), format!("{up}\n-- down\n{down}\n")).unwrap();
}
