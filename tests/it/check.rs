//! What `check` says of scripts: a table of fragments and the codes they get, and the samples, which are clean.
use rbk::check::{self, Checked, stdlib::Embedded};
use rbk::diag::Severity;
use rbk::source::Sources;
use rbk::syntax;

/// Parse and check a text; syntax errors come first.
fn checked(text: &str) -> (Sources, Checked) {
    let mut sources = Sources::default();
    let file = sources.add("test.rbk", text);
    let parsed = syntax::parse(file, text);
    let mut checked = check::check(&mut sources, file, &parsed.ast, &Embedded);
    checked.diagnostics.splice(0..0, parsed.diagnostics);
    (sources, checked)
}

/// `code line:column message` for each finding.
fn findings(text: &str) -> Vec<String> {
    let (sources, checked) = checked(text);
    checked
        .diagnostics
        .iter()
        .map(|d| {
            let (line, column) = sources.position(d.span());
            let mark = if d.severity == Severity::Warning { "warning " } else { "" };
            let help = d.help.as_deref().unwrap_or("-");
            format!("{mark}{} {line}:{column} {} [{help}]", d.code.name(), d.message)
        })
        .collect()
}

#[test]
fn probe() {
    if let Ok(path) = std::env::var("PROBE") {
        let text = std::fs::read_to_string(path).unwrap();
        for line in findings(&text) {
            println!("{line}");
        }
    }
}
