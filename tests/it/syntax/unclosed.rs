//! Brackets that nothing closes are read once each, not once more for every way they could have gone on.
use std::time::{Duration, Instant};

use rbk::source::FileId;
use rbk::syntax::parse;

/// Five times and more what a build without optimisation needs on a busy machine; read twice a level, forty levels take years.
const SLACK: Duration = Duration::from_secs(20);

fn is_found_soon(text: &str) {
    assert_ne!(read_soon(text), 0, "{text:.40}");
}

/// How many mistakes there are.
fn read_soon(text: &str) -> usize {
    let begin = Instant::now();
    let parsed = parse(FileId(0), text);
    let took = begin.elapsed();
    assert!(took < SLACK, "{text:.40}: {took:?}");
    parsed.diagnostics.len()
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

/// What can open inside a value, with what closes it; most hold a hole, in which another can open.
const NESTS: &[(&str, &str)] = &[
    ("$(\"#{", "}\")"),
    ("$('#{", "}')"),
    ("$(#{", "})"),
    ("$({}#{", "})"),
    ("$({#{", "}})"),
    ("$((#{", "}))"),
    ("$(\"\\\n#{", "}\")"),
    ("\"#{", "}\""),
    ("\"\"\"#{", "}\"\"\""),
    ("\"#{(\n", "\n)}\""),
    ("[1, ", "]"),
    ("(", ")"),
    ("{ a: ", "}"),
    ("f(", ")"),
    ("x[", "]"),
    ("not ", ""),
    ("if a then ", " else 2"),
];

/// Read twice a level, forty levels take years.
#[test]
fn a_hole_is_read_once() {
    for (open, close) in NESTS {
        for head in ["$ echo ", "let x = ", "$ \"\"\"\n#{", "log \"#{"] {
            for closed in [0, 20, 40] {
                let text = format!("{head}{}1 2{}", open.repeat(40), close.repeat(closed));
                read_soon(&format!("runbook \"x\" {{\n  step \"a\" {{\n    {text}\n  }}\n}}\n"));
            }
        }
    }
}

/// Of holes that are none in one another, one is told: the first that the reader meets.
#[test]
fn a_nest_of_open_holes_is_one_mistake() {
    for levels in [1, 2, 5, 16] {
        let text = format!("runbook \"x\" {{\n  log {}\n}}\n", "$(\"#{".repeat(levels));
        let holes = parse(FileId(0), &text).diagnostics.into_iter().filter(|d| d.message.contains("#{"));
        assert_eq!(holes.count(), 1, "{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_nest_is_read_soon(nest in proptest::collection::vec(proptest::sample::select(NESTS), 40), closed in 0_usize..40) {
        let open: String = nest.iter().map(|(open, _)| *open).collect();
        let close: String = nest.iter().rev().take(closed).map(|(_, close)| *close).collect();
        read_soon(&format!("$ echo {open}1{close}\n"));
    }
}
