//! Whatever a value holds, a real server reads back exactly it, or the request is refused before it is sent.
use base64::Engine as _;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::process::Command;

use super::*;
use crate::stage::{Process, repo};

fn hostile() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        proptest::sample::select(vec![
            "'", "\"", "\\", "\n", "\r\n", "\r", "\0", "%", "%00", "%0d%0a", "%2e", ";", "&", "=", "#", "?", "/", "..",
            ".", "//", "$(id)", "`id`", "${x}", "#{x}", " ", "\t", "+", "@", ":", "\u{7f}", "\u{85}", "\u{2028}", "é",
            "漢", "😀", "\u{202e}", "<b>", "{{x}}", "[0]", "\u{feff}", "Host: x", "HTTP/1.1", "--",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z0-9]{1,4}",
    ];
    proptest::collection::vec(token, 0..8).prop_map(|tokens| tokens.concat())
}

struct Echo {
    port: u16,
    _server: Process,
}

fn echo() -> Echo {
    let port = crate::lab::free_port();
    let dir = crate::stage::dir();
    let mut command = Command::new("python3");
    command.arg(repo("tests/fixtures/echo.py")).arg(port.to_string());
    let server = Process::start(&mut command, &dir.path().join("log"))
        .until(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    Echo { port, _server: server }
}

/// What the server made of it.
fn seen(outcome: &Outcome) -> Result<serde_json::Value, String> {
    match &outcome.result {
        Ok(_) => Ok(serde_json::from_str(&field(outcome, "text")).unwrap_or(serde_json::Value::Null)),
        Err(e) => {
            assert_eq!((outcome.ending, e.kind.name()), (Ending::None, "value"), "{}", e.message);
            Err(e.message.clone())
        }
    }
}

#[test]
fn values_arrive_as_they_are_or_not_at_all() {
    let echo = echo();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (http, site) = (
        Http::default(),
        connection(ConnKind::Http, &[("base", Value::str(format!("http://127.0.0.1:{}", echo.port)))]),
    );
    let asked = |call: &Call| seen(&runtime.block_on(send(&http, call)));
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&(hostile(), hostile()), |(one, two)| {
        let (a, b) = (Value::str(one.as_str()), Value::str(two.as_str()));
        // A path's segment, and a value in the query of the text.
        let url = code("/a/?/z??q=?&r=1", &[(a.clone(), How::Segment), (b.clone(), How::Query)]);
        match asked(&request("get", Some(&site), url, &[])) {
            Ok(seen) => {
                prop_assert_eq!(&seen["segments"], &serde_json::json!(["a", one, "z"]));
                prop_assert_eq!(&seen["query"], &serde_json::json!([["q", two], ["r", "1"]]));
            }
            Err(why) => prop_assert!(
                one.is_empty() && why.contains("an empty value")
                    || matches!(one.as_str(), "." | "..") && why.contains("another resource"),
                "{one:?}: {why}"
            ),
        }
        // `query:`, its names too.
        let query =
            Value::record([(one.as_str().into(), b.clone()), ("l\0".into(), Value::list(vec![a.clone(), b.clone()]))]);
        let found = asked(&request("delete", Some(&site), code("/x", &[]), &[("query", query)]));
        let expected = serde_json::json!([[one, two], ["l\0", one], ["l\0", two]]);
        prop_assert_eq!(found.map(|seen| seen["query"].clone()), Ok(expected));
        // A header.
        let headers = Value::record([("x-value".into(), a.clone())]);
        match asked(&request("get", Some(&site), code("/x", &[]), &[("headers", headers)])) {
            Ok(seen) => {
                let all = seen["headers"].as_array().unwrap();
                let found: Vec<_> = all.iter().filter(|h| h[0] == "x-value").map(|h| h[1].as_str().unwrap()).collect();
                prop_assert_eq!(found, [one.as_str()]);
                let host = serde_json::json!(["host", format!("127.0.0.1:{}", echo.port)]);
                prop_assert_eq!(all.iter().filter(|h| h[0] == "host").collect::<Vec<_>>(), [&host]);
            }
            Err(why) => {
                prop_assert!(why.contains("the header `x-value` cannot hold this value"), "{}", why);
                let harmless = |c: char| !c.is_ascii_control() || c == '\t';
                prop_assert!(!one.chars().all(harmless) || one != one.trim_matches([' ', '\t']), "{:?}", one);
            }
        }
        // JSON, with its names.
        let json = Value::record([(one.as_str().into(), b.clone()), ("list".into(), Value::list(vec![a.clone()]))]);
        let expected = if one == "list" { None } else { Some(serde_json::json!({ one.as_str(): two, "list": [one] })) };
        if let Some(expected) = expected {
            let found = asked(&request("post", Some(&site), code("/x", &[]), &[("json", json)]));
            prop_assert_eq!(found.map(|seen| seen["json"].clone()), Ok(expected));
        }
        // A form, and one of several parts.
        let form = Value::record([(one.as_str().into(), b.clone()), ("n\n".into(), a.clone())]);
        let found = asked(&request("post", Some(&site), code("/x", &[]), &[("form", form)]));
        prop_assert_eq!(found.map(|seen| seen["form"].clone()), Ok(serde_json::json!([[one, two], ["n\n", one]])));
        let parts = Value::record([("a".into(), a.clone()), ("b".into(), b.clone())]);
        let found = asked(&request("post", Some(&site), code("/x", &[]), &[("multipart", parts)])).unwrap();
        let bytes = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let found: Vec<_> =
            found["parts"].as_array().unwrap().iter().map(|p| (p["name"].clone(), p["bytes"].clone())).collect();
        prop_assert_eq!(found, [("a".into(), bytes(&one).into()), ("b".into(), bytes(&two).into())]);
        // A text.
        let found = asked(&request("put", Some(&site), code("/x", &[]), &[("body", a)])).unwrap();
        prop_assert_eq!(&found["bytes"], &serde_json::json!(bytes(&one)));
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn the_language_decides_the_same_places() {
    let echo = echo();
    let book = r##"runbook "r" {
  owner "x"
  reviewed 2026-11-01 every 90d
  deadline 1m
  rollback within 20s
  param word: string
  param port: int
  connect site = http("http://127.0.0.1:#{port}")
  let a = site.get("/a/#{word}/z?q=#{word}", query: { more: word }, headers: { "X-Value": "v" }).json()
  guard "segment": a.segments[1] == word
  guard "query": a.query[0][1] == word and a.query[1][1] == word
  step "Send" {
    let b = site.post("/x", json: { word: word }).json()
    let c = site.post("/x", form: { word: word }).json()
    guard "json": b.json.word == word
    guard "form": c.form[0][1] == word
    rollback none "an echo"
  }
}
"##;
    let dir = crate::stage::dir();
    let file = dir.path().join("book.rbk");
    std::fs::write(&file, book).unwrap();
    let word = "it's \"a\"; $(id) `id` %00 & é\n\r\n#{x} ../..?q#f";
    crate::stage::Run::new(&file).params(&serde_json::json!({ "word": word, "port": echo.port })).go().ended(0);
}
