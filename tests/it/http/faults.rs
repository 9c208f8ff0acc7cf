//! What is known after each kind of break, with sockets that really break.
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Instant;

use super::*;
use crate::lab::proxy::{Fault, Greeting, Proxy, Trigger, Way};

struct Lab {
    web: Web,
    proxy: Proxy,
    http: Http,
    site: Arc<Connection>,
}

fn lab() -> Lab {
    let web = Web::start(|request| answer("200 OK", &format!("{} {}", request.line, "y".repeat(500))));
    let proxy = Proxy::to(web.port);
    let site = connection(ConnKind::Http, &[("base", Value::str(format!("http://127.0.0.1:{}", proxy.port)))]);
    Lab { web, proxy, http: Http::default(), site }
}

impl Lab {
    async fn ask(&self, name: &str, more: &[(&str, Value)]) -> Outcome {
        send(&self.http, &request(name, Some(&self.site), code("/x", &[]), more)).await
    }
}

#[test]
fn a_break_after_the_request_was_sent() {
    let before = |bytes: &[u8]| Trigger::Before(bytes.to_vec());
    let after = |bytes: &[u8]| Trigger::After(bytes.to_vec());
    block_on(async {
        // Which way, when, what, whether the request gets there; of a read nothing can be left.
        let table = [
            (Way::Up, before(b" /x"), Fault::Reset, 0, "connection"),
            (Way::Up, before(b" /x"), Fault::Cut, 0, "connection"),
            (Way::Down, Trigger::Next, Fault::Cut, 1, "connection"),
            (Way::Down, Trigger::Next, Fault::Reset, 1, "connection"),
            (Way::Down, Trigger::Next, Fault::HalfClose, 1, "connection"),
            (Way::Down, Trigger::Next, Fault::Hang, 1, "timeout"),
            (Way::Down, Trigger::Bytes(150), Fault::Cut, 1, "connection"),
            (Way::Down, Trigger::Bytes(150), Fault::Reset, 1, "connection"),
            (Way::Down, Trigger::Bytes(150), Fault::Hang, 1, "timeout"),
            (Way::Down, after(b"HTTP/1.1 2"), Fault::HalfClose, 1, "connection"),
        ];
        for (way, trigger, fault, seen, kind) in table {
            for name in ["post", "put", "delete", "get"] {
                let lab = lab();
                lab.proxy.when(way, trigger.clone(), fault);
                let what = format!("{name} {way:?} {trigger:?} {fault:?}");
                let outcome = lab.ask(name, &[("timeout", v("1s"))]).await;
                let whole = fault == Fault::HalfClose && matches!(trigger, Trigger::After(_));
                // All of the answer came before the end.
                let expected = if whole {
                    "200"
                } else if name == "get" {
                    "None"
                } else {
                    "Unknown"
                };
                let found = if whole { field(&outcome, "status") } else { said(&outcome) };
                assert!(found.starts_with(expected), "{what}: {found}");
                assert!(whole || found.contains(kind), "{what}: {found}");
                assert!(lab.proxy.happened(), "{what}");
                let came = || (lab.web.count() >= seen).then_some(());
                crate::lab::wait_for("the request", came);
                assert_eq!((lab.web.count(), lab.proxy.accepted()), (seen, 1), "{what}: it is sent once");
            }
        }
        // The other way: the server sees no more requests, and answers this one.
        let lab = lab();
        lab.proxy.when(Way::Up, after(b"\r\n\r\n"), Fault::HalfClose);
        assert_eq!(field(&lab.ask("post", &[]).await, "status"), "200");
    });
}

