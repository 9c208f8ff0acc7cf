//! Values: operators, methods, reading, showing; words and literals that are never interpreted; redaction.
use rbk::value::method::{Method, call, field, index};
use rbk::value::ops::{BinaryOp, binary, not};
use rbk::value::read::read;
use rbk::value::{Secret, SmolStr, Type, Value, json, show};

/// `42`, `0.5`, `"text"`, `30s`, `20GB`, `2026-11-01`, JSON.
fn v(text: &str) -> Value {
    let types = [Type::Duration, Type::Size, Type::Time];
    json::parse(text)
        .unwrap_or_else(|_| types.iter().find_map(|t| read(t, text).ok()).unwrap_or_else(|| Value::str(text)))
}

fn op(sign: &str) -> BinaryOp {
    use BinaryOp::*;
    *[Eq, Ne, Lt, Le, Gt, Ge, In, Matches, Add, Sub, Mul, Div].iter().find(|o| o.sign() == sign).unwrap()
}

fn said(result: Result<Value, String>) -> String {
    match result {
        Ok(value) => show::literal(&value),
        Err(e) => format!("error: {e}"),
    }
}

#[test]
fn operators() {
    let table = [
        ("1", "+", "2", "3"),
        ("9223372036854775807", "+", "1", "error: the result does not fit 64 bits"),
        ("0.1", "+", "0.2", "0.3"),
        ("1", "==", "1.0", "true"),
        ("1", "==", "\"1\"", "error: an int cannot be compared with a string"),
        ("1", "==", "null", "false"),
        ("null", "==", "null", "true"),
        ("null", "<", "1", "error: null has no order: the value is absent"),
        ("30s", "<", "1m", "true"),
        ("30s", "<", "60", "error: a duration cannot be compared with an int"),
        ("1GB", "<", "1GiB", "true"),
        ("10", "/", "4", "2.5"),
        ("6", "/", "3", "2"),
        ("40", "/", "2", "20"),
        ("1", "/", "3", "0.3333333333333333333333333333"),
        ("1", "/", "0", "error: division by zero"),
        ("1m", "*", "1.5", "1m30s"),
        ("2", "*", "30s", "1m"),
        ("1GiB", "*", "0.5", "512MiB"),
        ("1m", "/", "30s", "2"),
        ("1m", "/", "2", "30s"),
        ("1m", "*", "1m", "error: `*` does not go with a duration and a duration"),
        ("2026-11-02", "-", "2026-11-01", "1d"),
        ("2026-11-02", "-", "1h", "2026-11-01T23:00:00Z"),
        ("30s", "+", "20GB", "error: `+` does not go with a duration and a size"),
        (
            "12345678901234567890123456789012345678",
            "*",
            "10.1",
            "error: a decimal has at most 38 digits, and this one has 40",
        ),
        ("2", "in", "[1, 2.0]", "true"),
        ("\"a\"", "in", "[1]", "error: a string cannot be compared with an int"),
        ("\"b\"", "in", "\"abc\"", "true"),
        ("\"b\"", "in", "{\"b\": null}", "true"),
        ("\"v1.2\"", "matches", "v\\d+", "false"),
        ("\"v1\\n\"", "matches", "v\\d+", "false"),
        ("\"ab\"", "matches", "a|ab", "true"),
        ("\"x\"", "matches", "a)|(x", "error: the pattern `a)|(x` does not compile: unopened group"),
        ("{\"a\": 1, \"b\": [2]}", "==", "{\"b\": [2.0], \"a\": 1}", "true"),
        ("{\"a\": 1}", "==", "{\"a\": \"1\"}", "error: an int cannot be compared with a string"),
        ("true", "<", "false", "error: a bool has no order"),
    ];
    for (a, sign, b, expected) in table {
        assert_eq!(said(binary(op(sign), &v(a), &v(b))), expected, "{a} {sign} {b}");
    }
    assert_eq!(said(not(&v("1"))), "error: `not` needs a bool, not an int");
}

