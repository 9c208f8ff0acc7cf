//! Much output: bounded memory, and what the limits promise to keep is there.
use std::io::Read;
use std::process::Stdio;

use super::{Desk, book};
use crate::lab::wait_for;

/// The most memory it has had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_gigabyte_of_output_needs_little_memory_and_its_two_ends_are_kept() {
    let body = r#"
  step "Much" timeout 20m {
    $ printf 'the first line\n'; head -c 1G /dev/zero | tr '\0' x; printf '\nthe last line\n'
    rollback none "nothing"
  }
  step "Wait" timeout 20m {
    $ touch done; while [ ! -e go ]; do sleep 0.05; done
    rollback none "nothing"
  }"#;
    let text = book(body).replace("deadline 30s", "deadline 50m");
    let desk = Desk::with(&text);
    let mut child = desk.command(&["run", "a.rbk"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // As slow as a person: what is not read in time is left out, and counted.
    let mut out = child.stdout.take().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(900);
    while !desk.has("done") {
        assert!(std::time::Instant::now() < until, "it has not ended");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let peak = peak(child.id());
    std::fs::write(desk.path("go"), "").unwrap();
    let mut told = String::new();
    out.read_to_string(&mut told).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(peak < 100 * 1024, "{peak} KiB");
    println!("peak of 1 GB of output: {peak} KiB");
    let line = told.lines().find(|line| line.contains("of output: its beginning and its end")).unwrap_or_else(|| {
        panic!("the file is not named in:\n{}", told.lines().filter(|l| l.len() < 200).collect::<Vec<_>>().join("\n"))
    });
    let path = line.rsplit(" are in ").next().unwrap().trim();
    let file = std::fs::read(path).unwrap();
    assert!(file.starts_with(b"the first line\nxxx") && file.ends_with(b"xxx\nthe last line\n"));
    let marks = file.windows(4).filter(|w| *w == "… ".as_bytes()).count();
    assert!(marks <= 1 && file.len() >= 64 << 20 && file.len() < (64 << 20) + 100, "{} bytes", file.len());
}

#[test]
fn a_failure_shows_both_ends_of_a_long_output_and_names_the_file_with_all_of_it() {
    let body =
        "  step \"Much\" {\n    $ echo first; seq 1 40000; echo last; exit 4\n    rollback none \"nothing\"\n  }";
    for format in ["human", "json"] {
        let desk = Desk::with(&book(body));
        let said = desk.rbk(&["run", "a.rbk", "--format", format]);
        said.exits(1);
        let at = said.out.find("of output: all of it is in DIR").expect("the file is named");
        let path: String = said.out[at..]
            .chars()
            .skip("of output: all of it is in DIR".len())
            .take_while(|c| !matches!(c, '"' | '\n'))
            .collect();
        let kept = std::fs::read_to_string(desk.path(path.trim_start_matches('/'))).unwrap();
        let expected: String = (1..=40_000).map(|n| format!("{n}\n")).collect();
        assert!(kept == format!("first\n{expected}last\n"));
        let last = said.out.lines().rev().take(40).collect::<Vec<_>>().join("\n");
        assert!(last.contains("first") && last.contains("last"), "{last}");
    }
    // Little output makes no file.
    let desk = Desk::with(&book("  step \"Little\" {\n    $ seq 1 100; exit 4\n    rollback none \"nothing\"\n  }"));
    assert!(!desk.rbk(&["run", "a.rbk"]).exits(1).out.contains("of output"));
    assert!(!desk.has(".state/rbk/output"));
}

#[test]
fn any_bytes_are_kept_as_they_came() {
    let body = "  step \"Bytes\" {\n    $ head -c 300000 /dev/urandom | tee copy\n    rollback none \"nothing\"\n  }";
    let desk = Desk::with(&book(body));
    desk.rbk(&["run", "a.rbk", "-q"]).exits(0);
    let dir = wait_for("the kept output", || std::fs::read_dir(desk.path(".state/rbk/output")).ok()?.flatten().next());
    let file = std::fs::read_dir(dir.path()).unwrap().flatten().next().unwrap().path();
    assert!(std::fs::read(file).unwrap() == std::fs::read(desk.path("copy")).unwrap());
}