#[test]
fn what_never_reached_a_server_had_no_effect() {
    block_on(async {
        let plain = speaking("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", drop);
        let silent = lab();
        silent.proxy.greet(Greeting::Silence);
        let reset = lab();
        reset.proxy.greet(Greeting::Reset);
        let https = |lab: &Lab| format!("https://127.0.0.1:{}", lab.proxy.port);
        let closed = format!("http://127.0.0.1:{}", crate::lab::free_port());
        let limited = |more: &[(&'static str, &str)]| more.iter().map(|(k, d)| (*k, v(d))).collect::<Vec<_>>();
        let table = [
            (closed, vec![], "connection", "nothing listens there"),
            (
                "http://no-such-host.invalid".to_owned(),
                vec![],
                "connection",
                "`no-such-host.invalid` is not known here",
            ),
            // A server that takes the connection and says nothing: there is no TLS.
            (https(&silent), limited(&[("connect_timeout", "300ms")]), "connection", "no connection to 127.0.0.1:"),
            (https(&silent), limited(&[("timeout", "300ms")]), "connection", "within 300ms"),
            (https(&reset), vec![], "connection", ""),
            (plain.replace("http:", "https:"), vec![], "connection", "it does not speak TLS"),
        ];
        for (url, more, kind, why) in table {
            for name in ["get", "post"] {
                let mut args = vec![("base", Value::str(url.clone()))];
                args.extend(more.iter().cloned());
                let site = connection(ConnKind::Http, &args);
                let outcome = send(&Http::default(), &request(name, Some(&site), code("/x", &[]), &[])).await;
                assert_eq!(outcome.ending, Ending::None, "{url}: {}", said(&outcome));
                let told = failure(outcome);
                let whole = format!("{} {} {}", told.kind.name(), told.message, told.help.unwrap_or_default());
                assert!(whole.starts_with(kind) && whole.contains(why), "{whole}");
            }
        }
        // A cancel while the connection is being made ends the making.
        let site = connection(ConnKind::Http, &[("base", Value::str(https(&silent)))]);
        let (canceller, cancel) = Cancel::new();
        let (http, call) = (Http::default(), request("post", Some(&site), code("/x", &[]), &[]));
        let before = silent.proxy.accepted();
        let (outcome, ()) = tokio::join!(http.call(&call, cancel), async {
            while silent.proxy.accepted() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            canceller.cancel();
        });
        assert!(said(&outcome).starts_with("None cancelled: ") && said(&outcome).ends_with("before it was sent"));
    });
}

#[test]
fn a_kept_connection_that_was_closed_is_opened_again() {
    block_on(async {
        // Closed while nobody asked: nothing was sent on it, a write may go on a new one.
        let one = lab();
        for name in ["get", "post"] {
            one.ask("get", &[]).await.result.unwrap();
            one.proxy.all(Fault::Cut);
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (seen, accepted) = (one.web.count(), one.proxy.accepted());
            assert_eq!(field(&one.ask(name, &[]).await, "status"), "200");
            assert_eq!((one.web.count(), one.proxy.accepted()), (seen + 1, accepted + 1), "{name}");
        }
        // Closed in the moment of asking: a read is asked again, a write is not.
        for fault in [Fault::Cut, Fault::Reset] {
            for (name, expected, accepted) in [("get", "Done", 2), ("head", "Done", 2), ("post", "Unknown", 1)] {
                let lab = lab();
                lab.ask("get", &[]).await.result.unwrap();
                lab.proxy.when(Way::Up, Trigger::Before(b" /x".to_vec()), fault);
                let outcome = lab.ask(name, &[]).await;
                assert_eq!(format!("{:?}", outcome.ending), expected, "{name} {fault:?}: {}", said(&outcome));
                assert_eq!(lab.proxy.accepted(), accepted, "{name} {fault:?}");
            }
        }
        // Of two breaks the second one is told.
        let lab = lab();
        lab.ask("get", &[]).await.result.unwrap();
        for _ in 0..2 {
            lab.proxy.when(Way::Up, Trigger::Before(b" /x".to_vec()), Fault::Cut);
        }
        assert!(said(&lab.ask("get", &[]).await).starts_with("None connection: "));
        assert_eq!(lab.proxy.accepted(), 2);
    });
}

/// Says this to whoever comes, then does `last` with the connection.
fn speaking(head: &'static str, last: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let last = Arc::new(last);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let last = last.clone();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(head.as_bytes());
                last(stream);
            });
        }
    });
    url
}

#[test]
fn answers_that_are_cut_or_never_end() {
    block_on(async {
        let cut = speaking("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789", drop);
        let chunked = speaking("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n", drop);
        let garbage = speaking("SSH-2.0-OpenSSH_9.2\r\n", drop);
        let slow = speaking("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", |mut stream| {
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let slow_head = speaking("HTTP/1.1 200 OK\r\n", |mut stream| {
            while stream.write_all(b"x-more: 1\r\n").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let table = [
            (&cut, "connection", "the answer broke off after 10 of 100 bytes"),
            (&chunked, "connection", "the answer broke off after 5 bytes"),
            (&garbage, "connection", "invalid HTTP version parsed"),
            (&slow, "timeout", "was not answered within 1s"),
            (&slow_head, "timeout", "was not answered within 1s"),
        ];
        for (url, kind, why) in table {
            for (name, ending) in [("get", "None"), ("post", "Unknown")] {
                let site = connection(ConnKind::Http, &[("base", Value::str(url.clone())), ("timeout", v("1s"))]);
                let started = Instant::now();
                let found = said(&send(&Http::default(), &request(name, Some(&site), code("/x", &[]), &[])).await);
                assert!(found.starts_with(&format!("{ending} {kind}: ")) && found.contains(why), "{found}");
                assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
            }
        }
    });
}
