//! Whatever a value holds, it is a value: keys, fields, members, patterns and pieces of commands come back unchanged.
use proptest::prelude::*;
use rbk::value::Value;

use super::{cache, v};
use crate::lab::calls::{block_on, said};
use crate::lab::redis::Redis as Server;

/// Unicode, control characters with NUL and line ends, and what means something to a shell, to the protocol, to a pattern or to a
/// script.
pub fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "(\\PC|[\\x00-\\x1f\\x7f]){1,24}",
        "[\"'`$(){}*?\\[\\]\\\\^;|&<>#%\r\n\0 -]{1,16}",
        Just("\r\n$-1\r\n*1\r\n$8\r\nFLUSHALL\r\n".to_owned()),
        Just("$(reboot) #{x} ' OR 1=1 --".to_owned()),
        Just("a*b?c[d-z]\\".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]
    #[test]
    fn a_value_is_never_looked_into(texts in proptest::collection::vec((hostile(), hostile(), hostile()), 40)) {
        static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
        let server = SERVER.get_or_init(Server::start);
        block_on(async {
            let near = cache(&format!("redis://127.0.0.1:{}/5", server.port));
            near.values("flush", vec![("db", Value::Int(5))]).await.result.unwrap();
            near.run("set key=untouched value=1 ttl=null").await.result.unwrap();
            for (key, text, more) in texts {
                let key = format!("k{key}");
                let arg = |name: &'static str, text: &str| (name, Value::str(text));
                let call = async |action: &str, args: Vec<(&str, Value)>| near.values(action, args).await.result.unwrap();
                call("set", vec![arg("key", &key), arg("value", &text), ("ttl", v("null"))]).await;
                assert_eq!(call("get", vec![arg("key", &key)]).await, Value::str(&*text));
                // A prefix is these very characters.
                let found = call("keys", vec![arg("prefix", &key)]).await;
                let Value::List(names) = &found else { panic!("{found:?}") };
                assert!(names.contains(&Value::str(&*key)), "{key:?}: {found:?}");
                assert!(names.iter().all(|name| matches!(name, Value::Str(name) if name.starts_with(&key))), "{found:?}");
                // All of it, and back.
                let before = call("state", vec![arg("key", &key)]).await;
                let put = vec![arg("key", &key), arg("value", &more), ("before", before.clone()), ("ttl", v("1h"))];
                let after = call("put", put).await;
                assert_eq!(call("get", vec![arg("key", &key)]).await, Value::str(&*more));
                let back = vec![arg("key", &key), ("before", before), ("ours", after)];
                assert_eq!(call("restore", back).await, Value::Bool(true));
                assert_eq!(call("get", vec![arg("key", &key)]).await, Value::str(&*text));
                let hash = format!("h{key}");
                call("hset", vec![arg("key", &hash), arg("field", &text), arg("value", &more)]).await;
                assert_eq!(call("hget", vec![arg("key", &hash), arg("field", &text)]).await, Value::str(&*more));
                let Value::Record(whole) = call("hgetall", vec![arg("key", &hash)]).await else { panic!() };
                assert_eq!(whole.get(&text), Some(&Value::str(&*more)));
                let list = format!("l{key}");
                call("rpush", vec![arg("key", &list), arg("value", &text)]).await;
                let items = call("lrange", vec![arg("key", &list), ("from", v("-1")), ("to", v("-1"))]).await;
                assert_eq!(items, Value::list(vec![Value::str(&*text)]));
                let set = format!("s{key}");
                call("sadd", vec![arg("key", &set), arg("member", &text)]).await;
                let is = call("sismember", vec![arg("key", &set), arg("member", &text)]).await;
                assert_eq!(is, Value::Bool(true));
            }
            assert_eq!(said(&near.run("get key=untouched").await), "\"1\"");
        });
    }
}
