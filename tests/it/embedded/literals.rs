//! Addresses, patterns and SQL in commands that are wrong as they are written: found before the run, with the place inside.
use rbk::session;

/// The finding of a statement in a step that only looks: code, message, and what of the text it points at.
fn found(body: &str) -> Vec<(String, String, String)> {
    let text = format!("runbook \"t\" {{\n  owner \"me\"\n  deadline 1h\n{body}\n}}\n");
    let opened = session::open_text("a.rbk", &text, &session::Disk);
    let one = |d: &rbk::diag::Diagnostic| {
        (d.code.name().to_owned(), d.message.clone(), opened.sources.text(d.span()).to_owned())
    };
    opened.diagnostics.iter().map(one).collect()
}

#[track_caller]
fn is(body: &str, code: &str, message: &str, at: &str) {
    let all = found(body);
    let there = all.iter().any(|(c, m, a)| c == code && m.contains(message) && a == at);
    assert!(there, "{body}: {all:?}");
}

#[test]
fn an_address_that_nothing_can_be_asked_at() {
    is(
        "  log http.get(\"http://shop:port/x\").text",
        "wrong-arguments",
        "this is no URL: invalid port number",
        "shop:port",
    );
    is("  log http.get(\"https://shop .example/x\").text", "wrong-arguments", "this is no URL", "shop .example");
    is("  log http.get(\"http://[::1/x\").text", "wrong-arguments", "this is no URL", "[::1");
    is(
        "  connect a = http(\"shop.example\")",
        "wrong-arguments",
        "is not an absolute http or https URL",
        "\"shop.example\"",
    );
    is(
        "  connect a = http(\"https://shop.example:99999\")",
        "wrong-arguments",
        "is not an absolute",
        "\"https://shop.example:99999\"",
    );
    is(
        "  connect a = prometheus(\"https://p.example/?x=1\")",
        "wrong-arguments",
        "neither query",
        "\"https://p.example/?x=1\"",
    );
    is("  connect a = redis(\"redis://:x\")", "wrong-arguments", "this is no URL", "\"redis://:x\"");
    let pg = |address: &str, why: &str| {
        let written = format!("\"{address}\"");
        is(&format!("  connect a = postgres({written})"), "wrong-arguments", why, &written);
    };
    pg("db.example", "it is a URL, or `key=value` words");
    pg("mysql://db.example/shop", "it starts with `postgresql://`");
    pg("postgresql://db.example/shop?sslmod=require", "there is no parameter `sslmod`: did you mean `sslmode`?");
    pg("host=db.example sslcrl=x", "`sslcrl` is not supported");
    let on = "  connect a = http(\"https://shop.example\")\n  log a.get(\"https://shop.example/x\").text";
    is(on, "wrong-arguments", "a path is expected here", "https://shop.example");
    for fine in [
        "  param port: int = 80\n  log http.get(\"http://shop:#{port}/x?q=#{port}\").text",
        "  param host: string\n  log http.get(\"https://#{host}/x\").text",
        "  connect a = http(env(\"SITE\"))\n  log a.get(\"/x y\").text",
        "  connect a = redis(\"redis://cache:6379/2\")\n  log a.ping()",
        "  connect a = postgres(\"postgresql://db.example,db2.example:5433/shop?sslmode=verify-full\")\n  log a.ping()",
        "  connect a = postgres(\"host=/run/postgresql dbname='my shop'\")\n  log a.ping()",
    ] {
        assert_eq!(found(fine), [], "{fine}");
    }
}

#[test]
fn a_pattern_is_read_by_what_will_run_it() {
    is("  guard \"x\": \"a\" matches r\"x[z-a]y\"", "type-mismatch", "invalid character class range", "z-a");
    is("  guard \"x\": \"a\" matches r\"a(b\"", "type-mismatch", "unclosed group", "(");
    is("  guard \"x\": \"a\" matches r\"a(?=b)\"", "type-mismatch", "look-around", "(?=");
}

#[test]
fn sql_for_psql_is_read_before_it_is_sent() {
    let step = |command: &str| format!("  step \"x\" readonly timeout 1m {{\n    {command}\n  }}");
    is(
        &step("$ psql -h h -d d -c 'SELECT * FORM orders WHERE a = 1'"),
        "sql-syntax",
        "Postgres cannot read this: missing comma",
        "FORM",
    );
    let block = "$ \"\"\"\n      echo x\n      psql -d d -c 'SELECT 1 FROM (SELECT 2'\n    \"\"\"";
    assert!(found(&step(block)).iter().any(|(code, ..)| code == "sql-syntax"));
    for fine in [
        "$ psql -d d -c 'SELECT 1'",
        "$ psql -d d -c '\\d orders'",
        "$ psql -d d -v n=1 -c 'SELECT :n'",
        "$ psql -d d -Atc \"SELECT a::text FROM t\"",
        "$ psql -d d --command='SELECT 1'",
        "$ mysql -h h -e 'SHOW PROCESSLIST'",
    ] {
        let said = found(&step(fine));
        assert!(!said.iter().any(|(code, ..)| code == "sql-syntax"), "{fine}: {said:?}");
    }
}

#[test]
fn a_place_in_a_script_of_several_lines_is_its_own() {
    let body = "  step \"x\" timeout 1m {\n    $ \"\"\"\n      # first\n      vim **<TAB>\n    \"\"\"\n    rollback none \"x\"\n  }";
    is(body, "shell-syntax", "from or to where", "<TAB>");
}
