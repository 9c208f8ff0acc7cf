//! An incident report as one page: nothing in it is loaded from elsewhere or runs, and it is well-formed XML besides. Light or
//! dark as the reader's system is.
use std::fmt::Write;

use super::bars::{Bar, Kind};
use super::incident::{Incident, Part, Said, cleaned, incident};
use super::markup::escape;
use super::{Past, picture};

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --paper: #ffffff; --line: #d1d9e0;
  --good: #1a7f37; --bad: #cf222e; --back: #9a6700; --doubt: #8250df; --calm: #0969da; --gap: #fff3b0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --paper: #0d1117; --line: #3d444d;
  --good: #3fb950; --bad: #f85149; --back: #d29922; --doubt: #ab7df8; --calm: #4493f8; --gap: #4d3d00; } }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2rem; border-bottom: 1px solid var(--line); }
code, time { font-family: ui-monospace, monospace; font-size: .9em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: var(--dim); } dd { margin: 0; }
ol, ul { padding-left: 0; list-style: none; } li { margin: .2rem 0; }
mark { background: var(--gap); color: inherit; padding: 0 .3em; }
figure { margin: 1rem 0; overflow-x: auto; } figcaption { color: var(--dim); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); }
.mark { display: inline-block; width: 1.5em; text-align: center; font-weight: bold; color: var(--dim); }
.done, .already_done { --tone: var(--good); } .failed { --tone: var(--bad); } .undone { --tone: var(--back); }
.cancelled, .skipped { --tone: var(--dim); } .in_doubt { --tone: var(--doubt); } .waited, .open { --tone: var(--calm); }
.mark.done, .mark.already_done, .mark.failed, .mark.undone, .mark.cancelled, .mark.in_doubt, .mark.waited { color: var(--tone); }
svg { font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); } svg .hour { fill: var(--dim); }
svg rect { fill: var(--tone); } svg .action rect { fill-opacity: .55; } svg .axis { stroke: var(--line); } svg .away rect { fill: var(--line); }
";

#[must_use]
pub fn html(past: &Past) -> String {
    let bars = past.bars();
    let report = incident(past, &bars);
    let title = format!("Incident report: {}", report.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        title = escape(&title),
    );
    summary(&report, &mut out);
    if let Some(svg) = picture::svg(past, &bars) {
        drawn(&svg, &bars, &mut out);
    }
    timeline(&report, &mut out);
    let Incident { cause, resolution, left, actions, gaps, .. } = &report;
    for (title, lines) in [("Root cause", cause), ("Resolution", resolution), ("Left in place", left)] {
        list(title, "", lines, &mut out);
    }
    list("Action items", "☐ ", actions, &mut out);
    steps(past, &bars, &mut out);
    let gaps: Vec<Said> = gaps.iter().map(|gap| vec![Part::Text(gap.clone())]).collect();
    list("What this report does not know", "", &gaps, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn summary(report: &Incident, out: &mut String) {
    out.push_str("<h2>Summary</h2>\n<dl>\n");
    for (name, said) in &report.summary {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", sentence(said));
    }
    out.push_str("</dl>\n");
}

fn drawn(svg: &str, bars: &[Bar], out: &mut String) {
    let _ = write!(out, "<figure>\n{svg}<figcaption>");
    for (how, mark) in picture::MARKS {
        let _ = write!(out, "<span class=\"mark {}\" aria-hidden=\"true\">{mark}</span>{} ", how.name(), how.words());
    }
    let left_out = picture::left_out(bars);
    if left_out > 0 {
        let _ = write!(out, "; {left_out} more bars are left out of the picture and stand in the table");
    }
    out.push_str("</figcaption>\n</figure>\n");
}

fn timeline(report: &Incident, out: &mut String) {
    out.push_str("<h2>Timeline</h2>\n<p>Times are UTC.</p>\n<ol>\n");
    for row in &report.timeline {
        let _ = writeln!(
            out,
            "<li><time datetime=\"{:.3}\">{}</time> <span class=\"mark {}\" aria-hidden=\"true\">{}</span>{}</li>",
            row.wall,
            row.wall.strftime("%F %T"),
            row.mark.name(),
            picture::mark(row.mark),
            sentence(&row.said)
        );
    }
    out.push_str("</ol>\n");
}

fn list(title: &str, mark: &str, lines: &[Said], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2>{title}</h2>\n<ul>");
    for said in lines {
        let _ = writeln!(out, "<li>{mark}{}</li>", sentence(said));
    }
    out.push_str("</ul>\n");
}

fn steps(past: &Past, bars: &[Bar], out: &mut String) {
    out.push_str("<h2>Steps</h2>\n<table>\n<thead><tr><th scope=\"col\">what</th><th scope=\"col\">name</th><th scope=\"col\">came to</th><th scope=\"col\">started</th><th scope=\"col\">took</th></tr></thead>\n<tbody>\n");
    for bar in bars {
        let name = escape(&cleaned(past, &bar.name)).into_owned();
        let name = if bar.kind == Kind::Action { format!("<code>{name}</code>") } else { name };
        let attempt = if bar.attempt > 1 { format!(" (attempt {})", bar.attempt) } else { String::new() };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{name}{attempt}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            bar.kind.name(),
            bar.how.words(),
            bar.start.strftime("%F %T"),
            bar.lasted()
        );
    }
    out.push_str("</tbody>\n</table>\n");
}

fn sentence(said: &[Part]) -> String {
    said.iter()
        .map(|part| match part {
            Part::Text(text) => escape(text).into_owned(),
            Part::Code(text) if text.is_empty() => "<em>nothing</em>".to_owned(),
            Part::Code(text) => format!("<code>{}</code>", escape(text)),
            Part::Gap(what) => format!("<mark>[to be filled in by a person: {what}]</mark>"),
        })
        .collect()
}
