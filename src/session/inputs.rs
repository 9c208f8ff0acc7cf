//! The parameters of a run: from the command line, a file, the environment, a default, or a person; each checked
//! against its declaration. Nothing has run yet when they are known.
use crate::check::constant;
use crate::check::program::{NameId, NameInfo, Param, Program};
use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::value::{Record, SmolStr, Type, Value, json, read};

/// What a person gave, by parameter name.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--set name=text`
    pub set: Vec<(SmolStr, String)>,
    /// `--params FILE`: the file's name, and what is in it.
    pub file: Option<(String, Record)>,
}

/// A required parameter that nothing gives, for a person to answer.
#[derive(Clone, Copy, Debug)]
pub struct Missing<'a> {
    pub name: &'a str,
    pub param: &'a Param,
    /// What was wrong with the last answer.
    pub wrong: Option<&'a str>,
}

/// Every parameter with its value, defaults filled in and conditions checked. `ask` gets what is missing; `None` from it
/// leaves it missing. And everything wrong with them, at once: then nothing may run.
pub fn collect(
    program: &Program,
    given: &Given,
    ask: &mut dyn FnMut(Missing<'_>) -> Option<String>,
) -> (Vec<(NameId, Value)>, Vec<Diagnostic>) {
    let Some(book) = &program.book else { return (Vec::new(), Vec::new()) };
    let mut wrong = unknown(program, &book.params, given);
    let mut values: Vec<(NameId, Value)> = Vec::new();
    for param in &book.params {
        let Some(info) = program.names.get(param.name.0 as usize) else { continue };
        match one(info, param, given, &values, ask) {
            Ok(value) => values.push((param.name, value)),
            Err(diagnostic) => wrong.push(*diagnostic),
        }
    }
    (values, wrong)
}

fn one(
    info: &NameInfo,
    param: &Param,
    given: &Given,
    before: &[(NameId, Value)],
    ask: &mut dyn FnMut(Missing<'_>) -> Option<String>,
) -> Result<Value, Box<Diagnostic>> {
    let bad = |why: &str, source: &str| Box::new(bad(info, param, why, source));
    if let Some((source, value)) = from_outside(info, param, given) {
        let value = value.map_err(|why| {
            let mut bad = bad(&why, &source);
            bad.help = as_json(info, param, given);
            bad
        })?;
        return fits(param, &value, before).map(|()| value).map_err(|why| bad(&why, &source));
    }
    if let Some(default) = &param.default {
        let value = constant::value(default, before).map_err(|why| bad(&why, "its default"))?;
        return fits(param, &value, before).map(|()| value).map_err(|why| bad(&why, "its default"));
    }
    let mut wrong: Option<String> = None;
    while let Some(text) = ask(Missing { name: &info.text, param, wrong: wrong.as_deref() }) {
        let value = read::read(&param.ty, &text).and_then(|value| fits(param, &value, before).map(|()| value));
        match value {
            Ok(value) => return Ok(value),
            Err(why) => wrong = Some(why),
        }
    }
    Err(Box::new(missing(info, param)))
}

/// What the first of the three places says, and which one it is.
fn from_outside(info: &NameInfo, param: &Param, given: &Given) -> Option<(String, Result<Value, String>)> {
    let name = info.text.as_str();
    if let Some((_, text)) = given.set.iter().rev().find(|(set, _)| set == name) {
        return Some((format!("`--set {name}`"), read::read(&param.ty, text)));
    }
    if let Some((file, record)) = &given.file
        && let Some(value) = record.get(name)
    {
        return Some((format!("`{file}`"), read::fit(&param.ty, value.clone())));
    }
    let variable = format!("RBK_PARAM_{}", name.to_uppercase());
    let text = variable_text(&variable)?;
    Some((format!("`{variable}`"), read::read(&param.ty, &text)))
}

/// How a list that is no JSON is given: its words, parted at their commas.
fn as_json(info: &NameInfo, param: &Param, given: &Given) -> Option<String> {
    let name = info.text.as_str();
    let set = given.set.iter().rev().find(|(set, _)| set == name).map(|(_, text)| text.clone());
    let (before, text) = match set {
        Some(text) => (format!("--set '{name}="), text),
        None if given.file.as_ref().is_some_and(|(_, record)| record.get(name).is_some()) => return None,
        None => {
            let variable = format!("RBK_PARAM_{}", name.to_uppercase());
            let text = variable_text(&variable)?;
            (format!("{variable}='"), text)
        }
    };
    let Type::List(inner) = listed_type(&param.ty) else { return None };
    if json::parse(&text).is_ok() {
        return None;
    }
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let items: Vec<String> = words
        .map(|word| match **inner {
            Type::Int | Type::Decimal | Type::Bool if json::parse(word).is_ok() => word.to_owned(),
            _ => serde_json::Value::from(word.trim_matches('"')).to_string(),
        })
        .collect();
    Some(format!("a list is given as JSON: `{before}[{}]'`", items.join(",").replace('\'', "'\\''")))
}

fn listed_type(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => listed_type(inner),
        other => other,
    }
}

#[allow(clippy::disallowed_methods, reason = "parameters may come from the environment")]
fn variable_text(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Whether the parameter's `where` holds.
fn fits(param: &Param, value: &Value, before: &[(NameId, Value)]) -> Result<(), String> {
    let Some(condition) = &param.condition else { return Ok(()) };
    let mut names = before.to_vec();
    names.push((param.name, value.clone()));
    match constant::value(condition, &names) {
        Ok(Value::Bool(true)) => Ok(()),
        Ok(_) => Err(format!("`{}` does not meet its `where`", brief(value))),
        Err(why) => Err(format!("its `where` cannot be judged: {why}")),
    }
}

fn brief(value: &Value) -> String {
    crate::value::show::brief(&crate::value::show::show(value))
}

/// Names that no parameter has.
fn unknown(program: &Program, params: &[Param], given: &Given) -> Vec<Diagnostic> {
    let names = |param: &Param| program.names.get(param.name.0 as usize).map(|info| info.text.as_str());
    let known: Vec<&str> = params.iter().filter_map(names).collect();
    let set = given.set.iter().map(|(name, _)| (name, "`--set`".to_owned()));
    let file =
        given.file.iter().flat_map(|(file, record)| record.0.iter().map(move |(name, _)| (name, format!("`{file}`"))));
    let wrong = set.chain(file).filter(|(name, _)| !known.contains(&name.as_str()));
    wrong
        .map(|(name, source)| {
            let help = match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "the runbook has no parameters".to_owned(),
                None => format!("its parameters are {}", listed(&known)),
            };
            placeless(Code::BadInput, format!("the runbook has no parameter `{name}`, given by {source}")).help(help)
        })
        .collect()
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// About what was given, which stands in no file.
fn placeless(code: Code, message: String) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(code, message, Span::default(), "");
    diagnostic.labels.clear();
    diagnostic
}

fn bad(info: &NameInfo, param: &Param, why: &str, source: &str) -> Diagnostic {
    let message = format!("the parameter `{}` cannot be taken from {source}: {why}", info.text);
    let label = match &param.condition {
        Some(condition) => (condition.span, "this must hold".to_owned()),
        None => (info.span, format!("declared here as {}", read::name(&param.ty))),
    };
    Diagnostic::error(Code::BadInput, message, label.0, label.1)
}

fn missing(info: &NameInfo, param: &Param) -> Diagnostic {
    let name = &info.text;
    let message = format!("the parameter `{name}` is missing");
    let label = format!("{}, without a default", read::name(&param.ty));
    let mut help =
        format!("give it with `--set {name}=…`, in a `--params` file, or as `RBK_PARAM_{}`", name.to_uppercase());
    if let Some(doc) = &param.doc {
        help = format!("{}\n{help}", doc.trim());
    }
    Diagnostic::error(Code::MissingInput, message, info.span, label).help(help)
}

/// `name=text` of `--set`.
///
/// # Errors
/// There is no `=` in it.
pub fn assignment(text: &str) -> Result<(SmolStr, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, like 'version=v2'")?;
    Ok((SmolStr::new(name.trim()), value.to_owned()))
}

/// The parameters in a JSON or TOML file.
///
/// # Errors
/// One line for a person: it cannot be read, or is neither of them.
pub fn file(path: &str) -> Result<(String, Record), String> {
    let bytes = super::disk::bytes(path).map_err(|e| format!("cannot read `{path}`: {}", super::reason(&e)))?;
    let text = super::disk::text(path, bytes)?;
    // Editors elsewhere put a byte order mark before it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let toml = std::path::Path::new(path).extension().is_some_and(|extension| extension == "toml");
    let value = if toml { from_toml(text) } else { json::parse(text) };
    match value {
        Ok(Value::Record(record)) => Ok((path.to_owned(), (*record).clone())),
        Ok(_) => Err(format!("`{path}` does not hold an object with one field for each parameter")),
        Err(why) => Err(format!("cannot read `{path}`: {why}")),
    }
}

fn from_toml(text: &str) -> Result<Value, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        format!("not TOML: line {line}: {}", error.message())
    })?;
    plain(&toml::Value::Table(table))
}

fn plain(value: &toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::str(text.as_str()),
        toml::Value::Integer(n) => Value::Int(*n),
        // The digits as TOML shows them, not the binary fraction.
        toml::Value::Float(n) => json::parse(&n.to_string()).map_err(|_| format!("`{n}` is not a number here"))?,
        toml::Value::Boolean(b) => Value::Bool(*b),
        toml::Value::Datetime(at) => Value::str(at.to_string()),
        toml::Value::Array(items) => Value::list(items.iter().map(plain).collect::<Result<_, _>>()?),
        toml::Value::Table(table) => {
            let fields = table.iter().map(|(key, value)| Ok((SmolStr::new(key), plain(value)?)));
            Value::record(fields.collect::<Result<Vec<_>, String>>()?)
        }
    })
}