#[test]
fn what_comes_from_a_secret_is_a_secret() {
    let token = Secret::hide(SmolStr::new("token"), Value::str("hunter2hunter2"));
    assert_eq!(said(binary(BinaryOp::Add, &v("\"x\""), &token)), "‹token›");
    assert_eq!(said(binary(BinaryOp::Eq, &token, &v("\"hunter2hunter2\""))), "true");
    assert_eq!(said(binary(BinaryOp::Matches, &token, &v("\"h.*\""))), "‹token›");
    assert_eq!(said(call(Method::Len, &token, &[])), "‹token›");
    assert_eq!(said(call(Method::Join, &Value::list(vec![v("1"), token.clone()]), &[v("\",\"")])), "‹token›");
    assert_eq!(said(call(Method::Contains, &v("\"hunter\""), std::slice::from_ref(&token))), "‹token›");
    assert_eq!(format!("{token:?} {}", show::show(&token)), "Secret(‹token›) ‹token›");
    let record = Secret::hide("login".into(), v("{\"user\": \"u\"}"));
    assert_eq!(said(field(&record, "user")), "‹login›");
    assert_eq!(json::to_json(&Value::list(vec![token])).to_string(), "[\"‹token›\"]");
}

#[test]
fn methods_fields_and_indexes() {
    let table: &[(&str, Method, &[&str], &str)] = &[
        (
            "\"{\\\"b\\\": 1.50, \\\"a\\\": 12345678901234567890}\"",
            Method::Json,
            &[],
            "{ b: 1.50, a: 12345678901234567890 }",
        ),
        (
            "\"{\\\"a\\\": 1, \\\"a\\\": 2}\"",
            Method::Json,
            &[],
            "error: not JSON: the key `a` stands twice at line 1 column 12",
        ),
        ("\" 42 \"", Method::Int, &[], "42"),
        ("1.5", Method::Int, &[], "error: `1.5` is not a whole number"),
        ("\"1h30m\"", Method::Duration, &[], "1h30m"),
        ("\"a\\nb\\r\\n\"", Method::Lines, &[], "[\"a\", \"b\"]"),
        ("\"näh\"", Method::Len, &[], "3"),
        ("\"a,b\"", Method::Split, &["\",\""], "[\"a\", \"b\"]"),
        ("[]", Method::First, &[], "error: `.first()` of an empty list"),
        ("[1, 2]", Method::Last, &[], "2"),
        ("2026-11-01", Method::Format, &["\"%F\""], "\"2026-11-01\""),
        ("2026-11-01", Method::Format, &["\"%!\""], "error"),
        ("{\"a\": 1}", Method::Get, &["\"b\""], "null"),
        ("[1, 2.5]", Method::Sum, &[], "3.5"),
        ("[]", Method::Sum, &[], "0"),
        ("[30s]", Method::Sum, &[], "error"),
        ("[3, 1, 2]", Method::Max, &[], "3"),
        ("[3, 1, 2]", Method::Min, &[], "1"),
        ("[]", Method::Max, &[], "error: `.max()` of an empty list"),
        ("[1, \"a\"]", Method::Max, &[], "error"),
        ("[10, 20, 30, 40]", Method::Percentile, &["0.95"], "40"),
        ("[10, 20, 30, 40]", Method::Percentile, &["0.5"], "20"),
        ("[10]", Method::Percentile, &["95"], "error: `.percentile()` needs a number from 0% to 100%"),
        ("null", Method::Trim, &[], "error: `.trim()` of null: the value is absent"),
        ("5", Method::Trim, &[], "error: an int has no method `.trim()`"),
        ("{\"b\": 1, \"a\": 2}", Method::Keys, &[], "[\"b\", \"a\"]"),
        ("[1, {\"a\": null}]", Method::Text, &[], "\"[1,{\\\"a\\\":null}]\""),
    ];
    for (value, method, args, expected) in table {
        let args: Vec<Value> = args.iter().map(|a| v(a)).collect();
        let found = said(call(*method, &v(value), &args));
        assert!(
            &found == expected || *expected == "error" && found.starts_with("error:"),
            "{value} {method:?}: {found}"
        );
    }
    let record = v("{\"version\": 1, \"odd key\": [7]}");
    assert_eq!(said(field(&record, "verison")), "error: there is no field `verison`: did you mean `version`?");
    assert_eq!(said(field(&v("null"), "x")), "error: `.x` of null: the value is absent");
    assert_eq!(said(index(&v("[1]"), &v("1"))), "error: there is no element 1: the list has 1");
    assert_eq!(said(index(&v("[1]"), &v("-1"))), "error: there is no element -1: the list has 1");
    assert_eq!(show::show(&record), "{ version: 1, \"odd key\": [7] }");
}

