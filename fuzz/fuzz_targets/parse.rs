//! Any text is read, and every label of what is said about it lies inside it.
#![no_main]
use libfuzzer_sys::fuzz_target;
use rbk::source::FileId;

fuzz_target!(|text: &str| {
    for label in rbk::syntax::parse(FileId(0), text).diagnostics.iter().flat_map(|d| &d.labels) {
        assert!(text.get(label.span.start as usize..label.span.end as usize).is_some());
    }
    let _ = rbk::syntax::parse_statements(FileId(0), text);
});
