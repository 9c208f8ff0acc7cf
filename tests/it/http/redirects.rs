//! A read follows a redirect, and what proves who asks stays with the first host.
use super::*;

/// Two servers: the first sends on to the second.
fn pair() -> (Web, Web) {
    let there = Web::start(|request| answer("200 OK", &request.line));
    let port = there.port;
    let here = Web::start(move |request| {
        let path = request.line.split(' ').nth(1).unwrap_or("");
        match path.split('?').next().unwrap_or("") {
            "/far" => moved("302 Found", &format!("http://127.0.0.1:{port}/seen?back=1")),
            "/user" => moved("301 Moved Permanently", &format!("http://evil:pw@127.0.0.1:{port}/seen")),
            "/near" => moved("308 Permanent Redirect", "there?x=1"),
            "/file" => moved("302 Found", "file:///etc/passwd"),
            "/circle" => moved("307 Temporary Redirect", "/circle"),
            "/see" => moved("303 See Other", "/there"),
            "/nowhere" => answer("302 Found", "no location"),
            _ => answer("200 OK", &request.line),
        }
    });
    (here, there)
}

#[test]
fn a_read_goes_where_it_is_sent_on_to() {
    block_on(async {
        let ((here, there), http) = (pair(), Http::default());
        let site = base(&here, &[]);
        let get = |path: &str, more: &[(&str, Value)]| request("get", Some(&site), code(path, &[]), more);
        let done = send(&http, &get("/near", &[])).await;
        assert_eq!(field(&done, "url"), format!("{}/there?x=1", here.url()));
        // The address it comes from can hold what the next host may not see.
        let done = send(&http, &get("/far??token=abc", &[("headers", v("{\"Accept\": \"text/plain\"}"))])).await;
        assert_eq!(field(&done, "url"), format!("{}/seen?back=1", there.url()));
        assert_eq!(there.header("referer"), None);
        send(&http, &get("/user", &[])).await.result.unwrap();
        assert_eq!((there.last().line.as_str(), there.header("authorization")), ("GET /seen HTTP/1.1", None));
        send(&http, &request("head", Some(&site), code("/see", &[]), &[])).await.result.unwrap();
        assert_eq!(here.last().line, "HEAD /there HTTP/1.1");
        // The same client answers all of it over one connection.
        let connection = here.last().connection;
        assert!(here.seen.lock().unwrap().iter().all(|r| r.connection == connection));
        for (path, why) in [
            ("/circle", "more than 10 redirects"),
            ("/file", "a redirect to `file:` is not followed"),
            ("/nowhere", "was answered 302 Found"),
        ] {
            let found = said(&send(&http, &get(path, &[])).await);
            assert!(found.starts_with("None ") && found.contains(why), "{found}");
        }
    });
}

#[test]
fn what_proves_who_asks_stays_with_the_first_host() {
    block_on(async {
        let ((here, there), http) = (pair(), Http::default());
        let login = format!("http://app:s3cret@127.0.0.1:{}", here.port);
        for (url, more) in [
            (here.url(), vec![("bearer", Value::str("tok"))]),
            (here.url(), vec![("headers", v("{\"X-Api-Key\": \"k\"}"))]),
            (here.url(), vec![("headers", v("{\"Cookie\": \"k\"}"))]),
            (here.url(), vec![("basic", v("{\"user\": \"a\", \"password\": \"p\"}"))]),
            (login, vec![]),
        ] {
            let site = connection(ConnKind::Http, &[("base", Value::str(url))]);
            // Another port of the same host is another server.
            let told = failure(send(&http, &request("get", Some(&site), code("/far", &[]), &more)).await);
            assert!(told.message.contains("a redirect to another host is not followed"), "{}", told.message);
            assert!(!told.message.contains("s3cret"), "{}", told.message);
            assert!(told.help.unwrap().contains("`expect: 302`"));
            // On the same host it goes along.
            let done = send(&http, &request("get", Some(&site), code("/near", &[]), &more)).await;
            assert_eq!(field(&done, "status"), "200");
        }
        assert_eq!(there.count(), 0);
    });
}

#[test]
fn a_write_follows_none() {
    block_on(async {
        let ((here, there), http) = (pair(), Http::default());
        let site = base(&here, &[]);
        for (name, path) in [("post", "/far"), ("put", "/near"), ("patch", "/see"), ("delete", "/circle")] {
            let outcome = send(&http, &request(name, Some(&site), code(path, &[]), &[])).await;
            assert_eq!(outcome.ending, Ending::Some);
            let told = failure(outcome);
            assert!(told.notes[0].starts_with("it leads to `"), "{:?}", told.notes);
            assert!(told.help.unwrap().contains("a write follows no redirect"));
        }
        assert_eq!((here.count(), there.count()), (4, 0));
        let seen = request("post", Some(&site), code("/see", &[]), &[("expect", v("[303]"))]);
        assert_eq!(field(&send(&http, &seen).await, "status"), "303");
    });
}
