//! Values of every common type, there and back: as parameters, as literals, in arrays.
use super::*;

/// Characters that break what does not expect them.
const HOSTILE: &str = "([ -~]|[\\t\\n\\r'\"$;\\\\%{},:|]|\\PC){0,24}";

fn texts() -> impl Strategy<Value = Value> {
    prop_oneof![
        HOSTILE.prop_map(Value::str),
        proptest::sample::select(vec![
            "",
            "NULL",
            "null",
            "'",
            "''",
            "\\",
            "\\'",
            "\"",
            "{}",
            "{a,b}",
            "$1",
            "$$",
            "--",
            "/*",
            "*/",
            ";",
            "E'\\''",
            "%s",
            "\u{202e}x",
            "𝄞",
            "1; DROP TABLE people",
            "\\x00",
            "true",
            " lead",
            "trail ",
            "\r\n",
        ])
        .prop_map(Value::str)
    ]
}

/// Up to 38 digits, as many of them after the point as there are.
fn decimals() -> impl Strategy<Value = Value> {
    ("-?[1-9][0-9]{0,18}", "[0-9]{1,18}").prop_map(|(whole, rest)| json::parse(&format!("{whole}.{rest}")).unwrap())
}

fn times() -> impl Strategy<Value = Value> {
    (-62_000_000_000_000_000i64..250_000_000_000_000_000)
        .prop_map(|us| Value::Time(rbk::value::Timestamp::from_microsecond(us).unwrap()))
}

fn dates() -> impl Strategy<Value = Value> {
    (-700_000i64..2_900_000).prop_map(|days| Value::Time(rbk::value::Timestamp::from_second(days * 86_400).unwrap()))
}

/// To the microsecond, which is what the server keeps.
fn durations() -> impl Strategy<Value = Value> {
    (-9_000_000_000_000_000i64..9_000_000_000_000_000).prop_map(|us| Value::Duration(rbk::value::Nanos(us * 1000)))
}

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        decimals(),
        texts(),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            proptest::collection::vec((HOSTILE, inner), 0..4).prop_map(|fields| {
                let mut seen: Vec<(SmolStr, Value)> = Vec::new();
                for (key, value) in fields {
                    if !seen.iter().any(|(k, _)| *k == key) {
                        seen.push((key.into(), value));
                    }
                }
                Value::record(seen)
            }),
        ]
    })
}

/// The type it goes through, and a value of it.
fn typed() -> impl Strategy<Value = (&'static str, Value)> {
    let of = |ty: &'static str| move |value| (ty, value);
    let strings = |pattern: &'static str| pattern.prop_map(Value::str);
    let bytes = proptest::collection::vec(any::<u8>(), 0..40).prop_map(|b| Value::Bytes(b.as_slice().into()));
    let some = |inner: BoxedStrategy<Value>| {
        let one = prop_oneof![3 => inner, 1 => Just(Value::Null)];
        proptest::collection::vec(one, 0..5).prop_map(Value::list)
    };
    let clock = (0u32..24, 0u32..60, 0u32..60).prop_map(|(h, m, s)| Value::str(format!("{h:02}:{m:02}:{s:02}")));
    let inet = any::<std::net::Ipv4Addr>().prop_map(|a| Value::str(a.to_string()));
    let inet6 = any::<std::net::Ipv6Addr>().prop_map(|a| Value::str(a.to_string()));
    let cidr = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Value::str(format!("{a}.{b}.0.0/16")));
    prop_oneof![
        texts().prop_map(of("text")),
        texts().prop_map(of("varchar")),
        texts().prop_map(of("shouting")),
        any::<bool>().prop_map(Value::Bool).prop_map(of("bool")),
        any::<i16>().prop_map(|n| Value::Int(n.into())).prop_map(of("int2")),
        any::<i32>().prop_map(|n| Value::Int(n.into())).prop_map(of("int4")),
        any::<i64>().prop_map(Value::Int).prop_map(of("int8")),
        any::<u32>().prop_map(|n| Value::Int(n.into())).prop_map(of("oid")),
        (1i32..1000).prop_map(|n| Value::Int(n.into())).prop_map(of("positive")),
        decimals().prop_map(of("numeric")),
        times().prop_map(of("timestamptz")),
        dates().prop_map(of("date")),
        clock.prop_map(of("time")),
        durations().prop_map(of("interval")),
        strings("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").prop_map(of("uuid")),
        trees().prop_map(of("json")),
        bytes.prop_map(of("bytea")),
        inet.prop_map(of("inet")),
        inet6.prop_map(of("inet")),
        cidr.prop_map(of("cidr")),
        proptest::sample::select(vec!["red", "it's \"blue\"", "", "{x,y}"]).prop_map(Value::str).prop_map(of("colour")),
        some(texts().boxed()).prop_map(of("text[]")),
        some(any::<i64>().prop_map(Value::Int).boxed()).prop_map(of("int8[]")),
        some(decimals().boxed()).prop_map(of("numeric[]")),
        some(times().boxed()).prop_map(of("timestamptz[]")),
        some(durations().boxed()).prop_map(of("interval[]")),
        some(proptest::sample::select(vec!["red", "it's \"blue\""]).prop_map(Value::str).boxed())
            .prop_map(of("colour[]")),
        Just(("int4", Value::Null)),
        Just(("colour", Value::Null)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_value_comes_back_as_it_was(all in proptest::collection::vec(typed(), 400)) {
        block_on(async {
            let db = db();
            db.psql(
                "CREATE TYPE colour AS ENUM ('red', 'it''s \"blue\"', '', '{x,y}'); CREATE DOMAIN positive AS int CHECK (value > 0); \
                 CREATE DOMAIN shouting AS text",
            );
            for (ty, value) in all {
                let read = db.ask("value", &format!("SELECT ?::{ty}"), std::slice::from_ref(&value)).await;
                assert_eq!(read.result, Ok(value.clone()), "{ty} as a parameter");
                // A statement that takes no parameters: the value stands in its text.
                // There it says nothing of its type: only a record is JSON by itself.
                if value == Value::Null || ty == "json" && !matches!(value, Value::Record(_)) {
                    continue;
                }
                let made = db.ask("exec", &format!("CREATE TABLE kept AS SELECT ?::{ty} AS x"), std::slice::from_ref(&value)).await;
                assert_eq!(made.ending, Ending::Done, "{ty} as a literal: {}", said(&made));
                assert_eq!(db.ask("value", "SELECT x FROM kept", &[]).await.result, Ok(value), "{ty} as a literal");
                db.psql("DROP TABLE kept");
            }
        });
    }
}
