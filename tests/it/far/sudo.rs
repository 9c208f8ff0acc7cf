//! `with sudo`: across the boundary between users.
use super::{Desk, STUBBORN, TREE, ended, lives, shown, wait_for};
use crate::lab;
use std::process::Command;

/// Root runs commands as another user; anyone else is told how to be allowed to.
fn may_sudo() -> bool {
    Command::new("sudo").args(["-n", "-u", "nobody", "--", "true"]).output().unwrap().status.success()
}

#[test]
fn a_command_runs_as_another_user_or_nothing_starts() {
    let desk = Desk::new(
        r##"
  secret token = env("TOKEN")
  with sudo("nobody"), env({ T: token }), stdin("given") {
    step "As nobody" {
      let me = $ id -un
      let same = $ printf %s "$T:$(cat)" | base64
      guard "me": me == "nobody"
      log "same #{same}"
      $ """
        touch DIR/out/ready
        while [ ! -e DIR/out/go ]; do sleep 0.05; done
      """
      rollback { $ touch DIR/out/undone }
    }
  }"##,
    );
    let out = desk.dir.join("out");
    std::fs::create_dir(&out).unwrap();
    lab::run(Command::new("chmod").arg("777").arg(&out));
    lab::run(Command::new("chmod").arg("755").arg(&desk.dir));
    let child = desk.command().env("TOKEN", "canary-sud0-token").spawn().unwrap();
    if !may_sudo() {
        ended(child).with(1, &["`sudo` lets nothing run as `nobody`", "NOPASSWD"]);
        assert!(!desk.has("out/undone"));
        return;
    }
    wait_for("the command", || desk.has("out/ready").then_some(()));
    let (arguments, _) = shown("canary-sud0");
    assert!(arguments.is_empty(), "{arguments:?}");
    std::fs::write(desk.dir.join("out/go"), "").unwrap();
    let said = ended(child).with(0, &["same ‹token›"]).said;
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn a_user_that_is_not_there_is_said_to_be_it() {
    let desk = Desk::new(
        "  with sudo(\"no-such-user\") {\n    step \"One\" {\n      $ touch DIR/one\n      rollback { $ touch DIR/undone }\n    }\n  }",
    );
    desk.run(&[]).with(1, &["`sudo` lets nothing run as `no-such-user`"]);
    assert!(!desk.has("one") && !desk.has("undone"));
}

/// An ordinary user cannot signal what root runs for it: the lease ends it.
#[test]
fn a_timeout_ends_what_runs_as_root_for_an_ordinary_user() {
    let desk =
        Desk::new(&format!("  with sudo(), dir(\"DIR\") {{\n    step \"Hang\" timeout 12s {{\n{STUBBORN}    }}\n  }}"));
    if !nix::unistd::geteuid().is_root() {
        if may_sudo() {
            let child = desk.command().spawn().unwrap();
            let pids = TREE.map(|name| desk.pid(name));
            ended(child).with(1, &["undone: Hang"]);
            pids.into_iter().for_each(|pid| assert!(!lives(pid)));
        } else {
            desk.run(&[]).with(1, &["`sudo` lets nothing run as `root`", "NOPASSWD"]);
        }
        return;
    }
    // Rules that hold in this test only: in a mount namespace of its own.
    let rules = desk.dir.join("sudoers");
    std::fs::write(&rules, "nobody ALL=(ALL) NOPASSWD: ALL\n").unwrap();
    lab::run(Command::new("chmod").arg("440").arg(&rules));
    std::fs::copy(env!("CARGO_BIN_EXE_rbk"), desk.dir.join("rbk")).unwrap();
    lab::run(Command::new("chmod").arg("755").arg(&desk.dir));
    let script = r#"mount --bind "$1/sudoers" /etc/sudoers && exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$1/rbk" run a.rbk"#;
    std::fs::create_dir(desk.dir.join("state")).unwrap();
    lab::run(Command::new("chmod").arg("777").arg(desk.dir.join("state")));
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(&desk.dir).current_dir(&desk.dir);
    command.env("RBK_GRACE", "1s").env("XDG_STATE_HOME", desk.dir.join("state")).stdin(std::process::Stdio::null());
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let pids = TREE.map(|name| desk.pid(name));
    ended(child).with(1, &["undone: Hang"]);
    for pid in pids {
        assert!(!lives(pid), "{pid} lives");
    }
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(desk.dir.join("undone")).unwrap());
    assert_eq!(owner, 0);
}

#[test]
fn sudo_behind_ssh_is_one_lease() {
    let desk = Desk::new(&format!(
        "  with ssh(\"web-1\"), sudo(\"nobody\"), dir(\"DIR/out\") {{\n    step \"Hang\" timeout 12s {{\n{STUBBORN}    }}\n  }}"
    ));
    std::fs::create_dir(desk.dir.join("out")).unwrap();
    lab::run(Command::new("chmod").arg("777").arg(desk.dir.join("out")));
    lab::run(Command::new("chmod").arg("755").arg(&desk.dir));
    if !may_sudo() {
        desk.run(&[]).with(1, &["`sudo` lets nothing run as `nobody`"]);
        return;
    }
    let child = desk.command().spawn().unwrap();
    let pids = TREE.map(|name| desk.pid(&format!("out/{name}")));
    ended(child).with(1, &["undone: Hang"]);
    for pid in pids {
        assert!(!lives(pid), "{pid} lives");
    }
}
