//! Brackets that nothing closes are read once each, not once more for every way they could have gone on.
use std::time::{Duration, Instant};

use rbk::source::FileId;
use rbk::syntax::parse;

/// Five times and more what a build without optimisation needs on a busy machine; read twice a level, forty levels take years.
const SLACK: Duration = Duration::from_secs(20);

fn is_found_soon(text: &str) {
    let begin = Instant::now();
    let parsed = parse(FileId(0), text);
    let took = begin.elapsed();
    assert!(!parsed.diagnostics.is_empty(), "{text:.40}");
    assert!(took < SLACK, "{text:.40}: {took:?}");
}

#[test]
fn unclosed_brackets_are_read_once() {
    for piece in ["{ a: ", "[", "(", "f([", "{ a: [(", "not (", "-[", "if(", "if [", "x[(", "(\n", "if a then ("] {
        for levels in [8, 40, 400] {
            let text = piece.repeat(levels);
            is_found_soon(&format!("let x = {text}"));
            is_found_soon(&format!("runbook \"x\" {{\n  guard \"a\": {text}\n}}\n"));
        }
    }
    is_found_soon(&format!("let x = {}", "[".repeat(20_000)));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_soup_of_brackets_is_read_soon(soup in "[\\[\\]({)}a:, -]{400}") {
        let begin = Instant::now();
        let _ = parse(FileId(0), &format!("let x = {soup}"));
        proptest::prop_assert!(begin.elapsed() < SLACK);
    }
}
