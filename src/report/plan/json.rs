//! For programs: one object, `"v": 1`. Times are seconds with their fraction.
use serde_json::{Value as Json, json};

use crate::check::program::Effect;
use crate::plan::{Asked, AskedKind, Budget, Node, Plan, Prompt, Remark, Undo, Unwind};
use crate::value::Nanos;

pub fn render(plan: &Plan) -> String {
    let params: Vec<Json> = plan.params.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let all = json!({
        "v": 1,
        "title": plan.title,
        "doc": plan.doc,
        "owner": plan.owner,
        "params": params,
        "locks": plan.locks,
        "forward": budget(&plan.forward),
        "back": budget(&plan.back),
        "steps": plan.nodes.iter().map(node).collect::<Vec<_>>(),
        "on_success": plan.on_success.iter().map(node).collect::<Vec<_>>(),
        "on_failure": plan.on_failure.iter().map(node).collect::<Vec<_>>(),
        "unwinding": plan.unwinding.iter().map(unwind).collect::<Vec<_>>(),
        "questions": plan.prompts.iter().map(prompt).chain(plan.questions.iter().map(asked)).collect::<Vec<_>>(),
        "trusted": plan.trusted.iter().map(remark).collect::<Vec<_>>(),
        "inexact": plan.inexact.iter().map(remark).collect::<Vec<_>>(),
    });
    format!("{all}\n")
}

fn seconds(time: Nanos) -> Json {
    let whole = time.0 / 1_000_000_000;
    let rest = time.0 % 1_000_000_000;
    if rest == 0 {
        return json!(whole);
    }
    let digits = format!("{whole}.{rest:09}");
    digits.trim_end_matches('0').parse::<serde_json::Number>().map_or(Json::Null, Json::Number)
}

fn budget(budget: &Budget) -> Json {
    json!({
        "limit": budget.limit.map(seconds),
        "worst": seconds(budget.worst),
        "unlimited": budget.unlimited,
        "unbounded": budget.unbounded,
    })
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Pure => "none",
        Effect::Read => "read",
        Effect::Notify => "notify",
        Effect::Write => "write",
    }
}

fn node(node_: &Node) -> Json {
    let mut out = json!({
        "path": node_.path,
        "kind": node_.kind.name(),
        "text": node_.text,
        "effect": effect(node_.effect),
    });
    let Some(fields) = out.as_object_mut() else { return out };
    let mut put = |key: &str, value: Json| {
        fields.insert(key.to_owned(), value);
    };
    if node_.readonly {
        put("readonly", Json::Bool(true));
    }
    if let Some(when) = &node_.when {
        put("when", json!(when));
    }
    if let Some(timeout) = node_.timeout {
        put("timeout", seconds(timeout));
    }
    if let Some(retry) = &node_.retry {
        put("retry", json!(retry));
    }
    if let Some(worst) = node_.worst {
        put("worst", seconds(worst));
    }
    if let Some(how) = &node_.undo {
        put("undo", undo(how));
    }
    if !node_.children.is_empty() {
        put("inside", node_.children.iter().map(node).collect());
    }
    out
}

fn undo(undo: &Undo) -> Json {
    json!({ "kind": undo.kind.name(), "text": undo.text, "timeout": undo.timeout.map(seconds) })
}

fn unwind(entry: &Unwind) -> Json {
    json!({
        "path": entry.path,
        "kind": entry.kind.name(),
        "name": entry.name,
        "text": entry.text,
        "timeout": entry.timeout.map(seconds),
        "inside": entry.inside.iter().map(unwind).collect::<Vec<_>>(),
    })
}

fn asked(asked: &Asked) -> Json {
    let (kind, detail) = match &asked.kind {
        AskedKind::Confirm => ("confirm", Json::Null),
        AskedKind::Irreversible => ("irreversible", Json::Null),
        AskedKind::Text(ty) => ("ask", json!(crate::value::read::name(ty))),
        AskedKind::Choose(options) => ("choose", json!(options)),
    };
    json!({ "path": asked.path, "label": asked.source, "text": asked.text, "kind": kind, "of": detail })
}

/// Before the first statement: it has no path.
fn prompt(prompt: &Prompt) -> Json {
    json!({ "path": "", "label": prompt.secret, "text": prompt.text, "kind": "secret", "of": Json::Null })
}

fn remark(remark: &Remark) -> Json {
    json!({ "path": remark.path, "text": remark.text })
}
