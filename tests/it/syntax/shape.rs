//! The tree of every construct, printed by [`printed`] and kept in a page.
mod printed;

/// A program as its tree: statements as at a console, or a whole file when it opens with an item.
fn shape(text: &str) -> String {
    printed::program(text)
}

#[test]
fn every_construct_has_its_tree() {
    super::suite("tests/it/syntax/expressions.md", shape);
    super::suite("tests/it/syntax/texts.md", shape);
    super::suite("tests/it/syntax/statements.md", shape);
    super::suite("tests/it/syntax/items.md", shape);
}
