//! A megabyte of what is no script: it is read once, and little is said.
use rbk::source::FileId;
use rbk::syntax::parse;

const MEGABYTE: usize = 1_000_000;

/// Five times what a build without optimisation needs on a busy machine.
const SLACK: std::time::Duration = std::time::Duration::from_secs(30);

fn is_given_up(text: &str) {
    let begin = std::time::Instant::now();
    let parsed = parse(FileId(0), text);
    assert!((1..=101).contains(&parsed.diagnostics.len()), "{:.20}: {}", text, parsed.diagnostics.len());
    let last = parsed.diagnostics.last().unwrap();
    assert_eq!(parsed.gave_up, last.message.starts_with("too many mistakes"), "{text:.20}: {}", last.message);
    let took = begin.elapsed();
    assert!(took < SLACK, "{text:.20}: {took:?}");
}

#[test]
fn a_megabyte_of_brackets_is_given_up() {
    for piece in
        ["}", "}\n", "{", "{\n", "step \"x\" {", "step \"x\" {\n", "let x = [", "let x = [\n", "(", "\"#{", "$("]
    {
        is_given_up(&piece.repeat(MEGABYTE / piece.len()));
    }
}

#[test]
fn a_megabyte_of_mistakes_is_given_up() {
    for piece in
        ["\"\n", "log \"#{\n", "$(\n", "gaurd x\n", "x\n", "let x = 1 2\n", "log \"#{a b}\"\n", "} else if c {\n"]
    {
        let text = piece.repeat(MEGABYTE / piece.len());
        is_given_up(&format!("runbook \"x\" {{\n{text}}}\n"));
    }
}

#[test]
fn a_line_of_a_megabyte_is_one_mistake() {
    for piece in ["a", "\"", "é ", "]"] {
        is_given_up(&piece.repeat(MEGABYTE / piece.len()));
    }
}

#[test]
fn random_bytes_are_given_up() {
    let mut state = 7_u64;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).unwrap()
    });
    let bytes: Vec<u8> = bytes.take(MEGABYTE).collect();
    is_given_up(&String::from_utf8_lossy(&bytes));
}

/// The mistakes told are the first ones, in order, and the last says that there are more.
#[test]
fn the_first_hundred_mistakes_are_told() {
    let text = format!("runbook \"x\" {{\n{}}}\n", "gaurd x\n".repeat(150));
    let parsed = parse(FileId(0), &text);
    assert!(parsed.gave_up);
    let places: Vec<usize> = parsed.diagnostics.iter().map(|d| d.span().start as usize).collect();
    let expected: Vec<usize> = (0..101).map(|i| 14 + 8 * i).collect();
    assert_eq!(places, expected);
    assert_eq!(parsed.diagnostics.last().unwrap().message, "too many mistakes; the rest was not read");
    let fewer = parse(FileId(0), &format!("runbook \"x\" {{\n{}}}\n", "gaurd x\n".repeat(100)));
    assert_eq!((fewer.gave_up, fewer.diagnostics.len()), (false, 100));
}

/// A long script with one mistake behind its head is read to the end.
#[test]
fn a_long_script_is_read_whole() {
    let line = "  log \"a line\"\n";
    let text = format!("runbook \"x\" {{\n{}  gaurd x\n}}\n", line.repeat(200_000 / line.len()));
    let parsed = parse(FileId(0), &text);
    assert!(!parsed.gave_up);
    let places: Vec<usize> = parsed.diagnostics.iter().map(|d| d.span().start as usize).collect();
    assert_eq!(places, [text.find("gaurd").unwrap()]);
}
