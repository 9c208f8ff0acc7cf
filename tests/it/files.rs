//! The file provider in a directory of its own.
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use rbk::effects::Cancel;
use rbk::effects::file::Files;
use rbk::engine::Context;
use rbk::engine::call::Arg;
use rbk::value::Value;

use crate::lab::calls::{block_on, native, said};

async fn run(contexts: &[Context], action: &str, args: &[(&str, &str)]) -> String {
    let args = args.iter().map(|(k, v)| (*k, Arg::Value(Value::str(*v)))).collect();
    let mut call = native(&format!("file.{action}"), None, args);
    call.contexts = contexts.to_vec().into();
    let (_keep, cancel) = Cancel::new();
    said(&Files.call(&call, cancel).await)
}

#[test]
fn every_action_in_the_directory_of_the_context() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("odd [dir]");
    std::fs::create_dir_all(root.join("sub")).unwrap();
    let contexts = [Context::Dir(root.to_str().unwrap().into()), Context::Dir("sub".into())];
    block_on(async {
        let at = async |action: &str, args: &[(&str, &str)]| run(&contexts, action, args).await;
        assert_eq!(at("exists", &[("path", "a")]).await, "false");
        assert_eq!(at("write", &[("path", "a"), ("text", "hello\n")]).await, "null");
        assert_eq!(std::fs::read_to_string(root.join("sub/a")).unwrap(), "hello\n");
        assert_eq!(at("exists", &[("path", "a")]).await, "true");
        assert_eq!(at("size", &[("path", "a")]).await, "6B");
        assert_eq!(at("read", &[("path", "a")]).await, "\"hello\\n\"");
        assert_eq!(
            at("sha256", &[("path", "a")]).await,
            "\"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\""
        );
        assert_eq!(at("copy", &[("from", "a"), ("to", "b.txt")]).await, "null");
        assert_eq!(at("glob", &[("pattern", "*")]).await, "[\"a\", \"b.txt\"]");
        assert!(at("modified", &[("path", "a")]).await.starts_with("20"));
        assert_eq!(at("remove", &[("path", "a")]).await, "null");
        assert_eq!(at("remove", &[("path", "a")]).await, "null");
        assert_eq!(
            at("size", &[("path", "a")]).await,
            format!("None failed: `{}`: there is no such file", root.join("sub/a").display())
        );
        assert_eq!(
            at("read", &[("path", "..")]).await,
            format!("None failed: `{}` is a directory", root.join("sub/..").display())
        );
        std::fs::write(root.join("sub/big"), vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(at("read", &[("path", "big")]).await.contains("is larger than 1 MiB"));
        std::fs::write(root.join("sub/bin"), [0xff, 0xfe]).unwrap();
        assert!(at("read", &[("path", "bin")]).await.contains("is not UTF-8 text"));
        assert!(at("write", &[("path", "none/x"), ("text", "")]).await.starts_with("None failed"));
        assert!(at("write", &[("path", "a\0b"), ("text", "")]).await.starts_with("None value"));
        let ssh = [Context::Ssh(Value::str("web-1"))];
        assert!(
            run(&ssh, "size", &[("path", "a")]).await.starts_with("None value: a file action works on this machine")
        );
    });
}

#[test]
fn a_write_keeps_mode_and_link_and_leaves_nothing_beside() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    std::fs::write(&real, "old").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", &link).unwrap();
    let contexts: Arc<[Context]> = Arc::new([Context::Dir(dir.path().to_str().unwrap().into())]);
    block_on(async {
        assert_eq!(run(&contexts, "write", &[("path", "link"), ("text", "new")]).await, "null");
    });
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn what_is_no_regular_file_is_refused_and_never_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(dir.path().join("plain"), "x").unwrap();
    let contexts = [Context::Dir(dir.path().to_str().unwrap().into())];
    block_on(async {
        for (action, args) in [
            ("read", vec![("path", "fifo")]),
            ("sha256", vec![("path", "fifo")]),
            ("copy", vec![("from", "fifo"), ("to", "x")]),
            ("write", vec![("path", "fifo"), ("text", "x")]),
            ("copy", vec![("from", "plain"), ("to", "fifo")]),
            ("read", vec![("path", "/dev/zero")]),
        ] {
            let said = run(&contexts, action, &args).await;
            assert!(said.ends_with("is a pipe, a socket or a device, not a file"), "{action}: {said}");
        }
    });
    assert!(!std::fs::metadata(&fifo).unwrap().is_file(), "the pipe was replaced");
}

/// Only an ordinary user meets a file that it may write and not give back: this test becomes one, in a process of its own.
#[test]
fn a_file_whose_owner_cannot_be_kept_is_not_replaced() {
    if !nix::unistd::geteuid().is_root() {
        // Its own files are the only ones an ordinary user can make here.
        let dir = tempfile::tempdir().unwrap();
        let contexts = [Context::Dir(dir.path().to_str().unwrap().into())];
        std::fs::write(dir.path().join("a"), "old").unwrap();
        assert_eq!(block_on(run(&contexts, "write", &[("path", "a"), ("text", "new")])), "null");
        return;
    }
    let dir = crate::lab::directory();
    std::fs::write(dir.join("a"), "old").unwrap();
    // Where it was built may be closed to others.
    let rbk = dir.join("rbk");
    std::fs::copy(env!("CARGO_BIN_EXE_rbk"), &rbk).unwrap();
    std::fs::write(
        dir.join("a.rbk"),
        "runbook \"T\" {\n deadline 30s\n rollback within 10s\n step \"W\" {\n  file.write(\"a\", \"new\")\n  rollback none \"x\"\n }\n}\n",
    )
    .unwrap();
    let out = std::process::Command::new("setpriv")
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .arg(&rbk)
        .args(["run", "a.rbk"])
        .current_dir(&dir)
        .env("XDG_STATE_HOME", dir.join("state"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("belongs to user 0 and group 0"), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(std::fs::read_to_string(dir.join("a")).unwrap(), "old");
    let names: Vec<_> = std::fs::read_dir(&dir).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(names.iter().all(|n| !n.to_string_lossy().ends_with(".new")), "{names:?}");
    std::fs::remove_dir_all(&dir).unwrap();
}
