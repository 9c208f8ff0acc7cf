//! Secrets are planted, commands and servers repeat them in every form they can, and every byte that leaves is searched.
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;

use super::{Desk, book};
use crate::lab::web::{Web, answer};

/// Each with a part that must not be seen in any of its forms.
const CANARIES: [(&str, &str); 5] = [
    ("plain", "Zq8canary-plain"),
    ("quoted", "Zq8can'ary\"quo\\ted$x`y`"),
    ("lines", "Zq8canary-line-one\nZq8canary-line-two\nab"),
    ("unicode", "Zq8cänary😀ünicode/&<>"),
    ("long", "Zq8canary-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789"),
];

/// As encoders write it, beside what rbk itself looks for: made here by other means.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![secret.to_owned(), format!("{:?}", secret), serde_json::Value::from(secret).to_string()];
    all.push(base64::engine::general_purpose::STANDARD.encode(bytes));
    all.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes));
    all.push(base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}")));
    all.push(percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string());
    all.push(format!("'{}'", secret.replace('\'', r"'\''")));
    all.push(bytes.iter().fold(String::new(), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    }));
    all.extend(secret.lines().filter(|line| line.len() >= 8).map(str::to_owned));
    all
}

#[track_caller]
pub fn clean(bytes: &[u8], what: &str) {
    for (name, secret) in CANARIES {
        for form in forms(secret) {
            let form = form.trim_matches(['"', '\'']).trim_end_matches('=').as_bytes();
            // Nor the start of one, at the end of anything that was cut.
            let found = bytes.windows(form.len()).position(|part| part == form);
            assert!(found.is_none(), "{name} as {:?} in {what}", String::from_utf8_lossy(form));
        }
    }
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains("Zq8c"), "a part of a canary in {what}:\n{}", around(&text, "Zq8c"));
}

fn around(text: &str, part: &str) -> String {
    let at = text.find(part).unwrap_or(0);
    text.chars().skip(text[..at].chars().count().saturating_sub(200)).take(400).collect()
}

