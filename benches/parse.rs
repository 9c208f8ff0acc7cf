//! Text → Ast with spans on one core: the libraries and examples without comments, repeated to a megabyte.
//! The peer in the same run is pest's own JSON grammar, which builds no tree at all.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pest::Parser;
use rbk::source::FileId;
use rbk::syntax::parse;

const MEGABYTE: usize = 1 << 20;

fn scripts(dir: &Path, text: &mut String) {
    let mut entries: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            scripts(&path, text);
        } else if path.extension().is_some_and(|e| e == "rbk") {
            let script = std::fs::read_to_string(&path).unwrap();
            for line in script.lines().filter(|l| !l.trim_start().starts_with('#') && !l.trim().is_empty()) {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
}

fn repeated(one: &str) -> String {
    one.repeat(MEGABYTE / one.len() + 1)
}

fn json() -> String {
    let host = r#"{ "name": "web-1", "ready": true, "load": 0.25, "tags": ["blue", "eu"], "notes": null },"#;
    format!("[{}1]", host.repeat(MEGABYTE / host.len()))
}

fn parsing(c: &mut Criterion) {
    let mut one = String::new();
    scripts(Path::new("examples"), &mut one);
    let text = repeated(&one);
    let parsed = parse(FileId(0), &text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics.first());
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("rbk to ast", |b| b.iter(|| parse(FileId(0), black_box(&text))));
    let json = json();
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("json pairs (pest)", |b| {
        b.iter(|| {
            pest_grammars::json::JsonParser::parse(pest_grammars::json::Rule::json, black_box(&json)).unwrap().count()
        });
    });
    group.finish();
}

criterion_group!(benches, parsing);
criterion_main!(benches);
