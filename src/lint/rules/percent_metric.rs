//! A rate per second that is compared like a share.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Script, text};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::PercentMetric, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for call in script.calls.iter().filter(|call| script.kind(&call.it) == Some("prometheus")) {
        let Some(query) = call.it.text() else { continue };
        let promql = text(&query.parts);
        if let Some((message, label)) = wrong(&promql) {
            found.push(
                RULE.found(message, query.span, label)
                    .help("`prom.error_ratio(\"http_requests_total\", over: 5m) < 1%` divides the sums, with no traffic as no data"),
            );
        }
    }
    found
}

fn wrong(promql: &str) -> Option<(&'static str, &'static str)> {
    let errors = promql.contains("=~\"5") || promql.contains("status=\"5") || promql.contains("code=\"5");
    if !errors || !(promql.contains("rate(") || promql.contains("increase(")) {
        return None;
    }
    if !promql.contains('/') {
        return Some((
            "this counts errors per second, and is no share of the requests",
            "one error in 20 seconds is 0.05",
        ));
    }
    (!promql.contains("sum")).then_some((
        "each series is divided by itself: the share is 1 at the first error",
        "`status` is a label of both sides",
    ))
}
