//! What a condition says: once where it stands, and what is asked again and again only when its answer changes.
use super::{Say, Story};
use crate::engine::call::Path;
use crate::engine::event::{ConditionKind, Verdict};
use crate::report::style::{Line, Tone};

/// How much it matters that a condition does not hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It decides what comes next; nothing is wrong.
    Question,
    /// It must hold.
    Proof,
}

/// The word before its label, its weight, and whether it is asked again and again.
fn manner(kind: ConditionKind) -> (&'static str, Weight, bool) {
    match kind {
        ConditionKind::Guard | ConditionKind::Warn => ("", Weight::Proof, false),
        ConditionKind::Watch => ("", Weight::Proof, true),
        ConditionKind::Invariant => ("invariant", Weight::Proof, true),
        ConditionKind::Until => ("not yet", Weight::Question, true),
        ConditionKind::Unless => ("unless", Weight::Question, true),
        ConditionKind::DoneWhen => ("done when", Weight::Question, false),
        ConditionKind::When => ("when", Weight::Question, false),
    }
}

impl Story {
    pub(super) fn condition(
        &mut self,
        path: &Path,
        kind: ConditionKind,
        label: &str,
        verdict: &Verdict,
        lines: &mut Vec<Line>,
    ) {
        let (word, weight, repeated) = manner(kind);
        let label = [word, label].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
        let answer = match verdict {
            Verdict::Holds => String::new(),
            Verdict::Not { reason } => reason.clone(),
            Verdict::Error { failure } => failure.message.clone(),
        };
        if repeated {
            let before = self.told_condition.insert((path.clone(), label.clone()), answer.clone());
            if before.as_ref() == Some(&answer) && self.say < Say::Verbose {
                return;
            }
        }
        let enough = match (verdict, weight) {
            // A warning follows and says the same.
            (Verdict::Not { .. } | Verdict::Error { .. }, _) if kind == ConditionKind::Warn => return,
            (Verdict::Holds, Weight::Proof) => Say::Normal,
            (Verdict::Holds, Weight::Question) => Say::Verbose,
            (Verdict::Not { .. }, Weight::Question) if !repeated => Say::Verbose,
            (Verdict::Not { .. } | Verdict::Error { .. }, Weight::Question) => Say::Normal,
            (Verdict::Not { .. } | Verdict::Error { .. }, Weight::Proof) => Say::Quiet,
        };
        if kind == ConditionKind::Guard && !answer.is_empty() {
            self.told_failure = Some(answer.clone());
        }
        if self.say < enough {
            return;
        }
        let (mark, tone) = match (verdict, weight) {
            (Verdict::Holds, _) => ("✓ ", Tone::Good),
            (Verdict::Not { .. }, Weight::Question) => ("· ", Tone::Dim),
            (Verdict::Error { .. }, Weight::Question) => ("· ", Tone::Warn),
            (Verdict::Not { .. } | Verdict::Error { .. }, Weight::Proof) => ("✗ ", Tone::Bad),
        };
        let label = match (kind, verdict) {
            (ConditionKind::Until, Verdict::Holds) => "true now".to_owned(),
            _ => label,
        };
        let written = label.clone();
        let line = self.line(path).put(tone, mark).put(Tone::Plain, label);
        match verdict {
            Verdict::Holds => lines.push(line),
            Verdict::Not { .. } if answer.is_empty() => lines.push(line),
            Verdict::Not { .. } => lines.push(line.put(tone, format!(": {answer}"))),
            Verdict::Error { failure } => {
                lines.push(line.put(tone, format!(": cannot tell: {answer}")));
                // A reason may change at every poll; what to do about it is told once.
                let before = self.told_help.insert((path.clone(), written), failure.help.clone());
                if !repeated || before.as_ref() != Some(&failure.help) {
                    self.detail(path, failure, lines);
                }
            }
        }
    }
}