#[test]
fn text_becomes_a_value_of_its_type() {
    let table = [
        ("duration", "1h30m", "1h30m"),
        ("duration", "1.5s", "1s500ms"),
        ("duration", "90", "error: `90` is not a duration: write it like `30s` or `1h30m`"),
        ("size", "20GiB", "20GiB"),
        ("size", "1.5KB", "1.5KB"),
        ("size", "1234567B", "1234567B"),
        ("int", "1_000", "1000"),
        ("int", "1.0", "error: `1.0` is not an int"),
        ("decimal", "1%", "0.01"),
        ("decimal", "1e999999999", "error: a decimal has an exponent of at most ±1000"),
        ("decimal", "NaN", "error: `NaN` is not a number"),
        ("time", "2026-11-01T08:00:00+02:00", "2026-11-01T06:00:00Z"),
        ("time", "2026-11-01T08:00:00", "error"),
        ("enum", "green", "\"green\""),
        ("enum", "gren", "error: `gren` is not one of \"blue\", \"green\""),
        ("hosts", "[{\"name\": \"a\", \"wait\": \"5s\"}]", "[{ name: \"a\", wait: 5s }]"),
        ("hosts", "[{\"name\": \"a\", \"wait\": 5}]", "error: element 0: `wait`: expected duration, found an int"),
        ("hosts", "[{\"nme\": \"a\", \"wait\": \"5s\"}]", "error: element 0: the field `name` is missing"),
    ];
    let ty = |name: &str| match name {
        "duration" => Type::Duration,
        "size" => Type::Size,
        "int" => Type::Int,
        "decimal" => Type::Decimal,
        "time" => Type::Time,
        "enum" => Type::Enum(vec!["blue".into(), "green".into()]),
        _ => Type::List(Box::new(Type::Record(vec![("name".into(), Type::Str), ("wait".into(), Type::Duration)]))),
    };
    for (name, text, expected) in table {
        let found = said(read(&ty(name), text));
        assert!(found == expected || expected == "error" && found.starts_with("error:"), "{name} {text}: {found}");
    }
}

#[test]
fn a_terminal_escape_is_shown_and_not_obeyed() {
    assert_eq!(show::show(&Value::str("a\u{1b}[2Jb\r\n\u{202e}c")), "a\\e[2Jb\\r\n\\u{202e}c");
    assert_eq!(show::text(&Value::Null), Err("null has no text: the value is absent".to_owned()));
}

mod encoding {
    use super::{Secret, SmolStr, Value, v};
    use proptest::prelude::*;
    use rbk::value::encode::shell::script;
    use rbk::value::encode::{How, Part, promql, sql, url};
    use rbk::value::read;
    use std::process::Command;

