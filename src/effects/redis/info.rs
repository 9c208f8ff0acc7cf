//! INFO as typed values: what the server counts in bytes is a size, in seconds a duration, and so on.
use std::sync::Arc;

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use redis::Value as Reply;

use super::reply;
use crate::value::{Nanos, Record, SmolStr, Value, number};

/// `name:value` lines; the first of a name counts.
pub fn read(answer: Reply) -> Result<Value, String> {
    let Value::Str(all) = reply::any(answer)? else { return Err("the server sent no INFO".to_owned()) };
    let mut fields: Vec<(SmolStr, Value)> = Vec::new();
    for line in all.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, text)) = line.split_once(':') else { continue };
        if !fields.iter().any(|(known, _)| known == name) {
            fields.push((SmolStr::new(name), field(name, text)));
        }
    }
    Ok(Value::record(fields))
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Bytes,
    Days,
    Seconds,
    Millis,
    Micros,
    /// Since 1970.
    EpochSeconds,
    EpochMicros,
    Number,
}

fn field(name: &str, text: &str) -> Value {
    // `db0:keys=2,expires=0`, `slave0:ip=…,state=online`, `cmdstat_get:calls=1,usec=2`.
    if let Some(first) = text.split(',').next()
        && first.contains('=')
        && text.split(',').all(|pair| pair.contains('='))
    {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        return Value::Record(Arc::new(Record(
            pairs.map(|(key, text)| (SmolStr::new(key), field(inner(name, key), text))).collect(),
        )));
    }
    if let Some(percent) = text.strip_suffix('%').filter(|_| name.ends_with("_perc")) {
        return number::parse_decimal(&format!("{percent}e-2")).unwrap_or_else(|_| Value::str(text));
    }
    let plain =
        !is_name(name) && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let Some(found) = plain.then(|| number::parse(text).ok()).flatten() else { return Value::str(text) };
    let in_unit = match unit(name) {
        Unit::Number => return found,
        Unit::Bytes => match found {
            Value::Int(n) => return Value::Size(n),
            _ => return found,
        },
        Unit::EpochSeconds | Unit::EpochMicros => {
            let Value::Int(n) = found else { return found };
            let at = if unit(name) == Unit::EpochSeconds {
                Timestamp::from_second(n)
            } else {
                Timestamp::from_microsecond(n)
            };
            return match (n, at) {
                (0, _) | (_, Err(_)) => Value::Null,
                (_, Ok(at)) => Value::Time(at),
            };
        }
        Unit::Days => 86_400_000_000_000i64,
        Unit::Seconds => 1_000_000_000,
        Unit::Millis => 1_000_000,
        Unit::Micros => 1_000,
    };
    // -1: it never happened, or does not now.
    if text.starts_with('-') {
        return Value::Null;
    }
    match number::exact(&found).and_then(|n| number::whole(&(n * BigDecimal::from(in_unit)).with_scale(0))) {
        Some(nanos) => Value::Duration(Nanos(nanos)),
        None => found,
    }
}

/// What may look like a number and is none.
fn is_name(name: &str) -> bool {
    name.contains("replid") || matches!(name, "run_id" | "redis_git_sha1" | "redis_build_id" | "ip" | "redis_version")
}

/// In a record the key says the unit, unless it is too short for that.
fn inner<'a>(name: &str, key: &'a str) -> &'a str {
    match key {
        "usec" | "usec_per_call" => "x_usec",
        "avg_ttl" => "x_ms",
        "lag" => "x_seconds",
        "p50" | "p99" | "p99.9" | "p100" if name.starts_with("latency_") => "x_usec",
        "tot-mem" => "x_bytes",
        other => other,
    }
}

/// The names are those of Redis 7; an unknown one is a plain number.
fn unit(name: &str) -> Unit {
    match name {
        "uptime_in_days" => return Unit::Days,
        "rdb_last_save_time" => return Unit::EpochSeconds,
        "server_time_usec" => return Unit::EpochMicros,
        "maxmemory"
        | "total_system_memory"
        | "aof_current_size"
        | "aof_base_size"
        | "aof_buffer_length"
        | "aof_pending_rewrite"
        | "repl_backlog_size"
        | "repl_backlog_histlen"
        | "client_recent_max_input_buffer"
        | "client_recent_max_output_buffer"
        | "number_of_functions_memory" => return Unit::Bytes,
        "mem_fragmentation_ratio" | "mem_not_counted_for_evict_ratio" => return Unit::Number,
        "slave_repl_offset" | "active_time" => return Unit::Number,
        _ => {}
    }
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&["_bytes", "_cow_size", "_cow_peak"]) {
        return Unit::Bytes;
    }
    let memory = ["used_memory", "mem_", "allocator_"].iter().any(|start| name.starts_with(start));
    if memory && !ends(&["_human", "_ratio", "_perc", "allocator", "_policy", "_evict_ratio"]) {
        return Unit::Bytes;
    }
    if name.starts_with("used_cpu_") || ends(&["_in_seconds", "_seconds", "_sec", "_seconds_ago"]) {
        // Per second, not seconds.
        let rate = name.contains("_per_sec");
        return if rate { Unit::Number } else { Unit::Seconds };
    }
    if ends(&["_ms", "_milliseconds"]) {
        return Unit::Millis;
    }
    if ends(&["_usec", "_us"]) {
        return Unit::Micros;
    }
    Unit::Number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::show;

    #[test]
    fn units_are_those_of_the_server() {
        for (name, text, value) in [
            ("used_memory", "1048576", "1MiB"),
            ("used_memory_human", "1.00M", "\"1.00M\""),
            ("used_memory_dataset_perc", "97.55%", "0.9755"),
            ("mem_fragmentation_ratio", "1.21", "1.21"),
            ("mem_fragmentation_bytes", "-52", "-52B"),
            ("mem_allocator", "jemalloc-5.3.0", "\"jemalloc-5.3.0\""),
            ("maxmemory_policy", "noeviction", "\"noeviction\""),
            ("uptime_in_seconds", "90", "1m30s"),
            ("uptime_in_days", "2", "2d"),
            ("used_cpu_sys", "0.250000", "250ms"),
            ("latest_fork_usec", "250", "250us"),
            ("rdb_last_bgsave_time_sec", "-1", "null"),
            ("rdb_last_save_time", "0", "null"),
            ("rdb_last_save_time", "1700000000", "2023-11-14T22:13:20Z"),
            ("instantaneous_ops_per_sec", "7", "7"),
            ("connected_clients", "1", "1"),
            ("redis_version", "7.0.15", "\"7.0.15\""),
            ("run_id", "0042", "\"0042\""),
            ("db0", "keys=2,expires=1,avg_ttl=500", "{ keys: 2, expires: 1, avg_ttl: 500ms }"),
            (
                "cmdstat_get",
                "calls=3,usec=40,usec_per_call=13.33",
                "{ calls: 3, usec: 40us, usec_per_call: 13us330ns }",
            ),
        ] {
            assert_eq!(show::literal(&field(name, text)), value, "{name}");
        }
    }
}
