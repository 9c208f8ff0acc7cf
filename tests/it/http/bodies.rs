//! What is sent: methods, queries, who asks, and every kind of body.
use super::*;
use rbk::engine::Context;

fn web() -> Web {
    Web::start(|_| answer("200 OK", ""))
}

#[test]
fn every_method_and_who_asks() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        for name in ["get", "head", "options", "post", "put", "patch", "delete"] {
            send(&http, &request(name, Some(&site), code("/x", &[]), &[])).await.result.unwrap();
            assert_eq!(web.last().line, format!("{} /x HTTP/1.1", name.to_uppercase()));
            let reads = ["get", "head", "options"].contains(&name);
            assert_eq!(web.header("idempotency-key").as_deref(), (!reads).then_some("run/0/1/0"), "{name}");
        }
        let own = |word: &str| request("request", Some(&site), code("/x", &[]), &[("method", Value::str(word))]);
        send(&http, &own("PURGE")).await.result.unwrap();
        assert_eq!(web.last().line, "PURGE /x HTTP/1.1");
        for (word, why) in [
            ("purge", "`purge` is not a method: it is a word in capitals"),
            ("GET /y HTTP/1.1\r\n", "is not a method"),
            ("CONNECT", "`CONNECT` asks for a tunnel"),
        ] {
            let found = said(&send(&http, &own(word)).await);
            assert!(found.starts_with("None value: ") && found.contains(why), "{found}");
        }

        let basic = |password: &str| v(&format!("{{\"user\": \"app\", \"password\": \"{password}\"}}"));
        let get = |more: &[(&str, Value)]| request("get", Some(&site), code("/x", &[]), more);
        send(&http, &get(&[("basic", basic("a:b é"))])).await.result.unwrap();
        assert_eq!(web.header("authorization").unwrap(), "Basic YXBwOmE6YiDDqQ==");
        // The call's word stands above the connection's, whichever way it says it.
        let site = base(&web, &[("basic", basic("p")), ("headers", v("{\"Host\": \"shop.example\"}"))]);
        let get = |more: &[(&str, Value)]| request("get", Some(&site), code("/x", &[]), more);
        send(&http, &get(&[("bearer", Value::str("tok"))])).await.result.unwrap();
        assert_eq!(web.header("authorization").unwrap(), "Bearer tok");
        assert_eq!(web.header("host").unwrap(), "shop.example");
        for (more, why) in [
            (vec![("bearer", Value::str("t")), ("basic", basic("p"))], "who asks is said once"),
            (vec![("bearer", Value::str("t")), ("headers", v("{\"Authorization\": \"x\"}"))], "who asks is said once"),
            (vec![("basic", v("{\"user\": \"a:b\", \"password\": \"p\"}"))], "cannot hold `:`"),
            (vec![("basic", v("{\"user\": \"a\"}"))], "`basic` has no `password`"),
            (vec![("headers", v("{\"Content-Length\": \"3\"}"))], "belongs to the connection itself"),
            (vec![("headers", v("{\"Transfer-Encoding\": \"chunked\"}"))], "belongs to the connection itself"),
            (vec![("headers", v("{\"X-A\": \" a\"}"))], "a blank at its start or end is lost"),
            (vec![("headers", v("{\"X A\": \"a\"}"))], "`X A` is not a header's name"),
            (vec![("query", v("{\"a\": null}"))], "`a` of the query: null has no text"),
            (vec![("expect", v("[]"))], "`expect` names no status"),
            (vec![("expect", v("[700]"))], "`700` is not an HTTP status"),
            (vec![("timeout", v("0s"))], "`timeout` is a duration longer than nothing"),
        ] {
            let seen = web.count();
            let found = said(&send(&http, &get(&more)).await);
            assert!(found.starts_with("None value: ") && found.contains(why), "{found}");
            assert_eq!(web.count(), seen);
        }
    });
}

