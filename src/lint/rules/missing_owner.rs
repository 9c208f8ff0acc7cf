//! A runbook that is nobody's: at night nobody knows whom to ask.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};
use crate::syntax::ast::{Header, ItemKind, Stmt, StmtKind};

pub const RULE: Rule = Rule { code: Code::MissingOwner, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for item in &script.ast.items {
        let ItemKind::Runbook(book) = &item.kind else { continue };
        let named = |stmt: &Stmt| matches!(&stmt.kind, StmtKind::Header(Header::Owner(_)));
        if !book.body.stmts.iter().any(named) {
            found.push(
                RULE.found("this runbook is nobody's", book.title.span, "at night nobody knows whom to ask")
                    .help("add `owner \"team\"`, and `contact \"…\"` for how to reach them"),
            );
        }
    }
    found
}
