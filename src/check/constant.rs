//! What an expression is worth before anything runs: values, operators and pure methods, never a call.
use super::program::{EachMethod, Expr, ExprKind, NameId, TextPart};
use crate::value::{Secret, SmolStr, Value, method, ops, show};

/// Why there is no value.
enum Stop {
    /// It reads something that only a run knows.
    Unknown(String),
    Wrong(String),
}

type Known<'a> = &'a dyn Fn(NameId) -> Option<Value>;

/// The value; None when it cannot be known, or is an error.
#[must_use]
pub fn evaluate(expr: &Expr, known: Known<'_>) -> Option<Value> {
    eval(expr, known).ok()
}

/// The value, from the names that are given.
///
/// # Errors
/// One line for a person: what is wrong, or that only a run can know it.
pub fn value(expr: &Expr, names: &[(NameId, Value)]) -> Result<Value, String> {
    let known = |name: NameId| names.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
    eval(expr, &known).map_err(|stop| match stop {
        Stop::Unknown(what) => format!("{what} is known only while the runbook runs"),
        Stop::Wrong(why) => why,
    })
}

fn eval(expr: &Expr, known: Known<'_>) -> Result<Value, Stop> {
    let truth = |e: &Expr| match eval(e, known)? {
        Value::Bool(b) => Ok(b),
        other => Err(Stop::Wrong(format!("a condition is true or false, not {}", show::kind(&other)))),
    };
    match &expr.kind {
        ExprKind::Value(value) => Ok(value.clone()),
        ExprKind::Name(name) => known(*name).ok_or_else(|| Stop::Unknown("a name".to_owned())),
        ExprKind::Text(parts) => text(parts, known),
        ExprKind::List(items) => {
            Ok(Value::list(items.iter().map(|e| eval(e, known)).collect::<Result<Vec<Value>, Stop>>()?))
        }
        ExprKind::Record(fields) => {
            let fields = fields.iter().map(|(k, e)| Ok((k.clone(), eval(e, known)?)));
            Ok(Value::record(fields.collect::<Result<Vec<_>, Stop>>()?))
        }
        ExprKind::Field(on, name) => method::field(&eval(on, known)?, name).map_err(Stop::Wrong),
        ExprKind::Index(on, at) => method::index(&eval(on, known)?, &eval(at, known)?).map_err(Stop::Wrong),
        ExprKind::Not(inner, _) => ops::not(&eval(inner, known)?).map_err(Stop::Wrong),
        ExprKind::Neg(inner) => ops::neg(&eval(inner, known)?).map_err(Stop::Wrong),
        ExprKind::And(a, b) => Ok(Value::Bool(truth(a)? && truth(b)?)),
        ExprKind::Or(a, b) => Ok(Value::Bool(truth(a)? || truth(b)?)),
        ExprKind::Binary(op, a, b) => ops::binary(*op, &eval(a, known)?, &eval(b, known)?).map_err(Stop::Wrong),
        ExprKind::If(three) => eval(if truth(&three.0)? { &three.1 } else { &three.2 }, known),
        ExprKind::Method(on, name, args) => {
            let on = eval(on, known)?;
            let args = args.iter().map(|e| eval(e, known)).collect::<Result<Vec<Value>, Stop>>()?;
            method::call(*name, &on, &args).map_err(Stop::Wrong)
        }
        ExprKind::Each(on, name, it, body) => each(&eval(on, known)?, *name, *it, body, known),
        ExprKind::Now => Err(Stop::Unknown("`now()`".to_owned())),
        ExprKind::Judge(_) | ExprKind::Command(_) | ExprKind::Call(_) | ExprKind::Action(_) => {
            Err(Stop::Unknown("what a call returns".to_owned()))
        }
        ExprKind::Connection(_) => Err(Stop::Unknown("a connection".to_owned())),
    }
}

