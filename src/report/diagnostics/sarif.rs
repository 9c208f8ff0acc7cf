//! SARIF 2.1.0, for programs that gather findings: one run, the rules that found something, a result each.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::severity;
use crate::diag::{Code, Diagnostic, Fix, Label};
use crate::source::{Sources, Span};

/// What may stand in the path of a URI.
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'+');

/// All findings of all files, as one object on one line.
#[must_use]
pub fn sarif<'a>(findings: impl IntoIterator<Item = (&'a Diagnostic, &'a Sources)>) -> String {
    let mut codes: Vec<Code> = Vec::new();
    let mut results = Vec::new();
    for (found, sources) in findings {
        let rule = codes.iter().position(|code| *code == found.code).unwrap_or_else(|| {
            codes.push(found.code);
            codes.len() - 1
        });
        results.push(result(found, rule, sources));
    }
    let rules: Vec<Value> = codes.into_iter().map(rule).collect();
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "rbk", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    report.to_string() + "\n"
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.summary() },
        "help": { "text": code.documentation(), "markdown": code.documentation() },
    })
}

fn result(found: &Diagnostic, rule: usize, sources: &Sources) -> Value {
    let help = found.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let mut result = json!({
        "ruleId": found.code.name(),
        "ruleIndex": rule,
        "level": severity(found.severity),
        "message": { "text": format!("{}{help}", found.message) },
        "locations": [{ "physicalLocation": place(found.span(), sources) }],
    });
    let related: Vec<Value> = found.labels.iter().skip(1).map(|label| labelled(label, sources)).collect();
    if let Some(fields) = result.as_object_mut() {
        if !related.is_empty() {
            fields.insert("relatedLocations".to_owned(), Value::Array(related));
        }
        if let Some(fix) = &found.fix {
            fields.insert("fixes".to_owned(), json!([repair(fix, sources)]));
        }
    }
    result
}

fn labelled(label: &Label, sources: &Sources) -> Value {
    json!({ "physicalLocation": place(label.span, sources), "message": { "text": label.text } })
}

fn repair(fix: &Fix, sources: &Sources) -> Value {
    let change = |(span, text): &(Span, String)| {
        json!({
            "artifactLocation": { "uri": uri(sources.name(span.file)) },
            "replacements": [{ "deletedRegion": region(*span, sources), "insertedContent": { "text": text } }],
        })
    };
    json!({ "description": { "text": fix.title }, "artifactChanges": fix.edits.iter().map(change).collect::<Vec<_>>() })
}

fn place(span: Span, sources: &Sources) -> Value {
    json!({ "artifactLocation": { "uri": uri(sources.name(span.file)) }, "region": region(span, sources) })
}

/// Lines and columns count from 1; the end is behind the last character.
fn region(span: Span, sources: &Sources) -> Value {
    let ((line, column), (end_line, end_column)) = (sources.position(span), sources.position(span.after()));
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// A path as a reference: relative as it was named, absolute as a `file:` URI.
fn uri(name: &str) -> String {
    let path = utf8_percent_encode(name.trim_start_matches("./"), &PATH).to_string();
    if name.starts_with('/') { format!("file://{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_reference() {
        assert_eq!(uri("./ops/a b%.rbk"), "ops/a%20b%25.rbk");
        assert_eq!(uri("/srv/ops/é.rbk"), "file:///srv/ops/%C3%A9.rbk");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }
}
