//! `std/http`, `std/notify` and Prometheus as a runbook uses them, against servers that are really there.
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::lab::web::answer_with;
use crate::stage::{self, Run};

fn book(uses: &str, statements: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = stage::dir();
    let file = dir.path().join("book.rbk");
    let text = format!(
        "use \"std/{uses}\"\nrunbook \"Lab\" {{\n  owner \"lab\"\n  reviewed 2026-11-01 every 365d\n  deadline 2m\n  \
         rollback within 1m\n{statements}\n}}\n"
    );
    std::fs::write(&file, text).unwrap();
    (dir, file)
}

#[test]
fn a_page_is_waited_for() {
    let count = Arc::new(AtomicUsize::new(0));
    let shared = count.clone();
    let web = Web::start(move |_| match shared.fetch_add(1, Ordering::SeqCst) {
        // Not there; there once; then there for good.
        0 | 1 | 3 => answer("503 Service Unavailable", "starting"),
        _ => answer("200 OK", ""),
    });
    let wait = |url: &str| {
        format!(
            "  http.healthy(http(\"{url}/health\"), within: 10s, every: 20ms, times: 2)\n  log http.get(\"{url}/x\").url"
        )
    };
    let (_dir, file) = book("http", &wait(&web.url()));
    Run::new(&file).go().ended(0).says(&[&format!("{}/x", web.url())]);
    assert_eq!((count.load(Ordering::SeqCst), web.seen.lock().unwrap()[0].line.as_str()), (7, "GET /health HTTP/1.1"));
    let closed = format!("http://127.0.0.1:{}", crate::lab::free_port());
    let (_dir, file) = book("http", &wait(&closed).replace("10s", "300ms"));
    Run::new(&file).go().ended(1).says(&["127.0.0.1:", "refused"]);
}

#[test]
fn a_page_that_answers_and_is_not_well_is_no_success() {
    let web = Web::start(|request| match request.line.contains("/good") {
        true => answer("200 OK", "{\"status\": \"healthy\"}"),
        false => answer("200 OK", "{\"status\": \"degraded\"}"),
    });
    let look = |page: &str| format!("  http.reports(http(\"{}{page}\"))\n  log \"looked\"", web.url());
    let (_dir, file) = book("http", &look("/good"));
    Run::new(&file).go().ended(0).says(&["looked"]);
    let (_dir, file) = book("http", &look("/bad"));
    Run::new(&file).go().ended(1).says(&["it reports `healthy`", "degraded"]);
}

#[test]
fn a_page_is_measured() {
    let count = Arc::new(AtomicUsize::new(0));
    let web = Web::start(move |_| match count.fetch_add(1, Ordering::SeqCst) % 20 {
        19 => answer("500 Internal Server Error", ""),
        10 => {
            std::thread::sleep(Duration::from_millis(300));
            answer("200 OK", "")
        }
        _ => answer("200 OK", ""),
    });
    let statements = format!(
        "  let now = http.measure(http(\"{}\"), requests: 40)\n  \
         log \"#{{now.requests}} #{{now.failed}} #{{now.error_rate}}\"\n  guard \"why\": now.error != null\n  \
         guard \"ordered\": now.p50 <= now.p95 and now.p95 <= now.p99 and now.p99 <= now.slowest\n  \
         guard \"half are quick\": now.p50 < 250ms\n  guard \"the slow ones are seen\": now.p99 >= 300ms\n  \
         guard \"one in twenty\": now.error_rate == 5%",
        web.url()
    );
    let (_dir, file) = book("http", &statements);
    Run::new(&file).go().ended(0).says(&["40 2 0.05"]);
    let closed = format!("http://127.0.0.1:{}", crate::lab::free_port());
    let (_dir, file) =
        book("http", &format!("  let now = http.measure(http(\"{closed}\"), requests: 3)\n  log now.p50.text()"));
    Run::new(&file).go().ended(1).says(&["one of 3 requests succeeded"]);
}

