//! A canary in every place of a request, and a server that repeats it in every way: nothing that leaves rbk shows it.
use base64::Engine as _;

use super::*;
use crate::stage::{self, Run};

const CANARY: &str = "can/ary+&s3cr=t é";
const PASSWORD: &str = "p4ss-w0rd-of-app";

fn forms(secret: &str) -> Vec<String> {
    let url = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
    let user = base64::engine::general_purpose::STANDARD.encode(format!("app:{secret}"));
    vec![secret.to_owned(), url, form, base64, user]
}

#[test]
fn nothing_shows_a_secret_of_a_request() {
    let web = Web::start(|request| {
        let path = request.line.split([' ', '?']).nth(1).unwrap_or("");
        let said = format!("{}\n{}\n{}", request.line, request.headers.join("\n"), request.body);
        match path {
            "/echo" => answer("500 Internal Server Error", &said),
            "/forms" => answer("500 Internal Server Error", &forms(CANARY).join(" ")),
            "/on" => moved("302 Found", &format!("http://localhost:1/x?back={}", forms(CANARY)[1])),
            "/cut" => None,
            "/hang" => {
                std::thread::sleep(Duration::from_secs(10));
                None
            }
            "/bad" => answer("200 OK", &format!("no json: {}", forms(CANARY)[0])),
            _ => answer("200 OK", &said),
        }
    });
    let (open, closed) = (web.url(), format!("http://127.0.0.1:{}", crate::lab::free_port()));
    let with_password = |url: &str| url.replace("http://", &format!("http://app:{PASSWORD}@"));
    let everywhere = "query: { q: key }, headers: { \"X-Key\": key }, timeout: 400ms";
    let calls = [
        ("site.get(\"/echo\", ?)", &open),
        ("site.get(\"/forms/#{key}\", ?)", &open),
        ("site.get(\"/forms\", ?)", &open),
        ("site.get(\"/on\", ?)", &open),
        ("site.get(\"/cut\", ?)", &open),
        ("site.get(\"/hang\", ?)", &open),
        ("log site.get(\"/bad\", ?).json().x", &open),
        ("log site.get(\"/fine\", ?).text", &open),
        ("log site.get(\"/fine\", ?).url", &open),
        ("site.get(\"/fine\", ?, bearer: key, max_body: 3B)", &open),
        ("site.get(\"/fine\", ?)", &closed),
        ("guard \"echo\": site.get(\"/echo\", ?)", &open),
        ("guard \"text\": site.get(\"/fine\", ?).text == \"x\"", &open),
        ("step \"s\" {\n    site.post(\"/echo\", ?, json: { k: key })\n    rollback none \"x\"\n  }", &open),
        ("step \"s\" {\n    site.post(\"/echo\", ?, form: { k: key })\n    rollback none \"x\"\n  }", &open),
        (
            "step \"s\" {\n    site.put(\"/echo\", ?, basic: { user: \"app\", password: key })\n    rollback none \"x\"\n  }",
            &open,
        ),
        ("http.notify(env(\"SITE\"), json: { k: key })", &closed),
    ];
    let hidden: Vec<String> = [forms(CANARY), forms(PASSWORD)].concat();
    for (call, url) in calls {
        let text = format!(
            "runbook \"Lab\" {{\n  owner \"lab\"\n  reviewed 2026-11-01 every 365d\n  deadline 2m\n  rollback within 1m\n  \
             secret key = env(\"KEY\")\n  connect site = http(env(\"SITE\"))\n  {}\n}}\n",
            call.replace('?', everywhere)
        );
        let dir = stage::dir();
        let file = dir.path().join("book.rbk");
        std::fs::write(&file, text).unwrap();
        for format in ["human", "json"] {
            let site = with_password(url);
            let run = Run::new(&file).env("KEY", CANARY).env("SITE", &site).format(format).go();
            assert!(run.code == 0 || run.code == 1, "{call}: {}", run.out);
            for form in &hidden {
                assert!(!run.out.contains(form), "{call} shows {form}:\n{}", run.out);
            }
            let escaped = serde_json::to_string(CANARY).unwrap();
            assert!(!run.out.contains(escaped.trim_matches('"')), "{call}: {}", run.out);
        }
    }
    assert!(web.count() > 20, "{}", web.count());
}

/// The excerpt of an answer is cut after 500 characters: in the middle of the secret, wherever that is.
#[test]
fn a_secret_at_the_cut_is_not_shown_in_part() {
    const KEY: &str = "correct-horse-battery-staple-of-the-cut";
    let web = Web::start(|request| {
        let before: usize = request.line.split("n=").nth(1).unwrap().split([' ', '/']).next().unwrap().parse().unwrap();
        answer("500 Internal Server Error", &format!("{}{KEY} and more of it", "x".repeat(before)))
    });
    for before in [461, 470, 480, 490, 495, 499] {
        for call in [
            format!("site.get(\"/?n={before}\")"),
            format!("guard \"g\": site.get(\"/?n={before}\").text == \"x\""),
            format!("guard \"p\": prometheus(env(\"SITE\") + \"/n={before}\").value(\"up\") == 1"),
        ] {
            let text = format!(
                "runbook \"Lab\" {{\n  owner \"lab\"\n  reviewed 2026-11-01 every 365d\n  deadline 2m\n  rollback within 1m\n  \
                 secret key = env(\"KEY\")\n  connect site = http(env(\"SITE\"))\n  {call}\n}}\n"
            );
            let (code, out) = crate::lab::rbk(&text, &[("KEY", KEY), ("SITE", &web.url())]);
            assert!(code == 1 && out.contains("xxxx"), "{call}: {code} {out}");
            assert!(out.contains("x‹key›") && !out.contains("corre"), "{call}: {out}");
        }
    }
}
