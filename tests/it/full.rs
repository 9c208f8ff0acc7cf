//! A disk that is full: by a limit on the size of files, which needs no rights, and, where a file system can be mounted, by a
//! real one.
use std::path::Path;
use std::process::{Command, Stdio};

use crate::lab::postgres::Cluster;

/// A file system of a quarter of a MiB, gone when this is dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Small> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs"]).arg(dir.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Small(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn book(body: &str) -> String {
    format!(
        "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 30s\n{body}\n}}\n"
    )
}

/// `state`: where what a run keeps goes.
fn rbk(dir: &Path, state: &Path, limit: &str, body: &str) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("book.rbk");
    std::fs::write(&file, book(body)).unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("ulimit -f {limit}; exec \"$0\" run --journal none \"$1\""), env!("CARGO_BIN_EXE_rbk")])
        .arg(&file);
    let out = command.current_dir(dir).stdin(Stdio::null()).env("XDG_STATE_HOME", state).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    (out.status.code().unwrap(), said)
}

/// The limit is a command's as well, and ends it as it would elsewhere.
#[test]
fn a_file_that_may_not_get_so_large_ends_a_command_and_never_rbk() {
    let dir = tempfile::tempdir().unwrap();
    let body = "  step \"Fill\" {\n    $ head -c 600000 /dev/zero > big\n    rollback { $ rm big }\n  }";
    let (code, said) = rbk(dir.path(), dir.path(), "256", body);
    assert!(code == 1 && said.contains("it wrote a larger file than it may"), "{code} {said}");
    std::fs::write(dir.path().join("book.rbk"), book("  log \"hello\"")).unwrap();
    let run = "ulimit -f 256; exec \"$0\" run --journal journal.db book.rbk";
    let out =
        Command::new("bash").args(["-c", run, env!("CARGO_BIN_EXE_rbk")]).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && said.contains("File too large"), "{:?} {said}", out.status);
}

/// The file is there whole or not at all, and the step is undone.
#[test]
fn a_file_that_does_not_fit_is_not_there() {
    let body = "  let big = $ head -c 600000 /dev/zero | tr '\\0' x\n  step \"Write it\" {\n    $ touch began\n    \
                file.write(\"big\", big)\n    rollback { $ touch undone }\n  }";
    let tried = |dir: &Path, limit: &str, why: &str| {
        let state = tempfile::tempdir().unwrap();
        let (code, said) = rbk(dir, state.path(), limit, body);
        assert!(code == 1 && said.contains(why) && said.contains("undone: Write it"), "{code} {said}");
        let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["began", "undone"], "{said}");
    };
    tried(tempfile::tempdir().unwrap().path(), "256", "`big`: File too large");
    if let Some(small) = Small::mount() {
        tried(small.0.path(), "unlimited", "`big`: No space left on device");
    }
}

/// That a long output cannot be kept is said, and changes nothing else.
#[test]
fn an_output_that_cannot_be_kept_is_no_failure() {
    let body =
        "  step \"Say much\" {\n    $ (yes 'a line of output' || true) | head -c 2000000\n    rollback none \"x\"\n  }";
    let tried = |state: &Path, limit: &str, why: &str| {
        let dir = tempfile::tempdir().unwrap();
        let (code, said) = rbk(dir.path(), state, limit, body);
        let end = &said[said.len().saturating_sub(600)..];
        assert!(code == 0 && said.contains(&format!("which could not be kept: {why}")), "{code} {end}");
        assert!(said.matches("a line of output").count() > 100_000, "{end}");
    };
    tried(tempfile::tempdir().unwrap().path(), "256", "File too large");
    if let Some(small) = Small::mount() {
        tried(small.0.path(), "unlimited", "No space left on device");
    }
}

/// A statement that the server's disk has no room for has done nothing, and the server goes on.
#[test]
fn a_database_without_room_has_done_nothing() {
    let tried = |cluster: &Cluster, table: &str, why: &str| {
        let body = format!(
            "  connect db = postgres(\"{}\")\n  step \"Fill it\" {{\n    db.exec(\"INSERT INTO {table} SELECT repeat('x', 1000) FROM generate_series(1, 60000)\")\n    \
             rollback {{ db.exec(\"CREATE TABLE undone_{table} ()\") }}\n  }}",
            cluster.url("postgres", "postgres")
        );
        let dir = tempfile::tempdir().unwrap();
        let (code, said) = rbk(dir.path(), dir.path(), "unlimited", &body);
        assert!(code == 1 && said.contains("could not extend file") && said.contains(why), "{code} {said}");
        assert!(said.contains("nothing was done"), "{said}");
        let left = format!("SELECT (SELECT count(*) FROM {table}), to_regclass('undone_{table}')");
        assert_eq!(cluster.psql("postgres", &left).unwrap(), "0|");
    };
    let cluster = Cluster::with(&[]);
    cluster.psql("postgres", "CREATE TABLE t (x text)").unwrap();
    if let Some(small) = Small::mount() {
        let place = small.0.path().join("space");
        std::fs::create_dir(&place).unwrap();
        crate::lab::give(&place);
        // Whoever serves must get there.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(small.0.path(), open).unwrap();
        cluster.psql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", place.display())).unwrap();
        cluster.psql("postgres", "CREATE TABLE s (x text) TABLESPACE small").unwrap();
        tried(&cluster, "s", "No space left on device");
        cluster.psql("postgres", "DROP TABLE s").unwrap();
        cluster.psql("postgres", "DROP TABLESPACE small").unwrap();
    }
    // Sessions to come take the limit over.
    let pid = std::fs::read_to_string(cluster.server.dir.join("pg/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap();
    // Only whoever a process belongs to may set its limits.
    let other = ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "prlimit"];
    let mut prlimit = if nix::unistd::geteuid().is_root() { Command::new("setpriv") } else { Command::new("prlimit") };
    if nix::unistd::geteuid().is_root() {
        prlimit.args(other);
    }
    crate::lab::run(prlimit.args(["--pid", pid, "--fsize=33554432:33554432"]));
    tried(&cluster, "t", "File too large");
}

/// A script whose other form does not fit is left as it is.
#[test]
fn a_script_that_cannot_be_replaced_stays() {
    let Some(small) = Small::mount() else { return };
    let text = "use   \"std/files\"\n".repeat(9000);
    let file = small.0.path().join("a.rbk");
    std::fs::write(&file, &text).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_rbk")).arg("fmt").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && said.contains("no space left on device"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(std::fs::read_dir(small.0.path()).unwrap().count(), 1, "nothing of ours stays");
}
