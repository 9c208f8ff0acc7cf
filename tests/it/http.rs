//! The HTTP and Prometheus providers against a server that answers as it is told.
mod answers;
mod bodies;
mod faults;
mod injection;
mod library;
mod measure;
mod redirects;
mod secrets;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use rbk::check::program::{Effect, How, Want};
use rbk::effects::Cancel;
use rbk::effects::http::Http;
use rbk::effects::prometheus::Prometheus;
use rbk::engine::call::{Arg, Call};
use rbk::engine::{Ending, Outcome};
use rbk::value::types::ConnKind;
use rbk::value::{Connection, Secret, Value, json, method, read};

use crate::lab::calls::{block_on, code, connection, failure, native, said};
use crate::lab::web::{Web, answer, moved};

fn v(text: &str) -> Value {
    json::parse(text).unwrap_or_else(|_| read::duration(text).map_or_else(|_| Value::str(text), Value::Duration))
}

fn web() -> Web {
    Web::start(|request| {
        let path = request.line.split(' ').nth(1).unwrap_or("");
        match path.split('?').next().unwrap_or("") {
            "/hang" => {
                std::thread::sleep(Duration::from_secs(20));
                None
            }
            "/cut" => None,
            "/busy" => answer("503 Service Unavailable", "no\u{1b}[2J workers"),
            "/elsewhere" => {
                let location = format!("http://localhost:{}/here", request.host_port());
                moved("302 Found", &location)
            }
            "/there" => moved("302 Found", "/here"),
            "/big" => answer("200 OK", &"x".repeat(9 << 20)),
            "/json" => answer("200 OK", "{\"pool\": \"green\", \"load\": 0.50}"),
            _ => answer("200 OK", &format!("{} {}", request.line.trim_end_matches(" HTTP/1.1"), request.body)),
        }
    })
}

fn base(web: &Web, more: &[(&str, Value)]) -> Arc<Connection> {
    let mut args = vec![("base", Value::str(web.url()))];
    args.extend(more.iter().map(|(k, v)| (*k, v.clone())));
    connection(ConnKind::Http, &args)
}

fn request(name: &str, on: Option<&Arc<Connection>>, url: Arg, more: &[(&str, Value)]) -> Call {
    let mut args = vec![("url", url)];
    args.extend(more.iter().map(|(k, v)| (*k, Arg::Value(v.clone()))));
    let mut call = native(&format!("http.{name}"), on, args);
    call.effect = if matches!(name, "get" | "head" | "options") { Effect::Read } else { Effect::Write };
    call
}

async fn send(provider: &Http, call: &Call) -> Outcome {
    let (_keep, cancel) = Cancel::new();
    provider.call(call, cancel).await
}

fn field(outcome: &Outcome, name: &str) -> String {
    rbk::value::show::show(&method::field(outcome.result.as_ref().unwrap(), name).unwrap())
}

#[test]
fn a_base_keeps_the_slash_at_its_end_where_no_path_follows() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = connection(ConnKind::Http, &[("base", Value::str(format!("{}/healthz/", web.url())))]);
        for (path, line) in [
            ("", "GET /healthz/ HTTP/1.1"),
            ("??full=1", "GET /healthz/?full=1 HTTP/1.1"),
            ("/db", "GET /healthz/db HTTP/1.1"),
            ("/", "GET /healthz/ HTTP/1.1"),
        ] {
            send(&http, &request("get", Some(&site), code(path, &[]), &[])).await;
            assert_eq!(web.last().line, line);
        }
    });
}

