//! What is kept secret in a run, and what is not.
use super::{Desk, book};
use crate::lab::web::{Web, answer, answer_with};

fn web() -> Web {
    Web::start(|request| match request.line.split(' ').nth(1) {
        Some("/fail") => answer("500 Internal Server Error", "broken"),
        Some("/echo") => answer("200 OK", "{\"s\": \"it is s3cret-pass\"}"),
        _ => answer("200 OK", "{\"s\": \"green\"}"),
    })
}

#[test]
fn the_host_of_a_connection_is_no_secret_and_its_answers_are_none() {
    let web = web();
    let desk = Desk::with(&book(&format!(
        r#"  connect site = http("http://127.0.0.1:{port}")
  let pool = site.get("/x").json().s
  let other = http.get("http://127.0.0.1:{port}/y").json().s
  step "One" {{
    $ echo "pool #{{pool}} and #{{other}} of http://127.0.0.1:{port}"
    rollback none "nothing"
  }}
  step "Two" {{
    site.post("/fail")
    rollback none "nothing"
  }}"#,
        port = web.port
    )));
    let said = desk.rbk(&["run", "a.rbk"]);
    let fail = format!("POST http://127.0.0.1:{}/fail was answered 500", web.port);
    said.exits(1).says(&["pool green and green of http://127.0.0.1:", &fail]);
    assert!(!said.out.contains('‹'), "{}", said.out);
}

#[test]
fn a_password_in_the_address_is_hidden_and_the_host_is_not() {
    let web = web();
    let text = |path: &str| {
        book(&format!(
            r#"  connect site = http("http://app:s3cret-pass@127.0.0.1:{}")
  let s = site.get("{path}").json().s
  log "it says #{{s}}"
  step "One" {{
    $ echo #{{s}}
    rollback none "nothing"
  }}
  step "Two" {{
    site.post("/fail")
    rollback none "nothing"
  }}"#,
            web.port
        ))
    };
    let said = Desk::with(&text("/x")).rbk(&["run", "a.rbk"]);
    let fail = format!("POST http://127.0.0.1:{}/fail was answered 500", web.port);
    said.exits(1).says(&["it says green", &fail]);
    // A server that repeats it gives a secret back.
    let echo = Desk::with(&text("/echo")).rbk(&["run", "a.rbk"]);
    echo.exits(1).says(&["it says ‹site›"]);
    for said in [said, echo] {
        assert!(!said.out.contains("s3cret") && !said.err.contains("s3cret"), "{}{}", said.out, said.err);
    }
    let sent = web.seen.lock().unwrap();
    assert!(sent[0].headers.iter().any(|header| header.starts_with("authorization: Basic ")), "{:?}", sent[0]);
}

/// What contains the secret is one: the body, that header. The rest of the answer is not.
#[test]
fn an_answer_with_a_secret_in_it_shows_its_status_and_its_other_headers() {
    let web = Web::start(|request| match request.line.split(' ').nth(1) {
        Some("/body") => answer_with("201 Created", "x-kind: plain", b"{\"s\": \"it is s3cret-pass\"}"),
        _ => answer_with("201 Created", "x-kind: plain\r\nx-token: s3cret-pass", b"{\"s\": \"green\"}"),
    });
    let text = book(&format!(
        r#"  secret pass = env("PASS")
  let body = http.get("http://127.0.0.1:{port}/body")
  log "body #{{body.status}} #{{body.headers["x-kind"]}} #{{body.json().s}} #{{body.text}}"
  note "body": body
  let header = http.get("http://127.0.0.1:{port}/header")
  log "header #{{header.status}} #{{header.headers["x-kind"]}} #{{header.headers["x-token"]}} #{{header.json().s}}"
  guard "created": header.status == 200"#,
        port = web.port
    ));
    for format in ["human", "json"] {
        let said = Desk::with(&text).variable("PASS", "s3cret-pass").rbk(&["run", "a.rbk", "--format", format]);
        said.exits(1).says(&[
            "body 201 plain ‹pass› ‹pass›",
            "header 201 plain ‹pass› green",
            "does not hold: 201 == 200",
        ]);
        assert!(!said.out.contains("s3cret") && !said.err.contains("s3cret"), "{}{}", said.out, said.err);
    }
}

#[test]
fn an_empty_secret_refuses_the_run() {
    for declared in ["secret", "secret short"] {
        let body = format!(
            "  {declared} tok = env(\"TOK\")\n  step \"One\" {{\n    $ touch one\n    rollback {{ $ rm one }}\n  }}"
        );
        let desk = Desk::with(&book(&body)).variable("TOK", "");
        let said = desk.rbk(&["run", "a.rbk"]);
        said.exits(2).says(&["✗ Refused before the first action; nothing was done", "the secret `tok` is empty"]);
        assert!(!desk.has("one"));
    }
}

#[test]
fn a_secret_in_a_pipe_that_nobody_writes_to_refuses_the_run_at_once() {
    let desk = Desk::with(&book("  secret tok = file(\"fifo\")\n  log \"x\"")).file("dir/x", "");
    nix::unistd::mkfifo(&desk.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    desk.rbk(&["run", "a.rbk"]).exits(2).says(&["`fifo` is a pipe, a socket or a device, not a file"]);
    for (path, why) in [
        ("/dev/zero", "is a pipe, a socket or a device"),
        ("dir", "is a directory"),
        ("big", "is larger than 1 MiB"),
        ("none", "there is no such file"),
    ] {
        let desk = Desk::with(&book(&format!("  secret tok = file(\"{path}\")"))).file("dir/x", "");
        std::fs::write(desk.path("big"), vec![b'x'; (1 << 20) + 1]).unwrap();
        desk.rbk(&["run", "a.rbk"]).exits(2).says(&[why]);
    }
    let desk = Desk::with(&book("  secret tok = file(\"t\")\n  log \"it is #{tok}\"")).file("t", "some-secret\r\n");
    desk.rbk(&["run", "a.rbk"]).exits(0).says(&["it is ‹tok›"]);
}

#[test]
fn a_signal_ends_the_reading_of_a_secret() {
    let desk = Desk::with(&book("  secret tok = $ sh ./slow\n  log \"x\"")).file("slow", "touch started; sleep 100");
    let mut child = desk.command(&["run", "a.rbk"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    crate::lab::wait_for("the command", || desk.has("started").then_some(()));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let out = super::drained(child.stdout.take().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(2), "{out}");
    assert!(out.contains("stopped by a signal"), "{out}");
}

#[test]
fn a_setting_that_cannot_be_read_refuses_the_run() {
    for (name, value, like) in
        [("RBK_GRACE", "5", "`5s`"), ("RBK_GRACE", "-1s", "`5s`"), ("RBK_VALUE_LIMIT", "many", "`1MiB`")]
    {
        let desk = Desk::with(&book("  log \"x\"")).variable(name, value);
        let said = desk.rbk(&["run", "a.rbk"]);
        said.exits(2).complains(&[&format!("the environment variable `{name}` is `{value}`"), like]);
    }
    Desk::with(&book("  log \"x\"")).variable("RBK_GRACE", "250ms").rbk(&["run", "a.rbk"]).exits(0);
}
