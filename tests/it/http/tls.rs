//! TLS against a real nginx: who the server is, who we are, and proxies on the way.
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::lab::web::answer_with;
use crate::lab::{Server, directory, free_port, give, program, run, wait_for};

struct Nginx {
    _server: Server,
    dir: PathBuf,
    /// Good; expired; of another name; of another authority; asks for a certificate of ours.
    ports: [u16; 5],
}

fn openssl(dir: &Path, args: &str) {
    run(Command::new(program("openssl", "openssl")).args(args.split_whitespace()).current_dir(dir));
}

/// `ca.crt`, `strange.crt` and what they vouch for.
fn certificates(dir: &Path) {
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    std::fs::write(
        dir.join("ca.cnf"),
        "[ca]\ndefault_ca=d\n[d]\ndir=.\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n\
         unique_subject=no\n[p]\ncommonName=supplied\n",
    )
    .unwrap();
    std::fs::write(dir.join("index"), "").unwrap();
    std::fs::write(dir.join("serial"), "01").unwrap();
    for ca in ["ca", "strange"] {
        openssl(dir, &format!("req -x509 {ec} -keyout {ca}.key -out {ca}.crt -days 3650 -subj /CN={ca}"));
    }
    let made = [
        ("good", "DNS:localhost", "ca", "20200101000000Z", "20400101000000Z"),
        ("expired", "DNS:localhost", "ca", "20200101000000Z", "20200201000000Z"),
        ("other", "DNS:shop.example,DNS:*.shop.example,IP:192.0.2.1", "ca", "20200101000000Z", "20400101000000Z"),
        ("unknown", "DNS:localhost", "strange", "20200101000000Z", "20400101000000Z"),
        ("client", "DNS:client", "ca", "20200101000000Z", "20400101000000Z"),
        ("nobody", "DNS:client", "strange", "20200101000000Z", "20400101000000Z"),
    ];
    for (name, names, ca, from, to) in made {
        std::fs::write(dir.join("ext"), format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n")).unwrap();
        openssl(dir, &format!("req {ec} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        openssl(
            dir,
            &format!(
                "ca -batch -notext -config ca.cnf -cert {ca}.crt -keyfile {ca}.key -in {name}.csr -out {name}.crt \
                 -startdate {from} -enddate {to} -extfile ext"
            ),
        );
    }
}

fn nginx() -> Nginx {
    let dir = directory();
    certificates(&dir);
    let ports = std::array::from_fn(|_| free_port());
    let mut conf = "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr;\nevents { worker_connections 64; }\nhttp {\n\
                    access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"
        .to_owned();
    for (port, (name, more)) in ports.iter().zip([
        ("good", ""),
        ("expired", ""),
        ("other", ""),
        ("unknown", ""),
        ("good", "ssl_client_certificate ca.crt; ssl_verify_client on;"),
    ]) {
        conf.push_str(&format!(
            "server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {name}.crt; ssl_certificate_key {name}.key; {more}\n\
             location / {{ default_type text/plain; return 200 \"$server_protocol $ssl_client_s_dn\"; }}\n\
             location /down {{ return 302 http://localhost:1/; }} }}\n"
        ));
    }
    conf.push('}');
    std::fs::write(dir.join("conf"), conf).unwrap();
    give(&dir);
    let prefix = dir.display().to_string();
    let nginx = program("nginx", "nginx-light");
    let server = Server::start(dir.clone(), &[nginx.to_str().unwrap(), "-e", "stderr", "-p", &prefix, "-c", "conf"]);
    wait_for("nginx", || std::net::TcpStream::connect(("127.0.0.1", ports[0])).ok());
    Nginx { _server: server, dir, ports }
}

impl Nginx {
    fn file(&self, name: &str) -> Value {
        Value::str(self.dir.join(name).display().to_string())
    }

    async fn ask(&self, name: &str, url: &str, more: &[(&str, Value)]) -> Outcome {
        let mut args = vec![("base", Value::str(url))];
        args.extend(more.iter().cloned());
        send(&Http::default(), &request(name, Some(&connection(ConnKind::Http, &args)), code("/x", &[]), &[])).await
    }
}

#[test]
fn a_server_proves_who_it_is_and_so_do_we() {
    block_on(async {
        let nginx = nginx();
        let ca = ("ca", nginx.file("ca.crt"));
        let at = |i: usize| format!("https://localhost:{}", nginx.ports[i]);
        assert_eq!(field(&nginx.ask("get", &at(0), std::slice::from_ref(&ca)).await, "text"), "HTTP/2.0 ");
        let table = [
            (at(0), vec![], "its certificate is signed by nobody who is known here", "`http(base, ca: "),
            (
                at(3),
                vec![ca.clone()],
                "its certificate is signed by nobody who is known here",
                "in the file that `ca` names",
            ),
            (at(1), vec![ca.clone()], "its certificate expired 2020-02-01 00:00:00 UTC", "renew the certificate"),
            (
                at(2),
                vec![ca.clone()],
                "its certificate is for `shop.example`, `*.shop.example`, `192.0.2.1`, and `localhost` was called",
                "ask it by a name that its certificate holds",
            ),
            (
                at(0).replace("localhost", "127.0.0.1"),
                vec![ca.clone()],
                "and `127.0.0.1` was called",
                "ask it by a name",
            ),
        ];
        for (url, more, message, help) in table {
            let outcome = nginx.ask("post", &url, &more).await;
            assert_eq!(outcome.ending, Ending::None, "{url}");
            let told = failure(outcome);
            assert!(told.message.contains(message), "{}", told.message);
            assert!(told.help.as_deref().unwrap_or("").contains(help), "{:?}", told.help);
        }
        // A certificate of ours.
        let who = |name: &str| {
            vec![ca.clone(), ("cert", nginx.file(&format!("{name}.crt"))), ("key", nginx.file(&format!("{name}.key")))]
        };
        assert_eq!(field(&nginx.ask("post", &at(4), &who("client")).await, "text"), "HTTP/2.0 CN=client");
        assert!(
            said(&nginx.ask("get", &at(4), std::slice::from_ref(&ca)).await).contains("was answered 400 Bad Request")
        );
        assert!(said(&nginx.ask("get", &at(4), &who("nobody")).await).contains("was answered 400 Bad Request"));
        // It goes to nobody else, and what TLS protects does not go on without it.
        let site = connection(ConnKind::Http, &[vec![("base", Value::str(at(0)))], vec![ca.clone()]].concat());
        let down = said(&send(&Http::default(), &request("get", Some(&site), code("/down", &[]), &[])).await);
        assert!(down.contains("a redirect from https to `http://localhost:1/` is not followed"), "{down}");
        for (more, why) in [
            (vec![ca.clone(), ("cert", nginx.file("client.crt"))], "`cert` needs its `key`"),
            (vec![ca.clone(), ("key", nginx.file("client.key"))], "`key` needs its `cert`"),
            (vec![("ca", Value::str("/nowhere/ca.pem"))], "cannot read the root certificates in `/nowhere/ca.pem`"),
            (vec![("ca", nginx.file("conf"))], "conf` holds no certificate"),
            (
                vec![ca.clone(), ("cert", nginx.file("client.crt")), ("key", nginx.file("nobody.key"))],
                "do not make an identity",
            ),
        ] {
            let found = said(&nginx.ask("post", &at(0), &more).await);
            assert!(found.starts_with("None value: ") && found.contains(why), "{found}");
        }
    });
}

#[test]
fn a_server_that_ends_tls_for_want_of_a_certificate_has_looked_at_nothing() {
    block_on(async {
        let dir = directory();
        certificates(&dir);
        give(&dir);
        let (port, openssl) = (free_port(), program("openssl", "openssl"));
        let key = |name: &str| dir.join(name).display().to_string();
        let port_text = port.to_string();
        let words = ["s_server", "-accept", &port_text, "-www", "-Verify", "1", "-verify_return_error"];
        let files = ["-cert", &key("good.crt"), "-key", &key("good.key"), "-CAfile", &key("ca.crt")].map(str::to_owned);
        let mut argv = vec![openssl.to_str().unwrap()];
        argv.extend(words);
        argv.extend(files.iter().map(String::as_str));
        let _server = Server::start(dir.clone(), &argv);
        wait_for("s_server", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let args = [
            ("base", Value::str(format!("https://localhost:{port}"))),
            ("ca", Value::str(dir.join("ca.crt").display().to_string())),
        ];
        let call = request("post", Some(&connection(ConnKind::Http, &args)), code("/x", &[]), &[]);
        let outcome = send(&Http::default(), &call).await;
        assert_eq!(outcome.ending, Ending::None, "{}", said(&outcome));
        let told = failure(outcome);
        assert!(told.message.contains("the server asks for a certificate of ours"), "{}", told.message);
        assert!(told.help.unwrap().contains("cert: \"client.pem\""));
    });
}

#[test]
fn authorities_are_read_for_tls_only() {
    let web = Web::start(|_| answer("200 OK", "plain"));
    let dir = tempfile::tempdir().unwrap();
    // Whoever opens this waits for somebody who writes.
    let pipe = dir.path().join("roots.pem");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let book = format!(
        "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 30s\n  rollback within 20s\n  \
         log http.get(\"{}\").text\n}}\n",
        web.url()
    );
    let env = [("SSL_CERT_FILE", pipe.to_str().unwrap()), ("no_proxy", "*")];
    let (code, said) = crate::lab::rbk(&book, &env);
    assert!(code == 0 && said.contains("plain"), "{said}");
}

#[test]
fn a_proxy_is_asked_when_it_is_named() {
    let relay = Web::start(|request| {
        if request.line.starts_with("CONNECT") {
            return answer_with("407 Proxy Authentication Required", "x: y", b"");
        }
        answer("200 OK", "from the proxy")
    });
    let web = Web::start(|_| answer("200 OK", "direct"));
    block_on(async {
        let http = Http::default();
        let through = |base: &str| {
            let proxy = Secret::hide("proxy".into(), Value::str(format!("http://app:s3cret@127.0.0.1:{}", relay.port)));
            connection(ConnKind::Http, &[("base", Value::str(base)), ("proxy", proxy)])
        };
        let done = send(&http, &request("post", Some(&through("http://shop.example")), code("/x", &[]), &[])).await;
        assert_eq!(field(&done, "text"), "from the proxy");
        assert_eq!(relay.last().line, "POST http://shop.example/x HTTP/1.1");
        assert_eq!(relay.header("proxy-authorization").unwrap(), "Basic YXBwOnMzY3JldA==");
        // Over TLS it is asked for a tunnel; without one nothing was sent.
        let outcome = send(&http, &request("post", Some(&through("https://shop.example")), code("/x", &[]), &[])).await;
        assert_eq!(relay.last().line, "CONNECT shop.example:443 HTTP/1.1");
        assert_eq!(outcome.ending, Ending::None);
        let told = failure(outcome);
        assert_eq!(told.notes, ["it goes through the connection's `proxy`"]);
        assert!(!told.message.contains("s3cret"), "{}", told.message);
        for wrong in ["socks5://h:1", "proxy:3128", "nothing"] {
            let args = [("base", Value::str(web.url())), ("proxy", Value::str(wrong))];
            let call = request("get", Some(&connection(ConnKind::Http, &args)), code("/x", &[]), &[]);
            assert!(said(&send(&http, &call).await).starts_with("None value: `proxy` is `\"none\"`, or an http"));
        }
    });
    // What the environment says holds, unless the connection says otherwise.
    let book = |more: &str| {
        format!(
            "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
             connect site = http(\"{}\"{more})\n  log site.get(\"/\").text\n}}\n",
            web.url()
        )
    };
    let named = relay.url();
    for (more, env, expected) in [
        ("", vec![("http_proxy", named.as_str()), ("no_proxy", "")], "from the proxy"),
        ("", vec![("http_proxy", &named), ("no_proxy", "127.0.0.1")], "direct"),
        (", proxy: \"none\"", vec![("http_proxy", &named), ("no_proxy", "")], "direct"),
    ] {
        let (code, said) = crate::lab::rbk(&book(more), &env);
        assert!(code == 0 && said.contains(expected), "{more} {env:?}: {said}");
    }
}