    fn run(shell: &str, script: &str) -> String {
        let flags: &[&str] = if shell == "bash" { &["-euo", "pipefail", "-c"] } else { &["-eu", "-c"] };
        let out = Command::new(shell).args(flags).arg(script).env("LC_ALL", "C.UTF-8").output().unwrap();
        assert!(out.status.success(), "{shell}: {script:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// The value in each place of a script, between `[` and `]`.
    fn every_place(value: &Value) -> Vec<String> {
        use How::*;
        let places = [
            ("printf '[%s]' ", Bare, ""),
            ("x=", Bare, "; printf '[%s]' \"$x\""),
            ("printf '%s' \"[", InDouble, "]\""),
            ("printf '%s' '[", InSingle, "]'"),
            ("printf '%s' \"$(printf '[%s]' ", Bare, ")\""),
            ("cat <<EOF\n[", InHeredoc, "]\nEOF\n"),
            ("cat <<-EOF\n\t[", InHeredoc, "]\n\tEOF\n"),
        ];
        places
            .iter()
            .map(|(before, how, after)| {
                script(&[Part::Text(before), Part::Value(value, *how), Part::Text(after)]).unwrap()
            })
            .collect()
    }

    fn unchanged(text: &str) {
        let value = Value::str(text);
        for script in every_place(&value) {
            for shell in ["bash", "dash"] {
                let found = run(shell, &script);
                // `$( )` and here-documents have their own line ends.
                let (found, wanted) = (found.trim_end_matches('\n'), format!("[{text}]"));
                assert_eq!(found, wanted, "{shell}: {script:?}");
            }
        }
    }

    #[test]
    fn hostile_texts_reach_a_command_unchanged() {
        for text in [
            "",
            " ",
            "'",
            "\"",
            "a b",
            "$(touch /tmp/x)",
            "`id`",
            "$HOME",
            "${IFS}",
            "\\",
            "\\\\",
            "a\\",
            "!x",
            "*",
            "~",
            "if",
            "EOF",
            "\nEOF\n",
            "a\nEOF",
            "\tEOF",
            ";ls",
            "a;b&c|d",
            "-n",
            "--",
            "x=y",
            "é\u{301} \u{202e}",
            "\r",
            "#x",
            "{a,b}",
            "\n",
            "\u{7f}\u{1}",
            "'\\''",
            "%s%n",
            "\\n",
            "$'x'",
            "\\\n",
            "a\n\\\nEOF",
        ] {
            unchanged(text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn any_text_reaches_a_command_unchanged(text in "([ -~]|[\\t\\n\\r'\"$`\\\\{}()]|\\PC|EOF){0,24}") {
            unchanged(&text);
        }

        #[test]
        fn any_list_is_one_word_each(words in proptest::collection::vec("[^\\x00]{0,8}", 0..5)) {
            let list = Value::list(words.iter().map(|w| Value::str(w.as_str())).collect());
            let code = script(&[Part::Text("for w in "), Part::Value(&list, How::Bare), Part::Text("; do printf '%s\\001' \"$w\"; done")]).unwrap();
            for shell in ["bash", "dash"] {
                let wanted: String = words.iter().map(|w| format!("{w}\u{1}")).collect();
                prop_assert_eq!(run(shell, &code), wanted);
            }
        }
    }

    #[test]
    fn what_cannot_be_a_word_is_refused() {
        let word = |value: &Value, before: &str, how, after: &str| {
            script(&[Part::Text(before), Part::Value(value, how), Part::Text(after)])
        };
        assert!(word(&Value::str("a\0b"), "echo ", How::Bare, "").unwrap_err().contains("NUL"));
        assert!(word(&Value::Null, "echo ", How::Bare, "").unwrap_err().contains("null"));
        assert!(word(&v("[1, 2]"), "x=", How::Bare, "").unwrap_err().contains("several words"));
        assert!(word(&v("[]"), "rm -rf dir/", How::Bare, "").unwrap_err().contains("several words"));
        assert!(word(&v("[1, 2]"), "echo \"", How::InDouble, "\"").unwrap_err().contains("not one word"));
        let raw = |text: &str| word(&Value::str(text), "cat <<'EOF'\nx ", How::InRawHeredoc, "\nEOF\n");
        assert_eq!(run("dash", &raw("$x `y` \\\n EOF").unwrap()), "x $x `y` \\\n EOF\n");
        assert!(raw("a\nEOF").unwrap_err().contains("here-document"));
        assert!(word(&Value::str("EOF"), "cat <<-\\EOF\n\t", How::InRawHeredoc, "\nEOF\n").is_err());
        assert_eq!(word(&v("90m"), "sleep ", How::Bare, "").unwrap(), "sleep '5400'");
        assert_eq!(word(&v("1KiB"), "", How::Bare, "").unwrap(), "'1024'");
        assert_eq!(word(&v("{\"a\": [1.0, \"x\"]}"), "", How::Bare, "").unwrap(), "'{\"a\":[1.0,\"x\"]}'");
    }

    #[test]
    fn urls() {
        use How::{Authority, Query, Segment, Whole};
        let table: &[(&str, How, &str, &str, &str)] = &[
            ("/users/", Segment, "a/../b?c#d %", "", "/users/a%2F..%2Fb%3Fc%23d%20%25"),
            ("/users/", Segment, "..", "", "error: `..` in a URL's path would name another resource"),
            ("/users/.", Segment, ".", "/x", "error: `..` in a URL's path would name another resource"),
            ("/users/v", Segment, "..", "", "/users/v.."),
            ("/users/", Segment, "", "", "error: an empty value in a URL's path would name another resource"),
            ("/q?x=", Query, "a&b=c+d\u{e9}", "&y=1", "/q?x=a%26b%3Dc%2Bd%C3%A9&y=1"),
            ("http://", Authority, "web-1", ":80/", "http://web-1:80/"),
            ("http://", Authority, "::1", ":80/", "http://[::1]:80/"),
            ("http://", Authority, "a@b", "/", "error: `a@b` is not a host, a port or an IP address"),
            ("http://", Authority, "a/b", "/", "error: `a/b` is not a host, a port or an IP address"),
            (
                "http://",
                Authority,
                "a:1",
                "/",
                "error: `a:1` is a host and a port in one: write `http://#{host}:#{port}/` with two values, or give the whole URL as one, `#{url}`",
            ),
            ("", Whole, "http://127.0.0.2:8000/", "/version", "http://127.0.0.2:8000/version"),
            ("", Whole, "file:///etc/passwd", "", "error: `file:///etc/passwd` is not an absolute http or https URL"),
            ("", Whole, "/x", "", "error: `/x` is not an absolute http or https URL"),
            ("", Whole, "http://x/?a=1", "/y", "error: a URL with a query or a fragment cannot be continued"),
            (
                "",
                Whole,
                "http://x/\r\nHost: y",
                "",
                "error: `http://x/\\r\\nHost: y` is not an absolute http or https URL",
            ),
        ];
        for (before, how, value, after, expected) in table {
            let value = Value::str(*value);
            let parts = [Part::Text(before), Part::Value(&value, *how), Part::Text(after)];
            let parts: Vec<Part> = parts.into_iter().filter(|p| !matches!(p, Part::Text(""))).collect();
            let found = url::url(&parts).unwrap_or_else(|e| format!("error: {e}"));
            assert_eq!(&found, expected);
        }
    }

    #[test]
    fn promql_and_sql() {
        let label = |before: &str, value: &str, after: &str| {
            promql::query(&[Part::Text(before), Part::Value(&v(value), How::Label), Part::Text(after)]).unwrap()
        };
        assert_eq!(label("up{job=", "\"a\\\"} or vector(1) #\"", "}"), r#"up{job="a\"} or vector(1) #"}"#);
        assert_eq!(label("up{job=\"", "\"a\\\"b\\\\\\n\"", "\"}"), r#"up{job="a\"b\\\n"}"#);
        assert_eq!(label("up{job=~\"", "\"a.b|c\"", "\"}"), r#"up{job=~"a\\.b\\|c"}"#);
        assert_eq!(label("rate(x[", "5m", "])"), "rate(x[300000ms])");
        assert_eq!(label("up{code=", "500", "}"), r#"up{code="500"}"#);
        assert_eq!(label("up >", "0.5", ""), "up > 0.5");
        assert_eq!(sql::identifier(&Value::str("a\"; DROP TABLE x; --")).unwrap(), "\"a\"\"; DROP TABLE x; --\"");
        assert!(sql::identifier(&Value::str("x".repeat(64))).is_err() && sql::identifier(&Value::str("a\0")).is_err());
        assert_eq!(sql::literal(&Value::str("it's \\ x")).unwrap(), "E'it''s \\\\ x'");
        assert_eq!(sql::literal(&v("[\"a,b\", null, \"\\\"\"]")).unwrap(), "E'{\"a,b\",NULL,\"\\\\\"\"}'");
        assert!(sql::literal(&Value::str("a\0")).is_err());
        assert_eq!(sql::literal(&v("1m")).unwrap(), "'60 seconds'");
        let secret = Secret::hide(SmolStr::new("s"), Value::str("x"));
        assert_eq!(sql::literal(&secret).unwrap(), "'x'");
        assert!(read::duration("1x").is_err());
    }
}

mod redaction {
    use super::{Value, json, v};
    use base64::Engine as _;
    use proptest::prelude::*;
    use rbk::value::redact::{Redactor, Stream};

    fn knows(name: &str, value: &str) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.learn(name, &Value::str(value));
        redactor
    }

    #[test]
    fn the_start_of_a_secret_before_a_cut_is_one() {
        let redactor = knows("key", "correct-horse-battery-staple");
        for (text, shown) in [
            ("row (1, correct-hor..., null)", "row (1, ‹key›..., null)"),
            ("the answer: correct-horse-b …", "the answer: ‹key› …"),
            ("a “correct…", "a “‹key›…"),
            ("corr... and correct... twice", "‹key›... and ‹key›... twice"),
            ("correct-horse-battery-staple...", "‹key›..."),
            ("nothing of it ... cor... battery…", "nothing of it ... cor... battery…"),
        ] {
            assert_eq!(redactor.redact_cut(text), shown);
        }
        assert_eq!(Redactor::default().redact_cut("plain..."), "plain...");
    }

    #[test]
    fn every_encoded_form_is_found() {
        let secret = "p'w \"$x\\/é&<z>";
        let redactor = knows("db_url", secret);
        let base64 = |before: &str, after: &str| {
            base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}{after}"))
        };
        let inside = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        for text in [
            secret.to_owned(),
            format!("x{secret}{secret}y"),
            inside,
            json::to_json(&Value::str(secret)).to_string(),
            rbk::value::encode::shell::single(secret),
            format!("{:?}", base64("", "")),
            base64("u", ":tail"),
            base64("us", "x"),
            base64("usr", ""),
            secret.bytes().map(|b| format!("{b:02x}")).collect(),
        ] {
            assert!(redactor.redact(&text).contains("‹db_url›"), "{text}: {}", redactor.redact(&text));
        }
        assert_eq!(redactor.redact("nothing here"), "nothing here");
    }

    #[test]
    fn a_url_gives_away_its_password_and_a_key_its_lines() {
        let redactor = knows("db_url", "postgres://app:s3cr%40tpw@db/x");
        assert_eq!(redactor.redact("for s3cr@tpw and s3cr%40tpw"), "for ‹db_url› and ‹db_url›");
        let redactor = knows("key", "-----BEGIN-----\nMIIEvgIBADAN\nqqqqwwww==\n-----END-----\n");
        assert_eq!(redactor.redact("> qqqqwwww=="), "> ‹key›");
        assert_eq!(redactor.hides(&v("{\"a\": [\"x MIIEvgIBADAN\"]}")).as_deref(), Some("key"));
        assert_eq!(knows("pin", "1234").redact("1234"), "1234");
    }

    proptest! {
        #[test]
        fn a_border_hides_nothing(cuts in proptest::collection::vec(0usize..80, 0..8), tail in "[abc]{0,6}") {
            let mut redactor = knows("one", "abcabcabd");
            redactor.learn("two", &Value::str("bcabcabdxyz"));
            let text = format!("ab abcabcabd bcabcabdxyz abcabcabcabd abcabcabdxyz{tail}");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.sort_unstable();
            let (mut stream, mut out, mut from) = (Stream::default(), Vec::new(), 0);
            for cut in cuts {
                out.extend(stream.push(&redactor, &text.as_bytes()[from..cut]));
                from = cut;
            }
            out.extend(stream.push(&redactor, &text.as_bytes()[from..]));
            out.extend(stream.finish(&redactor));
            prop_assert_eq!(String::from_utf8(out).unwrap(), redactor.redact(&text).into_owned());
        }
    }
}