#[test]
fn somebody_is_woken_until_somebody_answers() {
    let run = |answers_after: usize| {
        let pages = Arc::new(std::sync::Mutex::new(Vec::new()));
        let shared = pages.clone();
        let web = Web::start(move |request| {
            let mut pages = shared.lock().unwrap();
            if request.line.starts_with("POST /page ") {
                let sent: serde_json::Value = serde_json::from_str(&request.body).unwrap();
                pages.push(sent["routing_key"].as_str().unwrap().to_owned());
                return answer("202 Accepted", "{}");
            }
            if pages.len() >= answers_after { answer("200 OK", "") } else { answer("404 Not Found", "") }
        });
        let url = web.url();
        let statements = format!(
            "  secret one = env(\"ONE\")\n  secret two = env(\"TWO\")\n  secret three = env(\"THREE\")\n  \
             notify.escalate(\"{url}/page\", \"all is lost\", first: one, second: two, third: three, taken: http(\"{url}/taken\"), patience: 200ms, every: 20ms)"
        );
        let (_dir, file) = book("notify", &statements);
        let keys = [("ONE", "key-of-one"), ("TWO", "key-of-two"), ("THREE", "key-of-three")];
        let run = keys.iter().fold(Run::new(&file), |run, (name, key)| run.env(name, key)).go().ended(0);
        assert!(!run.out.contains("key-of-"), "{}", run.out);
        (pages.lock().unwrap().clone(), run.out)
    };
    assert_eq!(run(2).0, ["key-of-one", "key-of-two"]);
    assert!(run(0).0.is_empty(), "somebody has taken it already");
    let (woken, said) = run(9);
    assert_eq!(woken, ["key-of-one", "key-of-two", "key-of-three"]);
    assert!(said.contains("somebody has taken it"), "{said}");
}

#[test]
fn messages_arrive_or_are_a_warning() {
    let web = Web::start(|request| match request.line.split([' ', '?']).nth(1) {
        Some("/gone") => answer("404 Not Found", "no such hook"),
        _ => answer("200 OK", "ok"),
    });
    let statements = "  secret hook = env(\"HOOK\")\n  param version: string = \"v1\\\"2\"\n  \
         notify.slack(hook, \"it's \\\"done\\\"\")\n  notify.slack(hook, \"done\", fields: { version: version, n: 2 })\n  \
         notify.webhook(hook, { event: \"deployed\", version: version })\n  notify.page(env(\"HOOK\"), hook, \"look\", severity: \"critical\")";
    let (_dir, file) = book("notify", statements);
    Run::new(&file).env("HOOK", format!("{}/hook/s3cret-part", web.url())).go().ended(0);
    let seen: Vec<serde_json::Value> =
        web.seen.lock().unwrap().iter().map(|r| serde_json::from_str(&r.body).unwrap()).collect();
    assert_eq!(seen[0], serde_json::json!({ "text": "it's \"done\"" }));
    let rows = serde_json::json!([
        { "title": "version", "value": "v1\"2", "short": true },
        { "title": "n", "value": 2, "short": true },
    ]);
    assert_eq!(seen[1], serde_json::json!({ "text": "done", "attachments": [{ "fields": rows }] }));
    assert_eq!(seen[2], serde_json::json!({ "event": "deployed", "version": "v1\"2" }));
    assert_eq!((&seen[3]["event_action"], &seen[3]["payload"]["severity"]), (&"trigger".into(), &"critical".into()));
    let run = Run::new(&file).env("HOOK", format!("{}/gone?key=s3cret-part", web.url())).go().ended(0);
    assert!(run.out.contains("did not arrive") && !run.out.contains("s3cret"), "{}", run.out);
}