#[test]
fn a_request_as_it_is_written() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let hostile = Value::str("a/../b?c=1&d #%\"'$(x)\u{e9}\n");
        let site = base(
            &web,
            &[
                ("headers", v("{\"X-One\": \"base\", \"X-Two\": \"base\"}")),
                ("bearer", Secret::hide("t".into(), Value::str("tok"))),
            ],
        );
        let url = code("/users/?/x??q=?&r=1", &[(hostile.clone(), How::Segment), (hostile, How::Query)]);
        let done = send(&http, &request("get", Some(&site), url, &[("headers", v("{\"X-Two\": \"call\"}"))])).await;
        let one = "a%2F..%2Fb%3Fc%3D1%26d%20%23%25%22%27%24%28x%29%C3%A9%0A";
        assert_eq!(web.last().line, format!("GET /users/{one}/x?q={one}&r=1 HTTP/1.1"));
        assert_eq!(field(&done, "status"), "200");
        // Every field that the reference of the language names.
        let reference = include_str!("../../docs/language.md");
        let fields = reference.split_once("and fields: `.status").unwrap().1.split('`').next().unwrap();
        for name in fields.split_whitespace() {
            assert!(!field(&done, name.trim_start_matches('.')).is_empty(), "{name}");
        }
        assert_eq!(field(&done, "method"), "GET");
        let headers = web.last().headers;
        for wanted in ["x-one: base", "x-two: call", "authorization: Bearer tok"] {
            assert!(headers.iter().any(|h| h == wanted), "{headers:?}");
        }
        assert!(!headers.iter().any(|h| h.starts_with("idempotency-key")));
        let bodies = [
            ("json", v("{\"n\": 1.50, \"s\": \"\u{e9}\"}"), "{\"n\":1.50,\"s\":\"é\"}", "application/json"),
            ("form", v("{\"a b\": \"c&d=\", \"n\": 1}"), "a+b=c%26d%3D&n=1", "application/x-www-form-urlencoded"),
            ("body", Value::str("plain \u{e9}"), "plain é", "text/plain; charset=utf-8"),
        ];
        for (name, value, body, kind) in bodies {
            send(&http, &request("post", Some(&site), code("/p", &[]), &[(name, value)])).await.result.unwrap();
            let last = web.last();
            assert_eq!(last.body, body);
            assert!(
                last.headers.contains(&format!("content-type: {kind}"))
                    && last.headers.contains(&"idempotency-key: run/0/1/0".to_owned()),
                "{:?}",
                last.headers
            );
        }
        // One connection serves them all.
        let seen = web.seen.lock().unwrap();
        assert!(
            seen.iter().filter(|r| r.line.starts_with("POST")).all(|r| r.connection == seen.last().unwrap().connection)
        );
    });
}

#[test]
fn a_status_fails_unless_it_is_expected_or_judged() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        let busy = send(&http, &request("get", Some(&site), code("/busy", &[]), &[])).await;
        assert_eq!(busy.ending, Ending::None);
        let told = failure(busy);
        assert_eq!(told.message, format!("GET {}/busy was answered 503 Service Unavailable", web.url()));
        assert_eq!(told.notes, ["the answer: no\\e[2J workers"]);
        assert_eq!(send(&http, &request("post", Some(&site), code("/busy", &[]), &[])).await.ending, Ending::Some);
        let expected = request("get", Some(&site), code("/busy", &[]), &[("expect", v("[200, 503]"))]);
        assert_eq!(field(&send(&http, &expected).await, "status"), "503");
        let mut judged = request("get", Some(&site), code("/busy", &[]), &[]);
        judged.want = Want::Condition;
        assert!(matches!(send(&http, &judged).await.result.unwrap(), Value::Response(r) if !r.is_success()));
        // Reads follow a redirect, writes do not.
        assert!(
            field(&send(&http, &request("get", Some(&site), code("/there", &[]), &[])).await, "url").ends_with("/here")
        );
        assert!(
            said(&send(&http, &request("post", Some(&site), code("/there", &[]), &[])).await)
                .starts_with("Some failed")
        );
        // Headers that were meant for one host do not go to another.
        let plain = send(&http, &request("get", Some(&site), code("/elsewhere", &[]), &[])).await;
        assert_eq!(field(&plain, "status"), "200");
        let with = request("get", Some(&site), code("/elsewhere", &[]), &[("headers", v("{\"X-Key\": \"k\"}"))]);
        let refused = said(&send(&http, &with).await);
        assert!(refused.contains("a redirect to another host is not followed"), "{refused}");
        let stay = request("get", Some(&site), code("/there", &[]), &[("expect", v("[302]"))]);
        assert_eq!(field(&send(&http, &stay).await, "status"), "302");
        let json = send(&http, &request("get", Some(&site), code("/json", &[]), &[])).await.result.unwrap();
        assert_eq!(
            rbk::value::show::show(&method::call(method::Method::Json, &json, &[]).unwrap()),
            "{ pool: \"green\", load: 0.50 }"
        );
    });
}

