//! What comes back: headers, charsets, bytes, sizes.
use super::*;
use crate::lab::web::answer_with;

fn web() -> Web {
    Web::start(|request| {
        let path = request.line.split(' ').nth(1).unwrap_or("");
        let text = "content-type: text/plain";
        match path.split('?').next().unwrap_or("") {
            "/twice" => answer_with(
                "200 OK",
                "Set-Cookie: a=1; Expires=Wed, 01 Jan\r\nX-Way: one\r\nset-cookie: b=2\r\nx-way: two",
                b"",
            ),
            "/latin1" => answer_with("200 OK", "content-type: text/plain; charset=\"ISO-8859-1\"", b"caf\xe9"),
            "/odd" => Some(b"HTTP/1.1 200 OK\r\nx-name: caf\xe9\r\ncontent-length: 3\r\n\r\n\xff\x00\xfe".to_vec()),
            "/mark" => answer_with("200 OK", "content-type: application/json", b"\xef\xbb\xbf{\"a\": 1}"),
            "/bytes500" => answer_with("500 Internal Server Error", text, b"\xff\xfe\xff"),
            "/exact" => answer_with("200 OK", text, &[b'x'; 1000]),
            "/more" => answer_with("200 OK", text, &[b'x'; 1001]),
            "/stream" => {
                let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
                Some(
                    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n")
                        .into_bytes(),
                )
            }
            "/json" => answer_with("200 OK", "content-type: application/json", b"{\"pool\": \"green\"}"),
            "/long" => answer("404 Not Found", &format!("token=abc {}", "y".repeat(2000))),
            "/long-head" => Some(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n".to_vec()),
            _ => answer("200 OK", "ok"),
        }
    })
}

async fn get(http: &Http, site: &Arc<Connection>, path: &str, more: &[(&str, Value)]) -> Outcome {
    send(http, &request("get", Some(site), code(path, &[]), more)).await
}

#[test]
fn headers_that_come_several_times_and_bytes_that_are_no_text() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[]);
        let done = get(&http, &site, "/twice", &[]).await;
        let headers = method::field(done.result.as_ref().unwrap(), "headers").unwrap();
        let header = |name: &str| method::field(&headers, name).unwrap();
        assert_eq!(header("x-way"), Value::str("one, two"));
        assert_eq!(header("set-cookie"), Value::str("a=1; Expires=Wed, 01 Jan\nb=2"));

        let done = get(&http, &site, "/latin1", &[]).await.result.unwrap();
        assert_eq!(method::field(&done, "text").unwrap(), Value::str("café"));
        assert_eq!(
            method::call(method::Method::Bytes, &done, &[]).unwrap(),
            Value::Bytes(b"caf\xe9".as_slice().into())
        );

        let done = get(&http, &site, "/odd", &[]).await.result.unwrap();
        assert_eq!(method::field(&method::field(&done, "headers").unwrap(), "x-name").unwrap(), Value::str("café"));
        let wrong = method::field(&done, "text").unwrap_err();
        assert_eq!(wrong, format!("the answer of GET {}/odd is not text: read its `.bytes()`", web.url()));
        assert_eq!(method::call(method::Method::Json, &done, &[]).unwrap_err(), wrong);
        assert_eq!(
            method::call(method::Method::Bytes, &done, &[]).unwrap(),
            Value::Bytes(b"\xff\x00\xfe".as_slice().into())
        );

        let done = get(&http, &site, "/mark", &[]).await.result.unwrap();
        let json = method::call(method::Method::Json, &done, &[]).unwrap();
        assert_eq!(method::field(&json, "a").unwrap(), Value::Int(1));
        let told = failure(get(&http, &site, "/bytes500", &[]).await);
        assert_eq!(told.notes, ["the answer: 3 bytes that are no text"]);
        let absent = method::call(method::Method::Json, &get(&http, &site, "/json", &[]).await.result.unwrap(), &[]);
        assert_eq!(
            method::field(&absent.unwrap(), "pol").unwrap_err(),
            "there is no field `pol`: did you mean `pool`?"
        );
    });
}

#[test]
fn an_answer_is_taken_up_to_its_limit() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let site = base(&web, &[("max_body", Value::Size(1000))]);
        assert_eq!(field(&get(&http, &site, "/exact", &[]).await, "text").len(), 1000);
        for (path, length) in [("/more", " (1001 bytes)"), ("/stream", "")] {
            let told = failure(get(&http, &site, path, &[]).await);
            assert_eq!(told.message, format!("GET {}{path}: the answer{length} is larger than 1KB", web.url()));
            assert!(told.help.unwrap().contains("max_body: 20MB"));
        }
        let more = get(&http, &site, "/stream", &[("max_body", Value::Size(2000))]).await;
        assert_eq!(field(&more, "text").len(), 2000);
        // Done, but not as it should be.
        let write = request("post", Some(&site), code("/more", &[]), &[]);
        assert_eq!(send(&http, &write).await.ending, Ending::Some);
        // Of a HEAD nothing is taken, however long it says that it would be.
        let head = request("head", Some(&site), code("/long-head", &[]), &[]);
        assert_eq!(field(&send(&http, &head).await, "status"), "200");
    });
}

#[test]
fn a_failure_shows_the_request_the_status_and_the_start_of_the_answer() {
    block_on(async {
        let (web, http) = (web(), Http::default());
        let args = [("base", Value::str(format!("http://app:s3cr%40t@127.0.0.1:{}", web.port)))];
        let site = connection(ConnKind::Http, &args);
        let query = Value::record([
            ("page".into(), Value::Int(2)),
            ("api_key".into(), Value::str("abc def")),
            ("pin".into(), Secret::hide("pin".into(), Value::str("123"))),
        ]);
        let url = code("/long??session=s&token=t&q=?", &[(Secret::hide("q".into(), Value::str("x y")), How::Query)]);
        let told = failure(
            send(&http, &request("get", Some(&site), url, &[("query", query), ("expect", v("[200, 204]"))])).await,
        );
        assert_eq!(web.last().line, "GET /long?session=s&token=t&q=x%20y&page=2&api_key=abc%20def&pin=123 HTTP/1.1");
        assert_eq!(web.header("authorization").unwrap(), "Basic YXBwOnMzY3JAdA==");
        assert_eq!(
            told.message,
            format!(
                "GET {}/long?session=s&token=…&q=‹q›&page=2&api_key=…&pin=‹pin› was answered 404 Not Found, not 200 or 204",
                web.url()
            )
        );
        assert!(
            told.notes[0].starts_with("the answer: token=abc yyy") && told.notes[0].ends_with("y …"),
            "{:?}",
            told.notes
        );
        assert!(told.notes[0].chars().count() < 520);
    });
}
