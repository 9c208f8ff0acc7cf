//! Prometheus: instant queries that return exactly one number. No data is an error, never zero.
use crate::effects::Cancel;
use crate::effects::http::{Http, Request, part};
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::encode::{How, Part, promql};
use crate::value::number::{exact, from_seconds, parse_decimal};
use crate::value::{Connection, Response, SmolStr, Value, json, show};

/// The Prometheus provider.
#[derive(Default)]
pub struct Prometheus {
    http: Http,
}

/// What the number is.
#[derive(Clone, Copy)]
enum Unit {
    Plain,
    Seconds,
}

impl Prometheus {
    #[must_use]
    pub fn over(http: Http) -> Prometheus {
        Prometheus { http }
    }

    /// Returns once the call has ended, also after a cancel.
    pub async fn call(&self, call: &Call, cancel: Cancel) -> Outcome {
        let What::Native { action, on: Some(on), args, .. } = &call.what else {
            return failed(FailureKind::Value, "this is not a call on a Prometheus connection".to_owned());
        };
        let name = action.rsplit('.').next().unwrap_or(action);
        let (query, unit) = match query(name, args) {
            Ok(found) => found,
            Err(message) => return failed(FailureKind::Value, message),
        };
        let request = match request(on, &query) {
            Ok(request) => request,
            Err(message) => return failed(FailureKind::Value, message),
        };
        let response = match self.http.send(&request, cancel).await.1 {
            Ok(response) => response,
            Err(failure) => return Outcome::failed(Ending::None, failure),
        };
        match self.sample(&response) {
            Ok(number) => match unit {
                Unit::Plain => Outcome::done(number),
                Unit::Seconds => match exact(&number).ok_or_else(String::new).and_then(|n| from_seconds(&n)) {
                    Ok(duration) => Outcome::done(duration),
                    Err(message) => failed(FailureKind::Value, message),
                },
            },
            Err(mut failure) => {
                failure.notes.push(format!("the query: {}", show::escape(&query)));
                Outcome::failed(Ending::None, failure)
            }
        }
    }

    /// The one sample of an answer.
    fn sample(&self, response: &Response) -> Result<Value, Failure> {
        let wrong = |message: &str| Failure::new(FailureKind::Value, message);
        let answer = response.text().and_then(|text| json::parse(&text));
        let field = |value: &Value, name: &str| match value {
            Value::Record(r) => r.get(name).cloned().unwrap_or(Value::Null),
            _ => Value::Null,
        };
        if !response.is_success() {
            return Err(match answer.as_ref().map(|a| field(a, "error")) {
                Ok(Value::Str(error)) => {
                    Failure::new(FailureKind::Failed, format!("the query was refused: {}", show::escape(&error)))
                }
                _ => self.http.refused("the query", response),
            });
        }
        let answer = answer.map_err(|e| wrong(&format!("the answer is {e}")))?;
        let data = field(&answer, "data");
        let point = match (field(&data, "resultType"), field(&data, "result")) {
            (Value::Str(kind), Value::List(series)) if &*kind == "vector" => match series.as_slice() {
                [] => return Err(wrong("the query found no data")),
                [one] => field(one, "value"),
                many => {
                    let mut failure =
                        wrong(&format!("exactly one sample was expected, and the query found {}", many.len()));
                    failure.help = Some("aggregate it, `sum(…)`, `max(…)`, or name the labels of one".to_owned());
                    let first = many.iter().take(3).map(|one| show::literal(&field(one, "metric")));
                    failure.notes.push(format!("the first of them: {}", first.collect::<Vec<_>>().join(", ")));
                    return Err(failure);
                }
            },
            (Value::Str(kind), point @ Value::List(_)) if &*kind == "scalar" => point,
            (Value::Str(kind), _) => {
                return Err(wrong(&format!("one number was expected, and the query is a {}", show::brief(&kind))));
            }
            _ => return Err(wrong("this is not an answer of Prometheus")),
        };
        match point {
            Value::List(pair) => match pair.last() {
                Some(Value::Str(text)) if matches!(&**text, "NaN" | "+Inf" | "-Inf") => Err(wrong(&format!(
                    "the result is `{text}`, not a number: there is nothing to divide by, or no data"
                ))),
                Some(Value::Str(text)) => parse_decimal(text).map_err(|e| wrong(&e)),
                _ => Err(wrong("this is not an answer of Prometheus")),
            },
            _ => Err(wrong("this is not an answer of Prometheus")),
        }
    }
}