/// A string made with a secret is one.
fn text(parts: &[TextPart], known: Known<'_>) -> Result<Value, Stop> {
    let mut out = String::new();
    let mut hidden: Option<SmolStr> = None;
    for part in parts {
        match part {
            TextPart::Text(text) => out.push_str(text),
            TextPart::Value(expr) => {
                let value = eval(expr, known)?;
                hidden = hidden.or_else(|| value.expose().1.cloned());
                out.push_str(&show::text(&value).map_err(Stop::Wrong)?);
            }
        }
    }
    Ok(match hidden {
        Some(name) => Secret::hide(name, Value::str(out)),
        None => Value::str(out),
    })
}

fn each(on: &Value, name: EachMethod, it: NameId, body: &Expr, known: Known<'_>) -> Result<Value, Stop> {
    let (Value::List(items), _) = on.expose() else {
        return Err(Stop::Wrong(format!("`.{}` needs a list, not {}", name.name(), show::kind(on))));
    };
    let of = |item: &Value| {
        let inner = |n: NameId| if n == it { Some(item.clone()) } else { known(n) };
        eval(body, &inner)
    };
    let holds = |item: &Value| match of(item)? {
        Value::Bool(b) => Ok(b),
        other => Err(Stop::Wrong(format!("a condition is true or false, not {}", show::kind(&other)))),
    };
    Ok(match name {
        EachMethod::Where => {
            let mut kept = Vec::new();
            for item in items.iter() {
                if holds(item)? {
                    kept.push(item.clone());
                }
            }
            Value::list(kept)
        }
        EachMethod::All => {
            for item in items.iter() {
                if !holds(item)? {
                    return Ok(Value::Bool(false));
                }
            }
            Value::Bool(true)
        }
        EachMethod::Any => {
            for item in items.iter() {
                if holds(item)? {
                    return Ok(Value::Bool(true));
                }
            }
            Value::Bool(false)
        }
        EachMethod::Map => Value::list(items.iter().map(of).collect::<Result<Vec<Value>, Stop>>()?),
        EachMethod::SortBy => {
            let keyed = items.iter().map(|i| Ok((of(i)?, i.clone()))).collect::<Result<Vec<_>, Stop>>()?;
            Value::list(method::sort_by(keyed).map_err(Stop::Wrong)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::program::{BinaryOp, Method};
    use crate::source::Span;
    use crate::value::Type;

    fn expr(kind: ExprKind) -> Expr {
        Expr { kind, ty: Type::Any, span: Span::default() }
    }

    fn int(n: i64) -> Expr {
        expr(ExprKind::Value(Value::Int(n)))
    }

    fn name(n: u32) -> Expr {
        expr(ExprKind::Name(NameId(n)))
    }

    #[test]
    fn pure_expressions_have_a_value_before_the_run() {
        let names = [(NameId(0), Value::str("v1")), (NameId(1), Value::list(vec![Value::Int(3), Value::Int(5)]))];
        let joined = expr(ExprKind::Text(vec![TextPart::Text("release-".into()), TextPart::Value(name(0))]));
        assert_eq!(value(&joined, &names), Ok(Value::str("release-v1")));
        let len = expr(ExprKind::Method(Box::new(name(1)), Method::Len, Vec::new()));
        let more = expr(ExprKind::Binary(BinaryOp::Gt, Box::new(len), Box::new(int(1))));
        assert_eq!(value(&more, &names), Ok(Value::Bool(true)));
        let it = NameId(9);
        let big = expr(ExprKind::Binary(BinaryOp::Gt, Box::new(name(9)), Box::new(int(4))));
        let kept = expr(ExprKind::Each(Box::new(name(1)), EachMethod::Where, it, Box::new(big)));
        assert_eq!(value(&kept, &names), Ok(Value::list(vec![Value::Int(5)])));
    }

    #[test]
    fn what_only_a_run_knows_has_none() {
        assert_eq!(evaluate(&expr(ExprKind::Now), &|_| None), None);
        assert_eq!(evaluate(&name(0), &|_| None), None);
        // The side that is not needed is not looked at.
        let no = expr(ExprKind::Value(Value::Bool(false)));
        let short = expr(ExprKind::And(Box::new(no), Box::new(name(0))));
        assert_eq!(evaluate(&short, &|_| None), Some(Value::Bool(false)));
    }
}
