//! Each library against real components: what an action does, and that nothing of it is left when the run fails later.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::client::{Hammer, pool};
use crate::stage::nginx::Nginx;
use crate::stage::systemd::Manager;
use crate::stage::{self, Process, Run, app, repo, sh, snapshot, until};

/// A runbook around some statements that fails at its end when told to.
fn book(dir: &Path, library: &str, statements: &str) -> PathBuf {
    let file = dir.join("lab.rbk");
    let text = format!(
        "use \"std/{library}\"\nrunbook \"Lab\" {{\n  owner \"lab\"\n  reviewed 2026-11-01 every 365d\n  deadline 2m\n  \
         rollback within 1m\n  param dir: string\n  param spoil: bool\n  param nginx_command: list<string> = [\"nginx\"]\n  \
         {statements}\n  guard \"not told to fail\": not spoil\n}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// `before` and the statements failing later must leave the same; then they run for good.
fn undone_then_done(library: &str, before: impl Fn(&Path), statements: &str, done: impl Fn(&Path)) {
    let dir = stage::dir();
    let world = dir.path().join("world");
    std::fs::create_dir(&world).unwrap();
    before(&world);
    let file = book(dir.path(), library, statements);
    let run = |fail: bool| Run::new(&file).set("dir", world.display()).set("spoil", fail).go();
    let was = snapshot::files(&world);
    let ran = run(true).ended(1);
    assert_eq!(was, snapshot::files(&world), "{statements} is undone:\n{}", ran.out);
    run(false).ended(0);
    done(&world);
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn mode(path: PathBuf) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_put_writes_any_text_exactly() {
    let nothing = |_: &Path| {};
    undone_then_done("files", nothing, r##"files.put("#{dir}/new", "hello\n")"##, |d| {
        assert_eq!(read(d.join("new")), "hello\n")
    });
    let odd = "it's \"odd\" $(rm -rf /) `x` ; % \\ ünï\n\n no newline";
    let text = odd.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let put = format!(r##"files.put("#{{dir}}/a file", "{text}")"##);
    undone_then_done("files", nothing, &put, |d| assert_eq!(read(d.join("a file")), odd));
}

#[test]
fn files_put_keeps_mode_and_symlink() {
    let before = |d: &Path| {
        std::fs::write(d.join("real"), "before").unwrap();
        std::fs::set_permissions(d.join("real"), std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", d.join("link")).unwrap();
    };
    undone_then_done("files", before, r##"files.put("#{dir}/link", "after")"##, |d| {
        assert!(std::fs::symlink_metadata(d.join("link")).unwrap().is_symlink());
        assert_eq!((read(d.join("real")), mode(d.join("real"))), ("after".to_owned(), 0o640));
    });
}

#[test]
fn files_replace_takes_texts_literally() {
    let before = |d: &Path| std::fs::write(d.join("conf"), "proxy http://a:8000;\n# a.8000 a:8000\n\n").unwrap();
    undone_then_done("files", before, r##"files.replace("#{dir}/conf", old: "a:8000", new: "b&\\1:8001")"##, |d| {
        assert_eq!(read(d.join("conf")), "proxy http://b&\\1:8001;\n# a.8000 b&\\1:8001\n\n");
    });
    let dir = stage::dir();
    std::fs::write(dir.path().join("conf"), "nothing here\n").unwrap();
    let file = book(dir.path(), "files", r##"files.replace("#{dir}/conf", old: "a:8000", new: "x")"##);
    Run::new(&file).set("dir", dir.path().display()).set("spoil", false).go().ended(1);
    assert_eq!(read(dir.path().join("conf")), "nothing here\n");
}

#[test]
fn files_setting_replaces_uncomments_or_adds() {
    for (text, after) in [
        ("a = 1\nport = 1\nz = 2\n", "a = 1\nport = 8001\nz = 2\n"),
        ("a = 1\n#port = 5432   # the usual\nz = 2\n", "a = 1\nport = 8001\nz = 2\n"),
        ("a = 1\nports = 3\n", "a = 1\nports = 3\nport = 8001\n"),
    ] {
        let before = |d: &Path| std::fs::write(d.join("conf"), text).unwrap();
        undone_then_done("files", before, r##"files.setting("#{dir}/conf", "port", "8001")"##, |d| {
            assert_eq!(read(d.join("conf")), after)
        });
    }
}

const CHANGES: [&str; 3] = [
    r##"files.put("#{dir}/conf", "new\n")"##,
    r##"files.replace("#{dir}/conf", old: "port = 1", new: "port = 2")"##,
    r##"files.setting("#{dir}/conf", "port", "2")"##,
];

#[test]
fn files_put_back_what_is_long() {
    let before = |d: &Path| std::fs::write(d.join("conf"), format!("{}port = 1\n", "x\n".repeat(300_000))).unwrap();
    for change in CHANGES {
        undone_then_done("files", before, change, |_| ());
    }
    let long = format!("files.put(\"#{{dir}}/conf\", \"{}\")", "long ".repeat(40_000));
    undone_then_done("files", before, &long, |d| assert_eq!(read(d.join("conf")).len(), 200_000));
}

#[test]
fn files_too_long_to_keep_are_refused_before_they_change() {
    for change in CHANGES {
        let dir = stage::dir();
        let text = format!("{}port = 1\n", "x\n".repeat(500_000));
        std::fs::write(dir.path().join("conf"), &text).unwrap();
        let file = book(dir.path(), "files", change);
        Run::new(&file).set("dir", dir.path().display()).set("spoil", false).go().ended(1);
        assert!(read(dir.path().join("conf")) == text, "{change}");
    }
}

#[test]
fn files_with_a_secret_are_put_back_and_never_shown() {
    let token = "correct-horse-battery";
    for change in CHANGES {
        let dir = stage::dir();
        let conf = dir.path().join("conf");
        let text = format!("# kept as it was\ntoken = {token}\nport = 1\n");
        std::fs::write(&conf, &text).unwrap();
        let file = book(dir.path(), "files", change);
        let with_secret = read(file.clone()).replace("param dir", "secret token = env(\"TOKEN\")\n  param dir");
        std::fs::write(&file, with_secret).unwrap();
        let run = Run::new(&file).set("dir", dir.path().display()).set("spoil", true).env("TOKEN", token).go().ended(1);
        assert_eq!(read(conf), text, "{change}");
        // "# kept as it was" in base64
        assert!(!run.out.contains("IyBrZXB0IGFzIGl0"), "{}", run.out);
    }
}

#[test]
fn files_that_did_not_change_are_not_written_on_the_way_back() {
    for change in CHANGES {
        let dir = stage::dir();
        let conf = dir.path().join("conf");
        std::fs::write(&conf, "port = 1\n").unwrap();
        let file = book(dir.path(), "files", change);
        // As on a disk without room: the new file is there, and does not get to its place.
        std::fs::write(dir.path().join("mv"), "#!/bin/sh\necho 'mv: no space left' >&2\nexit 1\n").unwrap();
        std::fs::set_permissions(dir.path().join("mv"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", dir.path().display(), stage::path());
        Run::new(&file).set("dir", dir.path().display()).set("spoil", false).env("PATH", path).go().ended(1);
        assert_eq!(read(conf), "port = 1\n", "{change}");
        assert!(!dir.path().join("conf.rbk-new").exists(), "{change}");
    }
}

#[test]
fn files_setting_leaves_prose_alone() {
    for (text, after) in [
        ("# port = the port\nport = 1\n", "# port = the port\nport = 8001\n"),
        ("# port = the port\na = 1\n", "# port = the port\na = 1\nport = 8001\n"),
        ("#port = the port\n#port = 5432\n", "#port = the port\nport = 8001\n"),
        ("#port = 'a b' # text\n", "port = 8001\n"),
        ("port 5432\n", "port = 8001\n"),
        ("[a]\nport = 1\n[b]\nx = 1\n", "[a]\nport = 8001\n[b]\nx = 1\n"),
    ] {
        let before = |d: &Path| std::fs::write(d.join("conf"), text).unwrap();
        undone_then_done("files", before, r##"files.setting("#{dir}/conf", "port", "8001")"##, |d| {
            assert_eq!(read(d.join("conf")), after)
        });
    }
}

#[test]
fn files_say_why_a_change_is_refused() {
    let setting = r##"files.setting("#{dir}/conf", "port", "9")"##;
    for (text, change, why) in [
        ("[a]\nport = 1\n[b]\nport = 9\n", setting, "at most one line"),
        ("#port = 1\n#port = 2\n", setting, "at most one line"),
        ("[a]\nx = 1\n", setting, "there are no sections"),
        ("x = 1\n", r##"files.setting("#{dir}/conf", "", "9")"##, "the setting has a name"),
        ("", r##"files.setting("#{dir}/none", "port", "9")"##, "/none` does not exist"),
        ("", r##"files.replace("#{dir}/none", old: "a", new: "b")"##, "/none is there"),
        ("", r##"files.put("#{dir}/d1/x", "text")"##, "/d1` does not exist"),
        ("", r##"files.put("#{dir}", "text")"##, "` is a folder"),
    ] {
        let dir = stage::dir();
        std::fs::write(dir.path().join("conf"), text).unwrap();
        let file = book(dir.path(), "files", change);
        let run = Run::new(&file).set("dir", dir.path().display()).set("spoil", false).go().ended(1);
        assert!(run.out.contains(why), "{why}:\n{}", run.out);
        assert_eq!(read(dir.path().join("conf")), text, "{change}");
    }
}

#[test]
fn files_are_copied_moved_linked_and_made() {
    let tree = |d: &Path| {
        std::fs::create_dir(d.join("a")).unwrap();
        std::fs::write(d.join("a/x"), "x").unwrap();
        std::os::unix::fs::symlink("a", d.join("current")).unwrap();
    };
    undone_then_done("files", tree, r##"files.copy("#{dir}/a", to: "#{dir}/b")"##, |d| {
        assert_eq!(read(d.join("b/x")), "x")
    });
    undone_then_done("files", tree, r##"files.move("#{dir}/a", to: "#{dir}/b")"##, |d| {
        assert!(!d.join("a").exists() && d.join("b/x").exists())
    });
    undone_then_done("files", tree, r##"files.mkdir("#{dir}/a/p/q/r")"##, |d| assert!(d.join("a/p/q/r").is_dir()));
    undone_then_done("files", tree, r##"files.symlink("#{dir}/current", to: "b")"##, |d| {
        assert_eq!(std::fs::read_link(d.join("current")).unwrap(), Path::new("b"));
    });
    undone_then_done("files", tree, r##"files.symlink("#{dir}/fresh", to: "a")"##, |d| {
        assert_eq!(read(d.join("fresh/x")), "x")
    });
    undone_then_done("files", tree, r##"files.mode("#{dir}/a/x", "0600")"##, |d| {
        assert_eq!(mode(d.join("a/x")), 0o600)
    });
    undone_then_done("files", tree, r##"files.backup("#{dir}/a/x")"##, |d| {
        assert_eq!(std::fs::read_dir(d.join("a")).unwrap().count(), 2);
    });
}

#[test]
fn a_chain_of_changes_to_one_file_is_undone_in_order() {
    let before = |d: &Path| std::fs::write(d.join("conf"), "one\n").unwrap();
    let chain = "files.put(\"#{dir}/conf\", \"two\\n\")\n  files.replace(\"#{dir}/conf\", old: \"two\", new: \"three\")\n  \
                 files.setting(\"#{dir}/conf\", \"four\", \"4\")\n  files.move(\"#{dir}/conf\", to: \"#{dir}/moved\")";
    undone_then_done("files", before, chain, |d| assert_eq!(read(d.join("moved")), "three\nfour = 4\n"));
}

fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args([
        "-c",
        "user.name=lab",
        "-c",
        "user.email=lab@localhost",
        "-c",
        "commit.gpgsign=false",
    ]);
    sh(command.args(args)).trim_end().to_owned()
}

/// `origin` with two commits on `main`, and `app`, a clone of the first.
fn repositories(world: &Path) {
    let origin = world.join("origin");
    std::fs::create_dir(&origin).unwrap();
    git(&origin, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(origin.join("version"), "1\n").unwrap();
    git(&origin, &["add", "."]);
    git(&origin, &["commit", "--quiet", "-m", "one"]);
    sh(Command::new("git").args(["clone", "--quiet"]).arg(&origin).arg(world.join("app")));
    std::fs::write(origin.join("version"), "2\n").unwrap();
    git(&origin, &["commit", "--quiet", "-am", "two"]);
    git(&origin, &["tag", "v2"]);
}

#[test]
fn git_moves_a_working_tree_and_back() {
    let head = |d: &Path| git(&d.join("app"), &["rev-parse", "--abbrev-ref", "HEAD"]);
    undone_then_done("git", repositories, r##"git.pull("#{dir}/app")"##, |d| {
        assert_eq!((read(d.join("app/version")), head(d)), ("2\n".to_owned(), "main".to_owned()));
    });
    let checkout = "git.fetch(\"#{dir}/app\")\n  git.checkout(\"v2\", dir: \"#{dir}/app\")";
    undone_then_done("git", repositories, checkout, |d| assert_eq!(read(d.join("app/version")), "2\n"));
    undone_then_done("git", repositories, r##"git.clone("#{dir}/origin", "#{dir}/fresh")"##, |d| {
        assert_eq!(read(d.join("fresh/version")), "2\n")
    });
    undone_then_done("git", repositories, r##"git.tag("v1", dir: "#{dir}/app")"##, |d| {
        assert_eq!(git(&d.join("app"), &["tag"]), "v1")
    });
    undone_then_done("git", repositories, r##"git.worktree("#{dir}/side", "HEAD", dir: "#{dir}/app")"##, |d| {
        assert_eq!(read(d.join("side/version")), "1\n")
    });
}