fn failed(kind: FailureKind, message: String) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(kind, message))
}

fn request(on: &Connection, query: &str) -> Result<Request, String> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", query);
    Request::get(on, &format!("/api/v1/query?{}", form.finish()))
}

fn query(name: &str, args: &[(SmolStr, Arg)]) -> Result<(String, Unit), String> {
    let value = |wanted: &str| {
        args.iter()
            .find_map(|(key, arg)| match arg {
                Arg::Value(value) if key == wanted => Some(value.expose().0),
                _ => None,
            })
            .ok_or_else(|| format!("`{wanted}` is missing"))
    };
    let labels = value("labels").ok().filter(|labels| **labels != Value::Null);
    let fill = |parts: &[Part<'_>]| promql::query(parts);
    match name {
        "value" | "seconds" => {
            let pieces = args.iter().find_map(|(_, arg)| match arg {
                Arg::Code(pieces) => Some(pieces),
                Arg::Value(_) => None,
            });
            let parts: Vec<Part> = pieces.ok_or("the query is missing")?.iter().map(part).collect();
            Ok((fill(&parts)?, if name == "value" { Unit::Plain } else { Unit::Seconds }))
        }
        "error_ratio" => {
            let (metric, over) = (metric(value("metric")?)?, value("over")?);
            let (bad, all) = (selector(&metric, labels, &["status=~\"5..\""])?, selector(&metric, labels, &[])?);
            // No failed request at all is a ratio of zero; no request at all is no data.
            let failed = format!("(sum(rate({bad}[");
            let all = format!("])) or vector(0)) / sum(rate({all}[");
            let over = Part::Value(over, How::Label);
            Ok((fill(&[Part::Text(&failed), over, Part::Text(&all), over, Part::Text("]))")])?, Unit::Plain))
        }
        "percentile" => {
            let (metric, over, quantile) = (metric(value("metric")?)?, value("over")?, value("quantile")?);
            let bucket = if metric.ends_with("_bucket") { metric } else { format!("{metric}_bucket") };
            let rate = format!(", sum by (le) (rate({}[", selector(&bucket, labels, &[])?);
            let parts = [
                Part::Text("histogram_quantile("),
                Part::Value(quantile, How::Label),
                Part::Text(&rate),
                Part::Value(over, How::Label),
                Part::Text("])))"),
            ];
            Ok((fill(&parts)?, Unit::Seconds))
        }
        _ => Err(format!("there is no action `prometheus.{name}`")),
    }
}

/// `metric{label="value",…}`; `more` stands in the braces as it is.
fn selector(metric: &str, labels: Option<&Value>, more: &[&str]) -> Result<String, String> {
    let mut inside = Vec::new();
    if let Some(labels) = labels {
        let Value::Record(labels) = labels else { return Err("`labels` is a record".to_owned()) };
        for (name, value) in &labels.0 {
            if name.contains(':') || !is_name(name) {
                return Err(format!("`{}` is not a label's name", show::brief(name)));
            }
            let parts = [Part::Text("{"), Part::Value(value, How::Label)];
            let quoted = promql::query(&parts).map_err(|e| format!("the label `{name}`: {e}"))?;
            inside.push(format!("{name}={}", quoted.trim_start_matches('{')));
        }
    }
    inside.extend(more.iter().map(|text| (*text).to_owned()));
    Ok(if inside.is_empty() { metric.to_owned() } else { format!("{metric}{{{}}}", inside.join(",")) })
}

fn is_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    let mut chars = name.chars();
    chars.next().is_some_and(start) && chars.all(|c| start(c) || c.is_ascii_digit())
}

fn metric(name: &Value) -> Result<String, String> {
    let Value::Str(name) = name else { return Err(format!("a metric's name is a string, not {}", show::kind(name))) };
    if is_name(name) { Ok(name.to_string()) } else { Err(format!("`{}` is not a metric's name", show::brief(name))) }
}
