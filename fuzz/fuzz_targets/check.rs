//! Any text is checked without a panic, alone: nothing can be used from elsewhere.
#![no_main]
use libfuzzer_sys::fuzz_target;
use rbk::check::{Library, check};
use rbk::source::Sources;

struct Nothing;

impl Library for Nothing {
    fn read(&self, _from: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("there is no `{path}` here"))
    }
}

fuzz_target!(|text: &str| {
    let mut sources = Sources::default();
    let file = sources.add("fuzz.rbk", text);
    let parsed = rbk::syntax::parse(file, text);
    let _ = check(&mut sources, file, &parsed.ast, &Nothing);
});
