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