#[test]
fn what_is_known_after_a_break() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        let table = [
            ("get", "/cut", "None connection"),
            ("post", "/cut", "Unknown connection"),
            ("get", "/hang", "None timeout"),
            ("post", "/hang", "Unknown timeout"),
            ("get", "/big", "None value"),
        ];
        for (name, path, expected) in table {
            let call = request(name, Some(&site), code(path, &[]), &[("timeout", v("2s"))]);
            let found = said(&send(&http, &call).await);
            assert!(found.starts_with(expected), "{name} {path}: {found}");
        }
        let closed = connection(
            ConnKind::Http,
            &[("base", Value::str(format!("http://127.0.0.1:{}", crate::lab::free_port())))],
        );
        let refused = said(&send(&http, &request("post", Some(&closed), code("/x", &[]), &[])).await);
        assert!(refused.starts_with("None connection: POST") && refused.contains("refused"), "{refused}");
        // A cancel closes the connection at once.
        let (canceller, cancel) = Cancel::new();
        let call = request("post", Some(&site), code("/hang", &[]), &[]);
        let started = std::time::Instant::now();
        let (outcome, ()) = tokio::join!(http.call(&call, cancel), async {
            while web.last().line != "POST /hang HTTP/1.1" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            canceller.cancel();
        });
        assert!(
            said(&outcome).starts_with("Unknown cancelled") && started.elapsed() < Duration::from_secs(10),
            "{}",
            said(&outcome)
        );
    });
}

#[test]
fn addresses_that_are_refused() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        let table: Vec<(Option<&Arc<Connection>>, Arg, &str)> = vec![
            (None, code("/x", &[]), "None value: `/x` is not an absolute http or https URL"),
            (
                None,
                code("?/x", &[(Value::str("file:///etc"), How::Whole)]),
                "None value: `file:///etc` is not an absolute http or https URL",
            ),
            (Some(&site), code("http://elsewhere/", &[]), "None value: on `db` a path is expected"),
            (
                Some(&site),
                code("/a/?", &[(Value::str(".."), How::Segment)]),
                "None value: `..` in a URL's path would name another resource",
            ),
            (
                Some(&site),
                code("/a/?", &[(Value::Null, How::Segment)]),
                "None value: null has no text: the value is absent",
            ),
        ];
        for (on, url, expected) in table {
            let found = said(&send(&http, &request("get", on, url, &[])).await);
            assert!(found.starts_with(expected), "{found}");
        }
        let header = request("get", Some(&site), code("/x", &[]), &[("headers", v("{\"X\": \"a\\r\\nHost: y\"}"))]);
        assert!(said(&send(&http, &header).await).contains("the header `X` cannot hold this value"));
        assert!(web.seen.lock().unwrap().is_empty());
    });
}

#[test]
fn a_message_is_sent_once_and_says_whether_it_was_answered() {
    block_on(async {
        let tries = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = tries.clone();
        let web = Web::start(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => answer("503 Service Unavailable", ""),
            1 => answer("404 Not Found", ""),
            _ => answer("200 OK", ""),
        });
        let url = Secret::hide("hook".into(), Value::str(web.url()));
        let mut call =
            native("http.notify", None, vec![("url", Arg::Value(url)), ("json", Arg::Value(v("{\"text\": \"hi\"}")))]);
        call.effect = Effect::Notify;
        let http = Http::default();
        assert_eq!(send(&http, &call).await.ending, Ending::Unknown);
        assert_eq!(send(&http, &call).await.ending, Ending::Some);
        assert_eq!(said(&send(&http, &call).await), "null");
        assert_eq!(
            (web.last().body.as_str(), tries.load(std::sync::atomic::Ordering::Relaxed)),
            ("{\"text\":\"hi\"}", 3)
        );
    });
}