/// Every file under a directory.
pub fn files(dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// Says everything it was given: in pieces, in forms, in a line longer than any that is kept, and as the end of a cut.
const BLAB: &str = r#"
import base64, json, os, shlex, sys, urllib.parse
values = [v for k, v in sorted(os.environ.items()) if k.startswith("CANARY_")]
for v in values:
    b = v.encode()
    for text in [v, repr(v)[1:-1] if v.isascii() and "'" not in v else v, json.dumps(v), json.dumps(v, ensure_ascii=False), shlex.quote(v), base64.b64encode(b).decode(),
                 base64.b64encode(b"user:" + b).decode(), urllib.parse.quote(v, safe=""), urllib.parse.quote_plus(v), b.hex(), b.hex().upper()]:
        for pad in (0, 3):
            sys.stdout.write("x" * pad + text + "\n")
            sys.stderr.write(text + " ")
    # Around the places where what is kept is cut: 500 characters, 1 KiB, 8 KiB, 16 KiB, 64 KiB.
    if len(sys.argv) > 1:
        continue
    for at in (500, 1024, 8192, 65536):
        for back in range(0, len(b), 3) if at < 2000 else (1, 7, len(b) - 1):
            sys.stdout.write("." * (at - back) + v + "." * 40 + "\n")
    sys.stdout.flush()
sys.stderr.write("\n" + "y" * 490 + values[0] + "\n")
sys.exit(3)
"#;

fn desk(body: &str) -> Desk {
    let text = book(body).replace("deadline 30s", "deadline 10m").replace("within 10s", "within 5m");
    let mut desk = Desk::with(&text).file("blab.py", BLAB);
    for (name, secret) in CANARIES {
        desk = desk.file(&format!("in/{name}"), secret).variable(&format!("IN_{}", name.to_uppercase()), secret);
    }
    desk
}

fn declared(from: &dyn Fn(&str) -> String) -> String {
    CANARIES.iter().map(|(name, _)| format!("  secret {name} = {}\n", from(name))).collect()
}

const GIVEN: &str =
    "with env({ CANARY_A: plain, CANARY_B: quoted, CANARY_C: lines, CANARY_D: unicode, CANARY_E: long })";

#[test]
fn nothing_that_a_command_says_shows_a_secret() {
    type Source<'a> = (&'a str, &'a dyn Fn(&str) -> String, &'a [&'a str]);
    let sources: [Source<'_>; 3] = [
        ("environment", &|name: &str| format!("env(\"IN_{}\")", name.to_uppercase()), &["run", "a.rbk", "-v"]),
        ("file", &|name: &str| format!("file(\"in/{name}\")"), &["run", "a.rbk", "--format", "json"]),
        ("command", &|name: &str| format!("$ cat in/{name}"), &["run", "a.rbk"]),
    ];
    for (source, from, arguments) in sources {
        let body = format!(
            r##"{}
  {GIVEN} {{
    step "Blab" {{
      warn "a condition": $ python3 blab.py
      let r = result($(python3 blab.py short))
      log "it said #{{r.out}} and #{{r.err}}"
      note "kept": r
      $ python3 blab.py
      rollback {{ $ python3 blab.py short || true }}
    }}
  }}
  on failure {{ log "#{{failure.message}} #{{plain}} #{{quoted}}" }}"##,
            declared(from)
        );
        let desk = desk(&body);
        let said = desk.rbk(arguments);
        said.exits(1);
        clean(said.out.as_bytes(), &format!("stdout of {arguments:?}, from {source}"));
        clean(said.err.as_bytes(), &format!("stderr of {arguments:?}, from {source}"));
        let mut kept = Vec::new();
        files(&desk.path(".state"), &mut kept);
        assert!(kept.iter().any(|(name, _)| name.ends_with(".out")), "nothing was kept");
        for (name, bytes) in kept {
            clean(&bytes, &name);
        }
    }
}

#[test]
fn nothing_that_a_server_or_a_refusal_says_shows_a_secret() {
    let web =
        Web::start(|request| answer("500 Internal Server Error", &format!("{} {:?}", request.line, request.headers)));
    let body = format!(
        r##"{}
  connect site = http("http://127.0.0.1:{}")
  step "Ask" {{
    warn "asked": site.get("/x", headers: {{ Authorization: "Bearer #{{plain}}" }})
    site.post("/#{{plain}}?k=#{{unicode}}", json: {{ a: quoted, b: lines }})
    rollback none "nothing"
  }}"##,
        declared(&|name| format!("file(\"in/{name}\")")),
        web.port
    );
    for arguments in
        [&["run", "a.rbk", "-v"][..], &["run", "a.rbk", "--format", "json"], &["check", "a.rbk"], &["plan", "a.rbk"]]
    {
        let said = desk(&body).rbk(arguments);
        clean(said.out.as_bytes(), &format!("stdout of {arguments:?}"));
        clean(said.err.as_bytes(), &format!("stderr of {arguments:?}"));
    }
}

/// From a file, a secret stands in no process's environment but those it was given to, and in nobody's arguments.
#[test]
fn no_other_process_shows_a_secret() {
    let body = format!(
        "{}  {GIVEN} {{ step \"Given\" {{\n    $ touch given; sleep 0.1\n    rollback none \"\"\n  }} }}\n  with stdin(plain) {{ step \"Other\" {{\n    $ cat > /dev/null; touch other; while [ ! -e go ]; do sleep 0.05; done\n    rollback none \"\"\n  }} }}",
        declared(&|name| format!("file(\"in/{name}\")"))
    );
    let desk = Desk::with(&book(&body));
    let desk = CANARIES.iter().fold(desk, |desk, (name, secret)| desk.file(&format!("in/{name}"), secret));
    let child = desk.command(&["run", "a.rbk"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    crate::lab::wait_for("the other command", || desk.has("other").then_some(()));
    let pids =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        // Those of other tests have canaries of their own.
        let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        if cwd == desk.path("").canonicalize().unwrap() {
            for file in ["cmdline", "environ"] {
                clean(
                    &std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default(),
                    &format!("{file} of a process"),
                );
            }
        }
    }
    std::fs::write(desk.path("go"), "").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn what_a_command_says_is_no_command_to_the_log_of_a_workflow() {
    let body = r##"
  let evil = $ printf '::add-mask::x\n##[group]y\n  ::error::z'
  step "::error title=x::y" {
    $ printf '::error file=a::x\n  ::add-mask::y\na ##[error]z\n::stop-commands::t\n' | tee /dev/stderr
    log "::warning::#{evil}"
    note "::note": evil
    fail "::error::#{evil}"
    rollback none "nothing"
  }"##;
    for arguments in
        [&["run", "a.rbk", "-v"][..], &["run", "a.rbk", "--format", "json"], &["check", "a.rbk"], &["plan", "a.rbk"]]
    {
        for (set, obeyed) in [("true", false), ("", true)] {
            let said = Desk::with(&book(body)).variable("GITHUB_ACTIONS", set).rbk(arguments);
            let all = format!("{}\n{}", said.out, said.err);
            let commands: Vec<&str> =
                all.lines().filter(|line| line.trim_start().starts_with("::") || line.contains("##[")).collect();
            if !obeyed {
                assert!(commands.is_empty(), "{arguments:?}: {commands:#?}");
            }
            if arguments[0] == "run" && arguments.len() == 3 && obeyed {
                assert!(!commands.is_empty(), "nothing to be obeyed was said");
            }
            if arguments.contains(&"json") {
                let texts: Vec<String> = said
                    .out
                    .lines()
                    .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                    .filter(|event| event["event"] == "output")
                    .map(|event| event["text"].as_str().unwrap().to_owned())
                    .collect();
                assert!(texts.contains(&"a ##[error]z".to_owned()), "{texts:?}");
            }
        }
    }
}
