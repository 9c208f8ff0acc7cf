//! Looking back at runs: real ones, made by the program, then told again from the journal alone.
use serde_json::Value as J;

use crate::resume::{Desk, Said, gate};

mod report;
mod runs;
mod show;
mod verify;

/// What a hostile server could answer: it must obey nowhere.
pub const HOSTILE: &str = "</title><script>alert(1)</script> ]]> & \"x\" \u{1b}[2J\u{1b}[31m\u{202e}\u{7}";
pub const SECRET: &str = "Zq8-canary-of-a-token";

/// The runs that every view is tried on.
pub fn each() -> [(&'static str, Desk); 7] {
    [
        ("succeeded", succeeded()),
        ("undone", undone()),
        ("incomplete", incomplete()),
        ("doubted", doubted()),
        ("answered", answered()),
        ("asking", asking()),
        ("stopped", stopped()),
    ]
}

/// Nested steps, a loop, what is skipped, an answer, a secret, and output that nobody should obey.
pub fn succeeded() -> Desk {
    let desk = Desk::of(
        r##"  param said: string = "nothing"
  param extra: bool = false
  secret token = env("TOKEN")
  step "Outer <b>&" {
    step "Prepare" timeout 10s {
      let hosts = $ cat hostile
      let long = $ seq 1 40
      let told = $ printf '%s' "token: $TOKEN"
      $ echo "#{hosts}" > page; echo "$TOKEN"
      rollback { $ rm -f page }
    }
    step "Not needed" when extra {
      $ touch extra
      rollback { $ rm extra }
    }
  }
  for host in ["web1", "web2"] {
    step "Restart #{host}" {
      confirm "Restart #{host}?"
      $ touch #{host}
      rollback { $ rm #{host} }
    }
  }
  log "said: #{said}"
  note "hosts": 2
  step "Done before" {
    done when $ test -e page
    $ touch never
    rollback none "nothing"
  }"##,
    )
    .env("TOKEN", SECRET);
    desk.write("hostile", HOSTILE);
    let said = format!("said={}", HOSTILE.replace('\u{7}', ""));
    desk.say(&["run", "book.rbk", "--answer", "Restart #{host}?=yes", "--set", &said]).ended(0);
    desk
}

pub fn undone() -> Desk {
    let desk = Desk::of(
        r#"  step "Unpack" {
    let before = $ echo v1
    $ echo v2 > version
    rollback { $ echo #{before} > version }
  }
  step "Try" retry 1 {
    $ echo try >> tries; test -e never
    rollback { $ rm -f tries }
  }"#,
    );
    desk.say(&["run", "book.rbk"]).ended(1);
    desk
}

pub fn incomplete() -> Desk {
    let desk = Desk::of(
        r#"  step "First" {
    $ touch first
    rollback { $ rm first }
  }
  step "By hand" {
    $ touch second
    rollback manual "tell the network team"
  }
  step "Stays" {
    $ touch third
    rollback { $ echo "no such switch" >&2; exit 7 }
  }
  step "Look" readonly {
    guard "it is well": false
  }"#,
    );
    desk.say(&["run", "book.rbk"]).ended(3);
    desk
}

/// Killed in the middle of a write; what it did is not known, it is undone and tried again.
pub fn doubted() -> Desk {
    let gate = gate("go");
    let desk = Desk::of(&format!(
        "  step \"Again\" retry 1 {{\n    $ touch started; {gate}\n    rollback {{ $ echo undone >> log }}\n  }}"
    ));
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.write("go", "");
    desk.resume(&["--late", "the night was long"]).ended(0);
    desk
}

/// Stopped for want of an answer.
pub fn asking() -> Desk {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  confirm \"Go on?\"\n  log \"went on\"",
    );
    desk.say(&["run", "book.rbk", "--on-question", "stop"]).ended(4);
    desk
}

/// Stopped by a failure.
pub fn stopped() -> Desk {
    let desk = Desk::of(
        r#"  step "First" {
    $ touch first
    rollback { $ rm first }
  }
  step "Second" {
    $ touch second; echo "no room" >&2; test -e mended || exit 5
    rollback { $ rm -f second }
  }
  step "Third" {
    $ touch third
    rollback { $ rm third }
  }"#,
    );
    desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4);
    desk
}

pub fn answered() -> Desk {
    let desk = asking();
    desk.resume(&["--answer", "Go on?=no"]).ended(1);
    desk
}

/// `rbk show` of the last run.
pub fn shown(desk: &Desk, args: &[&str]) -> Said {
    let (run, _) = desk.last();
    desk.say(&[&["show", run.as_str()], args].concat())
}

#[track_caller]
pub fn json(said: &Said) -> J {
    serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.out))
}

/// Without what differs from run to run: ids, hours, lengths of time, who and where.
pub fn steady(text: &str, desk: &Desk) -> String {
    let here = desk.path().canonicalize().unwrap().display().to_string();
    let mut text = text.replace(&here, "DIR").replace(&desk.path().display().to_string(), "DIR");
    let host = nix::unistd::gethostname().unwrap().to_string_lossy().into_owned();
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    for (pattern, with) in [
        (r"\d{8}-\d{4}-[0-9a-z]{4}", "RUN".to_owned()),
        (r"(?m)^(\d\d:\d\d:\d\d| {8})  ", String::new()),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME".to_owned()),
        (r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", "TIME".to_owned()),
        (r"\d\d:\d\d:\d\d(\.\d+)?", "HOUR".to_owned()),
        (r"pid \d+", "pid PID".to_owned()),
        (r"\b\d+(\.\d+)?m?s\b", "…s".to_owned()),
        (&format!(r"by {user} on {host}\b"), "by USER on HOST".to_owned()),
        (&format!(r"\b{user} \(--answer\)"), "USER (--answer)".to_owned()),
    ] {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, with.as_str()).into_owned();
    }
    text
}
