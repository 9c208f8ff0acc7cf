//! `rbk check` over many files: levels of `rbk.toml`, formats for other programs, `--fix`.
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::{Desk, book};

const CURL: &str = "  step \"Look\" readonly { $ curl -s http://x/ }";

#[test]
fn the_nearest_rbk_toml_says_how_loud_a_finding_is() {
    let desk =
        Desk::new().file("ops/a.rbk", &book(CURL)).file("ops/drills/b.rbk", &book(CURL)).file("c.rbk", &book(CURL));
    let desk = desk.file(
        "ops/rbk.toml",
        "[levels]\ncurl-no-fail = \"error\"\n\n[[path]]\nmatch = \"drills/**\"\nlevels = { curl-no-fail = \"off\" }\n",
    );
    let said = desk.rbk(&["check", "--format", "short", "."]);
    said.exits(1).says(&["./c.rbk:4:", "warning: curl-no-fail", "./ops/a.rbk:4:28: curl-no-fail"]);
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    // An error of the script is never quiet.
    let desk =
        Desk::with(&book("  step \"x\" { $ mkdir y }")).file("rbk.toml", "[levels]\nmissing-rollback = \"off\"\n");
    desk.rbk(&["check", "a.rbk"]).exits(1).says(&["missing-rollback"]);
}

#[test]
fn what_is_wrong_with_rbk_toml_is_told() {
    for (text, why) in [
        ("[levels]\ncurl-nofail = \"off\"\n", "did you mean `curl-no-fail`?"),
        ("[levels]\ncurl-no-fail = \"quiet\"\n", "line 2: unknown variant `quiet`"),
        ("[level]\n", "line 1: unknown field `level`"),
        ("[[path]]\nmatch = \"[\"\nlevels = {}\n", "`[` is no pattern"),
    ] {
        let desk = Desk::with(&book("")).file("rbk.toml", text);
        desk.rbk(&["check", "a.rbk"]).exits(2).complains(&["rbk.toml", why]);
    }
}

#[test]
fn what_cannot_be_read_in_a_folder_holds_up_nothing_else() {
    let clean = book("  step \"Look\" readonly { guard \"there\": $ test -e a.rbk }");
    let desk = Desk::new().file("a/x.rbk", &clean).file("b/y.rbk", &clean).file("c/z.rbk", &book(CURL));
    let raw = std::ffi::OsStr::from_bytes(b"raw\xff.rbk");
    std::fs::rename(desk.path("b/y.rbk"), desk.path("b").join(raw)).unwrap();
    let said = desk.rbk(&["check", "--format", "short", "."]);
    said.exits(2).says(&["./c/z.rbk:4:"]).complains(&["cannot read `./b/raw", "must be UTF-8 text: rename it"]);
}

#[test]
fn our_own_library_is_in_order() {
    let paths = ["examples", "stdlib", "tests/samples"].map(|dir| format!("{}/{dir}", env!("CARGO_MANIFEST_DIR")));
    let [examples, stdlib, samples] = &paths;
    Desk::new().rbk(&["check", "--deny-warnings", examples, stdlib, samples]).exits(0);
}

#[test]
fn a_thousand_files_with_one_that_is_broken() {
    let mut desk = Desk::new();
    for n in 0..1000 {
        let text = if n == 517 { "runbook \"t\" {\n  deadlin 1m\n}\n".to_owned() } else { book("  log \"x\"") };
        desk = desk.file(&format!("{:02}/{n}.rbk", n % 17), &text);
    }
    let said = desk.rbk(&["check", "--format", "short", "."]);
    said.exits(1);
    assert!(said.out.lines().all(|line| line.starts_with("./07/517.rbk:")) && !said.out.is_empty(), "{}", said.out);
    desk.rbk(&["check", "."]).exits(1).says(&["in 1000 files"]);
    // What cannot be read is told, and the rest is looked at.
    std::fs::write(desk.path("07/517.rbk"), b"\xff").unwrap();
    let said = desk.rbk(&["check", "."]);
    said.exits(2).says(&["✓ 999 files checked, nothing found"]).complains(&["07/517.rbk", "it is not UTF-8 text"]);
}

