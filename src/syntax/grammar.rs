//! The parser that pest makes of `grammar/rbk.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/rbk.pest"]
pub(super) struct Grammar;
