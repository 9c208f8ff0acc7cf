//! `rbk fmt` on files: which are replaced, which are left, what is said and how it exits.
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use crate::cli::Desk;
use crate::stage::repo;

const LOOSE: &str = "use   \"std/files\"\nuse \"std/git\"   \n";
const TIGHT: &str = "use \"std/files\"\nuse \"std/git\"\n";
const BROKEN: &str = "runbook \"x\" {\n";

fn read(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path(name)).unwrap()
}

/// Nothing but these is there: no file of ours stays.
fn holds(desk: &Desk, folder: &str, names: &[&str]) {
    let mut found: Vec<_> =
        std::fs::read_dir(desk.path(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, names);
}

#[test]
fn files_below_a_directory_are_written() {
    let desk = Desk::new()
        .file("d/a.rbk", LOOSE)
        .file("d/e/b.rbk", TIGHT)
        .file("d/.hidden/c.rbk", LOOSE)
        .file("d/t.md", LOOSE);
    let inode = |name: &str| std::fs::metadata(desk.path(name)).unwrap().ino();
    let before = inode("d/e/b.rbk");
    let said = desk.rbk(&["fmt", "d"]);
    assert_eq!(said.exits(0).out, "formatted d/a.rbk\n✓ 1 file formatted, 1 file in style already\n");
    assert_eq!((read(&desk, "d/a.rbk"), read(&desk, "d/.hidden/c.rbk")), (TIGHT.to_owned(), LOOSE.to_owned()));
    assert_eq!(inode("d/e/b.rbk"), before, "a file in style is not touched");
    assert_eq!(desk.rbk(&["fmt", "d"]).exits(0).out, "✓ 2 files in style already\n");
    assert_eq!(desk.rbk(&["fmt", "-q", "d"]).exits(0).out, "");
    holds(&desk, "d", &[".hidden", "a.rbk", "e", "t.md"]);
}

#[test]
fn check_lists_and_diff_shows_and_neither_writes() {
    let desk = Desk::new().file("a.rbk", LOOSE).file("b.rbk", TIGHT);
    assert_eq!(desk.rbk(&["fmt", "--check", "b.rbk"]).exits(0).out, "✓ 1 file in style already\n");
    let said = desk.rbk(&["fmt", "--check", "a.rbk", "b.rbk"]);
    assert_eq!(said.exits(1).out, "would change a.rbk\n✗ 1 file would change, 1 file in style already\n");
    assert_eq!(desk.rbk(&["fmt", "--check", "-q", "a.rbk"]).exits(1).out, "");
    let diff = "--- a.rbk\n+++ a.rbk\n@@ -1,2 +1,2 @@\n-use   \"std/files\"\n-use \"std/git\"   \n+use \"std/files\"\n+use \"std/git\"\n";
    for arguments in [&["fmt", "--diff", "a.rbk", "b.rbk"][..], &["fmt", "--check", "--diff", "a.rbk", "b.rbk"]] {
        let said = desk.rbk(arguments);
        assert_eq!(said.exits(1).out, diff);
        said.complains(&["✗ 1 file would change, 1 file in style already"]);
    }
    assert_eq!(desk.rbk(&["fmt", "--diff", "b.rbk"]).exits(0).out, "");
    assert_eq!(read(&desk, "a.rbk"), LOOSE);
}

#[test]
fn what_is_no_script_is_left_and_the_others_are_done() {
    let desk = Desk::new().file("a.rbk", BROKEN).file("b.rbk", LOOSE);
    for arguments in [&["fmt", "a.rbk", "b.rbk"][..], &["fmt", "--check", "a.rbk"], &["fmt", "--diff", "a.rbk"]] {
        desk.rbk(arguments).exits(1).complains(&["this block is not closed"]);
    }
    assert_eq!((read(&desk, "a.rbk"), read(&desk, "b.rbk")), (BROKEN.to_owned(), TIGHT.to_owned()));
    let desk = Desk::new().file("b.rbk", LOOSE).file("c.rbk", BROKEN);
    let said = desk.rbk(&["fmt", "missing.rbk", "b.rbk", "c.rbk"]);
    assert_eq!(said.exits(2).out, "formatted b.rbk\n✗ 1 file formatted, 1 file with syntax errors left, 1 not done\n");
    said.complains(&["cannot read `missing.rbk`: there is no such file"]);
}

#[test]
fn a_pipe_goes_in_and_out() {
    assert_eq!(Desk::new().input(LOOSE).rbk(&["fmt", "-"]).exits(0).out, TIGHT);
    assert_eq!(Desk::new().input("").rbk(&["fmt", "-"]).exits(0).out, "");
    let said = Desk::new().input(BROKEN).rbk(&["fmt", "-"]);
    said.exits(1).complains(&["this block is not closed"]);
    assert_eq!(said.out, "");
    Desk::new().input(LOOSE).rbk(&["fmt", "-", "--check"]).exits(1);
    Desk::new().input(LOOSE).rbk(&["fmt", "-", "--diff"]).exits(1).says(&["--- <stdin>", "+use \"std/files\""]);
    Desk::new().file("a.rbk", LOOSE).rbk(&["fmt", "-", "a.rbk"]).exits(2).complains(&["`-` stands alone"]);
}

#[test]
fn mode_and_links_stay() {
    let desk = Desk::new().file("real/a.rbk", LOOSE);
    std::fs::set_permissions(desk.path("real/a.rbk"), std::fs::Permissions::from_mode(0o750)).unwrap();
    symlink("real/a.rbk", desk.path("link.rbk")).unwrap();
    desk.rbk(&["fmt", "link.rbk"]).exits(0);
    assert_eq!(read(&desk, "real/a.rbk"), TIGHT);
    assert!(desk.path("link.rbk").is_symlink());
    assert_eq!(std::fs::metadata(desk.path("real/a.rbk")).unwrap().mode() & 0o7777, 0o750);
    holds(&desk, "real", &["a.rbk"]);
}

#[test]
fn a_file_with_a_second_name_is_left() {
    let desk = Desk::new().file("a.rbk", LOOSE).file("b.rbk", LOOSE);
    std::fs::hard_link(desk.path("a.rbk"), desk.path("same.rbk")).unwrap();
    let said = desk.rbk(&["fmt", "a.rbk", "b.rbk"]);
    said.exits(2).complains(&["cannot write `a.rbk`: it has another name (hard links)"]);
    assert_eq!((read(&desk, "same.rbk"), read(&desk, "b.rbk")), (LOOSE.to_owned(), TIGHT.to_owned()));
    assert_eq!(std::fs::metadata(desk.path("a.rbk")).unwrap().nlink(), 2);
    desk.rbk(&["fmt", "--check", "a.rbk"]).exits(1);
}

#[test]
fn a_pipe_is_no_file() {
    let desk = Desk::new();
    nix::unistd::mkfifo(&desk.path("p.rbk"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for arguments in [&["fmt", "p.rbk"][..], &["check", "p.rbk"], &["run", "p.rbk"], &["plan", "p.rbk"]] {
        desk.rbk(arguments)
            .exits(2)
            .complains(&["cannot read `p.rbk`: it is a pipe, no file; `-` reads standard input"]);
    }
}

#[test]
fn a_diff_has_each_name_on_its_line() {
    let desk = Desk::new().file("a\nb \"c\".rbk", LOOSE);
    let said = desk.rbk(&["fmt", "--diff", "a\nb \"c\".rbk"]);
    let name = "\"a\\nb \\\"c\\\".rbk\"";
    assert!(said.exits(1).out.starts_with(&format!("--- {name}\n+++ {name}\n@@")), "{}", said.out);
}

#[test]
fn what_may_not_be_written_is_not() {
    let desk = Desk::new().file("d/a.rbk", LOOSE).file("b.rbk", LOOSE);
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("d/a.rbk", 0o444);
    let said = desk.rbk(&["fmt", "d/a.rbk", "b.rbk"]);
    said.exits(2).complains(&["cannot write `d/a.rbk`: it is read-only"]);
    assert_eq!((read(&desk, "d/a.rbk"), read(&desk, "b.rbk")), (LOOSE.to_owned(), TIGHT.to_owned()));

    // Root may write everywhere: then it is another user who tries.
    mode("d/a.rbk", 0o666);
    mode("d", 0o555);
    mode("", 0o755);
    let mut command = desk.command(&["fmt", "d/a.rbk"]);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
    }
    let out = command.output().unwrap();
    mode("d", 0o755);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && said.contains("cannot write `d/a.rbk`: permission denied"), "{said}");
    assert_eq!(read(&desk, "d/a.rbk"), LOOSE);
    holds(&desk, "d", &["a.rbk"]);
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let desk = (0..40).fold(Desk::new(), |desk, n| desk.file(&format!("d/{n:02}.rbk"), LOOSE));
    let children: Vec<_> = (0..4).map(|_| desk.command(&["fmt", "-q", "d"]).spawn().unwrap()).collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let names: Vec<String> = (0..40).map(|n| format!("{n:02}.rbk")).collect();
    holds(&desk, "d", &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(names.iter().all(|name| read(&desk, &format!("d/{name}")) == TIGHT));
}

#[test]
fn our_own_scripts_are_in_style() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
    let out = command.args(["fmt", "--diff", "examples", "stdlib"]).current_dir(repo("")).output().unwrap();
    assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
}
