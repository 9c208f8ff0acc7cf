//! Whatever stands in a command or a statement: `check` ends, soon, and does not fall over.
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use rbk::check::Library;
use rbk::session;

struct Nothing;

impl Library for Nothing {
    fn read(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("no {path}"))
    }
}

/// Fivefold what a busy machine needed for the slowest of them in a debug build.
const SOON: Duration = Duration::from_secs(10);

fn checked(inside: &str) {
    let script = format!(
        "runbook \"t\" {{\n deadline 1h\n rollback within 1m\n connect db = postgres(\"postgres://x\")\n step \"a\" {{\n  $ \"\"\"\n{inside}\n\"\"\"\n  \
         db.exec(\"\"\"\n{inside}\n\"\"\")\n  rollback none \"x\"\n }}\n}}\n"
    );
    let started = Instant::now();
    let _ = session::open_text("t.rbk", &script, &Nothing);
    let whole = script.split("\"\"\"").count();
    assert!(started.elapsed() < SOON, "{:?} for {whole} parts of {inside:?}", started.elapsed());
}

/// Signs that open, close and nest, of both languages.
fn sign() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "(",
        ")",
        "{ ",
        "}",
        "[",
        "]",
        "[[ ",
        " ]]",
        "$(",
        "$((",
        "))",
        "`",
        "\"",
        "'",
        "${",
        "<(",
        "<<E\n",
        "\nE\n",
        "<<<",
        ">",
        "&",
        "|",
        ";",
        "\n",
        " ",
        "\\",
        "#",
        "!",
        "a",
        "a=(",
        "if ",
        " then ",
        " fi",
        "for ",
        "case ",
        " in ",
        "esac",
        ";;",
        "do ",
        "done ",
        "f() ",
        "select ",
        "from ",
        "where ",
        "(select ",
        "case when ",
        "explain ",
        "with a as (",
        "create rule a as on insert to t do ",
        "$$",
        "$a$",
        "/*",
        "*/",
        "--",
        ",",
        "::",
        "1",
        "E'",
        "not ",
        "array[",
        "é",
        "\u{0}",
        "#{1}",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn signs_in_any_order(signs in vec(sign(), 0..60)) {
        checked(&signs.concat());
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        checked(&text);
    }
}

/// What nests a thousand times is not read by a grammar that would need as deep a stack for it.
#[test]
fn depth_is_no_matter() {
    for sign in [
        "(",
        "$(",
        "$((",
        "`",
        "\"$((`",
        "\"$(",
        "<(",
        "{ ",
        "[[ ( ",
        "[[ ! ",
        "! ",
        "if ",
        "while ",
        "a&&",
        "a|",
        "a=(",
        "f() ",
        "case a in ",
    ] {
        for n in [20, 300, 3000] {
            checked(&sign.repeat(n));
        }
    }
    for sign in [
        "select (",
        "(select ",
        "case when ",
        "array[",
        "not ",
        "- ",
        "explain ",
        "prepare x as ",
        "create rule a as on insert to t do ",
        "f(",
        "with a as (",
        "select 1 union ",
        "a.",
        "begin;",
        "declare a cursor for ",
        "create schema a ",
        "(",
        "1+",
    ] {
        for n in [20, 300, 3000] {
            checked(&sign.repeat(n));
        }
    }
}