#[test]
fn a_query_is_added_to_what_is_there() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        let query = v("{\"a b\": \"c&d=#\", \"tag\": [\"x\", \"y/z\"], \"n\": 2}");
        for (path, line) in [
            ("/p", "/p?a%20b=c%26d%3D%23&tag=x&tag=y%2Fz&n=2"),
            ("/p??q=1", "/p?q=1&a%20b=c%26d%3D%23&tag=x&tag=y%2Fz&n=2"),
            ("/p#part", "/p?a%20b=c%26d%3D%23&tag=x&tag=y%2Fz&n=2"),
            ("", "/?a%20b=c%26d%3D%23&tag=x&tag=y%2Fz&n=2"),
        ] {
            send(&http, &request("get", Some(&site), code(path, &[]), &[("query", query.clone())]))
                .await
                .result
                .unwrap();
            assert_eq!(web.last().line, format!("GET {line} HTTP/1.1"));
        }
    });
}

#[test]
fn files_are_sent_as_they_are() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(dir.path().join("dump"), &bytes).unwrap();
        std::fs::write(dir.path().join("empty"), b"").unwrap();
        let put = |more: &[(&str, Value)]| {
            let mut call = request("put", Some(&site), code("/x", &[]), more);
            call.contexts = Arc::new([Context::Dir(dir.path().to_str().unwrap().into())]);
            call
        };
        send(&http, &put(&[("file", Value::str("dump"))])).await.result.unwrap();
        assert!(web.last().raw == bytes, "{} bytes", web.last().raw.len());
        assert_eq!(web.header("content-length").unwrap(), "3000000");
        assert_eq!(web.header("content-type").unwrap(), "application/octet-stream");
        let whole = dir.path().join("empty").display().to_string();
        let more = [("file", Value::str(whole)), ("headers", v("{\"Content-Type\": \"text/csv\"}"))];
        send(&http, &put(&more)).await.result.unwrap();
        assert_eq!((web.last().raw.len(), web.header("content-type").unwrap()), (0, "text/csv".to_owned()));

        let parts = v(
            "{\"title\": \"a \\\"b\\\"\", \"dump\": {\"file\": \"dump\", \"name\": \"d;\\\"\\r\\n.bin\", \"type\": \"application/x\"}}",
        );
        send(&http, &put(&[("multipart", parts)])).await.result.unwrap();
        let (kind, last) = (web.header("content-type").unwrap(), web.last());
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let start = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na \"b\"\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"dump\"; filename=\"d;%22%0D%0A.bin\"\r\nContent-Type: application/x\r\n\r\n"
        );
        assert_eq!(last.body.get(..start.len()), Some(start.as_str()));
        assert!(last.raw[start.len()..] == [&bytes[..], format!("\r\n--{boundary}--\r\n").as_bytes()].concat());

        let seen = web.count();
        for (more, why) in [
            (vec![("file", Value::str("none"))], "/none`: there is no such file"),
            (vec![("file", Value::str("."))], "is not a file"),
            (vec![("file", Value::str(""))], "`file`: this is not a path"),
            (vec![("file", Value::str("dump")), ("json", v("1"))], "`json` and `file` are two bodies: send one"),
            (vec![("multipart", v("{\"a\": {\"name\": \"x\"}}"))], "the part `a`: a record names a `file`"),
            (vec![("multipart", v("{\"a\": {\"file\": \"dump\", \"size\": 1}}"))], "`size` is none of"),
            (vec![("multipart", v("{\"a\": {\"file\": \"dump\", \"type\": \"x\\r\\ny\"}}"))], "is not a content type"),
        ] {
            let found = said(&send(&http, &put(&more)).await);
            assert!(found.starts_with("None value: ") && found.contains(why), "{found}");
        }
        let mut away = put(&[("file", Value::str("dump"))]);
        away.contexts = Arc::new([Context::Ssh(Value::str("web-1"))]);
        assert!(said(&send(&http, &away).await).contains("a file action works on this machine"));
        assert_eq!(web.count(), seen);
    });
}
