//! Temporary
use crate::check::program::{Expr, ExprKind, NameId};
use crate::value::Value;
pub fn value(expr: &Expr, names: &[(NameId, Value)]) -> Result<Value, String> {
    match &expr.kind {
        ExprKind::Value(v) => Ok(v.clone()),
        ExprKind::Name(n) => names.iter().find(|(m, _)| m == n).map(|(_, v)| v.clone()).ok_or("unknown".to_owned()),
        _ => Ok(Value::Bool(true)),
    }
}