#[test]
fn rbk_toml_says_which_commands_only_read() {
    let text = book("  step \"Ask\" { $ ./ask.sh now }");
    let desk = Desk::new().file("ops/a.rbk", &text).file("b.rbk", &text);
    let desk = desk.file("ops/rbk.toml", "reads = [\"./ask.sh\", \"rm\"]\n").file("ops/ask.sh", "");
    desk.rbk(&["check", "--format", "short", "ops"]).exits(0);
    desk.rbk(&["plan", "ops/a.rbk"]).exits(0);
    desk.rbk(&["check", "b.rbk"]).exits(1).says(&["missing-rollback", "reads"]);
    // What is known to write is not taken back.
    let desk = desk.file("ops/c.rbk", &book("  step \"Clear\" { $ rm x }"));
    desk.rbk(&["check", "ops/c.rbk"]).exits(1).says(&["missing-rollback"]);
    // A level that nobody knows keeps nothing from running, a text that is no TOML does.
    let desk = desk.file("ops/rbk.toml", "reads = [\"./ask.sh\"]\n[levels]\nnone-such = \"off\"\n");
    desk.rbk(&["plan", "ops/a.rbk"]).exits(0);
    let desk = desk.file("ops/rbk.toml", "reads = [1]\n");
    desk.rbk(&["run", "ops/a.rbk"]).exits(2).complains(&["rbk.toml", "line 1"]);
}

#[test]
fn json_names_what_could_not_be_read() {
    let desk = Desk::new().file("a.rbk", &book(CURL)).file("empty/x.md", "");
    std::fs::write(desk.path("b.rbk"), b"\xff").unwrap();
    let said = desk.rbk(&["check", "--format", "json", "a.rbk", "b.rbk", "empty", "c.rbk"]);
    let json: serde_json::Value = serde_json::from_str(&said.exits(2).out).unwrap();
    assert_eq!(json["diagnostics"][0]["file"], "a.rbk");
    let unread = json["unread"].as_array().unwrap();
    let paths: Vec<_> = unread.iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["empty", "b.rbk", "c.rbk"]);
    assert!(unread[1]["why"].as_str().unwrap().contains("it is not UTF-8 text"), "{}", unread[1]);
    let whole = desk.rbk(&["check", "--format", "json", "a.rbk"]);
    assert!(!whole.exits(0).out.contains("unread"), "{}", whole.out);
}