#[test]
fn prometheus_gives_one_number_or_an_error() {
    let web = Web::start(|request| {
        let vector = |samples: &str| {
            answer(
                "200 OK",
                &format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{samples}]}}}}"),
            )
        };
        let sample = |value: &str| format!("{{\"metric\":{{}},\"value\":[1.5,\"{value}\"]}}");
        let line = &request.line;
        match line {
            l if l.contains("query=nan") => vector(&sample("NaN")),
            l if l.contains("query=none") => vector(""),
            l if l.contains("query=two") => vector(&format!("{},{}", sample("1"), sample("2"))),
            l if l.contains("query=scalar") => {
                answer("200 OK", "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"3\"]}}")
            }
            l if l.contains("query=bad") => answer(
                "400 Bad Request",
                "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error: x\"}",
            ),
            _ => vector(&sample("0.0125")),
        }
    });
    block_on(async {
        let prometheus = Prometheus::default();
        let on = connection(ConnKind::Prometheus, &[("base", Value::str(format!("{}/", web.url())))]);
        let ask = async |name: &str, args: Vec<(&str, Arg)>| {
            let (_keep, cancel) = Cancel::new();
            said(&prometheus.call(&native(&format!("prometheus.{name}"), Some(&on), args), cancel).await)
        };
        let query = |text: &str| vec![("query", code(text, &[]))];
        let table = [
            ("value", "up", "0.0125"),
            ("seconds", "up", "12ms500us"),
            ("value", "scalar", "3"),
            ("value", "none", "None value: the query found no data"),
            ("value", "two", "None value: exactly one sample was expected, and the query found 2"),
            (
                "value",
                "nan",
                "None value: the result is `NaN`, not a number: there is nothing to divide by, or no data",
            ),
            ("value", "bad", "None failed: the query was refused: parse error: x"),
        ];
        for (name, text, expected) in table {
            assert_eq!(ask(name, query(text)).await, expected);
        }
        let sent = || {
            let line = web.last().line;
            let query = line.split("query=").nth(1).unwrap().trim_end_matches(" HTTP/1.1").replace('+', " ");
            percent_encoding::percent_decode_str(&query).decode_utf8().unwrap().into_owned()
        };
        ask("value", vec![("query", code("up{job=?}", &[(Value::str("a\"} or up #"), How::Label)]))]).await;
        assert_eq!(sent(), "up{job=\"a\\\"} or up #\"}");
        ask(
            "error_ratio",
            vec![("metric", Arg::Value(Value::str("http_requests_total"))), ("over", Arg::Value(v("1m")))],
        )
        .await;
        assert_eq!(
            sent(),
            "(sum(rate(http_requests_total{status=~\"5..\"}[60000ms])) or vector(0)) / sum(rate(http_requests_total[60000ms]))"
        );
        let labels = v("{\"pool\": \"a\\\"} or x{\", \"n\": 2}");
        let args = vec![
            ("metric", Arg::Value(Value::str("hits"))),
            ("over", Arg::Value(v("1m"))),
            ("labels", Arg::Value(labels)),
        ];
        ask("error_ratio", args).await;
        let only = "pool=\"a\\\"} or x{\",n=\"2\"";
        assert_eq!(
            sent(),
            format!(
                "(sum(rate(hits{{{only},status=~\"5..\"}}[60000ms])) or vector(0)) / sum(rate(hits{{{only}}}[60000ms]))"
            )
        );
        let args = |metric: &str| {
            vec![
                ("quantile", Arg::Value(v("0.95"))),
                ("metric", Arg::Value(Value::str(metric))),
                ("over", Arg::Value(v("5m"))),
            ]
        };
        assert_eq!(ask("percentile", args("http_request_duration_seconds")).await, "12ms500us");
        assert_eq!(
            sent(),
            "histogram_quantile( 0.95, sum by (le) (rate(http_request_duration_seconds_bucket[300000ms])))"
        );
        assert!(ask("percentile", args("x[5m]) or y")).await.contains("is not a metric's name"));
    });
}
