//! A flow chart: the way forward in solid arrows, the undo of each step dotted beside it.
use std::fmt::Write;

use super::human::line;
use super::{facts, undo};
use crate::plan::{Kind, Node, Plan, UndoKind};

pub fn render(plan: &Plan) -> String {
    let mut chart = Chart { out: String::from("flowchart TD\n"), next: 0 };
    let start = chart.shape("([", &plan.title, "])");
    let last = chart.sequence(&plan.nodes, &start);
    let end = chart.shape("([", "done", "])");
    chart.arrow(&last, &end, "");
    chart.out
}

struct Chart {
    out: String,
    next: usize,
}

impl Chart {
    fn shape(&mut self, open: &str, text: &str, close: &str) -> String {
        let id = format!("n{}", self.next);
        self.next += 1;
        let _ = writeln!(self.out, "  {id}{open}\"{}\"{close}", escape(text));
        id
    }

    fn arrow(&mut self, from: &str, to: &str, label: &str) {
        let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", escape(label)) };
        let _ = writeln!(self.out, "  {from} -->{label} {to}");
    }

    /// Draw statements after `from`; what the next one follows.
    fn sequence(&mut self, nodes: &[Node], from: &str) -> String {
        let mut at = from.to_owned();
        for node in nodes {
            at = self.one(node, &at);
        }
        at
    }

    fn one(&mut self, node: &Node, from: &str) -> String {
        let title = line(node);
        let facts = facts(node);
        let text = if facts.is_empty() { title } else { format!("{title}\n{facts}") };
        match node.kind {
            // Only what a reader of the chart looks for.
            Kind::Let | Kind::Log | Kind::Note | Kind::Return | Kind::DoneWhen | Kind::Do => from.to_owned(),
            Kind::If | Kind::Choose | Kind::Try => {
                let fork = self.shape("{", &text, "}");
                self.arrow(from, &fork, "");
                let join = self.shape("((", " ", "))");
                let (branches, body): (Vec<&Node>, Vec<&Node>) =
                    node.children.iter().partition(|n| matches!(n.kind, Kind::Else | Kind::Choice));
                if node.kind != Kind::Choose {
                    let body: Vec<Node> = body.into_iter().cloned().collect();
                    let last = self.sequence(&body, &fork);
                    self.arrow(&last, &join, "");
                }
                if node.kind == Kind::If && branches.is_empty() {
                    self.arrow(&fork, &join, "no");
                }
                for branch in branches {
                    let label = line(branch);
                    let first = self.shape("[", &label, "]");
                    self.arrow(&fork, &first, "");
                    let last = self.sequence(&branch.children, &first);
                    self.arrow(&last, &join, "");
                }
                join
            }
            Kind::Parallel => {
                let fork = self.shape("[/", &text, "\\]");
                self.arrow(from, &fork, "");
                let join = self.shape("[\\", "all done", "/]");
                for child in &node.children {
                    let last = self.one(child, &fork);
                    self.arrow(&last, &join, "");
                }
                join
            }
            Kind::Confirm | Kind::Ask => {
                let at = self.shape("{{", &text, "}}");
                self.arrow(from, &at, "");
                at
            }
            _ => {
                let at = self.shape("[", &text, "]");
                self.arrow(from, &at, "");
                if let Some(how) = &node.undo {
                    let (open, close) = if how.kind == UndoKind::Irreversible { ("[[", "]]") } else { ("(", ")") };
                    let back = self.shape(open, &undo(how), close);
                    let _ = writeln!(self.out, "  {at} -.-> {back}");
                }
                if matches!(node.kind, Kind::Watch | Kind::Finally) {
                    return at;
                }
                self.sequence(&node.children, &at)
            }
        }
    }
}

/// Inside `"…"` of a chart.
fn escape(text: &str) -> String {
    text.replace('#', "#35;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
        .replace('`', "#96;")
        .replace('\n', "<br/>")
}
