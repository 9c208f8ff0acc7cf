//! Operators on values. `==` and order need equal types; numbers compare by value; nothing is rounded silently.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Matches,
    Add,
    Sub,
    Mul,
    Div,
}