#[test]
fn git_goes_back_to_the_branch_not_only_the_commit() {
    let dir = stage::dir();
    repositories(dir.path());
    let file = book(dir.path(), "git", "git.fetch(\"#{dir}/app\")\n  git.checkout(\"v2\", dir: \"#{dir}/app\")");
    Run::new(&file).set("dir", dir.path().display()).set("spoil", true).go().ended(1);
    assert_eq!(git(&dir.path().join("app"), &["rev-parse", "--abbrev-ref", "HEAD"]), "main");
}

#[test]
fn git_refuses_to_run_over_local_changes() {
    let dir = stage::dir();
    repositories(dir.path());
    std::fs::write(dir.path().join("app/version"), "mine\n").unwrap();
    let file = book(dir.path(), "git", r##"git.pull("#{dir}/app")"##);
    Run::new(&file).set("dir", dir.path().display()).set("spoil", false).go().ended(1).says(&["no local changes"]);
    assert_eq!(read(dir.path().join("app/version")), "mine\n");
}

/// Two pools behind nginx.
fn edge(dir: &Path) -> (Nginx, [u16; 2], [Process; 2]) {
    let ports = [stage::port(), stage::port()];
    let start = |port, name: &str| app::start(port, name, dir, &dir.join("fault"), &[]);
    let pools = [start(ports[0], "blue"), start(ports[1], "green")];
    (Nginx::start(dir, "live", &[("blue", ports[0]), ("green", ports[1])]), ports, pools)
}

fn nginx_book(dir: &Path, nginx: &Nginx, statements: &str) -> Run {
    let pid = nginx.pid().display().to_string();
    let statements =
        statements.replace("EDGE", &format!("dir: \"#{{dir}}/upstreams\", nginx: nginx_command, pid: \"{pid}\""));
    let params = serde_json::json!({ "nginx_command": nginx.words() });
    Run::new(&book(dir, "nginx", &statements)).set("dir", nginx.dir.display()).params(&params)
}

#[test]
fn nginx_switches_a_pool_and_back_without_losing_a_request() {
    let dir = stage::dir();
    let (nginx, _, _pools) = edge(dir.path());
    let was = snapshot::files(&nginx.upstreams());
    let clients = Hammer::start(nginx.port, 4, String::new, |_| {});
    let switch = "nginx.switch(\"live\", to: \"green\", EDGE)\n  guard \"at once\": $(curl -s http://127.0.0.1:PORT/version).json().pool == \"green\"";
    let switch = switch.replace("PORT", &nginx.port.to_string());
    for _ in 0..3 {
        let ran = nginx_book(dir.path(), &nginx, &switch).set("spoil", true).go().ended(1).says(&["not told to fail"]);
        assert_eq!((&was, pool(nginx.port).as_str()), (&snapshot::files(&nginx.upstreams()), "blue"), "{}", ran.out);
    }
    nginx_book(dir.path(), &nginx, &switch).set("spoil", false).go().ended(0);
    assert_eq!(pool(nginx.port), "green");
    let hits = clients.stop();
    assert!(hits.len() > 50 && hits.iter().all(|h| h.answer == "blue" || h.answer == "green"));
}

#[test]
fn nginx_refuses_a_configuration_that_is_wrong() {
    let dir = stage::dir();
    let (nginx, _, _pools) = edge(dir.path());
    std::fs::write(nginx.upstreams().join("live.broken.pool"), "upstream live { sever 127.0.0.1:1; }\n").unwrap();
    let was = snapshot::files(&nginx.upstreams());
    for to in ["broken", "absent"] {
        nginx_book(dir.path(), &nginx, &format!("nginx.switch(\"live\", to: \"{to}\", EDGE)"))
            .set("spoil", false)
            .go()
            .ended(1);
        assert_eq!((&was, pool(nginx.port).as_str()), (&snapshot::files(&nginx.upstreams()), "blue"));
    }
}

#[test]
fn nginx_shares_by_weight() {
    let dir = stage::dir();
    let (nginx, [blue, green], _pools) = edge(dir.path());
    let was = snapshot::files(&nginx.upstreams());
    let weights = format!(
        "nginx.weights(\"live\", [{{ address: \"127.0.0.1:{blue}\", weight: 3 }}, {{ address: \"127.0.0.1:{green}\", weight: 1 }}], EDGE)"
    );
    nginx_book(dir.path(), &nginx, &weights).set("spoil", true).go().ended(1);
    assert_eq!(was, snapshot::files(&nginx.upstreams()));
    nginx_book(dir.path(), &nginx, &weights).set("spoil", false).go().ended(0);
    let green = (0..80).filter(|_| pool(nginx.port) == "green").count();
    assert_eq!(green, 20);
}

/// A unit that sleeps, one that ends at once, in a manager that really starts them.
fn manager(dir: &Path) -> Manager {
    let units = Manager::new(dir);
    units.unit("web", "[Service]\nExecStart=/usr/bin/env sleep 1000\n[Install]\nWantedBy=default.target\n");
    units.unit("broken", "[Service]\nExecStart=/usr/bin/env false\n");
    units
}

fn systemd(dir: &Path, units: &Manager, statements: &str, fail: bool) -> stage::Ran {
    let mut run = Run::new(&book(dir, "systemd", statements)).set("dir", dir.display()).set("spoil", fail);
    for (name, value) in units.env() {
        run = run.env(name, value);
    }
    run.go()
}

#[test]
fn systemd_starts_and_stops_units_and_puts_them_back() {
    let dir = stage::dir();
    let units = manager(dir.path());
    let start = r##"systemd.start("web", user: true)"##;
    let ran = systemd(dir.path(), &units, start, true).ended(1);
    assert!(!units.active("web"), "it was not running before:\n{}", ran.out);
    systemd(dir.path(), &units, start, false).ended(0);
    assert!(units.active("web"));
    systemd(dir.path(), &units, start, true).ended(1);
    assert!(units.active("web"), "it was running before");

    let stop = r##"systemd.stop("web", user: true)"##;
    systemd(dir.path(), &units, stop, true).ended(1);
    assert!(units.active("web"));
    systemd(dir.path(), &units, stop, false).ended(0);
    assert!(!units.active("web"));
}

#[test]
fn systemd_restarts_into_what_it_found() {
    let dir = stage::dir();
    let units = manager(dir.path());
    let restart = r##"systemd.restart("web", user: true)"##;
    systemd(dir.path(), &units, restart, true).ended(1);
    assert!(!units.active("web"), "found stopped, left stopped");
    assert_eq!(units.ctl(&["start", "web"]).0, 0);
    let pid = units.ctl(&["show", "-p", "MainPID", "web"]).1;
    systemd(dir.path(), &units, restart, true).ended(1);
    assert!(units.active("web"));
    assert_ne!(pid, units.ctl(&["show", "-p", "MainPID", "web"]).1, "restarted on the way and on the way back");
}

#[test]
fn systemd_says_when_a_unit_does_not_come_up() {
    let dir = stage::dir();
    let units = manager(dir.path());
    systemd(dir.path(), &units, r##"systemd.start("broken", user: true)"##, false).ended(1);
    systemd(dir.path(), &units, r##"systemd.start("nobody-knows-it", user: true)"##, false).ended(1);
    until("still there", std::time::Duration::from_secs(1), || !units.active("broken"));
}

#[test]
fn systemd_enables_and_disables() {
    let dir = stage::dir();
    let units = manager(dir.path());
    let enabled = || units.ctl(&["is-enabled", "web"]).1;
    let enable = r##"systemd.enable("web", user: true)"##;
    systemd(dir.path(), &units, enable, true).ended(1);
    assert_eq!(enabled(), "disabled");
    systemd(dir.path(), &units, enable, false).ended(0);
    assert_eq!(enabled(), "enabled");
    let both = "systemd.disable(\"web\", user: true)\n  guard \"off\": not systemd.enabled(\"web\", user: true)";
    systemd(dir.path(), &units, both, true).ended(1).says(&["not told to fail"]);
    assert_eq!(enabled(), "enabled");
}

/// Each library's actions with the `##` lines above them.
fn documented(library: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repo("stdlib").join(format!("{library}.rbk"))).unwrap();
    let (mut doc, mut found) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("##") {
            doc.push_str(rest.strip_prefix(' ').unwrap_or(rest));
            doc.push('\n');
        } else if let Some(rest) = line.strip_prefix("action ") {
            found.push((format!("{library}.{}", rest.split('(').next().unwrap()), std::mem::take(&mut doc)));
        } else {
            doc.clear();
        }
    }
    found
}

#[test]
fn every_action_of_the_libraries_says_what_it_does_and_shows_it() {
    for library in ["files", "git", "http", "nginx", "notify", "postgres", "redis", "systemd"] {
        let actions = documented(library);
        assert!(actions.len() > 1, "{library}");
        for (name, doc) in actions {
            let example = doc.split("```\n").nth(1).unwrap_or_else(|| panic!("{name} has no example"));
            assert!(example.contains(&name), "the example of {name} shows something else: {example}");
            let parsed = rbk::syntax::parse_statements(rbk::source::FileId(0), example);
            assert!(parsed.diagnostics.is_empty(), "the example of {name}: {:?}", parsed.diagnostics);
            assert!(
                doc.lines().next().is_some_and(|l| l.ends_with('.') || l.ends_with(',') || l.len() > 40),
                "{name}: {doc}"
            );
        }
    }
}

#[test]
fn natives_of_http_and_prometheus_show_how_they_are_called() {
    for provider in ["http", "prometheus"] {
        let text = std::fs::read_to_string(repo("stdlib/native").join(format!("{provider}.rbk"))).unwrap();
        for declared in text.split("\n\n").filter(|block| block.contains("extern action")) {
            let name = declared.split("extern action ").nth(1).and_then(|rest| rest.split('(').next()).unwrap();
            let doc: String = declared
                .lines()
                .filter_map(|l| l.strip_prefix("##"))
                .map(|l| format!("{}\n", l.trim_start_matches(' ')))
                .collect();
            let example = doc.split("```\n").nth(1).unwrap_or_else(|| panic!("{provider}.{name} has no example"));
            assert!(example.contains(&format!("{name}(")), "the example of {name} shows something else: {example}");
            let parsed = rbk::syntax::parse_statements(rbk::source::FileId(0), example);
            let connects = example.starts_with("connect ");
            assert!(connects || parsed.diagnostics.is_empty(), "the example of {name}: {:?}", parsed.diagnostics);
        }
    }
}