#[test]
fn files_are_told_in_their_order_whoever_is_ready_first() {
    let mut desk = Desk::new();
    for n in 0..60 {
        desk = desk.file(&format!("{n:02}.rbk"), &book(&CURL.replace("Look", &format!("Look {}", "x".repeat(n % 7)))));
    }
    let said = desk.rbk(&["check", "--format", "short", "."]);
    let names: Vec<&str> = said.out.lines().filter_map(|line| line.split(':').next()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!((names.len(), &names), (60, &sorted));
}

#[test]
fn sarif_has_the_shape_of_2_1_0() {
    let desk = Desk::new()
        .file("a b%.rbk", &book("  step \"Look\" readonly { $ curl -s http://x/ }\n  step \"é\" { $ mkdir y }"));
    let said = desk.rbk(&["check", "--format", "sarif", "a b%.rbk"]);
    said.exits(1);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["version"], "2.1.0");
    let run = &json["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "rbk");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (n, (code, level, line)) in
        [("curl-no-fail", "warning", 4), ("missing-rollback", "error", 5)].into_iter().enumerate()
    {
        let result = &results[n];
        assert_eq!((result["ruleId"].as_str(), result["level"].as_str()), (Some(code), Some(level)));
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], code);
        assert!(rule["help"]["text"].as_str().unwrap().starts_with(&format!("# {code}\n")));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b%25.rbk");
        assert_eq!(place["region"]["startLine"], line);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
    }
    let new = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(new["insertedContent"]["text"], " --fail");
    let clean = Desk::with(&book("")).rbk(&["check", "--format", "sarif", "a.rbk"]);
    let json: serde_json::Value = serde_json::from_str(&clean.exits(0).out).unwrap();
    assert_eq!(json["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn annotations_are_one_line_each() {
    let desk = Desk::new().file("a,b.rbk", &book(CURL));
    let said = desk.rbk(&["check", "--format", "github", "a,b.rbk"]);
    said.exits(0);
    assert!(
        said.out.starts_with("::warning file=a%2Cb.rbk,line=4,endLine=4,col=28,endColumn=45,title=curl-no-fail::"),
        "{}",
        said.out
    );
    assert_eq!(said.out.lines().count(), 1);
}

#[test]
fn fix_mends_what_is_safe_and_keeps_the_rest() {
    let body = "  step \"Look\" readonly {\n    # rbk: allow(raw-code) no more\n    $ curl -s http://x/ # look\n    $ tail -f x\n  }";
    let desk = Desk::with(&book(body));
    std::fs::set_permissions(desk.path("a.rbk"), PermissionsExt::from_mode(0o640)).unwrap();
    let said = desk.rbk(&["check", "--fix", "a.rbk"]);
    said.exits(1).says(&["unbounded-follow", "2 findings mended, 1 error in 1 file"]);
    let mended = book("  step \"Look\" readonly {\n    $ curl --fail -s http://x/ # look\n    $ tail -f x\n  }");
    assert_eq!(std::fs::read_to_string(desk.path("a.rbk")).unwrap(), mended);
    assert_eq!(desk.path("a.rbk").metadata().unwrap().permissions().mode() & 0o777, 0o640);
    // Again: nothing more to do.
    desk.rbk(&["check", "--fix", "a.rbk"]).exits(1).says(&["1 error in 1 file"]);
    assert_eq!(std::fs::read_to_string(desk.path("a.rbk")).unwrap(), mended);
}

#[test]
fn a_file_that_cannot_be_mended_stays() {
    let desk = Desk::with(&book(CURL));
    std::fs::set_permissions(desk.path("a.rbk"), PermissionsExt::from_mode(0o440)).unwrap();
    desk.rbk(&["check", "--fix", "a.rbk"]).exits(2).complains(&["cannot write `a.rbk`: it is read-only"]);
    assert_eq!(std::fs::read_to_string(desk.path("a.rbk")).unwrap(), book(CURL));
    let said = Desk::new().input(&book(CURL)).rbk(&["check", "--fix", "-"]);
    said.exits(0).says(&["curl-no-fail", "1 warning in 1 file"]);
}

/// The threads of a process, and the processes that it has started.
#[cfg(target_os = "linux")]
fn parts(pid: u32) -> (usize, usize) {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    let parent = |entry: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    (threads, all.filter_map(parent).filter(|parent| *parent == pid).count())
}

/// A runtime that resolves names or writes has threads of its own; a check has one. It is looked at while it waits for its text, while
/// it works, and while what it found waits to be read.
#[test]
#[cfg(target_os = "linux")]
fn a_check_starts_no_runtime_and_no_process() {
    use std::io::{Read, Write};
    use std::process::Stdio;
    use std::sync::atomic::{AtomicBool, Ordering};

    let steps: String = (0..3000).map(|n| format!("  step \"{n}\" readonly {{ $ curl -s http://x/ }}\n")).collect();
    let desk = Desk::new();
    let mut command = desk.command(&["check", "--format", "short", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    let over = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = (0, 0);
            while !over.load(Ordering::SeqCst) {
                let now = parts(pid);
                most = (most.0.max(now.0), most.1.max(now.1));
            }
            most
        });
        child.stdin.take().unwrap().write_all(book(&steps).as_bytes()).unwrap();
        let mut first = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        over.store(true, Ordering::SeqCst);
        watcher.join().unwrap()
    });
    let now = parts(pid);
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    assert_eq!((most, now), ((1, 0), (1, 0)));
    assert!(rest.lines().count() >= 3000 && rest.len() > 1 << 16, "it waited for its reader: {} bytes", rest.len());
}