#[test]
fn a_write_in_doubt_is_repeated_under_its_key() {
    let count = Arc::new(AtomicUsize::new(0));
    let web = Web::start(move |request| match request.line.starts_with("POST /undo ") {
        true => match count.fetch_add(1, Ordering::SeqCst) {
            // Nobody knows; answered, and refused; done.
            0 => None,
            1 => answer("503 Service Unavailable", ""),
            _ => answer("200 OK", ""),
        },
        false => answer("200 OK", ""),
    });
    let statements = format!(
        "  connect site = http(\"{}\")\n  step \"Pay\" {{\n    site.post(\"/pay\")\n    rollback {{ site.post(\"/undo\") }}\n  }}\n  \
         step \"Fail\" retry 1 every 1ms {{\n    site.post(\"/again\")\n    guard \"never\": 1 == 2\n    rollback none \"x\"\n  }}",
        web.url()
    );
    let (_dir, file) = book("http", &statements);
    Run::new(&file).go().ended(1);
    let seen = web.seen.lock().unwrap();
    let keys = |path: &str| {
        let of = seen.iter().filter(|r| r.line.starts_with(&format!("POST {path} ")));
        of.map(|r| r.headers.iter().find_map(|h| h.strip_prefix("idempotency-key: ")).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let undo = keys("/undo");
    assert!(undo.len() == 3 && undo[0] == undo[1] && undo[1] != undo[2], "{undo:?}");
    // Another attempt is another write.
    let again = keys("/again");
    assert!(again.len() == 2 && again[0] != again[1], "{again:?}");
    assert!(!keys("/pay").contains(&undo[0]));
}

#[test]
fn a_real_prometheus_gives_one_number_or_says_why_not() {
    let count = Arc::new(AtomicUsize::new(0));
    let web = Web::start(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        let mut text = "# TYPE hits_total counter\n# TYPE took_seconds histogram\n".to_owned();
        for (pool, good, bad) in [("a \\\"b\\\" \\\\ {c}", 9 * n, n), ("calm", 10 * n, 0), ("still", 5, 5)] {
            text.push_str(&format!("hits_total{{pool=\"{pool}\",status=\"200\"}} {good}\nhits_total{{pool=\"{pool}\",status=\"503\"}} {bad}\n"));
            text.push_str(&format!("took_seconds_bucket{{pool=\"{pool}\",le=\"0.1\"}} {good}\ntook_seconds_bucket{{pool=\"{pool}\",le=\"+Inf\"}} {good}\n"));
        }
        text.push_str("age_seconds 90.5\n");
        answer_with("200 OK", "content-type: text/plain; version=0.0.4", text.as_bytes())
    });
    let dir = stage::dir();
    let server = stage::prometheus::Prometheus::start(dir.path(), &[web.port]);
    server.until_data("rate(hits_total[1m])");
    block_on(async {
        let prometheus = Prometheus::default();
        let on = connection(ConnKind::Prometheus, &[("base", Value::str(server.url()))]);
        let ask = async |name: &str, args: Vec<(&str, Arg)>| {
            let (_keep, cancel) = Cancel::new();
            said(&prometheus.call(&native(&format!("prometheus.{name}"), Some(&on), args), cancel).await)
        };
        let query = |text: &str, values: &[(Value, How)]| vec![("query", code(text, values))];
        let of = |metric: &str, pool: Option<&str>| {
            let labels = pool.map_or(Value::Null, |pool| Value::record([("pool".into(), Value::str(pool))]));
            vec![
                ("quantile", Arg::Value(v("0.95"))),
                ("metric", Arg::Value(Value::str(metric))),
                ("over", Arg::Value(v("1m"))),
                ("labels", Arg::Value(labels)),
            ]
        };
        let odd = "a \"b\" \\ {c}";
        let label = [(Value::str(odd), How::Label)];
        assert_eq!(ask("value", query("age_seconds + 1", &[])).await, "91.5");
        assert_eq!(ask("seconds", query("age_seconds", &[])).await, "1m30s500ms");
        assert_eq!(ask("value", query("count(hits_total{pool=?})", &label)).await, "2");
        assert_eq!(ask("value", query("count(hits_total{pool=~?})", &label)).await, "2");
        let ratio = ask("error_ratio", of("hits_total", Some(odd))).await;
        assert!(ratio.starts_with("0.1") || ratio.starts_with("0.09"), "{ratio}");
        assert_eq!(ask("error_ratio", of("hits_total", Some("calm"))).await, "0");
        let p95 = ask("percentile", of("took_seconds", Some("calm"))).await;
        assert!(p95.starts_with("95ms") || p95.starts_with("94ms"), "{p95}");
        let found = [
            ("value", query("hits_total", &[]), "exactly one sample was expected, and the query found 6"),
            ("value", query("none_such", &[]), "the query found no data"),
            ("value", query("hits_total[1m]", &[]), "one number was expected, and the query is a matrix"),
            ("value", query("sum(", &[]), "the query was refused"),
            ("error_ratio", of("none_such", None), "the query found no data"),
            ("error_ratio", of("hits_total", Some("still")), "`NaN`"),
            ("percentile", of("took_seconds", Some("still")), "`NaN`"),
            ("percentile", of("took_seconds", Some("none such")), "the query found no data"),
        ];
        for (name, args, why) in found {
            let answered = ask(name, args).await;
            assert!(answered.starts_with("None ") && answered.contains(why), "{name}: {answered}");
        }
        let (_keep, cancel) = Cancel::new();
        let several = native("prometheus.value", Some(&on), query("hits_total{pool='calm'}", &[]));
        let told = failure(prometheus.call(&several, cancel).await);
        assert!(
            told.notes.iter().any(|n| n.contains("status: \"200\"") && n.contains("status: \"503\"")),
            "{:?}",
            told.notes
        );
    });
}
