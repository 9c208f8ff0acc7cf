//! What does not parse.
use super::super::ast::StmtKind;
use super::super::tree::Node;
use super::Build;

impl Build {
    pub(super) fn bad(&mut self, node: Node<'_>) -> StmtKind {
        self.error("this is not a statement", self.span(node), "not understood", "see the language reference");
        StmtKind::Bad
    }

    pub(super) fn junk(&mut self, node: Node<'_>) {
        self.error(
            "expected the end of the line",
            self.span(node),
            "does not belong to the statement before it",
            "put it on a line of its own",
        );
    }
}
