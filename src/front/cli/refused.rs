//! Why nothing was done: findings, and what else is wrong. Told to a person on standard error, to a program as an event.
use super::{REFUSED, complain, tell};
use crate::diag::Diagnostic;
use crate::report::outside::Outside;
use crate::report::{diagnostics, json};
use crate::session;
use crate::source::Sources;

#[derive(Default)]
pub struct Refused {
    found: Vec<Diagnostic>,
    sources: Sources,
    /// Each with what the reader can do.
    reasons: Vec<(String, Option<String>)>,
}

impl Refused {
    pub fn because(message: impl Into<String>) -> Refused {
        Refused { reasons: vec![(message.into(), None)], ..Refused::default() }
    }

    pub fn helped(message: impl Into<String>, help: impl Into<String>) -> Refused {
        Refused { reasons: vec![(message.into(), Some(help.into()))], ..Refused::default() }
    }

    pub fn several(reasons: Vec<(String, Option<String>)>) -> Refused {
        Refused { reasons, ..Refused::default() }
    }

    /// What the findings come to.
    pub fn findings(found: Vec<Diagnostic>, sources: &Sources, message: impl Into<String>) -> Refused {
        let found = diagnostics::sorted(found);
        Refused { found, sources: sources.clone(), reasons: vec![(message.into(), None)] }
    }

    /// For a person; the exit code.
    pub fn tell(&self) -> u8 {
        tell(&self.found, &self.sources);
        for (message, help) in &self.reasons {
            complain(message, help.as_deref());
        }
        REFUSED
    }

    /// For a program, beside what a person is told.
    pub fn event(&self, out: Outside) {
        json::refused(out, session::now(), &self.reasons, diagnostics::findings(&self.found, &self.sources));
    }
}
